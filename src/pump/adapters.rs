//! The network adapters, asked again for name servers once in a while.
//!
//! Part of the pump. Only where the machine has no file that names them.

use std::time::Duration;

use super::outside::Outside;
use crate::adapter::MachineNames;
use crate::moment::Moment;

/// How often they are asked, when a lookup starts. A hundred times the work of looking at a file, so less
/// often than that.
const ADAPTERS_INTERVAL: Duration = Duration::from_secs(5);

/// What the adapters said last, and when they are asked again.
#[derive(Debug, Default)]
pub(super) struct Adapters {
    next: Option<Moment>,
    last: Option<MachineNames>,
}

impl Adapters {
    /// What they say, if it is time to ask and it is another thing than before. Where they cannot be asked,
    /// what they said still counts.
    pub(super) fn look(&mut self, outside: &Outside, now: Moment) -> Option<&MachineNames> {
        if self.next.is_some_and(|next| now < next) {
            return None;
        }
        self.next = Some(now.saturating_add(ADAPTERS_INTERVAL));
        let names = outside.machine_names().inspect_err(|error| log::warn!("asking the network adapters: {error}"));
        let names = names.ok().filter(|names| self.last.as_ref() != Some(names))?;
        self.last = Some(names);
        self.last.as_ref()
    }
}
