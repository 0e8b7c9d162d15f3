//! Win32_ComputerSystem.
//!
//! Floor 5.

use std::rc::Rc;
use std::sync::Arc;

use super::cpu::{self, Packages};
use super::fields;
use super::machine::{At, Machine};
use super::memory::Memory;
use super::reading::{MICROSECONDS, Reading};
use super::schema::Schema;
use super::sessions;
use super::table::{Column, Definition, LinuxClass, Row, UNITS_PER_STEP};
use crate::wbem::cim_type::CimType;

/// The most that `/proc/cpuinfo` has of a processor.
const PROCESSOR_BYTES_MAX: usize = 64 * 1024;

/// The machine.
struct Computer {
    packages: Option<u32>,
}

impl Row for Computer {}

const NOT_TOLD: &str = "NULL: Linux does not know";
const NO_DOMAIN: &str = "NULL: Linux knows no such domains";

const COLUMNS: &[Column<Computer>] = &[
    Column::null("AdminPasswordStatus", CimType::Uint16, NOT_TOLD),
    Column::null("BootupState", CimType::String, NOT_TOLD),
    Column::text("Caption", "`/proc/sys/kernel/hostname`", |_, reading| reading.host_name()),
    Column::constant("CreationClassName", "Win32_ComputerSystem"),
    Column::s16("CurrentTimeZone", "`/etc/localtime`; minutes ahead of UTC", |_, reading| {
        Some(reading.zone().offset_minutes(reading.now().div_euclid(MICROSECONDS)))
    }),
    Column::bool("DaylightInEffect", "`/etc/localtime`, whether summer time is kept now", |_, reading| {
        Some(reading.zone().is_daylight(reading.now().div_euclid(MICROSECONDS)))
    }),
    Column::text("Description", "`PRETTY_HOSTNAME` of `/etc/machine-info`", |_, reading| {
        reading.machine_info("PRETTY_HOSTNAME").map(Into::into)
    }),
    Column::text("DNSHostName", "`/proc/sys/kernel/hostname` up to its first dot", |_, reading| {
        Some(reading.host_name()?.split('.').next()?.into())
    }),
    Column::text("Domain", "`/proc/sys/kernel/hostname` behind its first dot; NULL where it has none", |_, reading| {
        Some(reading.host_name()?.split_once('.')?.1.into())
    }),
    Column::null("DomainRole", CimType::Uint16, NO_DOMAIN),
    Column::bool("HypervisorPresent", "`flags` of `/proc/cpuinfo`; NULL where there are no flags", |_, reading| {
        hypervisor(reading)
    }),
    Column::null("InstallDate", CimType::DateTime, "NULL: nobody keeps it"),
    Column::text("Manufacturer", "`sys_vendor` of `/sys/class/dmi/id`", |_, reading| firmware(reading, "sys_vendor")),
    Column::text("Model", "`product_name` of `/sys/class/dmi/id`, or `model` of the device tree", |_, reading| {
        model(reading)
    }),
    Column::key(Column::text("Name", "`/proc/sys/kernel/hostname`", |_, reading| reading.host_name())),
    Column::u32("NumberOfLogicalProcessors", "`/sys/devices/system/cpu/online`", |_, reading| {
        cpu::online(reading)?.len().try_into().ok()
    }),
    Column::u32("NumberOfProcessors", "sysfs, the different `physical_package_id`", |computer, _| computer.packages),
    Column::null("PartOfDomain", CimType::Boolean, NO_DOMAIN),
    Column::null("PCSystemType", CimType::Uint16, NOT_TOLD),
    Column::null("PrimaryOwnerName", CimType::String, NOT_TOLD),
    Column::null_array("Roles", CimType::String, NOT_TOLD),
    Column::null("Status", CimType::String, NOT_TOLD),
    Column::text("SystemFamily", "`product_family` of `/sys/class/dmi/id`", |_, reading| {
        firmware(reading, "product_family")
    }),
    Column::text("SystemSKUNumber", "`product_sku` of `/sys/class/dmi/id`", |_, reading| {
        firmware(reading, "product_sku")
    }),
    Column::text(
        "SystemType",
        "the architecture of the kernel, in the words of the texts; NULL for one that they have no word for",
        |_, reading| system_type(reading),
    ),
    Column::u64("TotalPhysicalMemory", "`MemTotal` of `/proc/meminfo`; bytes", |_, reading| memory_bytes(reading)),
    Column::text("UserName", "`/run/utmp`, who is logged in at a console; NULL for nobody", |_, reading| {
        console_user(reading)
    }),
    Column::null("Workgroup", CimType::String, NO_DOMAIN),
];

/// Win32_ComputerSystem.
pub(super) fn source(machine: &Rc<Machine>, schema: &Schema) -> LinuxClass {
    let definition = Definition {
        name: "Win32_ComputerSystem",
        parent: "CIM_UnitaryComputerSystem",
        about: "The machine.",
        columns: COLUMNS,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    LinuxClass::new(machine, schema, &definition, |reading, search| {
        let packages = if search.wants("NumberOfProcessors") { Packages::begin(reading, false) } else { None };
        Ok(Box::new(Counting { reading: reading.clone(), packages, is_over: false }))
    })
}

/// Counts the packages if they are wanted, then gives the machine.
struct Counting {
    reading: Rc<Reading>,
    packages: Option<Packages>,
    is_over: bool,
}

impl Iterator for Counting {
    type Item = Option<Computer>;

    fn next(&mut self) -> Option<Option<Computer>> {
        if self.is_over {
            return None;
        }
        let packages = match &mut self.packages {
            Some(packages) => match packages.step(&self.reading) {
                Some(found) => found.len().try_into().ok(),
                None => return Some(None),
            },
            None => None,
        };
        self.is_over = true;
        Some(Some(Computer { packages }))
    }
}

/// What the firmware says.
pub(super) fn firmware(reading: &Reading, file: &str) -> Option<Arc<str>> {
    reading.text(At::Sys, format_args!("class/dmi/id/{file}")).map(Into::into)
}

fn model(reading: &Reading) -> Option<Arc<str>> {
    let tree = || {
        let text = reading.text(At::Proc, format_args!("device-tree/model"))?;
        Some(text.trim_end_matches('\0').into())
    };
    firmware(reading, "product_name").or_else(tree)
}

/// Whether the processor says that it is not a real one.
fn hypervisor(reading: &Reading) -> Option<bool> {
    let find = |text: &[u8]| {
        let flags = fields::value(text, "flags", b':')?;
        Some(fields::words(flags).any(|flag| flag == b"hypervisor"))
    };
    // All processors of a machine have it or none, and the text of the first is at the beginning.
    reading.read_head(At::Proc, format_args!("cpuinfo"), PROCESSOR_BYTES_MAX, find).ok()?
}

fn system_type(reading: &Reading) -> Option<Arc<str>> {
    Some(match &*reading.architecture()? {
        "x86_64" => "x64-based PC".into(),
        "i386" | "i486" | "i586" | "i686" => "X86-based PC".into(),
        "aarch64" => "ARM64-based PC".into(),
        _ => return None,
    })
}

fn memory_bytes(reading: &Reading) -> Option<u64> {
    let memory = reading.read(At::Proc, format_args!("meminfo"), Memory::parse).ok()?;
    memory.total?.checked_mul(1024)
}

fn console_user(reading: &Reading) -> Option<Arc<str>> {
    let sessions = sessions::read(reading)?;
    let is_console = |terminal: &str| terminal.starts_with("tty") || terminal.starts_with(':');
    let session = sessions.into_iter().find(|session| is_console(&session.terminal))?;
    Some(format!("{}\\{}", reading.host_name()?, session.user).into())
}
