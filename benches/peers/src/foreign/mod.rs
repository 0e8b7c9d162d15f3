//! Everything that is not Rust: the C libraries, and the system where its own functions are called.
//!
//! The only unsafe code of the package. What is declared `safe` takes plain numbers and references that C reads
//! while it is called.

#![allow(unsafe_code)]

pub mod allocations;
pub mod c_library;
pub mod epoll;
pub mod libev;
pub mod libevent;
pub mod libuv;
pub mod loop_in_c;
pub mod perf;
pub mod system;

/// A message as a window system has it: target, number, two words; 32 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Words {
    pub target: u64,
    pub number: u64,
    /// When it was sent, for what measures how long it was on its way.
    pub sent: u64,
    pub count: u64,
}

/// Called with each message; 1 ends the loop where that makes sense.
pub type OnWords = extern "C" fn(&Words) -> i32;
pub type OnNumber = extern "C" fn(u64);
/// Called with the number of a lookup, its error or 0, and its addresses.
pub type OnAddresses = extern "C" fn(u64, i32, *const libc::addrinfo);

fn text(pointer: *const std::ffi::c_char) -> String {
    // SAFETY: the libraries' version functions give constants that end in a zero.
    unsafe { std::ffi::CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

fn c_string(text: &str) -> std::ffi::CString {
    std::ffi::CString::new(text).expect("names have no zeros in them")
}
