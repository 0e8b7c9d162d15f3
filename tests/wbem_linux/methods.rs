//! Methods of processes: started, asked for its owner, ended.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::rc::Rc;

use msgpump::wbem::linux::{ClassSource, Machine};
use msgpump::wbem::{Instance, Value, WbemError, WbemStatus};

use super::support::{Files, equal, number, source, text, tool};

/// Calls a method with arguments.
fn call(
    source: &dyn ClassSource,
    handle: Option<&str>,
    method: &str,
    arguments: &[(&str, Value)],
) -> Result<Instance, WbemError> {
    let class = source.class().method(method).and_then(|method| method.inputs.clone());
    let mut inputs = Instance::new(&class.unwrap_or_else(|| source.class().clone()));
    for (name, value) in arguments {
        inputs.put(name, value.clone()).unwrap();
    }
    let key = handle.map(Value::from);
    source.call(key.as_ref().map(std::slice::from_ref), method, &inputs)
}

fn result(outcome: &Instance) -> Option<u64> {
    number(outcome, "ReturnValue")
}

#[test]
fn a_program_is_started_and_ended() {
    let machine = Rc::new(Machine::new());
    let source = source(&machine, "Win32_Process");
    let arguments = [("CommandLine", Value::from("sleep '1000'")), ("CurrentDirectory", Value::from("/"))];
    let started = call(&*source, None, "Create", &arguments).unwrap();
    assert_eq!(result(&started), Some(0));
    let pid = number(&started, "ProcessId").unwrap().to_string();
    let find = || equal(&machine, "Win32_Process", "Handle", &*pid);
    assert_eq!(text(&find()[0], "CommandLine"), Some("sleep 1000"));
    assert_eq!(number(&find()[0], "ParentProcessId"), Some(std::process::id().into()));
    let owner = call(&*source, Some(&pid), "GetOwner", &[]).unwrap();
    assert_eq!(result(&owner), Some(0));
    if let Some(told) = tool("id", &["-un"]) {
        assert_eq!(text(&owner, "User"), Some(told.trim()));
    }
    let ended = call(&*source, Some(&pid), "Terminate", &[("Reason", Value::from(1_u32))]).unwrap();
    assert_eq!(result(&ended), Some(0));
    // It is buried when the class is next asked after it has ended.
    while !find().is_empty() {
        std::thread::yield_now();
    }
    let again = call(&*source, Some(&pid), "Terminate", &[]).unwrap();
    assert_eq!(result(&again), Some(9));
}

#[test]
fn what_cannot_be_started_says_why() {
    let source = source(&Rc::new(Machine::new()), "Win32_Process");
    for (line, expected) in [
        (Value::from("/no/such/program"), 9),
        (Value::from("/etc/passwd"), 2),
        (Value::from("sleep 'unclosed"), 21),
        (Value::from("   "), 21),
        (Value::from("sleep\01"), 21),
        (Value::Null, 21),
    ] {
        let outcome = call(&*source, None, "Create", &[("CommandLine", line.clone())]).unwrap();
        assert_eq!((result(&outcome), outcome.get("ProcessId")), (Some(expected), Some(&Value::Null)), "{line}");
    }
    let arguments = [("CommandLine", Value::from("true")), ("CurrentDirectory", Value::from("/none"))];
    assert_eq!(result(&call(&*source, None, "Create", &arguments).unwrap()), Some(9));
}

#[test]
fn processes_that_are_not_there_or_not_ours() {
    let source = source(&Rc::new(Machine::new()), "Win32_Process");
    for method in ["Terminate", "GetOwner"] {
        for handle in ["4294967295", "0", "x", "-1"] {
            assert_eq!(result(&call(&*source, Some(handle), method, &[]).unwrap()), Some(9), "{method} {handle}");
        }
    }
    assert_eq!(result(&call(&*source, Some("1"), "GetOwner", &[]).unwrap()), Some(0));
}

/// Which process is to be ended by another user.
const VICTIM: &str = "MSGPUMP_VICTIM";

/// The number of the user who owns nothing.
const NOBODY: u32 = 65_534;

#[test]
fn a06_a_process_of_another_user_is_not_ended() {
    let terminate = |handle: &str| {
        let source = source(&Rc::new(Machine::new()), "Win32_Process");
        result(&call(&*source, Some(handle), "Terminate", &[]).unwrap())
    };
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
    let here = source(&Rc::new(Machine::new()), "Win32_Process");
    let files = Files::new("methods");
    let elsewhere = source(&files.machine(), "Win32_Process");
    let users = source(&files.machine(), "Win32_UserAccount");
    for (source, handle, method, expected) in [
        (&here, Some("1"), "Frobnicate", WbemStatus::InvalidMethod),
        (&here, None, "Terminate", WbemStatus::InvalidMethod),
        (&users, None, "Rename", WbemStatus::InvalidMethod),
        // A machine made of files has no processes that could be ended.
        (&elsewhere, Some("1"), "Terminate", WbemStatus::NotSupported),
        (&elsewhere, None, "Create", WbemStatus::NotSupported),
    ] {
        let error = call(&**source, handle, method, &[]).unwrap_err();
        assert_eq!(error.status, expected, "{method}");
    }
}
