//! Linux_FileEvent: what happens in some folders, as inotify(7) tells it.
//!
//! Floor 5.

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use crate::wbem::cim_type::CimType;
use crate::wbem::class::{Class, ClassBuilder, Property};
use crate::wbem::error::{WbemError, WbemStatus};
use crate::wbem::events;
use crate::wbem::instance::Instance;
use crate::wbem::provider::{ClassProvider, Progress, Rows, Wanted};
use crate::wbem::value::Value;

/// The most folders that one class watches.
pub const FOLDERS_MAX: usize = 1024;

/// How many events are taken in a step.
const EVENTS_PER_STEP: usize = 64;

/// Room for some events with the longest names.
const BUFFER_BYTES: usize = 4096;

/// What is told, in words.
const WORDS: &[(ReadFlags, &str)] = &[
    (ReadFlags::CREATE, "Created"),
    (ReadFlags::DELETE, "Deleted"),
    (ReadFlags::MODIFY, "Modified"),
    (ReadFlags::CLOSE_WRITE, "Written"),
    (ReadFlags::ATTRIB, "AttributesChanged"),
    (ReadFlags::MOVED_FROM, "MovedFrom"),
    (ReadFlags::MOVED_TO, "MovedTo"),
    (ReadFlags::DELETE_SELF, "FolderDeleted"),
    (ReadFlags::MOVE_SELF, "FolderMoved"),
    (ReadFlags::UNMOUNT, "FolderUnmounted"),
    (ReadFlags::QUEUE_OVERFLOW, "Overflow"),
];

/// The properties, with what they are.
const PROPERTIES: &[(&str, CimType, &str)] = &[
    ("Path", CimType::String, "the folder, with a slash at its end; NULL for an overflow"),
    ("Name", CimType::String, "the folder and the name in it; NULL for what happens to the folder itself"),
    (
        "Event",
        CimType::String,
        "Created, Deleted, Modified, Written (closed after writing), AttributesChanged, MovedFrom, MovedTo, FolderDeleted, FolderMoved, FolderUnmounted, Overflow (some were lost)",
    ),
    ("IsDirectory", CimType::Boolean, "whether it happened to a folder in the folder"),
    ("Cookie", CimType::Uint32, "the same for both ends of a move; 0 for others"),
];

/// The class `Linux_FileEvent`: what happens in some folders.
///
/// Folders are watched while somebody listens, not what is in folders within them. A folder that is gone or moved is not
/// watched any more. The call that begins to listen looks each folder up, and so waits for a server that keeps one. When the kernel had to drop some events, there is one whose `Event` is `Overflow`, and with it
/// an `__EventQueueOverflowEvent`.
///
/// ```no_run
/// use msgpump::wbem::{Server, linux::FileEvents};
/// let mut pump = msgpump::Pump::<()>::new()?;
/// let server = Server::new(&mut pump);
/// server.register("ROOT\\CIMV2", FileEvents::in_folders(["/etc", "/tmp"])?)?;
/// // SELECT * FROM Linux_FileEvent WHERE Path = '/etc/' AND Event = 'Written'
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileEvents {
    class: Arc<Class>,
    folders: Vec<PathBuf>,
}

impl FileEvents {
    /// The events of these folders.
    ///
    /// # Errors
    ///
    /// `WBEM_E_INVALID_PARAMETER` for a path that is not absolute, and for more than [`FOLDERS_MAX`] of them.
    pub fn in_folders<P: Into<PathBuf>>(folders: impl IntoIterator<Item = P>) -> Result<FileEvents, WbemError> {
        let folders: Vec<PathBuf> = folders.into_iter().map(Into::into).collect();
        let refuse = |description: String| Err(WbemError::new(WbemStatus::InvalidParameter).description(description));
        if let Some(relative) = folders.iter().find(|folder| !folder.is_absolute()) {
            return refuse(format!("{} is not an absolute path", relative.display()));
        }
        if folders.len() > FOLDERS_MAX {
            return refuse(format!("{} folders are more than {FOLDERS_MAX}", folders.len()));
        }
        let property = |(name, cim_type, source): &(&'static str, CimType, &'static str)| {
            Property::new(*name, *cim_type).qualifier("MappingStrings", vec![*source])
        };
        let builder = PROPERTIES.iter().map(property).fold(Class::builder("Linux_FileEvent"), ClassBuilder::property);
        let about = "What happens in the folders that the program names, as inotify(7) tells it.";
        let builder = builder.superclass(&events::extrinsic_event()).qualifier("Description", about);
        let class = builder.build().expect("the definition keeps the rules of classes");
        Ok(FileEvents { class, folders })
    }
}

impl ClassProvider for FileEvents {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, _: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        let failed = |what: &Path, error: rustix::io::Errno| {
            let status = match error {
                rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR => WbemStatus::NotFound,
                rustix::io::Errno::ACCESS => WbemStatus::AccessDenied,
                // Of watches and of those who watch there may be so many for a user.
                rustix::io::Errno::NOSPC | rustix::io::Errno::MFILE => WbemStatus::QuotaViolation,
                _ => WbemStatus::ProviderLoadFailure,
            };
            WbemError::new(status).description(format!("{} cannot be watched: {error}", what.display()))
        };
        let socket = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK);
        let inotify = socket.map_err(|error| failed(Path::new("folders"), error))?;
        let mut folders = HashMap::<i32, Vec<Arc<str>>>::new();
        for folder in &self.folders {
            let flags = WatchFlags::CREATE
                | WatchFlags::DELETE
                | WatchFlags::MODIFY
                | WatchFlags::CLOSE_WRITE
                | WatchFlags::ATTRIB
                | WatchFlags::MOVE
                | WatchFlags::DELETE_SELF
                | WatchFlags::MOVE_SELF
                | WatchFlags::ONLYDIR;
            let watch = inotify::add_watch(&inotify, folder, flags).map_err(|error| failed(folder, error))?;
            let name = format!("{}/", folder.to_string_lossy().trim_end_matches('/'));
            let names = folders.entry(watch).or_default();
            if names.iter().all(|known| **known != *name) {
                names.push(name.into());
            }
        }
        Ok(Box::new(Changes { class: self.class.clone(), inotify, folders }))
    }
}

/// The events as they come.
struct Changes {
    class: Arc<Class>,
    inotify: OwnedFd,
    /// The names of each folder, which may have several, by the numbers of the watches.
    folders: HashMap<i32, Vec<Arc<str>>>,
}

/// Puts what the kernel tells of a folder of this name behind the events of `out`.
fn tell(class: &Arc<Class>, event: &inotify::Event<'_>, folder: Option<&Arc<str>>, out: &mut Vec<Arc<Instance>>) {
    let flags = event.events();
    let name = event.file_name().map(|name| name.to_string_lossy());
    let name = folder.zip(name).map(|(folder, name)| format!("{folder}{name}"));
    // Several things may have happened to one name between two readings.
    for (_, word) in WORDS.iter().filter(|(flag, _)| flags.contains(*flag)) {
        let values = [
            ("Path", Value::from(folder.cloned())),
            ("Name", name.clone().into()),
            ("Event", (*word).into()),
            ("IsDirectory", flags.contains(ReadFlags::ISDIR).into()),
            ("Cookie", event.cookie().into()),
        ];
        let mut instance = Instance::new(class);
        for (name, value) in values {
            instance.put(name, value).expect("the class has the property, and the value is of its type");
        }
        out.push(Arc::new(instance));
    }
}

impl Rows for Changes {
    fn step(&mut self, _: usize, out: &mut Vec<Arc<Instance>>) -> Progress {
        let Changes { class, inotify, folders } = self;
        let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
        let mut reader = inotify::Reader::new(&*inotify, &mut buffer);
        let mut taken = 0;
        loop {
            // What was read with an event is in the buffer, which does not outlive the step.
            if taken >= EVENTS_PER_STEP && reader.is_buffer_empty() {
                return Progress::More;
            }
            let event = match reader.next() {
                Ok(event) => event,
                Err(rustix::io::Errno::AGAIN) => return Progress::Parked,
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => {
                    let error = WbemError::new(WbemStatus::ProviderFailure).description(format!("inotify: {error}"));
                    return Progress::End(Err(error));
                }
            };
            taken += 1;
            let flags = event.events();
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                tell(class, &event, None, out);
                out.push(events::queue_overflow(0));
            }
            let names = folders.get(&event.wd()).into_iter().flatten();
            names.for_each(|folder| tell(class, &event, Some(folder), out));
            if flags.contains(ReadFlags::MOVE_SELF) {
                // What happens in it from now on happens elsewhere. It may be gone, and its watch with it.
                let _ = inotify::remove_watch(&*inotify, event.wd());
            }
            if flags.intersects(ReadFlags::MOVE_SELF | ReadFlags::IGNORED) {
                folders.remove(&event.wd());
            }
        }
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.inotify.as_fd())
    }
}
