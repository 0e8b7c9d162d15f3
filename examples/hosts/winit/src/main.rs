//! Shows a window of winit's, in whose event loop the pump is a guest.

mod canvas;

use std::error::Error;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::rc::Rc;
use std::thread;

use canvas::Canvas;
use desk::{Desk, Note};
use msgpump::{Budget, Hosted};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use winit::application::ApplicationHandler;
use winit::dpi::LogicalSize;
use winit::event::{ElementState, MouseButton, WindowEvent};
use winit::event_loop::{ActiveEventLoop, EventLoop, EventLoopProxy};
use winit::keyboard::{Key, NamedKey};
use winit::window::{Window, WindowId};

/// Where the Stop button is.
const STOP: [u32; 4] = [380, 10, 60, 24];

// ---- The glue: all that a program of winit's needs beside its own code ----

/// What winit's loop is told when the pump has something to do.
struct PumpIsReady;

/// Waits for the pump's descriptor, since winit waits for no descriptors but its own: a thread that sleeps. It tells
/// the loop, and waits for the word that the pump was turned before it looks again. It ends when what the word is given
/// through is dropped.
fn wake_loop(pump: &Hosted<Note>, proxy: EventLoopProxy<PumpIsReady>) -> Result<UnixStream, Box<dyn Error>> {
    let descriptor = pump.as_fd().try_clone_to_owned()?;
    let (turned, was_turned) = UnixStream::pair()?;
    thread::spawn(move || {
        let wait =
            || poll(&mut [PollFd::new(&descriptor, PollFlags::IN), PollFd::new(&was_turned, PollFlags::IN)], None);
        // A signal may interrupt the wait; then the loop looks in vain, once.
        while matches!(wait(), Ok(_) | Err(Errno::INTR))
            && proxy.send_event(PumpIsReady).is_ok()
            && (&was_turned).read_exact(&mut [0]).is_ok()
        {}
    });
    Ok(turned)
}

impl Program {
    /// Turns the pump, bounded so that input and painting have their turn too; what is left over makes the descriptor
    /// readable.
    fn run_pump(&mut self) {
        let pump = &mut *self.pump.lend();
        let _ = pump.turn(Budget::no_wait().messages(64)).expect("the system waits");
        for _ in 0..64 {
            let Some(message) = pump.next_message() else { break };
            self.desk.handle(pump, message);
        }
    }
}

impl ApplicationHandler<PumpIsReady> for Program {
    fn user_event(&mut self, _: &ActiveEventLoop, _: PumpIsReady) {
        self.run_pump();
        // After the loan, so that the thread finds the descriptor right. It is there as long as this end.
        let _ = self.turned.write_all(&[0]);
        self.repaint();
    }

    // ---- The program ----

    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        let wishes = Window::default_attributes().with_title(desk::TITLE).with_inner_size(LogicalSize::new(460, 140));
        let window = Rc::new(event_loop.create_window(wishes).expect("the display has room for a window"));
        self.canvas = Some(Canvas::new(event_loop.owned_display_handle(), window));
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        match event {
            WindowEvent::CloseRequested => return event_loop.exit(),
            WindowEvent::RedrawRequested => return self.paint(),
            WindowEvent::CursorMoved { position, .. } => {
                self.pointer = (position.x as u32, position.y as u32);
                return;
            }
            WindowEvent::MouseInput { state: ElementState::Pressed, button: MouseButton::Left, .. } => {
                let ([x, y, width, height], (at_x, at_y)) = (STOP, self.pointer);
                if (x..x + width).contains(&at_x) && (y..y + height).contains(&at_y) {
                    self.desk.stop(&mut self.pump.lend());
                }
            }
            WindowEvent::KeyboardInput { event, .. } if event.state == ElementState::Pressed => {
                let pump = &mut *self.pump.lend();
                match &event.logical_key {
                    Key::Named(NamedKey::Backspace) => self.desk.erase(pump),
                    Key::Named(NamedKey::Escape) => self.desk.stop(pump),
                    _ => event.text.iter().flat_map(|text| text.chars()).for_each(|letter| {
                        self.desk.type_letter(pump, letter);
                    }),
                }
            }
            _ => return,
        }
        self.repaint();
    }
}

struct Program {
    pump: Hosted<Note>,
    turned: UnixStream,
    desk: Desk,
    canvas: Option<Canvas>,
    pointer: (u32, u32),
}

impl Program {
    fn repaint(&self) {
        if let Some(canvas) = &self.canvas {
            canvas.window.request_redraw();
        }
    }

    fn paint(&mut self) {
        let Some(canvas) = &mut self.canvas else { return };
        canvas.paint(|picture| {
            picture.frame(STOP);
            picture.text(STOP[0] + 14, STOP[1] + 8, "Stop");
            for (y, line) in (18..).step_by(24).zip(self.desk.lines()) {
                picture.text(12, y, &line);
            }
        });
        self.desk.painted();
    }
}

fn start() -> Result<(), Box<dyn Error>> {
    let event_loop = EventLoop::<PumpIsReady>::with_user_event().build()?;
    let mut pump = Hosted::with_settings(desk::settings()?)?;
    let desk = Desk::new(&mut pump.lend())?;
    let turned = wake_loop(&pump, event_loop.create_proxy())?;
    event_loop.run_app(&mut Program { pump, turned, desk, canvas: None, pointer: (0, 0) })?;
    Ok(())
}

fn main() -> ExitCode {
    desk::end(start())
}
