//! The line in which the kernel tells of a process: `/proc/PID/stat`, as proc(5) has it.
//!
//! Floor 5. Pure.

use super::super::fields;

/// The numbers of a process. What the kernel did not write is 0.
#[derive(Debug, PartialEq)]
pub(in super::super) struct Stat {
    pub(in super::super) name: String,
    pub(in super::super) state: u8,
    /// The numbers that follow the state, beginning with the parent; see the constants.
    numbers: [i64; NUMBERS],
}

/// How many numbers behind the state are of use.
const NUMBERS: usize = 21;

/// Places of numbers: one of proc(5) less four.
const PARENT: usize = 0;
const SESSION: usize = 2;
const MINOR_FAULTS: usize = 6;
const MAJOR_FAULTS: usize = 8;
const USER_TICKS: usize = 10;
const SYSTEM_TICKS: usize = 11;
const NICE: usize = 15;
const THREADS: usize = 16;
const START_TICKS: usize = 18;
const VIRTUAL_BYTES: usize = 19;
const RESIDENT_PAGES: usize = 20;

impl Stat {
    /// Reads the line. A name may have anything in it, brackets too, so it ends at the last one.
    pub(in super::super) fn parse(line: &[u8]) -> Option<Stat> {
        let opened = line.iter().position(|byte| *byte == b'(')?;
        let closed = line.iter().rposition(|byte| *byte == b')')?;
        let name = fields::text(line.get(opened + 1..closed)?);
        let mut words = fields::words(&line[closed + 1..]);
        let state = *words.next()?.first()?;
        let mut numbers = [0; NUMBERS];
        for (number, word) in numbers.iter_mut().zip(words) {
            // The size of memory may not fit: it counts as the most.
            *number = fields::number(word).or_else(|| fields::number::<u64>(word).map(|_| i64::MAX))?;
        }
        Some(Stat { name, state, numbers })
    }

    fn count(&self, place: usize) -> u64 {
        self.numbers[place].try_into().unwrap_or(0)
    }

    pub(in super::super) fn parent(&self) -> u32 {
        self.count(PARENT) as u32
    }

    pub(in super::super) fn session(&self) -> u32 {
        self.count(SESSION) as u32
    }

    pub(in super::super) fn faults(&self) -> u64 {
        self.count(MINOR_FAULTS) + self.count(MAJOR_FAULTS)
    }

    pub(in super::super) fn user_ticks(&self) -> u64 {
        self.count(USER_TICKS)
    }

    pub(in super::super) fn system_ticks(&self) -> u64 {
        self.count(SYSTEM_TICKS)
    }

    /// From 1, the lowest, to 40.
    pub(in super::super) fn priority(&self) -> Option<u32> {
        20_i64.checked_sub(self.numbers[NICE])?.try_into().ok()
    }

    pub(in super::super) fn threads(&self) -> u32 {
        self.count(THREADS) as u32
    }

    pub(in super::super) fn start_ticks(&self) -> u64 {
        self.count(START_TICKS)
    }

    pub(in super::super) fn virtual_bytes(&self) -> u64 {
        self.count(VIRTUAL_BYTES)
    }

    pub(in super::super) fn resident_pages(&self) -> u64 {
        self.count(RESIDENT_PAGES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_have_anything_in_it() {
        for (line, name, parent) in [
            (&b"12 (bash) S 1 2 3"[..], "bash", 1),
            (b"12 (a) b (c) R 7", "a) b (c", 7),
            (b"12 (two\nlines) S 9", "two\nlines", 9),
            (b"12 (\xff\xfe) S 9", "\u{fffd}\u{fffd}", 9),
            (b"12 () S 9\n", "", 9),
        ] {
            let stat = Stat::parse(line).unwrap();
            assert_eq!((&*stat.name, stat.parent()), (name, parent));
        }
    }

    #[test]
    fn numbers_are_found_at_their_places() {
        let line = b"42 (x) D 1 42 43 34816 42 4194304 100 200 3 400 15 16 17 18 20 -5 4 0 5000 1048576 256 18446744073709551615 1\n";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.state, stat.parent(), stat.session(), stat.faults()), (b'D', 1, 43, 103));
        assert_eq!((stat.user_ticks(), stat.system_ticks(), stat.priority(), stat.threads()), (15, 16, Some(25), 4));
        assert_eq!((stat.start_ticks(), stat.virtual_bytes(), stat.resident_pages()), (5000, 1_048_576, 256));
    }

    #[test]
    fn numbers_at_their_ends_are_told_or_unknown() {
        let line = format!("1 (x) S {0} 1 {0} {1}\n", i64::MIN, vec![i64::MIN.to_string(); 18].join(" "));
        let stat = Stat::parse(line.as_bytes()).unwrap();
        assert_eq!((stat.parent(), stat.session(), stat.priority()), (0, 0, None));
        let line = format!("1 (x) S 1 1 1 {}\n", ["18446744073709551615"; 18].join(" "));
        let stat = Stat::parse(line.as_bytes()).unwrap();
        assert_eq!((stat.priority(), stat.faults()), (None, u64::MAX - 1));
    }

    #[test]
    fn what_is_no_such_line_is_nothing() {
        for line in [&b""[..], b"12", b"12 (x", b"12 )x( S", b"12 (x)", b"12 (x) S one"] {
            assert_eq!(Stat::parse(line), None, "{line:?}");
        }
    }
}
