//! Win32_Volume: the same file systems, by the names that volumes have.
//!
//! Floor 5.

use std::rc::Rc;

use super::super::machine::Machine;
use super::super::schema::Schema;
use super::super::table::{Column, Definition, LinuxClass, UNITS_PER_STEP};
use super::logical::{Disk, mounted};
use crate::wbem::cim_type::CimType;

const WINDOWS_ONLY: &str = "NULL: of Windows alone";

const COLUMNS: &[Column<Disk>] = &[
    Column::null("Automount", CimType::Boolean, "NULL: it is for another program to mount"),
    Column::u64("BlockSize", "statvfs(3), `f_frsize`; bytes; NULL for a network file system", |disk, reading| {
        disk.numbers(reading).map(|numbers| numbers.f_frsize)
    }),
    Column::null("BootVolume", CimType::Boolean, WINDOWS_ONLY),
    Column::u64(
        "Capacity",
        "statvfs(3), `f_blocks`; bytes; NULL for a network file system, for a program's (FUSE), and below one: who asks may wait for ever",
        |disk, reading| disk.bytes(reading, |numbers| numbers.f_blocks),
    ),
    Column::text("Caption", "`/proc/self/mountinfo`, the mount point", |disk, _| Some(disk.name())),
    Column::null("Compressed", CimType::Boolean, "NULL: a file system may compress some files"),
    Column::constant("CreationClassName", "Win32_Volume"),
    Column::text("Description", "DriveType in the words of the texts", |disk, reading| disk.description(reading)),
    Column::key(Column::text("DeviceID", "`/proc/self/mountinfo`, the mount point", |disk, _| Some(disk.name()))),
    Column::null("DirtyBitSet", CimType::Boolean, "NULL: it is within the file system"),
    Column::null("DriveLetter", CimType::String, "NULL: there are no drive letters"),
    Column::u32(
        "DriveType",
        "the file system and `removable` of the device: 2 is removable, 3 local, 4 network, 5 a disc, 6 memory; NULL for a program's (FUSE)",
        |disk, reading| disk.drive_type(reading),
    ),
    Column::text("FileSystem", "`/proc/self/mountinfo`, the file system", |disk, _| Some(disk.file_system())),
    Column::u64(
        "FreeSpace",
        "statvfs(3), `f_bavail`: what users may still fill; bytes; NULL for a network file system",
        |disk, reading| disk.bytes(reading, |numbers| numbers.f_bavail),
    ),
    Column::null("IndexingEnabled", CimType::Boolean, WINDOWS_ONLY),
    Column::null("InstallDate", CimType::DateTime, "NULL: it is not kept"),
    Column::text("Label", "`/dev/disk/by-label`; NULL for a device without label", |disk, reading| disk.label(reading)),
    Column::u32(
        "MaximumFileNameLength",
        "statvfs(3), `f_namemax`; bytes; NULL for a network file system",
        |disk, reading| disk.numbers(reading)?.f_namemax.try_into().ok(),
    ),
    Column::text("Name", "`/proc/self/mountinfo`, the mount point", |disk, _| Some(disk.name())),
    Column::null("PageFilePresent", CimType::Boolean, "NULL: `/proc/swaps` does not tell the file system of a file"),
    Column::null("QuotasEnabled", CimType::Boolean, "NULL: quotas are of the file system's own making"),
    Column::null("SerialNumber", CimType::Uint32, "NULL: what file systems have is no number of 32 bits"),
    Column::null("Status", CimType::String, "NULL: the kernel does not tell"),
    Column::null("SupportsDiskQuotas", CimType::Boolean, "NULL: quotas are of the file system's own making"),
    Column::constant("SystemCreationClassName", "Win32_ComputerSystem"),
    Column::text("SystemName", "`/proc/sys/kernel/hostname`", |_, reading| reading.host_name()),
    Column::null("SystemVolume", CimType::Boolean, WINDOWS_ONLY),
];

/// Win32_Volume.
pub(super) fn source(machine: &Rc<Machine>, schema: &Schema) -> LinuxClass {
    let definition = Definition {
        name: "Win32_Volume",
        parent: "CIM_StorageVolume",
        about: "The file systems of Win32_LogicalDisk: on Linux a volume has no name but the place where it is mounted.",
        columns: COLUMNS,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    LinuxClass::new(machine, schema, &definition, |reading, _| mounted(reading))
}
