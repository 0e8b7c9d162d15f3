//! The tab with the machine's own network adapters, routes and processes.

use eframe::egui;
use egui_extras::{Column, TableBuilder};

use crate::model::machine::{Machine, Table};

const ROW_HEIGHT: f32 = 18.0;

pub fn show(ui: &mut egui::Ui, machine: &Machine) {
    egui::ScrollArea::vertical().show(ui, |ui| {
        for table in &machine.tables {
            let title = format!("{} ({}, answered {} times)", table.title, table.rows.len(), table.answers);
            egui::CollapsingHeader::new(title).id_salt(table.title).default_open(true).show(ui, |ui| {
                if let Some(problem) = &table.problem {
                    ui.colored_label(egui::Color32::LIGHT_RED, problem);
                }
                ui.push_id(table.title, |ui| show_table(ui, table));
            });
        }
    });
}

fn show_table(ui: &mut egui::Ui, table: &Table) {
    let last = table.columns.len() - 1;
    TableBuilder::new(ui)
        .striped(true)
        .max_scroll_height(ROW_HEIGHT * 14.0)
        .auto_shrink([false, true])
        .columns(Column::initial(120.0).resizable(true).clip(true), last)
        .column(Column::remainder().clip(true))
        .header(20.0, |mut header| {
            for column in &table.columns {
                header.col(|ui| {
                    ui.strong(*column);
                });
            }
        })
        .body(|body| {
            body.rows(ROW_HEIGHT, table.rows.len(), |mut row| {
                for cell in &table.rows[row.index()] {
                    row.col(|ui| {
                        ui.add(egui::Label::new(cell).truncate());
                    });
                }
            });
        });
}
