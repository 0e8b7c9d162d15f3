//! The network adapters, asked again for name servers once in a while.
//!
//! Part of the pump. Only where the machine has no file that names them.

use std::io;
use std::time::Duration;

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
    /// What they say, if it is time to `ask` and it is another thing than before. Where they cannot be asked,
    /// what they said still counts.
    pub(super) fn look(
        &mut self,
        now: Moment,
        ask: impl FnOnce() -> io::Result<MachineNames>,
    ) -> Option<&MachineNames> {
        if self.next.is_some_and(|next| now < next) {
            return None;
        }
        self.next = Some(now.saturating_add(ADAPTERS_INTERVAL));
        let names = ask().inspect_err(|error| log::warn!("asking the network adapters: {error}"));
        let names = names.ok().filter(|names| self.last.as_ref() != Some(names))?;
        self.last = Some(names);
        self.last.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(domain: &str) -> MachineNames {
        MachineNames { domain: Some(domain.to_owned()), ..MachineNames::default() }
    }

    #[test]
    fn what_the_adapters_say_is_news_once() {
        let mut adapters = Adapters::default();
        let start = Moment::START;
        let at = |intervals: u32| start.saturating_add(ADAPTERS_INTERVAL * intervals);
        assert_eq!(adapters.look(start, || Ok(names("a.example"))), Some(&names("a.example")));
        let early = start.saturating_add(ADAPTERS_INTERVAL - Duration::from_nanos(1));
        assert_eq!(adapters.look(early, || panic!("it is too early to ask")), None);
        assert_eq!(adapters.look(at(1), || Ok(names("a.example"))), None, "nothing has changed");
        assert_eq!(adapters.look(at(2), || Err(io::ErrorKind::OutOfMemory.into())), None);
        assert_eq!(adapters.look(at(3), || Ok(names("a.example"))), None, "a failure in between changes nothing");
        assert_eq!(adapters.look(at(4), || Ok(names("b.example"))), Some(&names("b.example")));
    }
}
