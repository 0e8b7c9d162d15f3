//! The table of cancel: in each state of a call, what is returned, what the sink hears, what the provider sees.

use msgpump::wbem::{
    Class, ClassProvider, EventChannel, Flags, Instance, Progress, Received, Rows, Sink, Wanted, WbemError, WbemStatus,
    events,
};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use crate::callbacks::{Actor, Script};
use crate::support::{HOME, Heard, Stage, class, instance, keys, statuses};

/// What came of a cancel.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// `None` where nobody cancels.
    returned: Option<WbemStatus>,
    /// What the sink heard after the cancel had returned: the number of objects, and the statuses.
    objects: usize,
    statuses: Vec<WbemStatus>,
}

fn outcome(returned: impl Into<Option<WbemStatus>>, heard: &[Heard]) -> Outcome {
    Outcome { returned: returned.into(), objects: keys(heard).len(), statuses: statuses(heard) }
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

/// A row of the table: the state, what is done in it, what is returned (nothing where nobody cancels), how many objects
/// the sink hears of after that, with which statuses, and how often the provider was asked in all, where that is
/// certain.
type Row =
    (&'static str, fn(&mut Stage, &Sink) -> Outcome, Option<WbemStatus>, usize, &'static [WbemStatus], Option<usize>);

const RETURNED_OK: Option<WbemStatus> = Some(OK);
const RETURNED_UNKNOWN: Option<WbemStatus> = Some(UNKNOWN);

/// The rows, by their numbers. The first, a sink that is a null pointer, cannot be written in safe Rust.
const TABLE: &[Row] = &[
    ("2, C01: never used", cancel, RETURNED_UNKNOWN, 0, &[], Some(0)),
    ("3, C03: accepted", accepted, RETURNED_OK, 0, ENDED, Some(0)),
    ("3: method accepted", method_accepted, RETURNED_OK, 0, ENDED, Some(0)),
    ("4, C02: running", running, RETURNED_OK, 0, ENDED, Some(3)),
    ("5: rows wait", rows_wait, RETURNED_OK, 0, ENDED, Some(3)),
    ("6, C04: the final waits", final_waits, RETURNED_OK, 0, ENDED, Some(10)),
    ("6: the final of a refused call waits", refused, RETURNED_OK, 0, ENDED, Some(0)),
    ("7, C07: the final is told", final_told, RETURNED_UNKNOWN, 0, &[], Some(10)),
    ("8: cancelled before", cancelled_twice, RETURNED_UNKNOWN, 0, ENDED, Some(0)),
    ("9, C09: method", method, RETURNED_OK, 0, ENDED, Some(0)),
    ("10: put", put, RETURNED_OK, 0, ENDED, Some(0)),
    ("11: subscription", subscription, RETURNED_OK, 0, ENDED, None),
    ("12, C06: inside Indicate", inside_indicate, RETURNED_OK, 0, ENDED, Some(1)),
    ("13: inside Indicate of an event", inside_event, RETURNED_OK, 0, ENDED, Some(0)),
    ("14: inside progress", inside_progress, RETURNED_OK, 0, ENDED, None),
    ("15, C07: inside the final status", inside_status, RETURNED_UNKNOWN, 0, &[], Some(10)),
    ("16: from another sink's callback", from_another, RETURNED_OK, 0, ENDED, None),
    ("17, C08: shared", shared, RETURNED_OK, 0, &[WbemStatus::CallCancelled, WbemStatus::CallCancelled], None),
    ("18, C12: the program has dropped its handle", dropped_sink, None, 10, &[OK], Some(10)),
    ("19: other sink", other_sink, RETURNED_UNKNOWN, 10, &[OK], Some(10)),
    ("20: never answers", never_answers, RETURNED_OK, 0, ENDED, Some(0)),
    ("20: lets go of the reply", lost_reply, None, 0, &[WbemStatus::ProviderFailure], Some(0)),
    ("21: more after the final", more_after_the_end, None, 1, &[OK], None),
    ("22, A09: Indicate fails", failing_indicate, None, 0, ENDED, Some(1)),
    ("22: progress fails", failing_progress, None, 0, ENDED, None),
    ("23: the handle is gone", dropped_services, None, 0, ENDED, Some(3)),
    ("24, C13: the program ends", shut_down, None, 0, &[WbemStatus::ShuttingDown], Some(2)),
    ("25: other handle", other_handle, RETURNED_OK, 0, ENDED, Some(0)),
    ("26: enumerator", enumerator, RETURNED_OK, 0, ENDED, None),
    ("27: the enumerator is dropped", dropped_enumerator, None, 0, &[], Some(2)),
];

#[test]
fn the_table_of_cancel() {
    for (state, act, returned, objects, statuses, steps) in TABLE {
        let mut stage = Stage::new(10);
        let sink = stage.sink();
        let found = act(&mut stage, &sink);
        let statuses = statuses.to_vec();
        assert_eq!(found, Outcome { returned: *returned, objects: *objects, statuses }, "{state}");
        if let Some(steps) = steps {
            assert_eq!(stage.slow.stats.steps.get(), *steps, "{state}: steps of the provider");
        }
        assert_eq!(sink.holders(), 1, "{state}: nobody keeps the sink");
    }
    let numbers = TABLE.iter().map(|row| row.0.split([':', ',']).next().unwrap().parse::<usize>().unwrap());
    let numbers: std::collections::BTreeSet<_> = numbers.collect();
    assert_eq!(numbers.into_iter().collect::<Vec<_>>(), (2..=27).collect::<Vec<_>>(), "every row is there");
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
    let row = instance(&class, &[("Id", 3_u32.into())]);
    stage.services.put_instance_async(&mut stage.pump, &row, Flags::NONE, sink).unwrap();
    stage.turn();
    let outcome = cancel(stage, sink);
    assert_eq!(stage.slow.stats.put.get(), 1, "it is done all the same");
    outcome
}

fn subscription(stage: &mut Stage, sink: &Sink) -> Outcome {
    let (publisher, doorbell) = bell(stage);
    let (query, flags) = ("SELECT * FROM Doorbell", Flags::NONE);
    stage.services.exec_notification_query_async(&mut stage.pump, "WQL", query, flags, sink).unwrap();
    stage.turn();
    assert!(publisher.publish(Instance::new(&doorbell)));
    let outcome = cancel(stage, sink);
    assert!(!publisher.publish(Instance::new(&doorbell)), "nobody listens");
    outcome
}

/// A class of events of the program's own.
fn bell(stage: &Stage) -> (msgpump::wbem::Publisher, Arc<Class>) {
    let doorbell = Class::builder("Doorbell").superclass(&events::extrinsic_event()).build().unwrap();
    let (publisher, channel) = EventChannel::new(&doorbell);
    stage.server.register(HOME, channel).unwrap();
    (publisher, doorbell)
}

/// What came of a cancel inside a callback, and what the sink heard from then on.
fn inside(actor: &Actor, since: usize) -> Outcome {
    let script = actor.script.borrow();
    let after = script.heard.iter().skip(since + 1);
    let (statuses, objects): (Vec<_>, Vec<_>) = after.partition(|heard| heard.starts_with('S'));
    let named = |text: &&String| match text.strip_prefix("S ") {
        Some("WBEM_E_CALL_CANCELLED") => WbemStatus::CallCancelled,
        other => panic!("{other:?}"),
    };
    let statuses = statuses.iter().map(named).collect();
    assert!(script.cancelled.len() <= 1);
    assert_eq!(actor.sink.holders(), 2, "the actor and its script hold it, no call");
    Outcome { returned: script.cancelled.first().copied(), objects: objects.len(), statuses }
}

fn inside_indicate(stage: &mut Stage, _: &Sink) -> Outcome {
    let actor = Actor::new(stage, Script { cancels_in: Some("indicate"), ..Script::default() });
    stage.ask(&actor.sink);
    assert_eq!(actor.run(stage, 12), []);
    inside(&actor, 0)
}

fn inside_event(stage: &mut Stage, _: &Sink) -> Outcome {
    let (publisher, doorbell) = bell(stage);
    let actor = Actor::new(stage, Script { cancels_in: Some("indicate"), ..Script::default() });
    let (query, flags) = ("SELECT * FROM Doorbell", Flags::NONE);
    stage.services.exec_notification_query_async(&mut stage.pump, "WQL", query, flags, &actor.sink).unwrap();
    stage.turn();
    assert!(publisher.publish(Instance::new(&doorbell)));
    assert_eq!(actor.run(stage, 3), []);
    assert!(!publisher.publish(Instance::new(&doorbell)), "nobody listens");
    inside(&actor, 0)
}

/// Has the class tell its progress to the sink.
fn ask_with_progress(stage: &mut Stage, sink: &Sink) {
    stage.slow.reports.set(true);
    let (query, flags) = ("SELECT * FROM Slow", Flags::SEND_STATUS);
    stage.services.exec_query_async(&mut stage.pump, "WQL", query, flags, sink).unwrap();
}

fn inside_progress(stage: &mut Stage, _: &Sink) -> Outcome {
    let actor = Actor::new(stage, Script { cancels_in: Some("progress"), ..Script::default() });
    ask_with_progress(stage, &actor.sink);
    assert_eq!(actor.run(stage, 12), []);
    assert_eq!(actor.script.borrow().heard[..2], ["I1", "P"]);
    assert!(stage.slow.stats.steps.get() < 10, "it is not asked to its end");
    inside(&actor, 1)
}

fn inside_status(stage: &mut Stage, _: &Sink) -> Outcome {
    let actor = Actor::new(stage, Script { cancels_in: Some("status"), ..Script::default() });
    stage.ask(&actor.sink);
    assert_eq!(actor.run(stage, 12), []);
    assert_eq!(actor.script.borrow().heard.last().unwrap(), "S WBEM_S_NO_ERROR");
    inside(&actor, 10)
}

fn from_another(stage: &mut Stage, sink: &Sink) -> Outcome {
    let script = Script { cancels_in: Some("indicate"), other: Some(sink.clone()), ..Script::default() };
    let actor = Actor::new(stage, script);
    stage.ask(&actor.sink);
    stage.ask(sink);
    let heard = actor.run(stage, 12);
    let mut script = actor.script.borrow_mut();
    script.other = None;
    assert_eq!(script.heard.len(), 11, "the one that cancels goes on");
    outcome(script.cancelled[0], &heard)
}

fn failing_indicate(stage: &mut Stage, _: &Sink) -> Outcome {
    let actor = Actor::new(stage, Script { fails_in: Some("indicate"), ..Script::default() });
    stage.ask(&actor.sink);
    assert_eq!(actor.run(stage, 12), []);
    assert_eq!(stage.slow.stats.told_cancelled.get(), 1);
    inside(&actor, 0)
}

fn failing_progress(stage: &mut Stage, _: &Sink) -> Outcome {
    let actor = Actor::new(stage, Script { fails_in: Some("progress"), ..Script::default() });
    ask_with_progress(stage, &actor.sink);
    assert_eq!(actor.run(stage, 12), []);
    assert!(stage.slow.stats.steps.get() < 10, "it is not asked to its end");
    inside(&actor, 1)
}

fn dropped_sink(stage: &mut Stage, _: &Sink) -> Outcome {
    let sink = stage.sink();
    let id = sink.id();
    stage.ask(&sink);
    drop(sink);
    let heard = stage.run(12);
    assert!(heard.iter().all(|heard| heard.sink == id));
    outcome(None, &heard)
}

fn lost_reply(stage: &mut Stage, sink: &Sink) -> Outcome {
    stage.services.exec_method_async(&mut stage.pump, "Slow.Id=0", "Elsewhere", None, Flags::NONE, sink).unwrap();
    assert_eq!(stage.run(2), []);
    stage.slow.replies.borrow_mut().clear();
    outcome(None, &stage.run(3))
}

/// Gives a row with its end, and would go on.
struct Chatty {
    class: Arc<Class>,
    steps: Rc<Cell<usize>>,
}

impl ClassProvider for Chatty {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, _: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        Ok(Box::new(Chatty { class: self.class.clone(), steps: self.steps.clone() }))
    }
}

impl Rows for Chatty {
    fn step(&mut self, _: usize, out: &mut Vec<Arc<Instance>>) -> Progress {
        self.steps.set(self.steps.get() + 1);
        out.push(Arc::new(Instance::new(&self.class)));
        Progress::End(Ok(()))
    }
}

/// A result is handed over once, and rows that have ended are not asked again.
fn more_after_the_end(stage: &mut Stage, sink: &Sink) -> Outcome {
    let steps = Rc::new(Cell::new(0));
    stage.server.register(HOME, Chatty { class: class("Chatty", []), steps: steps.clone() }).unwrap();
    stage.ask_for("SELECT * FROM Chatty", sink);
    let heard = stage.run(5);
    assert_eq!(steps.get(), 1);
    outcome(None, &heard)
}

fn dropped_services(stage: &mut Stage, sink: &Sink) -> Outcome {
    let other = stage.server.connect(&mut stage.pump, HOME).unwrap();
    let services = std::mem::replace(&mut stage.services, other);
    services.exec_query_async(&mut stage.pump, "WQL", "SELECT * FROM Slow", Flags::NONE, sink).unwrap();
    assert_eq!(keys(&stage.run(2)).len(), 2);
    drop(services);
    // The server hears of it in the next turn.
    assert_eq!(stage.heard(), []);
    outcome(None, &stage.run(5))
}

fn shut_down(stage: &mut Stage, sink: &Sink) -> Outcome {
    stage.ask(sink);
    stage.turns(2);
    let last: Vec<_> = stage.server.shut_down(&mut stage.pump).into_iter().map(crate::support::heard).collect();
    assert_eq!(stage.run(3), [], "nothing comes after it");
    outcome(None, &last)
}

fn dropped_enumerator(stage: &mut Stage, _: &Sink) -> Outcome {
    let flags = Flags::SEMISYNCHRONOUS;
    let rows = stage.services.exec_query(&mut stage.pump, "WQL", "SELECT * FROM Slow", flags).unwrap();
    assert_eq!(stage.run(2), []);
    drop(rows);
    let heard = stage.run(3);
    assert_eq!(stage.slow.stats.dropped.get(), 1);
    outcome(None, &heard)
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
