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

    /// The next number. Once all were given out, it may be that of something that lives: ask for another then.
    pub(super) fn issue(&mut self) -> u32 {
        let number = self.kind | (1 + self.next());
        if self.issued == NUMBERS {
            self.first = (self.first + 1) % NUMBERS;
        } else {
            self.issued += 1;
        }
        number
    }

    /// How many were given out after `number`, if that was given out since the last startup.
    pub(super) fn age(&self, number: u32) -> Option<usize> {
        let index = (number & NUMBERS).wrapping_sub(1);
        let is_kind = number >> KIND_SHIFT == self.kind >> KIND_SHIFT && index < NUMBERS;
        let place = (index.wrapping_add(NUMBERS) - self.first) % NUMBERS;
        (is_kind && place < self.issued).then(|| (self.issued - 1 - place) as usize)
    }

    /// The number of an [`age`](Numbers::age).
    pub(super) fn aged(&self, age: usize) -> u32 {
        let place = self.issued - 1 - age as u32;
        self.kind | (1 + (self.first + place) % NUMBERS)
    }

    fn next(&self) -> u32 {
        // Both are at most NUMBERS, so their sum has 31 bits.
        (self.first + self.issued) % NUMBERS
    }

    /// Whether `number` was given out since the last startup.
    pub(super) fn is_issued(&self, number: u32) -> bool {
        self.age(number).is_some()
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
        let given: Vec<_> = (0..5).map(|_| numbers.issue()).collect();
        let ages: Vec<_> = given.iter().map(|&number| numbers.age(number)).collect();
        assert_eq!(ages, [Some(4), Some(3), Some(2), Some(1), Some(0)]);
        for strange in [0, u32::MAX, TASK, given[4] + 1, given[0] | SOCKET, given[0] ^ TASK ^ SOCKET, 1] {
            assert!(!numbers.is_issued(strange), "{strange:#x}");
        }
        numbers.begin_epoch();
        assert!(given.iter().all(|&number| !numbers.is_issued(number)));
        let next = numbers.issue();
        assert!(numbers.is_issued(next) && !given.contains(&next));
    }

    #[test]
    fn numbers_come_round() {
        let mut numbers = Numbers { kind: TASK, first: NUMBERS - 2, issued: 0 };
        let given: Vec<_> = (0..4).map(|_| numbers.issue()).collect();
        assert_eq!(given, [TASK | (NUMBERS - 1), TASK | NUMBERS, TASK | 1, TASK | 2]);
        let ages: Vec<_> = given.iter().map(|&number| numbers.age(number)).collect();
        assert_eq!(ages, [Some(3), Some(2), Some(1), Some(0)]);
        assert_eq!([3, 2, 1, 0].map(|age| numbers.aged(age)), *given);
        assert!(!numbers.is_issued(TASK | 3) && !numbers.is_issued(TASK | (NUMBERS - 2)));
    }

    #[test]
    fn when_all_were_given_out_all_are_known() {
        let mut numbers = Numbers { kind: SOCKET, first: 7, issued: NUMBERS };
        assert_eq!(numbers.issue(), SOCKET | 8);
        assert_eq!(numbers.age(SOCKET | 8), Some(0));
        assert!(numbers.is_issued(SOCKET | 1) && numbers.is_issued(SOCKET | NUMBERS));
        assert!(!numbers.is_issued(SOCKET) && !numbers.is_issued(TASK | 1));
    }
}
