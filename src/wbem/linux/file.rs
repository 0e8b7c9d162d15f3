//! CIM_DataFile and Win32_Directory: files and folders, by their name or by the folder they are in.
//!
//! Floor 5. The tree is never walked: a query binds `Name` or `Path`. What a server or a program of a
//! user keeps is not looked at, for who looks may wait for ever.

use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::fs::{FileType, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use rustix::fs::{Access, access};

use super::disk::{blocking_places, is_within};
use super::machine::{At, Machine};
use super::reading::{MICROSECONDS, Reading};
use super::schema::Schema;
use super::table::{Column, Definition, LinuxClass, Row, Search, Units};
use crate::wbem::cim_type::CimType;
use crate::wbem::datetime::Timestamp;
use crate::wbem::error::{WbemError, WbemStatus};

/// How many entries of a folder are looked at in one step.
const ENTRIES_PER_STEP: usize = 128;

/// The most symbolic links on the way to a folder, as the kernel has it.
const LINKS_MAX: usize = 40;

/// The most bytes of a name with its folders, as the kernel has it.
const NAME_BYTES_MAX: usize = 4095;

/// A file or a folder.
struct Entry {
    /// The folder's name as it is told, with a slash at its end; empty for the root.
    folder: Arc<str>,
    name: String,
    /// Where the system finds it.
    place: PathBuf,
    may_block: bool,
    metadata: OnceCell<Option<Metadata>>,
}

impl Row for Entry {}

/// What a class has of the entries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
}

impl Kind {
    fn is(self, file_type: FileType) -> bool {
        match self {
            Kind::File => file_type.is_file(),
            Kind::Folder => file_type.is_dir(),
        }
    }
}

impl Entry {
    fn full_name(&self) -> Arc<str> {
        if self.folder.is_empty() { "/".into() } else { format!("{}{}", self.folder, self.name).into() }
    }

    fn metadata(&self) -> Option<&Metadata> {
        let read = || if self.may_block { None } else { self.place.symlink_metadata().ok() };
        self.metadata.get_or_init(read).as_ref()
    }

    fn stem(&self) -> Option<Arc<str>> {
        Some(Path::new(&self.name).file_stem()?.to_str()?.into())
    }

    fn extension(&self) -> Option<Arc<str>> {
        Some(Path::new(&self.name).extension()?.to_str()?.into())
    }

    fn path(&self) -> Option<Arc<str>> {
        (!self.folder.is_empty()).then(|| self.folder.clone())
    }

    fn is_hidden(&self) -> bool {
        self.name.starts_with('.')
    }

    fn may(&self, wish: Access) -> Option<bool> {
        if self.may_block { None } else { Some(access(&self.place, wish).is_ok()) }
    }

    fn created(&self, reading: &Reading) -> Option<Timestamp> {
        let since = self.metadata()?.created().ok()?.duration_since(UNIX_EPOCH).ok()?;
        reading.moment(since.as_micros().try_into().ok()?)
    }

    fn accessed(&self, reading: &Reading) -> Option<Timestamp> {
        let metadata = self.metadata()?;
        moment(reading, metadata.atime(), metadata.atime_nsec())
    }

    fn modified(&self, reading: &Reading) -> Option<Timestamp> {
        let metadata = self.metadata()?;
        moment(reading, metadata.mtime(), metadata.mtime_nsec())
    }
}

fn moment(reading: &Reading, seconds: i64, nanoseconds: i64) -> Option<Timestamp> {
    reading.moment(seconds.checked_mul(MICROSECONDS)?.checked_add(nanoseconds / 1000)?)
}

const WINDOWS_ONLY: &str = "NULL: of Windows alone";

/// The columns that files and folders share.
macro_rules! columns {
    ($class:literal $($own:expr),* $(,)?) => {
        &[
            Column::null("AccessMask", CimType::Uint32, WINDOWS_ONLY),
            Column::null("Archive", CimType::Boolean, WINDOWS_ONLY),
            Column::text("Caption", "the name with its folder", |entry, _| Some(entry.full_name())),
            Column::null("Compressed", CimType::Boolean, "NULL: each file system has its own way"),
            Column::null("CompressionMethod", CimType::String, "NULL: each file system has its own way"),
            Column::constant("CreationClassName", $class),
            Column::moment("CreationDate", "statx(2), `stx_btime`; NULL for a file system that does not keep it", |entry, reading| entry.created(reading)),
            Column::constant("CSCreationClassName", "Win32_ComputerSystem"),
            Column::text("CSName", "`/proc/sys/kernel/hostname`", |_, reading| reading.host_name()),
            Column::text("Description", "the name with its folder", |entry, _| Some(entry.full_name())),
            Column::null("Drive", CimType::String, "NULL: there are no drive letters"),
            Column::null("EightDotThreeFileName", CimType::String, WINDOWS_ONLY),
            Column::null("Encrypted", CimType::Boolean, "NULL: each file system has its own way"),
            Column::null("EncryptionMethod", CimType::String, "NULL: each file system has its own way"),
            Column::text("Extension", "the name behind its last dot; NULL without one", |entry, _| entry.extension()),
            Column::text("FileName", "the name up to its last dot", |entry, _| entry.stem()),
            Column::null("FileType", CimType::String, "NULL: nobody has told what is in it"),
            Column::bool("Hidden", "whether the name begins with a dot", |entry, _| Some(entry.is_hidden())),
            Column::null("InstallDate", CimType::DateTime, "NULL: it is not kept"),
            Column::null("InUseCount", CimType::Uint64, "NULL: the kernel does not tell"),
            Column::moment("LastAccessed", "statx(2), `stx_atime`, which many file systems are slow to write", |entry, reading| entry.accessed(reading)),
            Column::moment("LastModified", "statx(2), `stx_mtime`", |entry, reading| entry.modified(reading)),
            Column::key(Column::text("Name", "the name with its folder; what is not UTF-8 is replaced, and then the file is not found by it", |entry, _| Some(entry.full_name()))),
            Column::fixed(Column::text("Path", "the folder, with a slash at both ends; NULL for the root", |entry, _| entry.path())),
            Column::bool("Readable", "access(2) by this process", |entry, _| entry.may(Access::READ_OK)),
            Column::null("Status", CimType::String, "NULL: a file has no health"),
            Column::null("System", CimType::Boolean, WINDOWS_ONLY),
            Column::bool("Writeable", "access(2) by this process", |entry, _| entry.may(Access::WRITE_OK)),
            $($own),*
        ]
    };
}

const FILE: &[Column<Entry>] = columns!("CIM_DataFile"
    Column::u64("FileSize", "statx(2), `stx_size`; bytes", |entry, _| entry.metadata().map(Metadata::len)),
    Column::null("Manufacturer", CimType::String, WINDOWS_ONLY),
    Column::null("Version", CimType::String, WINDOWS_ONLY),
);

const FOLDER: &[Column<Entry>] = columns!("Win32_Directory");

/// Both classes.
pub(super) fn sources(machine: &Rc<Machine>, schema: &Schema) -> Vec<LinuxClass> {
    let definition = |name, parent, about, columns| Definition {
        name,
        parent,
        about,
        columns,
        methods: &[],
        units_per_step: ENTRIES_PER_STEP,
    };
    let about = "Regular files. A query binds `Name`, or `Path` for all files of a folder; without either it is refused. Links, devices and pipes are not among them.";
    let files = definition("CIM_DataFile", "CIM_LogicalFile", about, FILE);
    let about = "Folders. A query binds `Name`, or `Path` for all folders in a folder; without either it is refused. Links to folders are not among them.";
    let folders = definition("Win32_Directory", "CIM_Directory", about, FOLDER);
    vec![
        LinuxClass::new(machine, schema, &files, |reading, search| list(reading, search, Kind::File)),
        LinuxClass::new(machine, schema, &folders, |reading, search| list(reading, search, Kind::Folder)),
    ]
}

fn list(reading: &Rc<Reading>, search: &Search<'_>, kind: Kind) -> Result<Units<Entry>, WbemError> {
    let places = Places::read(reading);
    if let Some(names) = search.texts("Name") {
        let reading = reading.clone();
        return Ok(Box::new(names.into_iter().map(move |name| places.entry(&reading, &name, kind))));
    }
    if let Some(paths) = search.texts("Path") {
        let (reading, places) = (reading.clone(), Rc::new(places));
        return Ok(Box::new(paths.into_iter().flat_map(move |path| places.folder(&reading, &path, kind))));
    }
    let description = "the tree of files is not walked: bind Name, or Path with a slash at both ends";
    Err(WbemError::new(WbemStatus::QuotaViolation).description(description))
}

/// Where looking may wait for ever.
struct Places {
    blocking: Vec<Vec<u8>>,
}

impl Places {
    fn read(reading: &Reading) -> Places {
        let blocking = reading.read(At::Proc, format_args!("self/mountinfo"), blocking_places);
        Places { blocking: blocking.unwrap_or_default() }
    }

    fn may_block(&self, path: &Path) -> bool {
        self.blocking.iter().any(|place| is_within(path.as_os_str().as_encoded_bytes(), place))
    }

    /// The entry of a name.
    fn entry(&self, reading: &Reading, name: &str, kind: Kind) -> Option<Entry> {
        if !is_plain(name) {
            return None;
        }
        let (folder, last) = match name.rsplit_once('/')? {
            ("", "") => ("", ""),
            (folder, last) => (folder, last),
        };
        let resolved = self.resolve(reading, Path::new(if folder.is_empty() { "/" } else { folder }))?;
        let told = if last.is_empty() { "".into() } else { format!("{folder}/").into() };
        let entry = self.make(reading, &resolved, told, OsStr::new(last));
        // Where something may block that lies in a folder that does not, it is mounted there.
        let is_kind = match entry.may_block {
            true => kind == Kind::Folder,
            false => entry.metadata().is_some_and(|metadata| kind.is(metadata.file_type())),
        };
        is_kind.then_some(entry)
    }

    /// The entries of a folder.
    fn folder(
        self: &Rc<Self>,
        reading: &Rc<Reading>,
        path: &str,
        kind: Kind,
    ) -> Box<dyn Iterator<Item = Option<Entry>>> {
        let nothing = || Box::new(std::iter::empty());
        let is_folder = |name: &&str| name.is_empty() || *name != "/" && is_plain(name);
        let Some(name) = path.strip_suffix('/').filter(is_folder) else { return nothing() };
        let name = if name.is_empty() { "/" } else { name };
        let Some(resolved) = self.resolve(reading, Path::new(name)) else { return nothing() };
        let Ok(entries) = std::fs::read_dir(reading.below_root(&resolved)) else { return nothing() };
        let (places, reading, told) = (self.clone(), reading.clone(), Arc::<str>::from(path));
        Box::new(entries.map(move |entry| {
            let entry = entry.ok()?;
            // The kernel tells the kind with the name.
            if !kind.is(entry.file_type().ok()?) {
                return None;
            }
            Some(places.make(&reading, &resolved, told.clone(), &entry.file_name()))
        }))
    }

    /// An entry of a folder, by its name as the system has it.
    fn make(&self, reading: &Reading, folder: &Path, told: Arc<str>, name: &OsStr) -> Entry {
        let path = if name.is_empty() { folder.to_owned() } else { folder.join(name) };
        let (place, may_block) = (reading.below_root(&path), self.may_block(&path));
        Entry { folder: told, name: name.to_string_lossy().into_owned(), place, may_block, metadata: OnceCell::new() }
    }

    /// A folder without links on its way; `None` if the way leads to where looking may wait for ever.
    fn resolve(&self, reading: &Reading, path: &Path) -> Option<PathBuf> {
        let mut rest: Vec<_> = parts(path);
        let mut resolved = PathBuf::from("/");
        let mut links = 0;
        while let Some(part) = rest.pop() {
            match part {
                Part::Up => {
                    resolved.pop();
                }
                Part::Down(name) => {
                    resolved.push(name);
                    if self.may_block(&resolved) {
                        return None;
                    }
                    if let Ok(target) = std::fs::read_link(reading.below_root(&resolved)) {
                        links += 1;
                        if links > LINKS_MAX {
                            return None;
                        }
                        resolved.pop();
                        if target.is_absolute() {
                            resolved = PathBuf::from("/");
                        }
                        rest.extend(parts(&target));
                    }
                }
            }
        }
        (!self.may_block(&resolved)).then_some(resolved)
    }
}

/// A step on the way to a folder.
enum Part {
    Up,
    Down(OsString),
}

/// The steps of a path, the last first.
fn parts(path: &Path) -> Vec<Part> {
    let part = |component| match component {
        Component::Normal(name) => Some(Part::Down(name.to_owned())),
        Component::ParentDir => Some(Part::Up),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    };
    path.components().rev().filter_map(part).collect()
}

/// Whether a name is written in the one way in which names are told.
fn is_plain(name: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
    let is_short = name.len() <= NAME_BYTES_MAX;
    is_short && (name == "/" || name.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_in_one_way() {
        for (name, expected) in [
            ("/", true),
            ("/etc/passwd", true),
            ("/a b/.c", true),
            ("etc", false),
            ("", false),
            ("/etc/", false),
            ("//etc", false),
            ("/etc/../etc", false),
            ("/./etc", false),
            ("/a\0", false),
        ] {
            assert_eq!(is_plain(name), expected, "{name:?}");
        }
        // The kernel has no file of a longer name, and each part of the way would be looked for.
        assert!(is_plain(&"/a".repeat(2047)) && !is_plain(&"/a".repeat(2048)) && !is_plain(&"/a".repeat(500_000)));
    }
}
