//! A procedure that holds everything up is named, nobody else is.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use msgpump::dispatcher::{Dispatch, SlowHandler};
use msgpump::{Kind, Payload, Timer};

use super::{Log, drain, open_scribe, post, stage};

const LIMIT: Duration = Duration::from_millis(16);

#[test]
fn a_slow_procedure_is_named_with_its_window_its_message_and_its_time() {
    let (simulation, mut dispatcher) = stage();
    let stage = simulation.clone();
    let reports = Rc::new(RefCell::new(Vec::<SlowHandler>::new()));
    let told = reports.clone();
    let window = dispatcher.open_window(move |_, _, message| match message.payload {
        Payload::Posted('q') => stage.advance(LIMIT),
        Payload::Tick(_) => stage.advance(Duration::from_millis(20)),
        _ => stage.advance(Duration::from_millis(30)),
    });
    dispatcher.report_slow(LIMIT, move |slow| told.borrow_mut().push(slow));
    post(&mut dispatcher, window, "qsq");
    dispatcher.pump().set_timer(window, Timer::once(Duration::from_secs(1))).unwrap();
    let mut log = Log::new();
    for _ in 0..4 {
        let message = dispatcher.get_message().unwrap().unwrap();
        assert!(matches!(dispatcher.dispatch(&mut log, message), Dispatch::Done));
    }
    let seen: Vec<_> = reports.borrow().iter().map(|slow| (slow.window, slow.kind, slow.time.as_millis())).collect();
    assert_eq!(seen, [(window, Kind::Posted, 30), (window, Kind::Tick, 20)]);
    let text = reports.borrow()[0].to_string();
    assert!(text.contains(&window.to_string()) && text.contains("30ms") && text.contains("Posted"), "{text}");
}

#[test]
fn a_nested_loop_is_not_held_against_the_procedure_that_runs_it() {
    let (simulation, mut dispatcher) = stage();
    let reports = Rc::new(RefCell::new(Vec::new()));
    let told = reports.clone();
    let (slow, quick) = (simulation.clone(), simulation.clone());
    let scribe = open_scribe(&mut dispatcher);
    let inner = dispatcher.open_window(move |_, _, _| slow.advance(Duration::from_millis(50)));
    let dialog = dispatcher.open_window(move |dispatcher, log, _| {
        quick.advance(Duration::from_millis(5));
        drain(dispatcher, log);
        dispatcher.pump().set_timer(scribe, Timer::once(Duration::from_secs(60))).unwrap();
        let seen = log.len();
        dispatcher.run_until(log, |_, log| log.len() > seen).unwrap();
        quick.advance(Duration::from_millis(5));
    });
    dispatcher.report_slow(LIMIT, move |slow| told.borrow_mut().push((slow.window, slow.time.as_millis())));
    post(&mut dispatcher, dialog, "d");
    post(&mut dispatcher, inner, "i");
    drain(&mut dispatcher, &mut Log::new());
    assert!(simulation.elapsed() >= Duration::from_secs(60));
    assert_eq!(*reports.borrow(), [(inner, 50)]);
    dispatcher.report_slow(Duration::from_millis(9), |slow| panic!("{slow}"));
    post(&mut dispatcher, scribe, "s");
    drain(&mut dispatcher, &mut Log::new());
}

/// Nor is the procedure that panics in it, or that is reported to somebody else from then on.
#[test]
fn a_nested_loop_that_ends_in_a_panic_is_not_held_against_the_procedure_that_runs_it() {
    let (simulation, mut dispatcher) = stage();
    let reports = Rc::new(RefCell::new(Vec::new()));
    let (told, told_later) = (reports.clone(), reports.clone());
    let stage = simulation.clone();
    let inner = dispatcher.open_window(move |_, _, message| {
        stage.advance(Duration::from_millis(50));
        if matches!(message.payload, Payload::Posted('p')) {
            resume_unwind(Box::new("it gives up"));
        }
    });
    let outer = dispatcher.open_window(move |dispatcher, log, _| {
        assert!(catch_unwind(AssertUnwindSafe(|| drain(dispatcher, log))).is_err());
        let told = told_later.clone();
        drain(dispatcher, log);
        dispatcher.report_slow(LIMIT, move |slow| told.borrow_mut().push((slow.window, slow.time.as_millis())));
    });
    dispatcher.report_slow(LIMIT, move |slow| told.borrow_mut().push((slow.window, slow.time.as_millis())));
    post(&mut dispatcher, outer, "o");
    post(&mut dispatcher, inner, "pq");
    drain(&mut dispatcher, &mut Log::new());
    assert_eq!(*reports.borrow(), [(inner, 50)]);
    assert_eq!(simulation.elapsed(), Duration::from_millis(100));
}
