//! Ticks at their time: on a clock that jumps, on a machine that sleeps, and on the real one.

use std::time::{Duration, Instant};

use msgpump::simulation::Simulation;
use msgpump::{Budget, OperationId, Payload, Pump, Rest, StartRefusal, Tick, Timer};

use crate::support::settings;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// The ticks that can be taken after one more turn.
fn ticks(pump: &mut Pump<()>) -> Vec<(OperationId, Tick)> {
    pump.turn(Budget::no_wait()).unwrap();
    let message = || pump.next_message();
    let tick = |message: msgpump::Message<()>| match message.payload {
        Payload::Tick(tick) => (message.operation.unwrap(), tick),
        other => panic!("unexpected {:?}", other.kind()),
    };
    std::iter::from_fn(message).map(tick).collect()
}

fn set(pump: &mut Pump<()>, timer: Timer) -> OperationId {
    let window = pump.root_window();
    pump.set_timer(window, timer).unwrap()
}

#[test]
fn a_clock_that_jumps_gives_one_tick_with_the_missed_count() {
    let simulation = Simulation::new(1);
    let mut pump = simulation.pump(settings());
    let timer = set(&mut pump, Timer::every(SECOND));
    assert!(ticks(&mut pump).is_empty());
    simulation.advance(HOUR + SECOND / 2);
    assert_eq!(ticks(&mut pump), [(timer, Tick { count: 1, missed: 3599 })]);
    assert!(ticks(&mut pump).is_empty());
    // It has kept its phase.
    simulation.advance(SECOND / 2);
    assert_eq!(ticks(&mut pump), [(timer, Tick { count: 2, missed: 0 })]);
}

#[test]
fn a_suspend_gives_one_tick_with_the_missed_count_to_timers_that_count_it() {
    let simulation = Simulation::new(1);
    let mut pump = simulation.pump(settings());
    let counting = set(&mut pump, Timer::every(SECOND).counting_suspend());
    let other = set(&mut pump, Timer::every(SECOND));
    assert!(ticks(&mut pump).is_empty());
    simulation.suspend(HOUR + SECOND / 2);
    assert_eq!(ticks(&mut pump), [(counting, Tick { count: 1, missed: 3599 })]);
    simulation.advance(SECOND / 2);
    assert_eq!(ticks(&mut pump), [(counting, Tick { count: 2, missed: 0 })]);
    simulation.advance(SECOND / 2);
    assert_eq!(ticks(&mut pump), [(other, Tick { count: 1, missed: 0 })]);
}

/// The time before a timer was set is none of its business, though no turn has noticed it yet.
#[test]
fn a_suspend_before_a_timer_was_set_does_not_count() {
    let simulation = Simulation::new(1);
    let mut pump = simulation.pump(settings());
    simulation.suspend(HOUR);
    let first = set(&mut pump, Timer::once(2 * HOUR).counting_suspend());
    simulation.suspend(HOUR);
    let second = set(&mut pump, Timer::once(2 * HOUR).counting_suspend());
    let third = set(&mut pump, Timer::once(2 * HOUR));
    pump.reset_timer(third, Timer::once(3 * HOUR).counting_suspend()).unwrap();
    assert!(ticks(&mut pump).is_empty());
    for timer in [first, second, third] {
        simulation.suspend(HOUR - SECOND / 2);
        assert!(ticks(&mut pump).is_empty());
        simulation.advance(SECOND / 2);
        assert_eq!(ticks(&mut pump), [(timer, Tick { count: 1, missed: 0 })]);
    }
    assert_eq!(simulation.elapsed(), 3 * SECOND / 2);
}

#[test]
fn a_machine_that_sleeps_while_the_pump_waits_is_noticed_when_it_wakes() {
    let simulation = Simulation::new(1);
    let mut pump = simulation.pump(settings());
    let counting = set(&mut pump, Timer::once(HOUR).counting_suspend());
    set(&mut pump, Timer::once(HOUR));
    let lid = simulation.clone();
    simulation.after(SECOND, move || lid.suspend(2 * HOUR));
    let message = pump.get_message().unwrap().unwrap();
    assert_eq!(message.operation, Some(counting));
    assert_eq!(simulation.elapsed(), SECOND);
}

/// Before the pump went to sleep, so that it must not sleep for what is left of the awake time.
#[test]
fn a_suspend_before_the_wait_shortens_the_wait() {
    let simulation = Simulation::new(1);
    let mut pump = simulation.pump(settings());
    let counting = set(&mut pump, Timer::once(HOUR).counting_suspend());
    simulation.suspend(HOUR - SECOND);
    assert_eq!(pump.rest(), Rest::Until(simulation.now() + SECOND));
    simulation.suspend(SECOND / 2);
    assert_eq!(pump.get_message().unwrap().unwrap().operation, Some(counting));
    assert_eq!(simulation.elapsed(), SECOND / 2);
}

/// What a timer is told by its own clock, beside the pump, under random jumps and suspends.
#[test]
fn every_timer_ticks_when_its_own_clock_says() {
    for seed in 1..50 {
        let simulation = Simulation::new(seed);
        let mut pump = simulation.pump(settings());
        let mut random = seed;
        let mut below = |limit: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % limit
        };
        let mut suspended = Duration::ZERO;
        let mut waiting: Vec<(OperationId, bool, Duration)> = Vec::new();
        for step in 0..300 {
            let time = |millis: u64| Duration::from_millis(2 * millis + 2);
            match below(6) {
                0 | 1 => {
                    let (delay, counts) = (time(below(50)), below(2) == 0);
                    let timer = Timer::once(delay);
                    let id = set(&mut pump, if counts { timer.counting_suspend() } else { timer });
                    let now = simulation.elapsed() + if counts { suspended } else { Duration::ZERO };
                    waiting.push((id, counts, now + delay));
                }
                2 if !waiting.is_empty() => {
                    let index = below(waiting.len() as u64) as usize;
                    pump.cancel(waiting.swap_remove(index).0);
                }
                3 => {
                    let time = time(below(20));
                    simulation.suspend(time);
                    suspended += time;
                }
                4 => simulation.advance(time(below(20))),
                _ => {
                    let mut ticked: Vec<_> = ticks(&mut pump).into_iter().map(|(id, _)| id).collect();
                    let now = |counts| simulation.elapsed() + if counts { suspended } else { Duration::ZERO };
                    let is_due = |entry: &&(OperationId, bool, Duration)| entry.2 <= now(entry.1);
                    let mut due: Vec<_> = waiting.iter().filter(is_due).map(|entry| entry.0).collect();
                    waiting.retain(|entry| entry.2 > now(entry.1));
                    ticked.sort();
                    due.sort();
                    assert_eq!(ticked, due, "seed {seed} step {step}");
                }
            }
        }
    }
}

/// Never early by the real clock, whatever the machine's waits count in.
#[test]
fn a_tick_of_the_real_clock_is_never_early() {
    let mut pump = Pump::<()>::with_settings(settings()).unwrap();
    for micros in [0, 1, 200, 999, 1000, 1001, 16_600, 20_001, 23_400] {
        for counts in [false, true] {
            let deadline = Instant::now() + Duration::from_micros(micros);
            let timer = Timer::at(deadline);
            let timer = set(&mut pump, if counts { timer.counting_suspend() } else { timer });
            assert_eq!(pump.get_message().unwrap().unwrap().operation, Some(timer));
            assert!(Instant::now() >= deadline, "{micros} µs");
        }
    }
}

/// Rather than tick too early, at the end of the time line.
#[test]
fn a_time_beyond_the_clock_is_refused() {
    let simulation = Simulation::new(1);
    let mut pump = simulation.pump::<()>(settings());
    let window = pump.root_window();
    let centuries = 500 * 365 * 24 * HOUR;
    for timer in [Timer::once(centuries), Timer::once(Duration::MAX), Timer::at(simulation.now() + centuries)] {
        for timer in [timer, timer.counting_suspend()] {
            let refused = pump.set_timer(window, timer).unwrap_err();
            assert_eq!((refused.argument, refused.refusal), (timer, StartRefusal::BeyondClock));
        }
    }
    // An interval is only waited for.
    let timer = set(&mut pump, Timer::once(SECOND).then_every(Duration::MAX));
    simulation.advance(SECOND);
    assert_eq!(ticks(&mut pump), [(timer, Tick { count: 1, missed: 0 })]);
    simulation.advance(centuries / 5);
    assert!(ticks(&mut pump).is_empty());
}
