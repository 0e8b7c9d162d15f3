//! Which processors there are, and how busy each was.
//!
//! Floor 5. Packages are what sits in a socket; logical processors are what the kernel schedules on.

use std::collections::{BTreeMap, BTreeSet};

use super::fields;
use super::machine::{At, Machine};

/// The most logical processors that are told apart; the kernel is never built for more.
const PROCESSORS_MAX: u32 = 8192;

/// How many logical processors are looked at in a piece of work.
const PROCESSORS_PER_STEP: usize = 4;

/// The numbers in a list of the kernel's, which rise: `0-3,8,10-11`.
fn list(text: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    for part in text.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>()) else { continue };
        let next = numbers.last().map_or(0, |last| last + 1);
        numbers.extend(first.max(next)..=last.min(PROCESSORS_MAX));
    }
    numbers
}

/// The logical processors that run.
pub(super) fn online(machine: &Machine) -> Option<Vec<u32>> {
    let text = machine.text(At::Sys, format_args!("devices/system/cpu/online"))?;
    Some(list(&text)).filter(|processors| !processors.is_empty())
}

/// What sits in a socket.
#[derive(Default)]
pub(super) struct Package {
    /// Its logical processors that run.
    pub(super) processors: Vec<u32>,
    /// The first thread of each core; `None` if the kernel does not tell of one.
    firsts: Option<BTreeSet<u32>>,
}

impl Package {
    /// How many cores its logical processors are.
    pub(super) fn cores(&self) -> Option<u32> {
        self.firsts.as_ref()?.len().try_into().ok()
    }
}

/// Finds out in which package each logical processor is that runs, a few at a time.
pub(super) struct Packages {
    left: std::vec::IntoIter<u32>,
    has_cores: bool,
    found: BTreeMap<u32, Package>,
}

impl Packages {
    /// Begins; `None` if the kernel does not tell which processors there are. Cores are counted if they are wanted.
    pub(super) fn begin(machine: &Machine, has_cores: bool) -> Option<Packages> {
        Some(Packages { left: online(machine)?.into_iter(), has_cores, found: BTreeMap::new() })
    }

    /// Looks at a few; gives the packages by their numbers when that were all.
    pub(super) fn step(&mut self, machine: &Machine) -> Option<BTreeMap<u32, Package>> {
        for _ in 0..PROCESSORS_PER_STEP {
            let Some(processor) = self.left.next() else { return Some(std::mem::take(&mut self.found)) };
            let file = |file| format!("devices/system/cpu/cpu{processor}/topology/{file}");
            // Some architectures know no packages and say -1.
            let number = machine.number(At::Sys, format_args!("{}", file("physical_package_id"))).unwrap_or(0_i64);
            let package = self.found.entry(u32::try_from(number).unwrap_or(0)).or_default();
            let is_first = package.processors.is_empty();
            package.processors.push(processor);
            if self.has_cores {
                let siblings = machine.text(At::Sys, format_args!("{}", file("thread_siblings_list")));
                let first = siblings.and_then(|siblings| list(&siblings).first().copied());
                let firsts = if is_first { Some(BTreeSet::new()) } else { package.firsts.take() };
                package.firsts = firsts.zip(first).map(|(mut firsts, first)| {
                    firsts.insert(first);
                    firsts
                });
            }
        }
        None
    }
}

/// What a logical processor did since the machine started, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Times {
    pub(super) user: u64,
    pub(super) system: u64,
    pub(super) idle: u64,
    pub(super) interrupts: u64,
    pub(super) total: u64,
}

impl Times {
    /// Reads the numbers of a line of `/proc/stat`.
    fn parse<'l>(words: impl Iterator<Item = &'l [u8]>) -> Times {
        // user, nice, system, idle, iowait, irq, softirq, steal; what guests had is in the first two.
        let mut ticks = [0_u64; 8];
        for (tick, word) in ticks.iter_mut().zip(words) {
            *tick = fields::number(word).unwrap_or(0);
        }
        let [user, nice, system, idle, waiting, hard, soft, steal] = ticks;
        let total = ticks.iter().fold(0, |total: u64, tick| total.saturating_add(*tick));
        let (user, interrupts) = (user.saturating_add(nice), hard.saturating_add(soft));
        let system = system.saturating_add(interrupts).saturating_add(steal);
        Times { user, system, idle: idle.saturating_add(waiting), interrupts, total }
    }

    /// What was added since an earlier reading; the kernel lets a counter go back now and then.
    pub(super) fn since(&self, earlier: &Times) -> Times {
        Times {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
            idle: self.idle.saturating_sub(earlier.idle),
            interrupts: self.interrupts.saturating_sub(earlier.interrupts),
            total: self.total.saturating_sub(earlier.total),
        }
    }

    pub(super) fn add(&mut self, other: &Times) {
        self.user = self.user.saturating_add(other.user);
        self.system = self.system.saturating_add(other.system);
        self.idle = self.idle.saturating_add(other.idle);
        self.interrupts = self.interrupts.saturating_add(other.interrupts);
        self.total = self.total.saturating_add(other.total);
    }

    /// How much of the time `part` was, in percent; `None` if no time went by.
    pub(super) fn percent(&self, part: u64) -> Option<u64> {
        let (part, total) = (u128::from(part.min(self.total)), u128::from(self.total));
        (part * 100 + total / 2).checked_div(total)?.try_into().ok()
    }
}

/// What every logical processor did, by its number.
pub(super) fn times(machine: &Machine) -> Option<BTreeMap<u32, Times>> {
    machine.read(At::Proc, format_args!("stat"), parse_times).ok()
}

fn parse_times(file: &[u8]) -> BTreeMap<u32, Times> {
    let mut times = BTreeMap::new();
    for line in fields::lines(file) {
        let mut words = fields::words(line);
        let name = words.next().and_then(|name| name.strip_prefix(b"cpu"));
        // The line without a number is the sum of the others.
        if let Some(number) = name.and_then(fields::number) {
            times.insert(number, Times::parse(words));
        }
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors() {
        for (text, numbers) in [
            ("0-1\n", &[0, 1][..]),
            ("0", &[0]),
            ("0-2,5,7-8", &[0, 1, 2, 5, 7, 8]),
            ("", &[]),
            ("x,3", &[3]),
            ("5-1", &[]),
            ("0-1,1,0-2,4", &[0, 1, 2, 4]),
        ] {
            assert_eq!(list(text), numbers, "{text}");
        }
        assert!(list(&"0-4294967295,".repeat(1000)).len() <= PROCESSORS_MAX as usize + 1);
    }

    #[test]
    fn times_of_processors() {
        let times = parse_times(b"cpu  9 9 9 9\ncpu0 10 20 30 40 50 1 2 3 4 0\ncpu12 1 0 0 9\nbtime 5\n");
        let first = Times { user: 30, system: 36, idle: 90, interrupts: 3, total: 156 };
        assert_eq!(
            times,
            BTreeMap::from([(0, first), (12, Times { user: 1, idle: 9, total: 10, ..Times::default() })])
        );
        let delta = times[&12].since(&Times { user: 0, idle: 6, total: 6, ..Times::default() });
        assert_eq!((delta.percent(delta.user), delta.percent(delta.idle)), (Some(25), Some(75)));
        assert_eq!(delta.since(&delta).percent(0), None);
    }
}
