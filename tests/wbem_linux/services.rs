//! Win32_Service, asked of a system bus that the test plays.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::rc::Rc;
use std::thread::JoinHandle;

use msgpump::wbem::linux::{self, Machine};
use msgpump::wbem::{ClassProvider, Flags, Progress, Server, Sink, Value, Wanted, WbemError, WbemStatus};
use msgpump::{Budget, Pump, Rest};

use super::support::{Files, ask, find, number, read, source, text, value};

/// A message in the making, in the order of bytes of the D-Bus's `l`.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn align(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }

    fn number(&mut self, number: u32) -> &mut Bytes {
        self.align(4);
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn text(&mut self, text: &str) -> &mut Bytes {
        self.number(text.len() as u32);
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
        self
    }

    fn signature(&mut self, signature: &str) -> &mut Bytes {
        self.0.push(signature.len() as u8);
        self.0.extend_from_slice(signature.as_bytes());
        self.0.push(0);
        self
    }

    /// An array of elements that are aligned to 8 bytes.
    fn array(&mut self, elements: impl Fn(&mut Bytes)) -> &mut Bytes {
        self.number(0);
        let place = self.0.len();
        self.align(8);
        let start = self.0.len();
        elements(self);
        let length = (self.0.len() - start) as u32;
        self.0[place - 4..place].copy_from_slice(&length.to_le_bytes());
        self
    }
}

/// A call as the bus reads it.
struct Call {
    serial: u32,
    path: String,
    member: String,
    arguments: Vec<String>,
}

/// What a bus answers: the types and values, or the name of an error.
type Reply = Result<(&'static str, Bytes), &'static str>;

/// Reads a call; `None` at the end.
fn read_call(stream: &mut impl Read) -> Option<Call> {
    let mut header = [0; 16];
    stream.read_exact(&mut header).ok()?;
    let number = |bytes: &[u8], place: usize| u32::from_le_bytes(bytes[place..place + 4].try_into().unwrap()) as usize;
    let (length, serial, fields) = (number(&header, 4), number(&header, 8), number(&header, 12));
    let mut rest = vec![0; fields.next_multiple_of(8) + length];
    stream.read_exact(&mut rest).ok()?;
    let text = |bytes: &[u8], place: usize| {
        let length = number(bytes, place);
        (String::from_utf8(bytes[place + 4..place + 4 + length].to_vec()).unwrap(), place + 4 + length + 1)
    };
    let (mut texts, mut place) = (HashMap::new(), 0);
    while place < fields {
        place = place.next_multiple_of(8);
        let (field, kind) = (rest[place], rest[place + 2]);
        if kind == b'g' {
            place += 4 + usize::from(rest[place + 4]) + 2;
        } else {
            let (value, end) = text(&rest, place + 4);
            texts.insert(field, value);
            place = end;
        }
    }
    let body = &rest[fields.next_multiple_of(8)..];
    let (mut arguments, mut place) = (Vec::new(), 0);
    while place < body.len() {
        let (argument, end) = text(body, place);
        arguments.push(argument);
        place = end.next_multiple_of(4);
    }
    Some(Call { serial: serial as u32, path: texts.remove(&1)?, member: texts.remove(&3)?, arguments })
}

/// Writes what answers a call.
fn write_reply(stream: &mut UnixStream, call: &Call, reply: Reply) {
    let mut fields = Bytes::default();
    fields.0.extend_from_slice(&[5, 1, b'u', 0]);
    fields.number(call.serial).align(8);
    let (kind, body) = match reply {
        Ok((signature, body)) => {
            if !signature.is_empty() {
                fields.0.extend_from_slice(&[8, 1, b'g', 0]);
                fields.signature(signature);
            }
            (2, body)
        }
        Err(name) => {
            fields.0.extend_from_slice(&[4, 1, b's', 0]);
            fields.text(name);
            (3, Bytes::default())
        }
    };
    let mut message = Bytes(vec![b'l', kind, 0, 1]);
    message.number(body.0.len() as u32).number(1).number(fields.0.len() as u32);
    message.0.extend_from_slice(&fields.0);
    message.align(8);
    message.0.extend_from_slice(&body.0);
    // In two pieces, as a socket may give them.
    let (first, second) = message.0.split_at(message.0.len() / 2);
    let _ = stream.write_all(first).and_then(|()| stream.write_all(second));
}

/// Lets whoever asks in, and answers a number of connections.
fn play(files: &Files, connections: usize, answer: fn(&Call) -> Reply) -> JoinHandle<Vec<String>> {
    std::fs::create_dir_all(files.path("run/dbus")).unwrap();
    std::fs::create_dir_all(files.path("run/systemd/system")).unwrap();
    let listener = UnixListener::bind(files.path("run/dbus/system_bus_socket")).unwrap();
    std::thread::spawn(move || {
        let mut asked = Vec::new();
        for _ in 0..connections {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            assert!(line.starts_with("\0AUTH EXTERNAL 3"), "{line:?}");
            line.clear();
            reader.read_line(&mut line).unwrap();
            assert_eq!(line, "BEGIN\r\n");
            stream.write_all(b"OK 0123456789abcdef\r\n").unwrap();
            while let Some(call) = read_call(&mut reader) {
                write_reply(&mut stream, &call, answer(&call));
                asked.push([&[call.member], &call.arguments[..]].concat().join(" "));
            }
        }
        asked
    })
}

/// Units as `ListUnits` tells them.
fn units(units: &[(&str, &str, &str)]) -> Bytes {
    let mut body = Bytes::default();
    body.array(|body| {
        for (name, description, active) in units {
            body.align(8);
            body.text(name).text(description).text("loaded").text(active).text("x").text("");
            body.text(&format!("/unit/{}", name.replace(['.', '-'], "_"))).number(0).text("").text("/");
        }
    });
    body
}

/// systemd, with some services.
fn systemd(call: &Call) -> Reply {
    let mut body = Bytes::default();
    match (&*call.member, call.arguments.get(1).map(String::as_str)) {
        ("Hello", _) => Ok(("s", Bytes(std::mem::take(&mut body.text(":1.7").0)))),
        ("ListUnits", _) => Ok((
            "a(ssssssouso)",
            units(&[
                ("ssh.service", "OpenBSD Secure Shell server", "active"),
                ("cron.service", "Regular jobs", "deactivating"),
                ("tmp.mount", "Temporary files", "active"),
                ("broken.service", "", "failed"),
            ]),
        )),
        ("ListUnitFiles", _) => {
            body.array(|body| {
                for (path, state) in [
                    ("/lib/systemd/system/ssh.service", "enabled"),
                    ("/lib/systemd/system/cron.service", "static"),
                    ("/lib/systemd/system/idle.service", "disabled"),
                    ("/etc/systemd/system/off.service", "masked"),
                    ("/lib/systemd/system/getty@.service", "enabled"),
                    ("/lib/systemd/system/tmp.mount", "static"),
                ] {
                    body.align(8);
                    body.text(path).text(state);
                }
            });
            Ok(("a(ss)", body))
        }
        ("Get", Some("MainPID")) => {
            body.signature("u").number(if call.path == "/unit/ssh_service" { 42 } else { 0 });
            Ok(("v", body))
        }
        ("Get", Some("ExecMainStatus")) if call.path == "/unit/broken_service" => {
            body.signature("i").number(3);
            Ok(("v", body))
        }
        ("Get", Some("ExecStart")) => {
            body.signature("a(sasbttttuii)").array(|body| {
                body.align(8);
                body.text("/usr/sbin/sshd");
                // An array of texts, which are aligned to 4 bytes.
                let mut words = Bytes::default();
                words.text("/usr/sbin/sshd").text("-D");
                body.number(words.0.len() as u32);
                body.0.extend_from_slice(&words.0);
                body.number(0);
            });
            Ok(("v", body))
        }
        ("Get", _) => Err("org.freedesktop.DBus.Error.UnknownObject"),
        ("StartUnit" | "StopUnit", _) => match &*call.arguments[0] {
            "ssh.service" => {
                body.text("/job/1");
                Ok(("o", body))
            }
            "cron.service" => Err("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"),
            _ => Err("org.freedesktop.systemd1.NoSuchUnit"),
        },
        _ => Err("org.freedesktop.DBus.Error.UnknownMethod"),
    }
}

#[test]
fn services_are_those_that_systemd_knows_and_those_of_which_there_is_a_file() {
    let files = Files::new("systemd");
    let bus = play(&files, 1, systemd);
    let rows = read(&source(&files.machine(), "Win32_Service"));
    let names: Vec<_> = rows.iter().map(|row| text(row, "Name").unwrap()).collect();
    assert_eq!(names, ["broken", "cron", "idle", "off", "ssh"]);
    for (name, state, mode, status, process) in [
        ("ssh", "Running", Some("Auto"), "OK", Some(42)),
        ("cron", "Stop Pending", Some("Manual"), "OK", Some(0)),
        ("idle", "Stopped", Some("Manual"), "OK", None),
        ("off", "Stopped", Some("Disabled"), "OK", None),
        ("broken", "Stopped", None, "Error", Some(0)),
    ] {
        let row = find(&rows, "Name", name).unwrap();
        assert_eq!(
            (text(row, "State"), text(row, "StartMode"), text(row, "Status")),
            (Some(state), mode, Some(status)),
            "{name}"
        );
        assert_eq!(number(row, "ProcessId"), process, "{name}");
        assert_eq!(value(row, "Started"), &Value::Boolean(state == "Running"), "{name}");
    }
    let ssh = find(&rows, "Name", "ssh").unwrap();
    assert_eq!(
        (text(ssh, "DisplayName"), text(ssh, "PathName")),
        (Some("OpenBSD Secure Shell server"), Some("/usr/sbin/sshd -D"))
    );
    assert_eq!(value(ssh, "ExitCode"), &Value::Null, "what systemd would not tell is not known");
    assert_eq!(number(find(&rows, "Name", "broken").unwrap(), "ExitCode"), Some(3));
    drop(bus);
}

#[test]
fn nothing_is_asked_that_is_not_wanted() {
    let files = Files::new("unasked");
    let bus = play(&files, 2, systemd);
    let machine = files.machine();
    let rows = ask(&machine, "SELECT Name, State FROM Win32_Service WHERE State = 'Running'");
    assert_eq!(rows.len(), 1);
    let rows = ask(&machine, "SELECT ProcessId FROM Win32_Service WHERE Name = 'ssh'");
    assert_eq!(number(&rows[0], "ProcessId"), Some(42));
    let asked = bus.join().unwrap();
    let lists = ["Hello", "ListUnits", "ListUnitFiles"];
    let expected = [&lists[..], &lists, &["Get org.freedesktop.systemd1.Service MainPID"]].concat();
    assert_eq!(asked, expected);
}

#[test]
fn services_are_started_and_stopped() {
    let files = Files::new("jobs-of-systemd");
    let bus = play(&files, 3, systemd);
    let mut pump = Pump::<()>::new().unwrap();
    let server = Server::new(&mut pump);
    linux::register(&server, "ROOT\\CIMV2", &files.machine()).unwrap();
    let services = server.connect(&mut pump, "ROOT\\CIMV2").unwrap();
    let mut call = |name: &str, method: &str| -> Result<Option<u64>, WbemError> {
        let path = format!("Win32_Service.Name='{name}'");
        let result = services.exec_method(&mut pump, &path, method, None)?;
        Ok(number(result.unwrap().instance().unwrap(), "ReturnValue"))
    };
    assert_eq!(call("ssh", "StopService"), Ok(Some(0)));
    assert_eq!(call("cron", "StartService"), Ok(Some(2)));
    assert_eq!(call("none", "StartService").unwrap_err().status, WbemStatus::NotFound);
    let asked = bus.join().unwrap();
    let jobs: Vec<_> = asked.iter().filter(|asked| *asked != "Hello").collect();
    assert_eq!(
        jobs,
        ["StopUnit ssh.service replace", "StartUnit cron.service replace", "StartUnit none.service replace"]
    );
    assert!(services.get_object(&mut pump, "Win32_Service.Name='ssh'", Flags::NONE).is_err(), "the bus is gone");
}

/// What reading the services of a machine comes to.
fn failure(files: &Files) -> WbemError {
    let source = source(&files.machine(), "Win32_Service");
    let mut rows = match source.open(&Wanted::everything()) {
        Ok(rows) => rows,
        Err(error) => return error,
    };
    loop {
        match rows.step(8, &mut Vec::new()) {
            Progress::End(Err(error)) => return error,
            Progress::End(Ok(())) => panic!("there are no services"),
            _ => std::thread::yield_now(),
        }
    }
}

#[test]
fn a_machine_without_systemd_answers_with_an_error() {
    assert_eq!(failure(&Files::new("sysv")).status, WbemStatus::ProviderLoadFailure);
    let error = failure(&Files::new("nobus").folder("run/systemd/system"));
    assert_eq!(error.status, WbemStatus::ProviderLoadFailure);
    assert!(error.to_string().contains("system_bus_socket"), "{error}");
}

#[test]
fn a_bus_that_refuses_or_babbles_is_an_error() {
    for (name, said, expected) in [
        ("refuses", &b"REJECTED EXTERNAL\r\n"[..], WbemStatus::AccessDenied),
        ("closes", b"", WbemStatus::ProviderFailure),
        ("babbles", b"OK 1\r\nxxxxxxxxxxxxxxxxxxxxxxxx", WbemStatus::ProviderFailure),
        ("exceeds", b"OK 1\r\nl\x02\0\x01\xff\xff\xff\xff\0\0\0\0\0\0\0\0", WbemStatus::ProviderFailure),
    ] {
        let files = Files::new(name).folder("run/systemd/system").folder("run/dbus");
        let listener = UnixListener::bind(files.path("run/dbus/system_bus_socket")).unwrap();
        let bus = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // What was asked is read first, or closing would throw away what is said.
            let _ = stream.read(&mut [0; 4096]);
            stream.write_all(said).unwrap();
        });
        assert_eq!(failure(&files).status, expected, "{name}");
        bus.join().unwrap();
    }
    let files = Files::new("denies");
    let bus = play(&files, 1, |call| match &*call.member {
        "Hello" => Ok(("", Bytes::default())),
        _ => Err("org.freedesktop.DBus.Error.AccessDenied"),
    });
    assert_eq!(failure(&files).status, WbemStatus::AccessDenied);
    drop(bus);
}

#[test]
fn the_services_of_this_machine_if_it_has_systemd() {
    let machine = Rc::new(Machine::new());
    let source = source(&machine, "Win32_Service");
    match source.open(&Wanted::everything()) {
        Err(error) => assert_eq!(error.status, WbemStatus::ProviderLoadFailure, "{error}"),
        Ok(mut rows) => {
            let rows = super::support::drain(&mut *rows);
            assert!(rows.iter().any(|row| text(row, "State") == Some("Running")));
        }
    }
}

#[test]
fn a_real_bus_lets_this_account_in_and_says_that_nobody_is_systemd() {
    let files = Files::new("realbus").folder("run/systemd/system").folder("run/dbus");
    let socket = files.path("run/dbus/system_bus_socket");
    let mut daemon = std::process::Command::new("dbus-daemon");
    daemon.args(["--session", "--nofork", "--nopidfile"]).arg(format!("--address=unix:path={}", socket.display()));
    let Ok(mut daemon) = daemon.stderr(std::process::Stdio::null()).spawn() else {
        println!("not compared: there is no dbus-daemon");
        return;
    };
    while UnixStream::connect(&socket).is_err() {
        if let Ok(Some(status)) = daemon.try_wait() {
            println!("not compared: dbus-daemon ended with {status}");
            return;
        }
        std::thread::yield_now();
    }
    let error = failure(&files);
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert_eq!(error.status, WbemStatus::ProviderLoadFailure, "{error}");
    assert!(error.to_string().contains("org.freedesktop.DBus.Error"), "{error}");
}

#[test]
fn who_waits_for_systemd_lets_the_pump_sleep() {
    let files = Files::new("mute").folder("run/systemd/system").folder("run/dbus");
    let listener = UnixListener::bind(files.path("run/dbus/system_bus_socket")).unwrap();
    let mut pump = Pump::<()>::new().unwrap();
    let server = Server::new(&mut pump);
    linux::register(&server, "ROOT\\CIMV2", &files.machine()).unwrap();
    let services = server.connect(&mut pump, "ROOT\\CIMV2").unwrap();
    let sink = Sink::new(pump.open_window());
    let path = "Win32_Service.Name='ssh'";
    services.exec_method_async(&mut pump, path, "StopService", None, Flags::NONE, &sink).unwrap();
    let mut is_asleep = || {
        let _ = pump.turn(Budget::no_wait()).unwrap();
        matches!(pump.rest(), Rest::Until(instant) if instant > std::time::Instant::now())
    };
    assert!((0..1000).any(|_| is_asleep()), "it looks and looks");
    drop(listener);
}
