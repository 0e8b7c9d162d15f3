//! The bar at the top: where the list comes from and goes to, what is done with it, and how far that is.

use std::path::{Path, PathBuf};

use eframe::egui::{self, Key};
use msgpump::{Pump, ResolverConfigError};

use super::Model;
use super::journal::Journal;
use super::table::Table;
use crate::headless::summary;
use crate::model::export::{Export, Format};
use crate::model::row::State;

pub struct Bar {
    list: String,
    export: String,
    /// Whether a field had the keyboard when the frame before was drawn.
    is_typing: bool,
}

/// What a button or its key asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Start,
    CancelAll,
    RetryFailed,
    CancelSelected,
    RetrySelected,
}

const ACTIONS: [(Action, &str, Option<Key>); 5] = [
    (Action::Start, "Check", Some(Key::F5)),
    (Action::CancelAll, "Cancel all", Some(Key::Escape)),
    (Action::RetryFailed, "Retry failed", Some(Key::F6)),
    (Action::CancelSelected, "Cancel selected", Some(Key::F7)),
    (Action::RetrySelected, "Retry selected", Some(Key::F8)),
];

impl Bar {
    pub fn new(list: Option<&Path>) -> Bar {
        let list = list.map(|path| path.display().to_string()).unwrap_or_default();
        Bar { list, export: "netcheck".into(), is_typing: false }
    }

    pub fn show(
        &mut self,
        ui: &mut egui::Ui,
        pump: &mut Pump<()>,
        model: &mut Model,
        table: &mut Table,
        journal: &mut Journal,
    ) {
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let path = ui.add(egui::TextEdit::singleline(&mut self.list).hint_text("a list").desired_width(220.0));
            let is_entered = path.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if ui.button("Open").clicked() || is_entered {
                model.loading.open(pump, PathBuf::from(&self.list));
            }
            if ui.button("Paste").on_hover_text("also Ctrl-V: a list, a host in each line").clicked() {
                ui.ctx().memory_mut(|memory| memory.stop_text_input());
                ui.send_viewport_cmd(egui::ViewportCommand::RequestPaste);
            }
            ui.separator();
            ui.add(egui::TextEdit::singleline(&mut self.export).desired_width(180.0));
            for (format, text) in [(Format::Csv, "Export CSV"), (Format::Json, "Export JSON")] {
                let is_possible = model.export.is_none() && !self.export.is_empty();
                if ui.add_enabled(is_possible, egui::Button::new(text)).clicked() {
                    let path = format.file_named(&self.export);
                    match Export::begin(&path, format) {
                        Ok(export) => model.export = Some(export),
                        Err(error) => model.notice = format!("writing {}: {error}", path.display()),
                    }
                    ui.request_repaint();
                }
            }
        });
        // Escape is meant for the field or the menu that is open, if there is one. The field has let go of the keyboard by now.
        let was_typing = std::mem::replace(&mut self.is_typing, ui.ctx().egui_wants_keyboard_input());
        let is_escape_taken = was_typing || egui::Popup::is_any_open(ui.ctx());
        ui.horizontal(|ui| {
            for (action, text, key) in ACTIONS {
                let button = ui.add_enabled(is_possible(action, model, table), egui::Button::new(text));
                let is_taken = key == Some(Key::Escape) && is_escape_taken;
                let is_pressed = !is_taken && key.is_some_and(|key| ui.input(|input| input.key_pressed(key)));
                let hint = key.map(Key::name).unwrap_or_default();
                if button.on_hover_text(hint).clicked() || is_pressed {
                    let outcome = perform(action, pump, model, table, journal);
                    model.note(outcome);
                }
            }
        });
        let (done, all) = model.checks.progress();
        let text = match model.checks.outage() {
            Some(_) => format!("no name server can be reached, trying again; {}", summary(&model.checks)),
            None => summary(&model.checks),
        };
        ui.add(egui::ProgressBar::new(done as f32 / all.max(1) as f32).text(text));
    }
}

fn is_possible(action: Action, model: &Model, table: &Table) -> bool {
    let count = |state| model.checks.count(state);
    match action {
        Action::Start => count(State::Idle) + count(State::Cancelled) > 0,
        Action::CancelAll => !model.checks.is_at_rest(),
        Action::RetryFailed => count(State::Failed) > 0,
        Action::CancelSelected | Action::RetrySelected => !table.selected().is_empty(),
    }
}

fn perform(
    action: Action,
    pump: &mut Pump<()>,
    model: &mut Model,
    table: &Table,
    journal: &mut Journal,
) -> Result<(), ResolverConfigError> {
    let checks = &mut model.checks;
    match action {
        Action::Start => checks.start(pump),
        Action::RetryFailed => checks.retry_failed(pump),
        Action::RetrySelected => checks.start_rows(pump, table.selected().iter().copied()),
        Action::CancelSelected => {
            checks.cancel_rows(pump, table.selected().iter().copied());
            Ok(())
        }
        Action::CancelAll => {
            let began = std::time::Instant::now();
            let swept = checks.cancel_all(pump);
            journal.cancelled(swept, began.elapsed());
            Ok(())
        }
    }
}
