//! The files that name services are configured with, read again when they have changed.
//!
//! Part of the door to files. Whether a file changed is asked at most once in [`CHECK_INTERVAL`], when
//! a lookup starts: a program that looks nothing up reads nothing, and an idle one never wakes for it.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::moment::Moment;

/// How often it is asked whether the files have changed.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The longest file that is read; the rest of a longer one is passed over. A block list of a million
/// hosts has half of it.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// One file that lookups are configured with.
#[derive(Debug)]
pub(crate) struct NameFile {
    path: PathBuf,
    stamp: Option<Stamp>,
    /// Why it could not be read, when last tried.
    problem: Option<String>,
    /// It was looked for at least once.
    is_known: bool,
}

/// When the files were last looked at.
#[derive(Debug, Default)]
pub(crate) struct CheckTimes {
    next: Option<Moment>,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
    inode: u64,
}

/// What became of a file since it was last looked at.
pub(crate) enum Change {
    Unchanged,
    Gone,
    Text(Vec<u8>),
}

impl CheckTimes {
    /// Whether it is time to look at the files again.
    pub(crate) fn is_due(&mut self, now: Moment) -> bool {
        if self.next.is_some_and(|next| now < next) {
            return false;
        }
        self.next = Some(now.saturating_add(CHECK_INTERVAL));
        true
    }
}

impl NameFile {
    pub(crate) fn new(path: impl Into<PathBuf>) -> NameFile {
        NameFile { path: path.into(), stamp: None, problem: None, is_known: false }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Reads the file if it is another than before. One that cannot be read leaves what was.
    pub(crate) fn look(&mut self) -> Change {
        let first_look = !std::mem::replace(&mut self.is_known, true);
        match self.look_at_file() {
            Ok(change) => {
                self.problem = None;
                change
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let is_news = first_look || self.stamp.take().is_some();
                self.problem = None;
                if is_news { Change::Gone } else { Change::Unchanged }
            }
            Err(error) => {
                let problem = format!("reading {}: {error}", self.path.display());
                if self.problem.as_ref() != Some(&problem) {
                    log::warn!("{problem}");
                }
                self.problem = Some(problem);
                Change::Unchanged
            }
        }
    }

    fn look_at_file(&mut self) -> io::Result<Change> {
        let stamp = stamp(&std::fs::metadata(&self.path)?);
        if self.stamp == Some(stamp) {
            return Ok(Change::Unchanged);
        }
        let file = File::open(&self.path)?;
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut text = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut text)?;
        if text.len() as u64 == FILE_BYTES_MAX {
            log::warn!("{}: only its first {FILE_BYTES_MAX} bytes are read", self.path.display());
        }
        self.stamp = Some(stamp);
        Ok(Change::Text(text))
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Stamp { modified: metadata.modified().ok(), len: metadata.len(), inode }
}
