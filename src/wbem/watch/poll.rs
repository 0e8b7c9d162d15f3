//! Looking at a class again and again, to find out what has happened to its instances.
//!
//! Floor 5. The first look is what later ones are compared with, and tells nothing. What lives for less than the
//! time between two looks is not seen.

use std::collections::BTreeMap;
use std::collections::btree_map::IntoValues;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::source::Telling;
use crate::wbem::error::{WbemError, WbemStatus};
use crate::wbem::events;
use crate::wbem::feed::{Asking, Finish, Next};
use crate::wbem::fold;
use crate::wbem::instance::Instance;
use crate::wbem::provider::{ClassProvider, Progress, Wanted};
use crate::wbem::scan::{Filter, Scan, Target, waker};

/// How many instances of a polled class are kept to be compared with.
pub const SNAPSHOT_MAX: usize = 1_000_000;

/// How many instances a slice looks at.
const ROWS_PER_SLICE: usize = 256;

/// Instances by their folded paths. A table with hashes would be moved as a whole now and then, which for many instances
/// takes longer than a frame has.
type Snapshot = BTreeMap<String, Arc<Instance>>;

/// Looks at a class again and again.
pub(super) struct Poller {
    provider: Rc<dyn ClassProvider>,
    /// Which instances are looked at, always the same ones.
    wanted: Wanted,
    interval: Duration,
    /// When the look under way was due; that of the next is reckoned from it.
    due: Option<Instant>,
    stage: Stage,
    /// What the last look saw, if there was one.
    known: Option<Snapshot>,
}

/// Where a look is.
enum Stage {
    Waiting,
    Reading {
        scan: Box<Scan>,
        seen: Snapshot,
        rows: Vec<Arc<Instance>>,
    },
    /// These are gone.
    Deleting(IntoValues<String, Arc<Instance>>),
}

impl Poller {
    pub(super) fn new(provider: Rc<dyn ClassProvider>, wanted: Wanted, interval: Duration) -> Poller {
        Poller { provider, wanted, interval, due: None, stage: Stage::Waiting, known: None }
    }

    /// Begins a look.
    fn begin(&self) -> Stage {
        let (class, provider) = (self.provider.class().clone(), self.provider.clone());
        let target = Target { class, only: None, provider, wanted: self.wanted.clone() };
        let scan = Box::new(Scan::new(vec![target], Filter::All, None));
        Stage::Reading { scan, seen: Snapshot::new(), rows: Vec::new() }
    }

    /// Waits for the next look.
    fn rest(&mut self, now: Instant) -> Next {
        self.stage = Stage::Waiting;
        let next = self.due.and_then(|due| due.checked_add(self.interval)).filter(|next| *next > now);
        let next = next.or_else(|| now.checked_add(self.interval));
        self.due = next;
        next.map_or(Next::Parked, Next::At)
    }

    fn read(&mut self, asking: &Asking, out: &mut Vec<Arc<Instance>>, wants: &dyn Fn(&str) -> bool) -> Next {
        let Stage::Reading { scan, seen, rows } = &mut self.stage else { return Next::More };
        let progress = scan.step(ROWS_PER_SLICE, rows, || waker(asking.waker.clone()));
        for row in rows.drain(..) {
            // What has no path cannot be known again.
            let Some(path) = row.relative_path() else { continue };
            let path = fold::text(&path.to_string());
            // What a look gives twice is there once, and no second one has begun.
            if seen.contains_key(&path) {
                continue;
            }
            if let Some(known) = &mut self.known {
                match known.remove(&path) {
                    None if wants(events::CREATION) => out.push(events::creation(&row)),
                    Some(previous) if !previous.is_as(&row) && wants(events::MODIFICATION) => {
                        out.push(events::modification(&row, &previous));
                    }
                    _ => {}
                }
            }
            seen.insert(path, row);
        }
        if seen.len() > SNAPSHOT_MAX {
            let error = WbemError::new(WbemStatus::QuotaViolation);
            let error = error.description("the class has too many instances to be looked at again and again");
            return Next::End(Finish::of(Err(error)));
        }
        match progress {
            Progress::End(Ok(())) => {
                let gone = self.known.replace(std::mem::take(seen)).unwrap_or_default();
                self.stage = Stage::Deleting(gone.into_values());
                Next::More
            }
            progress => Next::after(progress, asking.now, scan.counts),
        }
    }
}

impl Telling for Poller {
    fn step(&mut self, asking: &Asking, out: &mut Vec<Arc<Instance>>, wants: &dyn Fn(&str) -> bool) -> Next {
        match &mut self.stage {
            Stage::Waiting => match self.due {
                Some(due) if asking.now < due => Next::At(due),
                _ => {
                    self.due.get_or_insert(asking.now);
                    self.stage = self.begin();
                    Next::More
                }
            },
            Stage::Reading { .. } => self.read(asking, out, wants),
            Stage::Deleting(gone) => {
                let is_wanted = wants(events::DELETION);
                let some = gone.by_ref().take(ROWS_PER_SLICE);
                out.extend(some.filter(|_| is_wanted).map(|instance| events::deletion(&instance)));
                if gone.len() > 0 { Next::More } else { self.rest(asking.now) }
            }
        }
    }
}
