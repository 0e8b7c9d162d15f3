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

impl Format {
    /// How the names of its files end.
    fn ending(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Json => "json",
        }
    }

    /// The file that is meant by `name`, with the ending or without.
    pub fn file_named(self, name: &str) -> PathBuf {
        let path = Path::new(name);
        match path.extension() {
            Some(ending) if ending == "csv" || ending == "json" => path.with_extension(self.ending()),
            _ => with_ending(path, &format!(".{}", self.ending())),
        }
    }
}

/// The fields of a [`Record`], in order.
const HEADINGS: [&str; 7] = ["line", "host", "state", "name", "addresses", "milliseconds", "problem"];

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
    /// The rows themselves, once their list is replaced.
    kept: Option<Vec<Row>>,
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
            // Headings that it makes of records would not be there without any.
            Format::Csv => Writer::Csv(Box::new(csv::WriterBuilder::new().has_headers(false).from_writer(file))),
            Format::Json => Writer::Json(file),
        };
        Ok(Export { writer, path: path.to_owned(), unfinished, next: 0, kept: None })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the rows that it began with: their list is replaced, and what [`step`](Export::step) is given from here on
    /// is another one.
    pub fn keep(&mut self, rows: Vec<Row>) {
        self.kept.get_or_insert(rows);
    }

    /// Writes up to `count` rows more, and says whether that was the rest.
    pub fn step(&mut self, rows: &[Row], count: usize) -> io::Result<bool> {
        let rows = self.kept.as_deref().unwrap_or(rows);
        if self.next == 0
            && let Writer::Csv(csv) = &mut self.writer
        {
            csv.write_record(HEADINGS)?;
        }
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
    fn a_list_without_rows_has_its_headings() {
        assert_eq!(written(Format::Csv, &[], 1), "line,host,state,name,addresses,milliseconds,problem\n");
    }

    #[test]
    fn a_list_that_comes_meanwhile_is_not_mixed_in() {
        let other = [Row::new(1, "x.test", None), Row::new(2, "y.test", None), Row::new(3, "z.test", None)];
        let path = std::env::temp_dir().join(format!("netcheck-{}-replaced", std::process::id()));
        let mut export = Export::begin(&path, Format::Csv).unwrap();
        assert!(!export.step(&rows(), 1).unwrap());
        export.keep(rows().into());
        export.keep(other[..2].into()); // replaced once more
        assert!(export.step(&other, 9).unwrap());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), written(Format::Csv, &rows(), 9));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_name_keeps_its_dots() {
        let csv = ["netcheck", "run.1", "netcheck.csv", "netcheck.json"].map(|name| Format::Csv.file_named(name));
        assert_eq!(csv, ["netcheck.csv", "run.1.csv", "netcheck.csv", "netcheck.csv"].map(PathBuf::from));
        assert_eq!(Format::Json.file_named("a/run.1.csv"), Path::new("a/run.1.json"));
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
