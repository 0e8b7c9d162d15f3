//! Win32_Processor: what sits in a socket.
//!
//! Floor 5.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::cpu::{self, Times};
use super::fields;
use super::machine::{At, Machine};
use super::reading::Reading;
use super::schema::Schema;
use super::table::{Column, Definition, LinuxClass, Row};
use crate::wbem::cim_type::CimType;

/// A package and its logical processors that run.
struct Package {
    number: u32,
    processors: Vec<u32>,
    load: Option<u16>,
    description: OnceCell<Option<Vec<(String, String)>>>,
}

impl Row for Package {}

impl Package {
    fn first(&self) -> u32 {
        self.processors.first().copied().unwrap_or(0)
    }

    /// What `/proc/cpuinfo` says of the first of its logical processors.
    fn described(&self, reading: &Reading, key: &str) -> Option<&str> {
        let read = || reading.read(At::Proc, format_args!("cpuinfo"), |text| describe(text, self.first())).ok();
        let pairs = self.description.get_or_init(read).as_ref()?;
        pairs.iter().find(|(name, _)| name == key).map(|(_, value)| &**value)
    }

    fn text(&self, reading: &Reading, key: &str) -> Option<Arc<str>> {
        self.described(reading, key).filter(|value| !value.is_empty()).map(Into::into)
    }

    fn number(&self, reading: &Reading, key: &str) -> Option<u16> {
        self.described(reading, key)?.parse().ok()
    }

    /// Megahertz, of a file of kilohertz.
    fn megahertz(&self, reading: &Reading, file: &str) -> Option<u32> {
        let kilohertz: u64 =
            reading.number(At::Sys, format_args!("devices/system/cpu/cpu{}/cpufreq/{file}", self.first()))?;
        u32::try_from(kilohertz / 1000).ok()
    }

    fn current_megahertz(&self, reading: &Reading) -> Option<u32> {
        let told = || Some(self.described(reading, "cpu MHz")?.parse::<f64>().ok()?.round() as u32);
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
    Column::text("Caption", "`model name` of `/proc/cpuinfo`", |package, reading| package.text(reading, "model name")),
    Column::constant("CreationClassName", "Win32_Processor"),
    Column::u32(
        "CurrentClockSpeed",
        "`scaling_cur_freq` of cpufreq, or `cpu MHz` of `/proc/cpuinfo`, of the first logical processor; megahertz",
        |package, reading| package.current_megahertz(reading),
    ),
    Column::null("CurrentVoltage", CimType::Uint16, "NULL: the kernel does not tell"),
    Column::u16("DataWidth", "the architecture of the kernel; bits", |_, reading| width(&reading.architecture()?)),
    Column::text("Description", "`model name` of `/proc/cpuinfo`", |package, reading| {
        package.text(reading, "model name")
    }),
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
    Column::u16("Level", "`cpu family` of `/proc/cpuinfo`", |package, reading| package.number(reading, "cpu family")),
    Column::u16(
        "LoadPercentage",
        "`/proc/stat`, the time not idle since the query before; NULL for the first; percent",
        |package, _| package.load,
    ),
    Column::text("Manufacturer", "`vendor_id` of `/proc/cpuinfo`", |package, reading| {
        package.text(reading, "vendor_id")
    }),
    Column::u32("MaxClockSpeed", "`cpuinfo_max_freq` of cpufreq; megahertz", |package, reading| {
        package.megahertz(reading, "cpuinfo_max_freq")
    }),
    Column::text("Name", "`model name` of `/proc/cpuinfo`", |package, reading| package.text(reading, "model name")),
    Column::u32("NumberOfCores", "sysfs, groups of `thread_siblings_list`", |package, reading| {
        cpu::cores(reading, &package.processors)
    }),
    Column::u32(
        "NumberOfEnabledCore",
        "sysfs, groups of `thread_siblings_list` of processors that run",
        |package, reading| cpu::cores(reading, &package.processors),
    ),
    Column::u32("NumberOfLogicalProcessors", "sysfs, logical processors of the package that run", |package, _| {
        package.processors.len().try_into().ok()
    }),
    Column::null("ProcessorId", CimType::String, "NULL: the kernel does not tell all its bits"),
    Column::u16("ProcessorType", "3, which is a central processor", |_, _| Some(3)),
    Column::null("Revision", CimType::Uint16, "NULL: model and stepping are told separately"),
    Column::null("SerialNumber", CimType::String, NO_SOCKET),
    Column::null("SocketDesignation", CimType::String, NO_SOCKET),
    Column::null("Status", CimType::String, "NULL: the kernel does not tell"),
    Column::text("Stepping", "`stepping` of `/proc/cpuinfo`", |package, reading| package.text(reading, "stepping")),
    Column::constant("SystemCreationClassName", "Win32_ComputerSystem"),
    Column::text("SystemName", "`/proc/sys/kernel/hostname`", |_, reading| reading.host_name()),
    Column::u32("ThreadCount", "sysfs, logical processors of the package that run", |package, _| {
        package.processors.len().try_into().ok()
    }),
    Column::text("Version", "`model` of `/proc/cpuinfo`", |package, reading| package.text(reading, "model")),
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
        units_per_step: 1,
    };
    let earlier = RefCell::new(None);
    LinuxClass::new(machine, schema, &definition, move |reading, search| {
        let packages = cpu::packages(reading);
        if packages.is_empty() {
            return Err(Reading::no_source("list of processors at `/sys/devices/system/cpu/online`"));
        }
        let mut loads = BTreeMap::new();
        if search.wants("LoadPercentage") {
            let now = cpu::times(reading);
            if let Some((now, earlier)) = now.as_ref().zip(earlier.replace(now.clone()).as_ref()) {
                loads.extend(packages.iter().map(|(number, processors)| (*number, load(processors, now, earlier))));
            }
        }
        let rows = packages.into_iter().map(move |(number, processors)| {
            let load = loads.get(&number).copied().flatten();
            Some(Package { number, processors, load, description: OnceCell::new() })
        });
        Ok(Box::new(rows))
    })
}

/// How busy these logical processors were between two readings, in percent.
fn load(processors: &[u32], now: &BTreeMap<u32, Times>, earlier: &BTreeMap<u32, Times>) -> Option<u16> {
    let mut sum = Times::default();
    for processor in processors {
        sum.add(&now.get(processor)?.since(earlier.get(processor)?));
    }
    sum.percent(sum.total.saturating_sub(sum.idle))?.try_into().ok()
}

/// The part of `/proc/cpuinfo` that is about one logical processor; the whole if it has no parts.
fn describe(text: &[u8], processor: u32) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut is_wanted = true;
    for line in text.split(|byte| *byte == b'\n') {
        let Some((name, value)) = fields::pair(line, b':') else { continue };
        if name == b"processor" {
            is_wanted = fields::number(value) == Some(processor);
        }
        if is_wanted {
            pairs.push((fields::text(name), fields::text(value)));
        }
    }
    pairs
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
