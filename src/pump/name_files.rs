//! The files that name services are configured with, read again when they have changed.
//!
//! Part of the pump. Whether a file changed is asked at most once in [`CHECK_INTERVAL`], when
//! a lookup starts: a program that looks nothing up reads nothing, and an idle one never wakes for it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::files::{FILE_BYTES_MAX, Files, Stamp};
use crate::moment::Moment;

/// How often it is asked whether the files have changed.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// What Windows editors put before the first line.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

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

    /// Whether it was looked for.
    pub(crate) fn is_known(&self) -> bool {
        self.is_known
    }

    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Reads the file if it is another than before. One that cannot be read leaves what was, and is as good
    /// as none where nothing was.
    pub(crate) fn look(&mut self, files: &impl Files) -> Change {
        let first_look = !std::mem::replace(&mut self.is_known, true);
        match self.look_at_file(files) {
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
                if first_look { Change::Gone } else { Change::Unchanged }
            }
        }
    }

    fn look_at_file(&mut self, files: &impl Files) -> io::Result<Change> {
        let stamp = files.stamp(&self.path)?;
        if self.stamp == Some(stamp) {
            return Ok(Change::Unchanged);
        }
        let mut text = files.read(&self.path)?;
        if text.len() == FILE_BYTES_MAX {
            log::warn!("{}: only its first {FILE_BYTES_MAX} bytes are read", self.path.display());
            // Half a line may say something, and something else.
            text.truncate(text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1));
        }
        if text.starts_with(BYTE_ORDER_MARK) {
            text.drain(..BYTE_ORDER_MARK.len());
        }
        self.stamp = Some(stamp);
        Ok(Change::Text(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One file, in memory.
    struct InMemory(Vec<u8>);

    impl Files for InMemory {
        fn stamp(&self, _: &Path) -> io::Result<Stamp> {
            Ok(Stamp { modified: None, len: self.0.len() as u64, inode: 0 })
        }

        fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
            Ok(self.0[..self.0.len().min(FILE_BYTES_MAX)].to_vec())
        }

        fn environment(&self, _: &str) -> Option<String> {
            None
        }
    }

    fn read(text: Vec<u8>) -> Vec<u8> {
        match NameFile::new("hosts").look(&InMemory(text)) {
            Change::Text(text) => text,
            Change::Unchanged | Change::Gone => panic!("the file is there, and was never looked at"),
        }
    }

    /// `192.0.2.1` is not `192.0.2.12`.
    #[test]
    fn of_a_file_that_is_too_long_no_half_line_is_read() {
        let mut text = vec![b'#'; FILE_BYTES_MAX - 10];
        text.extend_from_slice(b"\n192.0.2.12 a\n");
        assert_eq!(read(text).len(), FILE_BYTES_MAX - 9);
        assert_eq!(read(vec![b'#'; FILE_BYTES_MAX + 1]), b"");
        assert_eq!(read(b"192.0.2.12 a".to_vec()), b"192.0.2.12 a");
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(read("\u{feff}a\n\u{feff}b".into()), "a\n\u{feff}b".as_bytes());
        assert_eq!(read("\u{feff}".into()), b"");
        assert_eq!(read(b"\xef\xbb".to_vec()), b"\xef\xbb");
    }
}
