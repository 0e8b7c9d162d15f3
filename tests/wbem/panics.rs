//! A provider that panics, wherever it is asked: it hurts the call that asked, and no other.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use msgpump::wbem::{
    Action, CimType, Class, ClassProvider, Flags, Instance, Invocation, Method, Progress, Property, PutMode, Rows,
    Sink, Value, Wanted, WbemError, WbemStatus, events,
};

use crate::support::{HOME, Heard, Stage, class, instance, keys, status, statuses};

/// Where the provider panics.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Open,
    SetWaker,
    Step,
    Cancelled,
    Drop,
    Put,
    PutStep,
    Delete,
    Execute,
    ExecuteStep,
    ThirdStep,
    ActionDrop,
    Changes,
}

use At::{
    ActionDrop, Cancelled, Changes, Delete, Drop as Dropped, Execute, ExecuteStep, Open, Put, PutStep, SetWaker, Step,
    ThirdStep,
};

/// Does nothing but panic at one place.
#[derive(Clone)]
struct Bomb {
    class: Arc<Class>,
    at: At,
    exploded: Rc<Cell<usize>>,
}

impl Bomb {
    fn reach(&self, at: At) {
        if self.at == at {
            self.exploded.set(self.exploded.get() + 1);
            panic!("as it was told: {at:?}");
        }
    }

    /// What goes on for ever, unless it panics in a step or when it is dropped.
    fn action<T: 'static>(&self, step: At) -> Action<T> {
        struct Fuse(Bomb);
        impl Drop for Fuse {
            fn drop(&mut self) {
                self.0.reach(ActionDrop);
            }
        }
        let fuse = Fuse(self.clone());
        let mut steps = 0;
        Action::in_steps(move || {
            steps += 1;
            fuse.0.reach(step);
            if steps == 3 {
                fuse.0.reach(ThirdStep);
            }
            None
        })
    }
}

impl ClassProvider for Bomb {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, _: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        self.reach(Open);
        Ok(Box::new(BombRows(self.clone())))
    }

    fn put(&self, _: &Arc<Instance>, _: PutMode) -> Result<Action<()>, WbemError> {
        self.reach(Put);
        Ok(self.action(PutStep))
    }

    fn delete(&self, _: &[Value]) -> Result<Action<()>, WbemError> {
        self.reach(Delete);
        Ok(self.action(PutStep))
    }

    fn execute(&self, _: &Invocation) -> Result<Action<Arc<Instance>>, WbemError> {
        self.reach(Execute);
        Ok(self.action(ExecuteStep))
    }

    fn changes(&self) -> Option<Result<Box<dyn Rows>, WbemError>> {
        self.reach(Changes);
        Some(Ok(Box::new(BombRows(self.clone()))))
    }
}

/// Rows that never end, and of which there are none.
struct BombRows(Bomb);

impl Rows for BombRows {
    fn step(&mut self, _: usize, _: &mut Vec<Arc<Instance>>) -> Progress {
        self.0.reach(Step);
        Progress::More
    }

    fn set_waker(&mut self, _: Waker) {
        self.0.reach(SetWaker);
    }

    fn cancelled(&mut self) {
        self.0.reach(Cancelled);
    }
}

impl Drop for BombRows {
    fn drop(&mut self) {
        self.0.reach(Dropped);
    }
}

/// What the provider is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ask {
    Query,
    Put,
    Delete,
    Execute,
    Changes,
    Events,
}

/// Makes a call of a provider that panics somewhere.
fn ask(stage: &mut Stage, ask: Ask, class: &Arc<Class>, sink: &Sink) -> Result<(), WbemError> {
    let (services, pump, none) = (&stage.services, &mut stage.pump, Flags::NONE);
    let call = match ask {
        Ask::Query => services.exec_query_async(pump, "WQL", "SELECT * FROM Bomb", none, sink),
        Ask::Put => services.put_instance_async(pump, &instance(class, &[("Id", 1.into())]), none, sink),
        Ask::Delete => services.delete_instance_async(pump, "Bomb.Id=1", none, sink),
        Ask::Execute => services.exec_method_async(pump, "Bomb.Id=1", "Explode", None, none, sink),
        Ask::Changes => {
            let query = "SELECT * FROM __InstanceOperationEvent WITHIN 1 WHERE TargetInstance ISA 'Bomb'";
            services.exec_notification_query_async(pump, "WQL", query, none, sink)
        }
        Ask::Events => services.exec_notification_query_async(pump, "WQL", "SELECT * FROM Bang", none, sink),
    };
    call.map(|_| ())
}

#[test]
fn a_panic_anywhere_hurts_only_the_call_that_asked() {
    // Where the panic comes in the call itself, it is the error at once; where it comes with the end, the end stands.
    let (failed, ended) = (WbemStatus::ProviderFailure, WbemStatus::CallCancelled);
    for (what, at, at_once, told) in [
        (Ask::Query, Open, false, failed),
        (Ask::Query, SetWaker, false, failed),
        (Ask::Query, Step, false, failed),
        (Ask::Query, Cancelled, false, ended),
        (Ask::Query, Dropped, false, ended),
        (Ask::Put, Put, false, failed),
        (Ask::Put, PutStep, false, failed),
        (Ask::Delete, Delete, false, failed),
        (Ask::Delete, PutStep, false, failed),
        (Ask::Execute, Execute, false, failed),
        (Ask::Execute, ExecuteStep, false, failed),
        (Ask::Changes, Changes, true, failed),
        (Ask::Changes, SetWaker, false, failed),
        (Ask::Changes, Step, false, failed),
        (Ask::Changes, Dropped, false, ended),
        (Ask::Events, Open, true, failed),
        (Ask::Events, SetWaker, false, failed),
        (Ask::Events, Step, false, failed),
        (Ask::Events, Dropped, false, ended),
    ] {
        let mut stage = Stage::new(5);
        let exploded = Rc::new(Cell::new(0));
        let builder = Class::builder("Bomb").property(Property::key("Id", CimType::Uint32));
        let outputs = class("__PARAMETERS", [Property::new("ReturnValue", CimType::Uint32)]);
        let bomb = builder.method(Method::new("Explode").outputs(outputs)).build().unwrap();
        let bang = Class::builder("Bang").superclass(&events::extrinsic_event()).build().unwrap();
        for class in [&bomb, &bang] {
            let provider = Bomb { class: class.clone(), at, exploded: exploded.clone() };
            stage.server.register(HOME, provider).unwrap();
        }
        let (hurt, whole) = (stage.sink(), stage.sink());
        // The sink that is hurt has a call that does no harm before and behind.
        let before = stage.ask(&hurt);
        stage.ask(&whole);
        let returned = status(ask(&mut stage, what, &bomb, &hurt));
        assert_eq!(returned, if at_once { told } else { WbemStatus::SNoError }, "{what:?} {at:?}");
        let behind = stage.ask(&hurt);
        let mut heard = stage.run(2);
        if told == ended {
            assert_eq!(stage.cancel(&hurt), WbemStatus::SNoError, "{what:?} {at:?}");
        }
        heard.extend(stage.run(12));
        let of = |is_meant: &dyn Fn(&Heard) -> bool| {
            statuses(&heard.iter().filter(|it| is_meant(it)).cloned().collect::<Vec<_>>())
        };
        let harmless = if told == ended { ended } else { WbemStatus::SNoError };
        assert_eq!(of(&|it| it.call == before), [harmless], "{what:?} {at:?}");
        assert_eq!(of(&|it| it.call == behind), [harmless], "{what:?} {at:?}");
        assert_eq!(of(&|it| it.sink == whole.id()), [WbemStatus::SNoError], "{what:?} {at:?}");
        let is_asked = |it: &Heard| it.sink == hurt.id() && it.call != before && it.call != behind;
        assert_eq!(of(&is_asked), if at_once { vec![] } else { vec![told] }, "{what:?} {at:?}");
        assert_eq!(exploded.get(), 1, "{what:?} {at:?}");
        assert!(hurt.holders() == 1 && whole.holders() == 1, "{what:?} {at:?}");
        // The server goes on.
        let again = stage.sink();
        stage.ask(&again);
        assert_eq!(keys(&stage.run(7)).len(), 5, "{what:?} {at:?}");
    }
}

#[test]
fn what_runs_on_unseen_may_panic_as_well() {
    for (what, at, explodes) in [(Ask::Put, ThirdStep, 1), (Ask::Execute, ThirdStep, 1), (Ask::Execute, ActionDrop, 0)]
    {
        let mut stage = Stage::new(5);
        let exploded = Rc::new(Cell::new(0));
        let outputs = class("__PARAMETERS", [Property::new("ReturnValue", CimType::Uint32)]);
        let builder = Class::builder("Bomb").property(Property::key("Id", CimType::Uint32));
        let bomb = builder.method(Method::new("Explode").outputs(outputs)).build().unwrap();
        stage.server.register(HOME, Bomb { class: bomb.clone(), at, exploded: exploded.clone() }).unwrap();
        let sink = stage.sink();
        ask(&mut stage, what, &bomb, &sink).unwrap();
        stage.ask(&sink);
        stage.turn();
        assert_eq!(stage.cancel(&sink), WbemStatus::SNoError);
        assert_eq!(statuses(&stage.run(5)), [WbemStatus::CallCancelled; 2], "{what:?} {at:?}");
        assert_eq!(exploded.get(), explodes, "{what:?} {at:?}");
        let other = stage.sink();
        stage.ask(&other);
        assert_eq!(keys(&stage.run(7)).len(), 5, "{what:?} {at:?}");
        drop(stage);
        assert_eq!(exploded.get(), 1, "{what:?} {at:?}");
    }
}
