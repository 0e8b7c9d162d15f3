//! Files of a test's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A directory that is gone when the test is over.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Directory {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}", std::process::id()));
        // A process of the same number may have been killed before it could tidy up.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("Cargo has made room for the files of tests");
        Directory(path)
    }

    /// A path where nothing is.
    pub(crate) fn nowhere() -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("nowhere")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Puts `text` in the place of the file, in one step, as programs do that must not be read half way.
    pub(crate) fn put(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let (path, draft) = (self.path(name), self.path("draft"));
        fs::write(&draft, text).expect("the directory can be written to");
        fs::rename(&draft, &path).expect("it is on one file system");
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}
