//! Files and folders by name and by folder.

use std::time::{Duration, UNIX_EPOCH};

use msgpump::Pump;
use msgpump::wbem::linux::register;
use msgpump::wbem::{ClassProvider, Flags, Progress, Server, Value, Wanted, WbemStatus};

use super::support::{Files, equal, find, number, source, text, value, wanted};

/// A machine with a folder of some things.
fn files(name: &str) -> Files {
    let files = Files::new(name)
        .write("home/ana/letter.txt", "0123456789")
        .write("home/ana/.profile", "")
        .write("home/ana/archive.tar.gz", "x")
        .folder("home/ana/pictures")
        .link("home/ana/shortcut", "letter.txt")
        .link("users", "home");
    let file = std::fs::File::options().write(true).open(files.path("home/ana/letter.txt")).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_micros(1_700_000_000_123_456)).unwrap();
    files
}

#[test]
fn a_file_by_its_name() {
    let files = files("file");
    let machine = files.machine();
    let rows = equal(&machine, "CIM_DataFile", "Name", "/home/ana/letter.txt");
    let [row] = &rows[..] else { panic!("{} rows", rows.len()) };
    for (name, expected) in
        [("Name", "/home/ana/letter.txt"), ("Path", "/home/ana/"), ("FileName", "letter"), ("Extension", "txt")]
    {
        assert_eq!(text(row, name), Some(expected), "{name}");
    }
    assert_eq!((number(row, "FileSize"), value(row, "Hidden")), (Some(10), &Value::Boolean(false)));
    assert_eq!(value(row, "LastModified").to_string(), "20231114221320.123456+000");
    assert_eq!((value(row, "Readable"), value(row, "Drive")), (&Value::Boolean(true), &Value::Null));
    // Through a link in the way, the name stays as it was asked for.
    let rows = equal(&machine, "CIM_DataFile", "Name", "/users/ana/letter.txt");
    assert_eq!((rows.len(), text(&rows[0], "Path"), number(&rows[0], "FileSize")), (1, Some("/users/ana/"), Some(10)));
    for name in [
        "/home/ana/none",
        "/home/ana/pictures",
        "/home/ana/shortcut",
        "home",
        "",
        "/home/../home/ana/letter.txt",
        "/home/ana/letter.txt/",
        "/home/ana/letter.txt/x",
    ] {
        assert_eq!(equal(&machine, "CIM_DataFile", "Name", name), [], "{name:?}");
    }
}

#[test]
fn the_files_and_the_folders_of_a_folder() {
    let files = files("folder");
    let machine = files.machine();
    let rows = equal(&machine, "CIM_DataFile", "Path", "/home/ana/");
    let mut names: Vec<_> = rows.iter().map(|row| text(row, "Name").unwrap()).collect();
    names.sort();
    assert_eq!(names, ["/home/ana/.profile", "/home/ana/archive.tar.gz", "/home/ana/letter.txt"]);
    let hidden = find(&rows, "Name", "/home/ana/.profile").unwrap();
    assert_eq!(
        (value(hidden, "Hidden"), text(hidden, "FileName"), text(hidden, "Extension")),
        (&Value::Boolean(true), Some(".profile"), None)
    );
    let packed = find(&rows, "Name", "/home/ana/archive.tar.gz").unwrap();
    assert_eq!((text(packed, "FileName"), text(packed, "Extension")), (Some("archive.tar"), Some("gz")));
    let folders = equal(&machine, "Win32_Directory", "Path", "/home/ana/");
    assert_eq!((folders.len(), text(&folders[0], "Name")), (1, Some("/home/ana/pictures")));
    let root = equal(&machine, "Win32_Directory", "Name", "/");
    assert_eq!((root.len(), text(&root[0], "Name"), value(&root[0], "Path")), (1, Some("/"), &Value::Null));
    assert_eq!(equal(&machine, "Win32_Directory", "Path", "/").len(), 2, "proc and home; users is a link");
    for path in ["/home/ana", "/none/", "", "home/", "/home/ana/letter.txt/", "//"] {
        assert_eq!(equal(&machine, "CIM_DataFile", "Path", path), [], "{path:?}");
        assert_eq!(equal(&machine, "Win32_Directory", "Path", path), [], "{path:?}");
    }
}

#[test]
fn names_that_differ_in_case_are_two_files() {
    let files = Files::new("case").write("here/A", "1").write("here/a", "22");
    let mut pump = Pump::<()>::new().unwrap();
    let server = Server::new(&mut pump);
    register(&server, "ROOT\\CIMV2", &files.machine()).unwrap();
    let services = server.connect(&mut pump, "ROOT\\CIMV2").unwrap();
    let query = "SELECT Name, FileSize FROM CIM_DataFile WHERE Name = '/here/A' OR Name = '/here/a'";
    let mut rows = services.exec_query(&mut pump, "WQL", query, Flags::NONE).unwrap();
    let rows = rows.collect(&mut pump).unwrap();
    let names: Vec<_> = rows.iter().map(|row| row.get("Name").unwrap().to_string()).collect();
    assert_eq!(names, ["/here/A", "/here/a"]);
}

#[test]
fn the_tree_is_not_walked() {
    let machine = files("unbound").machine();
    for class in ["CIM_DataFile", "Win32_Directory"] {
        let source = source(&machine, class);
        let error = source.open(&Wanted::everything()).err().unwrap();
        assert_eq!(error.status, WbemStatus::QuotaViolation);
        assert!(error.to_string().contains("bind Name"), "{error}");
    }
}

#[test]
fn names_that_are_no_text_are_listed() {
    use std::os::unix::ffi::OsStrExt;
    let files = files("bytes");
    let name = std::ffi::OsStr::from_bytes(b"bad\xff\nname");
    std::fs::write(files.path("home/ana").join(name), "abc").unwrap();
    let rows = equal(&files.machine(), "CIM_DataFile", "Path", "/home/ana/");
    let row = find(&rows, "Name", "/home/ana/bad\u{fffd}\nname").unwrap();
    assert_eq!(number(row, "FileSize"), Some(3), "the file itself is looked at, not what its name became");
}

#[test]
fn what_a_dead_server_keeps_is_not_looked_at() {
    let files = files("dead")
        .write("mnt/dead/file", "x")
        .folder("mnt/live")
        .link("short", "mnt/dead")
        .link("mnt/live/out", "../dead")
        .write("proc/self/mountinfo", "1 0 8:1 / / rw - ext4 a rw\n2 1 0:9 / /mnt/dead rw - nfs server:/ rw\n");
    let machine = files.machine();
    for name in ["/mnt/dead/file", "/short/file", "/mnt/live/out/file"] {
        assert_eq!(equal(&machine, "CIM_DataFile", "Name", name), [], "{name}");
    }
    for path in ["/mnt/dead/", "/short/", "/mnt/live/out/"] {
        assert_eq!(equal(&machine, "CIM_DataFile", "Path", path), [], "{path}");
    }
    // Its place is seen from outside, with nothing known of it.
    for rows in
        [equal(&machine, "Win32_Directory", "Path", "/mnt/"), equal(&machine, "Win32_Directory", "Name", "/mnt/dead")]
    {
        let row = find(&rows, "Name", "/mnt/dead").unwrap();
        assert_eq!((value(row, "LastModified"), value(row, "Readable")), (&Value::Null, &Value::Null));
    }
}

#[test]
fn a_dead_server_whose_place_is_no_text_is_not_looked_at_either() {
    use std::os::unix::ffi::OsStrExt;
    let files = Files::new("dead-bytes")
        .write("proc/self/mountinfo", b"1 0 8:1 / / rw - ext4 a rw\n2 1 0:9 / /mnt/\xff rw - nfs server:/ rw\n");
    let folder = files.path("mnt").join(std::ffi::OsStr::from_bytes(b"\xff"));
    std::fs::create_dir_all(folder).unwrap();
    let rows = equal(&files.machine(), "Win32_Directory", "Path", "/mnt/");
    let [row] = &rows[..] else { panic!("{} rows", rows.len()) };
    assert_eq!(text(row, "Name"), Some("/mnt/\u{fffd}"));
    assert_eq!((value(row, "LastModified"), value(row, "Readable")), (&Value::Null, &Value::Null));
}

#[test]
fn a_link_that_leads_to_itself_ends() {
    let files = files("loop").link("a", "b").link("b", "a");
    assert_eq!(equal(&files.machine(), "CIM_DataFile", "Name", "/a/x"), []);
    assert_eq!(equal(&files.machine(), "CIM_DataFile", "Path", "/b/"), []);
}

#[test]
fn a_hundred_thousand_files_come_in_slices() {
    const COUNT: usize = 100_000;
    let files = Files::new("slices").folder("many");
    for number in 0..COUNT {
        std::fs::hard_link(first(&files, number / 20_000), files.path(&format!("many/{number}"))).unwrap();
    }
    let machine = files.machine();
    let source = source(&machine, "CIM_DataFile");
    let wanted = wanted(&source, "SELECT FileSize FROM CIM_DataFile WHERE Path = '/many/'");
    let mut rows = source.open(&wanted).unwrap();
    let (mut read, mut total) = (Vec::new(), 0);
    while let Progress::More = rows.step(1000, &mut read) {
        assert!(read.len() <= 128, "a step looks at no more entries");
        total += read.len();
        read.clear();
    }
    assert_eq!(total + read.len(), COUNT);
}

/// A file that may be linked to: not every file system lets one have 100,000 names.
fn first(files: &Files, number: usize) -> std::path::PathBuf {
    let path = files.path(&format!("first{number}"));
    if !path.exists() {
        std::fs::write(&path, "x").unwrap();
    }
    path
}
