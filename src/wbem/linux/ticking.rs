//! The clocks tell by themselves that they have changed, once a second.
//!
//! Floor 5. A subscription to them needs no WITHIN.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::machine::Machine;
use super::reading::MICROSECONDS;
use super::table::LinuxClass;
use crate::wbem::class::Class;
use crate::wbem::error::WbemError;
use crate::wbem::events;
use crate::wbem::instance::Instance;
use crate::wbem::provider::{ClassProvider, Progress, Rows, Wanted};

/// The class of a clock.
pub(super) struct Ticking {
    clock: Rc<LinuxClass>,
    machine: Rc<Machine>,
}

impl Ticking {
    /// Makes a class of a clock one that tells its changes.
    pub(super) fn class(clock: LinuxClass, machine: &Rc<Machine>) -> LinuxClass {
        LinuxClass::from_provider(Ticking { clock: Rc::new(clock), machine: machine.clone() })
    }
}

impl ClassProvider for Ticking {
    fn class(&self) -> &Arc<Class> {
        self.clock.class()
    }

    fn open(&self, wanted: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        self.clock.open(wanted)
    }

    fn changes(&self) -> Option<Result<Box<dyn Rows>, WbemError>> {
        let ticks = Ticks { clock: self.clock.clone(), machine: self.machine.clone(), shown: None };
        Some(Ok(Box::new(ticks)))
    }
}

/// The changes of a clock.
struct Ticks {
    clock: Rc<LinuxClass>,
    machine: Rc<Machine>,
    /// What the clock showed last.
    shown: Option<Arc<Instance>>,
}

impl Ticks {
    /// What the clock shows.
    fn look(&self) -> Result<Option<Arc<Instance>>, WbemError> {
        let mut rows = self.clock.open(&Wanted::everything())?;
        let mut found = Vec::new();
        let _ = rows.step(1, &mut found);
        Ok(found.pop())
    }
}

impl Rows for Ticks {
    fn step(&mut self, _: usize, out: &mut Vec<Arc<Instance>>) -> Progress {
        let shows = match self.look() {
            Ok(shows) => shows,
            Err(error) => return Progress::End(Err(error)),
        };
        if let (Some(before), Some(now)) = (&self.shown, &shows)
            && before != now
        {
            out.push(events::modification(now, before));
        }
        self.shown = shows.or(self.shown.take());
        let into_second = self.machine.now().rem_euclid(MICROSECONDS);
        Progress::After(Duration::from_micros((MICROSECONDS - into_second).unsigned_abs()))
    }
}
