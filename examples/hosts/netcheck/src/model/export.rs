//! Writes the rows as CSV or JSON, some at a time, so that a window that exports a hundred thousand goes on meanwhile.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::row::Row;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Json,
}

/// A row as it is written. CSV has the addresses in one field, with blanks between them.
#[derive(Serialize)]
struct Record<'a> {
    line: u32,
    host: &'a str,
    state: &'static str,
    name: Option<&'a str>,
    addresses: Addresses,
    milliseconds: Option<f64>,
    problem: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Addresses {
    Text(String),
    List(Vec<String>),
}

impl Record<'_> {
    fn of(row: &Row, format: Format) -> Record<'_> {
        let addresses = row.addresses.iter().map(ToString::to_string).collect::<Vec<_>>();
        Record {
            line: row.line,
            host: &row.text,
            state: row.state.text(),
            name: row.name.as_deref(),
            addresses: match format {
                Format::Csv => Addresses::Text(addresses.join(" ")),
                Format::Json => Addresses::List(addresses),
            },
            milliseconds: row.milliseconds(),
            problem: row.problem.as_deref(),
        }
    }
}

/// An export under way. Its file has the name that was asked for when it is complete, and not before.
pub struct Export {
    writer: Writer,
    path: PathBuf,
    unfinished: PathBuf,
    next: usize,
}

enum Writer {
    Csv(Box<csv::Writer<BufWriter<File>>>),
    Json(BufWriter<File>),
}

impl Export {
    pub fn begin(path: &Path, format: Format) -> io::Result<Export> {
        // The standard output and its like are written to as they are. So is what a link leads to, as /dev/stdout is one:
        // a rename would put a file in the place of the link.
        let is_special = path.symlink_metadata().is_ok_and(|metadata| !metadata.is_file());
        let unfinished = if is_special { path.to_owned() } else { with_ending(path, ".part") };
        let file = BufWriter::new(File::create(&unfinished)?);
        let writer = match format {
            Format::Csv => Writer::Csv(Box::new(csv::Writer::from_writer(file))),
            Format::Json => Writer::Json(file),
        };
        Ok(Export { writer, path: path.to_owned(), unfinished, next: 0 })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes up to `count` rows more, and says whether that was the rest.
    pub fn step(&mut self, rows: &[Row], count: usize) -> io::Result<bool> {
        for row in rows.iter().skip(self.next).take(count) {
            match &mut self.writer {
                Writer::Csv(csv) => csv.serialize(Record::of(row, Format::Csv))?,
                Writer::Json(json) => {
                    json.write_all(if self.next == 0 { b"[\n" } else { b",\n" })?;
                    serde_json::to_writer(&mut *json, &Record::of(row, Format::Json))?;
                }
            }
            self.next += 1;
        }
        if self.next < rows.len() {
            return Ok(false);
        }
        match &mut self.writer {
            Writer::Csv(csv) => csv.flush()?,
            Writer::Json(json) => {
                json.write_all(if self.next == 0 { b"[]\n" } else { b"\n]\n" })?;
                json.flush()?;
            }
        }
        if self.unfinished != self.path {
            std::fs::rename(&self.unfinished, &self.path)?;
        }
        Ok(true)
    }
}

impl Drop for Export {
    /// What is not complete is not left behind. What is complete has the other name by now.
    fn drop(&mut self) {
        if self.unfinished != self.path {
            let _ = std::fs::remove_file(&self.unfinished);
        }
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::row::State;

    fn written(format: Format, rows: &[Row], at_a_time: usize) -> String {
        let name = format!("netcheck-{}-{format:?}-{at_a_time}-{}", std::process::id(), rows.len());
        let path = std::env::temp_dir().join(name);
        let mut export = Export::begin(&path, format).unwrap();
        while !export.step(rows, at_a_time).unwrap() {
            assert!(!path.exists());
        }
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        text
    }

    fn rows() -> [Row; 2] {
        let mut found = Row::new(1, "a.test", None);
        found.state = State::Found;
        found.addresses = ["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()].into();
        found.time = Some(std::time::Duration::from_micros(1500));
        [found, Row::new(3, "say \"hi\", all", Some("more than one word".into()))]
    }

    #[test]
    fn csv_has_a_line_for_each_row() {
        let expected = "line,host,state,name,addresses,milliseconds,problem\n\
            1,a.test,found,,192.0.2.1 2001:db8::1,1.5,\n\
            3,\"say \"\"hi\"\", all\",malformed,,,,more than one word\n";
        assert_eq!(written(Format::Csv, &rows(), 1), expected);
        assert_eq!(written(Format::Csv, &rows(), 99), expected);
    }

    #[test]
    fn json_is_read_back() {
        let text = written(Format::Json, &rows(), 1);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value[0]["addresses"], serde_json::json!(["192.0.2.1", "2001:db8::1"]));
        assert_eq!(value[1]["problem"], "more than one word");
        assert_eq!(written(Format::Json, &[], 1), "[]\n");
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_before_anything_is_asked() {
        assert!(Export::begin(Path::new("/nowhere/out.csv"), Format::Csv).is_err());
    }

    #[test]
    fn a_link_is_written_through_and_stays_a_link() {
        let file = std::env::temp_dir().join(format!("netcheck-{}-behind-a-link", std::process::id()));
        let link = with_ending(&file, ".link");
        std::fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(Export::begin(&link, Format::Json).unwrap().step(&[], 1).unwrap());
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "[]\n");
        std::fs::remove_file(&link).unwrap();
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn an_export_that_is_given_up_leaves_nothing_behind() {
        let path = std::env::temp_dir().join(format!("netcheck-{}-given-up", std::process::id()));
        let mut export = Export::begin(&path, Format::Csv).unwrap();
        assert!(!export.step(&rows(), 1).unwrap());
        let unfinished = export.unfinished.clone();
        assert!(unfinished.exists());
        drop(export);
        assert!(!unfinished.exists() && !path.exists());
    }
}
