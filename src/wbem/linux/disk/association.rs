//! Win32_DiskDriveToDiskPartition and Win32_LogicalDiskToPartition: what is on what.
//!
//! Floor 5.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::machine::{At, Machine};
use super::super::schema::Schema;
use super::super::table::{Column, Definition, LinuxClass, Row, UNITS_PER_STEP};
use super::block::{self, Partition};
use super::mount;
use crate::wbem::path::KeyValue;

/// A file system that is on a partition.
struct OnPartition {
    place: String,
    partition: Partition,
}

impl Row for OnPartition {}

const OF_DRIVES: &[Column<Partition>] = &[
    Column::key(Column::reference(
        "Antecedent",
        "Win32_DiskDrive",
        "the path of the Win32_DiskDrive",
        |partition, _| Some(path("Win32_DiskDrive", &partition.drive.path())),
    )),
    Column::key(Column::reference(
        "Dependent",
        "Win32_DiskPartition",
        "the path of the Win32_DiskPartition",
        |partition, _| Some(path("Win32_DiskPartition", &partition.path())),
    )),
];

const OF_PARTITIONS: &[Column<OnPartition>] = &[
    Column::key(Column::reference(
        "Antecedent",
        "Win32_DiskPartition",
        "the path of the Win32_DiskPartition",
        |row, _| Some(path("Win32_DiskPartition", &row.partition.path())),
    )),
    Column::key(Column::reference("Dependent", "Win32_LogicalDisk", "the path of the Win32_LogicalDisk", |row, _| {
        Some(path("Win32_LogicalDisk", &row.place))
    })),
    Column::u64("EndingAddress", "`start` and `size` of the partition, its last byte; bytes", |row, reading| {
        row.partition.start(reading)?.checked_add(row.partition.bytes(reading)?)?.checked_sub(1)
    }),
    Column::u64("StartingAddress", "`start` of the partition times 512; bytes", |row, reading| {
        row.partition.start(reading)
    }),
];

/// Both classes.
pub(super) fn sources(machine: &Rc<Machine>, schema: &Schema) -> Vec<LinuxClass> {
    let drives = Definition {
        name: "Win32_DiskDriveToDiskPartition",
        parent: "CIM_MediaPresent",
        about: "Which partition is on which disk.",
        columns: OF_DRIVES,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    let partitions = Definition {
        name: "Win32_LogicalDiskToPartition",
        parent: "CIM_LogicalDiskBasedOnPartition",
        about: "Which file system is on which partition, through encryption, volumes and arrays. One on a disk without partitions is not there.",
        columns: OF_PARTITIONS,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    vec![
        LinuxClass::new(machine, schema, &drives, |reading, _| Ok(Box::new(block::partitions(reading)))),
        LinuxClass::new(machine, schema, &partitions, |reading, _| {
            let mounts = reading.read(At::Proc, format_args!("self/mountinfo"), mount::parse);
            // Associations of other classes are read with this one, which must not fail them.
            let mounts = mounts.unwrap_or_default();
            let partitions = Rc::new(RefCell::new(Vec::new()));
            let listed = partitions.clone();
            let list = block::partitions(reading).map(move |partition| {
                listed.borrow_mut().extend(partition);
                None
            });
            let reading = reading.clone();
            Ok(Box::new(list.chain(mounts.into_iter().flat_map(move |(mount, _)| {
                let names = block::made_of(&reading, mount.device);
                let place = String::from_utf8_lossy(&mount.place).into_owned();
                let partitions = partitions.borrow();
                let rows = partitions.iter().filter(|partition| names.contains(&partition.name));
                let row = |partition: &Partition| OnPartition { place: place.clone(), partition: partition.clone() };
                // A file system on no partition is a piece of work too.
                rows.map(row).map(Some).chain([None]).collect::<Vec<_>>()
            }))))
        }),
    ]
}

/// The path of an object that has a device's name for its key.
fn path(class: &str, device: &str) -> String {
    format!("{class}.DeviceID={}", KeyValue::String(device.into()))
}
