//! Sinks that are objects: what they may do while they are called.

use msgpump::wbem::{
    CallId, Callbacks, Object, ObjectSink, Received, Services, Sink, SinkStatus, WbemError, WbemStatus,
};
use msgpump::{Budget, Pump};
use std::cell::RefCell;
use std::rc::Rc;

use crate::support::{Heard, Stage, heard, status};

/// What an object that is a sink has heard, and what it does in return.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) heard: Vec<String>,
    pub(crate) depth: usize,
    /// Where it cancels: in `indicate`, `progress` or `status`.
    pub(crate) cancels_in: Option<&'static str>,
    /// Where it fails.
    pub(crate) fails_in: Option<&'static str>,
    pub(crate) panics: bool,
    pub(crate) nests: bool,
    /// What its cancels returned.
    pub(crate) cancelled: Vec<WbemStatus>,
    /// Whom it cancels, if not itself.
    pub(crate) other: Option<Sink>,
}

/// A sink that does what its script says.
#[derive(Clone)]
struct Scripted {
    script: Rc<RefCell<Script>>,
    stage: Rc<RefCell<Option<(Services, Callbacks<u32>, Sink)>>>,
}

/// A scripted sink, and who calls it.
pub(crate) struct Actor {
    pub(crate) script: Rc<RefCell<Script>>,
    pub(crate) sink: Sink,
    callbacks: Callbacks<u32>,
}

impl Actor {
    pub(crate) fn new(stage: &Stage, script: Script) -> Actor {
        let callbacks = Callbacks::new(&stage.server);
        let object = Scripted { script: Rc::new(RefCell::new(script)), stage: Rc::default() };
        let sink = callbacks.sink(stage.pump.root_window(), object.clone());
        *object.stage.borrow_mut() = Some((stage.services.clone(), callbacks.clone(), sink.clone()));
        Actor { script: object.script, sink, callbacks }
    }

    /// Lets the pump run for so many turns, and calls the sink; gives what others heard.
    pub(crate) fn run(&self, stage: &mut Stage, turns: usize) -> Vec<Heard> {
        let mut others = Vec::new();
        for _ in 0..turns {
            stage.turn();
            while let Some(received) = stage.server.next_message(&mut stage.pump) {
                let Received::Sink(message) = received else { panic!("{received:?}") };
                others.extend(self.callbacks.dispatch(&mut stage.pump, message).map(heard));
            }
        }
        others
    }
}

impl Scripted {
    fn hears(&self, pump: &mut Pump<u32>, what: &'static str, text: String) {
        {
            let mut script = self.script.borrow_mut();
            assert_eq!(script.depth, 0, "callbacks never nest for one sink");
            script.depth += 1;
            script.heard.push(text);
        }
        let (services, callbacks, sink) = self.stage.borrow().clone().unwrap();
        if self.script.borrow().cancels_in == Some(what) {
            let sink = self.script.borrow().other.clone().unwrap_or(sink);
            let returned = status(services.cancel_async_call(pump, &sink));
            self.script.borrow_mut().cancelled.push(returned);
        }
        if self.script.borrow().nests {
            let _ = pump.turn(Budget::no_wait()).unwrap();
            while let Some(received) = services.server().next_message(pump) {
                let Received::Sink(message) = received else { panic!("{received:?}") };
                assert!(callbacks.dispatch(pump, message).is_none());
            }
        }
        self.script.borrow_mut().depth -= 1;
    }

    fn fails(&self, what: &'static str) -> Result<(), WbemError> {
        if self.script.borrow().fails_in == Some(what) { Err(WbemStatus::Failed.into()) } else { Ok(()) }
    }
}

impl ObjectSink<u32> for Scripted {
    fn indicate(&mut self, pump: &mut Pump<u32>, _: CallId, objects: &[Object]) -> Result<(), WbemError> {
        self.hears(pump, "indicate", format!("I{}", objects.len()));
        assert!(!self.script.borrow().panics, "as it was told");
        self.fails("indicate")
    }

    fn progress(&mut self, pump: &mut Pump<u32>, _: CallId, _: u16, _: u16) -> Result<(), WbemError> {
        self.hears(pump, "progress", "P".into());
        self.fails("progress")
    }

    fn set_status(&mut self, pump: &mut Pump<u32>, _: CallId, status: &SinkStatus) {
        self.hears(pump, "status", format!("S {}", status.status));
    }
}

/// Runs a query whose sink is an object, to its end.
fn scripted(script: Script) -> (Rc<RefCell<Script>>, Stage) {
    let mut stage = Stage::new(5);
    let actor = Actor::new(&stage, script);
    stage.ask(&actor.sink);
    assert_eq!(actor.run(&mut stage, 12), []);
    (actor.script.clone(), stage)
}

#[test]
fn a_callback_that_panics_cancels_its_call() {
    let mut stage = Stage::new(5);
    let callbacks = Callbacks::new(&stage.server);
    let script = Script { panics: true, ..Script::default() };
    let object = Scripted { script: Rc::new(RefCell::new(script)), stage: Rc::default() };
    let sink = callbacks.sink(stage.pump.root_window(), object.clone());
    *object.stage.borrow_mut() = Some((stage.services.clone(), callbacks.clone(), sink.clone()));
    stage.ask(&sink);
    stage.turn();
    let message = stage.take().remove(0);
    let pump = &mut stage.pump;
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| callbacks.dispatch(pump, message)));
    assert!(caught.is_err());
    object.script.borrow_mut().panics = false;
    for _ in 0..5 {
        stage.turn();
        for message in stage.take() {
            callbacks.dispatch(&mut stage.pump, message);
        }
    }
    assert_eq!(object.script.borrow().heard, ["I1", "S WBEM_E_CALL_CANCELLED"]);
}

#[test]
fn a_panic_does_not_keep_back_what_waits() {
    let mut stage = Stage::new(2);
    let callbacks = Callbacks::new(&stage.server);
    let script = Script { panics: true, nests: true, ..Script::default() };
    let object = Scripted { script: Rc::new(RefCell::new(script)), stage: Rc::default() };
    let sink = callbacks.sink(stage.pump.root_window(), object.clone());
    *object.stage.borrow_mut() = Some((stage.services.clone(), callbacks.clone(), sink.clone()));
    stage.ask(&sink);
    stage.turns(4);
    let Some(Received::Sink(message)) = stage.server.next_message(&mut stage.pump) else { panic!("there are rows") };
    let pump = &mut stage.pump;
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| callbacks.dispatch(pump, message)));
    assert!(caught.is_err());
    for _ in 0..5 {
        stage.turn();
        for message in stage.take() {
            callbacks.dispatch(&mut stage.pump, message);
        }
    }
    let heard = object.script.borrow().heard.clone();
    assert_eq!((heard.len(), &*heard[1]), (2, "S WBEM_E_CALL_CANCELLED"), "{heard:?}");
}

#[test]
fn a_nested_loop_never_calls_a_sink_inside_its_own_callback() {
    let script = Script { nests: true, ..Script::default() };
    let (script, _) = scripted(script);
    assert_eq!(script.borrow().heard, ["I1", "I1", "I1", "I1", "I1", "S WBEM_S_NO_ERROR"]);
}

#[test]
fn a_nested_loop_and_a_cancel_leave_one_status() {
    let script = Script { nests: true, cancels_in: Some("indicate"), ..Script::default() };
    let (script, _) = scripted(script);
    assert_eq!(script.borrow().heard, ["I1", "S WBEM_E_CALL_CANCELLED"]);
}

#[test]
fn an_object_goes_with_its_last_call() {
    let mut stage = Stage::new(2);
    let callbacks = Callbacks::new(&stage.server);
    let object = Scripted { script: Rc::default(), stage: Rc::default() };
    let script = object.script.clone();
    let sink = callbacks.sink(stage.pump.root_window(), object.clone());
    *object.stage.borrow_mut() = Some((stage.services.clone(), callbacks.clone(), stage.sink()));
    stage.ask(&sink);
    drop((sink, object));
    assert_eq!(Rc::strong_count(&script), 2);
    for _ in 0..4 {
        stage.turn();
        for message in stage.take() {
            callbacks.dispatch(&mut stage.pump, message);
        }
    }
    assert_eq!(script.borrow().heard, ["I1", "I1", "S WBEM_S_NO_ERROR"]);
    assert_eq!(Rc::strong_count(&script), 1);
}

/// Writes down what it hears, and lets others hear at once that they are cancelled.
struct Meddling {
    heard: Rc<RefCell<Vec<String>>>,
    name: &'static str,
    others: Option<(Services, Callbacks<u32>, Sink)>,
}

impl ObjectSink<u32> for Meddling {
    fn indicate(&mut self, pump: &mut Pump<u32>, _: CallId, objects: &[Object]) -> Result<(), WbemError> {
        self.heard.borrow_mut().push(format!("{} I{}", self.name, objects.len()));
        let Some((services, callbacks, other)) = self.others.take() else { return Ok(()) };
        services.cancel_async_call(pump, &other)?;
        let _ = pump.turn(Budget::no_wait()).unwrap();
        while let Some(Received::Sink(message)) = services.server().next_message(pump) {
            assert!(callbacks.dispatch(pump, message).is_none());
        }
        Ok(())
    }

    fn set_status(&mut self, _: &mut Pump<u32>, _: CallId, status: &SinkStatus) {
        self.heard.borrow_mut().push(format!("{} S {}", self.name, status.status));
    }
}

#[test]
fn objects_in_the_programs_hand_are_silent_also_when_their_sink_knows_of_the_cancel() {
    let mut stage = Stage::new(3);
    let callbacks = Callbacks::new(&stage.server);
    let heard = Rc::new(RefCell::new(Vec::new()));
    let window = stage.pump.root_window();
    let other = callbacks.sink(window, Meddling { heard: heard.clone(), name: "other", others: None });
    let others = Some((stage.services.clone(), callbacks.clone(), other.clone()));
    let first = callbacks.sink(window, Meddling { heard: heard.clone(), name: "first", others });
    stage.ask(&first);
    stage.ask(&other);
    stage.turn();
    let hand = stage.take();
    assert_eq!(hand.len(), 2);
    for message in hand {
        callbacks.dispatch(&mut stage.pump, message);
    }
    assert_eq!(*heard.borrow(), ["first I1", "other S WBEM_E_CALL_CANCELLED"]);
}
