//! The classes as a program meets them: queries, paths and associations, through a server and a pump.

use std::rc::Rc;
use std::sync::Arc;

use msgpump::Pump;
use msgpump::wbem::linux::{self, Machine};
use msgpump::wbem::{Flags, Instance, Server, Services, WbemError, WbemStatus};

use super::support::{Files, number, text};

/// A server of a machine.
struct Program {
    pump: Pump<()>,
    services: Services,
}

impl Program {
    fn new(machine: &Rc<Machine>) -> Program {
        let mut pump = Pump::new().unwrap();
        let server = Server::new(&mut pump);
        linux::register(&server, "ROOT\\CIMV2", machine).unwrap();
        let services = server.connect(&mut pump, "ROOT\\CIMV2").unwrap();
        Program { pump, services }
    }

    fn of_this_machine() -> Program {
        Program::new(&Rc::new(Machine::new()))
    }

    fn query(&mut self, text: &str) -> Result<Vec<Arc<Instance>>, WbemError> {
        let mut rows = self.services.exec_query(&mut self.pump, "WQL", text, Flags::NONE)?;
        let objects = rows.collect(&mut self.pump)?;
        Ok(objects.iter().filter_map(|object| object.instance().cloned()).collect())
    }
}

#[test]
fn l02_this_process_by_its_number() {
    let query = format!("SELECT * FROM Win32_Process WHERE ProcessId = {}", std::process::id());
    let rows = Program::of_this_machine().query(&query).unwrap();
    assert_eq!((rows.len(), number(&rows[0], "ProcessId")), (1, Some(std::process::id().into())));
    assert_eq!(number(&rows[0], "ParentProcessId"), Some(std::os::unix::process::parent_id().into()));
    assert!(number(&rows[0], "ThreadCount") >= Some(1));
}

#[test]
fn l03_the_operating_system_in_three_properties() {
    let rows =
        Program::of_this_machine().query("SELECT CSName, OSType, LastBootUpTime FROM Win32_OperatingSystem").unwrap();
    let [row] = &rows[..] else { panic!("{} rows", rows.len()) };
    assert_eq!(number(row, "OSType"), Some(36));
    assert!(text(row, "CSName").is_some() && !row.get("LastBootUpTime").unwrap().is_null());
}

#[test]
fn objects_are_found_by_their_paths() {
    let mut program = Program::of_this_machine();
    let handle = std::process::id();
    for path in [
        &*format!("Win32_Process.Handle=\"{handle}\""),
        &*format!("Win32_Process={handle}"),
        "Win32_OperatingSystem=@",
        "Win32_LogicalDisk='/'",
        "Win32_LogicalDisk.DeviceID=\"/\"",
        "Win32_Directory.Name='/etc'",
        "CIM_DataFile.Name='/etc/passwd'",
    ] {
        let object = program.services.get_object(&mut program.pump, path, Flags::NONE);
        assert!(object.is_ok_and(|object| object.instance().is_some()), "{path}");
    }
    for (path, expected) in [
        ("Win32_Process.Handle=\"4194305\"", WbemStatus::NotFound),
        ("Win32_LogicalDisk.DeviceID='C:'", WbemStatus::NotFound),
        ("CIM_DataFile.Name='/etc/none'", WbemStatus::NotFound),
        ("Win32_Printer.DeviceID='x'", WbemStatus::InvalidClass),
        ("Win32_Process.Name='x'", WbemStatus::InvalidObjectPath),
    ] {
        let error = program.services.get_object(&mut program.pump, path, Flags::NONE).unwrap_err();
        assert_eq!(error.status, expected, "{path}: {error}");
    }
}

#[test]
fn the_server_learns_the_machine_from_its_classes() {
    let files = Files::new("introduced")
        .write("etc/group", "users:x:100:\n")
        .write("etc/timezone", "Etc/UTC\n")
        .write("proc/self/mountinfo", "1 0 8:1 / /data rw - ext4 /dev/sda1 rw\n");
    let mut program = Program::new(&files.machine());
    let rows = program.query("SELECT * FROM Win32_Group WHERE __SERVER = 'BOX.example'").unwrap();
    let [row] = &rows[..] else { panic!("{} rows", rows.len()) };
    let path = r#"\\box.example\ROOT\CIMV2:Win32_Group.Name="users",Domain="box.example""#;
    assert_eq!(row.path().unwrap().to_string(), path);
    assert!(program.services.get_object(&mut program.pump, path, Flags::NONE).is_ok());
}

#[test]
fn parents_list_the_objects_of_their_children() {
    let mut program = Program::of_this_machine();
    let count = |program: &mut Program, class: &str| program.query(&format!("SELECT * FROM {class}")).unwrap().len();
    let accounts = count(&mut program, "Win32_Account");
    assert_eq!(accounts, count(&mut program, "Win32_UserAccount") + count(&mut program, "Win32_Group"));
    assert!(accounts > 0);
}

#[test]
fn disks_lead_to_their_partitions_and_back() {
    let files = Files::new("associated")
        .write("sys/block/sda/device/model", "x")
        .write("sys/block/sda/sda1/partition", "1\n")
        .write("sys/block/sda/sda1/start", "8\n")
        .link("sys/dev/block/8:1", "../../block/sda/sda1")
        .write("proc/self/mountinfo", "1 0 8:1 / /data rw - ext4 /dev/sda1 rw\n");
    let mut program = Program::new(&files.machine());
    for (query, class, name) in [
        (
            "ASSOCIATORS OF {Win32_DiskDrive.DeviceID='/dev/sda'} WHERE AssocClass = Win32_DiskDriveToDiskPartition",
            "Win32_DiskPartition",
            "/dev/sda1",
        ),
        (
            "ASSOCIATORS OF {Win32_DiskPartition.DeviceID='/dev/sda1'} WHERE ResultClass = Win32_LogicalDisk",
            "Win32_LogicalDisk",
            "/data",
        ),
        ("ASSOCIATORS OF {Win32_LogicalDisk.DeviceID='/data'}", "Win32_DiskPartition", "/dev/sda1"),
        (
            "ASSOCIATORS OF {Win32_DiskPartition.DeviceID='/dev/sda1'} WHERE ResultClass = Win32_DiskDrive",
            "Win32_DiskDrive",
            "/dev/sda",
        ),
    ] {
        let rows = program.query(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let told: Vec<_> = rows.iter().map(|row| (&**row.class().name(), text(row, "DeviceID"))).collect();
        assert_eq!(told, [(class, Some(name))], "{query}");
    }
    let rows = program.query("REFERENCES OF {Win32_DiskPartition.DeviceID='/dev/sda1'}").unwrap();
    assert_eq!(rows.len(), 2);
}

#[test]
fn accounts_lead_to_their_groups() {
    let files = Files::new("members")
        .write("etc/passwd", "ana:x:1000:100::/:\nbo:x:1001:1001::/:\n")
        .write("etc/group", "users:x:100:\nwheel:x:10:ana\nbo:x:1001:\n");
    let mut program = Program::new(&files.machine());
    let query = "ASSOCIATORS OF {Win32_UserAccount.Domain='box.example',Name='ana'} WHERE ResultClass = Win32_Group";
    let mut groups: Vec<_> =
        program.query(query).unwrap().iter().map(|row| text(row, "Name").unwrap().to_owned()).collect();
    groups.sort();
    assert_eq!(groups, ["users", "wheel"]);
}

#[test]
fn a_query_that_would_walk_the_tree_is_refused() {
    let mut program = Program::of_this_machine();
    let error = program.query("SELECT * FROM CIM_DataFile WHERE FileSize > 1000").unwrap_err();
    assert_eq!(error.status, WbemStatus::QuotaViolation);
    assert!(error.to_string().contains("bind Name"), "{error}");
    let rows = program.query("SELECT Name FROM CIM_DataFile WHERE Path = '/etc/' AND FileName = 'passwd'").unwrap();
    assert!(rows.iter().any(|row| text(row, "Name") == Some("/etc/passwd")));
}
