//! Win32_PerfFormattedData_PerfOS_System and _PerfOS_Memory.
//!
//! Floor 5.

use std::rc::Rc;

use super::super::fields;
use super::super::machine::{At, Machine};
use super::super::memory::Memory;
use super::super::reading::Reading;
use super::super::schema::Schema;
use super::super::table::{Column, Definition, LinuxClass, Row, UNITS_PER_STEP};
use super::PARENT;
use super::samples::{Pair, Samples};
use crate::wbem::cim_type::CimType;

/// Counters of the kernel as a whole.
#[derive(Clone)]
struct Switches {
    context: Option<u64>,
}

/// The machine, with what it counts.
struct System {
    counters: Pair<Switches>,
}

/// Pages moved since the machine started.
#[derive(Clone)]
struct Pages {
    faults: Option<u64>,
    major_faults: Option<u64>,
    swapped_in: Option<u64>,
    swapped_out: Option<u64>,
}

/// The machine's memory, with what it counts.
struct Store {
    memory: Option<Memory>,
    counters: Pair<Pages>,
}

impl Row for System {}
impl Row for Store {}

impl Store {
    fn bytes(&self, kilobytes: impl Fn(&Memory) -> Option<u64>) -> Option<u64> {
        kilobytes(self.memory.as_ref()?)?.checked_mul(1024)
    }

    fn rate(&self, counter: impl Fn(&Pages) -> Option<u64>) -> Option<u32> {
        self.counters.rate(counter)?.try_into().ok()
    }
}

const NOT_COUNTED: &str = "NULL: the kernel does not count it";

const SYSTEM: &[Column<System>] = &[
    Column::null("Caption", CimType::String, "NULL: it has none"),
    Column::u32("ContextSwitchesPersec", "`ctxt` of `/proc/stat`, since the query before; in a second", |row, _| {
        row.counters.rate(|counters| counters.context)?.try_into().ok()
    }),
    Column::null("Description", CimType::String, "NULL: it has none"),
    Column::null("FileReadOperationsPersec", CimType::Uint32, NOT_COUNTED),
    Column::null("FileWriteOperationsPersec", CimType::Uint32, NOT_COUNTED),
    Column::null("Name", CimType::String, "NULL: there is one"),
    Column::null(
        "ProcessorQueueLength",
        CimType::Uint32,
        "NULL: the kernel counts those that wait together with those that run",
    ),
    Column::null("SystemCallsPersec", CimType::Uint32, NOT_COUNTED),
    Column::u64("SystemUpTime", "`/proc/uptime`; seconds", |_, reading| uptime(reading)),
    Column::u32("Threads", "`/proc/loadavg`, the number behind the slash", |_, reading| threads(reading)),
];

const MEMORY: &[Column<Store>] = &[
    Column::u64("AvailableBytes", "`MemAvailable` of `/proc/meminfo`; bytes", |row, _| {
        row.bytes(|memory| memory.available)
    }),
    Column::u64("AvailableKBytes", "`MemAvailable` of `/proc/meminfo`; kilobytes", |row, _| {
        row.memory.as_ref()?.available
    }),
    Column::u64("AvailableMBytes", "`MemAvailable` of `/proc/meminfo`; megabytes", |row, _| {
        Some(row.memory.as_ref()?.available? / 1024)
    }),
    Column::u64("CacheBytes", "`Cached` of `/proc/meminfo`; bytes", |row, _| row.bytes(|memory| memory.cached)),
    Column::null("Caption", CimType::String, "NULL: it has none"),
    Column::u64(
        "CommitLimit",
        "`CommitLimit` of `/proc/meminfo`, which the kernel keeps to only where it is told to; bytes",
        |row, _| row.bytes(|memory| memory.commit_limit),
    ),
    Column::u64("CommittedBytes", "`Committed_AS` of `/proc/meminfo`; bytes", |row, _| {
        row.bytes(|memory| memory.committed)
    }),
    Column::null("Description", CimType::String, "NULL: it has none"),
    Column::null("Name", CimType::String, "NULL: there is one"),
    Column::u32("PageFaultsPersec", "`pgfault` of `/proc/vmstat`, since the query before; in a second", |row, _| {
        row.rate(|pages| pages.faults)
    }),
    Column::u32("PageReadsPersec", "`pgmajfault` of `/proc/vmstat`, since the query before; in a second", |row, _| {
        row.rate(|pages| pages.major_faults)
    }),
    Column::u32("PagesInputPersec", "`pswpin` of `/proc/vmstat`, since the query before; in a second", |row, _| {
        row.rate(|pages| pages.swapped_in)
    }),
    Column::u32("PagesOutputPersec", "`pswpout` of `/proc/vmstat`, since the query before; in a second", |row, _| {
        row.rate(|pages| pages.swapped_out)
    }),
    Column::u32(
        "PagesPersec",
        "`pswpin` and `pswpout` of `/proc/vmstat`, since the query before; in a second",
        |row, _| row.rate(|pages| pages.swapped_in?.checked_add(pages.swapped_out?)),
    ),
    Column::u32(
        "PercentCommittedBytesInUse",
        "`Committed_AS` in `CommitLimit` of `/proc/meminfo`; percent, which may be more than 100",
        |row, _| {
            let memory = row.memory.as_ref()?;
            memory.committed?.checked_mul(100)?.checked_div(memory.commit_limit?)?.try_into().ok()
        },
    ),
    Column::null("PoolNonpagedBytes", CimType::Uint64, "NULL: Linux has no such pool"),
    Column::null("PoolPagedBytes", CimType::Uint64, "NULL: Linux has no such pool"),
];

/// Both classes.
pub(super) fn sources(machine: &Rc<Machine>, schema: &Schema) -> Vec<LinuxClass> {
    let system = Definition {
        name: "Win32_PerfFormattedData_PerfOS_System",
        parent: PARENT,
        about: "What the kernel counts as a whole. The first query has no rates.",
        columns: SYSTEM,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    let memory = Definition {
        name: "Win32_PerfFormattedData_PerfOS_Memory",
        parent: PARENT,
        about: "What memory there is, and what moves in and out of it. The first query has no rates.",
        columns: MEMORY,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    let switches = Samples::new();
    let pages = Samples::new();
    vec![
        LinuxClass::new(machine, schema, &system, move |reading, search| {
            let read = || reading.read(At::Proc, format_args!("stat"), |file| fields::count_of(file, "ctxt")).ok()?;
            let context = if search.wants("ContextSwitchesPersec") { read() } else { None };
            let counters = Pair { now: Switches { context }, earlier: None };
            let counters = if context.is_some() { switches.pair(reading, counters.now) } else { counters };
            Ok(Box::new([Some(System { counters })].into_iter()))
        }),
        LinuxClass::new(machine, schema, &memory, move |reading, _| {
            let memory = reading.read(At::Proc, format_args!("meminfo"), Memory::parse).ok();
            let counters = reading.read(At::Proc, format_args!("vmstat"), Pages::parse);
            let counters = counters.map_err(|_| Reading::no_source("`/proc/vmstat`"))?;
            let counters = pages.pair(reading, counters);
            Ok(Box::new([Some(Store { memory, counters })].into_iter()))
        }),
    ]
}

impl Pages {
    fn parse(file: &[u8]) -> Pages {
        let count = |key| fields::count_of(file, key);
        Pages {
            faults: count("pgfault"),
            major_faults: count("pgmajfault"),
            swapped_in: count("pswpin"),
            swapped_out: count("pswpout"),
        }
    }
}

fn uptime(reading: &Reading) -> Option<u64> {
    let text = reading.text(At::Proc, format_args!("uptime"))?;
    text.split('.').next()?.parse().ok()
}

fn threads(reading: &Reading) -> Option<u32> {
    let text = reading.text(At::Proc, format_args!("loadavg"))?;
    text.split_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
}
