//! The table of the rows. Only those that are seen are drawn, so a hundred thousand cost no more than thirty.

use std::collections::BTreeSet;
use std::time::Instant;

use eframe::egui::{self, Color32, RichText};
use egui_extras::{Column as Width, TableBuilder};
use msgpump::Pump;

use super::Model;
use crate::model::listing::{Column, Listing, Wish};
use crate::model::row::{Row, State};

const ROW_HEIGHT: f32 = 18.0;

#[derive(Default)]
pub struct Table {
    wish: Wish,
    listing: Listing,
    selected: BTreeSet<u32>,
    /// Where a selection of several begins: a place among the rows that are shown.
    anchor: usize,
    /// The list that the selection is of.
    rows: usize,
}

/// What is asked for a row by its button.
enum Action {
    Cancel(u32),
    Retry(u32),
}

impl Table {
    /// The rows that are selected, by their places in the list.
    pub fn selected(&self) -> &BTreeSet<u32> {
        &self.selected
    }

    pub fn show(&mut self, ui: &mut egui::Ui, pump: &mut Pump<()>, model: &mut Model) {
        if std::mem::replace(&mut self.rows, model.checks.rows().len()) != self.rows {
            self.selected.clear();
        }
        self.show_filter(ui, model);
        let now = Instant::now();
        let shown = self.listing.rows(&model.checks, &self.wish, now).len();
        if let Some(due) = self.listing.due(&model.checks, now) {
            ui.request_repaint_after(due);
        }
        let rows = model.checks.rows();
        let (mut clicked, mut action) = (None, None);
        let (listing, selected, wish) = (&mut self.listing, &self.selected, &mut self.wish);
        let table = TableBuilder::new(ui)
            .striped(true)
            .sense(egui::Sense::click())
            .column(Width::exact(52.0))
            .column(Width::initial(170.0).resizable(true).clip(true))
            .column(Width::exact(78.0))
            .column(Width::initial(120.0).resizable(true).clip(true))
            .column(Width::exact(54.0))
            .column(Width::exact(54.0))
            .column(Width::remainder().clip(true));
        let table = table.header(20.0, |mut header| {
            for column in Column::ALL {
                header.col(|ui| {
                    let arrow = match (wish.column == column, wish.is_descending) {
                        (false, _) => "",
                        (true, false) => " ^",
                        (true, true) => " v",
                    };
                    if ui.button(format!("{}{arrow}", column.text())).clicked() {
                        wish.sort_by(column);
                    }
                });
                if column == Column::Time {
                    header.col(|_| {});
                }
            }
        });
        let order = listing.rows(&model.checks, &self.wish, now);
        table.body(|body| {
            body.rows(ROW_HEIGHT, shown.min(order.len()), |mut drawn| {
                let place = drawn.index();
                let index = order[place];
                drawn.set_selected(selected.contains(&index));
                let asked = draw_row(&mut drawn, index, &rows[index as usize]);
                action = action.take().or(asked);
                if drawn.response().clicked() {
                    clicked = Some(place);
                }
            });
        });
        if let Some(place) = clicked {
            self.select(ui, model, place);
        }
        match action {
            Some(Action::Cancel(row)) => model.checks.cancel_rows(pump, [row]),
            Some(Action::Retry(row)) => {
                let outcome = model.checks.start_rows(pump, [row]);
                model.note(outcome);
            }
            None => {}
        }
    }

    fn show_filter(&mut self, ui: &mut egui::Ui, model: &Model) {
        ui.horizontal(|ui| {
            ui.add(egui::TextEdit::singleline(&mut self.wish.text).hint_text("filter").desired_width(180.0));
            let state = self.wish.state.map_or("all states", State::text);
            egui::ComboBox::from_id_salt("state").selected_text(state).show_ui(ui, |ui| {
                ui.selectable_value(&mut self.wish.state, None, "all states");
                for state in State::ALL {
                    let text = format!("{} ({})", state.text(), model.checks.count(state));
                    ui.selectable_value(&mut self.wish.state, Some(state), text);
                }
            });
            if ui.button("Select all shown").clicked() {
                self.selected = self.listing.rows(&model.checks, &self.wish, Instant::now()).iter().copied().collect();
            }
            if !self.selected.is_empty() && ui.button("Select none").clicked() {
                self.selected.clear();
            }
            ui.label(match self.selected.len() {
                0 => String::new(),
                selected => format!("{selected} selected"),
            });
        });
    }

    /// A click selects a row, with Ctrl one more or one less, with Shift all up to it.
    fn select(&mut self, ui: &egui::Ui, model: &Model, place: usize) {
        let order = self.listing.rows(&model.checks, &self.wish, Instant::now());
        let Some(&row) = order.get(place) else { return };
        let modifiers = ui.input(|input| input.modifiers);
        if modifiers.shift {
            let (first, last) = (place.min(self.anchor), place.max(self.anchor).min(order.len() - 1));
            self.selected = order[first.min(last)..=last].iter().copied().collect();
            return;
        }
        self.anchor = place;
        if !modifiers.command {
            self.selected = [row].into();
        } else if !self.selected.remove(&row) {
            self.selected.insert(row);
        }
    }
}

fn draw_row(drawn: &mut egui_extras::TableRow<'_, '_>, index: u32, row: &Row) -> Option<Action> {
    let label = |ui: &mut egui::Ui, text: RichText| {
        ui.add(egui::Label::new(text).selectable(false).truncate());
    };
    let mut action = None;
    drawn.col(|ui| label(ui, row.line.to_string().into()));
    drawn.col(|ui| label(ui, (&*row.text).into()));
    drawn.col(|ui| label(ui, RichText::new(row.state.text()).color(color(row.state))));
    drawn.col(|ui| label(ui, row.answer().into()));
    drawn.col(|ui| label(ui, row.milliseconds().map(|time| format!("{time:.1}")).unwrap_or_default().into()));
    drawn.col(|ui| match row.state {
        State::BadLine => {}
        State::Running | State::Waiting => {
            if ui.small_button("cancel").clicked() {
                action = Some(Action::Cancel(index));
            }
        }
        _ => {
            if ui.small_button("check").clicked() {
                action = Some(Action::Retry(index));
            }
        }
    });
    drawn.col(|ui| {
        let problem = row.problem.as_deref().unwrap_or_default();
        ui.add(egui::Label::new(problem).selectable(false).truncate());
    });
    action
}

fn color(state: State) -> Color32 {
    match state {
        State::BadLine | State::Failed => Color32::from_rgb(230, 90, 80),
        State::Running => Color32::from_rgb(90, 160, 240),
        State::Cancelled => Color32::from_rgb(220, 170, 70),
        State::Waiting | State::Idle => Color32::GRAY,
        State::Found | State::Connected => Color32::from_rgb(90, 190, 100),
    }
}
