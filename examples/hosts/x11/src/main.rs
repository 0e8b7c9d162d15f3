//! Shows a bare X11 window. The pump owns the loop and watches the connection to the display.

use std::error::Error;
use std::mem;
use std::process::ExitCode;

use desk::{Desk, Note};
use msgpump::{Budget, Interest, Message, Payload, Pump};
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt, CreateGCAux, CreateWindowAux, EventMask, GetKeyboardMappingReply, KeyButMask, PropMode,
    Rectangle, Screen, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// Letters in a line.
const COLUMNS: usize = 50;
/// Where the Stop button is.
const STOP: Rectangle = Rectangle { x: 380, y: 10, width: 60, height: 24 };
// Keys without a letter, by X11's `keysymdef.h`.
const BACKSPACE: u32 = 0xff08;
const ESCAPE: u32 = 0xff1b;

// ---- The glue: all that an X11 program needs beside its own code ----

/// Gives every event and message to `program`, and sleeps in the pump in between.
fn run(display: &RustConnection, pump: &mut Pump<Note>, program: &mut Program) -> Result<(), Box<dyn Error>> {
    let events = pump.watch_descriptor(pump.root_window(), display.stream(), Interest::READABLE)?;
    loop {
        display.flush()?;
        while let Some(event) = display.poll_for_event()? {
            program.on_event(pump, &event);
        }
        while let Some(message) = pump.next_message() {
            match message.payload {
                Payload::Quit(_) => return Ok(()),
                // The events themselves are taken above.
                Payload::Ready(_) => pump.rearm(events, Interest::READABLE)?,
                _ => program.on_message(pump, message),
            }
        }
        // Who writes to the connection may read events from it and keep them, where no descriptor tells of them. So
        // the pump sleeps only when nothing was written since the last look.
        if !program.paint()? {
            let _ = pump.turn(Budget::wait_forever())?;
        }
    }
}

// ---- The program ----

struct Program<'a> {
    display: &'a RustConnection,
    window: u32,
    context: u32,
    keys: GetKeyboardMappingReply,
    delete_window: u32,
    desk: Desk,
    is_painted: bool,
}

impl Program<'_> {
    fn on_event(&mut self, pump: &mut Pump<Note>, event: &Event) {
        match event {
            Event::KeyPress(key) => match self.key_symbol(key.detail, key.state) {
                Some(BACKSPACE) => self.desk.erase(pump),
                Some(ESCAPE) => self.desk.stop(pump),
                // Latin letters are their own symbols.
                Some(symbol @ 0x20..=0x7e) => self.desk.type_letter(pump, symbol as u8 as char),
                _ => {}
            },
            Event::ButtonPress(press) => {
                let (x, y) = (press.event_x - STOP.x, press.event_y - STOP.y);
                if (0..STOP.width as i16).contains(&x) && (0..STOP.height as i16).contains(&y) {
                    self.desk.stop(pump);
                }
            }
            Event::ClientMessage(message) if message.data.as_data32()[0] == self.delete_window => pump.quit(0),
            // By somebody who did not ask.
            Event::DestroyNotify(_) => pump.quit(0),
            Event::Expose(_) => {}
            _ => return,
        }
        self.is_painted = false;
    }

    fn on_message(&mut self, pump: &mut Pump<Note>, message: Message<Note>) {
        self.desk.handle(pump, message);
        self.is_painted = false;
    }

    fn key_symbol(&self, code: u8, state: KeyButMask) -> Option<u32> {
        let first = usize::from(code - self.display.setup().min_keycode);
        let shift = usize::from(state.contains(KeyButMask::SHIFT));
        self.keys.keysyms.get(first * usize::from(self.keys.keysyms_per_keycode) + shift).copied()
    }

    /// Paints if there is something new, and says whether it did.
    fn paint(&mut self) -> Result<bool, Box<dyn Error>> {
        if mem::replace(&mut self.is_painted, true) {
            return Ok(false);
        }
        self.display.poly_rectangle(self.window, self.context, &[STOP])?;
        self.display.image_text8(self.window, self.context, STOP.x + 18, STOP.y + 16, b"Stop")?;
        for (y, line) in (28..).step_by(24).zip(self.desk.lines()) {
            // What was longer before is painted over.
            let line = format!("{line:COLUMNS$.COLUMNS$}");
            self.display.image_text8(self.window, self.context, 12, y, line.as_bytes())?;
        }
        self.display.flush()?;
        self.desk.painted();
        Ok(true)
    }
}

/// Opens the window, and gives it with the means to paint in it.
fn open(display: &RustConnection, screen: &Screen, delete_window: u32) -> Result<(u32, u32), Box<dyn Error>> {
    let (window, context, font) = (display.generate_id()?, display.generate_id()?, display.generate_id()?);
    let wishes = CreateWindowAux::new()
        .background_pixel(screen.white_pixel)
        .event_mask(EventMask::EXPOSURE | EventMask::KEY_PRESS | EventMask::BUTTON_PRESS | EventMask::STRUCTURE_NOTIFY);
    let (depth, class) = (screen.root_depth, WindowClass::INPUT_OUTPUT);
    display.create_window(depth, window, screen.root, 60, 60, 460, 140, 0, class, screen.root_visual, &wishes)?;
    display.open_font(font, b"fixed")?;
    let colours = CreateGCAux::new().foreground(screen.black_pixel).background(screen.white_pixel).font(font);
    display.create_gc(context, window, &colours)?;
    let protocols = display.intern_atom(false, b"WM_PROTOCOLS")?.reply()?.atom;
    let (replace, title) = (PropMode::REPLACE, desk::TITLE.as_bytes());
    display.change_property8(replace, window, AtomEnum::WM_NAME, AtomEnum::STRING, title)?;
    display.change_property32(replace, window, protocols, AtomEnum::ATOM, &[delete_window])?;
    display.map_window(window)?;
    Ok((window, context))
}

fn start() -> Result<(), Box<dyn Error>> {
    let (display, screen) = x11rb::connect(None)?;
    let setup = display.setup();
    let keys = display.get_keyboard_mapping(setup.min_keycode, setup.max_keycode - setup.min_keycode + 1)?.reply()?;
    let delete_window = display.intern_atom(false, b"WM_DELETE_WINDOW")?.reply()?.atom;
    let (window, context) = open(&display, &setup.roots[screen], delete_window)?;
    let mut pump = Pump::with_settings(desk::settings()?)?;
    let desk = Desk::new(&mut pump)?;
    let mut program = Program { display: &display, window, context, keys, delete_window, desk, is_painted: false };
    run(&display, &mut pump, &mut program)
}

fn main() -> ExitCode {
    desk::end(start())
}
