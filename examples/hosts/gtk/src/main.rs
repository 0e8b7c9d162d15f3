//! Shows a window of GTK's, in whose main loop the pump is a guest.

use std::cell::RefCell;
use std::error::Error;
use std::os::fd::{AsFd, AsRawFd};
use std::process::ExitCode;
use std::rc::Rc;

use desk::{Desk, Note};
use gtk::glib::{ControlFlow, IOCondition, Priority};
use gtk::prelude::*;
use msgpump::{Budget, Hosted};

// ---- The glue: all that a program of GTK's needs beside its own code ----

/// Has GTK's main loop turn the pump whenever its descriptor is readable, after input and painting.
fn run_pump_in_main_loop(program: Rc<RefCell<Program>>) {
    let descriptor = program.borrow().pump.as_fd().as_raw_fd();
    glib_unix::unix_fd_add_local_full(descriptor, Priority::DEFAULT_IDLE, IOCondition::IN, move |_, _| {
        let program = &mut *program.borrow_mut();
        let pump = &mut *program.pump.lend();
        let _ = pump.turn(Budget::no_wait().messages(64)).expect("the system waits");
        // What is left over makes the descriptor readable.
        for _ in 0..64 {
            let Some(message) = pump.next_message() else { break };
            program.desk.handle(pump, message);
        }
        program.view.show(&program.desk);
        ControlFlow::Continue
    });
}

// ---- The program ----

struct Program {
    pump: Hosted<Note>,
    desk: Desk,
    view: View,
}

struct View {
    labels: [gtk::Label; 4],
}

impl View {
    fn show(&self, desk: &Desk) {
        for (label, line) in self.labels.iter().zip(&desk.lines()[1..]) {
            label.set_text(line);
        }
    }
}

fn open_window(application: &gtk::Application) -> Result<(), Box<dyn Error>> {
    let search = gtk::Entry::builder().placeholder_text("look up").hexpand(true).build();
    let stop = gtk::Button::with_label("Stop");
    let grid =
        gtk::Grid::builder().row_spacing(6).column_spacing(6).margin_start(10).margin_end(10).margin_top(10).build();
    grid.attach(&search, 0, 0, 1, 1);
    grid.attach(&stop, 1, 0, 1, 1);
    let labels = [1, 2, 3, 4].map(|row| {
        let label = gtk::Label::builder().xalign(0.0).build();
        grid.attach(&label, 0, row, 2, 1);
        label
    });
    let window = gtk::ApplicationWindow::builder().application(application).title(desk::TITLE).child(&grid).build();
    window.set_default_size(460, 170);

    let mut pump = Hosted::with_settings(desk::settings()?)?;
    let desk = Desk::new(&mut pump.lend())?;
    let program = Rc::new(RefCell::new(Program { pump, desk, view: View { labels } }));
    search.connect_changed({
        let program = program.clone();
        move |search| {
            let program = &mut *program.borrow_mut();
            program.desk.typed(&mut program.pump.lend(), search.text().into());
            program.view.show(&program.desk);
        }
    });
    stop.connect_clicked({
        let program = program.clone();
        move |_| {
            let program = &mut *program.borrow_mut();
            program.desk.stop(&mut program.pump.lend());
            program.view.show(&program.desk);
        }
    });
    window.connect_realize({
        let program = program.clone();
        move |window| {
            let clock = window.frame_clock().expect("a realized window has one");
            let program = program.clone();
            clock.connect_after_paint(move |_| program.borrow_mut().desk.painted());
        }
    });
    run_pump_in_main_loop(program);
    window.present();
    Ok(())
}

fn main() -> ExitCode {
    if let Err(error) = gtk::init() {
        return desk::end(Err(error.into()));
    }
    let application = gtk::Application::builder().flags(gtk::gio::ApplicationFlags::NON_UNIQUE).build();
    let opened = Rc::new(RefCell::new(Ok(())));
    application.connect_activate({
        let opened = opened.clone();
        move |application| {
            let outcome = open_window(application);
            if outcome.is_err() {
                application.quit();
            }
            *opened.borrow_mut() = outcome;
        }
    });
    // The command line is the desk's.
    application.run_with_args::<&str>(&[]);
    desk::end(opened.replace(Ok(())))
}
