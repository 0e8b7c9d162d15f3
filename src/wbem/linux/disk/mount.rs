//! What is mounted where: `/proc/self/mountinfo`, as proc(5) has it.
//!
//! Floor 5. Pure. Which file systems may be asked for their size is decided here: one whose server is
//! gone holds whoever asks, for minutes or for good.

use super::super::fields;

/// A file system at its place.
#[derive(Debug, PartialEq)]
pub(super) struct Mount {
    pub(super) device: (u32, u32),
    /// The place, as bytes: it need not be text.
    pub(super) place: Vec<u8>,
    pub(super) file_system: String,
    /// A device, the name of a server's folder, or any word.
    pub(super) source: String,
    pub(super) is_read_only: bool,
}

/// What kind of file system it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// On a device of the machine.
    Local,
    /// On a disc.
    Disc,
    /// In memory.
    Memory,
    /// On a server.
    Network,
    /// Kept by some program of a user.
    Program,
    /// No files but the kernel's own.
    Kernel,
}

/// File systems that are a window to the kernel.
const KERNEL: &[&str] = &[
    "autofs",
    "binder",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "cpuset",
    "debugfs",
    "devpts",
    "efivarfs",
    "functionfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nfsd",
    "nsfs",
    "ocfs2_dlmfs",
    "proc",
    "pstore",
    "resctrl",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "smackfs",
    "sysfs",
    "tracefs",
];

/// File systems that a server keeps.
const NETWORK: &[&str] = &[
    "9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "gfs", "gfs2", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
    "ocfs2", "orangefs", "panfs", "prl_fs", "pvfs2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs",
];

impl Mount {
    /// Reads a line.
    fn parse(line: &[u8]) -> Option<Mount> {
        let mut words = fields::words(line);
        let device = fields::text(words.by_ref().nth(2)?);
        let (major, minor) = device.split_once(':')?;
        let place = fields::unescape(words.by_ref().nth(1)?);
        let options = words.next()?;
        // Any number of fields follow, then a dash.
        words.by_ref().find(|word| *word == b"-")?;
        Some(Mount {
            device: (major.parse().ok()?, minor.parse().ok()?),
            place,
            file_system: fields::text(&fields::unescape(words.next()?)),
            source: words.next().map(|source| fields::text(&fields::unescape(source))).unwrap_or_default(),
            is_read_only: options.split(|byte| *byte == b',').any(|option| option == b"ro"),
        })
    }

    /// What kind it is.
    pub(super) fn kind(&self) -> Kind {
        match &*self.file_system {
            "iso9660" | "udf" => Kind::Disc,
            "tmpfs" | "ramfs" | "rootfs" | "devtmpfs" => Kind::Memory,
            name if KERNEL.contains(&name) => Kind::Kernel,
            name if NETWORK.contains(&name) => Kind::Network,
            name if name == "fuse" || name.starts_with("fuse.") => Kind::Program,
            _ => Kind::Local,
        }
    }

    /// Whether asking for its size may wait for somebody who never answers.
    fn may_block(&self) -> bool {
        // One that is only mounted when asked for would be mounted by asking. One on a disk may be kept by a program.
        matches!(self.kind(), Kind::Network | Kind::Program)
            || self.file_system == "autofs"
            || self.file_system.starts_with("fuseblk")
    }
}

/// The mounts that hold files, in the order of the file. Of several at one place the last is seen.
pub(super) fn parse(file: &[u8]) -> Vec<(Mount, bool)> {
    let mounts: Vec<_> = fields::lines(file).filter_map(Mount::parse).collect();
    let mut seen = std::collections::HashSet::new();
    let blocking: Vec<_> = mounts.iter().filter(|mount| mount.may_block()).map(|mount| mount.place.clone()).collect();
    // The way to a place leads through whatever is mounted above it.
    let is_behind = |place: &[u8]| blocking.iter().any(|other| is_within(place, other));
    let mut kept: Vec<_> = mounts.into_iter().rev().filter(|mount| seen.insert(mount.place.clone())).collect();
    kept.reverse();
    kept.retain(|mount| mount.kind() != Kind::Kernel);
    kept.into_iter().map(|mount| (is_behind(&mount.place), mount)).map(|(blocks, mount)| (mount, blocks)).collect()
}

/// The places at which, and below which, looking at a file may wait for somebody who never answers.
pub(in super::super) fn blocking_places(file: &[u8]) -> Vec<Vec<u8>> {
    let mounts = fields::lines(file).filter_map(Mount::parse).filter(Mount::may_block);
    mounts.map(|mount| mount.place).collect()
}

/// Whether a place is another or below it.
pub(in super::super) fn is_within(place: &[u8], other: &[u8]) -> bool {
    match place.strip_prefix(other) {
        Some(rest) => rest.is_empty() || rest.starts_with(b"/") || other == b"/",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = b"\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard
30 27 0:30 / /srv/my\\040share rw - nfs4 host:/export\\040a rw
31 30 8:1 / /srv/my\\040share/disk ro,nosuid - vfat /dev/sda1 rw
32 27 0:40 / /tmp rw - tmpfs one rw
33 27 0:41 / /tmp rw - tmpfs two rw
34 27 0:42 / /srv/mys rw - fuse.sshfs me@host: rw
35 27 0:43 / /srv/\xff rw - tmpfs none rw
nonsense
36 27 11:0 / /cd ro - iso9660 /dev/sr0 ro
";

    #[test]
    fn places_kinds_and_what_may_block() {
        let mounts = parse(FILE);
        let told: Vec<_> = mounts
            .iter()
            .map(|(mount, blocks)| (&*mount.place, mount.kind(), &*mount.source, mount.is_read_only, *blocks))
            .collect();
        assert_eq!(
            told,
            [
                (&b"/"[..], Kind::Local, "/dev/vda", false, false),
                (b"/srv/my share", Kind::Network, "host:/export a", false, true),
                (b"/srv/my share/disk", Kind::Local, "/dev/sda1", true, true),
                (b"/tmp", Kind::Memory, "two", false, false),
                (b"/srv/mys", Kind::Program, "me@host:", false, true),
                (b"/srv/\xff", Kind::Memory, "none", false, false),
                (b"/cd", Kind::Disc, "/dev/sr0", true, false),
            ]
        );
        assert_eq!(mounts[1].0.device, (0, 30));
    }

    #[test]
    fn file_systems_that_are_easily_taken_for_others() {
        for (name, expected) in [
            // On a disk, but a program keeps it, which may have been stopped.
            ("fuseblk", Some((Kind::Local, true))),
            ("fuseblk.ntfs", Some((Kind::Local, true))),
            ("fuse", Some((Kind::Program, true))),
            ("vmhgfs", Some((Kind::Network, true))),
            ("rootfs", Some((Kind::Memory, false))),
            ("overlay", Some((Kind::Local, false))),
            ("nfsd", None),
            ("binder", None),
        ] {
            let line = format!("1 0 8:1 / /mnt rw - {name} none rw\n");
            let told = parse(line.as_bytes()).first().map(|(mount, blocks)| (mount.kind(), *blocks));
            assert_eq!(told, expected, "{name}");
        }
    }
}
