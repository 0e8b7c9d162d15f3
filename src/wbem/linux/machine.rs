//! The machine as files: where they are, how they are read, what was opened.
//!
//! Floor 5. A file is opened so that a pipe or a terminal in its place cannot block, and only the first
//! [`FILE_BYTES_MAX`] bytes of it count.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Write as _};
use std::fs::ReadDir;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rustix::fs::{Mode, OFlags};

/// The most that is read of a file; command lines and environments may be as long as their owners like.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How much is read at a time.
const CHUNK_BYTES: usize = 16 * 1024;

/// The files of a machine, usually of this one.
#[derive(Debug)]
pub struct Machine {
    roots: Roots,
    /// Whether the roots are those of this machine, so that the system may be asked as well.
    is_this: bool,
    /// Microseconds after 1970, where the clock is not asked.
    clock: Cell<Option<i64>>,
    /// The moment from which time is counted that never goes back.
    beginning: Instant,
    files_opened: Cell<u64>,
    path: RefCell<String>,
    buffer: RefCell<Vec<u8>>,
    children: RefCell<Vec<Child>>,
}

/// Where a machine's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// What is at `/proc`.
    pub proc: PathBuf,
    /// What is at `/sys`.
    pub sys: PathBuf,
    /// What is at `/etc`.
    pub etc: PathBuf,
    /// What is at `/`.
    pub root: PathBuf,
}

/// A file that is read a piece at a time.
pub(super) struct Pieces {
    file: OwnedFd,
    buffer: Vec<u8>,
}

impl Pieces {
    /// The next piece; empty at the end, and where reading fails.
    pub(super) fn next(&mut self) -> &[u8] {
        let length = rustix::io::retry_on_intr(|| rustix::io::read(&self.file, &mut self.buffer)).unwrap_or(0);
        &self.buffer[..length]
    }
}

/// One of the [`Roots`].
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    Proc,
    Sys,
    Etc,
    Root,
}

impl Default for Roots {
    fn default() -> Roots {
        Roots { proc: "/proc".into(), sys: "/sys".into(), etc: "/etc".into(), root: "/".into() }
    }
}

impl Roots {
    /// The roots of a machine whose files are below a folder, as in a container's image.
    pub fn below(folder: impl Into<PathBuf>) -> Roots {
        let root = folder.into();
        Roots { proc: root.join("proc"), sys: root.join("sys"), etc: root.join("etc"), root }
    }
}

impl Default for Machine {
    fn default() -> Machine {
        Machine::new()
    }
}

impl Machine {
    /// This machine.
    pub fn new() -> Machine {
        Machine::with(Roots::default(), true, None)
    }

    /// The machine whose files are at `roots`, at a moment of its clock: microseconds after 1970.
    ///
    /// Only files are read of it. What this machine alone could tell is NULL, and methods are refused.
    pub fn of_files(roots: Roots, clock: i64) -> Machine {
        Machine::with(roots, false, Some(clock))
    }

    fn with(roots: Roots, is_this: bool, clock: Option<i64>) -> Machine {
        Machine {
            roots,
            is_this,
            clock: Cell::new(clock),
            beginning: Instant::now(),
            files_opened: Cell::new(0),
            path: RefCell::default(),
            buffer: RefCell::default(),
            children: RefCell::default(),
        }
    }

    /// Sets the clock of a machine made of files: microseconds after 1970. The clock of this machine
    /// is not touched, and not asked any more.
    pub fn set_clock(&self, clock: i64) {
        self.clock.set(Some(clock));
    }

    /// How many files and folders were opened so far, and links read.
    pub fn files_opened(&self) -> u64 {
        self.files_opened.get()
    }

    /// Whether it is this machine.
    pub(super) fn is_this(&self) -> bool {
        self.is_this
    }

    /// Microseconds after 1970.
    pub(super) fn now(&self) -> i64 {
        self.clock.get().unwrap_or_else(|| match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
        })
    }

    /// Microseconds of a time that never goes back.
    pub(super) fn monotonic(&self) -> i64 {
        let since = || i64::try_from(self.beginning.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.clock.get().unwrap_or_else(since)
    }

    /// Hands the text of a file to `parse`.
    pub(super) fn read<T>(&self, at: At, path: fmt::Arguments<'_>, parse: impl FnOnce(&[u8]) -> T) -> io::Result<T> {
        // Taken out for the time being, so that one reading within another gets buffers of its own.
        let mut buffer = self.buffer.take();
        let result = self.with_path(at, path, |path| self.read_into(path, &mut buffer, FILE_BYTES_MAX));
        let result = result.map(|length| parse(&buffer[..length]));
        self.buffer.replace(buffer);
        result
    }

    /// As [`read`](Machine::read), but no more than the first bytes of the file.
    pub(super) fn read_head<T>(
        &self,
        at: At,
        path: fmt::Arguments<'_>,
        bytes_max: usize,
        parse: impl FnOnce(&[u8]) -> T,
    ) -> io::Result<T> {
        let mut buffer = Vec::new();
        let length = self.with_path(at, path, |path| self.read_into(path, &mut buffer, bytes_max))?;
        Ok(parse(&buffer[..length]))
    }

    /// Opens a file that is read a piece at a time.
    pub(super) fn pieces(&self, at: At, path: fmt::Arguments<'_>) -> io::Result<Pieces> {
        let file = self.with_path(at, path, |path| self.open(path))?;
        Ok(Pieces { file, buffer: vec![0; CHUNK_BYTES] })
    }

    /// The text of a file without the white space at its end; what is not UTF-8 is replaced. `None` if
    /// it cannot be read or is empty.
    pub(super) fn text(&self, at: At, path: fmt::Arguments<'_>) -> Option<String> {
        let text = self.read(at, path, |bytes| String::from_utf8_lossy(bytes).trim_end().to_owned());
        text.ok().filter(|text| !text.is_empty())
    }

    /// The number that a file consists of.
    pub(super) fn number<N: std::str::FromStr>(&self, at: At, path: fmt::Arguments<'_>) -> Option<N> {
        self.text(at, path)?.trim().parse().ok()
    }

    /// Where a symbolic link leads.
    pub(super) fn link(&self, at: At, path: fmt::Arguments<'_>) -> io::Result<PathBuf> {
        self.count();
        self.with_path(at, path, |path| std::fs::read_link(path))
    }

    /// The entries of a folder.
    pub(super) fn folder(&self, at: At, path: fmt::Arguments<'_>) -> io::Result<ReadDir> {
        self.count();
        self.with_path(at, path, |path| std::fs::read_dir(path))
    }

    /// The names of the entries of a folder that are text, sorted; none if it cannot be read.
    pub(super) fn names(&self, at: At, path: fmt::Arguments<'_>) -> Vec<String> {
        let Ok(entries) = self.folder(at, path) else { return Vec::new() };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    /// Whether there is something at a path.
    pub(super) fn exists(&self, at: At, path: fmt::Arguments<'_>) -> bool {
        self.path(at, path).symlink_metadata().is_ok()
    }

    /// A path as the system knows it.
    pub(super) fn path(&self, at: At, path: fmt::Arguments<'_>) -> PathBuf {
        self.with_path(at, path, Path::to_path_buf)
    }

    /// A path of the machine as the system knows it: `/home` of a machine below `/srv/image` is
    /// `/srv/image/home`.
    pub(super) fn below_root(&self, path: &Path) -> PathBuf {
        self.roots.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn with_path<T>(&self, at: At, relative: fmt::Arguments<'_>, act: impl FnOnce(&Path) -> T) -> T {
        let root = match at {
            At::Proc => &self.roots.proc,
            At::Sys => &self.roots.sys,
            At::Etc => &self.roots.etc,
            At::Root => &self.roots.root,
        };
        let Some(root) = root.to_str() else { return act(&root.join(relative.to_string())) };
        let mut path = self.path.take();
        path.clear();
        path.push_str(root);
        path.push('/');
        // Writing to a text cannot fail.
        let _ = path.write_fmt(relative);
        let result = act(Path::new(&path));
        self.path.replace(path);
        result
    }

    fn open(&self, path: &Path) -> io::Result<OwnedFd> {
        self.count();
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        Ok(rustix::fs::open(path, flags, Mode::empty())?)
    }

    /// Reads a file into a buffer that may be longer than what is read.
    fn read_into(&self, path: &Path, buffer: &mut Vec<u8>, bytes_max: usize) -> io::Result<usize> {
        let file = self.open(path)?;
        let mut length = 0;
        while length < bytes_max {
            if buffer.len() < length + CHUNK_BYTES {
                buffer.resize(length + CHUNK_BYTES, 0);
            }
            match rustix::io::read(&file, &mut buffer[length..]) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(length.min(bytes_max))
    }

    /// Keeps a program that was started, whose number stays taken until somebody asks how it ended.
    pub(super) fn adopt(&self, child: Child) {
        self.bury();
        self.children.borrow_mut().push(child);
    }

    /// Asks how the programs that were started ended.
    pub(super) fn bury(&self) {
        self.children.borrow_mut().retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }

    fn count(&self) {
        self.files_opened.set(self.files_opened.get() + 1);
    }
}
