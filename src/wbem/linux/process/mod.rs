//! Win32_Process.
//!
//! Floor 5. A process that ends between being listed and being read is left out. Of a process that may
//! not be looked at, what was refused is NULL.

mod methods;
mod row;
mod stat;

use std::rc::Rc;

use super::machine::{At, Machine};
use super::reading::Reading;
use super::schema::Schema;
use super::table::{Column, Definition, LinuxClass, Operation, UNITS_PER_STEP};
use crate::wbem::cim_type::CimType;
use crate::wbem::error::WbemError;
pub(super) use row::{Process, ticks_per_second};

const NO_QUOTA: &str = "NULL: Linux has no such quota";
const NO_LIMIT: &str = "NULL: a working set has no such limit on Linux";

const COLUMNS: &[Column<Process>] = &[
    Column::text("Caption", "`/proc/PID/stat`, the name", |process, reading| process.name(reading)),
    Column::text(
        "CommandLine",
        "`/proc/PID/cmdline`, the arguments with blanks between them; NULL for a kernel thread",
        |process, reading| process.command_line(reading),
    ),
    Column::constant("CreationClassName", "Win32_Process"),
    Column::moment(
        "CreationDate",
        "`/proc/PID/stat`, the ticks at its start, after `btime` of `/proc/stat`",
        |process, reading| process.creation(reading),
    ),
    Column::constant("CSCreationClassName", "Win32_ComputerSystem"),
    Column::text("CSName", "`/proc/sys/kernel/hostname`", |_, reading| reading.host_name()),
    Column::text("Description", "`/proc/PID/stat`, the name", |process, reading| process.name(reading)),
    Column::text(
        "ExecutablePath",
        "`/proc/PID/exe`; NULL for a kernel thread and for who may not look",
        |process, reading| process.executable(reading),
    ),
    Column::u16(
        "ExecutionState",
        "`/proc/PID/stat`, the state: R is 3 (running), S, D and I are 4 (blocked), T and t are 8 (stopped), Z and X are 7 (terminated), others 1",
        |process, reading| process.state(reading),
    ),
    Column::key(Column::text("Handle", "the folder `/proc/PID`", |process, _| Some(process.pid().to_string().into()))),
    Column::u32("HandleCount", "`/proc/PID/fd`, how many entries; NULL for who may not look", |process, reading| {
        process.descriptors(reading)
    }),
    Column::null("InstallDate", CimType::DateTime, "NULL: a process is not installed"),
    Column::u64("KernelModeTime", "`/proc/PID/stat`, `stime`; in units of 100 nanoseconds", |process, reading| {
        process.kernel_time(reading)
    }),
    Column::null("MaximumWorkingSetSize", CimType::Uint32, NO_LIMIT),
    Column::null("MinimumWorkingSetSize", CimType::Uint32, NO_LIMIT),
    Column::text(
        "Name",
        "`/proc/PID/stat`, the name: the first 15 bytes of the program's, or what the process calls itself",
        |process, reading| process.name(reading),
    ),
    Column::constant("OSCreationClassName", "Win32_OperatingSystem"),
    Column::text("OSName", "`PRETTY_NAME` of `/etc/os-release`", |_, reading| reading.system_name()),
    Column::null("OtherOperationCount", CimType::Uint64, "NULL: only reading and writing are counted"),
    Column::null("OtherTransferCount", CimType::Uint64, "NULL: only reading and writing are counted"),
    Column::u32(
        "PageFaults",
        "`/proc/PID/stat`, `minflt` and `majflt`; the lowest 32 bits of their sum",
        |process, reading| process.faults(reading),
    ),
    Column::u32("PageFileUsage", "`VmSwap` of `/proc/PID/status`; kilobytes", |process, reading| {
        process.swapped(reading)
    }),
    Column::u32("ParentProcessId", "`/proc/PID/stat`, `ppid`", |process, reading| {
        Some(process.stat(reading)?.parent())
    }),
    Column::null("PeakPageFileUsage", CimType::Uint32, "NULL: the kernel keeps no such peak"),
    Column::u64("PeakVirtualSize", "`VmPeak` of `/proc/PID/status`; bytes", |process, reading| {
        process.peak_virtual(reading)
    }),
    Column::u32("PeakWorkingSetSize", "`VmHWM` of `/proc/PID/status`; kilobytes", |process, reading| {
        process.peak_resident(reading)
    }),
    Column::u32(
        "Priority",
        "`/proc/PID/stat`, 20 less `nice`, as getpriority(2) has it in the kernel: 1 is the lowest, 20 the usual, 40 the highest",
        |process, reading| process.priority(reading),
    ),
    Column::null(
        "PrivatePageCount",
        CimType::Uint64,
        "NULL: private pages are only told by walking all memory of the process",
    ),
    Column::fixed(Column::u32("ProcessId", "the folder `/proc/PID`", |process, _| Some(process.pid()))),
    Column::null("QuotaNonPagedPoolUsage", CimType::Uint32, NO_QUOTA),
    Column::null("QuotaPagedPoolUsage", CimType::Uint32, NO_QUOTA),
    Column::null("QuotaPeakNonPagedPoolUsage", CimType::Uint32, NO_QUOTA),
    Column::null("QuotaPeakPagedPoolUsage", CimType::Uint32, NO_QUOTA),
    Column::u64("ReadOperationCount", "`syscr` of `/proc/PID/io`; NULL for who may not look", |process, reading| {
        Some(process.traffic(reading)?.reads)
    }),
    Column::u64(
        "ReadTransferCount",
        "`rchar` of `/proc/PID/io`; bytes; NULL for who may not look",
        |process, reading| Some(process.traffic(reading)?.read_bytes),
    ),
    Column::u32("SessionId", "`/proc/PID/stat`, `session`", |process, reading| Some(process.stat(reading)?.session())),
    Column::null("Status", CimType::String, "NULL: a process has no health"),
    Column::null("TerminationDate", CimType::DateTime, "NULL: a process that is listed has not ended"),
    Column::u32("ThreadCount", "`/proc/PID/stat`, `num_threads`", |process, reading| {
        Some(process.stat(reading)?.threads())
    }),
    Column::u64("UserModeTime", "`/proc/PID/stat`, `utime`; in units of 100 nanoseconds", |process, reading| {
        process.user_time(reading)
    }),
    Column::u64("VirtualSize", "`/proc/PID/stat`, `vsize`; bytes", |process, reading| {
        Some(process.stat(reading)?.virtual_bytes())
    }),
    Column::null("WindowsVersion", CimType::String, "NULL: it is not Windows"),
    Column::u64("WorkingSetSize", "`/proc/PID/stat`, `rss` times the size of a page; bytes", |process, reading| {
        process.resident(reading)
    }),
    Column::u64("WriteOperationCount", "`syscw` of `/proc/PID/io`; NULL for who may not look", |process, reading| {
        Some(process.traffic(reading)?.writes)
    }),
    Column::u64(
        "WriteTransferCount",
        "`wchar` of `/proc/PID/io`; bytes; NULL for who may not look",
        |process, reading| Some(process.traffic(reading)?.written_bytes),
    ),
];

const METHODS: &[Operation] = &[
    Operation {
        name: "Create",
        about: "Starts a program: the words of CommandLine, of which quotes keep blanks; no shell is asked. 0: done, 2: access denied, 8: unknown failure, 9: path not found, 21: invalid parameter.",
        is_static: true,
        inputs: &[("CommandLine", CimType::String), ("CurrentDirectory", CimType::String)],
        outputs: &[("ProcessId", CimType::Uint32)],
        act: methods::create,
    },
    Operation {
        name: "GetOwner",
        about: "Tells the account whose rights the process has. 0: done, 2: access denied, 9: path not found.",
        is_static: false,
        inputs: &[],
        outputs: &[("User", CimType::String), ("Domain", CimType::String)],
        act: methods::owner,
    },
    Operation {
        name: "Terminate",
        about: "Ends the process with SIGKILL; Reason is not used. 0: done, 2: access denied, 8: unknown failure, 9: path not found.",
        is_static: false,
        inputs: &[("Reason", CimType::Uint32)],
        outputs: &[],
        act: methods::terminate,
    },
];

/// Win32_Process.
pub(super) fn source(machine: &Rc<Machine>, schema: &Schema) -> LinuxClass {
    let definition = Definition {
        name: "Win32_Process",
        parent: "CIM_Process",
        about: "The processes that `/proc` shows to who asks.",
        columns: COLUMNS,
        methods: METHODS,
        units_per_step: UNITS_PER_STEP,
    };
    LinuxClass::new(machine, schema, &definition, |reading, search| {
        reading.bury();
        let handles = search.texts("Handle").map(|texts| texts.iter().filter_map(|text| pid(text)).collect::<Vec<_>>());
        let numbers =
            || Some(search.numbers("ProcessId")?.into_iter().filter_map(|number| number.try_into().ok()).collect());
        match handles.or_else(numbers) {
            Some(pids) => {
                let reading = reading.clone();
                Ok(Box::new(pids.into_iter().map(move |pid| alone(&reading, pid))))
            }
            None => Ok(Box::new(all(reading)?)),
        }
    })
}

/// Every process.
pub(super) fn all(reading: &Reading) -> Result<impl Iterator<Item = Option<Process>> + use<>, WbemError> {
    let entries = reading.folder(At::Proc, format_args!(".")).map_err(|_| Reading::no_source("folder `/proc`"))?;
    let pids = entries.filter_map(|entry| pid(entry.ok()?.file_name().to_str()?));
    Ok(pids.map(|pid| Some(Process::new(pid))))
}

/// One process. Threads have folders as well, which are not listed.
fn alone(reading: &Reading, pid: u32) -> Option<Process> {
    let process = Process::new(pid);
    process.is_process(reading).then_some(process)
}

/// The number of a folder's name, if it is written as the kernel writes it.
pub(super) fn pid(name: &str) -> Option<u32> {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit()) && !name.starts_with('0');
    if is_number { name.parse().ok() } else { None }
}
