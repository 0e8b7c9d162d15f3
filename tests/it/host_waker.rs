//! The pump in a loop that waits for no descriptors, and is called when there is something for the pump.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use msgpump::simulation::Simulation;
use msgpump::{Budget, Payload, Pump, Settings};

use crate::support::{PATIENCE, settings};

/// A host's queue of events, and settings that put one into it.
fn host() -> (Receiver<()>, Settings) {
    let (sender, events) = mpsc::channel();
    (events, settings().host_waker(move || sender.send(()).unwrap()))
}

/// What the pump gives to a host that was called.
fn turn_and_take(pump: &mut Pump<u32>) -> Vec<Payload<u32>> {
    while pump.turn(Budget::no_wait().messages(7)).unwrap().more {}
    std::iter::from_fn(|| pump.next_message()).map(|message| message.payload).collect()
}

#[test]
fn no_post_of_many_threads_is_slept_over() {
    let (events, settings) = host();
    let mut pump = Pump::<u32>::with_settings(settings).unwrap();
    let window = pump.root_window();
    let threads = (0..4).map(|_| {
        let poster = pump.poster();
        thread::spawn(move || (0..500).for_each(|number| poster.post(window, number).unwrap()))
    });
    let threads: Vec<_> = threads.collect();
    let mut taken = 0;
    while taken < 2000 {
        events.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{taken} of 2000 posts came, then {error}"));
        taken += turn_and_take(&mut pump).len();
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_result_of_another_thread_calls_the_host() {
    let (events, settings) = host();
    let mut pump = Pump::<u32>::with_settings(settings).unwrap();
    let (sum, completer) = pump.start_external::<u32>(pump.root_window()).unwrap();
    let thread = thread::spawn(move || completer.complete(7));
    events.recv_timeout(PATIENCE).unwrap();
    let [Payload::External(external)] = &mut turn_and_take(&mut pump)[..] else { panic!("one result is there") };
    assert_eq!(external.of(sum), Some(Ok(7)));
    thread.join().unwrap().unwrap();
}

#[test]
fn a_burst_calls_the_host_once_and_the_next_one_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let settings = settings().host_waker(move || _ = counter.fetch_add(1, Ordering::Relaxed));
    let mut pump = Pump::<u32>::with_settings(settings).unwrap();
    let (poster, window) = (pump.poster(), pump.root_window());
    for burst in 1..=3 {
        (0..100).for_each(|number| poster.post(window, number).unwrap());
        assert_eq!(calls.load(Ordering::Relaxed), burst);
        assert_eq!(turn_and_take(&mut pump).len(), 100);
    }
}

/// What this thread posts needs nobody called: it is here, and asks `rest` before it sleeps.
#[test]
fn what_the_program_does_itself_does_not_call_the_host() {
    let (events, settings) = host();
    let mut pump = Pump::<u32>::with_settings(settings).unwrap();
    let window = pump.root_window();
    pump.post(window, 1).unwrap();
    assert_eq!(turn_and_take(&mut pump).len(), 1);
    assert!(events.try_recv().is_err());
}

#[test]
fn a_simulated_pump_calls_its_host_too() {
    let (events, settings) = host();
    let simulation = Simulation::new(1);
    let mut pump = simulation.pump::<u32>(settings);
    let (poster, window) = (pump.poster(), pump.root_window());
    simulation.after(Duration::from_secs(1), move || poster.post(window, 1).unwrap());
    assert!(events.try_recv().is_err());
    pump.turn(Budget::wait_forever()).unwrap();
    assert!(events.try_recv().is_ok());
}

/// Otherwise a host whose loop ends with the last sender would run for as long as some thread keeps a poster.
#[test]
fn a_pump_that_is_gone_lets_go_of_its_host() {
    let (events, settings) = host();
    let mut pump = Pump::<u32>::with_settings(settings).unwrap();
    let (poster, window) = (pump.poster(), pump.root_window());
    let (_, completer) = pump.start_external::<u32>(window).unwrap();
    drop(pump);
    assert_eq!(events.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    assert!(poster.post(window, 1).is_err() && completer.complete(1).is_err());
}

/// The pump's own wake-up was sent before: a wait sees it, once. The host may not know, so the next post calls it again.
#[test]
fn a_host_that_panics_when_it_is_called_keeps_no_turn_busy_and_is_called_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let settings = settings().host_waker(move || {
        if counter.fetch_add(1, Ordering::Relaxed) == 0 {
            resume_unwind(Box::new("the host is ill"));
        }
    });
    let mut pump = Pump::<u32>::with_settings(settings).unwrap();
    let (poster, window) = (pump.poster(), pump.root_window());
    let post = || poster.post(window, 1).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(post)).is_err());
    poster.post(window, 2).unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    assert_eq!(turn_and_take(&mut pump).len(), 2);
    let waits = pump.metrics().waits;
    for _ in 0..10 {
        pump.turn(Budget::no_wait()).unwrap();
    }
    assert_eq!(pump.metrics().waits, waits);
}
