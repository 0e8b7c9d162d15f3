//! Random schedules of sinks that are objects, and of subscribers who take too little.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use msgpump::wbem::{
    CallId, Callbacks, CimType, Class, EVENT_BYTES_MAX, EventChannel, Flags, Object, ObjectSink, Property, Received,
    Services, Sink, SinkEvent, SinkId, SinkStatus, WbemError, WbemStatus, events,
};
use msgpump::{Budget, Pump};

use crate::random::Random;
use crate::support::{HOME, Stage, instance};

/// How many schedules are run.
const SCHEDULES: u64 = 200;

/// How deep loops within callbacks go.
const LOOPS_MAX: usize = 3;

/// What all sinks of a schedule share.
struct World {
    random: Random,
    services: Services,
    callbacks: Callbacks<u32>,
    sinks: RefCell<Vec<Sink>>,
    /// The calls that are not over, and their sinks.
    pending: RefCell<HashMap<CallId, SinkId>>,
    /// Those of them that were cancelled.
    cancelled: RefCell<HashSet<CallId>>,
    loops: Cell<usize>,
    nested: Cell<usize>,
}

impl World {
    fn pick(&self) -> Sink {
        let sinks = self.sinks.borrow();
        sinks[self.random.below(sinks.len())].clone()
    }

    fn start(&self, pump: &mut Pump<u32>) {
        let sink = self.pick();
        let call = self.services.exec_query_async(pump, "WQL", "SELECT * FROM Slow", Flags::NONE, &sink).unwrap();
        self.pending.borrow_mut().insert(call, sink.id());
    }

    fn cancel(&self, pump: &mut Pump<u32>) {
        let sink = self.pick();
        // It says nothing of those that are cancelled already.
        let _ = self.services.cancel_async_call(pump, &sink);
        let pending = self.pending.borrow();
        let ours = pending.iter().filter(|(_, owner)| **owner == sink.id());
        self.cancelled.borrow_mut().extend(ours.map(|(call, _)| *call));
    }

    fn turn(&self, pump: &mut Pump<u32>) {
        let _ = pump.turn(Budget::no_wait()).unwrap();
        while let Some(received) = self.services.server().next_message(pump) {
            let Received::Sink(message) = received else { panic!("{received:?}") };
            assert!(self.callbacks.dispatch(pump, message).is_none());
        }
    }

    fn act(&self, pump: &mut Pump<u32>) {
        match self.random.below(8) {
            0 => self.cancel(pump),
            1 => self.start(pump),
            2 | 3 if self.loops.get() < LOOPS_MAX => {
                self.loops.set(self.loops.get() + 1);
                self.nested.set(self.nested.get() + 1);
                self.turn(pump);
                self.loops.set(self.loops.get() - 1);
            }
            _ => {}
        }
    }
}

/// A sink that does whatever may be done inside a callback.
struct Restless {
    world: Rc<RefCell<Option<Rc<World>>>>,
    is_called: Rc<Cell<bool>>,
}

impl Restless {
    fn called(&self, pump: &mut Pump<u32>, call: CallId, is_final: bool) {
        assert!(!self.is_called.replace(true), "I5: a sink is never called inside its own callback");
        let world = self.world.borrow().clone().unwrap();
        if is_final {
            assert!(world.pending.borrow_mut().remove(&call).is_some(), "I1, I4: one final status");
        } else {
            assert!(world.pending.borrow().contains_key(&call), "I4: nothing comes after the final status");
            assert!(!world.cancelled.borrow().contains(&call), "I3: nothing comes after the cancel but its status");
        }
        world.act(pump);
        self.is_called.set(false);
    }
}

impl ObjectSink<u32> for Restless {
    fn indicate(&mut self, pump: &mut Pump<u32>, call: CallId, _: &[Object]) -> Result<(), WbemError> {
        self.called(pump, call, false);
        Ok(())
    }

    fn set_status(&mut self, pump: &mut Pump<u32>, call: CallId, status: &SinkStatus) {
        let world = self.world.borrow().clone().unwrap();
        let expected = match world.cancelled.borrow().contains(&call) {
            true => WbemStatus::CallCancelled,
            false => WbemStatus::SNoError,
        };
        assert_eq!(status.status, expected);
        self.called(pump, call, true);
    }
}

#[test]
fn i05_callbacks_never_nest_whatever_they_do() {
    let mut nested = 0;
    for seed in 0..SCHEDULES {
        let mut stage = Stage::new(4);
        let callbacks = Callbacks::new(&stage.server);
        let shared = Rc::new(RefCell::new(None));
        let sinks = (0..3).map(|_| {
            let object = Restless { world: shared.clone(), is_called: Rc::default() };
            callbacks.sink(stage.pump.root_window(), object)
        });
        let sinks = RefCell::new(sinks.collect());
        let (pending, cancelled, loops) = Default::default();
        let (services, random) = (stage.services.clone(), Random::new(seed));
        let world = World { random, services, callbacks, sinks, pending, cancelled, loops, nested: Cell::new(0) };
        let world = Rc::new(world);
        *shared.borrow_mut() = Some(world.clone());
        for _ in 0..30 {
            if world.random.below(3) == 0 {
                world.start(&mut stage.pump);
            }
            stage.slow.tick();
            world.turn(&mut stage.pump);
        }
        for _ in 0..2000 {
            if world.pending.borrow().is_empty() {
                break;
            }
            stage.slow.tick();
            world.turn(&mut stage.pump);
        }
        // Callbacks start calls too, but fewer than one for each that ends.
        assert!(world.pending.borrow().is_empty(), "I1: every call has told its end, seed {seed}");
        nested += world.nested.get();
        *shared.borrow_mut() = None;
    }
    assert!(nested > 1000, "loops ran inside callbacks: {nested}");
}

#[test]
fn i12_what_waits_for_a_subscription_is_limited() {
    let mut overflows = 0;
    for seed in 0..20 {
        let random = Random::new(seed);
        let mut stage = Stage::new(1);
        let alarm = Class::builder("Alarm").superclass(&events::extrinsic_event());
        let alarm = alarm.property(Property::new("Text", CimType::String)).build().unwrap();
        let (publisher, channel) = EventChannel::new(&alarm);
        stage.server.register(HOME, channel).unwrap();
        let sink = stage.sink();
        let (query, flags) = ("SELECT * FROM Alarm", Flags::NONE);
        stage.services.exec_notification_query_async(&mut stage.pump, "WQL", query, flags, &sink).unwrap();
        stage.turn();
        let (mut published, mut taken, mut ended) = (0_usize, 0_usize, None);
        for _ in 0..400 {
            for _ in 0..random.below(4) {
                let length = random.below(EVENT_BYTES_MAX / 64);
                let is_on_its_way = publisher.publish(instance(&alarm, &[("Text", "x".repeat(length).into())]));
                published += if is_on_its_way { length } else { 0 };
            }
            if random.below(3) > 0 {
                stage.turn();
            }
            // Some take all that comes, some now and then, some nearly nothing.
            if random.below(1 + 10 * (seed as usize % 4)) == 0
                && let Some(Received::Sink(message)) = stage.server.next_message(&mut stage.pump)
            {
                assert_eq!(ended, None, "I4: nothing comes after the final status");
                match message.event {
                    SinkEvent::Indicate(objects) => {
                        taken += objects.iter().map(|it| it.get("Text").unwrap().to_string().len()).sum::<usize>();
                    }
                    SinkEvent::Status(status) => ended = Some(status.status),
                    SinkEvent::Progress { .. } => panic!("events have no progress"),
                }
            }
            // Between publisher and source, in the subscription, and handed to the pump: some batches.
            let most = 2 * EVENT_BYTES_MAX + EVENT_BYTES_MAX / 2;
            assert!(ended.is_some() || published - taken <= most, "{} bytes wait, seed {seed}", published - taken);
        }
        let told = stage.run(50).into_iter().filter_map(|heard| match heard.what {
            crate::support::What::Status(status) => Some(status),
            _ => None,
        });
        let statuses: Vec<_> = ended.into_iter().chain(told).collect();
        assert!(matches!(&statuses[..], [] | [WbemStatus::QueueOverflow]), "{statuses:?}");
        overflows += statuses.len();
    }
    assert!((1..20).contains(&overflows), "some took too little, some did not: {overflows}");
}
