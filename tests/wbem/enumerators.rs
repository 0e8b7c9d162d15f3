//! Enumerators and results that are fetched.

use std::time::Duration;

use msgpump::wbem::{CimType, Enumerator, Flags, Outcome, Property, Store, WbemStatus};
use msgpump::{Budget, Filter, Timer};

use crate::support::{HOME, Stage, class, instance, key, keys, processes, status, statuses};

const NOW: Option<Duration> = Some(Duration::ZERO);

fn query(stage: &mut Stage, query: &str, flags: Flags) -> Enumerator {
    stage.services.exec_query(&mut stage.pump, "WQL", query, flags).unwrap()
}

/// The keys that were fetched, and how it ended.
fn fetch(stage: &mut Stage, rows: &mut Enumerator, count: usize) -> (Vec<String>, Outcome) {
    let fetched = rows.next(&mut stage.pump, NOW, count).unwrap();
    (fetched.objects.iter().map(key).collect(), fetched.outcome)
}

fn texts(keys: &[&str]) -> Vec<String> {
    keys.iter().map(ToString::to_string).collect()
}

/// A stage with four processes.
fn stage() -> Stage {
    let stage = Stage::new(3);
    stage.server.register(HOME, processes()).unwrap();
    stage
}

#[test]
fn e02_nothing_is_always_ready() {
    let mut stage = stage();
    let mut rows = query(&mut stage, "SELECT * FROM Slow", Flags::SEMISYNCHRONOUS);
    assert_eq!(fetch(&mut stage, &mut rows, 0), (vec![], Outcome::Ready));
}

#[test]
fn e03_the_end_is_told_once_all_is_fetched() {
    let mut stage = stage();
    let mut rows = query(&mut stage, "SELECT * FROM Win32_Process", Flags::NONE);
    assert_eq!(fetch(&mut stage, &mut rows, 4), (texts(&["0", "100", "104", "4"]), Outcome::Ready));
    assert_eq!(fetch(&mut stage, &mut rows, 1), (vec![], Outcome::End));
    assert_eq!(fetch(&mut stage, &mut rows, 1), (vec![], Outcome::End));
    rows.reset().unwrap();
    let (keys, outcome) = fetch(&mut stage, &mut rows, 5);
    assert_eq!((keys.len(), outcome, outcome.status()), (4, Outcome::End, WbemStatus::SFalse));
    assert_eq!(rows.counts().unwrap().read, 4);
}

#[test]
fn e04_semisynchronous_errors_come_with_the_first_fetch() {
    let mut stage = stage();
    for (text, expected) in [
        ("SELECT * FROM None", WbemStatus::InvalidClass),
        ("invalid", WbemStatus::InvalidQuery),
        ("SELECT NoSuchField FROM Slow", WbemStatus::InvalidQuery),
    ] {
        let mut rows = query(&mut stage, text, Flags::SEMISYNCHRONOUS);
        for _ in 0..2 {
            assert_eq!(status(rows.next(&mut stage.pump, None, 1)), expected, "{text}");
        }
        let at_once = stage.services.exec_query(&mut stage.pump, "WQL", text, Flags::NONE);
        assert_eq!(status(at_once), expected, "{text}");
    }
    for (language, text, expected) in
        [("SQL", "SELECT * FROM Slow", WbemStatus::InvalidQueryType), ("WQL", "", WbemStatus::InvalidParameter)]
    {
        for flags in [Flags::NONE, Flags::SEMISYNCHRONOUS] {
            assert_eq!(status(stage.services.exec_query(&mut stage.pump, language, text, flags)), expected);
        }
    }
}

#[test]
fn e05_a_fetch_without_time_never_waits() {
    let mut stage = stage();
    let mut rows = query(&mut stage, "SELECT * FROM Slow", Flags::SEMISYNCHRONOUS);
    assert_eq!(fetch(&mut stage, &mut rows, 1), (vec![], Outcome::TimedOut));
    stage.turn();
    assert_eq!(fetch(&mut stage, &mut rows, 5), (texts(&["0"]), Outcome::TimedOut));
    stage.turns(5);
    assert_eq!(fetch(&mut stage, &mut rows, 5), (texts(&["1", "2"]), Outcome::End));
}

#[test]
fn a_fetch_with_time_waits_so_long_and_takes_no_other_message() {
    let mut stage = stage();
    let window = stage.pump.root_window();
    stage.pump.post(window, 7).unwrap();
    let sink = stage.sink();
    stage.ask_for("SELECT * FROM Win32_Process", &sink);
    let mut rows = query(&mut stage, "SELECT * FROM Slow", Flags::SEMISYNCHRONOUS);
    let waited = rows.next(&mut stage.pump, Some(Duration::from_millis(2)), 3).unwrap();
    assert_eq!((waited.objects.len(), waited.outcome), (1, Outcome::TimedOut));
    let message = stage.pump.next_message().unwrap();
    assert!(matches!(message.payload, msgpump::Payload::Posted(7)));
    assert_eq!(keys(&stage.heard()).len(), 4, "the sink hears when the program asks");
}

#[test]
fn a_fetch_for_ever_ends_with_the_program() {
    let mut stage = stage();
    let mut rows = query(&mut stage, "SELECT * FROM Slow", Flags::SEMISYNCHRONOUS);
    stage.turn();
    stage.pump.quit(3);
    assert_eq!(status(rows.next(&mut stage.pump, None, 3)), WbemStatus::ShuttingDown);
    stage.pump.resume();
    stage.turns(4);
    assert_eq!(fetch(&mut stage, &mut rows, 9), (texts(&["0", "1", "2"]), Outcome::End));
}

#[test]
fn a_fetch_without_time_leaves_quit_to_the_program() {
    let mut stage = stage();
    let mut rows = query(&mut stage, "SELECT * FROM Slow", Flags::SEMISYNCHRONOUS);
    stage.pump.quit(3);
    assert_eq!(fetch(&mut stage, &mut rows, 1), (vec![], Outcome::TimedOut));
    let message = stage.pump.next_message().unwrap();
    assert!(matches!(message.payload, msgpump::Payload::Quit(3)));
}

#[test]
fn e07_skip() {
    let mut stage = stage();
    let mut rows = query(&mut stage, "SELECT * FROM Win32_Process", Flags::NONE);
    assert_eq!(rows.skip(&mut stage.pump, NOW, 4).unwrap(), Outcome::Ready);
    assert_eq!(fetch(&mut stage, &mut rows, 1), (vec![], Outcome::End));
    for flags in [Flags::NONE, Flags::SEMISYNCHRONOUS] {
        let mut rows = query(&mut stage, "SELECT * FROM Win32_Process", flags);
        assert_eq!(rows.skip(&mut stage.pump, None, 5).unwrap(), Outcome::End);
        assert_eq!(fetch(&mut stage, &mut rows, 1), (vec![], Outcome::End));
    }
    let mut rows = query(&mut stage, "SELECT * FROM Slow", Flags::SEMISYNCHRONOUS);
    assert_eq!(rows.skip(&mut stage.pump, NOW, 1).unwrap(), Outcome::TimedOut);
}

#[test]
fn e08_next_async() {
    let mut stage = stage();
    let mut rows = query(&mut stage, "SELECT * FROM Slow", Flags::RETURN_IMMEDIATELY);
    let sinks: Vec<_> = (0..3).map(|_| stage.sink()).collect();
    rows.next_async(&mut stage.pump, 2, &sinks[0]).unwrap().unwrap();
    rows.next_async(&mut stage.pump, 2, &sinks[1]).unwrap().unwrap();
    rows.reset().unwrap();
    let heard = stage.run(8);
    let of =
        |index: usize| -> Vec<_> { heard.iter().filter(|heard| heard.sink == sinks[index].id()).cloned().collect() };
    assert_eq!((keys(&of(0)), statuses(&of(0))), (texts(&["0", "1"]), vec![WbemStatus::SNoError]));
    assert_eq!((keys(&of(1)), statuses(&of(1))), (texts(&["2"]), vec![WbemStatus::SFalse]));
    rows.skip(&mut stage.pump, None, 3).unwrap();
    assert!(rows.next_async(&mut stage.pump, 1, &sinks[2]).unwrap().is_none());
    assert_eq!((stage.run(3), sinks[2].holders()), (vec![], 1));
    assert_eq!(status(rows.next_async(&mut stage.pump, 0, &sinks[2])), WbemStatus::InvalidParameter);
}

#[test]
fn e09_a_clone_keeps_the_place() {
    let mut stage = stage();
    let mut rows = query(&mut stage, "SELECT * FROM Win32_Process", Flags::RETURN_IMMEDIATELY);
    rows.next(&mut stage.pump, None, 2).unwrap();
    let mut other = rows.try_clone().unwrap();
    assert_eq!(fetch(&mut stage, &mut other, 1), (texts(&["104"]), Outcome::Ready));
    assert_eq!(fetch(&mut stage, &mut rows, 3), (texts(&["104", "4"]), Outcome::End));
}

#[test]
fn forward_only_enumerators_go_forward_only_and_keep_nothing() {
    let mut stage = stage();
    let mut rows = query(&mut stage, "SELECT * FROM Win32_Process", Flags::SEMISYNCHRONOUS);
    let first = rows.next(&mut stage.pump, None, 1).unwrap().objects.remove(0);
    assert_eq!(std::sync::Arc::strong_count(first.instance().unwrap()), 2, "the store's and ours");
    assert_eq!(status(rows.reset()), WbemStatus::InvalidOperation);
    assert_eq!(status(rows.try_clone()), WbemStatus::InvalidOperation);
    assert_eq!(rows.collect(&mut stage.pump).unwrap().len(), 3);
}

#[test]
fn c27_a_dropped_enumerator_ends_its_call() {
    let mut stage = stage();
    let rows = query(&mut stage, "SELECT * FROM Slow", Flags::SEMISYNCHRONOUS);
    stage.turn();
    let steps = stage.slow.stats.steps.get();
    drop(rows);
    stage.run(3);
    assert_eq!((stage.slow.stats.steps.get(), stage.slow.stats.told_cancelled.get()), (steps, 1));
    assert_eq!(format!("{:?}", stage.server), "Server { calls: 0, .. }");
}

#[test]
fn what_nobody_fetches_is_not_read() {
    let mut stage = Stage::new(100_000);
    let mut rows = query(&mut stage, "SELECT * FROM Slow", Flags::SEMISYNCHRONOUS);
    for _ in 0..6000 {
        stage.slow.tick();
        let _ = stage.pump.turn(Budget::no_wait()).unwrap();
        assert!(stage.server.next_message(&mut stage.pump).is_none());
    }
    let read = stage.slow.stats.steps.get();
    assert!((4096..5000).contains(&read), "{read} rows were read in advance");
    assert_eq!(rows.next(&mut stage.pump, None, 4000).unwrap().objects.len(), 4000);
    stage.run(100);
    assert!(stage.slow.stats.steps.get() >= read + 90, "it goes on when some are fetched");
}

#[test]
fn what_a_sink_does_not_take_is_not_read_either() {
    let mut stage = Stage::new(100_000);
    let mut rows = query(&mut stage, "SELECT * FROM Slow", Flags::SEMISYNCHRONOUS);
    let sink = stage.sink();
    rows.next_async(&mut stage.pump, 50_000, &sink).unwrap().unwrap();
    assert_eq!(rows.next(&mut stage.pump, NOW, 1).unwrap().outcome, Outcome::TimedOut);
    // The server takes what is its own, and the sink takes nothing.
    let other = Filter::any().window(stage.pump.open_window());
    for _ in 0..6000 {
        stage.slow.tick();
        let _ = stage.pump.turn(Budget::no_wait()).unwrap();
        assert!(stage.server.next_message_for(&mut stage.pump, other).is_none());
        assert_eq!(rows.next(&mut stage.pump, NOW, 1).unwrap().outcome, Outcome::TimedOut);
    }
    let read = stage.slow.stats.steps.get();
    assert!((4096..5000).contains(&read), "{read} rows were read in advance");
}

#[test]
fn a_fetch_of_more_than_is_made_ready_in_advance_waits_for_all() {
    let mut stage = Stage::new(1);
    let class = class("Many", [Property::key("Id", CimType::Uint32)]);
    let many = Store::new(&class);
    (0..10_000_u32).for_each(|id| drop(many.insert(instance(&class, &[("Id", id.into())]))));
    stage.server.register(HOME, many).unwrap();
    for flags in [Flags::SEMISYNCHRONOUS, Flags::RETURN_IMMEDIATELY] {
        let mut rows = query(&mut stage, "SELECT * FROM Many", flags);
        // Much more time than it takes.
        let fetched = rows.next(&mut stage.pump, Some(Duration::from_secs(60)), 9000).unwrap();
        assert_eq!((fetched.objects.len(), fetched.outcome), (9000, Outcome::Ready));
        assert_eq!(rows.skip(&mut stage.pump, Some(Duration::from_secs(60)), usize::MAX).unwrap(), Outcome::End);
    }
}

#[test]
fn e10_a_call_result_is_pending_then_over() {
    let mut stage = stage();
    let mut call = stage.services.start_get_object(&mut stage.pump, "Slow.Id=9", Flags::NONE).unwrap();
    assert_eq!(call.status(&mut stage.pump, NOW).unwrap(), None);
    assert_eq!(status(call.result_object(&mut stage.pump, NOW)), WbemStatus::TimedOut);
    stage.turn();
    assert_eq!(call.status(&mut stage.pump, NOW).unwrap(), Some(WbemStatus::NotFound));
    assert_eq!(status(call.result_object(&mut stage.pump, NOW)), WbemStatus::NotFound);
    let mut call = stage.services.start_get_object(&mut stage.pump, "Slow.Id=1", Flags::NONE).unwrap();
    assert_eq!(call.status(&mut stage.pump, None).unwrap(), Some(WbemStatus::SNoError));
    assert_eq!(key(&call.result_object(&mut stage.pump, NOW).unwrap()), "1");
}

#[test]
fn single_calls_that_wait() {
    let mut stage = stage();
    let (pump, services) = (&mut stage.pump, &stage.services);
    let mut row = (**services.get_object(pump, "Win32_Process=4", Flags::NONE).unwrap().instance().unwrap()).clone();
    row.put("Handle", "5").unwrap();
    let path = services.put_instance(pump, &row, Flags::CREATE_ONLY).unwrap();
    assert_eq!(path, r#"ROOT\CIMV2:Win32_Process.Handle="5""#);
    assert_eq!(status(services.put_instance(pump, &row, Flags::CREATE_ONLY)), WbemStatus::AlreadyExists);
    services.delete_instance(pump, &path, Flags::NONE).unwrap();
    assert_eq!(status(services.delete_instance(pump, &path, Flags::NONE)), WbemStatus::NotFound);
    let results = services.exec_method(pump, "Slow", "Static", None).unwrap().unwrap();
    assert_eq!(results.get("ReturnValue").unwrap().as_u64(), Some(7));
    let mut call = services.start_exec_method(pump, "Slow.Id=0", "Elsewhere", None).unwrap();
    assert_eq!(call.status(pump, Some(Duration::from_millis(1))).unwrap(), None);
    drop(call);
    stage.slow.replies.borrow_mut().clear();
    assert_eq!(stage.run(3), []);
}

#[test]
fn the_programs_timers_run_while_a_fetch_waits() {
    let mut stage = stage();
    let window = stage.pump.root_window();
    stage.pump.set_timer(window, Timer::once(Duration::from_millis(1))).unwrap();
    let mut rows = query(&mut stage, "SELECT * FROM Slow", Flags::SEMISYNCHRONOUS);
    let _ = rows.next(&mut stage.pump, Some(Duration::from_millis(3)), 3).unwrap();
    let message = stage.pump.next_message().unwrap();
    assert!(matches!(message.payload, msgpump::Payload::Tick(_)));
}
