//! The panel of settings: texts while they are typed, options when they are applied.

use std::time::Duration;

use eframe::egui;

use crate::arguments::server;
use crate::model::options::{Options, PARALLEL_MAX};

pub struct Panel {
    pub is_open: bool,
    server: String,
    timeout: f64,
    attempts: u32,
    parallel: usize,
    connect: bool,
    port: String,
    deadline: f64,
    problem: String,
}

impl Panel {
    pub fn new(options: &Options) -> Panel {
        Panel {
            is_open: false,
            server: options.server.map(|server| server.to_string()).unwrap_or_default(),
            timeout: options.timeout.as_secs_f64(),
            attempts: options.attempts,
            parallel: options.parallel,
            connect: options.connect,
            port: options.port.map(|port| port.to_string()).unwrap_or_default(),
            deadline: options.connect_deadline.as_secs_f64(),
            problem: String::new(),
        }
    }

    /// Shows the panel, and gives the options when they are to be applied.
    pub fn show(&mut self, ui: &mut egui::Ui, current: &Options) -> Option<Options> {
        ui.label("Name server");
        ui.add(egui::TextEdit::singleline(&mut self.server).hint_text("of the machine").desired_width(150.0));
        ui.label("Seconds for an answer");
        ui.add(egui::DragValue::new(&mut self.timeout).range(0.05..=30.0).speed(0.05));
        ui.label("Attempts at each name server");
        ui.add(egui::DragValue::new(&mut self.attempts).range(1..=5));
        ui.label("At a time");
        ui.add(egui::DragValue::new(&mut self.parallel).range(1..=PARALLEL_MAX));
        ui.separator();
        ui.checkbox(&mut self.connect, "Connect");
        ui.label("Port, if the row has none");
        ui.add(egui::TextEdit::singleline(&mut self.port).hint_text("none").desired_width(60.0));
        ui.label("Seconds for a connect");
        ui.add(egui::DragValue::new(&mut self.deadline).range(0.1..=600.0).speed(0.1));
        ui.separator();
        let is_applied = ui.button("Apply").clicked();
        ui.colored_label(egui::Color32::LIGHT_RED, &self.problem);
        if !is_applied {
            return None;
        }
        match self.options(current) {
            Ok(options) => {
                self.problem.clear();
                Some(options)
            }
            Err(problem) => {
                self.problem = problem;
                None
            }
        }
    }

    fn options(&self, current: &Options) -> Result<Options, String> {
        let server = match self.server.trim() {
            "" => None,
            text => Some(server(text)?),
        };
        let port = match self.port.trim() {
            "" => None,
            text => match text.parse() {
                Ok(port @ 1..) => Some(port),
                _ => return Err(format!("port {text:?} is not within 1 to 65535")),
            },
        };
        Ok(Options {
            server,
            timeout: Duration::from_secs_f64(self.timeout),
            attempts: self.attempts,
            parallel: self.parallel,
            connect: self.connect,
            port,
            connect_deadline: Duration::from_secs_f64(self.deadline),
            patience: current.patience,
        })
    }
}
