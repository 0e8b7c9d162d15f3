//! Win32_OperatingSystem.
//!
//! Floor 5.

use std::cell::OnceCell;
use std::fs::ReadDir;
use std::rc::Rc;
use std::sync::Arc;

use super::machine::{At, Machine};
use super::memory::Memory;
use super::reading::{MICROSECONDS, Reading};
use super::schema::Schema;
use super::sessions;
use super::table::{Column, Definition, LinuxClass, Row, UNITS_PER_STEP};
use crate::wbem::cim_type::CimType;

/// How many entries of `/proc` are counted in a piece of work.
const ENTRIES_PER_UNIT: usize = 64;

/// The number of Linux among the types of operating systems.
const LINUX: u16 = 36;

/// The operating system that runs.
struct System {
    processes: Option<u32>,
    memory: OnceCell<Option<Memory>>,
}

impl Row for System {}

impl System {
    fn memory(&self, reading: &Reading) -> Option<&Memory> {
        let read = || reading.read(At::Proc, format_args!("meminfo"), Memory::parse).ok();
        self.memory.get_or_init(read).as_ref()
    }
}

const WINDOWS_ONLY: &str = "NULL: of Windows alone";
const NOT_KEPT: &str = "NULL: the machine does not keep it";
const OF_A_PROCESS: &str = "NULL: each process has its own";

const COLUMNS: &[Column<System>] = &[
    Column::null("BootDevice", CimType::String, "NULL: the firmware does not say what it started from"),
    Column::text("BuildNumber", "`/proc/sys/kernel/osrelease`, the release of the kernel", |_, reading| {
        kernel(reading, "osrelease")
    }),
    Column::text("BuildType", "`/proc/sys/kernel/version`, how and when the kernel was built", |_, reading| {
        kernel(reading, "version")
    }),
    Column::text("Caption", "`PRETTY_NAME` of os-release(5)", |_, reading| reading.system_name()),
    Column::null("CodeSet", CimType::String, OF_A_PROCESS),
    Column::null("CountryCode", CimType::String, OF_A_PROCESS),
    Column::constant("CreationClassName", "Win32_OperatingSystem"),
    Column::constant("CSCreationClassName", "Win32_ComputerSystem"),
    Column::null("CSDVersion", CimType::String, WINDOWS_ONLY),
    Column::text("CSName", "`/proc/sys/kernel/hostname`", |_, reading| reading.host_name()),
    Column::s16("CurrentTimeZone", "`/etc/localtime`; minutes ahead of UTC", |_, reading| {
        Some(reading.zone().offset_minutes(reading.now().div_euclid(MICROSECONDS)))
    }),
    Column::null("Debug", CimType::Boolean, WINDOWS_ONLY),
    Column::text("Description", "`PRETTY_HOSTNAME` of `/etc/machine-info`", |_, reading| {
        reading.machine_info("PRETTY_HOSTNAME").map(Into::into)
    }),
    Column::null("Distributed", CimType::Boolean, NOT_KEPT),
    Column::null("EncryptionLevel", CimType::Uint32, WINDOWS_ONLY),
    Column::u64("FreePhysicalMemory", "`MemAvailable` of `/proc/meminfo`; kilobytes", |system, reading| {
        system.memory(reading)?.available
    }),
    Column::u64("FreeSpaceInPagingFiles", "`SwapFree` of `/proc/meminfo`; kilobytes", |system, reading| {
        system.memory(reading)?.swap_free
    }),
    Column::u64(
        "FreeVirtualMemory",
        "`MemAvailable` and `SwapFree` of `/proc/meminfo`; kilobytes",
        |system, reading| system.memory(reading)?.free_virtual(),
    ),
    Column::null("InstallDate", CimType::DateTime, NOT_KEPT),
    Column::moment("LastBootUpTime", "`btime` of `/proc/stat`", |_, reading| {
        reading.moment(reading.boot_seconds()?.checked_mul(MICROSECONDS)?)
    }),
    Column::moment("LocalDateTime", "the clock", |_, reading| reading.moment(reading.now())),
    Column::null("Locale", CimType::String, OF_A_PROCESS),
    Column::text("Manufacturer", "`VENDOR_NAME` of os-release(5)", |_, reading| {
        reading.os_release("VENDOR_NAME").map(Into::into)
    }),
    Column::u32("MaxNumberOfProcesses", "`/proc/sys/kernel/pid_max`; threads count too", |_, reading| {
        reading.number(At::Proc, format_args!("sys/kernel/pid_max"))
    }),
    Column::null("MaxProcessMemorySize", CimType::Uint64, OF_A_PROCESS),
    Column::null_array("MUILanguages", CimType::String, OF_A_PROCESS),
    Column::text("Name", "`PRETTY_NAME` of os-release(5)", |_, reading| reading.system_name()),
    Column::null("NumberOfLicensedUsers", CimType::Uint32, "NULL: no such licence"),
    Column::u32("NumberOfProcesses", "the folders of processes in `/proc`", |system, _| system.processes),
    Column::u32("NumberOfUsers", "`/run/utmp`, records of users; NULL where none are kept", |_, reading| {
        sessions::read(reading)?.len().try_into().ok()
    }),
    Column::null("OperatingSystemSKU", CimType::Uint32, WINDOWS_ONLY),
    Column::null("Organization", CimType::String, NOT_KEPT),
    Column::text("OSArchitecture", "`/proc/sys/kernel/arch`, or the machine of uname(2)", |_, reading| {
        reading.architecture().map(Into::into)
    }),
    Column::null("OSLanguage", CimType::Uint32, OF_A_PROCESS),
    Column::null("OSProductSuite", CimType::Uint32, WINDOWS_ONLY),
    Column::u16("OSType", "36, which is Linux", |_, _| Some(LINUX)),
    Column::null("OtherTypeDescription", CimType::String, "NULL: the type has a number"),
    Column::bool("Primary", "TRUE: it is the one that runs", |_, _| Some(true)),
    Column::null("ProductType", CimType::Uint32, WINDOWS_ONLY),
    Column::null("RegisteredUser", CimType::String, NOT_KEPT),
    Column::null("SerialNumber", CimType::String, NOT_KEPT),
    Column::null("ServicePackMajorVersion", CimType::Uint16, WINDOWS_ONLY),
    Column::null("ServicePackMinorVersion", CimType::Uint16, WINDOWS_ONLY),
    Column::u64("SizeStoredInPagingFiles", "`SwapTotal` of `/proc/meminfo`; kilobytes", |system, reading| {
        system.memory(reading)?.swap_total
    }),
    Column::constant("Status", "OK"),
    Column::null("SuiteMask", CimType::Uint32, WINDOWS_ONLY),
    Column::null("SystemDevice", CimType::String, WINDOWS_ONLY),
    Column::null("SystemDirectory", CimType::String, WINDOWS_ONLY),
    Column::null("SystemDrive", CimType::String, WINDOWS_ONLY),
    Column::u64("TotalSwapSpaceSize", "`SwapTotal` of `/proc/meminfo`; kilobytes", |system, reading| {
        system.memory(reading)?.swap_total
    }),
    Column::u64(
        "TotalVirtualMemorySize",
        "`MemTotal` and `SwapTotal` of `/proc/meminfo`; kilobytes",
        |system, reading| system.memory(reading)?.total_virtual(),
    ),
    Column::u64("TotalVisibleMemorySize", "`MemTotal` of `/proc/meminfo`; kilobytes", |system, reading| {
        system.memory(reading)?.total
    }),
    Column::text("Version", "`VERSION_ID` of os-release(5); NULL for a distribution without versions", |_, reading| {
        reading.os_release("VERSION_ID").map(Into::into)
    }),
    Column::null("WindowsDirectory", CimType::String, WINDOWS_ONLY),
];

/// Win32_OperatingSystem.
pub(super) fn source(machine: &Rc<Machine>, schema: &Schema) -> LinuxClass {
    let definition = Definition {
        name: "Win32_OperatingSystem",
        parent: "CIM_OperatingSystem",
        about: "The operating system that runs.",
        columns: COLUMNS,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    LinuxClass::new(machine, schema, &definition, |reading, search| {
        if search.wants("NumberOfProcesses") {
            let entries = reading.folder(At::Proc, format_args!("."));
            return Ok(Box::new(Counting { entries: entries.ok(), count: 0, is_over: false }));
        }
        Ok(Box::new([Some(System { processes: None, memory: OnceCell::new() })].into_iter()))
    })
}

/// Counts the processes, then gives the system.
struct Counting {
    entries: Option<ReadDir>,
    count: u32,
    is_over: bool,
}

impl Iterator for Counting {
    type Item = Option<System>;

    fn next(&mut self) -> Option<Option<System>> {
        if self.is_over {
            return None;
        }
        if let Some(entries) = &mut self.entries {
            for _ in 0..ENTRIES_PER_UNIT {
                let Some(entry) = entries.next() else {
                    self.is_over = true;
                    break;
                };
                let name = entry.map(|entry| entry.file_name()).unwrap_or_default();
                self.count += u32::from(name.as_encoded_bytes().first().is_some_and(u8::is_ascii_digit));
            }
        }
        let is_counted = self.is_over;
        self.is_over |= self.entries.is_none();
        let processes = is_counted.then_some(self.count);
        Some(self.is_over.then(|| System { processes, memory: OnceCell::new() }))
    }
}

/// What the kernel says of itself.
fn kernel(reading: &Reading, file: &str) -> Option<Arc<str>> {
    reading.text(At::Proc, format_args!("sys/kernel/{file}")).map(Into::into)
}
