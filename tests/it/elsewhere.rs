//! Work on other threads, and streams.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use msgpump::simulation::Simulation;
use msgpump::{
    Abandoned, Budget, Cancelled, Filter, Kind, Payload, PostRefusal, Poster, Provider, Pump, Settings, Slice,
    StartRefusal, Step, StreamSettings, StreamWaker, Timer, WindowId, items,
};

/// Tells when it is dropped, by a post.
struct Tells(Poster<&'static str>, WindowId);

impl Drop for Tells {
    fn drop(&mut self) {
        let _ = self.0.post(self.1, "dropped");
    }
}

fn pump() -> Pump<&'static str> {
    Pump::new().expect("there are descriptors left")
}

fn turn<T>(pump: &mut Pump<T>) {
    let _ = pump.turn(Budget::no_wait()).expect("a turn that does not wait");
}

#[test]
fn a_result_of_another_thread_comes_as_one_message_after_the_threads_earlier_posts() {
    let mut pump = pump();
    let window = pump.open_window();
    let (work, completer) = pump.start_external::<String>(window).expect("the window is open");
    let poster = pump.poster();
    let worker = thread::spawn(move || {
        poster.post(window, "half done").expect("there is room");
        completer.complete("done".to_owned())
    });
    let first = pump.get_message().expect("the wait works").expect("nobody quits");
    assert!(matches!(first.payload, Payload::Posted("half done")), "{first:?}");
    let message = pump.get_message().expect("the wait works").expect("nobody quits");
    assert_eq!(message.operation, Some(work.id()));
    assert_eq!(message.window, window);
    let Payload::External(mut external) = message.payload else { panic!("{message:?}") };
    assert_eq!(external.of(work), Some(Ok("done".to_owned())));
    assert_eq!(external.of(work), None, "it is taken out once");
    assert!(!pump.is_live(work));
    assert_eq!(worker.join().expect("the worker does not panic"), Ok(()));
}

#[test]
fn a_result_is_told_from_those_of_other_operations_by_its_id() {
    let mut pump = pump();
    let window = pump.root_window();
    let (first, first_completer) = pump.start_external::<u8>(window).expect("the window is open");
    let (second, _second_completer) = pump.start_external::<u8>(window).expect("the window is open");
    first_completer.complete(7).expect("it is wanted");
    turn(&mut pump);
    let Some(Payload::External(mut external)) = pump.next_message().map(|message| message.payload) else {
        panic!("a completion waits")
    };
    assert_eq!(external.of(second), None);
    assert_eq!(external.of(first), Some(Ok(7)));
}

#[test]
fn a_dropped_completer_ends_its_operation() {
    let mut pump = pump();
    let window = pump.root_window();
    let (work, completer) = pump.start_external::<u8>(window).expect("the window is open");
    thread::spawn(move || drop(completer)).join().expect("the worker does not panic");
    let message = pump.get_message().expect("the wait works").expect("nobody quits");
    let Payload::External(mut external) = message.payload else { panic!("{message:?}") };
    assert_eq!(external.of(work), Some(Err(Abandoned)));
}

#[test]
fn a_completer_can_be_asked_from_several_threads_whatever_its_result_is() {
    let mut pump = pump();
    let window = pump.root_window();
    let (work, completer) = pump.start_external::<Cell<u8>>(window).expect("the window is open");
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| assert!(completer.is_wanted()));
        }
    });
    completer.complete(Cell::new(7)).expect("it is wanted");
    turn(&mut pump);
    let Some(Payload::External(mut external)) = pump.next_message().map(|message| message.payload) else {
        panic!("a completion waits")
    };
    thread::scope(|scope| _ = scope.spawn(|| format!("{external:?}")));
    assert_eq!(external.of(work), Some(Ok(Cell::new(7))));
}

#[test]
fn after_a_cancel_the_completer_learns_that_nobody_wants_the_result() {
    let mut pump = pump();
    let window = pump.root_window();
    let (work, completer) = pump.start_external::<u8>(window).expect("the window is open");
    assert!(completer.is_wanted());
    assert_eq!(pump.cancel(work), Cancelled::Pending);
    assert!(!completer.is_wanted());
    assert_eq!(completer.complete(1), Err(1));
    turn(&mut pump);
    assert!(pump.next_message().is_none());
    assert_eq!(pump.cancel(work), Cancelled::Over);
}

#[test]
fn a_result_that_a_cancel_finds_on_its_way_is_dropped_by_the_next_turn_outside_all_borrows() {
    let mut pump = pump();
    let window = pump.root_window();
    let (work, completer) = pump.start_external::<Tells>(window).expect("the window is open");
    let tells = Tells(pump.poster(), window);
    thread::spawn(move || completer.complete(tells).map_err(drop)).join().expect("no panic").expect("it is wanted");
    assert_eq!(pump.cancel(work), Cancelled::Pending);
    turn(&mut pump);
    assert!(pump.next_message().is_none());
    // Takes over what the drop has posted in the one before.
    turn(&mut pump);
    let message = pump.next_message().expect("the drop has posted");
    assert!(matches!(message.payload, Payload::Posted("dropped")), "{message:?}");
    assert!(pump.next_message().is_none());
}

/// Panics when it is dropped.
struct Panics;

impl Drop for Panics {
    fn drop(&mut self) {
        std::panic::resume_unwind(Box::new("dropped"));
    }
}

#[test]
fn a_panic_in_the_drop_of_a_late_result_passes_through_the_turn_and_loses_nothing() {
    let mut pump = pump();
    let (window, poster) = (pump.root_window(), pump.poster());
    for words in ["first", "second"] {
        let (work, completer) = pump.start_external::<Panics>(window).expect("the window is open");
        completer.complete(Panics).map_err(std::mem::forget).expect("it is wanted");
        poster.post(window, words).expect("there is room");
        pump.cancel(work);
    }
    for _ in 0..2 {
        let panicked = catch_unwind(AssertUnwindSafe(|| turn(&mut pump))).expect_err("one is dropped by each turn");
        assert_eq!(panicked.downcast_ref(), Some(&"dropped"));
    }
    turn(&mut pump);
    for words in ["first", "second"] {
        let message = pump.next_message().expect("it was posted");
        assert!(matches!(message.payload, Payload::Posted(posted) if posted == words), "{message:?}");
    }
    assert!(pump.next_message().is_none());
}

#[test]
fn late_results_are_dropped_outside_all_borrows_without_a_turn_too() {
    let mut pump = pump();
    let (window, alive) = (pump.root_window(), Arc::new(()));
    for _ in 0..5000 {
        let (work, completer) = pump.start_external(window).expect("the window is open");
        let result = (alive.clone(), Tells(pump.poster(), window));
        completer.complete(result).map_err(drop).expect("it is wanted");
        pump.cancel(work);
    }
    let on_their_way = Arc::strong_count(&alive) - 1;
    assert!((1..2500).contains(&on_their_way), "{on_their_way} of 5000");
    while pump.turn(Budget::no_wait()).expect("a turn that does not wait").more {}
    assert_eq!(Arc::strong_count(&alive), 1);
    let told = std::iter::from_fn(|| pump.next_message()).count();
    assert_eq!(told, 5000);
}

#[test]
fn of_many_completers_each_learns_of_its_own_cancel_alone() {
    let mut pump = pump();
    let (window, group) = (pump.root_window(), pump.open_group());
    let started: Vec<_> = (0..10_000_usize)
        .map(|number| {
            let owner = if number.is_multiple_of(3) { window.in_group(group) } else { window.into() };
            pump.start_external::<usize>(owner).expect("the window is open")
        })
        .collect();
    assert!(started.iter().all(|(_, completer)| completer.is_wanted()));
    assert_eq!(pump.cancel_group(group).operations(), 3334);
    let mut wanted = Vec::new();
    for (number, (id, completer)) in started.into_iter().enumerate() {
        assert_eq!(completer.is_wanted(), !number.is_multiple_of(3), "{number}");
        match completer.complete(number) {
            Ok(()) => wanted.push((number, id)),
            Err(result) => assert!(result == number && number.is_multiple_of(3)),
        }
    }
    for (number, id) in wanted {
        let message = pump.get_message().expect("the wait works").expect("nobody quits");
        let Payload::External(mut external) = message.payload else { panic!("{message:?}") };
        assert_eq!(external.of(id), Some(Ok(number)));
    }
}

#[test]
fn a_queued_result_is_purged_by_the_cancel() {
    let mut pump = pump();
    let window = pump.root_window();
    let (work, completer) = pump.start_external::<u8>(window).expect("the window is open");
    completer.complete(1).expect("it is wanted");
    turn(&mut pump);
    assert_eq!(pump.cancel(work), Cancelled::Queued(1));
    assert!(pump.next_message().is_none());
}

#[test]
fn a_full_queue_refuses_a_post_and_never_a_completion() {
    let mut pump = Pump::with_settings(Settings::default().queue_capacity(1)).expect("there are descriptors left");
    let window = pump.root_window();
    let poster = pump.poster();
    pump.post(window, 1).expect("there is room for one");
    let completers: Vec<_> =
        (0..5).map(|_| pump.start_external::<u8>(window).expect("completions have room of their own")).collect();
    let ids: Vec<_> = completers.iter().map(|(id, _)| *id).collect();
    for (_, completer) in completers {
        completer.complete(9).expect("it is wanted");
    }
    poster.post(window, 2).expect("completions take no room from posts");
    assert_eq!(poster.post(window, 3).expect_err("that was the room").refusal, PostRefusal::Full);
    turn(&mut pump);
    let mut completed = 0;
    while let Some(message) = pump.next_message_for(Filter::any().kind(Kind::External)) {
        let Payload::External(mut external) = message.payload else { panic!("{message:?}") };
        assert_eq!(external.of(ids[completed]), Some(Ok(9)));
        completed += 1;
    }
    assert_eq!(completed, 5);
}

#[test]
fn a_completion_can_be_waited_for_while_the_queue_is_full_of_posts() {
    let mut pump = Pump::with_settings(Settings::default().queue_capacity(1)).expect("there are descriptors left");
    let window = pump.root_window();
    pump.post(window, ()).expect("there is room for one");
    let (work, completer) = pump.start_external::<u8>(window).expect("the window is open");
    let worker = thread::spawn(move || completer.complete(3));
    let message = pump.get_message_for(Filter::any().operation(work)).expect("the wait works").expect("nobody quits");
    assert_eq!(message.operation, Some(work.id()));
    assert_eq!(worker.join().expect("the worker does not panic"), Ok(()));
}

#[test]
fn a_completer_outlives_its_pump_without_harm() {
    let mut pump = pump();
    let window = pump.root_window();
    let (_, completer) = pump.start_external::<u8>(window).expect("the window is open");
    let (_, dropped) = pump.start_external::<u8>(window).expect("the window is open");
    drop(pump);
    assert!(!completer.is_wanted());
    assert_eq!(completer.complete(1), Err(1));
    drop(dropped);
}

#[test]
fn a_burst_of_completions_sends_one_wake() {
    let mut pump = pump();
    let window = pump.root_window();
    let completers: Vec<_> =
        (0..100).map(|_| pump.start_external::<u8>(window).expect("the window is open").1).collect();
    let before = pump.metrics().wakes;
    for completer in completers {
        completer.complete(1).expect("it is wanted");
    }
    assert_eq!(pump.metrics().wakes - before, 1);
    turn(&mut pump);
    assert_eq!(std::iter::from_fn(|| pump.next_message()).count(), 100);
}

#[test]
fn a_destroyed_window_silences_the_work_it_waits_for() {
    let mut pump = pump();
    let window = pump.open_window();
    let (_, completer) = pump.start_external::<u8>(window).expect("the window is open");
    let stream = pump.start_stream(window, items(0..10), StreamSettings::default()).expect("the window is open");
    turn(&mut pump);
    assert!(pump.peek_message().is_some());
    let swept = pump.destroy_window(window).expect("it is open");
    assert_eq!((swept.operations(), swept.messages()), (2, 2), "a batch and the end");
    assert_eq!(completer.complete(1), Err(1));
    assert!(!pump.is_live(stream));
    turn(&mut pump);
    assert!(pump.next_message().is_none());
    let refused = pump.start_external::<u8>(window).expect_err("it is destroyed");
    assert_eq!(refused.refusal, StartRefusal::NoSuchWindow(window));
    let refused = pump.start_stream(window, items(0..10), StreamSettings::default()).expect_err("it is destroyed");
    assert_eq!(refused.refusal, StartRefusal::NoSuchWindow(window));
    assert_eq!(refused.argument.clone().step_all(), (0..10).collect::<Vec<_>>(), "the provider comes back whole");
}

trait StepAll {
    fn step_all(self) -> Vec<i32>;
}

impl<P: Provider<Item = i32, Status = ()> + 'static> StepAll for P {
    fn step_all(self) -> Vec<i32> {
        let mut pump = Pump::<()>::new().expect("there are descriptors left");
        let window = pump.root_window();
        let id = pump.start_stream(window, self, StreamSettings::default()).expect("the window is open");
        collect(&mut pump, id).0
    }
}

/// Takes a stream to its end: all items, and how it ended.
fn collect<T, I: 'static, S: 'static>(
    pump: &mut Pump<T>,
    id: msgpump::StreamId<I, S>,
) -> (Vec<I>, Result<S, msgpump::Panicked>) {
    let mut all = Vec::new();
    loop {
        let message = pump.get_message_for(Filter::any().operation(id)).expect("the wait works");
        match message.expect("nobody quits").payload {
            Payload::Batch(mut batch) => all.extend(batch.of(id).expect("a batch of this stream")),
            Payload::StreamEnd(mut end) => return (all, end.of(id).expect("the end of this stream")),
            _ => unreachable!("a stream gives nothing else"),
        }
    }
}

#[test]
fn a_stream_gives_its_items_in_order_and_then_one_final_message() {
    let mut pump = pump();
    let window = pump.root_window();
    for settings in [StreamSettings::default(), StreamSettings::default().batch(1).credit(1)] {
        for length in [0, 1, 63, 64, 65, 1000] {
            let id = pump.start_stream(window, items(0..length), settings).expect("the window is open");
            let (all, end) = collect(&mut pump, id);
            assert_eq!(all, (0..length).collect::<Vec<_>>());
            assert_eq!(end, Ok(()));
            assert!(!pump.is_live(id));
            turn(&mut pump);
            assert!(pump.next_message().is_none());
        }
    }
}

/// Counts how often it is asked, and says each time that it has more.
struct Asked(Rc<Cell<usize>>);

impl Provider for Asked {
    type Item = usize;
    type Status = ();

    fn step(&mut self, slice: &mut Slice<'_, usize>) -> Step<()> {
        self.0.set(self.0.get() + 1);
        slice.push(self.0.get()).expect("there is room for one at least");
        Step::More
    }
}

#[test]
fn no_more_batches_wait_than_the_credit_and_a_taken_one_makes_room() {
    let mut pump = pump();
    let window = pump.root_window();
    let asked = Rc::new(Cell::new(0));
    let settings = StreamSettings::default().credit(3);
    let id = pump.start_stream(window, Asked(asked.clone()), settings).expect("the window is open");
    for _ in 0..5 {
        turn(&mut pump);
        assert_eq!((asked.get(), pump.metrics().queued), (3, 3));
    }
    let message = pump.next_message().expect("a batch waits");
    let Payload::Batch(mut batch) = message.payload else { panic!("{message:?}") };
    assert_eq!(batch.of(id), Some(vec![1]));
    turn(&mut pump);
    assert_eq!((asked.get(), pump.metrics().queued), (4, 3));
    assert_eq!(pump.cancel(id), Cancelled::Pending);
    assert_eq!(Rc::strong_count(&asked), 1, "the provider is dropped");
    assert!(pump.next_message().is_none());
}

/// Gives a number each time it is asked, an hour apart.
struct Hourly(u32);

impl Provider for Hourly {
    type Item = u32;
    type Status = ();

    fn step(&mut self, slice: &mut Slice<'_, u32>) -> Step<()> {
        self.0 += 1;
        slice.push(self.0).expect("there is room for one at least");
        if self.0 == 5 { Step::End(()) } else { Step::At(slice.now() + Duration::from_secs(3600)) }
    }
}

#[test]
fn a_provider_is_asked_again_when_it_said() {
    let simulation = Simulation::new(1);
    let mut pump = simulation.pump::<()>(Settings::default());
    let window = pump.root_window();
    let id = pump.start_stream(window, Hourly(0), StreamSettings::default()).expect("the window is open");
    assert_eq!(collect(&mut pump, id), (vec![1, 2, 3, 4, 5], Ok(())));
    assert_eq!(simulation.elapsed().as_secs(), 4 * 3600);
}

/// Says again and again that it wants to be asked at once, and gives nothing.
struct Again(Rc<Cell<usize>>);

impl Provider for Again {
    type Item = ();
    type Status = ();

    fn step(&mut self, slice: &mut Slice<'_, ()>) -> Step<()> {
        self.0.set(self.0.get() + 1);
        Step::At(slice.now())
    }
}

#[test]
fn a_provider_that_always_says_again_does_not_spin() {
    let simulation = Simulation::new(1);
    let mut pump = simulation.pump::<()>(Settings::default());
    let (window, asked) = (pump.root_window(), Rc::new(Cell::new(0)));
    pump.start_stream(window, Again(asked.clone()), StreamSettings::default()).expect("the window is open");
    pump.set_timer(window, Timer::once(Duration::from_millis(100))).expect("the window is open");
    let message = pump.get_message().expect("the wait works").expect("nobody quits");
    assert!(matches!(message.payload, Payload::Tick(_)), "{message:?}");
    assert!(asked.get() <= 101, "once a millisecond at most, not {} times", asked.get());
}

/// Parks each time, and keeps the time that it was told.
struct Told(Rc<Cell<Option<Instant>>>);

impl Provider for Told {
    type Item = ();
    type Status = ();

    fn step(&mut self, slice: &mut Slice<'_, ()>) -> Step<()> {
        self.0.set(Some(slice.now()));
        Step::Parked
    }
}

/// Nothing else in the pump waits for time.
#[test]
fn a_parked_provider_that_is_woken_is_told_the_time_as_it_is() {
    let simulation = Simulation::new(1);
    let mut pump = simulation.pump::<()>(Settings::default());
    let (window, told) = (pump.root_window(), Rc::new(Cell::new(None)));
    let id = pump.start_stream(window, Told(told.clone()), StreamSettings::default()).expect("the window is open");
    turn(&mut pump);
    let waker = pump.stream_waker(id).expect("its provider lives");
    simulation.advance(Duration::from_secs(3600));
    waker.wake();
    turn(&mut pump);
    assert_eq!(told.get(), Some(simulation.now()));
}

/// Parks until another thread has sent a number.
struct Parked {
    numbers: mpsc::Receiver<u32>,
    wakers: mpsc::Sender<StreamWaker>,
}

impl Provider for Parked {
    type Item = u32;
    type Status = &'static str;

    fn step(&mut self, slice: &mut Slice<'_, u32>) -> Step<&'static str> {
        let _ = self.wakers.send(slice.waker());
        while !slice.is_full() {
            match self.numbers.try_recv() {
                Ok(number) => slice.push(number).expect("there is room"),
                Err(mpsc::TryRecvError::Empty) => return Step::Parked,
                Err(mpsc::TryRecvError::Disconnected) => return Step::End("the sender is gone"),
            }
        }
        Step::More
    }
}

/// No wake is lost, though many come just when the provider has looked, found nothing and parks.
#[test]
fn a_parked_provider_is_asked_again_when_another_thread_wakes_it() {
    let mut pump = pump();
    let window = pump.root_window();
    let (number_sender, numbers) = mpsc::channel();
    let (wakers, waker_receiver) = mpsc::channel();
    let id = pump.start_stream(window, Parked { numbers, wakers }, StreamSettings::default()).expect("it is open");
    let worker = thread::spawn(move || {
        let waker: StreamWaker = waker_receiver.recv().expect("the provider is asked");
        for number in 0..20_000 {
            number_sender.send(number).expect("the provider lives");
            waker.wake();
            if number % 10 == 0 {
                thread::yield_now();
            }
        }
        drop(number_sender);
        waker.wake();
        waker.wake();
    });
    assert_eq!(collect(&mut pump, id), ((0..20_000).collect(), Ok("the sender is gone")));
    worker.join().expect("the worker does not panic");
}

#[test]
fn a_stream_is_woken_from_outside_while_its_provider_lives_and_not_after() {
    let mut pump = pump();
    let window = pump.root_window();
    let (number_sender, numbers) = mpsc::channel();
    let (wakers, _) = mpsc::channel();
    let id = pump.start_stream(window, Parked { numbers, wakers }, StreamSettings::default()).expect("it is open");
    let waker = pump.stream_waker(id).expect("its provider lives");
    turn(&mut pump);
    assert!(pump.peek_message().is_none(), "it has parked");
    number_sender.send(7).expect("the provider lives");
    waker.wake();
    turn(&mut pump);
    let Some(Payload::Batch(mut batch)) = pump.next_message().map(|message| message.payload) else {
        panic!("a batch waits")
    };
    assert_eq!(batch.of(id), Some(vec![7]));
    drop(number_sender);
    waker.wake();
    turn(&mut pump);
    assert!(pump.is_live(id) && pump.stream_waker(id).is_none(), "its end waits to be taken");
    waker.wake();
    assert_eq!(pump.cancel(id), Cancelled::Queued(1));
    assert!(pump.stream_waker(id).is_none());
}

#[test]
fn a_provider_that_panics_hurts_only_its_own_stream() {
    let mut pump = pump();
    let window = pump.root_window();
    let bad = items((0..10).map(|n| if n == 3 { panic!("no three") } else { n }));
    let bad = pump.start_stream(window, bad, StreamSettings::default()).expect("the window is open");
    let good = pump.start_stream(window, items(0..200), StreamSettings::default()).expect("the window is open");
    let (items, end) = collect(&mut pump, bad);
    assert_eq!(items, [0, 1, 2], "what it gave before counts");
    assert_eq!(end.expect_err("it panicked").message, "no three");
    assert_eq!(collect(&mut pump, good), ((0..200).collect(), Ok(())));
}

/// Panics when it is dropped, unless a panic is under way.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("a bomb was dropped");
        }
    }
}

#[test]
fn a_provider_that_panics_with_what_panics_when_dropped_hurts_only_its_own_stream() {
    let mut pump = pump();
    let window = pump.root_window();
    let bad = items((0..10).map(|n| if n == 3 { std::panic::panic_any(Bomb) } else { n }));
    let bad = pump.start_stream(window, bad, StreamSettings::default()).expect("the window is open");
    let good = pump.start_stream(window, items(0..200), StreamSettings::default()).expect("the window is open");
    let (items, end) = collect(&mut pump, bad);
    assert_eq!((items, end.expect_err("it panicked").message.as_str()), (vec![0, 1, 2], "without a word"));
    assert_eq!(collect(&mut pump, good), ((0..200).collect(), Ok(())));
}

/// Ends at once, and has something that is dropped with it.
struct Ends<D>(D);

impl<D> Provider for Ends<D> {
    type Item = u8;
    type Status = u8;

    fn step(&mut self, slice: &mut Slice<'_, u8>) -> Step<u8> {
        slice.push(1).expect("there is room for one at least");
        Step::End(2)
    }
}

#[test]
fn a_provider_is_dropped_as_soon_as_it_has_ended() {
    let (mut pump, alive) = (pump(), Rc::new(()));
    let window = pump.root_window();
    let id = pump.start_stream(window, Ends(alive.clone()), StreamSettings::default()).expect("the window is open");
    turn(&mut pump);
    assert_eq!((Rc::strong_count(&alive), pump.metrics().queued), (1, 2), "though nothing is taken yet");
    assert_eq!(collect(&mut pump, id), (vec![1], Ok(2)));
}

#[test]
fn a_provider_whose_drop_panics_at_its_end_loses_nothing() {
    let mut pump = pump();
    let window = pump.root_window();
    let bad = pump.start_stream(window, Ends(Panics), StreamSettings::default()).map_err(std::mem::forget);
    let bad = bad.expect("the window is open");
    let good = pump.start_stream(window, items(0..200), StreamSettings::default()).expect("the window is open");
    assert!(catch_unwind(AssertUnwindSafe(|| turn(&mut pump))).is_err());
    assert_eq!(collect(&mut pump, bad), (vec![1], Ok(2)));
    assert_eq!(collect(&mut pump, good), ((0..200).collect(), Ok(())));
    assert_eq!(pump.metrics().operations, 0);
}

/// A batch that a filter did not admit is of the stream to the end, and goes with a cancel.
#[test]
fn a_cancel_after_the_end_purges_the_batches_before_it() {
    let mut pump = pump();
    let window = pump.open_window();
    let id = pump.start_stream(window, items(0..100), StreamSettings::default()).expect("the window is open");
    turn(&mut pump);
    while pump.turn(Budget::no_wait()).expect("a turn that does not wait").more {}
    assert_eq!(pump.cancel(id), Cancelled::Queued(3), "two batches and the end");
    assert!(pump.next_message().is_none());
}

#[test]
fn the_end_of_a_stream_that_panicked_is_taken_out_once() {
    let mut pump = pump();
    let window = pump.root_window();
    let bad = items((0..1).map(|_| -> u8 { panic!("at once") }));
    let bad = pump.start_stream(window, bad, StreamSettings::default()).expect("the window is open");
    let message = pump.get_message().expect("the wait works").expect("nobody quits");
    let Payload::StreamEnd(mut end) = message.payload else { panic!("{message:?}") };
    assert!(matches!(end.of(bad), Some(Err(_))));
    assert_eq!(end.of(bad), None);
}

/// Room for a whole batch of these would be 4 GiB.
#[test]
fn a_batch_of_large_items_has_memory_for_those_that_there_are() {
    let mut pump = pump();
    let window = pump.root_window();
    let large = items([[7_u8; 1 << 16]; 3]);
    let settings = StreamSettings::default().batch(1 << 20);
    let large = pump.start_stream(window, large, settings).expect("the window is open");
    let message = pump.get_message().expect("the wait works").expect("nobody quits");
    let Payload::Batch(mut batch) = message.payload else { panic!("{message:?}") };
    let items = batch.of(large).expect("it is of this stream");
    assert!(items.len() == 3 && items.capacity() < 100, "room for {}", items.capacity());
}

#[test]
fn a_million_rows_hold_up_no_timer() {
    let simulation = Simulation::new(1);
    let mut pump = simulation.pump::<()>(Settings::default());
    let window = pump.root_window();
    // Each row takes a microsecond of the virtual time.
    let clock = simulation.clone();
    let rows = items((0..100_000_u32).inspect(move |_| clock.advance(Duration::from_micros(1))));
    let rows = pump.start_stream(window, rows, StreamSettings::default()).expect("the window is open");
    pump.set_timer(window, Timer::every(Duration::from_millis(16))).expect("the window is open");
    let (mut ticks, mut count, mut latest) = (0, 0, simulation.elapsed());
    loop {
        match pump.get_message().expect("the wait works").expect("nobody quits").payload {
            Payload::Tick(tick) => {
                assert_eq!(tick.missed, 0);
                assert!(simulation.elapsed() - latest < Duration::from_millis(18));
                latest = simulation.elapsed();
                ticks += 1;
            }
            Payload::Batch(mut batch) => count += batch.of(rows).map_or(0, |rows| rows.len()),
            Payload::StreamEnd(_) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((count, ticks), (100_000, 6));
}

#[test]
fn what_completes_and_is_cancelled_without_a_turn_gathers_nothing() {
    let mut pump = pump();
    let window = pump.root_window();
    let poster = pump.poster();
    let (kept, completer) = pump.start_external::<u32>(window).expect("the window is open");
    poster.post(window, "before").expect("there is room");
    completer.complete(1).expect("it is wanted");
    poster.post(window, "after").expect("there is room");
    let bytes = allocation_counter::measure(|| {
        for _ in 0..100_000 {
            let (work, completer) = pump.start_external::<u32>(window).expect("the window is open");
            completer.complete(2).expect("it is wanted");
            pump.cancel(work);
        }
    });
    assert!(bytes.bytes_current < 100_000, "{} bytes are left", bytes.bytes_current);
    turn(&mut pump);
    assert!(matches!(pump.next_message().expect("three wait").payload, Payload::Posted("before")));
    let Payload::External(mut external) = pump.next_message().expect("two wait").payload else { panic!("in order") };
    assert_eq!(external.of(kept), Some(Ok(1)));
    assert!(matches!(pump.next_message().expect("one waits").payload, Payload::Posted("after")));
    assert!(pump.next_message().is_none());
}
