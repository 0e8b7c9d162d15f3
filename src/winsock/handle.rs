//! The numbers that programs know requests and sockets by.
//!
//! Floor 5. Pure. A handle has 32 bits: the two high ones say of what kind it is, so that a socket is
//! never taken for a request, and the others count. They count on across startups, so a handle
//! of an earlier one is told from a living one, and a number comes again only after 1,073,741,823
//! others, and never while the first one lives. Neither zero nor all ones is ever given out.

use std::fmt;

/// How many numbers there are of each kind.
const NUMBERS: u32 = (1 << KIND_SHIFT) - 1;

const KIND_SHIFT: u32 = 30;
const TASK: u32 = 1 << KIND_SHIFT;
const SOCKET: u32 = 2 << KIND_SHIFT;

/// A handle of an asynchronous request, as the six start calls return it and `wParam` brings it back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskHandle(u32);

/// A handle of a socket (`SOCKET`).
#[doc(alias = "SOCKET")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketHandle(u32);

/// What a call that gives a socket gives when it fails (`INVALID_SOCKET`), for those who keep numbers.
pub const INVALID_SOCKET: SocketHandle = SocketHandle(u32::MAX);

macro_rules! handle {
    ($name:ident) => {
        impl $name {
            /// The handle that `number` stands for, whether or not one like it was ever given out.
            pub const fn from_raw(number: u32) -> $name {
                $name(number)
            }

            /// The number of the handle.
            pub const fn raw(self) -> u32 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#010x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:#010x})"), self.0)
            }
        }
    };
}

handle!(TaskHandle);
handle!(SocketHandle);

/// Gives out the numbers of one kind.
pub(super) struct Numbers {
    kind: u32,
    /// The first number since the last startup.
    first: u32,
    /// How many were given out since the last startup, as far as they differ.
    issued: u32,
}

impl Numbers {
    pub(super) fn of_tasks() -> Numbers {
        Numbers { kind: TASK, first: 0, issued: 0 }
    }

    pub(super) fn of_sockets() -> Numbers {
        Numbers { kind: SOCKET, first: 0, issued: 0 }
    }

    /// A number that is not `taken`.
    pub(super) fn issue(&mut self, taken: impl Fn(u32) -> bool) -> u32 {
        loop {
            let number = self.kind | (1 + self.next());
            if self.issued == NUMBERS {
                self.first = (self.first + 1) % NUMBERS;
            } else {
                self.issued += 1;
            }
            if !taken(number) {
                return number;
            }
        }
    }

    fn next(&self) -> u32 {
        // Both are at most NUMBERS, so their sum has 31 bits.
        (self.first + self.issued) % NUMBERS
    }

    /// Whether `number` was given out since the last startup.
    pub(super) fn is_issued(&self, number: u32) -> bool {
        let index = (number & NUMBERS).wrapping_sub(1);
        let is_kind = number >> KIND_SHIFT == self.kind >> KIND_SHIFT && index < NUMBERS;
        is_kind && (index + NUMBERS - self.first) % NUMBERS < self.issued
    }

    /// Makes the numbers given out so far those of the past.
    pub(super) fn begin_epoch(&mut self) {
        (self.first, self.issued) = (self.next(), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_known_from_its_issue_to_the_next_epoch() {
        let mut numbers = Numbers::of_tasks();
        let given: Vec<_> = (0..5).map(|_| numbers.issue(|_| false)).collect();
        assert!(given.iter().all(|&number| numbers.is_issued(number)));
        for strange in [0, u32::MAX, TASK, given[4] + 1, given[0] | SOCKET, given[0] ^ TASK ^ SOCKET, 1] {
            assert!(!numbers.is_issued(strange), "{strange:#x}");
        }
        numbers.begin_epoch();
        assert!(given.iter().all(|&number| !numbers.is_issued(number)));
        let next = numbers.issue(|_| false);
        assert!(numbers.is_issued(next) && !given.contains(&next));
    }

    #[test]
    fn numbers_come_round_past_those_that_live() {
        let mut numbers = Numbers { kind: TASK, first: NUMBERS - 2, issued: 0 };
        let living = TASK | NUMBERS;
        let given: Vec<_> = (0..3).map(|_| numbers.issue(|number| number == living)).collect();
        assert_eq!(given, [TASK | (NUMBERS - 1), TASK | 1, TASK | 2]);
        assert!(given.iter().all(|&number| numbers.is_issued(number)) && !numbers.is_issued(TASK | 3));
    }

    #[test]
    fn when_all_were_given_out_all_are_known() {
        let mut numbers = Numbers { kind: SOCKET, first: 7, issued: NUMBERS };
        assert_eq!(numbers.issue(|_| false), SOCKET | 8);
        assert!(numbers.is_issued(SOCKET | 1) && numbers.is_issued(SOCKET | NUMBERS));
        assert!(!numbers.is_issued(SOCKET) && !numbers.is_issued(TASK | 1));
    }
}
