//! Win32_PerfFormattedData_PerfProc_Process: what each process was busy with.
//!
//! Floor 5.

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::super::machine::Machine;
use super::super::process::{self, Process, ticks_per_second};
use super::super::reading::{MICROSECONDS, Reading};
use super::super::schema::Schema;
use super::super::table::{Column, Definition, LinuxClass, Row, UNITS_PER_STEP};
use super::PARENT;
use super::samples::{INTERVAL_MIN, rate, seconds};
use crate::wbem::cim_type::CimType;

/// What a process had done at a time.
#[derive(Clone, Copy)]
struct Sample {
    time: i64,
    start_ticks: u64,
    user_ticks: u64,
    system_ticks: u64,
    faults: u64,
}

/// The last sample of each process, by its number.
type Samples = Rc<RefCell<HashMap<u32, Sample>>>;

/// A process, and what was known of it before.
struct Busy {
    process: Process,
    name: String,
    samples: Samples,
    /// The sample before and the one now.
    pair: OnceCell<Option<(Sample, Sample)>>,
}

impl Row for Busy {
    fn is_gone(&self) -> bool {
        self.process.is_gone()
    }
}

impl Busy {
    fn pair(&self, reading: &Reading) -> Option<&(Sample, Sample)> {
        let read = || {
            let stat = self.process.stat(reading)?;
            let now = Sample {
                time: reading.monotonic(),
                start_ticks: stat.start_ticks(),
                user_ticks: stat.user_ticks(),
                system_ticks: stat.system_ticks(),
                faults: stat.faults(),
            };
            let mut samples = self.samples.borrow_mut();
            let earlier = samples.get(&self.process.pid()).copied();
            // Another process may have had the number.
            let earlier = earlier.filter(|earlier| earlier.start_ticks == now.start_ticks);
            if earlier.is_some_and(|earlier| now.time - earlier.time < INTERVAL_MIN) {
                return None;
            }
            samples.insert(self.process.pid(), now);
            Some((earlier?, now))
        };
        self.pair.get_or_init(read).as_ref()
    }

    /// How much of a processor it had, in percent.
    fn percent(&self, reading: &Reading, ticks: impl Fn(&Sample) -> u64) -> Option<u64> {
        let (earlier, now) = self.pair(reading)?;
        let ticks = ticks(now).checked_sub(ticks(earlier))?;
        let busy = ticks as f64 / ticks_per_second() as f64;
        Some((busy * 100.0 / seconds(now.time - earlier.time)).round() as u64)
    }

    fn faults(&self, reading: &Reading) -> Option<u32> {
        let (earlier, now) = self.pair(reading)?;
        rate(now.faults, earlier.faults, seconds(now.time - earlier.time))?.try_into().ok()
    }

    /// Seconds since it was started.
    fn elapsed(&self, reading: &Reading) -> Option<u64> {
        let started = self.process.stat(reading)?.start_ticks() / ticks_per_second();
        let now = reading.now().div_euclid(MICROSECONDS).checked_sub(reading.boot_seconds()?)?;
        u64::try_from(now).ok()?.checked_sub(started)
    }
}

/// The names that processes have so far.
#[derive(Default)]
struct Names {
    counts: HashMap<String, u32>,
    taken: HashSet<String>,
}

impl Names {
    /// A name for one more process, which no other has: it may call itself as another is called here.
    fn own(&mut self, name: &str) -> String {
        let count = self.counts.entry(name.to_owned()).or_default();
        loop {
            let own = if *count == 0 { name.to_owned() } else { format!("{name}#{count}") };
            *count += 1;
            if self.taken.insert(own.clone()) {
                return own;
            }
        }
    }
}

const COLUMNS: &[Column<Busy>] = &[
    Column::null("Caption", CimType::String, "NULL: it has none"),
    Column::u32("CreatingProcessID", "`/proc/PID/stat`, `ppid`", |row, reading| {
        Some(row.process.stat(reading)?.parent())
    }),
    Column::null("Description", CimType::String, "NULL: it has none"),
    Column::u64("ElapsedTime", "`/proc/PID/stat`, since its start; seconds", |row, reading| row.elapsed(reading)),
    Column::u32("HandleCount", "`/proc/PID/fd`, how many entries; NULL for who may not look", |row, reading| {
        row.process.descriptors(reading)
    }),
    Column::u32("IDProcess", "the folder `/proc/PID`", |row, _| Some(row.process.pid())),
    Column::key(Column::text(
        "Name",
        "`/proc/PID/stat`, the name; `#1` and so on behind that of another of the name",
        |row, _| Some((&*row.name).into()),
    )),
    Column::u32(
        "PageFaultsPersec",
        "`/proc/PID/stat`, `minflt` and `majflt` since the query before; in a second",
        |row, reading| row.faults(reading),
    ),
    Column::u64("PageFileBytes", "`VmSwap` of `/proc/PID/status`; bytes", |row, reading| {
        Some(u64::from(row.process.swapped(reading)?) * 1024)
    }),
    Column::u64(
        "PercentPrivilegedTime",
        "`/proc/PID/stat`, `stime` since the query before; percent of one processor",
        |row, reading| row.percent(reading, |sample| sample.system_ticks),
    ),
    Column::u64(
        "PercentProcessorTime",
        "`/proc/PID/stat`, `utime` and `stime` since the query before; percent of one processor, so it may be more than 100",
        |row, reading| row.percent(reading, |sample| sample.user_ticks + sample.system_ticks),
    ),
    Column::u64(
        "PercentUserTime",
        "`/proc/PID/stat`, `utime` since the query before; percent of one processor",
        |row, reading| row.percent(reading, |sample| sample.user_ticks),
    ),
    Column::u32("PriorityBase", "`/proc/PID/stat`, 20 less `nice`", |row, reading| row.process.priority(reading)),
    Column::null(
        "PrivateBytes",
        CimType::Uint64,
        "NULL: private pages are only told by walking all memory of the process",
    ),
    Column::u32("ThreadCount", "`/proc/PID/stat`, `num_threads`", |row, reading| {
        Some(row.process.stat(reading)?.threads())
    }),
    Column::u64("VirtualBytes", "`/proc/PID/stat`, `vsize`; bytes", |row, reading| {
        Some(row.process.stat(reading)?.virtual_bytes())
    }),
    Column::u64("VirtualBytesPeak", "`VmPeak` of `/proc/PID/status`; bytes", |row, reading| {
        row.process.peak_virtual(reading)
    }),
    Column::u64("WorkingSet", "`/proc/PID/stat`, `rss` times the size of a page; bytes", |row, reading| {
        row.process.resident(reading)
    }),
    Column::u64("WorkingSetPeak", "`VmHWM` of `/proc/PID/status`; bytes", |row, reading| {
        Some(u64::from(row.process.peak_resident(reading)?) * 1024)
    }),
];

/// Win32_PerfFormattedData_PerfProc_Process.
pub(super) fn source(machine: &Rc<Machine>, schema: &Schema) -> LinuxClass {
    let definition = Definition {
        name: "Win32_PerfFormattedData_PerfProc_Process",
        parent: PARENT,
        about: "How busy the processes are. A process that the query before did not see has no rates.",
        columns: COLUMNS,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    let samples = Samples::default();
    LinuxClass::new(machine, schema, &definition, move |reading, _| {
        let (samples, forget, reading) = (samples.clone(), samples.clone(), reading.clone());
        let mut names = Names::default();
        let listed = Rc::new(RefCell::new(HashSet::new()));
        let all_listed = listed.clone();
        let rows = process::all(&reading)?.map(move |process| {
            let process = process?;
            listed.borrow_mut().insert(process.pid());
            let name = names.own(&process.stat(&reading)?.name);
            Some(Busy { process, name, samples: samples.clone(), pair: OnceCell::new() })
        });
        // At the end, what was not listed any more has ended.
        let end = std::iter::from_fn(move || {
            let listed = all_listed.borrow();
            forget.borrow_mut().retain(|pid, _| listed.contains(pid));
            None
        });
        Ok(Box::new(rows.chain(end)))
    })
}
