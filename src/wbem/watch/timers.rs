//! The events of `__IntervalTimerInstruction`: one `__TimerEvent` each time its interval has passed.
//!
//! Floor 5. Instructions are instances that programs put into the namespace. Firings that were missed are told by
//! one event with their number; an instruction with `SkipIfPassed` tells of those in time only.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::source::Telling;
use crate::wbem::events;
use crate::wbem::feed::{Asking, Next};
use crate::wbem::instance::Instance;
use crate::wbem::store::Store;
use crate::wbem::value::Value;

/// The shortest interval: a shorter one counts as this.
const INTERVAL_MIN: Duration = Duration::from_millis(1);

/// What the timers of a namespace tell.
pub(super) struct Timers {
    instructions: Store,
    running: HashMap<String, Running>,
    is_watching: bool,
}

/// A timer.
struct Running {
    interval: Duration,
    next: Instant,
}

impl Timers {
    pub(super) fn new(instructions: Store) -> Timers {
        Timers { instructions, running: HashMap::new(), is_watching: false }
    }
}

/// What an instruction says: its name, its interval, and whether late firings are left out.
fn read(instruction: &Instance) -> Option<(String, Duration, bool)> {
    let name = instruction.get("TimerId")?.as_str()?.to_string();
    let milliseconds = instruction.get("IntervalBetweenEvents")?.as_u64()?;
    let skips = instruction.get("SkipIfPassed").and_then(Value::as_bool).unwrap_or(false);
    Some((name, Duration::from_millis(milliseconds).max(INTERVAL_MIN), skips))
}

impl Telling for Timers {
    fn step(&mut self, asking: &Asking, out: &mut Vec<Arc<Instance>>, _: &dyn Fn(&str) -> bool) -> Next {
        if !self.is_watching {
            self.is_watching = true;
            self.instructions.watch(asking.waker.clone());
        }
        let now = asking.now;
        let mut running = HashMap::new();
        for (name, interval, skips) in self.instructions.instances().iter().filter_map(|it| read(it)) {
            let known = self.running.remove(&name).filter(|known| known.interval == interval);
            let Some(first) = now.checked_add(interval) else { continue };
            let mut timer = known.unwrap_or(Running { interval, next: first });
            if timer.next <= now {
                let late = now.duration_since(timer.next).as_nanos() / interval.as_nanos();
                let firings = u32::try_from(late).unwrap_or(u32::MAX - 1) + 1;
                if firings == 1 || !skips {
                    let values = [("TimerId", Value::from(&*name)), ("NumFirings", Value::from(firings))];
                    out.push(events::make(events::TIMER, values));
                }
                let passed = interval.checked_mul(firings).and_then(|passed| timer.next.checked_add(passed));
                timer.next = passed.filter(|next| *next > now).unwrap_or(first);
            }
            running.insert(name, timer);
        }
        self.running = running;
        self.running.values().map(|timer| timer.next).min().map_or(Next::Parked, Next::At)
    }
}
