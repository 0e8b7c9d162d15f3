//! Win32_Processor: what sits in a socket.
//!
//! Floor 5.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::cpu::{self, Packages, Times};
use super::cpuinfo::{Descriptions, Said};
use super::machine::{At, Machine};
use super::reading::Reading;
use super::schema::Schema;
use super::table::{Column, Definition, LinuxClass, Row, UNITS_PER_STEP};
use crate::wbem::cim_type::CimType;

/// A package, with what is said of its first logical processor.
struct Package {
    number: u32,
    parts: cpu::Package,
    load: Option<u16>,
    said: Rc<Said>,
}

impl Row for Package {}

impl Package {
    fn first(&self) -> u32 {
        first(&self.parts)
    }

    fn described(&self, key: &str) -> Option<&str> {
        self.said.find(self.first(), key)
    }

    fn text(&self, key: &str) -> Option<Arc<str>> {
        self.described(key).filter(|value| !value.is_empty()).map(Into::into)
    }

    fn number(&self, key: &str) -> Option<u16> {
        self.described(key)?.parse().ok()
    }

    fn count(&self) -> Option<u32> {
        self.parts.processors.len().try_into().ok()
    }

    /// Megahertz, of a file of kilohertz.
    fn megahertz(&self, reading: &Reading, file: &str) -> Option<u32> {
        let kilohertz: u64 =
            reading.number(At::Sys, format_args!("devices/system/cpu/cpu{}/cpufreq/{file}", self.first()))?;
        u32::try_from(kilohertz / 1000).ok()
    }

    fn current_megahertz(&self, reading: &Reading) -> Option<u32> {
        let told = || Some(self.described("cpu MHz")?.parse::<f64>().ok()?.round() as u32);
        self.megahertz(reading, "scaling_cur_freq").or_else(told)
    }

    /// Kilobytes of the cache of a level that the first logical processor uses.
    fn cache(&self, reading: &Reading, level: u32) -> Option<u32> {
        let folder = format!("devices/system/cpu/cpu{}/cache", self.first());
        for index in 0..8 {
            let is_level = reading.number::<u32>(At::Sys, format_args!("{folder}/index{index}/level"))? == level;
            if is_level {
                let size = reading.text(At::Sys, format_args!("{folder}/index{index}/size"))?;
                return size.strip_suffix('K')?.parse().ok();
            }
        }
        None
    }
}

const NO_SOCKET: &str = "NULL: only the tables of the firmware know, which are for root";

const COLUMNS: &[Column<Package>] = &[
    Column::u16("AddressWidth", "the architecture of the kernel; bits", |_, reading| width(&reading.architecture()?)),
    Column::u16("Architecture", "the architecture of the kernel: 0 is x86, 5 ARM, 9 x64, 12 ARM64", |_, reading| {
        architecture(&reading.architecture()?)
    }),
    Column::null("AssetTag", CimType::String, NO_SOCKET),
    Column::null("Availability", CimType::Uint16, "NULL: only processors that run are listed"),
    Column::text("Caption", "`model name` of `/proc/cpuinfo`", |package, _| package.text("model name")),
    Column::constant("CreationClassName", "Win32_Processor"),
    Column::u32(
        "CurrentClockSpeed",
        "`scaling_cur_freq` of cpufreq, or `cpu MHz` of `/proc/cpuinfo`, of the first logical processor; megahertz",
        |package, reading| package.current_megahertz(reading),
    ),
    Column::null("CurrentVoltage", CimType::Uint16, "NULL: the kernel does not tell"),
    Column::u16("DataWidth", "the architecture of the kernel; bits", |_, reading| width(&reading.architecture()?)),
    Column::text("Description", "`model name` of `/proc/cpuinfo`", |package, _| package.text("model name")),
    Column::key(Column::text("DeviceID", "`CPU` and `physical_package_id`", |package, _| {
        Some(format!("CPU{}", package.number).into())
    })),
    Column::null("ExtClock", CimType::Uint32, NO_SOCKET),
    Column::null(
        "Family",
        CimType::Uint16,
        "NULL: the numbers are those of the firmware's tables, not of the processor",
    ),
    Column::null("InstallDate", CimType::DateTime, "NULL: nobody keeps it"),
    Column::u32(
        "L2CacheSize",
        "sysfs, the cache of level 2 that the first logical processor uses; kilobytes",
        |package, reading| package.cache(reading, 2),
    ),
    Column::u32(
        "L3CacheSize",
        "sysfs, the cache of level 3 that the first logical processor uses; kilobytes",
        |package, reading| package.cache(reading, 3),
    ),
    Column::u16("Level", "`cpu family` of `/proc/cpuinfo`", |package, _| package.number("cpu family")),
    Column::u16(
        "LoadPercentage",
        "`/proc/stat`, the time not idle since the query before; NULL for the first; percent",
        |package, _| package.load,
    ),
    Column::text("Manufacturer", "`vendor_id` of `/proc/cpuinfo`", |package, _| package.text("vendor_id")),
    Column::u32("MaxClockSpeed", "`cpuinfo_max_freq` of cpufreq; megahertz", |package, reading| {
        package.megahertz(reading, "cpuinfo_max_freq")
    }),
    Column::text("Name", "`model name` of `/proc/cpuinfo`", |package, _| package.text("model name")),
    Column::u32("NumberOfCores", "sysfs, groups of `thread_siblings_list`", |package, _| package.parts.cores()),
    Column::u32(
        "NumberOfEnabledCore",
        "sysfs, groups of `thread_siblings_list` of processors that run",
        |package, _| package.parts.cores(),
    ),
    Column::u32("NumberOfLogicalProcessors", "sysfs, logical processors of the package that run", |package, _| {
        package.count()
    }),
    Column::null("ProcessorId", CimType::String, "NULL: the kernel does not tell all its bits"),
    Column::u16("ProcessorType", "3, which is a central processor", |_, _| Some(3)),
    Column::null("Revision", CimType::Uint16, "NULL: model and stepping are told separately"),
    Column::null("SerialNumber", CimType::String, NO_SOCKET),
    Column::null("SocketDesignation", CimType::String, NO_SOCKET),
    Column::null("Status", CimType::String, "NULL: the kernel does not tell"),
    Column::text("Stepping", "`stepping` of `/proc/cpuinfo`", |package, _| package.text("stepping")),
    Column::constant("SystemCreationClassName", "Win32_ComputerSystem"),
    Column::text("SystemName", "`/proc/sys/kernel/hostname`", |_, reading| reading.host_name()),
    Column::u32("ThreadCount", "sysfs, logical processors of the package that run", |package, _| package.count()),
    Column::text("Version", "`model` of `/proc/cpuinfo`", |package, _| package.text("model")),
    Column::null("VoltageCaps", CimType::Uint32, "NULL: the kernel does not tell"),
];

/// Win32_Processor.
pub(super) fn source(machine: &Rc<Machine>, schema: &Schema) -> LinuxClass {
    let definition = Definition {
        name: "Win32_Processor",
        parent: "CIM_Processor",
        about: "The processors by their packages: what sits in one socket is one object. Processors that do not run are not counted.",
        columns: COLUMNS,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    let earlier = RefCell::new(None);
    LinuxClass::new(machine, schema, &definition, move |reading, search| {
        let wants = |names: &[&str]| names.iter().any(|name| search.wants(name));
        let packages = Packages::begin(reading, wants(&["NumberOfCores", "NumberOfEnabledCore"]));
        let packages =
            packages.ok_or_else(|| Reading::no_source("list of processors at `/sys/devices/system/cpu/online`"))?;
        let loads = if search.wants("LoadPercentage") {
            let now = cpu::times(reading);
            now.clone().zip(earlier.replace(now))
        } else {
            None
        };
        let phase = Phase::Looking(packages);
        Ok(Box::new(Finding { reading: reading.clone(), loads, is_described: wants(DESCRIBED), phase }))
    })
}

/// The properties that `/proc/cpuinfo` tells.
const DESCRIBED: &[&str] =
    &["Caption", "CurrentClockSpeed", "Description", "Level", "Manufacturer", "Name", "Stepping", "Version"];

/// Finds the packages, then what is said of them, then tells them.
struct Finding {
    reading: Rc<Reading>,
    /// What every logical processor did until now, and until the query before.
    loads: Option<(BTreeMap<u32, Times>, BTreeMap<u32, Times>)>,
    is_described: bool,
    phase: Phase,
}

enum Phase {
    Looking(Packages),
    Describing(BTreeMap<u32, cpu::Package>, Descriptions),
    Telling(std::collections::btree_map::IntoIter<u32, cpu::Package>, Rc<Said>),
}

impl Iterator for Finding {
    type Item = Option<Package>;

    fn next(&mut self) -> Option<Option<Package>> {
        let next = match &mut self.phase {
            Phase::Looking(packages) => {
                let Some(packages) = packages.step(&self.reading) else { return Some(None) };
                let described = packages.values().map(first).filter(|_| self.is_described);
                let descriptions = Descriptions::begin(&self.reading, described);
                Phase::Describing(packages, descriptions)
            }
            Phase::Describing(packages, descriptions) => {
                let Some(said) = descriptions.step() else { return Some(None) };
                Phase::Telling(std::mem::take(packages).into_iter(), Rc::new(said))
            }
            Phase::Telling(packages, said) => {
                let (number, parts) = packages.next()?;
                let load = self.loads.as_ref().and_then(|(now, earlier)| load(&parts.processors, now, earlier));
                return Some(Some(Package { number, parts, load, said: said.clone() }));
            }
        };
        self.phase = next;
        Some(None)
    }
}

/// The first logical processor of a package, which stands for all of it.
fn first(package: &cpu::Package) -> u32 {
    package.processors.first().copied().unwrap_or(0)
}

/// How busy these logical processors were between two readings, in percent.
fn load(processors: &[u32], now: &BTreeMap<u32, Times>, earlier: &BTreeMap<u32, Times>) -> Option<u16> {
    let mut sum = Times::default();
    for processor in processors {
        sum.add(&now.get(processor)?.since(earlier.get(processor)?));
    }
    sum.percent(sum.total.saturating_sub(sum.idle))?.try_into().ok()
}

/// The number of an architecture in the texts.
fn architecture(machine: &str) -> Option<u16> {
    Some(match machine {
        "i386" | "i486" | "i586" | "i686" => 0,
        "x86_64" => 9,
        "aarch64" => 12,
        name if name.starts_with("arm") => 5,
        _ => return None,
    })
}

/// The bits of an architecture's addresses.
fn width(machine: &str) -> Option<u16> {
    Some(match architecture(machine) {
        Some(0 | 5) => 32,
        Some(_) => 64,
        None if machine.ends_with("64") || machine.ends_with("64le") || machine == "s390x" => 64,
        None => return None,
    })
}
