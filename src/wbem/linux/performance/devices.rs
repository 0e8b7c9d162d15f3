//! Win32_PerfFormattedData_PerfDisk_PhysicalDisk and _Tcpip_NetworkInterface.
//!
//! Floor 5.

use std::collections::HashMap;
use std::rc::Rc;

use super::super::disk;
use super::super::fields;
use super::super::machine::{At, Machine};
use super::super::reading::Reading;
use super::super::schema::Schema;
use super::super::table::{Column, Definition, LinuxClass, Row, UNITS_PER_STEP};
use super::PARENT;
use super::samples::{Pair, Samples, rate};
use crate::wbem::cim_type::CimType;

/// The numbers of a device since the machine started, in the order of the kernel's file.
type Counters = Rc<HashMap<String, Vec<u64>>>;

/// A device with the numbers of all.
struct Device {
    name: String,
    counters: Pair<Counters>,
}

impl Row for Device {}

impl Device {
    fn now(&self, place: usize) -> Option<u64> {
        self.counters.now.get(&self.name)?.get(place).copied()
    }

    /// How much the sum of some numbers rises in a second.
    fn rate(&self, places: &[usize]) -> Option<u64> {
        let (earlier, seconds) = self.counters.earlier.as_ref()?;
        let (now, earlier) = (self.counters.now.get(&self.name)?, earlier.get(&self.name)?);
        let mut rates = places.iter().map(|place| rate(*now.get(*place)?, *earlier.get(*place)?, *seconds));
        rates.try_fold(0_u64, |sum, rate| sum.checked_add(rate?))
    }

    fn small_rate(&self, places: &[usize]) -> Option<u32> {
        self.rate(places)?.try_into().ok()
    }

    /// Bytes in a second, of numbers of sectors.
    fn sector_rate(&self, places: &[usize]) -> Option<u64> {
        self.rate(places)?.checked_mul(512)
    }
}

/// Places in a line of `/proc/diskstats`, behind the name.
const READS: usize = 0;
const SECTORS_READ: usize = 2;
const WRITES: usize = 4;
const SECTORS_WRITTEN: usize = 6;
const IN_FLIGHT: usize = 8;
const BUSY_MILLISECONDS: usize = 9;

/// Places in a line of `/proc/net/dev`, behind the name.
const BYTES_IN: usize = 0;
const PACKETS_IN: usize = 1;
const ERRORS_IN: usize = 2;
const DROPPED_IN: usize = 3;
const BYTES_OUT: usize = 8;
const PACKETS_OUT: usize = 9;
const ERRORS_OUT: usize = 10;
const DROPPED_OUT: usize = 11;

const DISK: &[Column<Device>] = &[
    Column::null("AvgDiskQueueLength", CimType::Uint64, "NULL: whole numbers would be 0 nearly always"),
    Column::null("Caption", CimType::String, "NULL: it has none"),
    Column::u32("CurrentDiskQueueLength", "`/proc/diskstats`, requests under way", |row, _| {
        row.now(IN_FLIGHT)?.try_into().ok()
    }),
    Column::null("Description", CimType::String, "NULL: it has none"),
    Column::u64(
        "DiskBytesPersec",
        "`/proc/diskstats`, sectors of 512 bytes since the query before; bytes in a second",
        |row, _| row.sector_rate(&[SECTORS_READ, SECTORS_WRITTEN]),
    ),
    Column::u64(
        "DiskReadBytesPersec",
        "`/proc/diskstats`, sectors of 512 bytes since the query before; bytes in a second",
        |row, _| row.sector_rate(&[SECTORS_READ]),
    ),
    Column::u32("DiskReadsPersec", "`/proc/diskstats`, since the query before; in a second", |row, _| {
        row.small_rate(&[READS])
    }),
    Column::u32("DiskTransfersPersec", "`/proc/diskstats`, since the query before; in a second", |row, _| {
        row.small_rate(&[READS, WRITES])
    }),
    Column::u64(
        "DiskWriteBytesPersec",
        "`/proc/diskstats`, sectors of 512 bytes since the query before; bytes in a second",
        |row, _| row.sector_rate(&[SECTORS_WRITTEN]),
    ),
    Column::u32("DiskWritesPersec", "`/proc/diskstats`, since the query before; in a second", |row, _| {
        row.small_rate(&[WRITES])
    }),
    Column::key(Column::text("Name", "`/sys/block`, the disk's name behind `/dev/`", |row, _| {
        Some(disk::device_path(&row.name).into())
    })),
    Column::u64(
        "PercentDiskTime",
        "`/proc/diskstats`, the time with requests under way since the query before; percent",
        |row, _| busy(row),
    ),
    Column::u64(
        "PercentIdleTime",
        "`/proc/diskstats`, the time without requests since the query before; percent",
        |row, _| Some(100 - busy(row)?),
    ),
];

const INTERFACE: &[Column<Device>] = &[
    Column::u64("BytesReceivedPersec", "`/proc/net/dev`, since the query before; bytes in a second", |row, _| {
        row.rate(&[BYTES_IN])
    }),
    Column::u64("BytesSentPersec", "`/proc/net/dev`, since the query before; bytes in a second", |row, _| {
        row.rate(&[BYTES_OUT])
    }),
    Column::u64("BytesTotalPersec", "`/proc/net/dev`, since the query before; bytes in a second", |row, _| {
        row.rate(&[BYTES_IN, BYTES_OUT])
    }),
    Column::null("Caption", CimType::String, "NULL: it has none"),
    Column::u64(
        "CurrentBandwidth",
        "`/sys/class/net/NAME/speed`; bits in a second; NULL for one that is down or virtual",
        bandwidth,
    ),
    Column::null("Description", CimType::String, "NULL: it has none"),
    Column::key(Column::text("Name", "`/proc/net/dev`, the interface's name", |row, _| Some((&*row.name).into()))),
    Column::null("OutputQueueLength", CimType::Uint32, "NULL: each queue of an interface counts for itself"),
    Column::u32("PacketsOutboundDiscarded", "`/proc/net/dev`, since the machine started", |row, _| {
        row.now(DROPPED_OUT)?.try_into().ok()
    }),
    Column::u32("PacketsOutboundErrors", "`/proc/net/dev`, since the machine started", |row, _| {
        row.now(ERRORS_OUT)?.try_into().ok()
    }),
    Column::u32("PacketsPersec", "`/proc/net/dev`, since the query before; in a second", |row, _| {
        row.small_rate(&[PACKETS_IN, PACKETS_OUT])
    }),
    Column::u32("PacketsReceivedDiscarded", "`/proc/net/dev`, since the machine started", |row, _| {
        row.now(DROPPED_IN)?.try_into().ok()
    }),
    Column::u32("PacketsReceivedErrors", "`/proc/net/dev`, since the machine started", |row, _| {
        row.now(ERRORS_IN)?.try_into().ok()
    }),
    Column::u32("PacketsReceivedPersec", "`/proc/net/dev`, since the query before; in a second", |row, _| {
        row.small_rate(&[PACKETS_IN])
    }),
    Column::u32("PacketsSentPersec", "`/proc/net/dev`, since the query before; in a second", |row, _| {
        row.small_rate(&[PACKETS_OUT])
    }),
];

/// Both classes.
pub(super) fn sources(machine: &Rc<Machine>, schema: &Schema) -> Vec<LinuxClass> {
    let definition = |name, about, columns| Definition {
        name,
        parent: PARENT,
        about,
        columns,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    let about = "How busy the disks are. The first query has no rates.";
    let disks = definition("Win32_PerfFormattedData_PerfDisk_PhysicalDisk", about, DISK);
    let about = "What goes through the interfaces of the network. The first query has no rates.";
    let interfaces = definition("Win32_PerfFormattedData_Tcpip_NetworkInterface", about, INTERFACE);
    let (disk_samples, interface_samples) = (Samples::new(), Samples::new());
    vec![
        LinuxClass::new(machine, schema, &disks, move |reading, _| {
            let counters = reading.read(At::Proc, format_args!("diskstats"), parse_disks);
            let counters = counters.map_err(|_| Reading::no_source("`/proc/diskstats`"))?;
            let counters = disk_samples.pair(reading, Rc::new(counters));
            let drives = disk::drives(reading);
            Ok(Box::new(drives.map(move |drive| Some(Device { name: drive?.name, counters: counters.clone() }))))
        }),
        LinuxClass::new(machine, schema, &interfaces, move |reading, _| {
            let counters = reading.read(At::Proc, format_args!("net/dev"), parse_interfaces);
            let counters = counters.map_err(|_| Reading::no_source("`/proc/net/dev`"))?;
            let counters: Pair<Counters> = interface_samples.pair(reading, Rc::new(counters));
            let mut names: Vec<_> = counters.now.keys().cloned().collect();
            names.sort();
            Ok(Box::new(names.into_iter().map(move |name| Some(Device { name, counters: counters.clone() }))))
        }),
    ]
}

/// Major and minor number, name, numbers.
fn parse_disks(file: &[u8]) -> HashMap<String, Vec<u64>> {
    let disk = |line: &[u8]| {
        let mut words = fields::words(line).skip(2);
        // In sysfs, the slash of a name is another letter.
        let name = fields::text(words.next()?).replace('/', "!");
        Some((name, words.map_while(fields::number).collect()))
    };
    fields::lines(file).filter_map(disk).collect()
}

/// Two lines of headings, then name, colon, numbers.
fn parse_interfaces(file: &[u8]) -> HashMap<String, Vec<u64>> {
    let interface = |line: &[u8]| {
        let place = line.iter().rposition(|byte| *byte == b':')?;
        let numbers = fields::words(&line[place + 1..]).map_while(fields::number).collect();
        Some((fields::text(line[..place].trim_ascii()), numbers))
    };
    fields::lines(file).skip(2).filter_map(interface).collect()
}

/// The part of the time that a disk was busy, in percent.
fn busy(row: &Device) -> Option<u64> {
    // Milliseconds in a second are tenths of percent.
    Some((row.rate(&[BUSY_MILLISECONDS])? / 10).min(100))
}

fn bandwidth(row: &Device, reading: &Reading) -> Option<u64> {
    let megabits: i64 = reading.number(At::Sys, format_args!("class/net/{}/speed", row.name))?;
    u64::try_from(megabits).ok().filter(|megabits| *megabits > 0)?.checked_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_devices() {
        let disks = parse_disks(b"   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n 104 0 cciss/c0d0 7\n 1\n");
        assert_eq!((disks["sda"][SECTORS_WRITTEN], disks["sda"][BUSY_MILLISECONDS]), (7, 10));
        assert_eq!(disks["cciss!c0d0"], [7]);
        let file = b"Inter-| Receive\n face |bytes\n    lo: 100 2 0 0 0 0 0 0 300 4 0 0 0 0 0 0\neth0:1:5 6\n";
        let interfaces = parse_interfaces(file);
        assert_eq!((interfaces["lo"][BYTES_IN], interfaces["lo"][BYTES_OUT]), (100, 300));
        assert_eq!(interfaces["eth0:1"], [5, 6]);
    }
}
