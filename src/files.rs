//! What is asked of the machine's files.
//!
//! Floor 0. A trait, as [`Network`](crate::network::Network) is: carried out by the system, or by the
//! simulation.

use std::io;
use std::path::Path;
use std::time::SystemTime;

/// The longest file that is read; the rest of a longer one is passed over. A block list of a million
/// hosts has half of it.
pub(crate) const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) modified: Option<SystemTime>,
    pub(crate) len: u64,
    pub(crate) inode: u64,
}

/// The files of the outside.
pub(crate) trait Files {
    /// What tells the present state of a file from another.
    fn stamp(&self, path: &Path) -> io::Result<Stamp>;

    /// The first [`FILE_BYTES_MAX`] bytes of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// A variable of the environment, if it is set and is text.
    fn environment(&self, name: &str) -> Option<String>;
}
