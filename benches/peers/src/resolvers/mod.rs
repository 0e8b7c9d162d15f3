//! Resolvers of every kind behind one face, so that each scenario of names is written once.

mod by_hand;
mod c_library;
mod cares;
mod evdns;
mod hickory;
mod libuv;
mod pump;

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::foreign::system;

pub use by_hand::{OneSocket, SocketEach};
pub use c_library::{Threads, TokioLookupHost};
pub use cares::Cares;
pub use evdns::Evdns;
pub use hickory::Hickory;
pub use libuv::Libuv;
pub use pump::PumpResolver;

/// How a resolver is to ask. Caches are off everywhere, and so are files of hosts where that can be said.
#[derive(Clone, Copy)]
pub struct Asking {
    pub server: SocketAddr,
    pub timeout: Duration,
    pub attempts: u32,
    /// How many lookups there will be in all.
    pub lookups: usize,
    /// How many of them at a time.
    pub at_a_time: usize,
}

/// Which addresses are wanted.
#[derive(Clone, Copy, PartialEq)]
pub enum Wanted {
    Both,
    Ipv4,
}

impl Wanted {
    /// As C says it.
    fn family(self) -> i32 {
        match self {
            Wanted::Both => libc::AF_UNSPEC,
            Wanted::Ipv4 => libc::AF_INET,
        }
    }
}

/// A resolver and the loop that it lives in. It tells what comes by [`answered`].
pub trait Resolver {
    fn open(asking: Asking) -> Self;

    /// Starts the lookup of [`name`] `number`.
    fn start(&mut self, number: usize, wanted: Wanted);

    /// Works until something happens, for up to `limit`.
    fn turn(&mut self, limit: Duration);

    /// Cancels lookups 0 to `count`, and returns when the calls do. How many could not be cancelled.
    fn cancel(&mut self, count: usize) -> usize;

    /// Whether all that were cancelled are reported so, where they are reported.
    fn are_cancels_told(&mut self) -> bool {
        true
    }

    /// Tears everything down, and returns when the process may exit.
    fn close(self);
}

/// Turns until whoever opens sockets has opened all that it will. How many are open, and when that was reached.
pub fn settle(resolver: &mut impl Resolver) -> (usize, u64) {
    /// Executors run some tens of tasks in a turn, and some turns open nothing.
    const TURNS: usize = 256;
    let (mut sockets, mut reached) = (system::descriptors(), system::now());
    loop {
        (0..TURNS).for_each(|_| resolver.turn(Duration::ZERO));
        let at = system::now();
        let now = system::descriptors();
        if now == sockets {
            return (sockets, reached);
        }
        (sockets, reached) = (now, at);
    }
}

/// What came of one lookup, and when.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub number: usize,
    pub at: u64,
    pub addresses: usize,
}

thread_local!(static ANSWERS: RefCell<Vec<Answer>> = const { RefCell::new(Vec::new()) });

/// A lookup is over. Its addresses are checked.
pub fn answered(number: usize, addresses: &[IpAddr]) {
    for &address in addresses {
        let right: IpAddr = match address {
            IpAddr::V4(_) => ipv4(number).into(),
            IpAddr::V6(_) => ipv6(number).into(),
        };
        assert_eq!(address, right, "the address of {}", name(number));
    }
    ANSWERS.with_borrow_mut(|answers| answers.push(Answer { number, at: system::now(), addresses: addresses.len() }));
}

/// What came since the last call.
pub fn take_answers() -> Vec<Answer> {
    ANSWERS.take()
}

/// The name that has number `number`.
pub fn name(number: usize) -> String {
    format!("h{number:05}.bench.test")
}

/// The number of a name in the wire's form, where it is one of ours.
pub fn number_of(wire_name: &[u8]) -> Option<u32> {
    let digits = wire_name.strip_prefix(b"\x06h")?.strip_suffix(b"\x05bench\x04test\x00")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

pub fn ipv4(number: usize) -> Ipv4Addr {
    Ipv4Addr::from(0x0A00_0000 | number as u32)
}

pub fn ipv6(number: usize) -> Ipv6Addr {
    Ipv6Addr::from(0xFD00_u128 << 112 | number as u128)
}
