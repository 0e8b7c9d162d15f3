//! Reading classes to their end, and machines made of files.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;

use msgpump::wbem::linux::{LinuxClass, Machine, Roots, classes_of};
use msgpump::wbem::wql::{PropertySet, Query, quote};
use msgpump::wbem::{ClassProvider, Instance, Progress, Rows, Value, Wanted};

/// The moment of every machine made of files: 2026-03-01 12:00 UTC.
pub(crate) const CLOCK: i64 = 1_772_366_400_000_000;

/// The class of a name.
pub(crate) fn source(machine: &Rc<Machine>, class: &str) -> LinuxClass {
    let found = classes_of(machine).into_iter().find(|source| source.class().name().eq_ignore_ascii_case(class));
    found.unwrap_or_else(|| panic!("there is a class {class}"))
}

/// Every row of an opened class.
pub(crate) fn drain(rows: &mut dyn Rows) -> Vec<Arc<Instance>> {
    let mut all = Vec::new();
    loop {
        match rows.step(7, &mut all) {
            Progress::More => {}
            Progress::After(pause) => std::thread::park_timeout(pause),
            Progress::End(Ok(())) => return all,
            other => panic!("{other:?}"),
        }
    }
}

/// Every row of a class, with all properties.
pub(crate) fn read(source: &LinuxClass) -> Vec<Arc<Instance>> {
    drain(&mut *source.open(&Wanted::everything()).expect("the class has a source"))
}

/// Every row of a class, with all properties.
pub(crate) fn all(machine: &Rc<Machine>, class: &str) -> Vec<Arc<Instance>> {
    read(&source(machine, class))
}

/// What a query wants of a class.
pub(crate) fn wanted(source: &LinuxClass, query: &str) -> Wanted {
    let Query::Select(query) = Query::parse(query).unwrap() else { panic!("{query}") };
    let predicate = Rc::new(query.predicate(source.class(), 0).unwrap());
    let mut properties: PropertySet = query.projection(source.class(), false).unwrap().reads().clone();
    properties.extend(&predicate.reads());
    Wanted::matching(source.class(), Some(properties), predicate)
}

/// The rows that a query selects, read as far as the query needs them.
pub(crate) fn ask(machine: &Rc<Machine>, text: &str) -> Vec<Arc<Instance>> {
    let Query::Select(query) = Query::parse(text).unwrap() else { panic!("{text}") };
    let source = source(machine, &query.class.text);
    let predicate = query.predicate(source.class(), 0).unwrap();
    let mut rows = drain(&mut *source.open(&wanted(&source, text)).expect("the class has a source"));
    rows.retain(|row| predicate.matches(row).is_true());
    rows
}

/// Every row of a class, with some properties.
pub(crate) fn some(machine: &Rc<Machine>, class: &str, names: &[&str]) -> Vec<Arc<Instance>> {
    ask(machine, &format!("SELECT {} FROM {class}", names.join(", ")))
}

/// The rows of a class in which a property has a value.
pub(crate) fn equal(machine: &Rc<Machine>, class: &str, name: &str, value: impl ToString) -> Vec<Arc<Instance>> {
    ask(machine, &format!("SELECT * FROM {class} WHERE {name} = {}", quote(&value.to_string())))
}

/// The only row of a class.
pub(crate) fn one(machine: &Rc<Machine>, class: &str) -> Arc<Instance> {
    let mut rows = all(machine, class);
    assert_eq!(rows.len(), 1, "{class}");
    rows.remove(0)
}

/// The row of a class in which a property has this text.
pub(crate) fn find<'r>(rows: &'r [Arc<Instance>], name: &str, text: &str) -> Option<&'r Instance> {
    rows.iter().map(|row| &**row).find(|row| row.get(name).and_then(Value::as_str) == Some(text))
}

pub(crate) fn text<'r>(row: &'r Instance, name: &str) -> Option<&'r str> {
    value(row, name).as_str()
}

pub(crate) fn number(row: &Instance, name: &str) -> Option<u64> {
    value(row, name).as_u64()
}

pub(crate) fn value<'r>(row: &'r Instance, name: &str) -> &'r Value {
    row.get(name).unwrap_or_else(|| panic!("{} has {name}", row.class().name()))
}

/// What a tool of the machine prints; `None`, with a word, if the machine does not have it.
pub(crate) fn tool(program: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).env("LC_ALL", "C").env_remove("TZ").output() {
        Ok(output) if output.status.success() => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => not_compared(&format!("{program} {arguments:?} ended with {}", output.status)),
        Err(error) => not_compared(&format!("{program}: {error}")),
    }
}

/// Says so in the log, from which what tests print otherwise is kept.
fn not_compared(why: &str) -> Option<String> {
    writeln!(std::io::stdout(), "not compared: {why}").expect("there is an output");
    None
}

/// A machine made of files, gone when it is dropped.
pub(crate) struct Files {
    root: PathBuf,
}

impl Files {
    pub(crate) fn new(name: &str) -> Files {
        let root = std::env::temp_dir().join(format!("msgpump-linux-{name}-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        let files = Files { root };
        files.write("proc/sys/kernel/hostname", "box.example\n").write("proc/sys/kernel/arch", "x86_64\n")
    }

    /// Writes a file, with its folders.
    pub(crate) fn write(self, path: &str, text: impl AsRef<[u8]>) -> Files {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Makes a link.
    pub(crate) fn link(self, path: &str, target: &str) -> Files {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
        self
    }

    /// Makes a folder.
    pub(crate) fn folder(self, path: &str) -> Files {
        fs::create_dir_all(self.path(path)).unwrap();
        self
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(crate) fn machine(&self) -> Rc<Machine> {
        Rc::new(Machine::of_files(Roots::below(&self.root), CLOCK))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}
