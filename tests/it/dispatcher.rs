//! Window procedures: who gets which message, nested loops, the end of windows, panics; on a virtual clock.

mod connections;
mod matrix;
mod silence;
mod slow;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use msgpump::dispatcher::{Dispatch, Ended, Pending};
use msgpump::simulation::Simulation;
use msgpump::{Budget, Dispatcher, Message, Payload, Rest, Settings, Timer, WindowId};

/// What the procedures of a test have seen, in order.
type Log = Vec<String>;

fn stage() -> (Simulation, Dispatcher<char, Log>) {
    let simulation = Simulation::new(1);
    let dispatcher = Dispatcher::new(simulation.pump(Settings::default()));
    (simulation, dispatcher)
}

/// A message in few words.
fn words(message: &Message<char>) -> String {
    match &message.payload {
        Payload::Posted(letter) => letter.to_string(),
        Payload::Tick(tick) => format!("tick {} missed {}", tick.count, tick.missed),
        other => format!("{:?}", other.kind()),
    }
}

/// Opens a window whose procedure writes down what it sees.
fn open_scribe(dispatcher: &mut Dispatcher<char, Log>) -> WindowId {
    dispatcher.open_window(|_, log, message| log.push(words(&message)))
}

fn post(dispatcher: &mut Dispatcher<char, Log>, window: WindowId, letters: &str) {
    letters.chars().for_each(|letter| dispatcher.pump().post(window, letter).unwrap());
}

/// How many messages were dispatched, whether there are more, and the quit.
fn told(pending: Pending) -> (usize, bool, Option<i32>) {
    (pending.dispatched, pending.more, pending.quit)
}

/// Dispatches whatever can be taken.
fn drain(dispatcher: &mut Dispatcher<char, Log>, log: &mut Log) -> Pending {
    dispatcher.dispatch_pending(log, Budget::no_wait()).unwrap()
}

#[test]
fn each_message_goes_to_the_procedure_of_its_window_in_order() {
    let (_, mut dispatcher) = stage();
    let first = dispatcher.open_window(|_, log, message| log.push(format!("first {}", words(&message))));
    let second = dispatcher.open_window(|_, log, message| log.push(format!("second {}", words(&message))));
    post(&mut dispatcher, first, "a");
    post(&mut dispatcher, second, "b");
    post(&mut dispatcher, first, "c");
    dispatcher.pump().quit(7);
    let mut log = Log::new();
    assert_eq!(dispatcher.run(&mut log).unwrap(), 7);
    assert_eq!(log, ["first a", "second b", "first c"]);
}

#[test]
fn a_window_without_a_procedure_loses_nothing_silently() {
    let (_, mut dispatcher) = stage();
    let bare = dispatcher.pump().open_window();
    let mut log = Log::new();
    post(&mut dispatcher, bare, "a");
    let message = dispatcher.next_message().unwrap();
    let Dispatch::Unclaimed(message) = dispatcher.dispatch(&mut log, message) else { panic!("nobody handles it") };
    assert_eq!((message.window, words(&message).as_str()), (bare, "a"));
    assert_eq!(dispatcher.unclaimed(), 0, "the caller has it");
    post(&mut dispatcher, bare, "bc");
    assert_eq!(drain(&mut dispatcher, &mut log).dispatched, 2);
    assert_eq!(dispatcher.unclaimed(), 2);
    let first = dispatcher.set_procedure(bare, |_, log: &mut Log, message| log.push(words(&message)));
    assert!(first.is_ok());
    post(&mut dispatcher, bare, "d");
    drain(&mut dispatcher, &mut log);
    assert_eq!((log, dispatcher.unclaimed()), (vec!["d".to_owned()], 2));
}

#[test]
fn a_nested_loop_passes_by_the_window_whose_procedure_runs() {
    let (_, mut dispatcher) = stage();
    let other = open_scribe(&mut dispatcher);
    let busy = dispatcher.open_window(move |dispatcher, log, message| {
        log.push(format!("enter {}", words(&message)));
        let pending = drain(dispatcher, log);
        log.push(format!("leave {} after {}", words(&message), pending.dispatched));
    });
    post(&mut dispatcher, busy, "xa");
    post(&mut dispatcher, other, "b");
    post(&mut dispatcher, busy, "c");
    let mut log = Log::new();
    drain(&mut dispatcher, &mut log);
    let expected = ["enter x", "b", "leave x after 1", "enter a", "leave a after 0", "enter c", "leave c after 0"];
    assert_eq!(log, expected, "what was passed by comes later and in order");
}

#[test]
fn a_timer_whose_procedure_runs_a_nested_loop_ticks_once_afterwards() {
    let (simulation, mut dispatcher) = stage();
    let stage = simulation.clone();
    let window = dispatcher.open_window(move |dispatcher, log, message| {
        log.push(words(&message));
        if log.len() == 1 {
            stage.advance(Duration::from_millis(35));
            assert_eq!(drain(dispatcher, log).dispatched, 0, "it does not run inside itself");
        } else {
            dispatcher.pump().quit(0);
        }
    });
    dispatcher.pump().set_timer(window, Timer::every(Duration::from_millis(10))).unwrap();
    let mut log = Log::new();
    dispatcher.run(&mut log).unwrap();
    assert_eq!(log, ["tick 1 missed 0", "tick 2 missed 2"]);
}

/// Goes on within a procedure until the log is longer than so much.
type NestedLoop = fn(&mut Dispatcher<char, Log>, &mut Log, usize);

#[test]
fn a_nested_loop_waits_and_does_not_spin_over_what_it_passes_by() {
    let of_its_own: NestedLoop = |dispatcher, log, seen| {
        assert_eq!(dispatcher.run_until(log, |_, log| log.len() > seen).unwrap(), Ended::Over);
    };
    let in_a_hosts_style: NestedLoop = |dispatcher, log, seen| {
        for _ in 0..3 {
            dispatcher.dispatch_pending(log, Budget::wait_forever()).unwrap();
            if log.len() > seen {
                return;
            }
        }
        panic!("it spins");
    };
    for nested in [of_its_own, in_a_hosts_style] {
        let (simulation, mut dispatcher) = stage();
        let other = open_scribe(&mut dispatcher);
        let window = dispatcher.open_window(move |dispatcher, log, _| {
            let pump = dispatcher.pump();
            pump.set_timer(other, Timer::once(Duration::from_secs(1))).unwrap();
            let turns = pump.metrics().turns;
            nested(dispatcher, log, log.len());
            assert!(dispatcher.pump().metrics().turns - turns <= 3, "a turn or two for one timer");
        });
        post(&mut dispatcher, window, "ab");
        dispatcher.pump().set_timer(window, Timer::every(Duration::from_millis(100))).unwrap();
        let mut log = vec!["start".to_owned()];
        let message = dispatcher.next_message().unwrap();
        assert!(matches!(dispatcher.dispatch(&mut log, message), Dispatch::Done));
        assert_eq!(log, ["start", "tick 1 missed 0"]);
        assert!(simulation.elapsed() >= Duration::from_secs(1));
    }
}

#[test]
fn a_nested_loop_that_can_get_nothing_for_want_of_room_says_so() {
    let simulation = Simulation::new(1);
    let mut dispatcher = Dispatcher::<char, Log>::new(simulation.pump(Settings::default().queue_capacity(2)));
    let poster = dispatcher.pump().poster();
    let window = dispatcher.open_window(move |dispatcher, log, message| {
        if words(&message) == "x" {
            post(dispatcher, message.window, "ab");
            poster.post(message.window, 'c').unwrap();
            let error = dispatcher.run(log).unwrap_err();
            log.push(error.to_string());
        } else {
            log.push(words(&message));
        }
    });
    post(&mut dispatcher, window, "x");
    let mut log = Log::new();
    drain(&mut dispatcher, &mut log);
    drain(&mut dispatcher, &mut log);
    assert!(log[0].contains("the queue is full"), "{log:?}");
    assert_eq!(log[1..], ["a", "b", "c"]);
}

#[test]
fn quit_in_a_nested_loop_ends_it_and_the_outer_one() {
    let (_, mut dispatcher) = stage();
    let inner = dispatcher.open_window(|dispatcher, log, message| {
        log.push(words(&message));
        dispatcher.pump().quit(9);
    });
    let outer = dispatcher.open_window(|dispatcher, log, _| {
        let ended = dispatcher.run_until(log, |_, _| false).unwrap();
        log.push(format!("{ended:?}"));
    });
    post(&mut dispatcher, outer, "a");
    post(&mut dispatcher, inner, "b");
    let mut log = Log::new();
    assert_eq!(dispatcher.run(&mut log).unwrap(), 9);
    assert_eq!(log, ["b", "Quit(9)"]);
    dispatcher.pump().resume();
    post(&mut dispatcher, inner, "c");
    assert_eq!(dispatcher.run(&mut log).unwrap(), 9);
}

/// What was posted before the quit comes before the end, though the loop that was told first could not dispatch it.
#[test]
fn what_waited_for_a_procedure_that_runs_a_nested_loop_comes_before_the_end() {
    let of_its_own: NestedLoop = |dispatcher, log, _| {
        assert_eq!(dispatcher.run(log).unwrap(), 9);
    };
    let in_a_hosts_style: NestedLoop = |dispatcher, log, _| {
        let Pending { dispatched, more, quit, .. } = drain(dispatcher, log);
        assert_eq!((dispatched, more, quit), (0, false, Some(9)));
    };
    for nested in [of_its_own, in_a_hosts_style] {
        let (_, mut dispatcher) = stage();
        let window = dispatcher.open_window(move |dispatcher, log, message| {
            log.push(words(&message));
            if log.len() == 1 {
                dispatcher.pump().quit(9);
                nested(dispatcher, log, 0);
            }
        });
        post(&mut dispatcher, window, "abc");
        let mut log = Log::new();
        assert_eq!(dispatcher.run(&mut log).unwrap(), 9);
        assert_eq!(log, ["a", "b", "c"]);
    }
}

/// Also where that loop ends because what it can dispatch makes more without end.
#[test]
fn what_waited_for_a_procedure_comes_before_the_end_of_a_nested_loop_without_one() {
    let (_, mut dispatcher) = stage();
    let restless = dispatcher.open_window(|dispatcher, _, message| post(dispatcher, message.window, "r"));
    let window = dispatcher.open_window(move |dispatcher, log, message| {
        log.push(words(&message));
        if log.len() == 1 {
            post(dispatcher, restless, "r");
            dispatcher.pump().quit(9);
            dispatcher.run(log).unwrap();
        }
    });
    post(&mut dispatcher, window, "abc");
    let mut log = Log::new();
    assert_eq!(dispatcher.run(&mut log).unwrap(), 9);
    assert_eq!(log, ["a", "b", "c"]);
    assert!(dispatcher.get_message().unwrap().is_none());
}

/// Nor is a host told later, or never, because a loop within a procedure was told first and messages come without end.
#[test]
fn a_host_is_told_of_a_quit_that_a_loop_within_a_procedure_was_told_first() {
    let (_, mut dispatcher) = stage();
    let restless = dispatcher.open_window(|dispatcher, _, message| post(dispatcher, message.window, "r"));
    let window = dispatcher.open_window(move |dispatcher, log, message| {
        log.push(words(&message));
        if log.len() == 1 {
            dispatcher.pump().quit(9);
            assert_eq!(told(drain(dispatcher, log)), (0, false, Some(9)));
            post(dispatcher, restless, "r");
        }
    });
    post(&mut dispatcher, window, "abc");
    let mut log = Log::new();
    let mut dispatch_one = || told(dispatcher.dispatch_pending(&mut log, Budget::no_wait().messages(1)).unwrap());
    let quits = [(); 4].map(|()| dispatch_one());
    assert_eq!(quits, [(1, true, None), (1, true, None), (1, true, Some(9)), (1, true, Some(9))]);
    assert_eq!(log, ["a", "b", "c"]);
}

/// A handler of what is owed may open a dialog: that has ended before it begins, as every loop within.
#[test]
fn no_loop_begins_within_what_comes_before_the_end() {
    let (_, mut dispatcher) = stage();
    let dialog = open_scribe(&mut dispatcher);
    let window = dispatcher.open_window(move |dispatcher, log, message| {
        log.push(words(&message));
        if log.len() == 1 {
            dispatcher.pump().quit(9);
        }
        post(dispatcher, dialog, "x");
        let ended = dispatcher.run_until(log, |_, _| false).unwrap();
        log.push(format!("{ended:?}"));
    });
    post(&mut dispatcher, window, "abc");
    let mut log = Log::new();
    assert_eq!(dispatcher.run(&mut log).unwrap(), 9);
    assert_eq!(log, ["a", "x", "Quit(9)", "b", "Quit(9)", "c", "Quit(9)"]);
}

/// Otherwise a host's own loop within a procedure would turn the pump without a pause.
#[test]
fn what_is_passed_by_keeps_no_host_awake() {
    let (simulation, mut dispatcher) = stage();
    let stage = simulation.clone();
    let other = open_scribe(&mut dispatcher);
    let window = dispatcher.open_window(move |dispatcher, log, message| {
        let log = &mut *log;
        let mut at_rest = |dispatcher: &mut Dispatcher<char, Log>| {
            assert!(!drain(dispatcher, log).more);
            dispatcher.rest()
        };
        post(dispatcher, message.window, "b");
        assert_eq!(at_rest(dispatcher), Rest::Forever);
        dispatcher.pump().set_timer(message.window, Timer::once(Duration::from_secs(1))).unwrap();
        let deadline = dispatcher.pump().next_deadline().unwrap();
        assert_eq!(at_rest(dispatcher), Rest::Until(deadline));
        stage.advance(Duration::from_secs(1));
        assert_eq!(at_rest(dispatcher), Rest::Forever, "the tick waits with the post");
        dispatcher.pump().set_timer(other, Timer::once(Duration::from_secs(1))).unwrap();
        assert!(matches!(at_rest(dispatcher), Rest::Until(later) if later > deadline));
        post(dispatcher, other, "c");
        assert_eq!(dispatcher.rest(), Rest::Ready);
        let pending = dispatcher.dispatch_pending(log, Budget::no_wait().messages(1)).unwrap();
        assert_eq!((pending.dispatched, pending.more), (1, false), "what is left is passed by");
        assert_eq!(dispatcher.pump().rest(), Rest::Ready, "to who passes nothing by");
    });
    post(&mut dispatcher, window, "a");
    let message = dispatcher.next_message().unwrap();
    assert!(matches!(dispatcher.dispatch(&mut Log::new(), message), Dispatch::Done));
    assert_eq!(dispatcher.rest(), Rest::Ready, "it can be dispatched now");
}

/// What could not be taken over while the queue was full is more to do in a nested loop, too.
#[test]
fn posts_that_had_to_wait_for_room_are_more_to_do_in_a_nested_loop() {
    let simulation = Simulation::new(1);
    let mut dispatcher = Dispatcher::<char, Log>::new(simulation.pump(Settings::default().queue_capacity(2)));
    let other = open_scribe(&mut dispatcher);
    let poster = dispatcher.pump().poster();
    let window = dispatcher.open_window(move |dispatcher, log, message| {
        post(dispatcher, message.window, "b");
        post(dispatcher, other, "c");
        "de".chars().for_each(|letter| poster.post(other, letter).unwrap());
        for _ in 0..3 {
            if !drain(dispatcher, log).more {
                break;
            }
        }
        assert_eq!(*log, ["c", "d", "e"]);
    });
    post(&mut dispatcher, window, "a");
    let message = dispatcher.next_message().unwrap();
    assert!(matches!(dispatcher.dispatch(&mut Log::new(), message), Dispatch::Done));
}

#[test]
fn a_procedure_replaces_itself_also_for_a_nested_loop() {
    let (_, mut dispatcher) = stage();
    let kept = Rc::new(());
    let captured = kept.clone();
    let window = dispatcher.open_window(move |dispatcher, log, message| {
        let _captured = &captured;
        log.push(format!("old {}", words(&message)));
        let new = |_: &mut Dispatcher<char, Log>, log: &mut Log, message| log.push(format!("new {}", words(&message)));
        dispatcher.set_procedure(message.window, new).unwrap();
        drain(dispatcher, log);
        log.push("old returns".to_owned());
    });
    post(&mut dispatcher, window, "ab");
    let mut log = Log::new();
    drain(&mut dispatcher, &mut log);
    post(&mut dispatcher, window, "c");
    drain(&mut dispatcher, &mut log);
    assert_eq!(log, ["old a", "new b", "old returns", "new c"]);
    assert_eq!(Rc::strong_count(&kept), 1, "the old procedure is dropped");
}

#[test]
fn a_procedure_is_refused_for_a_window_that_is_gone() {
    let (_, mut dispatcher) = stage();
    let window = dispatcher.pump().open_window();
    dispatcher.destroy_window(window).unwrap();
    let refused = dispatcher.set_procedure(window, |_, _, _| {}).unwrap_err();
    assert!(refused.to_string().contains(&window.to_string()), "{refused}");
    let root = dispatcher.pump().root_window();
    assert!(dispatcher.set_procedure(root, refused.procedure).is_ok());
}

#[test]
fn a_procedure_that_destroys_its_window_runs_to_its_end_and_never_again() {
    for through_the_pump in [false, true] {
        let (_, mut dispatcher) = stage();
        let kept = Rc::new(());
        let captured = kept.clone();
        let window = dispatcher.open_window(move |dispatcher, log, message| {
            let swept = if through_the_pump {
                dispatcher.pump().destroy_window(message.window)
            } else {
                dispatcher.destroy_window(message.window)
            };
            assert_eq!(swept.unwrap().messages(), 1);
            assert!(dispatcher.destroy_window(message.window).is_none());
            log.push(format!("{} {}", words(&message), Rc::strong_count(&captured)));
        });
        post(&mut dispatcher, window, "ab");
        let mut log = Log::new();
        drain(&mut dispatcher, &mut log);
        assert_eq!(log, ["a 2"], "through the pump: {through_the_pump}");
        assert_eq!(Rc::strong_count(&kept), 1, "the procedure is dropped when it has returned");
    }
}

#[test]
fn procedures_of_windows_destroyed_through_the_pump_do_not_pile_up() {
    let (_, mut dispatcher) = stage();
    let kept = Rc::new(());
    for _ in 0..10_000 {
        let captured = kept.clone();
        let window = dispatcher.open_window(move |_, _, _| drop(captured.clone()));
        dispatcher.pump().destroy_window(window);
    }
    assert!(Rc::strong_count(&kept) < 100, "{} are left", Rc::strong_count(&kept));
}

#[test]
fn a_message_for_a_procedure_that_runs_comes_back() {
    let (_, mut dispatcher) = stage();
    let window = dispatcher.open_window(|dispatcher, log, message| {
        log.push(words(&message));
        if words(&message) == "a" {
            assert!(dispatcher.next_message().is_none(), "its own message is passed by");
            let own = dispatcher.pump().next_in_hand(&[]).unwrap();
            let Dispatch::Busy(own) = dispatcher.dispatch(log, own) else { panic!("it runs inside itself") };
            log.push(format!("busy {}", words(own.get().unwrap())));
        }
    });
    post(&mut dispatcher, window, "ab");
    let mut log = Log::new();
    drain(&mut dispatcher, &mut log);
    assert_eq!(log, ["a", "busy b"]);
}

#[test]
fn a_panic_in_a_procedure_leaves_everything_usable() {
    let (_, mut dispatcher) = stage();
    let other = open_scribe(&mut dispatcher);
    let inner = dispatcher.open_window(|_, log: &mut Log, message| {
        log.push(words(&message));
        assert_ne!(words(&message), "!", "on purpose");
    });
    let outer = dispatcher.open_window(|dispatcher, log, message| {
        log.push(format!("outer {}", words(&message)));
        drain(dispatcher, log);
    });
    post(&mut dispatcher, outer, "a");
    post(&mut dispatcher, inner, "!b");
    post(&mut dispatcher, outer, "c");
    post(&mut dispatcher, other, "d");
    let mut log = Log::new();
    catch_unwind(AssertUnwindSafe(|| drain(&mut dispatcher, &mut log))).unwrap_err();
    assert_eq!(log, ["outer a", "!"]);
    drain(&mut dispatcher, &mut log);
    assert_eq!(log[2..], ["b", "outer c", "d"], "both procedures are in place, no message came twice");
    assert_eq!((dispatcher.pump().metrics().queued, dispatcher.pump().rest()), (0, Rest::Forever));
}

#[test]
fn a_panic_in_a_procedure_that_destroyed_or_replaced_itself_does_no_harm() {
    let (_, mut dispatcher) = stage();
    let destroyed = dispatcher.open_window(|dispatcher, _, message| {
        dispatcher.destroy_window(message.window);
        panic!("on purpose");
    });
    let replaced = dispatcher.open_window(|dispatcher, _, message| {
        let new = |_: &mut Dispatcher<char, Log>, log: &mut Log, message| log.push(words(&message));
        dispatcher.set_procedure(message.window, new).unwrap();
        panic!("on purpose");
    });
    post(&mut dispatcher, destroyed, "ab");
    post(&mut dispatcher, replaced, "cd");
    let mut log = Log::new();
    for _ in 0..2 {
        catch_unwind(AssertUnwindSafe(|| drain(&mut dispatcher, &mut log))).unwrap_err();
    }
    drain(&mut dispatcher, &mut log);
    assert_eq!(log, ["d"]);
}

#[test]
fn a_host_dispatches_within_its_budget() {
    let (simulation, mut dispatcher) = stage();
    let stage = simulation.clone();
    let window = dispatcher.open_window(move |dispatcher, log, message| {
        log.push(words(&message));
        stage.advance(Duration::from_millis(3));
        // Without end, as animations do.
        post(dispatcher, message.window, "z");
    });
    post(&mut dispatcher, window, "abc");
    let mut log = Log::new();
    let pending = dispatcher.dispatch_pending(&mut log, Budget::no_wait().messages(2)).unwrap();
    assert_eq!(told(pending), (2, true, None));
    let frame = Budget::no_wait().time(Duration::from_millis(7));
    let pending = dispatcher.dispatch_pending(&mut log, frame).unwrap();
    assert_eq!(told(pending), (3, true, None));
    assert_eq!(log, ["a", "b", "c", "z", "z"]);
    dispatcher.destroy_window(window);
    let pending = dispatcher.dispatch_pending(&mut log, Budget::no_wait()).unwrap();
    assert_eq!(told(pending), (0, false, None));
}

/// A host that goes on while there is more has dispatched all when it sleeps.
#[test]
fn posts_that_had_to_wait_for_room_are_more_to_do() {
    let simulation = Simulation::new(1);
    let mut dispatcher = Dispatcher::<char, Log>::new(simulation.pump(Settings::default().queue_capacity(2)));
    let window = open_scribe(&mut dispatcher);
    let poster = dispatcher.pump().poster();
    post(&mut dispatcher, window, "ab");
    "cd".chars().for_each(|letter| poster.post(window, letter).unwrap());
    let mut log = Log::new();
    while drain(&mut dispatcher, &mut log).more {}
    assert_eq!(log, ["a", "b", "c", "d"]);
}

#[test]
fn a_host_is_told_of_quit_after_what_came_before() {
    let (_, mut dispatcher) = stage();
    let window = open_scribe(&mut dispatcher);
    post(&mut dispatcher, window, "ab");
    dispatcher.pump().quit(3);
    let mut log = Log::new();
    let pending = dispatcher.dispatch_pending(&mut log, Budget::no_wait().messages(1)).unwrap();
    assert_eq!(told(pending), (1, true, None));
    assert_eq!(told(drain(&mut dispatcher, &mut log)), (1, false, Some(3)));
    assert_eq!(told(drain(&mut dispatcher, &mut log)), (0, false, Some(3)));
    assert_eq!(log, ["a", "b"]);
}
