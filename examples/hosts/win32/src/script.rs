//! A thread that uses the window as a person would, and a name server for it on the loopback interface.

use std::net::{SocketAddr, UdpSocket};
use std::ptr::null;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};
use std::{io, process};

use windows_sys::Win32::Foundation::{HWND, WPARAM};
use windows_sys::Win32::Graphics::Gdi::InvalidateRect;
use windows_sys::Win32::UI::WindowsAndMessaging as ui;

use super::view::{ANSWER, SEARCH, STOP, text_of};
use super::{IS_FLOODED, WM_COUNT};

// What the window counts, and tells when it is asked.
pub const TICKS: usize = 0;
pub const POSTS: usize = 1;
pub const ANSWERS: usize = 2;
pub const STALE: usize = 3;
pub const STOPS: usize = 4;
/// 1 while a loop of Windows itself runs.
pub const MODAL: usize = 5;
/// How often the pump was turned.
pub const RUNS: usize = 6;
/// How often the window was painted.
pub const PAINTS: usize = 7;
pub const COUNTS: usize = 8;

const EM_SETSEL: u32 = 0xb1;
const ESCAPE: WPARAM = 0x1b;
const SYSTEM_MENU: isize = 0x20;
/// Longer than anything takes. Only a script that fails waits this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts both, and gives the server's address.
pub fn start(window: HWND) -> io::Result<SocketAddr> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let address = socket.local_addr()?;
    thread::spawn(move || answer(&socket));
    let window = Window(window as usize);
    thread::spawn(move || window.use_it());
    Ok(address)
}

/// Knows no name, and keeps silent about those that begin with "slow": what answers there is cancelled.
fn answer(socket: &UdpSocket) {
    let mut bytes = [0; 512];
    while let Ok((length, from)) = socket.recv_from(&mut bytes) {
        // RFC 1035 section 4.1: a header of 12 bytes, then the first label behind its length.
        if length > 17 && !bytes[13..].starts_with(b"slow") {
            bytes[2] |= 0x80; // a response
            bytes[3] = 3; // of a name that does not exist
            let _ = socket.send_to(&bytes[..length], from);
        }
    }
}

/// Can be sent to a thread, as Windows allows it.
struct Window(usize);

impl Window {
    fn use_it(&self) {
        self.wait("the clock ticks and the other thread counts", || self.count(TICKS) > 3 && self.count(POSTS) > 3);
        for text in ["slow.test", "nobody.test", "localhost"] {
            self.type_text(text);
            if !text.starts_with("slow") {
                self.wait(&format!("{text} is answered"), || text_of(self.0 as HWND, ANSWER).contains(text));
            }
        }
        self.in_a_modal_loop("the system menu", ui::SC_KEYMENU, SYSTEM_MENU);
        self.in_a_modal_loop("a move of the window", ui::SC_MOVE, 0);
        self.in_a_flood();
        self.type_text("slow.test");
        unsafe { ui::SendMessageW(self.child(STOP), ui::BM_CLICK, 0, 0) };
        self.wait("the Stop button stops", || self.count(STOPS) == 1);
        self.wait("  then a second passes in which the pump is left alone", || {
            let before = self.count(RUNS);
            thread::sleep(Duration::from_secs(1));
            self.count(RUNS) == before
        });
        println!("script: done, stale answers seen: {}", self.count(STALE));
        self.post(ui::WM_CLOSE, 0, 0);
    }

    /// Opens a menu or moves the window by keyboard: Windows then runs a loop inside `DefWindowProc`.
    fn in_a_modal_loop(&self, what: &str, command: u32, with: isize) {
        self.post(ui::WM_SYSCOMMAND, command as WPARAM, with);
        self.wait(&format!("{what} begins"), || self.count(MODAL) == 1);
        let before = [TICKS, POSTS, ANSWERS].map(|which| self.count(which));
        // The text is changed without the keyboard, which the menu has.
        let text: Vec<u16> = "nobody.in.modal.test\0".encode_utf16().collect();
        unsafe { ui::SendMessageW(self.child(SEARCH), ui::WM_SETTEXT, 0, text.as_ptr() as isize) };
        self.wait("  ticks, posts and an answer come meanwhile", || {
            let now = [TICKS, POSTS, ANSWERS].map(|which| self.count(which));
            self.count(MODAL) == 1 && now[0] >= before[0] + 10 && now[1] >= before[1] + 10 && now[2] > before[2]
        });
        self.wait(&format!("{what} ends"), || {
            // More than one: the first closes what is open, and the bar is left.
            self.post(ui::WM_KEYDOWN, ESCAPE, 0);
            self.count(MODAL) == 0
        });
    }

    /// Painting is what Windows has a program do last, when nothing else waits.
    fn in_a_flood(&self) {
        IS_FLOODED.store(true, Ordering::Relaxed);
        for _ in 0..3 {
            let before = [POSTS, PAINTS].map(|which| self.count(which));
            unsafe { InvalidateRect(self.0 as HWND, null(), 1) };
            self.wait("  it is painted", || self.count(PAINTS) > before[1]);
            self.wait("  and the pump goes on", || self.count(POSTS) > before[0] + 1_000);
        }
        IS_FLOODED.store(false, Ordering::Relaxed);
        println!("script: the other thread counted without a pause");
    }

    /// Writes over what is there, letter by letter.
    fn type_text(&self, text: &str) {
        unsafe { ui::SendMessageW(self.child(SEARCH), EM_SETSEL, 0, -1) };
        for letter in text.encode_utf16() {
            unsafe { ui::SendMessageW(self.child(SEARCH), ui::WM_CHAR, letter.into(), 0) };
        }
    }

    fn wait(&self, what: &str, is_there: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_there() {
            if Instant::now() > end {
                eprintln!("script: waited in vain: {what}");
                process::exit(1);
            }
            thread::sleep(Duration::from_millis(10));
        }
        println!("script: {what}");
    }

    fn count(&self, which: usize) -> isize {
        unsafe { ui::SendMessageW(self.0 as HWND, WM_COUNT, which, 0) }
    }

    fn child(&self, id: i32) -> HWND {
        unsafe { ui::GetDlgItem(self.0 as HWND, id) }
    }

    fn post(&self, message: u32, wparam: WPARAM, lparam: isize) {
        unsafe { ui::PostMessageW(self.0 as HWND, message, wparam, lparam) };
    }
}
