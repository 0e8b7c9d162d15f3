//! The window and its controls.

use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::UI::WindowsAndMessaging as ui;
use windows_sys::core::{PCWSTR, w};

pub const SEARCH: i32 = 10;
pub const STOP: i32 = 11;
pub const ANSWER: i32 = 12;
pub const CLOCK: i32 = 13;
pub const COUNTER: i32 = 14;
pub const STALE: i32 = 15;

type Procedure = unsafe extern "system" fn(HWND, u32, WPARAM, LPARAM) -> LRESULT;

/// Opens the window with its controls.
pub fn open(procedure: Procedure) -> HWND {
    let instance = unsafe { GetModuleHandleW(null()) };
    let class = ui::WNDCLASSW {
        lpfnWndProc: Some(procedure),
        hInstance: instance,
        hCursor: unsafe { ui::LoadCursorW(null_mut(), ui::IDC_ARROW) },
        hbrBackground: 16 as _, // COLOR_BTNFACE + 1
        lpszClassName: w!("msgpump"),
        ..Default::default()
    };
    unsafe { ui::RegisterClassW(&class) };
    let make = |class: PCWSTR, text: PCWSTR, style: u32, place: [i32; 4], parent: HWND, id: i32| unsafe {
        let ([x, y, width, height], id) = (place, id as isize as ui::HMENU);
        ui::CreateWindowExW(0, class, text, style | ui::WS_VISIBLE, x, y, width, height, parent, id, instance, null())
    };
    let window =
        make(w!("msgpump"), w!("msgpump on Win32"), ui::WS_OVERLAPPEDWINDOW, [60, 60, 460, 230], null_mut(), 0);
    let child = |class, text, style: u32, place, id| make(class, text, style | ui::WS_CHILD, place, window, id);
    let edit = ui::WS_BORDER | ui::WS_TABSTOP | ui::ES_AUTOHSCROLL as u32;
    child(w!("EDIT"), w!(""), edit, [10, 10, 330, 24], SEARCH);
    child(w!("BUTTON"), w!("Stop"), ui::WS_TABSTOP, [350, 10, 80, 24], STOP);
    let labels = [
        (ANSWER, w!("type the name of a host")),
        (CLOCK, w!("")),
        (COUNTER, w!("")),
        (STALE, w!("stale answers seen: 0")),
    ];
    for ((id, text), y) in labels.into_iter().zip((50..).step_by(34)) {
        child(w!("STATIC"), text, 0, [10, y, 430, 30], id);
    }
    window
}

pub fn set_text(window: HWND, id: i32, text: &str) {
    let text: Vec<u16> = text.encode_utf16().chain([0]).collect();
    unsafe { ui::SetWindowTextW(ui::GetDlgItem(window, id), text.as_ptr()) };
}

pub fn text_of(window: HWND, id: i32) -> String {
    let mut text = [0; 256];
    let len = unsafe { ui::GetWindowTextW(ui::GetDlgItem(window, id), text.as_mut_ptr(), text.len() as i32) };
    String::from_utf16_lossy(&text[..len as usize])
}
