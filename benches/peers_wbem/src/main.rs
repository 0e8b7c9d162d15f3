//! Five properties of all processes: asked by a query, read by hand with `procfs`, refreshed by `sysinfo`.
//!
//! The three are measured in turns within one run, in an order that goes round, and over the same processes: some
//! hundred that sleep are started for it. What is printed is the median, its ratio to ours, and how often the system
//! was asked to read.

use std::hint::black_box;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Instant;

use msgpump::Pump;
use msgpump::wbem::linux::{Machine, register};
use msgpump::wbem::{Flags, Server, Services};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// How many processes are started beside those that run.
const SLEEPERS: usize = 300;

/// How often each is measured, and how often before that counts.
const ROUNDS: usize = 101;
const WARM_UP_ROUNDS: usize = 5;

/// How much longer than a peer's our time may be.
const RATIO_WANTED: f64 = 1.3;

const QUERY: &str = "SELECT Name, ProcessId, ParentProcessId, WorkingSetSize, VirtualSize FROM Win32_Process";

/// The properties of a process.
type Row = (String, u32, u32, u64, u64);

/// One way to read them all.
trait Reader {
    fn name(&self) -> &'static str;
    fn read(&mut self) -> Vec<Row>;
}

/// The query, asked of a server.
struct Ours {
    pump: Pump<()>,
    services: Services,
    machine: Rc<Machine>,
}

impl Ours {
    fn new() -> Ours {
        let mut pump = Pump::new().expect("there are descriptors left");
        let server = Server::new(&mut pump);
        let machine = Rc::new(Machine::new());
        register(&server, r"root\cimv2", &machine).expect("they are registered once");
        let services = server.connect(&mut pump, r"root\cimv2").expect("the namespace is there");
        Ours { pump, services, machine }
    }
}

impl Reader for Ours {
    fn name(&self) -> &'static str {
        "msgpump, a query"
    }

    fn read(&mut self) -> Vec<Row> {
        let rows = self.services.exec_query(&mut self.pump, "WQL", QUERY, Flags::SEMISYNCHRONOUS);
        let rows = rows.and_then(|mut rows| rows.collect(&mut self.pump)).expect("/proc is there");
        let row = |row: &msgpump::wbem::Object| {
            let values = row.instance()?.values();
            let number = |index: usize| values[index].as_u64();
            let [pid, parent] = [number(1)?, number(2)?].map(|number| number.try_into().unwrap_or(0));
            Some((values[0].as_str()?.to_owned(), pid, parent, number(3)?, number(4)?))
        };
        rows.iter().filter_map(row).collect()
    }
}

/// Every process's `stat`, by `procfs`.
struct ByHand {
    page_bytes: u64,
}

impl Reader for ByHand {
    fn name(&self) -> &'static str {
        "procfs, by hand"
    }

    fn read(&mut self) -> Vec<Row> {
        let processes = procfs::process::all_processes().expect("/proc is there");
        let row = |process: Result<procfs::process::Process, procfs::ProcError>| {
            let stat = process.and_then(|process| process.stat()).ok()?;
            let parent = stat.ppid.try_into().unwrap_or(0);
            Some((stat.comm, stat.pid.try_into().ok()?, parent, stat.rss * self.page_bytes, stat.vsize))
        };
        processes.filter_map(row).collect()
    }
}

/// A table that `sysinfo` keeps from one refresh to the next.
struct Refreshed {
    system: System,
}

impl Reader for Refreshed {
    fn name(&self) -> &'static str {
        "sysinfo, a refresh"
    }

    fn read(&mut self) -> Vec<Row> {
        let what = ProcessRefreshKind::nothing().with_memory();
        self.system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
        let row = |process: &sysinfo::Process| {
            let name = process.name().to_string_lossy().into_owned();
            let parent = process.parent().map_or(0, sysinfo::Pid::as_u32);
            (name, process.pid().as_u32(), parent, process.memory(), process.virtual_memory())
        };
        self.system.processes().values().map(row).collect()
    }
}

/// Processes that sleep until the end.
struct Sleepers(Vec<Child>);

impl Sleepers {
    fn start() -> Sleepers {
        let sleep = || Command::new("sleep").arg("600").stdin(Stdio::null()).spawn();
        Sleepers((0..SLEEPERS).map(|_| sleep().expect("sleep(1) is there")).collect())
    }
}

impl Drop for Sleepers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It is one of our own, and not waited for yet.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// How often this process has asked the system to read.
fn read_calls() -> Option<u64> {
    procfs::process::Process::myself().and_then(|process| process.io()).ok().map(|io| io.syscr)
}

/// How often the system is asked to read for one reading.
fn calls_of(reader: &mut dyn Reader) -> Option<u64> {
    let before = read_calls()?;
    // Asking costs a few itself, the same for all.
    let asking = read_calls()? - before;
    let before = read_calls()?;
    drop(black_box(reader.read()));
    Some(read_calls()? - before - asking)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let sleepers = Sleepers::start();
    let ours = Ours::new();
    let machine = ours.machine.clone();
    let mut readers: [Box<dyn Reader>; 3] = [
        Box::new(ours),
        Box::new(ByHand { page_bytes: procfs::page_size() }),
        Box::new(Refreshed { system: System::new().expect("the system is one that it knows") }),
    ];
    // They must see the same: the processes that were started, with the same sizes.
    let started = |reader: &mut Box<dyn Reader>| {
        let mut rows = reader.read();
        rows.retain(|row| sleepers.0.iter().any(|child| child.id() == row.1));
        rows.sort_by_key(|row| row.1);
        rows
    };
    // Some are still on their way into `sleep` at first. `sysinfo` takes the resident size from another file, which
    // the kernel keeps more exactly.
    let see_the_same = |readers: &mut [Box<dyn Reader>; 3]| {
        let [first, second, third] = readers.each_mut().map(started);
        let but_size = |rows: &[Row]| {
            rows.iter().map(|(name, pid, parent, _, whole)| (name.clone(), *pid, *parent, *whole)).collect::<Vec<_>>()
        };
        first.len() == SLEEPERS && first == second && but_size(&first) == but_size(&third)
    };
    assert!((0..1000).any(|_| see_the_same(&mut readers)), "the readings differ");

    let mut times = [const { Vec::new() }; 3];
    for round in 0..WARM_UP_ROUNDS + ROUNDS {
        for turn in 0..3 {
            let which = (round + turn) % 3;
            let start = Instant::now();
            drop(black_box(readers[which].read()));
            if round >= WARM_UP_ROUNDS {
                times[which].push(start.elapsed().as_secs_f64());
            }
        }
    }
    let opened = machine.files_opened();
    let count = readers[0].read().len();
    println!("{count} processes, {} files and folders opened by the query", machine.files_opened() - opened);
    let calls = readers.each_mut().map(|reader| calls_of(&mut **reader));
    let ours = median(times[0].clone());
    for ((reader, times), calls) in readers.iter().zip(times).zip(calls) {
        let ratios = median(times.iter().map(|time| ours / time).collect());
        let calls = calls.map_or("?".to_owned(), |calls| calls.to_string());
        println!(
            "{:<20} {:7.2} ms   ours to it {ratios:4.2}, wanted {RATIO_WANTED}   {calls:>5} read calls",
            reader.name(),
            median(times) * 1000.0
        );
    }
}
