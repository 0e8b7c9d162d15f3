//! Shows a native window in which the pump lives: it is woken by a posted message and a timer of the window,
//! and turned by the window procedure, so it goes on while a menu is open or the window is dragged.
//!
//! `--script` has a thread use the window as a person would, prints what comes of it, and ends.

mod script;
mod view;

use std::cell::RefCell;
use std::error::Error;
use std::net::SocketAddr;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use msgpump::{
    Budget, HostQuery, Message, OperationId, Payload, PostRefusal, Pump, ResolverConfig, Rest, Settings, Timer,
    WindowId,
};
use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
use windows_sys::Win32::UI::WindowsAndMessaging as ui;

use view::{set_text, text_of};

/// Posted to the window when another thread has handed something in.
const WM_PUMP: u32 = ui::WM_APP;
/// Sent to the window by the script: answers with one of the window's counts.
const WM_COUNT: u32 = ui::WM_APP + 1;
const PUMP_TIMER: usize = 1;
/// How long the pump may work before the window's input and painting have their turn.
const TIME_FOR_PUMP: Duration = Duration::from_millis(8);

/// The other thread counts without a pause. Set by the script.
static IS_FLOODED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Everything that the window procedure knows. It is borrowed while the pump turns, never while Windows
    /// runs a loop of its own.
    static APP: RefCell<Option<App>> = const { RefCell::new(None) };
}

struct App {
    pump: Pump<u32>,
    owner: WindowId,
    wanted: Option<OperationId>,
    started: Instant,
    counts: [usize; script::COUNTS],
}

// ---- The glue: all that a Win32 program needs beside its own code ----

/// Wakes the pump from any thread: by a message to the window, which every modal loop dispatches. One that is
/// posted to the thread would be lost in them.
fn host_waker(window: HWND) -> impl Fn() + Send + Sync + 'static {
    let window = window as usize;
    move || _ = unsafe { ui::PostMessageW(window as HWND, WM_PUMP, 0, 0) }
}

/// Turns the pump, and has the window's timer call again when it must be turned next.
fn run_pump(window: HWND, app: &mut App) {
    let end = Instant::now() + TIME_FOR_PUMP;
    app.counts[script::RUNS] += 1;
    loop {
        app.pump.turn(Budget::no_wait().messages(64)).expect("Windows has a completion port for each pump");
        while let Some(message) = app.pump.next_message() {
            app.handle(window, message);
        }
        let has_sockets = app.pump.metrics().sockets > 0;
        let wait = match app.pump.rest() {
            Rest::Ready if Instant::now() < end => continue,
            Rest::Ready => Some(Duration::ZERO),
            // Nothing in Windows posts a message when a completion port has something, so sockets are looked
            // at by the clock, for as long as there are some.
            _ if has_sockets => Some(Duration::ZERO),
            Rest::Until(instant) => Some(instant.saturating_duration_since(Instant::now())),
            Rest::Forever => None,
        };
        return match wait {
            // The shortest timer is one of 10 milliseconds. It comes behind input and painting.
            Some(wait) => {
                let milliseconds = wait.as_micros().div_ceil(1000).try_into().unwrap_or(ui::USER_TIMER_MAXIMUM);
                _ = unsafe { ui::SetTimer(window, PUMP_TIMER, milliseconds.max(ui::USER_TIMER_MINIMUM), None) };
            }
            None => _ = unsafe { ui::KillTimer(window, PUMP_TIMER) },
        };
    }
}

// ---- The program ----

impl App {
    fn new(window: HWND, server: Option<SocketAddr>) -> Result<App, Box<dyn Error>> {
        let mut settings = Settings::default().host_waker(host_waker(window));
        if let Some(server) = server {
            settings = settings.resolver(ResolverConfig::new([server]))?;
        }
        let mut pump = Pump::with_settings(settings)?;
        let owner = pump.open_window();
        pump.set_timer(owner, Timer::every(Duration::from_millis(100)))?;
        let poster = pump.poster();
        // Ends when its window is destroyed: the post comes back.
        thread::spawn(move || {
            for number in 1.. {
                if !IS_FLOODED.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(50));
                }
                if poster.post(owner, number).is_err_and(|error| error.refusal != PostRefusal::Full) {
                    return println!("the other thread ends at {number}");
                }
            }
        });
        Ok(App { pump, owner, wanted: None, started: Instant::now(), counts: [0; script::COUNTS] })
    }

    /// Looks up what is typed now, and forgets what was typed before.
    fn look_up(&mut self, window: HWND) {
        if let Some(before) = self.wanted.take() {
            self.pump.cancel(before); // from here on it is silent
        }
        let text = text_of(window, view::SEARCH);
        if !text.is_empty() {
            self.wanted = self.pump.lookup_host(self.owner, HostQuery::by_name(text)).ok();
        }
        set_text(window, view::ANSWER, if self.wanted.is_some() { "..." } else { "" });
    }

    fn handle(&mut self, window: HWND, message: Message<u32>) {
        match message.payload {
            Payload::Tick(_) => {
                self.counts[script::TICKS] += 1;
                set_text(window, view::CLOCK, &format!("clock: {:.1} s", self.started.elapsed().as_secs_f32()));
            }
            Payload::Posted(number) => {
                self.counts[script::POSTS] += 1;
                set_text(window, view::COUNTER, &format!("counter of another thread: {number}"));
            }
            Payload::Host(answer) => {
                // Counted, not hoped: an answer to anything but the text that stands there now.
                if message.operation == self.wanted {
                    self.counts[script::ANSWERS] += 1;
                } else {
                    self.counts[script::STALE] += 1;
                }
                let text = match answer {
                    Ok(host) => format!("{} is {}", host.canonical_name, host.addresses[0]),
                    Err(error) => error.to_string(),
                };
                println!("answer: {text}");
                set_text(window, view::ANSWER, &text);
                set_text(window, view::STALE, &format!("stale answers seen: {}", self.counts[script::STALE]));
            }
            _ => {}
        }
    }

    /// Cancels everything at once, and refuses what the other thread posts from here on.
    fn stop(&mut self, window: HWND) {
        let stopped = self.pump.destroy_window(self.owner);
        println!("stopped: {stopped:?}");
        self.counts[script::STOPS] += 1;
        set_text(window, view::ANSWER, "stopped");
    }
}

extern "system" fn window_procedure(window: HWND, message: u32, wparam: WPARAM, lparam: LPARAM) -> LRESULT {
    let mut count = 0;
    let with_app = |work: &mut dyn FnMut(&mut App)| APP.with_borrow_mut(|app| app.iter_mut().for_each(work));
    match message {
        WM_PUMP | ui::WM_TIMER => with_app(&mut |app| run_pump(window, app)),
        WM_COUNT => with_app(&mut |app| count = app.counts[wparam]),
        ui::WM_COMMAND => with_app(&mut |app| {
            match ((wparam & 0xffff) as i32, (wparam >> 16) as u32) {
                (view::SEARCH, ui::EN_CHANGE) => app.look_up(window),
                (view::STOP, ui::BN_CLICKED) => app.stop(window),
                _ => return,
            }
            // What was started may be over already, or have another deadline than the timer.
            run_pump(window, app);
        }),
        ui::WM_ENTERMENULOOP | ui::WM_ENTERSIZEMOVE => with_app(&mut |app| app.counts[script::MODAL] = 1),
        ui::WM_EXITMENULOOP | ui::WM_EXITSIZEMOVE => with_app(&mut |app| app.counts[script::MODAL] = 0),
        ui::WM_PAINT => {
            with_app(&mut |app| app.counts[script::PAINTS] += 1);
            return unsafe { ui::DefWindowProcW(window, message, wparam, lparam) };
        }
        ui::WM_DESTROY => unsafe { ui::PostQuitMessage(0) },
        _ => return unsafe { ui::DefWindowProcW(window, message, wparam, lparam) },
    }
    count as LRESULT
}

fn main() -> Result<(), Box<dyn Error>> {
    let window = view::open(window_procedure);
    let server = std::env::args().any(|argument| argument == "--script").then(|| script::start(window)).transpose()?;
    let app = App::new(window, server)?;
    APP.set(Some(app));
    unsafe { ui::PostMessageW(window, WM_PUMP, 0, 0) };
    let mut message = ui::MSG::default();
    while unsafe { ui::GetMessageW(&mut message, null_mut(), 0, 0) } > 0 {
        unsafe { ui::TranslateMessage(&message) };
        unsafe { ui::DispatchMessageW(&message) };
    }
    let app = APP.take().expect("it was set");
    println!("end: stale answers seen: {}, {:?}", app.counts[script::STALE], app.pump.metrics());
    if app.counts[script::STALE] == 0 { Ok(()) } else { Err("a stale answer was seen".into()) }
}
