//! The table of cancel: in each state of a call, what is returned, what the sink hears, what the provider sees.

use msgpump::wbem::{CallId, Callbacks, Flags, Object, ObjectSink, Received, Sink, SinkStatus, WbemError, WbemStatus};
use msgpump::{Budget, Pump};
use std::cell::RefCell;
use std::rc::Rc;

use crate::support::{Heard, Stage, keys, statuses};

/// What came of a cancel.
#[derive(Debug, PartialEq)]
struct Outcome {
    returned: WbemStatus,
    /// What the sink heard after the cancel had returned: the number of objects, and the statuses.
    objects: usize,
    statuses: Vec<WbemStatus>,
}

fn outcome(returned: WbemStatus, heard: &[Heard]) -> Outcome {
    Outcome { returned, objects: keys(heard).len(), statuses: statuses(heard) }
}

/// Cancels, and runs on for a while.
fn cancel(stage: &mut Stage, sink: &Sink) -> Outcome {
    let returned = stage.cancel(sink);
    let heard = stage.run(10);
    let heard: Vec<_> = heard.into_iter().filter(|heard| heard.sink == sink.id()).collect();
    outcome(returned, &heard)
}

const ENDED: &[WbemStatus] = &[WbemStatus::CallCancelled];
const OK: WbemStatus = WbemStatus::SNoError;
const UNKNOWN: WbemStatus = WbemStatus::NotFound;

/// A row of the table: what is done, and what must come of it.
struct Row {
    state: &'static str,
    act: fn(&mut Stage, &Sink) -> Outcome,
    returned: WbemStatus,
    objects: usize,
    statuses: &'static [WbemStatus],
    /// How often the provider was asked in all, where that is certain.
    steps: Option<usize>,
}

const TABLE: &[Row] = &[
    Row { state: "2, C01: never used", act: cancel, returned: UNKNOWN, objects: 0, statuses: &[], steps: Some(0) },
    Row { state: "3, C03: accepted", act: accepted, returned: OK, objects: 0, statuses: ENDED, steps: Some(0) },
    Row { state: "4, C02: running", act: running, returned: OK, objects: 0, statuses: ENDED, steps: Some(3) },
    Row { state: "5: rows wait", act: rows_wait, returned: OK, objects: 0, statuses: ENDED, steps: Some(3) },
    Row {
        state: "6, C04: the final waits",
        act: final_waits,
        returned: OK,
        objects: 0,
        statuses: ENDED,
        steps: Some(10),
    },
    Row {
        state: "6: the final of a refused call waits",
        act: refused,
        returned: OK,
        objects: 0,
        statuses: ENDED,
        steps: Some(0),
    },
    Row {
        state: "7, C07: the final is told",
        act: final_told,
        returned: UNKNOWN,
        objects: 0,
        statuses: &[],
        steps: Some(10),
    },
    Row {
        state: "8: cancelled before",
        act: cancelled_twice,
        returned: UNKNOWN,
        objects: 0,
        statuses: ENDED,
        steps: Some(0),
    },
    Row {
        state: "3: method accepted",
        act: method_accepted,
        returned: OK,
        objects: 0,
        statuses: ENDED,
        steps: Some(0),
    },
    Row { state: "9, C09: method", act: method, returned: OK, objects: 0, statuses: ENDED, steps: Some(0) },
    Row { state: "10: put", act: put, returned: OK, objects: 0, statuses: ENDED, steps: Some(0) },
    Row {
        state: "17, C08: shared",
        act: shared,
        returned: OK,
        objects: 0,
        statuses: &[WbemStatus::CallCancelled, WbemStatus::CallCancelled],
        steps: None,
    },
    Row { state: "19: other sink", act: other_sink, returned: UNKNOWN, objects: 10, statuses: &[OK], steps: Some(10) },
    Row { state: "20: never answers", act: never_answers, returned: OK, objects: 0, statuses: ENDED, steps: Some(0) },
    Row { state: "25: other handle", act: other_handle, returned: OK, objects: 0, statuses: ENDED, steps: Some(0) },
    Row { state: "26: enumerator", act: enumerator, returned: OK, objects: 0, statuses: ENDED, steps: None },
];

#[test]
fn the_table_of_cancel() {
    for row in TABLE {
        let mut stage = Stage::new(10);
        let sink = stage.sink();
        let found = (row.act)(&mut stage, &sink);
        let statuses = row.statuses.to_vec();
        assert_eq!(found, Outcome { returned: row.returned, objects: row.objects, statuses }, "{}", row.state);
        if let Some(steps) = row.steps {
            assert_eq!(stage.slow.stats.steps.get(), steps, "{}: steps of the provider", row.state);
        }
        assert_eq!(sink.holders(), 1, "{}: nobody keeps the sink", row.state);
    }
}

fn accepted(stage: &mut Stage, sink: &Sink) -> Outcome {
    stage.ask(sink);
    let outcome = cancel(stage, sink);
    assert_eq!(stage.slow.stats.opened.get(), 0);
    outcome
}

fn running(stage: &mut Stage, sink: &Sink) -> Outcome {
    stage.ask(sink);
    assert_eq!(keys(&stage.run(3)).len(), 3);
    let outcome = cancel(stage, sink);
    assert_eq!((stage.slow.stats.told_cancelled.get(), stage.slow.stats.dropped.get()), (1, 1));
    outcome
}

fn rows_wait(stage: &mut Stage, sink: &Sink) -> Outcome {
    stage.ask(sink);
    stage.turns(3);
    cancel(stage, sink)
}

fn final_waits(stage: &mut Stage, sink: &Sink) -> Outcome {
    stage.ask_for("SELECT * FROM Slow WHERE Id > 100", sink);
    stage.turns(12);
    assert_eq!(stage.slow.stats.dropped.get(), 1, "the provider has ended");
    let outcome = cancel(stage, sink);
    assert_eq!(stage.slow.stats.told_cancelled.get(), 0);
    outcome
}

fn refused(stage: &mut Stage, sink: &Sink) -> Outcome {
    stage.ask_for("invalid query", sink);
    stage.turn();
    cancel(stage, sink)
}

fn final_told(stage: &mut Stage, sink: &Sink) -> Outcome {
    stage.ask(sink);
    assert_eq!(statuses(&stage.run(12)), [OK]);
    cancel(stage, sink)
}

fn cancelled_twice(stage: &mut Stage, sink: &Sink) -> Outcome {
    stage.ask(sink);
    assert_eq!(stage.cancel(sink), OK);
    cancel(stage, sink)
}

fn method(stage: &mut Stage, sink: &Sink) -> Outcome {
    stage.work(100, sink);
    stage.turn();
    assert_eq!(stage.slow.stats.finished.get(), 0);
    let outcome = cancel(stage, sink);
    assert_eq!(stage.slow.stats.finished.get(), 1, "it runs to its end");
    outcome
}

/// A method that nobody was asked to run yet does not run.
fn method_accepted(stage: &mut Stage, sink: &Sink) -> Outcome {
    stage.work(1, sink);
    let outcome = cancel(stage, sink);
    assert_eq!(stage.slow.stats.worked.get(), 0);
    outcome
}

fn put(stage: &mut Stage, sink: &Sink) -> Outcome {
    let class = stage.services.get_object(&mut stage.pump, "Slow", Flags::NONE).unwrap().class().clone();
    let row = crate::support::instance(&class, &[("Id", 3_u32.into())]);
    stage.services.put_instance_async(&mut stage.pump, &row, Flags::NONE, sink).unwrap();
    stage.turn();
    let outcome = cancel(stage, sink);
    assert_eq!(stage.slow.stats.put.get(), 1, "it is done all the same");
    outcome
}

/// Two calls are pending and one is over; a call of another sink goes on.
fn shared(stage: &mut Stage, sink: &Sink) -> Outcome {
    let other = stage.sink();
    stage.ask_for("SELECT * FROM Slow WHERE Id = 3", sink);
    assert_eq!(statuses(&stage.run(3)), [OK]);
    let first = stage.ask(sink);
    stage.ask(&other);
    let second = stage.work(5, sink);
    let returned = stage.cancel(sink);
    let heard = stage.run(12);
    let (ours, others): (Vec<_>, Vec<_>) = heard.into_iter().partition(|heard| heard.sink == sink.id());
    assert_eq!(
        ours.iter().map(|heard| heard.call).collect::<Vec<_>>(),
        [first, second],
        "in the order of their starts"
    );
    assert_eq!((keys(&others).len(), statuses(&others)), (10, vec![OK]));
    outcome(returned, &ours)
}

/// A sink in the same window is another sink.
fn other_sink(stage: &mut Stage, sink: &Sink) -> Outcome {
    stage.ask(sink);
    let other = Sink::new(sink.window());
    let returned = stage.cancel(&other);
    outcome(returned, &stage.run(12))
}

fn never_answers(stage: &mut Stage, sink: &Sink) -> Outcome {
    stage.services.exec_method_async(&mut stage.pump, "Slow.Id=0", "Elsewhere", None, Flags::NONE, sink).unwrap();
    assert_eq!(stage.run(5), []);
    let outcome = cancel(stage, sink);
    stage.slow.replies.borrow_mut().clear();
    assert_eq!(stage.run(3), [], "what comes late is not heard");
    outcome
}

fn other_handle(stage: &mut Stage, sink: &Sink) -> Outcome {
    stage.ask(sink);
    let other = stage.server.connect(&mut stage.pump, "root").unwrap();
    let returned = crate::support::status(other.cancel_async_call(&mut stage.pump, &sink.clone()));
    outcome(returned, &stage.run(10))
}

fn enumerator(stage: &mut Stage, sink: &Sink) -> Outcome {
    let flags = Flags::RETURN_IMMEDIATELY;
    let mut rows = stage.services.exec_query(&mut stage.pump, "WQL", "SELECT * FROM Slow", flags).unwrap();
    stage.run(2);
    rows.next_async(&mut stage.pump, 5, sink).unwrap().unwrap();
    assert_eq!(keys(&stage.run(2)).len(), 3);
    let outcome = cancel(stage, sink);
    let left = rows.next(&mut stage.pump, Some(std::time::Duration::ZERO), 10).unwrap();
    assert_eq!(left.objects.len(), 5, "it stays behind what was promised to the sink");
    outcome
}

/// A message that was taken from the pump before the cancel is silent after it.
#[test]
fn a_message_in_the_programs_hand_is_silent_after_the_cancel() {
    let mut stage = Stage::new(3);
    let sink = stage.sink();
    stage.ask(&sink);
    stage.turns(5);
    let taken: Vec<_> = std::iter::from_fn(|| stage.pump.next_message()).collect();
    assert!(taken.len() >= 3);
    assert_eq!(stage.cancel(&sink), OK);
    for message in taken {
        assert!(stage.server.translate(&mut stage.pump, message).is_none());
    }
    assert_eq!(statuses(&stage.run(3)), ENDED);
}

#[test]
fn c12_a_sink_that_the_program_dropped_is_told_all_the_same() {
    let mut stage = Stage::new(2);
    let sink = stage.sink();
    let id = sink.id();
    stage.ask(&sink);
    drop(sink);
    let heard = stage.run(4);
    assert!(heard.iter().all(|heard| heard.sink == id));
    assert_eq!((keys(&heard).len(), statuses(&heard)), (2, vec![OK]));
}

#[test]
fn c13_the_server_ends_with_one_status_for_each_call() {
    let mut stage = Stage::new(10);
    let sinks: Vec<_> = (0..3).map(|_| stage.sink()).collect();
    let calls: Vec<_> = sinks.iter().map(|sink| stage.ask(sink)).collect();
    stage.turns(2);
    stage.pump.quit(0);
    assert!(stage.server.get_message(&mut stage.pump).unwrap().is_none_or(|it| matches!(it, Received::Sink(_))));
    let last: Vec<_> = stage.server.shut_down(&mut stage.pump).into_iter().map(crate::support::heard).collect();
    assert_eq!(last.iter().map(|heard| heard.call).collect::<Vec<_>>(), calls);
    assert_eq!(statuses(&last), [WbemStatus::ShuttingDown; 3]);
    let refused = stage.services.exec_query_async(&mut stage.pump, "WQL", "SELECT * FROM Slow", Flags::NONE, &sinks[0]);
    assert_eq!(crate::support::status(refused), WbemStatus::ShuttingDown);
    assert_eq!(stage.slow.stats.dropped.get(), 3);
    assert!(stage.server.shut_down(&mut stage.pump).is_empty());
}

#[test]
fn c23_calls_end_with_their_handle() {
    let mut stage = Stage::new(10);
    let other = stage.server.connect(&mut stage.pump, r"root\cimv2").unwrap();
    let (mine, theirs) = (stage.sink(), stage.sink());
    stage.ask(&mine);
    other.exec_query_async(&mut stage.pump, "WQL", "SELECT * FROM Slow", Flags::NONE, &theirs).unwrap();
    let flags = Flags::SEMISYNCHRONOUS;
    let other_rows = other.exec_query(&mut stage.pump, "WQL", "SELECT * FROM Slow", flags).unwrap();
    let copy = other.clone();
    drop(other);
    assert_eq!(statuses(&stage.run(2)), [], "a clone is the same handle");
    drop(copy);
    let mut rows = other_rows;
    let heard = stage.run(10);
    let before = rows.next(&mut stage.pump, Some(std::time::Duration::ZERO), 9).unwrap();
    assert!(before.objects.len() < 9, "what came before the end is kept");
    let ended = rows.next(&mut stage.pump, Some(std::time::Duration::ZERO), 1);
    assert_eq!(crate::support::status(ended), WbemStatus::CallCancelled);
    let of_theirs: Vec<_> = heard.iter().filter(|heard| heard.sink == theirs.id()).cloned().collect();
    assert_eq!((keys(&of_theirs).len(), statuses(&of_theirs)), (0, ENDED.to_vec()));
    assert_eq!(statuses(&heard).len(), 2);
}

#[test]
fn a_sink_whose_window_is_destroyed_hears_nothing_more() {
    let mut stage = Stage::new(10);
    let window = stage.pump.open_window();
    let sink = Sink::new(window);
    stage.ask(&sink);
    stage.work(100, &sink);
    stage.turns(2);
    stage.pump.destroy_window(window);
    assert_eq!(stage.run(10), []);
    assert_eq!(stage.slow.stats.finished.get(), 1, "a method runs to its end");
    let query = "SELECT * FROM Slow";
    let refused = stage.services.exec_query_async(&mut stage.pump, "WQL", query, Flags::NONE, &sink);
    assert_eq!(crate::support::status(refused), WbemStatus::InvalidParameter);
    // The table is looked after when it has grown.
    for _ in 0..200 {
        let sink = stage.sink();
        stage.ask(&sink);
    }
    assert_eq!(sink.holders(), 1);
}

/// What an object that is a sink has heard, and what it does in return.
#[derive(Default)]
struct Script {
    heard: Vec<String>,
    depth: usize,
    cancels_in: Option<&'static str>,
    fails_after: Option<usize>,
    panics: bool,
    nests: bool,
    cancelled: Vec<WbemStatus>,
    other: Option<Sink>,
}

#[derive(Clone)]
struct Scripted {
    script: Rc<RefCell<Script>>,
    stage: Rc<RefCell<Option<(msgpump::wbem::Services, Callbacks<u32>, Sink)>>>,
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
            let returned = crate::support::status(services.cancel_async_call(pump, &sink));
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
}

impl ObjectSink<u32> for Scripted {
    fn indicate(&mut self, pump: &mut Pump<u32>, _: CallId, objects: &[Object]) -> Result<(), WbemError> {
        self.hears(pump, "indicate", format!("I{}", objects.len()));
        let script = self.script.borrow();
        assert!(!script.panics, "as it was told");
        match script.fails_after {
            Some(after) if script.heard.len() > after => Err(WbemStatus::Failed.into()),
            _ => Ok(()),
        }
    }

    fn progress(&mut self, pump: &mut Pump<u32>, _: CallId, _: u16, _: u16) -> Result<(), WbemError> {
        self.hears(pump, "progress", "P".into());
        Ok(())
    }

    fn set_status(&mut self, pump: &mut Pump<u32>, _: CallId, status: &SinkStatus) {
        self.hears(pump, "status", format!("S {}", status.status));
    }
}

/// Runs a query whose sink is an object, to its end.
fn scripted(script: Script, flags: Flags) -> (Rc<RefCell<Script>>, Stage) {
    let mut stage = Stage::new(5);
    let mut slow = stage.slow.clone();
    slow.reports = true;
    let callbacks = Callbacks::new(&stage.server);
    let object = Scripted { script: Rc::new(RefCell::new(script)), stage: Rc::default() };
    let sink = callbacks.sink(stage.pump.root_window(), object.clone());
    *object.stage.borrow_mut() = Some((stage.services.clone(), callbacks.clone(), sink.clone()));
    let query = "SELECT * FROM Slow";
    stage.services.exec_query_async(&mut stage.pump, "WQL", query, flags, &sink).unwrap();
    for _ in 0..12 {
        stage.turn();
        for message in stage.take() {
            assert!(callbacks.dispatch(&mut stage.pump, message).is_none());
        }
    }
    (object.script.clone(), stage)
}

#[test]
fn c06_cancel_from_inside_a_callback_is_told_after_it() {
    for (inside, returned, heard) in [
        ("indicate", OK, vec!["I1", "S WBEM_E_CALL_CANCELLED"]),
        ("status", UNKNOWN, vec!["I1", "I1", "I1", "I1", "I1", "S WBEM_S_NO_ERROR"]),
    ] {
        let script = Script { cancels_in: Some(inside), ..Script::default() };
        let (script, _) = scripted(script, Flags::NONE);
        assert_eq!(script.borrow().heard, heard, "{inside}");
        assert_eq!(script.borrow().cancelled, [returned], "{inside}");
    }
}

#[test]
fn c16_a_callback_cancels_another_sink() {
    let mut stage = Stage::new(5);
    let callbacks = Callbacks::new(&stage.server);
    let other = stage.sink();
    let script = Script { cancels_in: Some("indicate"), other: Some(other.clone()), ..Script::default() };
    let object = Scripted { script: Rc::new(RefCell::new(script)), stage: Rc::default() };
    let sink = callbacks.sink(stage.pump.root_window(), object.clone());
    *object.stage.borrow_mut() = Some((stage.services.clone(), callbacks.clone(), sink.clone()));
    stage.ask(&sink);
    stage.ask(&other);
    let mut heard = Vec::new();
    for _ in 0..10 {
        stage.turn();
        while let Some(Received::Sink(message)) = stage.server.next_message(&mut stage.pump) {
            heard.extend(callbacks.dispatch(&mut stage.pump, message).map(crate::support::heard));
        }
    }
    assert_eq!((keys(&heard).len(), statuses(&heard)), (0, ENDED.to_vec()));
    assert_eq!(object.script.borrow().cancelled[0], OK);
    assert_eq!(object.script.borrow().heard.last().unwrap(), "S WBEM_S_NO_ERROR");
}

#[test]
fn a09_a_callback_that_fails_cancels_its_call() {
    let script = Script { fails_after: Some(1), ..Script::default() };
    let (script, stage) = scripted(script, Flags::NONE);
    assert_eq!(script.borrow().heard, ["I1", "I1", "S WBEM_E_CALL_CANCELLED"]);
    assert_eq!(stage.slow.stats.told_cancelled.get(), 1);
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
fn a_nested_loop_never_calls_a_sink_inside_its_own_callback() {
    let script = Script { nests: true, ..Script::default() };
    let (script, _) = scripted(script, Flags::NONE);
    assert_eq!(script.borrow().heard, ["I1", "I1", "I1", "I1", "I1", "S WBEM_S_NO_ERROR"]);
}

#[test]
fn a_nested_loop_and_a_cancel_leave_one_status() {
    let script = Script { nests: true, cancels_in: Some("indicate"), ..Script::default() };
    let (script, _) = scripted(script, Flags::NONE);
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
