//! What the management layer costs: queries read and tried, and cancels, beside what the same costs by hand.

mod support;

use std::hint::black_box;
use std::sync::Arc;

use divan::Bencher;
use msgpump::wbem::wql::{Predicate, Query};
use msgpump::wbem::{CimType, Class, ClassProvider, Flags, Instance, List, Property, Rows, Server, Services, Sink};
use msgpump::wbem::{Wanted, WbemError};
use msgpump::{Budget, GroupId, Pump, StreamSettings, items};
use support::{Work, ratio};

/// How many rows are filtered.
const ROWS: u32 = 100_000;

/// How many rows wait for the sink that is cancelled, and how many other sinks there are.
const QUEUED: usize = 10_000;
const OTHERS: usize = 10;

/// Rows of one call that wait before its provider is not asked any more.
const ROWS_PER_CALL: usize = 4 * 64;

/// Rows that the provider of such a call has.
const ROWS_THERE: usize = 2 * ROWS_PER_CALL;

const TYPICAL: &str = "SELECT Name, ProcessId, WorkingSetSize FROM Win32_Process \
                       WHERE (Name LIKE 'c%' OR Name = 'init') AND WorkingSetSize > 50000000 AND NOT ProcessId = 4";

const FILTER: &str = "SELECT * FROM Row WHERE Name LIKE '%ro%7' AND Size > 5000 AND Kind = 3";

fn main() {
    support::main(|| {
        print_parse();
        #[cfg(all(target_os = "linux", feature = "linux"))]
        machine::print_gaps();
        ratio("filter::rows", 4.0, filter_by_hand, filter_by_query);
        ratio("filter::end_to_end", 4.0, filter_by_hand, filter_end_to_end);
        ratio("cancel::sink", 1.5, cancel_group, cancel_sink);
    });
}

/// Prints how long it takes to read a typical query, and how often it allocates.
fn print_parse() {
    let allocations = allocation_counter::measure(|| drop(black_box(Query::parse(black_box(TYPICAL)))));
    println!(
        "a typical query is read with {} allocations of {} bytes in all",
        allocations.count_total, allocations.bytes_total
    );
}

/// What reading the machine does to the frames of a program.
#[cfg(all(target_os = "linux", feature = "linux"))]
mod machine {
    use super::*;
    use msgpump::wbem::linux::{Machine, register};
    use msgpump::wbem::{Received, SinkEvent};
    use msgpump::{Payload, Timer};
    use rustix::time::{ClockId, Timespec, clock_gettime};
    use std::time::{Duration, Instant};

    /// How many files the folder has.
    const FILES: usize = 100_000;

    /// A frame of 60 in a second, and how many there are at least.
    const FRAME: Duration = Duration::from_nanos(16_666_667);
    const FRAMES: u64 = 120;

    /// How much later than it should a frame may be.
    const LATENESS_WANTED: Duration = Duration::from_millis(4);

    /// How long a turn is at work at most: a millisecond of slices, and one that is on its way then.
    const TURN_WANTED: Duration = Duration::from_millis(2);

    /// What was seen while a query was read, again and again.
    #[derive(Default)]
    struct Seen {
        rows: usize,
        /// How much later than they should the frames came.
        late: Vec<Duration>,
        /// How long each turn took, and how much of that this thread was at work.
        turns: Vec<(Duration, Duration)>,
    }

    /// Prints how late the frames of a program are while much is read, and how long the turns take.
    pub(crate) fn print_gaps() {
        let folder = std::env::temp_dir().join(format!("msgpump-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("there is room for a folder");
        (0..FILES).for_each(|file| drop(std::fs::File::create(folder.join(format!("{file}.txt")))));
        let files = format!("SELECT * FROM CIM_DataFile WHERE Path = '{}/'", folder.display());
        for (name, query) in [("processes", "SELECT * FROM Win32_Process"), ("files", &files)] {
            let mut seen = Seen::default();
            while seen.late.len() < FRAMES as usize {
                read(query, &mut seen);
            }
            let most = |mut times: Vec<Duration>| {
                times.sort_unstable();
                [times.len() * 99 / 100, times.len() - 1].map(|place| times[place])
            };
            let [_, longest] = most(seen.turns.iter().map(|turn| turn.0).collect());
            let work: Vec<_> = seen.turns.iter().map(|turn| turn.1).collect();
            let long = work.iter().filter(|work| **work > TURN_WANTED).count();
            let [usual, at_work] = most(work);
            let [some, latest] = most(seen.late.clone());
            println!(
                "while {} {name} are read, {} frames of 60 in a second: 99 of 100 are late by at most {some:.2?}, the \
                 latest by {latest:.2?}, wanted {LATENESS_WANTED:?}; of {} turns the longest takes {longest:.2?}; at \
                 work are 99 of 100 for at most {usual:.2?}, the longest for {at_work:.2?}, {long} for more than \
                 {TURN_WANTED:?}",
                seen.rows,
                seen.late.len(),
                seen.turns.len()
            );
        }
        // What is left over is in the system's folder for that.
        let _ = std::fs::remove_dir_all(folder);
    }

    /// How long this thread was at work so far.
    fn at_work() -> Duration {
        let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(tv_sec.unsigned_abs(), tv_nsec as u32)
    }

    /// Reads a query to its end, beside a timer.
    fn read(query: &str, seen: &mut Seen) {
        let (mut pump, server, services) = serve();
        register(&server, r"root\cimv2", &std::rc::Rc::new(Machine::new())).expect("they are registered once");
        let sink = Sink::new(pump.root_window());
        let window = pump.root_window();
        let ask = |pump: &mut Pump<()>| {
            let call = services.exec_query_async(pump, "WQL", query, Flags::NONE, &sink);
            call.map(|_| ()).expect("the query is right");
        };
        let start = Instant::now();
        pump.set_timer(window, Timer::every(FRAME)).expect("the window is open");
        ask(&mut pump);
        let (mut frames, mut asked) = (0, 1);
        loop {
            let (turn, work) = (Instant::now(), at_work());
            let _ = pump.turn(Budget::no_wait()).expect("the system waits");
            seen.turns.push((turn.elapsed(), at_work() - work));
            while let Some(received) = server.next_message(&mut pump) {
                match received {
                    Received::Sink(message) => match message.event {
                        SinkEvent::Indicate(objects) => seen.rows += objects.len(),
                        SinkEvent::Status(status) => {
                            status.result().expect("it can be read");
                            // What is read in less than some frames is read again.
                            if frames >= FRAMES.min(10) || asked > 10_000 {
                                return;
                            }
                            ask(&mut pump);
                            asked += 1;
                        }
                        SinkEvent::Progress { .. } => {}
                    },
                    Received::Other(message) => {
                        let Payload::Tick(tick) = message.payload else { panic!("nothing else was started") };
                        frames += 1 + tick.missed;
                        let due = start + FRAME * u32::try_from(frames).expect("it does not take a year");
                        seen.late.push(Instant::now().saturating_duration_since(due));
                    }
                }
            }
        }
    }
}

mod parse {
    use super::*;

    #[divan::bench]
    fn typical(bencher: Bencher) {
        bencher.bench(|| Query::parse(black_box(TYPICAL)));
    }
}

#[divan::bench_group(sample_count = 20, sample_size = 1)]
mod filter {
    use super::*;

    #[divan::bench]
    fn floor(bencher: Bencher) {
        filter_by_hand().bench(bencher);
    }

    #[divan::bench]
    fn rows(bencher: Bencher) {
        filter_by_query().bench(bencher);
    }

    #[divan::bench]
    fn end_to_end(bencher: Bencher) {
        filter_end_to_end().bench(bencher);
    }
}

#[divan::bench_group(sample_count = 20, sample_size = 1)]
mod cancel {
    use super::*;

    #[divan::bench]
    fn floor(bencher: Bencher) {
        cancel_group().bench(bencher);
    }

    #[divan::bench]
    fn sink(bencher: Bencher) {
        cancel_sink().bench(bencher);
    }
}

fn row_class() -> Arc<Class> {
    let builder = Class::builder("Row")
        .property(Property::key("Id", CimType::Uint32))
        .property(Property::new("Name", CimType::String))
        .property(Property::new("Size", CimType::Uint64))
        .property(Property::new("Kind", CimType::Uint8));
    builder.build().expect("the class keeps the rules")
}

/// Rows of which about one in ten thousand is wanted.
fn all_rows(class: &Arc<Class>) -> Vec<Arc<Instance>> {
    let row = |id: u32| {
        let size = u64::from(id.wrapping_mul(2_654_435_761) % 10_000);
        let values = vec![id.into(), format!("Row number {id}").into(), size.into(), (id % 7 % 5).into()];
        Arc::new(Instance::from_values(class, values).expect("the values fit"))
    };
    (0..ROWS).map(row).collect()
}

/// What a Rust program would write, over the same values.
fn is_wanted(row: &Instance) -> bool {
    let values = row.values();
    let is_large = values[2].as_u64().is_some_and(|size| size > 5000);
    let is_kind = values[3].as_u64() == Some(3);
    let is_named = || {
        values[1].as_str().is_some_and(|name| {
            let name = name.to_ascii_lowercase();
            name.strip_suffix('7').is_some_and(|name| name.contains("ro"))
        })
    };
    is_large && is_kind && is_named()
}

fn filter_by_hand() -> Work<()> {
    let rows = all_rows(&row_class());
    Work::steady(ROWS as usize, move || {
        black_box(black_box(&rows).iter().filter(|row| is_wanted(row)).count());
    })
}

fn predicate(class: &Arc<Class>) -> Predicate {
    let Ok(Query::Select(query)) = Query::parse(FILTER) else { panic!("the query is one for instances") };
    query.predicate(class, 0).expect("the query fits the class")
}

fn filter_by_query() -> Work<()> {
    let class = row_class();
    let rows = all_rows(&class);
    let predicate = predicate(&class);
    assert_eq!(
        rows.iter().filter(|row| predicate.matches(row).is_true()).count(),
        rows.iter().filter(|row| is_wanted(row)).count()
    );
    Work::steady(ROWS as usize, move || {
        black_box(black_box(&rows).iter().filter(|row| predicate.matches(row).is_true()).count());
    })
}

/// Provides rows that are there.
struct Ready {
    class: Arc<Class>,
    rows: Vec<Arc<Instance>>,
}

impl ClassProvider for Ready {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, _: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        Ok(List::boxed(self.rows.clone()))
    }
}

fn filter_end_to_end() -> Work<()> {
    let class = row_class();
    let (mut pump, server, services) = serve();
    let rows = all_rows(&class);
    server.register(r"root\cimv2", Ready { class, rows }).expect("it is registered once");
    Work::steady(ROWS as usize, move || {
        let rows = services.exec_query(&mut pump, "WQL", FILTER, Flags::SEMISYNCHRONOUS);
        let rows = rows.and_then(|mut rows| rows.collect(&mut pump));
        black_box(rows.expect("the query is right").len());
    })
}

fn serve() -> (Pump<()>, Server, Services) {
    let mut pump = Pump::new().expect("there are descriptors left");
    let server = Server::new(&mut pump);
    let services = server.connect(&mut pump, r"root\cimv2").expect("the namespace is there");
    (pump, server, services)
}

/// Turns until every provider has given what it may.
fn fill<T: Send + 'static>(pump: &mut Pump<T>) {
    while pump.turn(Budget::no_wait()).expect("the system waits").more {}
}

/// The core alone: a group of streams with as many rows in the queue.
fn cancel_group() -> Work<(Pump<()>, GroupId)> {
    let rows = all_rows(&row_class()).split_off(ROWS as usize - ROWS_THERE);
    Work::new(
        1,
        move || {
            let mut pump = Pump::<()>::new().expect("there are descriptors left");
            let window = pump.root_window();
            let mut start = |calls: usize| {
                let group = pump.open_group();
                for _ in 0..calls {
                    let stream =
                        pump.start_stream(window.in_group(group), items(rows.clone()), StreamSettings::default());
                    stream.map(|_| ()).expect("the window is open");
                }
                group
            };
            let group = start(QUEUED / ROWS_PER_CALL);
            (0..OTHERS).for_each(|_| _ = start(1));
            fill(&mut pump);
            (pump, group)
        },
        |(pump, group)| {
            let swept = black_box(pump).cancel_group(*group);
            assert_eq!(swept.messages(), QUEUED / ROWS_PER_CALL * 4);
        },
    )
}

/// The same by the sink.
fn cancel_sink() -> Work<(Pump<()>, Services, Sink)> {
    let class = row_class();
    let rows = all_rows(&class).split_off(ROWS as usize - ROWS_THERE);
    Work::new(
        1,
        move || {
            let (mut pump, server, services) = serve();
            let ready = Ready { class: class.clone(), rows: rows.clone() };
            server.register(r"root\cimv2", ready).expect("it is registered once");
            let mut start = |calls: usize| {
                let sink = Sink::new(pump.root_window());
                for _ in 0..calls {
                    let call = services.exec_query_async(&mut pump, "WQL", "SELECT * FROM Row", Flags::NONE, &sink);
                    call.map(|_| ()).expect("the query is right");
                }
                sink
            };
            let sink = start(QUEUED / ROWS_PER_CALL);
            (0..OTHERS).for_each(|_| drop(start(1)));
            fill(&mut pump);
            (pump, services, sink)
        },
        |(pump, services, sink)| {
            services.cancel_async_call(black_box(pump), sink).expect("it has calls");
        },
    )
}
