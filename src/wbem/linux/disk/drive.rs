//! Win32_DiskDrive and Win32_DiskPartition.
//!
//! Floor 5.

use std::rc::Rc;

use super::super::machine::Machine;
use super::super::schema::Schema;
use super::super::table::{Column, Definition, LinuxClass, UNITS_PER_STEP};
use super::block::{self, Drive, Partition};
use crate::wbem::cim_type::CimType;

const NO_GEOMETRY: &str = "NULL: disks have had no true geometry for a long time";
const NO_NUMBER: &str = "NULL: disks have names and no numbers";
const IN_THE_TABLE: &str = "NULL: it is in the partition table, which is for root";

const DRIVE: &[Column<Drive>] = &[
    Column::u32("BytesPerSector", "`queue/logical_block_size` of the device; bytes", |drive, reading| {
        drive.block_bytes(reading)?.try_into().ok()
    }),
    Column::text("Caption", "`device/model` of the device; NULL for one without", |drive, reading| {
        drive.text(reading, "device/model").map(Into::into)
    }),
    Column::constant("CreationClassName", "Win32_DiskDrive"),
    Column::constant("Description", "Disk drive"),
    Column::key(Column::text("DeviceID", "`/sys/block`, the device's name behind `/dev/`", |drive, _| {
        Some(drive.path().into())
    })),
    Column::text("FirmwareRevision", "`device/firmware_rev` or `device/rev` of the device", |drive, reading| {
        drive.text(reading, "device/firmware_rev").or_else(|| drive.text(reading, "device/rev")).map(Into::into)
    }),
    Column::null("Index", CimType::Uint32, NO_NUMBER),
    Column::null("InstallDate", CimType::DateTime, "NULL: the kernel does not keep it"),
    Column::text("InterfaceType", "`device/subsystem` of the device: SCSI, else NULL", |drive, reading| {
        (drive.link(reading, "device/subsystem")? == "scsi").then(|| "SCSI".into())
    }),
    Column::text("Manufacturer", "`device/vendor` of the device; NULL where that is a number", |drive, reading| {
        drive.text(reading, "device/vendor").filter(|vendor| !vendor.starts_with("0x")).map(Into::into)
    }),
    Column::bool("MediaLoaded", "`size` of the device, whether there is one", |drive, reading| {
        Some(drive.number(reading, "size")? > 0)
    }),
    Column::text("MediaType", "`removable` of the device, in the words of the texts", |drive, reading| {
        Some(if drive.number(reading, "removable")? == 1 {
            "Removable Media".into()
        } else {
            "Fixed hard disk media".into()
        })
    }),
    Column::text("Model", "`device/model` of the device; NULL for one without", |drive, reading| {
        drive.text(reading, "device/model").map(Into::into)
    }),
    Column::text("Name", "`/sys/block`, the device's name behind `/dev/`", |drive, _| Some(drive.path().into())),
    Column::u32("Partitions", "folders of partitions of the device", |drive, reading| {
        drive.partitions(reading).len().try_into().ok()
    }),
    Column::text("PNPDeviceID", "`device` of the device, the last part of where it leads", |drive, reading| {
        drive.link(reading, "device").map(Into::into)
    }),
    Column::u32("SCSIBus", "`device` of the device, the channel of a SCSI disk", |drive, reading| {
        Some(drive.scsi(reading)?[1])
    }),
    Column::u32("SCSILogicalUnit", "`device` of the device, the unit of a SCSI disk", |drive, reading| {
        Some(drive.scsi(reading)?[3])
    }),
    Column::u32("SCSIPort", "`device` of the device, the host of a SCSI disk", |drive, reading| {
        Some(drive.scsi(reading)?[0])
    }),
    Column::u32("SCSITargetId", "`device` of the device, the target of a SCSI disk", |drive, reading| {
        Some(drive.scsi(reading)?[2])
    }),
    Column::null("SectorsPerTrack", CimType::Uint32, NO_GEOMETRY),
    Column::text(
        "SerialNumber",
        "`serial` or `device/serial` of the device; NULL where the kernel does not tell",
        |drive, reading| drive.text(reading, "serial").or_else(|| drive.text(reading, "device/serial")).map(Into::into),
    ),
    Column::null("Signature", CimType::Uint32, IN_THE_TABLE),
    Column::u64("Size", "`size` of the device times 512; bytes", |drive, reading| drive.bytes(reading)),
    Column::null("Status", CimType::String, "NULL: the disk itself would have to be asked, as root"),
    Column::constant("SystemCreationClassName", "Win32_ComputerSystem"),
    Column::text("SystemName", "`/proc/sys/kernel/hostname`", |_, reading| reading.host_name()),
    Column::null("TotalCylinders", CimType::Uint64, NO_GEOMETRY),
    Column::null("TotalHeads", CimType::Uint32, NO_GEOMETRY),
    Column::u64("TotalSectors", "`size` of the device times 512, in sectors of BytesPerSector", |drive, reading| {
        drive.bytes(reading)?.checked_div(drive.block_bytes(reading)?)
    }),
    Column::null("TotalTracks", CimType::Uint64, NO_GEOMETRY),
    Column::null("TracksPerCylinder", CimType::Uint32, NO_GEOMETRY),
];

const PARTITION: &[Column<Partition>] = &[
    Column::u64("BlockSize", "`queue/logical_block_size` of the disk; bytes", |partition, reading| {
        partition.drive.block_bytes(reading)
    }),
    Column::null("Bootable", CimType::Boolean, IN_THE_TABLE),
    Column::null("BootPartition", CimType::Boolean, IN_THE_TABLE),
    Column::text("Caption", "`/sys/block`, the partition's name", |partition, _| Some((&*partition.name).into())),
    Column::constant("CreationClassName", "Win32_DiskPartition"),
    Column::text("Description", "`/sys/block`, the partition's name", |partition, _| Some((&*partition.name).into())),
    Column::key(Column::text("DeviceID", "`/sys/block`, the partition's name behind `/dev/`", |partition, _| {
        Some(partition.path().into())
    })),
    Column::null("DiskIndex", CimType::Uint32, NO_NUMBER),
    Column::u32("Index", "`partition` of the partition, which counts from 1", |partition, reading| {
        partition.number(reading, "partition")?.try_into().ok()
    }),
    Column::null("InstallDate", CimType::DateTime, "NULL: the kernel does not keep it"),
    Column::text("Name", "`/sys/block`, the partition's name behind `/dev/`", |partition, _| {
        Some(partition.path().into())
    }),
    Column::u64("NumberOfBlocks", "`size` of the partition times 512, in blocks of BlockSize", |partition, reading| {
        partition.bytes(reading)?.checked_div(partition.drive.block_bytes(reading)?)
    }),
    Column::null("PrimaryPartition", CimType::Boolean, IN_THE_TABLE),
    Column::u64("Size", "`size` of the partition times 512; bytes", |partition, reading| partition.bytes(reading)),
    Column::u64("StartingOffset", "`start` of the partition times 512; bytes", |partition, reading| {
        partition.start(reading)
    }),
    Column::null("Status", CimType::String, "NULL: a partition has no health"),
    Column::constant("SystemCreationClassName", "Win32_ComputerSystem"),
    Column::text("SystemName", "`/proc/sys/kernel/hostname`", |_, reading| reading.host_name()),
    Column::null("Type", CimType::String, IN_THE_TABLE),
];

/// Both classes.
pub(super) fn sources(machine: &Rc<Machine>, schema: &Schema) -> Vec<LinuxClass> {
    let drives = Definition {
        name: "Win32_DiskDrive",
        parent: "CIM_DiskDrive",
        about: "The disks: block devices with a device behind them. Loops, arrays, volumes, disks in memory and drives for discs are not among them.",
        columns: DRIVE,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    let partitions = Definition {
        name: "Win32_DiskPartition",
        parent: "CIM_DiskPartition",
        about: "The partitions of the disks.",
        columns: PARTITION,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    vec![
        LinuxClass::new(machine, schema, &drives, |reading, _| Ok(Box::new(block::drives(reading)))),
        LinuxClass::new(machine, schema, &partitions, |reading, _| Ok(Box::new(block::partitions(reading)))),
    ]
}
