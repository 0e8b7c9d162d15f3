//! The C libraries: the one module with unsafe code.

use std::ffi::{CStr, CString, c_char, c_int, c_uint};

use crate::name_server::{asking, name_server};
use crate::scene::{is_control, names};
use crate::table::{Kind, Seen, State};

/// As in `c/cell.h`.
#[repr(C)]
struct Cell {
    has_answer: c_int,
    answer: c_int,
    results: c_int,
    cancelled: c_int,
    inside: c_int,
    asking: c_int,
    phase: c_int,
    target: c_int,
    names: [*const c_char; 2],
}

type Play = unsafe extern "C" fn(kind: c_uint, state: c_uint, cell: *mut Cell);
type Version = unsafe extern "C" fn() -> *const c_char;

unsafe extern "C" {
    fn table_libuv(kind: c_uint, state: c_uint, cell: *mut Cell);
    fn table_libevent(kind: c_uint, state: c_uint, cell: *mut Cell);
    fn table_libev(kind: c_uint, state: c_uint, cell: *mut Cell);
    fn table_cares(kind: c_uint, state: c_uint, cell: *mut Cell);
    fn table_glib(kind: c_uint, state: c_uint, cell: *mut Cell);
    fn table_libuv_version() -> *const c_char;
    fn table_libevent_version() -> *const c_char;
    fn table_libev_version() -> *const c_char;
    fn table_cares_version() -> *const c_char;
    fn table_glib_version() -> *const c_char;
    fn table_libuv_answer(answer: c_int) -> *const c_char;
}

/// A library in C.
pub struct Library {
    play: Play,
    version: Version,
    answer: fn(c_int) -> String,
}

pub const LIBUV: Library =
    Library { play: table_libuv, version: table_libuv_version, answer: |answer| libuv_answer(answer) };
pub const LIBEVENT: Library = Library { play: table_libevent, version: table_libevent_version, answer: number };
pub const LIBEV: Library = Library { play: table_libev, version: table_libev_version, answer: number };
pub const CARES: Library = Library { play: table_cares, version: table_cares_version, answer: number };
pub const GLIB: Library = Library { play: table_glib, version: table_glib_version, answer: boolean };

impl Library {
    pub fn version(&self) -> String {
        text(unsafe { (self.version)() })
    }

    /// Plays one cell.
    pub fn play(&self, kind: Kind, state: State) -> Seen {
        let names = names().map(|name| CString::new(name).expect("it has no zero"));
        let [first, second] = &names;
        let mut cell = Cell {
            has_answer: 0,
            answer: 0,
            results: 0,
            cancelled: 0,
            inside: 0,
            asking: 0,
            phase: 0,
            target: -1,
            names: [first.as_ptr(), second.as_ptr()],
        };
        // The glue is not called from two threads, and the cell lives until it has returned.
        unsafe { (self.play)(kind as c_uint, state as c_uint, &raw mut cell) };
        assert_eq!(cell.phase, 2, "{kind:?}: the state {state:?} was not reached");
        Seen {
            answer: (cell.has_answer != 0).then(|| (self.answer)(cell.answer)),
            results: u32::try_from(cell.results).expect("a count"),
            cancelled: u32::try_from(cell.cancelled).expect("a count"),
            inside: u32::try_from(cell.inside).expect("a count"),
            asks_on: cell.asking > 0 && state == State::UnderWay,
        }
    }
}

fn libuv_answer(answer: c_int) -> String {
    text(unsafe { table_libuv_answer(answer) })
}

fn number(answer: c_int) -> String {
    answer.to_string()
}

fn boolean(answer: c_int) -> String {
    if answer == 0 { "FALSE" } else { "TRUE" }.to_owned()
}

fn text(text: *const c_char) -> String {
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

#[unsafe(no_mangle)]
extern "C" fn table_await_question(name: *const c_char) {
    name_server().await_question(&text(name));
}

#[unsafe(no_mangle)]
extern "C" fn table_answer(name: *const c_char) {
    name_server().answer(&text(name));
}

#[unsafe(no_mangle)]
extern "C" fn table_answer_into_buffer(name: *const c_char) {
    name_server().answer_into_buffer(&text(name));
}

#[unsafe(no_mangle)]
extern "C" fn table_is_control() -> c_int {
    is_control().into()
}

#[unsafe(no_mangle)]
extern "C" fn table_asking() -> c_int {
    c_int::try_from(asking()).expect("not so many")
}
