//! How late a timer comes, beside a timer descriptor in an epoll of its own, by hand.
//!
//! One wait of each in turn, so that what delays one delays both. Nothing is measured but how long after its
//! moment a wait was over, so the machine should have nothing else to do.

#[cfg(target_os = "linux")]
fn main() {
    println!("{:>8}{:>24}{:>24}{:>16}", "after", "by hand, 50% 99%", "ours, 50% 99%", "ratios");
    for (after, rounds) in [(200, 3000), (1000, 2000), (16_600, 400), (100_000, 60), (1_000_000, 8)] {
        linux::compare(std::time::Duration::from_micros(after), rounds);
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: there is no timer descriptor to compare with");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};

    use msgpump::{Payload, Pump, Timer};
    use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
    use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags};
    use rustix::time::{Timespec, timerfd_create, timerfd_settime};

    /// Rounds before those that count.
    const WARM_UP_ROUNDS: usize = 4;

    /// Prints how late both are for a moment this far away.
    pub(super) fn compare(after: Duration, rounds: usize) {
        let (floor, mut pump) = (ByHand::new(), Pump::<()>::new().expect("descriptors are left"));
        let (mut floors, mut ours) = (Vec::new(), Vec::new());
        for round in 0..WARM_UP_ROUNDS + rounds {
            let late = (floor.wait(after), wait_with_pump(&mut pump, after));
            if round >= WARM_UP_ROUNDS {
                floors.push(late.0);
                ours.push(late.1);
            }
        }
        let ([floor, floor_99], [our, our_99]) = (percentiles(floors), percentiles(ours));
        println!(
            "{:>8}{floor:>14.1}{floor_99:>7.1} µs{our:>14.1}{our_99:>7.1} µs{:>10.2}{:>6.2}",
            format!("{after:?}"),
            our / floor,
            our_99 / floor_99
        );
    }

    fn wait_with_pump(pump: &mut Pump<()>, after: Duration) -> Duration {
        let deadline = Instant::now() + after;
        pump.set_timer(pump.root_window(), Timer::at(deadline)).expect("there is room for a timer");
        let message = pump.get_message().expect("the system's wait works");
        let late = Instant::now().checked_duration_since(deadline).expect("a tick never comes early");
        assert!(message.is_some_and(|message| matches!(message.payload, Payload::Tick(_))));
        late
    }

    /// The floor: set the timer, wait for it.
    struct ByHand {
        queue: OwnedFd,
        timer: OwnedFd,
    }

    impl ByHand {
        fn new() -> ByHand {
            let queue = epoll::create(CreateFlags::CLOEXEC).expect("descriptors are left");
            let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC);
            let timer = timer.expect("descriptors are left");
            epoll::add(&queue, &timer, EventData::new_u64(0), EventFlags::IN | EventFlags::ET)
                .expect("a timer can be waited for");
            ByHand { queue, timer }
        }

        fn wait(&self, after: Duration) -> Duration {
            let deadline = Instant::now() + after;
            let it_value = Timespec::try_from(after).expect("it is short");
            let setting = Itimerspec { it_interval: Timespec::default(), it_value };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &setting).expect("a timer can be set");
            let mut events = [Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }; 1];
            let count = epoll::wait(&self.queue, &mut events[..], None).expect("waiting works");
            let late = Instant::now().checked_duration_since(deadline).expect("the system's timer is not early");
            assert_eq!(count, 1);
            late
        }
    }

    /// The median and the 99th percentile, in microseconds.
    fn percentiles(mut late: Vec<Duration>) -> [f64; 2] {
        late.sort();
        [50, 99].map(|part| late[(late.len() - 1) * part / 100].as_secs_f64() * 1e6)
    }
}
