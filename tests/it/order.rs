//! Which message comes next, and when: posts, quit, ticks, filters, nested loops; on a virtual clock.

use std::time::{Duration, Instant};

use msgpump::simulation::Simulation;
use msgpump::{
    Budget, Cancelled, Filter, HostQuery, Kind, OperationId, Payload, Pump, Rest, ServiceQuery, Settings, StartRefusal,
    StreamSettings, Tick, Timer, WindowId, items,
};

/// How many messages may come before a tick that is due.
const FAIR_SHARE: usize = 64;

/// A message in few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Post(char),
    Tick(OperationId),
    Quit(i32),
    Other(Kind),
    Nothing,
}

use Seen::{Nothing, Post, Quit};

struct Stage {
    simulation: Simulation,
    pump: Pump<char>,
    first: WindowId,
    second: WindowId,
}

impl Stage {
    fn new() -> Stage {
        let simulation = Simulation::new(1);
        let mut pump = simulation.pump::<char>(Settings::default());
        let (first, second) = (pump.open_window(), pump.open_window());
        Stage { simulation, pump, first, second }
    }

    /// Lets time pass, and the pump see it.
    fn advance(&mut self, ms: u64) {
        self.simulation.advance(Duration::from_millis(ms));
        self.pump.turn(Budget::no_wait()).unwrap();
    }

    fn once(&mut self, window: WindowId, ms: u64) -> OperationId {
        self.pump.set_timer(window, Timer::once(Duration::from_millis(ms))).unwrap()
    }

    fn every(&mut self, window: WindowId, ms: u64) -> OperationId {
        self.pump.set_timer(window, Timer::every(Duration::from_millis(ms))).unwrap()
    }

    fn next(&mut self) -> Seen {
        self.next_for(Filter::any())
    }

    fn next_for(&mut self, filter: Filter) -> Seen {
        let Some(message) = self.pump.next_message_for(filter) else { return Nothing };
        match message.payload {
            Payload::Posted(letter) => Post(letter),
            Payload::Tick(_) => Seen::Tick(message.operation.unwrap()),
            Payload::Quit(code) => Quit(code),
            other => Seen::Other(other.kind()),
        }
    }

    fn tick(&mut self) -> Option<Tick> {
        match self.pump.next_message()?.payload {
            Payload::Tick(tick) => Some(tick),
            other => panic!("a tick is expected, not {:?}", other.kind()),
        }
    }

    fn post(&mut self, window: WindowId, letters: &str) {
        letters.chars().for_each(|letter| self.pump.post(window, letter).unwrap());
    }
}

#[test]
fn posts_come_in_order_across_windows() {
    let mut stage = Stage::new();
    stage.post(stage.first, "a");
    stage.post(stage.second, "b");
    stage.post(stage.first, "c");
    assert_eq!([(); 4].map(|()| stage.next()), [Post('a'), Post('b'), Post('c'), Nothing]);
}

#[test]
fn a_tick_that_is_due_comes_after_posts_and_quit() {
    let mut stage = Stage::new();
    let timer = stage.once(stage.first, 1);
    stage.advance(1);
    stage.pump.quit(7);
    stage.post(stage.first, "a");
    assert_eq!([(); 4].map(|()| stage.next()), [Post('a'), Quit(7), Seen::Tick(timer), Nothing]);
}

#[test]
fn posts_that_post_without_end_starve_no_tick() {
    let mut stage = Stage::new();
    let timer = stage.once(stage.first, 10);
    stage.post(stage.first, "x");
    stage.advance(10);
    let taken = (1..).find(|_| {
        let seen = stage.next();
        stage.post(stage.first, "x");
        seen == Seen::Tick(timer)
    });
    assert!(taken.unwrap() <= FAIR_SHARE + 1, "{taken:?}");
}

#[test]
fn of_ticks_that_are_due_each_waits_for_its_share_of_posts() {
    let mut stage = Stage::new();
    let timers = [stage.once(stage.first, 1), stage.once(stage.second, 1)];
    stage.advance(1);
    stage.post(stage.first, &"x".repeat(2 * FAIR_SHARE + 1));
    for timer in timers {
        for number in 0..FAIR_SHARE {
            assert_eq!(stage.next(), Post('x'), "{number}");
        }
        assert_eq!(stage.next(), Seen::Tick(timer));
    }
    assert_eq!([stage.next(), stage.next()], [Post('x'), Nothing]);
}

/// The share is of what is taken while a tick is due, not of all that ever was.
#[test]
fn posts_that_no_tick_had_to_wait_for_give_it_no_place_before_others() {
    let mut stage = Stage::new();
    stage.post(stage.first, &"x".repeat(2 * FAIR_SHARE));
    for _ in 0..2 * FAIR_SHARE {
        assert_eq!(stage.next(), Post('x'));
    }
    let timer = stage.once(stage.first, 1);
    stage.advance(1);
    stage.post(stage.first, "a");
    assert_eq!([stage.next(), stage.next()], [Post('a'), Seen::Tick(timer)]);
}

#[test]
fn quit_comes_before_a_tick_that_has_waited_for_its_share_of_posts_by_every_verb() {
    let mut stage = Stage::new();
    let timer = stage.once(stage.first, 1);
    stage.advance(1);
    stage.post(stage.first, &"x".repeat(FAIR_SHARE));
    for _ in 0..FAIR_SHARE {
        assert_eq!(stage.next(), Post('x'));
    }
    stage.pump.quit(1);
    assert!(matches!(stage.pump.peek_message().unwrap().payload, Payload::Quit(1)));
    assert_eq!([stage.next(), stage.next()], [Quit(1), Seen::Tick(timer)]);
    stage.pump.quit(2);
    assert!(stage.pump.get_message().unwrap().is_none());
}

#[test]
fn quit_comes_once_and_says_the_last_code() {
    let mut stage = Stage::new();
    stage.pump.quit(1);
    stage.pump.quit(2);
    stage.post(stage.first, "u");
    assert_eq!([(); 3].map(|()| stage.next()), [Post('u'), Quit(2), Nothing]);
    assert_eq!(stage.pump.quit_code(), Some(2));
}

#[test]
fn quit_is_seen_by_peeks_and_passes_every_filter() {
    let mut stage = Stage::new();
    stage.pump.quit(5);
    for _ in 0..3 {
        assert!(matches!(stage.pump.peek_message().unwrap().payload, Payload::Quit(5)));
    }
    assert_eq!(stage.next_for(Filter::any().kind(Kind::Host).window(stage.second)), Quit(5));
    assert_eq!(stage.next(), Nothing);
}

/// A dialog's own loop inside a handler: both end, each once, with the same code.
#[test]
fn quit_ends_nested_loops_and_the_outer_one() {
    let mut stage = Stage::new();
    stage.post(stage.first, "abc");
    let pump = &mut stage.pump;
    let (mut outer, mut inner) = (Vec::new(), Vec::new());
    while let Some(message) = pump.get_message().unwrap() {
        let Payload::Posted(letter) = message.payload else { panic!("only posts are here") };
        outer.push(letter);
        if letter == 'a' {
            while let Some(message) = pump.get_message().unwrap() {
                let Payload::Posted(letter) = message.payload else { panic!("only posts are here") };
                inner.push(letter);
                if letter == 'b' {
                    pump.quit(9);
                }
            }
        }
    }
    assert_eq!((outer, inner, pump.quit_code()), (vec!['a'], vec!['b', 'c'], Some(9)));
    assert!(pump.get_message().unwrap().is_none(), "and so would another one");
    pump.resume();
    pump.post(stage.first, 'd').unwrap();
    assert!(matches!(pump.get_message().unwrap().unwrap().payload, Payload::Posted('d')));
}

#[test]
fn quit_ends_a_loop_in_which_a_post_makes_the_next() {
    let mut stage = Stage::new();
    stage.post(stage.first, "x");
    stage.pump.quit(4);
    let mut taken = 0;
    while stage.pump.get_message().unwrap().is_some() {
        stage.post(stage.first, "x");
        taken += 1;
    }
    assert!(taken <= 1 + FAIR_SHARE, "{taken}");
}

/// What another thread posted before comes before it, though no turn has taken it over yet.
#[test]
fn quit_comes_after_what_other_threads_posted_before() {
    let mut stage = Stage::new();
    let poster = stage.pump.poster();
    stage.post(stage.first, "a");
    poster.post(stage.first, 'b').unwrap();
    stage.pump.quit(1);
    poster.post(stage.first, 'c').unwrap();
    assert_eq!([(); 4].map(|()| stage.next()), [Post('a'), Post('b'), Quit(1), Nothing]);
    stage.pump.quit(2);
    assert!(matches!(stage.pump.get_message().unwrap().unwrap().payload, Payload::Posted('c')));
    assert!(stage.pump.get_message().unwrap().is_none());
}

/// Once quit was told to one loop, no message keeps another one going.
#[test]
fn quit_that_was_told_ends_every_loop_whatever_is_posted_later() {
    let mut stage = Stage::new();
    stage.pump.quit(3);
    for _ in 0..3 {
        assert!(stage.pump.get_message().unwrap().is_none());
        stage.post(stage.first, "x");
        let filter = Filter::any().window(stage.second);
        assert!(stage.pump.get_message_for(filter).unwrap().is_none());
    }
    stage.pump.resume();
    assert!(matches!(stage.pump.get_message().unwrap().unwrap().payload, Payload::Posted('x')));
}

/// What a loop passed by when it ended is owed to the loop around it, and no more than that.
#[test]
fn what_was_passed_by_when_quit_was_told_still_comes_to_a_loop_that_wants_it() {
    let mut stage = Stage::new();
    let timer = stage.every(stage.first, 1);
    stage.post(stage.first, "ab");
    stage.pump.quit(6);
    stage.advance(1);
    let filter = Filter::any().window(stage.second);
    assert!(stage.pump.get_message_for(filter).unwrap().is_none());
    stage.post(stage.first, "c");
    for expected in ['a', 'b'] {
        let message = stage.pump.get_message().unwrap().expect("it was posted before");
        assert!(matches!(message.payload, Payload::Posted(letter) if letter == expected), "{message:?}");
        for filter in [Filter::any().kind(Kind::Tick), Filter::any().window(stage.first)] {
            assert!(stage.pump.get_message_for(filter).unwrap().is_none(), "it was told");
        }
    }
    for _ in 0..2 {
        assert!(stage.pump.get_message().unwrap().is_none());
    }
    assert_eq!([stage.next(), stage.next()], [Post('c'), Seen::Tick(timer)]);
}

/// What the program has taken by itself meanwhile is owed to no loop, and nothing that came later in its place.
#[test]
fn what_was_taken_by_its_payload_is_owed_no_more() {
    let mut stage = Stage::new();
    stage.post(stage.first, "ab");
    stage.pump.quit(6);
    assert!(stage.pump.get_message_for(Filter::any().window(stage.second)).unwrap().is_none());
    assert!(stage.pump.next_posted(|&letter| letter == 'a').is_some());
    stage.post(stage.first, "c");
    let message = stage.pump.get_message().unwrap().expect("it was posted before");
    assert!(matches!(message.payload, Payload::Posted('b')), "{message:?}");
    assert!(stage.pump.get_message().unwrap().is_none());
}

/// Not even one that has waited for its share of posts.
#[test]
fn no_tick_comes_among_what_is_owed_once_quit_was_told() {
    let mut stage = Stage::new();
    stage.every(stage.first, 1);
    stage.post(stage.first, &"x".repeat(FAIR_SHARE + 1));
    stage.pump.quit(6);
    stage.advance(1);
    assert!(stage.pump.get_message_for(Filter::any().window(stage.second)).unwrap().is_none());
    for _ in 0..=FAIR_SHARE {
        let message = stage.pump.get_message().unwrap().expect("it was posted before");
        assert!(matches!(message.payload, Payload::Posted('x')), "{message:?}");
    }
    assert!(stage.pump.get_message().unwrap().is_none());
}

/// Where what was passed by is gone, so is the loop.
#[test]
fn quit_that_was_told_early_ends_the_loop_around_when_nothing_is_left_before_it() {
    let mut stage = Stage::new();
    stage.post(stage.first, "ab");
    stage.every(stage.second, 1);
    stage.pump.quit(6);
    assert!(stage.pump.get_message_for(Filter::any().kind(Kind::Host)).unwrap().is_none());
    assert_eq!(stage.pump.purge_posts(stage.first, |_| true), 2);
    stage.advance(1);
    assert!(stage.pump.get_message().unwrap().is_none());
    stage.post(stage.first, "c");
    assert!(stage.pump.get_message().unwrap().is_none(), "and stays ended");
}

/// It is no message to who asks for messages until there are none.
#[test]
fn the_end_of_a_loop_counts_as_no_message() {
    for filter in [Filter::any(), Filter::any().kind(Kind::Host)] {
        let mut stage = Stage::new();
        stage.post(stage.first, "a");
        stage.pump.quit(1);
        while stage.pump.get_message_for(filter).unwrap().is_some() {}
        let taken = u64::from(stage.pump.metrics().queued == 0);
        assert_eq!(stage.pump.metrics().messages, taken, "{filter:?}");
    }
}

/// What the filter does not admit keeps nobody from the end.
#[test]
fn quit_ends_a_filtered_wait_while_others_are_there() {
    let mut stage = Stage::new();
    stage.post(stage.first, "a");
    stage.pump.quit(6);
    let filter = Filter::any().window(stage.second);
    for _ in 0..2 {
        assert!(stage.pump.get_message_for(filter).unwrap().is_none());
    }
    assert_eq!(stage.pump.quit_code(), Some(6));
    assert_eq!([stage.next(), stage.next()], [Post('a'), Nothing]);
}

#[test]
fn filters_leave_the_others_in_their_order() {
    let mut stage = Stage::new();
    let (first, second) = (stage.first, stage.second);
    stage.post(first, "a");
    let lookup = stage.pump.lookup_service(second, ServiceQuery::by_name("https")).unwrap();
    stage.post(second, "b");
    stage.post(first, "c");
    assert_eq!(stage.next_for(Filter::any().window(second).kind(Kind::Posted)), Post('b'));
    assert!(stage.pump.peek_message_for(Filter::any().operation(lookup)).is_some());
    assert_eq!(stage.pump.next_posted(|&letter| letter == 'c').unwrap().window, first);
    assert_eq!([(); 3].map(|()| stage.next()), [Post('a'), Seen::Other(Kind::Service), Nothing]);
}

#[test]
fn a_wait_for_a_window_that_is_gone_is_an_error() {
    let mut stage = Stage::new();
    stage.pump.destroy_window(stage.first);
    let filter = Filter::any().window(stage.first);
    let error = stage.pump.get_message_for(filter).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(stage.pump.next_message_for(filter).is_none());
    stage.post(stage.second, "a");
    let either = filter.or_window(stage.second);
    assert!(matches!(stage.pump.get_message_for(either).unwrap().unwrap().payload, Payload::Posted('a')));
    stage.pump.destroy_window(stage.second);
    let error = stage.pump.get_message_for(either).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "neither is open");
}

/// A filtered wait waits for what it wants, past what it does not.
#[test]
fn a_filtered_wait_waits_although_others_are_there() {
    let mut stage = Stage::new();
    let (first, second) = (stage.first, stage.second);
    stage.post(first, "a");
    let due = stage.once(first, 1);
    stage.advance(1);
    let timer = stage.once(second, 50);
    let message = stage.pump.get_message_for(Filter::any().window(second)).unwrap().unwrap();
    assert_eq!(message.operation, Some(timer));
    assert_eq!([(); 3].map(|()| stage.next()), [Post('a'), Seen::Tick(due), Nothing]);
}

/// The operation lives until the last of its messages is taken, whichever that is.
#[test]
fn a_final_message_that_a_filter_takes_first_leaves_the_others_whole() {
    let mut stage = Stage::new();
    let start = |stage: &mut Stage| {
        let stream = stage.pump.start_stream(stage.first, items(0..100), StreamSettings::default()).unwrap();
        (0..2).for_each(|_| stage.advance(0));
        assert_eq!(stage.next_for(Filter::any().kind(Kind::StreamEnd)), Seen::Other(Kind::StreamEnd));
        stream
    };
    let stream = start(&mut stage);
    assert_eq!([(); 2].map(|()| stage.next()), [Seen::Other(Kind::Batch); 2]);
    assert_eq!((stage.next(), stage.pump.cancel(stream)), (Nothing, Cancelled::Over));
    let stream = start(&mut stage);
    assert_eq!(stage.next(), Seen::Other(Kind::Batch));
    assert!(stage.pump.is_live(stream));
    assert_eq!((stage.pump.cancel(stream), stage.next()), (Cancelled::Queued(1), Nothing));
    start(&mut stage);
    stage.post(stage.first, "a");
    assert_eq!(stage.pump.destroy_window(stage.first).unwrap().messages(), 3);
    assert_eq!((stage.next(), stage.pump.metrics().operations), (Nothing, 0));
}

#[test]
fn a_timer_set_anew_has_its_new_time_alone() {
    let mut stage = Stage::new();
    let timer = stage.once(stage.first, 100);
    stage.pump.reset_timer(timer, Timer::once(Duration::from_millis(200))).unwrap();
    stage.advance(150);
    assert_eq!(stage.next(), Nothing);
    stage.advance(50);
    // Due, and set anew before it is taken.
    stage.pump.reset_timer(timer, Timer::once(Duration::from_millis(10))).unwrap();
    assert_eq!(stage.next(), Nothing);
    stage.advance(10);
    assert_eq!([stage.next(), stage.next()], [Seen::Tick(timer), Nothing]);
    let refused = stage.pump.reset_timer(timer, Timer::once(Duration::ZERO)).unwrap_err();
    assert_eq!(refused.refusal, StartRefusal::NotATimer);
}

#[test]
fn a_timer_that_is_due_and_killed_does_not_tick() {
    let mut stage = Stage::new();
    let killed = stage.every(stage.first, 1000);
    let shown = stage.once(stage.second, 1000);
    stage.advance(2000);
    assert_eq!(stage.pump.cancel(killed), Cancelled::Pending);
    assert!(matches!(stage.pump.peek_message().unwrap().payload, Payload::Tick(_)));
    assert_eq!(stage.pump.cancel(shown), Cancelled::Pending);
    assert_eq!(stage.next(), Nothing);
    assert_eq!([stage.pump.cancel(shown), stage.pump.cancel(killed)], [Cancelled::Over; 2]);
    assert_eq!(stage.pump.rest(), Rest::Forever);
}

#[test]
fn periods_that_passed_are_counted_and_the_phase_is_kept() {
    let mut stage = Stage::new();
    stage.every(stage.first, 10);
    stage.advance(1000);
    assert_eq!(stage.tick(), Some(Tick { count: 1, missed: 99 }));
    assert_eq!(stage.tick(), None, "there is never a burst");

    let mut stage = Stage::new();
    stage.every(stage.first, 100);
    stage.advance(250);
    assert_eq!(stage.tick(), Some(Tick { count: 1, missed: 1 }));
    stage.advance(49);
    assert_eq!(stage.tick(), None);
    stage.advance(1);
    assert_eq!(stage.tick(), Some(Tick { count: 2, missed: 0 }), "at 300, not at 350");
}

/// A timer's number belongs to it alone: there is no second timer of the same name to kill.
#[test]
fn the_kill_of_one_timer_leaves_the_other() {
    let mut stage = Stage::new();
    let (killed, kept) = (stage.once(stage.first, 50), stage.once(stage.second, 50));
    stage.pump.cancel(killed);
    stage.advance(50);
    assert_eq!([stage.next(), stage.next()], [Seen::Tick(kept), Nothing]);
}

#[test]
fn equal_deadlines_tick_in_the_order_in_which_they_were_set() {
    let mut stage = Stage::new();
    let timers = [(); 5].map(|()| stage.once(stage.first, 10));
    stage.advance(10);
    assert_eq!([(); 5].map(|()| stage.next()), timers.map(Seen::Tick));
}

#[test]
fn two_timers_that_are_always_due_take_turns() {
    let mut stage = Stage::new();
    let timers = [stage.every(stage.first, 1), stage.every(stage.second, 1)];
    for round in 0..10 {
        stage.advance(1);
        let seen = [stage.next(), stage.next(), stage.next()];
        assert_eq!(seen, [Seen::Tick(timers[0]), Seen::Tick(timers[1]), Nothing], "round {round}");
    }
    // Taken one at a time, with both due again at each.
    let seen: Vec<Seen> = (0..10)
        .map(|_| {
            stage.advance(1);
            stage.next()
        })
        .collect();
    for pair in seen.windows(2) {
        assert_ne!(pair[0], pair[1], "{seen:?}");
    }
}

#[test]
fn a_timer_without_delay_ticks_in_the_next_turn_and_others_come_before() {
    let mut stage = Stage::new();
    let (first, other) = (stage.once(stage.first, 0), stage.once(stage.second, 5));
    stage.advance(5);
    assert_eq!(stage.next(), Seen::Tick(first));
    let again = stage.once(stage.first, 0);
    stage.post(stage.first, "a");
    assert_eq!([(); 3].map(|()| stage.next()), [Post('a'), Seen::Tick(other), Nothing]);
    stage.advance(1);
    assert_eq!([stage.next(), stage.next()], [Seen::Tick(again), Nothing]);
}

/// On the system's clock: it may be late, but not early.
#[test]
fn no_tick_comes_early() {
    let mut pump = Pump::<()>::new().unwrap();
    let window = pump.root_window();
    for round in 0..100 {
        let delay = Duration::from_micros(round * 37);
        let set = Instant::now();
        let timer = pump.set_timer(window, Timer::once(delay)).unwrap();
        let message = pump.get_message().unwrap().unwrap();
        assert_eq!(message.operation, Some(timer));
        assert!(set.elapsed() >= delay, "after {:?} of {delay:?}", set.elapsed());
    }
}

/// What a handler starts is not delivered inside the call, and can be taken back before it is seen.
#[test]
fn what_is_answered_at_once_is_queued_all_the_same() {
    let mut stage = Stage::new();
    stage.post(stage.first, "a");
    let lookup = stage.pump.lookup_host(stage.first, HostQuery::by_name("localhost")).unwrap();
    stage.post(stage.first, "b");
    assert_eq!(stage.pump.metrics().queued, 3);
    assert_eq!(stage.pump.cancel(lookup), Cancelled::Queued(1));
    assert_eq!(stage.pump.metrics().queued, 2);
    assert_eq!([(); 3].map(|()| stage.next()), [Post('a'), Post('b'), Nothing]);
    assert_eq!(stage.pump.cancel(lookup), Cancelled::Over);
}

#[test]
fn posts_can_be_taken_back_by_what_they_are() {
    let mut stage = Stage::new();
    let (first, second) = (stage.first, stage.second);
    stage.post(first, "abc");
    stage.post(second, "abc");
    assert_eq!(stage.pump.purge_posts(first, |&letter| letter == 'b'), 1);
    let left = [(); 6].map(|()| stage.next());
    assert_eq!(left, [Post('a'), Post('c'), Post('a'), Post('b'), Post('c'), Nothing]);
}

#[test]
fn the_end_of_a_window_takes_its_own_alone() {
    let mut stage = Stage::new();
    let (first, second) = (stage.first, stage.second);
    stage.post(first, "a");
    stage.post(second, "b");
    let (own, other) = (stage.once(first, 1), stage.once(second, 1));
    stage.pump.lookup_service(first, ServiceQuery::by_name("https")).unwrap();
    stage.post(second, "c");
    stage.advance(1);
    let swept = stage.pump.destroy_window(first).unwrap();
    assert_eq!((swept.operations(), swept.pending(), swept.messages()), (2, 1, 2));
    assert_eq!(stage.pump.destroy_window(first), None);
    assert_eq!([(); 4].map(|()| stage.next()), [Post('b'), Post('c'), Seen::Tick(other), Nothing]);
    assert!(!stage.pump.is_live(own) && !stage.pump.has_window(first));
}

/// The root window is everybody's: it stays.
#[test]
fn the_root_window_cannot_be_destroyed() {
    let mut stage = Stage::new();
    let root = stage.pump.root_window();
    assert_eq!(stage.pump.destroy_window(root), None);
    stage.post(root, "a");
    assert_eq!(stage.next(), Post('a'));
}

/// Nothing can come of an operation that is over: a wait for it says so instead of lasting for ever.
#[test]
fn a_wait_for_an_operation_that_is_over_is_an_error() {
    let mut stage = Stage::new();
    let timer = stage.once(stage.first, 1);
    stage.advance(1);
    assert_eq!(stage.next(), Seen::Tick(timer));
    let error = stage.pump.get_message_for(Filter::any().operation(timer)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

/// The loop that takes the batches of a stream ends with it.
#[test]
fn a_wait_for_what_an_operation_that_has_finished_will_never_send_is_an_error() {
    let mut stage = Stage::new();
    let rows = stage.pump.start_stream(stage.first, items(0..100), StreamSettings::default()).unwrap();
    let batches = Filter::any().operation(rows).kind(Kind::Batch);
    assert!(stage.pump.get_message_for(batches).unwrap().is_some());
    assert!(stage.pump.get_message_for(batches).unwrap().is_some());
    let error = stage.pump.get_message_for(batches).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(stage.pump.is_live(rows), "its end waits to be taken");
    assert!(stage.pump.get_message_for(Filter::any().operation(rows)).unwrap().is_some());
}

/// More periods pass between two turns than 32 bits count.
#[test]
fn a_timer_of_a_nanosecond_keeps_count_and_phase() {
    let mut stage = Stage::new();
    let timer = stage.pump.set_timer(stage.first, Timer::every(Duration::from_nanos(1))).unwrap();
    for (count, pause_ms) in [(1, 10_000), (2, 7)] {
        stage.advance(pause_ms);
        let message = stage.pump.next_message().unwrap();
        assert_eq!(message.operation, Some(timer));
        let missed = pause_ms * 1_000_000 - 1;
        assert!(matches!(message.payload, Payload::Tick(tick) if tick == Tick { count, missed }));
        assert!(stage.pump.next_message().is_none());
    }
}
