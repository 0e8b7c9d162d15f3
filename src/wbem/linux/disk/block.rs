//! Block devices: disks, their partitions, and what a file system's device is made of.
//!
//! Floor 5.

use std::rc::Rc;

use super::super::machine::At;
use super::super::reading::Reading;
use super::super::table::Row;

/// The kernel counts in sectors of this size, whatever those of a disk are.
const SECTOR_BYTES: u64 = 512;

/// The type of the drives for discs among the devices of SCSI.
const SCSI_DISC: u64 = 5;

/// How many layers a device may have: encryption on volumes on arrays, and some more.
const LAYERS_MAX: usize = 8;

/// A disk, by the kernel's name, which is that of its folder in sysfs.
#[derive(Clone, Debug)]
pub(in super::super) struct Drive {
    pub(in super::super) name: String,
}

/// A part of a disk.
#[derive(Clone, Debug)]
pub(super) struct Partition {
    pub(super) drive: Drive,
    pub(super) name: String,
}

impl Row for Drive {}
impl Row for Partition {}

/// The disks: what has a device behind it. Loops, arrays, volumes and memory are no disks.
pub(in super::super) fn drives(reading: &Rc<Reading>) -> impl Iterator<Item = Option<Drive>> + use<> {
    let names = reading.names(At::Sys, format_args!("block"));
    let reading = reading.clone();
    names.into_iter().map(move |name| Some(Drive { name }).filter(|drive| drive.is_disk(&reading)))
}

/// The partitions of all disks.
pub(super) fn partitions(reading: &Rc<Reading>) -> impl Iterator<Item = Option<Partition>> + use<> {
    let drives = drives(reading);
    let reading = reading.clone();
    drives.flat_map(move |drive| {
        let partitions = drive.map(|drive| drive.partitions(&reading)).unwrap_or_default();
        // A disk without partitions is a piece of work too.
        partitions.into_iter().map(Some).chain([None])
    })
}

/// The name of a device as programs use it.
pub(in super::super) fn device_path(name: &str) -> String {
    // A slash cannot be in the name of a folder.
    format!("/dev/{}", name.replace('!', "/"))
}

impl Drive {
    fn is_disk(&self, reading: &Reading) -> bool {
        // A way to a disk of several ways is hidden: the disk is listed itself.
        reading.exists(At::Sys, format_args!("block/{}/device", self.name))
            && self.number(reading, "hidden").unwrap_or(0) == 0
            && self.number(reading, "device/type") != Some(SCSI_DISC)
    }

    pub(super) fn partitions(&self, reading: &Reading) -> Vec<Partition> {
        let mut names = reading.names(At::Sys, format_args!("block/{}", self.name));
        names.retain(|name| name.starts_with(&self.name));
        names.retain(|name| reading.exists(At::Sys, format_args!("block/{}/{name}/partition", self.name)));
        names.into_iter().map(|name| Partition { drive: self.clone(), name }).collect()
    }

    pub(super) fn path(&self) -> String {
        device_path(&self.name)
    }

    pub(super) fn text(&self, reading: &Reading, file: &str) -> Option<String> {
        reading.text(At::Sys, format_args!("block/{}/{file}", self.name)).map(|text| text.trim().to_owned())
    }

    pub(super) fn number(&self, reading: &Reading, file: &str) -> Option<u64> {
        reading.number(At::Sys, format_args!("block/{}/{file}", self.name))
    }

    pub(super) fn bytes(&self, reading: &Reading) -> Option<u64> {
        self.number(reading, "size")?.checked_mul(SECTOR_BYTES)
    }

    pub(super) fn block_bytes(&self, reading: &Reading) -> Option<u64> {
        self.number(reading, "queue/logical_block_size").filter(|bytes| *bytes > 0)
    }

    /// The last part of where a link leads.
    pub(super) fn link(&self, reading: &Reading, link: &str) -> Option<String> {
        let target = reading.link(At::Sys, format_args!("block/{}/{link}", self.name)).ok()?;
        Some(target.file_name()?.to_str()?.to_owned())
    }

    /// Host, channel, target and unit of a SCSI disk.
    pub(super) fn scsi(&self, reading: &Reading) -> Option<[u32; 4]> {
        let address = self.link(reading, "device")?;
        let numbers: Option<Vec<u32>> = address.split(':').map(|number| number.parse().ok()).collect();
        numbers?.try_into().ok()
    }
}

impl Partition {
    pub(super) fn path(&self) -> String {
        device_path(&self.name)
    }

    pub(super) fn number(&self, reading: &Reading, file: &str) -> Option<u64> {
        reading.number(At::Sys, format_args!("block/{}/{}/{file}", self.drive.name, self.name))
    }

    pub(super) fn bytes(&self, reading: &Reading) -> Option<u64> {
        self.number(reading, "size")?.checked_mul(SECTOR_BYTES)
    }

    pub(super) fn start(&self, reading: &Reading) -> Option<u64> {
        self.number(reading, "start")?.checked_mul(SECTOR_BYTES)
    }
}

/// The names of the devices that a device is, or is made of, down to disks and partitions.
pub(super) fn made_of(reading: &Reading, (major, minor): (u32, u32)) -> Vec<String> {
    let Ok(link) = reading.link(At::Sys, format_args!("dev/block/{major}:{minor}")) else { return Vec::new() };
    let Some(name) = link.file_name().and_then(|name| name.to_str()) else { return Vec::new() };
    let mut layer = vec![name.to_owned()];
    let mut found = Vec::new();
    for _ in 0..LAYERS_MAX {
        let mut below = Vec::new();
        for name in layer {
            let slaves = reading.names(At::Sys, format_args!("block/{name}/slaves"));
            if slaves.is_empty() { found.push(name) } else { below.extend(slaves) }
        }
        layer = below;
    }
    found
}
