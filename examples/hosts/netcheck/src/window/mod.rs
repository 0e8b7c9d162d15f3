//! The window.

mod bar;
mod guest;
mod journal;
mod loading;
mod machine;
mod plot;
mod settings;
mod table;

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use eframe::egui::{self, Color32};
use msgpump::wbem::Received;
use msgpump::{Message, Pump};

use crate::arguments::Arguments;
use crate::model::checks::Checks;
use crate::model::export::Export;
use crate::model::machine::Machine;

use bar::Bar;
use guest::Guest;
use journal::Journal;
use loading::Loading;
use plot::Plot;
use settings::Panel;
use table::Table;

pub const TITLE: &str = "netcheck";

/// How many rows of an export are written in a frame.
const EXPORTED_PER_FRAME: usize = 2_000;

/// Opens the window, and returns when it is closed.
pub fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let viewport = egui::ViewportBuilder::default().with_inner_size([800.0, 560.0]);
    // Without graphics hardware each pixel counts, and there are no gradients that would show bands.
    let options = eframe::NativeOptions { viewport, dithering: false, ..Default::default() };
    let creator: eframe::AppCreator = Box::new(|creation| match Program::new(&creation.egui_ctx, arguments) {
        Ok(program) => Ok(Box::new(program)),
        Err(error) => Err(error.to_string().into()), // eframe wants one that may go to other threads
    });
    eframe::run_native(TITLE, options, creator)
        .map_err(|error| format!("{error}. Without a window: --list FILE --csv OUT"))?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tab {
    Hosts,
    Times,
    Machine,
}

struct Program {
    guest: Guest,
    model: Model,
    tab: Tab,
    bar: Bar,
    table: Table,
    plot: Plot,
    panel: Panel,
    journal: Journal,
}

/// What the program is about, without its looks.
struct Model {
    checks: Checks,
    machine: Machine,
    loading: Loading,
    export: Option<Export>,
    /// What went wrong or was done last.
    notice: String,
}

impl Model {
    /// Shows what went wrong, if something did.
    fn note(&mut self, outcome: Result<(), impl ToString>) {
        if let Err(error) = outcome {
            self.notice = error.to_string();
        }
    }

    /// Takes in a message of the pump.
    fn handle(&mut self, pump: &mut Pump<()>, message: Message<()>) {
        match self.machine.server().clone().translate(pump, message) {
            Some(Received::Sink(message)) => self.machine.handle_sink(pump, message),
            Some(Received::Other(mut message)) => match self.loading.finish(&mut message) {
                Some(Ok(rows)) => {
                    self.notice = format!("{} rows", rows.len());
                    let before = self.checks.load(pump, rows);
                    if let Some(export) = &mut self.export {
                        export.keep(before);
                    }
                    if self.loading.starts_at_once() {
                        let started = self.checks.start(pump);
                        self.note(started);
                    }
                }
                Some(Err(problem)) => self.notice = problem,
                None => {
                    self.machine.handle(pump, &message);
                    self.checks.handle(pump, message);
                }
            },
            None => {}
        }
    }

    /// Writes some rows more of an export, and says whether there are others.
    fn export_some(&mut self) -> bool {
        let Some(export) = &mut self.export else { return false };
        let path = export.path().display().to_string();
        match export.step(self.checks.rows(), EXPORTED_PER_FRAME) {
            Ok(false) => return true,
            Ok(true) => self.notice = format!("{path} is written"),
            Err(error) => self.notice = format!("writing {path}: {error}"),
        }
        self.export = None;
        false
    }
}

impl Program {
    fn new(context: &egui::Context, arguments: Arguments) -> Result<Program, Box<dyn Error>> {
        let mut guest = Guest::new(context.clone())?;
        let mut pump = guest.lend();
        let panel = Panel::new(&arguments.options);
        let mut model = Model {
            checks: Checks::new(&mut pump, arguments.options)?,
            machine: Machine::new(&mut pump)?,
            loading: Loading::new(arguments.start),
            export: None,
            notice: "open a list, drop a file here, or paste one".into(),
        };
        if let Some(path) = &arguments.list {
            model.loading.open(&mut pump, path.clone());
        }
        drop(pump);
        let (bar, journal) = (Bar::new(arguments.list.as_deref()), Journal::new(arguments.log.as_deref())?);
        let (table, plot) = Default::default();
        Ok(Program { guest, model, tab: Tab::Hosts, bar, table, plot, panel, journal })
    }

    fn show_tabs(&mut self, ui: &mut egui::Ui) {
        ui.horizontal(|ui| {
            for (tab, title) in [(Tab::Hosts, "Hosts"), (Tab::Times, "Times"), (Tab::Machine, "This machine")] {
                ui.selectable_value(&mut self.tab, tab, title);
            }
            ui.toggle_value(&mut self.panel.is_open, "Settings");
            ui.label(&self.model.notice);
        });
    }
}

impl eframe::App for Program {
    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }

    // Called before each frame, and also while the window is hidden.
    fn logic(&mut self, context: &egui::Context, _: &mut eframe::Frame) {
        self.journal.frame(&self.model.checks);
        let model = &mut self.model;
        if let Err(error) = self.guest.run(|pump, message| model.handle(pump, message)) {
            self.model.notice = error.to_string();
        }
        if self.model.export_some() {
            context.request_repaint();
        }
        self.journal.look(context, &self.model.checks);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        let mut pump = self.guest.lend();
        self.model.machine.set_watched(&mut pump, self.tab == Tab::Machine);
        self.model.loading.take_input(ui.ctx(), &mut pump);
        drop(pump);
        // The window is cleared in their colour; to fill them would draw each pixel once more.
        let style = ui.style();
        let side = egui::Frame::side_top_panel(style).fill(Color32::TRANSPARENT);
        let central = egui::Frame::central_panel(style).fill(Color32::TRANSPARENT);
        egui::Panel::top("bar").frame(side).show(ui, |ui| {
            let mut pump = self.guest.lend();
            self.bar.show(ui, &mut pump, &mut self.model, &mut self.table, &mut self.journal);
            drop(pump);
            self.show_tabs(ui);
        });
        if self.panel.is_open {
            egui::Panel::right("settings").resizable(false).frame(side).show(ui, |ui| {
                let options = self.panel.show(ui, self.model.checks.options());
                if let Some(options) = options {
                    let outcome = self.model.checks.set_options(&mut self.guest.lend(), options);
                    self.model.notice = "the settings count from now on".into();
                    self.model.note(outcome);
                }
            });
        }
        egui::CentralPanel::default().frame(central).show(ui, |ui| match self.tab {
            Tab::Hosts => self.table.show(ui, &mut self.guest.lend(), &mut self.model),
            Tab::Times => self.plot.show(ui, &self.model.checks, Instant::now()),
            Tab::Machine => machine::show(ui, &self.model.machine),
        });
    }
}
