//! Methods of processes: started, asked for its owner, ended.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;

use msgpump::Pump;
use msgpump::wbem::linux::{self, Machine};
use msgpump::wbem::{ClassProvider, Flags, Instance, Invocation, Server, Services, Value, WbemError, WbemStatus};

use super::support::{equal, number, text, tool};

/// This machine as a program meets it: behind a server.
struct Here {
    pump: Pump<()>,
    services: Services,
}

impl Here {
    fn new() -> Here {
        let mut pump = Pump::new().unwrap();
        let server = Server::new(&mut pump);
        linux::register(&server, "ROOT\\CIMV2", &Rc::new(Machine::new())).unwrap();
        let services = server.connect(&mut pump, "ROOT\\CIMV2").unwrap();
        Here { pump, services }
    }

    /// Calls a method of a process, or of the class.
    fn call(
        &mut self,
        handle: Option<&str>,
        method: &str,
        arguments: &[(&str, Value)],
    ) -> Result<Arc<Instance>, WbemError> {
        let path = handle.map_or("Win32_Process".to_owned(), |handle| format!("Win32_Process.Handle=\"{handle}\""));
        let class = self.services.get_object(&mut self.pump, "Win32_Process", Flags::NONE)?;
        let declared = class.class().method(method).and_then(|method| method.inputs.clone());
        let inputs = declared.map(|class| {
            let mut inputs = Instance::new(&class);
            arguments.iter().for_each(|(name, value)| inputs.put(name, value.clone()).unwrap());
            inputs
        });
        let result = self.services.exec_method(&mut self.pump, &path, method, inputs.as_ref())?;
        Ok(result.and_then(|object| object.instance().cloned()).expect("every method has a return value"))
    }
}

fn result(outcome: &Instance) -> Option<u64> {
    number(outcome, "ReturnValue")
}

#[test]
fn a_program_is_started_and_ended() {
    let (mut here, machine) = (Here::new(), Rc::new(Machine::new()));
    let arguments = [("CommandLine", Value::from("sleep '1000'")), ("CurrentDirectory", Value::from("/"))];
    let started = here.call(None, "Create", &arguments).unwrap();
    assert_eq!(result(&started), Some(0));
    let pid = number(&started, "ProcessId").unwrap().to_string();
    let find = || equal(&machine, "Win32_Process", "Handle", &*pid);
    assert_eq!(text(&find()[0], "CommandLine"), Some("sleep 1000"));
    assert_eq!(number(&find()[0], "ParentProcessId"), Some(std::process::id().into()));
    let owner = here.call(Some(&pid), "GetOwner", &[]).unwrap();
    assert_eq!(result(&owner), Some(0));
    if let Some(told) = tool("id", &["-un"]) {
        assert_eq!(text(&owner, "User"), Some(told.trim()));
    }
    let ended = here.call(Some(&pid), "Terminate", &[("Reason", Value::from(1_u32))]).unwrap();
    assert_eq!(result(&ended), Some(0));
    // It is buried when the class is next asked after it has ended.
    while !find().is_empty() {
        let _ =
            here.services.exec_query(&mut here.pump, "WQL", "SELECT Handle FROM Win32_Process", Flags::NONE).unwrap();
    }
    assert_eq!(here.call(Some(&pid), "Terminate", &[]).unwrap_err().status, WbemStatus::NotFound);
}

#[test]
fn what_cannot_be_started_says_why() {
    let mut here = Here::new();
    for (line, expected) in [
        (Value::from("/no/such/program"), 9),
        (Value::from("/etc/passwd"), 2),
        (Value::from("sleep 'unclosed"), 21),
        (Value::from("   "), 21),
        (Value::from("sleep\0"), 21),
        (Value::Null, 21),
    ] {
        let outcome = here.call(None, "Create", &[("CommandLine", line.clone())]).unwrap();
        assert_eq!((result(&outcome), outcome.get("ProcessId")), (Some(expected), Some(&Value::Null)), "{line}");
    }
    let arguments = [("CommandLine", Value::from("true")), ("CurrentDirectory", Value::from("/none"))];
    assert_eq!(result(&here.call(None, "Create", &arguments).unwrap()), Some(9));
}

#[test]
fn processes_that_are_not_there_have_no_methods() {
    let mut here = Here::new();
    for method in ["Terminate", "GetOwner"] {
        for handle in ["4294967295", "4294967296", "0", "x", "-1", "self"] {
            let error = here.call(Some(handle), method, &[]).unwrap_err();
            assert_eq!(error.status, WbemStatus::NotFound, "{method} {handle}: {error}");
        }
    }
    assert_eq!(result(&here.call(Some("1"), "GetOwner", &[]).unwrap()), Some(0));
}

/// Which process is to be ended by another user.
const VICTIM: &str = "MSGPUMP_VICTIM";

/// The number of the user who owns nothing.
const NOBODY: u32 = 65_534;

#[test]
fn a06_a_process_of_another_user_is_not_ended() {
    let terminate = |handle: &str| result(&Here::new().call(Some(handle), "Terminate", &[]).unwrap());
    if let Ok(victim) = std::env::var(VICTIM) {
        assert_eq!(terminate(&victim), Some(2));
        return;
    }
    if !rustix::process::geteuid().is_root() {
        assert_eq!(terminate("1"), Some(2));
        return;
    }
    let mut victim = Command::new("sleep").arg("1000").spawn().unwrap();
    // This test again, as somebody else.
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "methods::a06_a_process_of_another_user_is_not_ended"]);
    let status = again.env(VICTIM, victim.id().to_string()).uid(NOBODY).gid(NOBODY).current_dir("/").status();
    let is_alive = matches!(victim.try_wait(), Ok(None));
    victim.kill().unwrap();
    victim.wait().unwrap();
    match status {
        Ok(status) => assert!(status.success() && is_alive),
        Err(error) => println!("not compared: nobody may not run this test: {error}"),
    }
}

#[test]
fn methods_that_are_called_wrongly() {
    let mut here = Here::new();
    for (handle, method, expected) in [
        (Some("1"), "Frobnicate", WbemStatus::InvalidMethod),
        // It is a method of instances, and this is the path of the class.
        (None, "Terminate", WbemStatus::InvalidObjectPath),
    ] {
        let error = here.call(handle, method, &[]).unwrap_err();
        assert_eq!(error.status, expected, "{method}");
    }
}

#[test]
fn a_machine_made_of_files_has_no_processes_that_could_be_ended() {
    let files = super::support::Files::new("methods").folder("proc/1");
    let elsewhere = super::support::source(&files.machine(), "Win32_Process");
    for (method, keys) in [("Terminate", Some(vec![Value::from("1")])), ("Create", None)] {
        let error = elsewhere.execute(&Invocation { method: method.into(), keys, inputs: None }).unwrap_err();
        assert_eq!(error.status, WbemStatus::NotSupported, "{method}");
    }
}
