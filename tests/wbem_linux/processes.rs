//! Processes with odd names, that end while they are read, or that may not be looked at; and which
//! files are opened for what.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::rc::Rc;
use std::sync::Arc;

use msgpump::wbem::linux::Machine;
use msgpump::wbem::{ClassProvider, Instance, Progress, Value, Wanted, WbemStatus};

use super::support::{Files, all, ask, drain, equal, find, number, some, source, text, value, wanted};

/// The line of a process with a name and the ticks at its start.
fn stat(pid: u32, name: &str, start: u64) -> String {
    format!("{pid} ({name}) S 1 {pid} 7 0 -1 4194560 100 0 3 0 250 50 0 0 20 0 4 0 {start} 1048576 256 0\n")
}

/// Adds a process to a machine.
fn with(files: Files, pid: u32, name: &[u8]) -> Files {
    let line = stat(pid, "NAME", 0).into_bytes();
    let place = line.windows(4).position(|word| word == b"NAME").unwrap();
    let line = [&line[..place], name, &line[place + 4..]].concat();
    files
        .write(&format!("proc/{pid}/stat"), line)
        .write(&format!("proc/{pid}/cmdline"), [name, b"\0--one\0two words\0"].concat())
        .write(&format!("proc/{pid}/status"), format!("Name:\tx\nTgid:\t{pid}\nUid:\t5\t1000\t5\t5\nVmPeak:\t    2048 kB\nVmHWM:\t 1024 kB\nVmSwap:\t  12 kB\n"))
        .write(&format!("proc/{pid}/io"), "rchar: 10\nwchar: 20\nsyscr: 3\nsyscw: 4\nread_bytes: 0\n")
        .write(&format!("proc/{pid}/fd/0"), "")
        .write(&format!("proc/{pid}/fd/1"), "")
        .link(&format!("proc/{pid}/exe"), "/usr/bin/thing")
}

#[test]
fn l01_names_may_have_brackets_newlines_and_bytes_that_are_no_text() {
    let files = Files::new("names").write("proc/stat", "cpu  1 2 3 4\nbtime 1700000000\n");
    let files = with(with(with(files, 10, b"a) b (c"), 11, b"two\nlines"), 12, b"\xff\xfe)");
    let machine = files.machine();
    let rows = all(&machine, "Win32_Process");
    for (pid, name) in [("10", "a) b (c"), ("11", "two\nlines"), ("12", "\u{fffd}\u{fffd})")] {
        let row = find(&rows, "Handle", pid).unwrap();
        assert_eq!((text(row, "Name"), number(row, "ParentProcessId")), (Some(name), Some(1)), "{pid}");
        assert_eq!(text(row, "CommandLine"), Some(&*format!("{name} --one two words")));
        // Ticks of 0 are the boot itself.
        assert_eq!(value(row, "CreationDate").to_string(), "20231114221320.000000+000");
    }
    assert_eq!(rows.len(), 3);
}

#[test]
fn every_value_has_the_unit_of_the_texts() {
    let files = with(Files::new("units"), 10, b"x").write("proc/stat", "btime 1700000000\n");
    let rows = all(&files.machine(), "Win32_Process");
    let page = rustix::param::page_size() as u64;
    let ticks = 10_000_000 / rustix::param::clock_ticks_per_second();
    for (name, expected) in [
        ("WorkingSetSize", 256 * page),
        ("VirtualSize", 1_048_576),
        ("PeakVirtualSize", 2048 * 1024),
        ("PeakWorkingSetSize", 1024),
        ("PageFileUsage", 12),
        ("PageFaults", 103),
        ("UserModeTime", 250 * ticks),
        ("KernelModeTime", 50 * ticks),
        ("ReadTransferCount", 10),
        ("WriteTransferCount", 20),
        ("ReadOperationCount", 3),
        ("WriteOperationCount", 4),
        ("HandleCount", 2),
        ("ThreadCount", 4),
        ("Priority", 20),
        ("ExecutionState", 4),
        ("SessionId", 7),
    ] {
        assert_eq!(number(&rows[0], name), Some(expected), "{name}");
    }
    assert_eq!(text(&rows[0], "ExecutablePath"), Some("/usr/bin/thing"));
    assert_eq!(text(&rows[0], "CSName"), Some("box.example"));
}

#[test]
fn l04_a_process_that_ends_between_listing_and_reading_is_left_out() {
    let mut files = Files::new("ended");
    for pid in 10..60 {
        files = with(files, pid, b"x");
    }
    let machine = files.machine();
    let source = source(&machine, "Win32_Process");
    let mut rows = source.open(&Wanted::everything()).unwrap();
    let mut read = Vec::new();
    assert!(matches!(rows.step(5, &mut read), Progress::More));
    // The rest have been listed, or will be, and are gone.
    for pid in 10..60 {
        fs::remove_dir_all(files.path(&format!("proc/{pid}"))).unwrap();
    }
    assert_eq!(read.len(), 5);
    read.extend(drain(&mut *rows));
    assert_eq!(read.len(), 5, "none of the others was there to be read");
}

#[test]
fn a_process_is_gone_whichever_of_its_files_is_missed_first() {
    for name in ["Name", "ExecutablePath", "CommandLine", "ReadOperationCount", "PageFileUsage", "HandleCount"] {
        let files = with(with(Files::new("missed"), 10, b"x"), 11, b"y");
        let machine = files.machine();
        let source = source(&machine, "Win32_Process");
        let query = format!("SELECT {name} FROM Win32_Process");
        let mut rows = source.open(&wanted(&source, &query)).unwrap();
        let mut read = Vec::new();
        let _ = rows.step(1, &mut read);
        fs::remove_dir_all(files.path("proc/10")).unwrap();
        fs::remove_dir_all(files.path("proc/11")).unwrap();
        read.extend(drain(&mut *rows));
        assert_eq!(read.len(), 1, "{name}");
    }
}

#[test]
fn a_kernel_that_does_not_count_what_processes_read_has_processes_all_the_same() {
    // Without CONFIG_TASK_IO_ACCOUNTING there is no such file, of no process.
    let files = with(with(Files::new("unaccounted"), 10, b"x"), 11, b"y");
    for pid in [10, 11] {
        fs::remove_file(files.path(&format!("proc/{pid}/io"))).unwrap();
    }
    let rows = all(&files.machine(), "Win32_Process");
    assert_eq!(rows.len(), 2);
    assert_eq!((value(&rows[0], "ReadOperationCount"), text(&rows[0], "CSName")), (&Value::Null, Some("box.example")));
}

#[test]
fn what_may_not_be_looked_at_is_null() {
    let files = with(Files::new("hidden"), 10, b"x");
    for file in ["io", "stat"] {
        fs::set_permissions(files.path(&format!("proc/10/{file}")), fs::Permissions::from_mode(0o000)).unwrap();
    }
    let machine = files.machine();
    let rows = all(&machine, "Win32_Process");
    assert_eq!((rows.len(), text(&rows[0], "Handle"), number(&rows[0], "ProcessId")), (1, Some("10"), Some(10)));
    if fs::File::open(files.path("proc/10/io")).is_ok() {
        println!("not compared: this user may read everything");
        return;
    }
    for name in ["Name", "ParentProcessId", "ReadOperationCount", "CreationDate"] {
        assert_eq!(value(&rows[0], name), &Value::Null, "{name}");
    }
}

#[test]
fn a_kernel_thread_has_neither_command_line_nor_program() {
    let files = with(Files::new("kthread"), 2, b"kthreadd").write("proc/2/cmdline", "");
    fs::remove_file(files.path("proc/2/exe")).unwrap();
    let rows = all(&files.machine(), "Win32_Process");
    assert_eq!(rows.len(), 1);
    assert_eq!((value(&rows[0], "CommandLine"), value(&rows[0], "ExecutablePath")), (&Value::Null, &Value::Null));
}

#[test]
fn only_the_files_that_the_asked_properties_need_are_opened() {
    const COUNT: u32 = 40;
    let mut files =
        Files::new("opened").write("proc/stat", "btime 1700000000\n").write("etc/os-release", "PRETTY_NAME=x\n");
    for pid in 100..100 + COUNT {
        files = with(files, pid, b"x");
    }
    let machine = files.machine();
    // The folder `/proc` is opened for each query; behind it, files of each process and of all.
    for (names, of_each, of_all) in [
        (&["Handle", "ProcessId"][..], 0, 0),
        (&["Name"], 1, 0),
        (&["Name", "WorkingSetSize", "ThreadCount", "ParentProcessId", "UserModeTime"], 1, 0),
        (&["CommandLine"], 1, 0),
        (&["Name", "CommandLine", "HandleCount"], 3, 0),
        (&["PeakWorkingSetSize", "PageFileUsage"], 1, 0),
        (&["ReadOperationCount", "WriteTransferCount"], 1, 0),
        (&["CSName", "OSName"], 0, 2),
        // The boot, the zone and its name.
        (&["CreationDate"], 1, 4),
        (&["Status", "InstallDate", "CreationClassName"], 0, 0),
    ] {
        let before = machine.files_opened();
        assert_eq!(some(&machine, "Win32_Process", names).len(), COUNT as usize);
        let opened = machine.files_opened() - before;
        assert_eq!(opened, 1 + u64::from(of_each * COUNT + of_all), "{names:?}");
    }
    // Of processes that are not wanted, nothing more is read than what tells.
    let before = machine.files_opened();
    assert_eq!(ask(&machine, "SELECT * FROM Win32_Process WHERE Name = 'other'"), []);
    assert_eq!(machine.files_opened() - before, 1 + u64::from(COUNT));
    let before = machine.files_opened();
    assert_eq!(ask(&machine, "SELECT * FROM Win32_Process WHERE Handle = 1 AND Handle = 2"), []);
    assert_eq!(machine.files_opened() - before, 0);
    assert_eq!(ask(&machine, "SELECT Name FROM Win32_Process WHERE Handle = 110 OR ProcessId = 111").len(), 2);
    // One process is found without looking at the others.
    let before = machine.files_opened();
    assert_eq!(equal(&machine, "Win32_Process", "Handle", "120").len(), 1);
    assert!(machine.files_opened() - before < 16);
}

#[test]
fn a_step_is_bounded_and_gives_no_more_than_is_asked_for() {
    let mut files = Files::new("steps");
    for pid in 1..=100 {
        files = with(files, pid, b"x");
    }
    let machine = files.machine();
    let source = source(&machine, "Win32_Process");
    let mut rows = source.open(&wanted(&source, "SELECT Name FROM Win32_Process")).unwrap();
    let mut read = Vec::new();
    let mut steps = 0;
    loop {
        let (before, opened) = (read.len(), machine.files_opened());
        let progress = rows.step(1000, &mut read);
        assert!(read.len() - before <= 16 && machine.files_opened() - opened <= 16);
        steps += 1;
        if matches!(progress, Progress::End(Ok(()))) {
            break;
        }
    }
    assert!(read.len() == 100 && steps >= 7);
    let mut rows = source.open(&Wanted::everything()).unwrap();
    let mut read = Vec::new();
    let _ = rows.step(3, &mut read);
    assert_eq!(read.len(), 3);
    let _ = rows.step(0, &mut read);
    assert_eq!(read.len(), 3);
}

#[test]
fn keys_find_processes_and_nothing_else() {
    let files = with(Files::new("keys"), 10, b"x").write("proc/11/status", "Tgid:\t10\n").folder("proc/sys");
    let machine = files.machine();
    let source = source(&machine, "Win32_Process");
    let handle = |key: &str| -> Option<Arc<Instance>> {
        drain(&mut *source.open(&Wanted::one(vec![Value::from(key)])).unwrap()).pop()
    };
    assert_eq!(handle("10").and_then(|row| number(&row, "ProcessId")), Some(10));
    // No such process; a thread of another; not as it is written; no number.
    for key in ["12", "11", "010", "+10", "", "self", "sys", "4294967296", "-1", "10/../10"] {
        assert_eq!(handle(key), None, "{key:?}");
    }
}

#[test]
fn a_machine_without_processes_to_list_has_no_source() {
    let machine = Rc::new(Machine::of_files(msgpump::wbem::linux::Roots::below("/nowhere/at/all"), 0));
    let source = source(&machine, "Win32_Process");
    let error = source.open(&Wanted::everything()).err().unwrap();
    assert_eq!(error.status, WbemStatus::ProviderLoadFailure);
}
