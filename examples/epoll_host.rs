//! Shows a loop that knows nothing of the pump but its descriptor: a plain epoll, edge-triggered.
//!
//! The host has a clock of its own, and on each of its beats starts a timer, between the pump's turns. A thread
//! posts, a name is looked up. At the end it prints what came, how late the timers were, and how often the host
//! was woken in a second in which nothing happened. Exits with 1 if something is missing or it was.

#[cfg(target_os = "linux")]
fn main() -> Result<std::process::ExitCode, Box<dyn std::error::Error>> {
    env_logger::init();
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: only Linux has epoll");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::error::Error;
    use std::os::fd::{AsFd, OwnedFd};
    use std::process::ExitCode;
    use std::thread;
    use std::time::{Duration, Instant};

    use msgpump::{Budget, HostQuery, Hosted, Payload, Timer};
    use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
    use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
    use rustix::time::{timerfd_create, timerfd_settime};

    const PUMP: u64 = 1;
    const BEAT: u64 = 2;

    /// Between two beats of the host.
    const PERIOD: Duration = Duration::from_millis(10);

    /// How far the timer is away that is started at each.
    const DELAY: Duration = Duration::from_micros(200);

    const BEATS: usize = 100;
    const POSTS: usize = 50;

    pub(super) fn main() -> Result<ExitCode, Box<dyn Error>> {
        let mut hosted = Hosted::<usize>::new()?;
        let beat = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
        set_beat(&beat, PERIOD)?;
        let host = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&host, &hosted, EventData::new_u64(PUMP), EventFlags::IN | EventFlags::ET)?;
        epoll::add(&host, &beat, EventData::new_u64(BEAT), EventFlags::IN)?;

        let (poster, window) = {
            let pump = &mut *hosted.lend();
            pump.lookup_host(pump.root_window(), HostQuery::by_name("localhost"))?;
            (pump.poster(), pump.root_window())
        };
        thread::spawn(move || {
            for number in 1..=POSTS {
                thread::sleep(Duration::from_millis(3));
                if poster.post(window, number).is_err() {
                    return;
                }
            }
        });

        let (mut beats, mut posts, mut hosts, mut late) = (0, 0, 0, Vec::new());
        let mut deadline = Instant::now();
        while late.len() < BEATS || posts < POSTS || hosts < 1 {
            match wait(&host, None)? {
                // The whole protocol. It takes all there is, as whoever is told of edges must.
                Some(PUMP) => {
                    let mut pump = hosted.lend();
                    let _ = pump.turn(Budget::no_wait())?;
                    while let Some(message) = pump.next_message() {
                        match message.payload {
                            Payload::Posted(number) => posts = number,
                            Payload::Tick(_) => late.push(deadline.elapsed()),
                            Payload::Host(_) => hosts += 1,
                            _ => {}
                        }
                    }
                }
                // Something of the host's own, of which the pump knows nothing.
                Some(BEAT) if beats < BEATS => {
                    rustix::io::read(&beat, &mut [0; 8])?;
                    beats += 1;
                    deadline = Instant::now() + DELAY;
                    hosted.lend().set_timer(window, Timer::at(deadline))?;
                }
                _ => set_beat(&beat, Duration::ZERO)?,
            }
        }

        late.sort();
        println!("{posts} posts, {hosts} answer, {} timers, late by {:?} at the median", late.len(), late[BEATS / 2]);
        set_beat(&beat, Duration::ZERO)?;
        hosted.lend().set_timer(window, Timer::once(Duration::from_secs(60)))?;
        let woken = wait(&host, Some(Duration::from_secs(1)))?.is_some();
        println!("idle for a second: {}", if woken { "woken" } else { "not woken" });
        Ok(if woken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    /// What is ready, or nothing when the time is over.
    fn wait(host: &OwnedFd, timeout: Option<Duration>) -> Result<Option<u64>, Box<dyn Error>> {
        let timeout = timeout.map(Timespec::try_from).transpose()?;
        let mut events = [Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }; 1];
        let count = epoll::wait(host.as_fd(), &mut events[..], timeout.as_ref())?;
        Ok((count > 0).then(|| events[0].data.u64()))
    }

    /// Sets the host's own clock; zero stops it.
    fn set_beat(beat: &OwnedFd, period: Duration) -> Result<(), Box<dyn Error>> {
        let period = Timespec::try_from(period)?;
        timerfd_settime(beat, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: period, it_value: period })?;
        Ok(())
    }
}
