//! Shows a window of egui's, drawn by eframe, in whose event loop the pump is a guest.

use std::error::Error;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use desk::{Desk, Note};
use eframe::egui;
use msgpump::{Budget, Hosted};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

// ---- The glue: all that a program of egui's needs beside its own code ----

/// Waits for the pump's descriptor, since eframe waits for none: a thread that sleeps. It asks for a frame, and waits
/// for the word that the pump was turned before it looks again. It ends when what the word is given through is dropped.
fn wake_frames(pump: &Hosted<Note>, context: egui::Context) -> Result<(Receiver<()>, UnixStream), Box<dyn Error>> {
    let descriptor = pump.as_fd().try_clone_to_owned()?;
    let (ready, is_ready) = channel();
    let (turned, was_turned) = UnixStream::pair()?;
    thread::spawn(move || {
        let wait =
            || poll(&mut [PollFd::new(&descriptor, PollFlags::IN), PollFd::new(&was_turned, PollFlags::IN)], None);
        // A signal may interrupt the wait; then a frame looks in vain, once.
        while matches!(wait(), Ok(_) | Err(Errno::INTR)) && ready.send(()).is_ok() {
            context.request_repaint();
            if (&was_turned).read_exact(&mut [0]).is_err() {
                return;
            }
        }
    });
    Ok((is_ready, turned))
}

impl Program {
    /// Turns the pump if it has something to do. A frame that is drawn for another reason costs nothing.
    fn run_pump(&mut self) {
        if self.is_ready.try_recv().is_err() {
            return;
        }
        let mut pump = self.pump.lend();
        let _ = pump.turn(Budget::no_wait().messages(64)).expect("the system waits");
        // What is left over makes the descriptor readable.
        for _ in 0..64 {
            let Some(message) = pump.next_message() else { break };
            self.desk.handle(&mut pump, message);
        }
        drop(pump);
        // After the loan, so that the thread finds the descriptor right. It is there as long as this end.
        let _ = self.turned.write_all(&[0]);
    }
}

// ---- The program ----

struct Program {
    pump: Hosted<Note>,
    is_ready: Receiver<()>,
    turned: UnixStream,
    desk: Desk,
    text: String,
    is_typed: bool,
}

impl Program {
    fn new(context: &egui::Context) -> Result<Program, Box<dyn Error>> {
        let mut pump = Hosted::with_settings(desk::settings()?)?;
        let desk = Desk::new(&mut pump.lend())?;
        let (is_ready, turned) = wake_frames(&pump, context.clone())?;
        Ok(Program { pump, is_ready, turned, desk, text: String::new(), is_typed: false })
    }

    fn show_search(&mut self, ui: &mut egui::Ui) {
        if ui.button("Stop").clicked() {
            self.desk.stop(&mut self.pump.lend());
        }
        let search =
            ui.add(egui::TextEdit::singleline(&mut self.text).hint_text("look up").desired_width(f32::INFINITY));
        if ui.memory(|memory| memory.focused().is_none()) {
            search.request_focus();
        }
        if search.changed() {
            self.desk.typed(&mut self.pump.lend(), self.text.clone());
            self.is_typed = true;
            // One frame more, whose beginning tells that this one is on the screen.
            ui.ctx().request_repaint();
        }
    }
}

impl eframe::App for Program {
    // Called before each frame, and also while the window is hidden.
    fn logic(&mut self, _: &egui::Context, _: &mut eframe::Frame) {
        if std::mem::take(&mut self.is_typed) {
            self.desk.painted();
        }
        self.run_pump();
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        egui::Frame::new().inner_margin(10).show(ui, |ui| {
            ui.horizontal(|ui| self.show_search(ui));
            for line in &self.desk.lines()[1..] {
                ui.label(line);
            }
        });
    }
}

fn main() -> ExitCode {
    let viewport = egui::ViewportBuilder::default().with_inner_size([460.0, 140.0]);
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    let creator: eframe::AppCreator = Box::new(|creation| match Program::new(&creation.egui_ctx) {
        Ok(program) => Ok(Box::new(program)),
        Err(error) => Err(error.to_string().into()), // eframe wants one that may go to other threads
    });
    let ended = eframe::run_native(desk::TITLE, options, creator);
    desk::end(ended.map_err(Into::into))
}
