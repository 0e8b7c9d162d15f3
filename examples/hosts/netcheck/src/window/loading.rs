//! Where lists come from: a file that is named or dropped, a text that is pasted. They are read on another thread, for a
//! file may be large or far away; the rows come as a message.

use std::path::PathBuf;
use std::thread;

use eframe::egui;
use msgpump::{ExternalId, Message, Payload, Pump};

use crate::model::list;
use crate::model::row::Row;

type Outcome = Result<Vec<Row>, String>;

pub struct Loading {
    current: Option<ExternalId<Outcome>>,
    starts_at_once: bool,
}

impl Loading {
    pub fn new(starts_at_once: bool) -> Loading {
        Loading { current: None, starts_at_once }
    }

    /// Whether the list that has come is to be checked without being asked; only the first one is.
    pub fn starts_at_once(&mut self) -> bool {
        std::mem::take(&mut self.starts_at_once)
    }

    /// Reads a file. Another that is still being read is forgotten.
    pub fn open(&mut self, pump: &mut Pump<()>, path: PathBuf) {
        self.begin(pump, move || list::read(&path).map_err(|error| format!("reading {}: {error}", path.display())));
    }

    fn begin(&mut self, pump: &mut Pump<()>, read: impl FnOnce() -> Outcome + Send + 'static) {
        if let Some(before) = self.current.take() {
            pump.cancel(before);
        }
        let (current, completer) = pump.start_external(pump.root_window()).expect("the root window is always open");
        self.current = Some(current);
        // It is refused if nobody waits for it any more.
        thread::spawn(move || drop(completer.complete(read())));
    }

    /// Takes what was dropped on the window or pasted into it, unless it is meant for a field.
    pub fn take_input(&mut self, context: &egui::Context, pump: &mut Pump<()>) {
        let (dropped, pasted) = context.input(|input| {
            let dropped = input.raw.dropped_files.first().map(|file| file.path().to_owned());
            let pasted = input.events.iter().find_map(|event| match event {
                egui::Event::Paste(text) => Some(text.clone()),
                _ => None,
            });
            (dropped, pasted)
        });
        if let Some(path) = dropped {
            self.open(pump, path);
        } else if let Some(text) = pasted.filter(|_| !context.egui_wants_keyboard_input()) {
            self.begin(pump, move || Ok(list::parse(text.as_bytes())));
        }
    }

    /// The rows, if this message has them.
    pub fn finish(&mut self, message: &mut Message<()>) -> Option<Outcome> {
        let Payload::External(external) = &mut message.payload else { return None };
        let outcome = external.of(self.current?)?;
        self.current = None;
        Some(outcome.unwrap_or_else(|_| Err("reading the list failed".into())))
    }
}
