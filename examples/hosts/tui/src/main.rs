//! Shows a program in a terminal. The pump owns the loop and watches the terminal and the signals: of another size, of
//! being stopped and going on (Ctrl-Z, `fg`), of being asked to end. However it ends, the terminal is as it was before.

use std::error::Error;
use std::io;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

use desk::{Desk, Note};
use msgpump::{Interest, OperationId, Payload, Pump, Timer};
use ratatui::DefaultTerminal;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::Style;
use ratatui::widgets::{Block, Paragraph};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;
use signal_hook::low_level::{emulate_default_handler, raise};
use termwiz::input::{InputEvent, InputParser, KeyCode, KeyEvent, Modifiers};

const SIGNALS: [i32; 6] = [SIGWINCH, SIGTSTP, SIGCONT, SIGTERM, SIGINT, SIGHUP];

/// How long the Escape byte stands alone before it is a key, and not the beginning of another key's bytes.
const ESCAPE_STANDS_ALONE: Duration = Duration::from_millis(25);

// ---- The glue: all that a program in a terminal needs beside its own code ----

/// Gives every key and message to `program`, and sleeps in the pump in between.
fn run(terminal: &mut DefaultTerminal, pump: &mut Pump<Note>, program: &mut Program) -> Result<(), Box<dyn Error>> {
    let root = pump.root_window();
    let (told, teller) = UnixStream::pair()?;
    let mut signals = SignalDelivery::with_pipe(told, teller, SignalOnly, SIGNALS)?;
    let keys = pump.watch_descriptor(root, io::stdin(), Interest::READABLE)?;
    let told = pump.watch_descriptor(root, signals.get_read(), Interest::READABLE)?;
    let (mut parser, mut bytes) = (InputParser::new(), [0; 4096]);
    let mut escape: Option<OperationId> = None;
    program.paint(terminal)?;
    while let Some(message) = pump.get_message()? {
        match message.payload {
            Payload::Ready(_) if message.operation == Some(keys.id()) => {
                // One read, of what is there: it does not block.
                let length = rustix::io::read(io::stdin(), &mut bytes)?;
                if length == 0 {
                    return Ok(()); // the terminal is gone
                }
                parser.parse(&bytes[..length], |event| program.on_input(pump, &event), true);
                if let Some(before) = escape.take() {
                    pump.cancel(before);
                }
                escape = Some(pump.set_timer(root, Timer::once(ESCAPE_STANDS_ALONE))?);
                pump.rearm(keys, Interest::READABLE)?;
            }
            Payload::Ready(_) => {
                for signal in signals.pending() {
                    on_signal(signal, terminal, pump)?;
                }
                pump.rearm(told, Interest::READABLE)?;
            }
            Payload::Tick(_) if message.operation == escape => {
                parser.parse(&[], |event| program.on_input(pump, &event), false);
            }
            _ => program.desk.handle(pump, message),
        }
        // One painting for all that waits.
        if pump.peek_message().is_none() {
            program.paint(terminal)?;
        }
    }
    Ok(())
}

/// Gives the terminal back where the program is put aside, and takes it anew where it goes on.
fn on_signal(signal: i32, terminal: &mut DefaultTerminal, pump: &mut Pump<Note>) -> io::Result<()> {
    match signal {
        SIGWINCH => {} // it is painted anew all the same
        SIGTSTP => {
            ratatui::try_restore()?;
            emulate_default_handler(SIGTSTP)?; // returns when it is to go on
        }
        SIGCONT => {
            // Others had the terminal meanwhile, and left it in whatever mode.
            ratatui::try_restore()?;
            *terminal = ratatui::try_init()?;
        }
        _ => pump.quit(0),
    }
    Ok(())
}

// ---- The program ----

struct Program {
    desk: Desk,
}

impl Program {
    fn on_input(&mut self, pump: &mut Pump<Note>, event: &InputEvent) {
        let InputEvent::Key(KeyEvent { key, modifiers }) = event else { return };
        match key {
            KeyCode::Char('c' | 'C') if modifiers.contains(Modifiers::CTRL) => pump.quit(0),
            // A terminal that gives every key gives this one too, instead of the signal.
            KeyCode::Char('z' | 'Z') if modifiers.contains(Modifiers::CTRL) => {
                raise(SIGTSTP).expect("a signal that there is");
            }
            KeyCode::Char(letter) if !modifiers.intersects(Modifiers::CTRL | Modifiers::ALT) => {
                self.desk.type_letter(pump, *letter)
            }
            KeyCode::Backspace => self.desk.erase(pump),
            KeyCode::Escape => self.desk.stop(pump),
            _ => {}
        }
    }

    fn paint(&mut self, terminal: &mut DefaultTerminal) -> io::Result<()> {
        let [search, rest @ ..] = self.desk.lines();
        terminal.draw(|frame| {
            let [box_area, rest_area] =
                Layout::vertical([Constraint::Length(3), Constraint::Min(0)]).areas(frame.area());
            let block = Block::bordered().title(desk::TITLE).title_bottom(" Esc: stop   Ctrl-C: end ");
            frame.render_widget(Paragraph::new(search).block(block).style(Style::new().bold()), box_area);
            frame.render_widget(Paragraph::new(rest.join("\n")), rest_area);
        })?;
        self.desk.painted();
        Ok(())
    }
}

fn start() -> Result<(), Box<dyn Error>> {
    let mut pump = Pump::with_settings(desk::settings()?)?;
    let mut program = Program { desk: Desk::new(&mut pump)? };
    let mut terminal = ratatui::try_init()?;
    let ended = run(&mut terminal, &mut pump, &mut program);
    ratatui::try_restore()?;
    ended
}

fn main() -> ExitCode {
    desk::end(start())
}
