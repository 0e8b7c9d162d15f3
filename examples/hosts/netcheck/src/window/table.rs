//! The table of the rows. Only those that are seen are drawn, so a hundred thousand cost no more than thirty.

use std::collections::BTreeSet;
use std::time::Instant;

use eframe::egui::text::{LayoutJob, TextWrapping};
use eframe::egui::{self, Color32, Rect, TextStyle, pos2, vec2};
use egui_extras::{Column as Width, TableBuilder};
use msgpump::Pump;

use super::Model;
use crate::model::listing::{Column, Listing, Wish};
use crate::model::row::{Row, State};

const ROW_HEIGHT: f32 = 21.0;

#[derive(Default)]
pub struct Table {
    wish: Wish,
    listing: Listing,
    selected: BTreeSet<u32>,
    /// Where a selection of several begins: a place among the rows that are shown.
    anchor: usize,
    /// The list that the selection is of.
    list: u64,
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
        if std::mem::replace(&mut self.list, model.checks.list()) != self.list {
            self.selected.clear();
        }
        self.show_filter(ui, model);
        let now = Instant::now();
        let shown = self.listing.rows(&model.checks, &self.wish, now).len();
        if let Some(due) = self.listing.due(&model.checks, now) {
            ui.request_repaint_after(due);
        }
        let rows = model.checks.rows();
        let mut clicked = Clicked::default();
        let (listing, selected, wish) = (&mut self.listing, &self.selected, &mut self.wish);
        let table = TableBuilder::new(ui)
            .auto_shrink([false, true])
            .column(Width::exact(52.0).clip(false)) // All columns are drawn from here.
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
        table.body(|mut body| {
            let widths = body.widths().to_vec();
            // One cell as high as all rows, of which those are drawn that are seen.
            let height = shown.min(order.len()) as f32 * ROW_HEIGHT;
            body.row(height, |mut all| {
                all.col(|ui| clicked = draw_rows(ui, &widths, rows, order, selected));
            });
        });
        if let Some(place) = clicked.row {
            self.select(ui, model, place, now);
        }
        match clicked.button {
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
    fn select(&mut self, ui: &egui::Ui, model: &Model, place: usize, now: Instant) {
        // As it was drawn: by now it might be another order already.
        let order = self.listing.rows(&model.checks, &self.wish, now);
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

/// What was asked for by a click: the place of a row, and what a row's button says.
#[derive(Default)]
struct Clicked {
    row: Option<usize>,
    button: Option<Action>,
}

enum Cell {
    Text(String, Color32),
    Button(&'static str, Action),
    Empty,
}

/// Draws the rows that are seen, in one go: their texts, shortened to their columns, are painted where they belong, and one
/// area takes the clicks on all of them. A widget and a clip for each cell would cost more than all else in a frame.
fn draw_rows(ui: &mut egui::Ui, widths: &[f32], rows: &[Row], order: &[u32], selected: &BTreeSet<u32>) -> Clicked {
    let (seen, corner) = (ui.clip_rect(), ui.max_rect().left_top());
    let place_at = |y: f32| ((y - corner.y) / ROW_HEIGHT).max(0.0) as usize;
    // Before the buttons, which are above it.
    let area = ui.interact(seen, ui.scope_id().with("rows"), egui::Sense::click());
    let hovered = area.hover_pos().map(|position| place_at(position.y));
    let row = area.interact_pointer_pos().filter(|_| area.clicked()).map(|position| place_at(position.y));
    let mut clicked = Clicked { row, button: None };
    let ends = place_at(seen.bottom()).saturating_add(1);
    for (place, &index) in order.iter().enumerate().take(ends).skip(place_at(seen.top())) {
        let corner = corner + vec2(0.0, place as f32 * ROW_HEIGHT);
        let line = Rect::from_min_max(corner, pos2(seen.right(), corner.y + ROW_HEIGHT));
        let visuals = ui.visuals();
        let (fill, text_color) = if selected.contains(&index) {
            (visuals.selection.bg_fill, visuals.selection.stroke.color)
        } else if hovered == Some(place) {
            (visuals.widgets.hovered.bg_fill, visuals.text_color())
        } else if place % 2 == 0 {
            (visuals.faint_bg_color, visuals.text_color())
        } else {
            (Color32::TRANSPARENT, visuals.text_color())
        };
        ui.painter().rect_filled(line, 0.0, fill);
        let mut left = line.left();
        for (cell, &width) in cells(index, &rows[index as usize], text_color).into_iter().zip(widths) {
            let space = Rect::from_min_size(pos2(left, line.top()), vec2(width, ROW_HEIGHT));
            match cell {
                Cell::Text(text, color) => draw_text(ui, space, text, color),
                Cell::Button(text, action) => {
                    // It belongs to the row, wherever that comes to be while it is pressed.
                    let centered = egui::Layout::left_to_right(egui::Align::Center);
                    let builder = egui::UiBuilder::new().id_salt(index).max_rect(space).layout(centered);
                    if ui.scope_builder(builder, |ui| ui.small_button(text).clicked()).inner {
                        clicked.button = Some(action);
                    }
                }
                Cell::Empty => {}
            }
            left += width + ui.spacing().item_spacing.x;
        }
    }
    clicked
}

fn cells(index: u32, row: &Row, color: Color32) -> [Cell; 7] {
    let button = match row.state {
        State::BadLine => Cell::Empty,
        State::Running | State::Waiting => Cell::Button("cancel", Action::Cancel(index)),
        _ => Cell::Button("check", Action::Retry(index)),
    };
    [
        Cell::Text(row.line.to_string(), color),
        Cell::Text(row.text.to_string(), color),
        Cell::Text(row.state.text().into(), state_color(row.state)),
        Cell::Text(row.answer(), color),
        row.milliseconds().map_or(Cell::Empty, |time| Cell::Text(format!("{time:.1}"), color)),
        button,
        row.problem.as_ref().map_or(Cell::Empty, |problem| Cell::Text(problem.to_string(), color)),
    ]
}

/// Draws a text, shortened to its space.
fn draw_text(ui: &egui::Ui, space: Rect, text: String, color: Color32) {
    let mut job = LayoutJob::simple_singleline(text, TextStyle::Body.resolve(ui.style()), color);
    job.wrap = TextWrapping::truncate_at_width(space.width());
    let galley = ui.painter().layout_job(job);
    let corner = pos2(space.left(), space.center().y - galley.size().y / 2.0);
    ui.painter().galley(corner, galley, color);
}

fn state_color(state: State) -> Color32 {
    match state {
        State::BadLine | State::Failed => Color32::from_rgb(230, 90, 80),
        State::Running => Color32::from_rgb(90, 160, 240),
        State::Cancelled => Color32::from_rgb(220, 170, 70),
        State::Waiting | State::Idle => Color32::GRAY,
        State::Found | State::Connected => Color32::from_rgb(90, 190, 100),
    }
}
