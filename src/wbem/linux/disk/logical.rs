//! Win32_LogicalDisk: a file system at its place.
//!
//! Floor 5.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use rustix::fs::{StatVfs, statvfs};

use super::super::fields;
use super::super::machine::{At, Machine};
use super::super::reading::Reading;
use super::super::schema::Schema;
use super::super::table::{Column, Definition, LinuxClass, Row, UNITS_PER_STEP, Units};
use super::mount::{self, Kind, Mount};
use crate::wbem::cim_type::CimType;
use crate::wbem::error::WbemError;

/// A mounted file system.
pub(super) struct Disk {
    mount: Mount,
    may_block: bool,
    links: Rc<Links>,
    numbers: OnceCell<Option<StatVfs>>,
}

impl Row for Disk {}

/// What udev calls devices; read once for all disks.
#[derive(Default)]
struct Links {
    labels: OnceCell<HashMap<String, String>>,
    serials: OnceCell<HashMap<String, String>>,
}

/// The numbers of kinds of drives in the texts.
const REMOVABLE: u32 = 2;
const LOCAL: u32 = 3;
const NETWORK: u32 = 4;
const DISC: u32 = 5;
const MEMORY: u32 = 6;

impl Disk {
    pub(super) fn name(&self) -> Arc<str> {
        String::from_utf8_lossy(&self.mount.place).into()
    }

    /// What the file system says of its size; it is not asked if nobody may answer.
    pub(super) fn numbers(&self, reading: &Reading) -> Option<&StatVfs> {
        let ask = || {
            if self.may_block {
                return None;
            }
            statvfs(reading.below_root(Path::new(OsStr::from_bytes(&self.mount.place)))).ok()
        };
        self.numbers.get_or_init(ask).as_ref()
    }

    pub(super) fn bytes(&self, reading: &Reading, blocks: impl Fn(&StatVfs) -> u64) -> Option<u64> {
        let numbers = self.numbers(reading)?;
        blocks(numbers).checked_mul(numbers.f_frsize)
    }

    pub(super) fn drive_type(&self, reading: &Reading) -> Option<u32> {
        Some(match self.mount.kind() {
            Kind::Disc => DISC,
            Kind::Memory => MEMORY,
            Kind::Network => NETWORK,
            Kind::Program | Kind::Kernel => return None,
            Kind::Local if is_removable(reading, self.mount.device) => REMOVABLE,
            Kind::Local => LOCAL,
        })
    }

    pub(super) fn description(&self, reading: &Reading) -> Option<Arc<str>> {
        Some(match self.drive_type(reading)? {
            REMOVABLE => "Removable Disk".into(),
            LOCAL => "Local Fixed Disk".into(),
            NETWORK => "Network Connection".into(),
            DISC => "CD-ROM Disc".into(),
            _ => "RAM Disk".into(),
        })
    }

    pub(super) fn file_system(&self) -> Arc<str> {
        (&*self.mount.file_system).into()
    }

    /// The kernel's name of the device.
    fn device(&self, reading: &Reading) -> Option<String> {
        let (major, minor) = self.mount.device;
        let link = reading.link(At::Sys, format_args!("dev/block/{major}:{minor}")).ok()?;
        Some(link.file_name()?.to_str()?.to_owned())
    }

    pub(super) fn label(&self, reading: &Reading) -> Option<Arc<str>> {
        let labels = self.links.labels.get_or_init(|| links(reading, "by-label"));
        labels.get(&self.device(reading)?).map(|label| (&**label).into())
    }

    fn serial(&self, reading: &Reading) -> Option<Arc<str>> {
        let serials = self.links.serials.get_or_init(|| links(reading, "by-uuid"));
        serials.get(&self.device(reading)?).map(|serial| (&**serial).into())
    }
}

const NO_DRIVE_QUOTAS: &str = "NULL: quotas are of the file system's own making";

const COLUMNS: &[Column<Disk>] = &[
    Column::u16("Access", "`/proc/self/mountinfo`: 1 is read only, 3 read and write", |disk, _| {
        Some(if disk.mount.is_read_only { 1 } else { 3 })
    }),
    Column::u64("BlockSize", "statvfs(3), `f_frsize`; bytes; NULL for a network file system", |disk, reading| {
        disk.numbers(reading).map(|numbers| numbers.f_frsize)
    }),
    Column::text("Caption", "`/proc/self/mountinfo`, the mount point", |disk, _| Some(disk.name())),
    Column::null("Compressed", CimType::Boolean, "NULL: a file system may compress some files"),
    Column::constant("CreationClassName", "Win32_LogicalDisk"),
    Column::text("Description", "DriveType in the words of the texts", |disk, reading| disk.description(reading)),
    Column::key(Column::text(
        "DeviceID",
        "`/proc/self/mountinfo`, the mount point; there are no drive letters",
        |disk, _| Some(disk.name()),
    )),
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
    Column::null("InstallDate", CimType::DateTime, "NULL: it is not kept"),
    Column::u32(
        "MaximumComponentLength",
        "statvfs(3), `f_namemax`; bytes; NULL for a network file system",
        |disk, reading| disk.numbers(reading)?.f_namemax.try_into().ok(),
    ),
    Column::u32("MediaType", "11 for DriveType 2, 12 for DriveType 3, else NULL", |disk, reading| {
        match disk.drive_type(reading)? {
            REMOVABLE => Some(11),
            LOCAL => Some(12),
            _ => None,
        }
    }),
    Column::text("Name", "`/proc/self/mountinfo`, the mount point", |disk, _| Some(disk.name())),
    Column::text("ProviderName", "`/proc/self/mountinfo`, the source of a network file system", |disk, _| {
        (disk.mount.kind() == Kind::Network).then(|| (&*disk.mount.source).into())
    }),
    Column::null("QuotasDisabled", CimType::Boolean, NO_DRIVE_QUOTAS),
    Column::u64(
        "Size",
        "statvfs(3), `f_blocks`; bytes; NULL for a network file system, for a program's (FUSE), and below one: who asks may wait for ever",
        |disk, reading| disk.bytes(reading, |numbers| numbers.f_blocks),
    ),
    Column::null("Status", CimType::String, "NULL: the kernel does not tell"),
    Column::null("SupportsDiskQuotas", CimType::Boolean, NO_DRIVE_QUOTAS),
    Column::null("SupportsFileBasedCompression", CimType::Boolean, "NULL: the kernel does not tell"),
    Column::constant("SystemCreationClassName", "Win32_ComputerSystem"),
    Column::text("SystemName", "`/proc/sys/kernel/hostname`", |_, reading| reading.host_name()),
    Column::null("VolumeDirty", CimType::Boolean, "NULL: it is within the file system"),
    Column::text("VolumeName", "`/dev/disk/by-label`; NULL for a device without label", |disk, reading| {
        disk.label(reading)
    }),
    Column::text("VolumeSerialNumber", "`/dev/disk/by-uuid`; NULL where udev names none", |disk, reading| {
        disk.serial(reading)
    }),
];

/// Win32_LogicalDisk.
pub(super) fn source(machine: &Rc<Machine>, schema: &Schema) -> LinuxClass {
    let definition = Definition {
        name: "Win32_LogicalDisk",
        parent: "CIM_LogicalDisk",
        about: "The file systems that are mounted, but for the kernel's own (`/proc` and the like). Of several at one place only the last is there. A size is not asked for where the answer may not come.",
        columns: COLUMNS,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    LinuxClass::new(machine, schema, &definition, |reading, _| mounted(reading))
}

/// The file systems that are mounted.
pub(super) fn mounted(reading: &Rc<Reading>) -> Result<Units<Disk>, WbemError> {
    let mounts = reading.read(At::Proc, format_args!("self/mountinfo"), mount::parse);
    let mounts = mounts.map_err(|_| Reading::no_source("`/proc/self/mountinfo`"))?;
    let links = Rc::new(Links::default());
    let disk = move |(mount, may_block)| Disk { mount, may_block, links: links.clone(), numbers: OnceCell::new() };
    Ok(Box::new(mounts.into_iter().map(disk).map(Some)))
}

/// Whether the disk that a device is, or is part of, can be taken out.
pub(super) fn is_removable(reading: &Reading, (major, minor): (u32, u32)) -> bool {
    // A partition has no such file; its disk is the folder above.
    let whole = reading.number::<u8>(At::Sys, format_args!("dev/block/{major}:{minor}/removable"));
    let part = || reading.number::<u8>(At::Sys, format_args!("dev/block/{major}:{minor}/../removable"));
    whole.or_else(part) == Some(1)
}

/// The names of devices in a folder of links, by the kernel's names.
fn links(reading: &Reading, folder: &str) -> HashMap<String, String> {
    let names = reading.names(At::Root, format_args!("dev/disk/{folder}"));
    let pair = |name: String| {
        let link = reading.link(At::Root, format_args!("dev/disk/{folder}/{name}")).ok()?;
        Some((link.file_name()?.to_str()?.to_owned(), unescape(&name)))
    };
    names.into_iter().filter_map(pair).collect()
}

/// Takes back the escapes of udev: `\x20` for a blank.
fn unescape(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some(place) = rest.find("\\x") {
        let code = rest.get(place + 2..place + 4).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.extend_from_slice(&rest.as_bytes()[..place]);
        match code {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(b"\\x"),
        }
        rest = &rest[place + if code.is_some() { 4 } else { 2 }..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    fields::text(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_udev() {
        for (name, label) in [
            ("DATA", "DATA"),
            ("my\\x20disk", "my disk"),
            ("\\xc3\\xa4\\x2f", "ä/"),
            ("a\\xg1\\x4", "a\\xg1\\x4"),
            ("\\xé", "\\xé"),
        ] {
            assert_eq!(unescape(name), label);
        }
    }
}
