//! Win32_ProcessStartTrace and Win32_ProcessStopTrace.
//!
//! Floor 5. The kernel tells of every process whoever may hear it; others look now and then.

use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::sync::Arc;

use super::super::machine::Machine;
use super::super::table::LinuxClass;
use super::connector::Connector;
use super::poller::Poller;
use crate::wbem::cim_type::CimType;
use crate::wbem::class::{Class, ClassBuilder, Property};
use crate::wbem::error::WbemError;
use crate::wbem::events;
use crate::wbem::instance::Instance;
use crate::wbem::provider::{ClassProvider, Progress, Rows, Wanted};
use crate::wbem::value::Value;

/// What is known of a process.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Known {
    pub(super) name: Option<String>,
    pub(super) parent: Option<u32>,
    pub(super) session: Option<u32>,
}

/// Something that happened to processes.
#[derive(Debug, PartialEq)]
pub(super) enum Change {
    Started {
        pid: u32,
        known: Known,
    },
    Stopped {
        pid: u32,
        known: Known,
        status: Option<u32>,
    },
    /// The kernel had more to tell than there was room for.
    Lost,
}

/// Whoever finds out.
pub(super) trait Watch {
    /// Looks for a moment, and says when to look again.
    fn step(&mut self, changes: &mut Vec<Change>) -> Progress;

    /// What is readable when there is something to look at.
    fn descriptor(&self) -> BorrowedFd<'_>;
}

/// Of which changes a class tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Start,
    Stop,
}

/// One of the two classes.
struct Trace {
    machine: Rc<Machine>,
    class: Arc<Class>,
    kind: Kind,
}

const STAT: &str = "`/proc/PID/stat`, as it was when the process was first seen";

/// The properties of both.
const PROPERTIES: &[(&str, CimType, &str)] = &[
    ("ProcessID", CimType::Uint32, "the number of the process"),
    ("ParentProcessID", CimType::Uint32, STAT),
    ("ProcessName", CimType::String, STAT),
    ("SessionID", CimType::Uint32, STAT),
    ("PageDirectoryBase", CimType::Uint64, "NULL: the kernel does not tell"),
];

/// Both classes.
pub(super) fn classes(machine: &Rc<Machine>) -> Vec<LinuxClass> {
    let build = |builder: ClassBuilder| builder.build().expect("the definitions keep the rules of classes");
    let parent = build(Class::builder("Win32_SystemTrace").superclass(&events::extrinsic_event()));
    let builder = PROPERTIES.iter().map(property).fold(Class::builder("Win32_ProcessTrace"), ClassBuilder::property);
    let sid = Property::array("Sid", CimType::Uint8);
    let sid = sid.qualifier("MappingStrings", vec!["NULL: accounts have no security identifiers"]);
    let parent = build(builder.property(sid).superclass(&parent));
    let about = "A process has started. Whoever may (CAP_NET_ADMIN) is told by the kernel; others look four times a second, and do not see what lived between two looks.";
    let start = Class::builder("Win32_ProcessStartTrace").superclass(&parent).qualifier("Description", about);
    let about = "A process has stopped. Whoever may (CAP_NET_ADMIN) is told by the kernel; others hear of the processes that they have seen, of the first of them at once and of the rest four times a second.";
    let stop = Class::builder("Win32_ProcessStopTrace").superclass(&parent).qualifier("Description", about);
    let status = "the code of exit(2), or 128 and the number of the signal; NULL for who is not told by the kernel";
    let stop = stop.property(property(&("ExitStatus", CimType::Uint32, status)));
    let trace = |class, kind| LinuxClass::from_provider(Trace { machine: machine.clone(), class, kind });
    vec![trace(build(start), Kind::Start), trace(build(stop), Kind::Stop)]
}

fn property((name, cim_type, source): &(&'static str, CimType, &'static str)) -> Property {
    Property::new(*name, *cim_type).qualifier("MappingStrings", vec![*source])
}

impl ClassProvider for Trace {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, _: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        let watch: Box<dyn Watch> = match Connector::open(&self.machine) {
            Some(connector) => Box::new(connector),
            None => Box::new(Poller::open(&self.machine)?),
        };
        Ok(Box::new(Events { class: self.class.clone(), kind: self.kind, watch, changes: Vec::new() }))
    }
}

/// The events of one of the two.
struct Events {
    class: Arc<Class>,
    kind: Kind,
    watch: Box<dyn Watch>,
    changes: Vec<Change>,
}

impl Events {
    /// The event of a change, if the class tells of it.
    fn event(&self, change: Change) -> Option<Arc<Instance>> {
        let (pid, known, status) = match (change, self.kind) {
            (Change::Started { pid, known }, Kind::Start) => (pid, known, None),
            (Change::Stopped { pid, known, status }, Kind::Stop) => (pid, known, status),
            (Change::Lost, _) => return Some(events::queue_overflow(0)),
            _ => return None,
        };
        let mut event = Instance::new(&self.class);
        for (name, value) in [
            ("ProcessID", Value::from(pid)),
            ("ParentProcessID", known.parent.into()),
            ("ProcessName", known.name.into()),
            ("SessionID", known.session.into()),
            ("ExitStatus", status.into()),
        ] {
            // Only one of the classes has a status.
            if let Some(place) = self.class.index_of(name) {
                event.put_at(place, value).expect("the value is of the property's type");
            }
        }
        Some(Arc::new(event))
    }
}

impl Rows for Events {
    fn step(&mut self, _: usize, out: &mut Vec<Arc<Instance>>) -> Progress {
        let mut changes = std::mem::take(&mut self.changes);
        let progress = self.watch.step(&mut changes);
        out.extend(changes.drain(..).filter_map(|change| self.event(change)));
        self.changes = changes;
        progress
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.watch.descriptor())
    }
}
