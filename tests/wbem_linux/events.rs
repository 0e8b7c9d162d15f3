//! Processes that start and stop, files that change: told through descriptors that become readable.

use std::fs;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use msgpump::wbem::linux::{self, FileEvents, Machine};
use msgpump::wbem::{
    ClassProvider, Flags, Instance, Progress, Received, Rows, Server, Sink, SinkEvent, Value, Wanted, WbemStatus,
};
use msgpump::{Budget, Pump};
use rustix::event::{PollFd, PollFlags, poll};

use super::support::{Files, number, source, text, value};

/// A source of events at work.
struct Listening {
    rows: Box<dyn Rows>,
    told: Vec<Arc<Instance>>,
}

impl Listening {
    fn to(provider: &dyn ClassProvider) -> Listening {
        let mut listening = Listening { rows: provider.open(&Wanted::everything()).unwrap(), told: Vec::new() };
        listening.drain();
        listening
    }

    /// Takes what there is.
    fn drain(&mut self) {
        loop {
            match self.rows.step(64, &mut self.told) {
                Progress::More => {}
                // Who waits for a moment is asked again when something has happened.
                Progress::Parked | Progress::After(_) => return,
                other => panic!("{other:?}"),
            }
        }
    }

    /// Waits until an event is told that fits, and forgets those before it.
    fn wait_for(&mut self, fits: impl Fn(&Instance) -> bool) -> Arc<Instance> {
        loop {
            self.drain();
            if let Some(place) = self.told.iter().position(|event| fits(event)) {
                return self.told.drain(..=place).next_back().unwrap();
            }
            let descriptor = self.rows.descriptor().expect("sources of events have one");
            // A moment may pass without anything that happens.
            let moment = rustix::event::Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
            poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&moment)).unwrap();
        }
    }
}

#[test]
fn a_process_is_told_when_it_starts_and_when_it_stops() {
    let machine = Rc::new(Machine::new());
    let mut starts = Listening::to(&source(&machine, "Win32_ProcessStartTrace"));
    let mut stops = Listening::to(&source(&machine, "Win32_ProcessStopTrace"));
    assert!(
        starts.told.iter().all(|event| number(event, "ProcessID") != Some(std::process::id().into())),
        "what was there is not told"
    );
    let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
    let pid = u64::from(child.id());
    let is_child =
        |event: &Instance| event.class().index_of("ProcessID").is_some() && number(event, "ProcessID") == Some(pid);
    let event = starts.wait_for(is_child);
    assert_eq!(
        (&**event.class().name(), number(&event, "ParentProcessID")),
        ("Win32_ProcessStartTrace", Some(std::process::id().into()))
    );
    assert!(event.class().is_event() && text(&event, "ProcessName").is_some());
    let name = text(&event, "ProcessName").unwrap().to_owned();
    child.kill().unwrap();
    child.wait().unwrap();
    let event = stops.wait_for(is_child);
    assert_eq!(&**event.class().name(), "Win32_ProcessStopTrace");
    // Only the kernel tells how it ended.
    match value(&event, "ExitStatus") {
        Value::Null => {}
        told => assert_eq!((told, &*name), (&Value::Uint32(137), "sleep")),
    }
    assert!(starts.told.iter().all(|event| !is_child(event)), "once is enough");
}

#[test]
fn a_machine_made_of_files_is_looked_at_now_and_then() {
    let stat = |pid: u32, name: &str| format!("{pid} ({name}) S 1 {pid} 7 0 -1\n");
    let files = Files::new("trace").write("proc/10/stat", stat(10, "old"));
    let machine = files.machine();
    let mut starts = Listening::to(&source(&machine, "Win32_ProcessStartTrace"));
    let mut stops = Listening::to(&source(&machine, "Win32_ProcessStopTrace"));
    assert_eq!((starts.told.len(), stops.told.len()), (0, 0), "what was there at first is no news");
    let files = files.write("proc/11/stat", stat(11, "new")).folder("proc/sys");
    let event = starts.wait_for(|_| true);
    assert_eq!(
        ["ProcessID", "ParentProcessID", "SessionID"].map(|name| number(&event, name)),
        [Some(11), Some(1), Some(7)]
    );
    assert_eq!(text(&event, "ProcessName"), Some("new"));
    fs::remove_dir_all(files.path("proc/10")).unwrap();
    let event = stops.wait_for(|_| true);
    assert_eq!((number(&event, "ProcessID"), text(&event, "ProcessName")), (Some(10), Some("old")));
    assert_eq!(value(&event, "ExitStatus"), &Value::Null);
}

#[test]
fn a_process_that_has_ended_and_is_not_buried_does_not_start() {
    let stat = |pid: u32, state: char| format!("{pid} (job) {state} 1 {pid} 7 0 -1\n");
    let files = Files::new("zombies").write("proc/10/stat", stat(10, 'Z'));
    let mut starts = Listening::to(&source(&files.machine(), "Win32_ProcessStartTrace"));
    let files = files.write("proc/11/stat", stat(11, 'Z')).write("proc/12/stat", stat(12, 'S'));
    let mut pid = || number(&starts.wait_for(|_| true), "ProcessID");
    assert_eq!(pid(), Some(12));
    // The one that has ended was there for the list in which the other was told.
    let files = files.write("proc/13/stat", stat(13, 'S'));
    assert_eq!(pid(), Some(13));
    drop(files);
}

#[test]
fn thousands_of_processes_that_stop_at_once_are_told_in_slices() {
    const COUNT: usize = 600;
    let mut files = Files::new("stampede");
    for pid in 1..=COUNT {
        files = files.write(&format!("proc/{pid}/stat"), format!("{pid} (job) S 1 {pid} 7 0 -1\n"));
    }
    let mut stops = Listening::to(&source(&files.machine(), "Win32_ProcessStopTrace"));
    for pid in 1..=COUNT {
        fs::remove_dir_all(files.path(&format!("proc/{pid}"))).unwrap();
    }
    let mut told = 0;
    while told < COUNT {
        match stops.rows.step(64, &mut stops.told) {
            Progress::More | Progress::Parked => {}
            other => panic!("{other:?}"),
        }
        assert!(stops.told.len() <= 256, "{} in one slice", stops.told.len());
        told += stops.told.drain(..).count();
        let moment = rustix::event::Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        poll(&mut [PollFd::new(&stops.rows.descriptor().unwrap(), PollFlags::IN)], Some(&moment)).unwrap();
    }
}

#[test]
fn files_tell_what_happens_to_them() {
    let files = Files::new("watched").folder("here").folder("there").write("here/old", "x");
    let (here, there) = (files.path("here"), files.path("there"));
    let provider = FileEvents::in_folders([&here, &there]).unwrap();
    let mut listening = Listening::to(&provider);
    let is = |word: &'static str, name: Option<String>| {
        move |event: &Instance| text(event, "Event") == Some(word) && text(event, "Name") == name.as_deref()
    };
    let name = |folder: &std::path::Path, name: &str| Some(folder.join(name).to_str().unwrap().to_owned());
    fs::write(here.join("new"), "text").unwrap();
    let created = listening.wait_for(is("Created", name(&here, "new")));
    assert_eq!(
        (text(&created, "Path"), value(&created, "IsDirectory")),
        (Some(&*format!("{}/", here.display())), &Value::Boolean(false))
    );
    listening.wait_for(is("Written", name(&here, "new")));
    fs::create_dir(there.join("sub")).unwrap();
    let created = listening.wait_for(is("Created", name(&there, "sub")));
    assert_eq!(value(&created, "IsDirectory"), &Value::Boolean(true));
    fs::rename(here.join("old"), there.join("moved")).unwrap();
    let from = listening.wait_for(is("MovedFrom", name(&here, "old")));
    let to = listening.wait_for(is("MovedTo", name(&there, "moved")));
    assert!(number(&from, "Cookie") == number(&to, "Cookie") && number(&to, "Cookie") != Some(0));
    fs::remove_file(here.join("new")).unwrap();
    listening.wait_for(is("Deleted", name(&here, "new")));
    fs::remove_dir_all(&here).unwrap();
    listening.wait_for(is("FolderDeleted", None));
    // The other folder is still watched.
    fs::write(there.join("last"), "").unwrap();
    listening.wait_for(is("Created", name(&there, "last")));
}

#[test]
fn a_folder_that_is_moved_tells_nothing_more_under_its_old_name() {
    let files = Files::new("moved").folder("here").folder("there");
    let mut listening = Listening::to(&FileEvents::in_folders([files.path("here"), files.path("there")]).unwrap());
    fs::rename(files.path("here"), files.path("elsewhere")).unwrap();
    let moved = listening.wait_for(|event| text(event, "Event") == Some("FolderMoved"));
    assert_eq!(text(&moved, "Path"), Some(&*format!("{}/", files.path("here").display())));
    fs::write(files.path("elsewhere/new"), "").unwrap();
    fs::write(files.path("there/last"), "").unwrap();
    let told = listening.wait_for(|event| text(event, "Event") == Some("Created"));
    assert_eq!(text(&told, "Name"), files.path("there/last").to_str(), "nothing is at the other name");
}

#[test]
fn a_folder_with_two_names_tells_what_happens_under_both() {
    let files = Files::new("alias").folder("here").link("also", "here");
    let folders = [files.path("here"), files.path("also"), files.path("here")];
    let mut listening = Listening::to(&FileEvents::in_folders(folders).unwrap());
    fs::write(files.path("here/new"), "").unwrap();
    listening.wait_for(|event| text(event, "Event") == Some("Written"));
    listening.drain();
    fs::create_dir(files.path("here/sub")).unwrap();
    let mut names: Vec<_> = (0..2)
        .map(|_| listening.wait_for(|event| text(event, "Event") == Some("Created")))
        .map(|event| text(&event, "Name").unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["also/sub", "here/sub"].map(|name| files.path(name).to_str().unwrap().to_owned()));
    listening.drain();
    assert!(listening.told.iter().all(|event| text(event, "Event") != Some("Created")), "once under each name");
}

#[test]
fn events_that_the_kernel_drops_are_told_as_lost() {
    let Ok(limit) = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events") else { return };
    let limit: usize = limit.trim().parse().unwrap();
    if limit > 100_000 {
        println!("not compared: the kernel keeps {limit} events");
        return;
    }
    let files = Files::new("overflow").folder("here").write("here/a", "x");
    let folder = files.path("here");
    let mut listening = Listening::to(&FileEvents::in_folders([&folder]).unwrap());
    // Two events each, different from the one before so that the kernel does not make one of them.
    for number in 0..limit {
        fs::rename(folder.join(["a", "b"][number % 2]), folder.join(["b", "a"][number % 2])).unwrap();
    }
    listening.wait_for(|event| event.class().is_a("__EventQueueOverflowEvent"));
    listening.drain();
    let words = listening.told.iter().filter_map(|event| event.get("Event")?.as_str().map(str::to_owned));
    assert!(words.count() <= 1, "the overflow was last");
}

#[test]
fn folders_that_cannot_be_watched_say_why() {
    let files = Files::new("unwatched").write("file", "x");
    for (path, expected) in [(files.path("none"), WbemStatus::NotFound), (files.path("file"), WbemStatus::NotFound)] {
        let error = FileEvents::in_folders([&path]).unwrap().open(&Wanted::everything()).err().unwrap();
        assert_eq!(error.status, expected, "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
    assert_eq!(FileEvents::in_folders(["here"]).unwrap_err().status, WbemStatus::InvalidParameter);
    let many = (0..2000).map(|number| format!("/{number}"));
    assert_eq!(FileEvents::in_folders(many).unwrap_err().status, WbemStatus::InvalidParameter);
}

/// The first event of a query, asked of a server; `happen` is called once it is known what there was before.
fn first_event(
    server: &Server,
    pump: &mut Pump<()>,
    query: &str,
    is_begun: impl Fn() -> bool,
    happen: impl FnOnce(),
) -> Arc<Instance> {
    let services = server.connect(pump, "ROOT\\CIMV2").unwrap();
    let flags = Flags::FORWARD_ONLY | Flags::RETURN_IMMEDIATELY;
    let mut events = services.exec_notification_query(pump, "WQL", query, flags).unwrap();
    // As a program does that has its own loop: the pump works, the server's business is done, events are fetched.
    let mut turn = |pump: &mut Pump<()>| {
        let _ = pump.turn(Budget::wait(Duration::from_secs(5))).unwrap();
        assert!(server.next_message(pump).is_none());
        events.next(pump, Some(Duration::ZERO), 1).unwrap().objects.pop()
    };
    while !is_begun() {
        assert!(turn(pump).is_none());
    }
    happen();
    loop {
        if let Some(event) = turn(pump) {
            return event.instance().unwrap().clone();
        }
    }
}

#[test]
fn queries_for_events_are_answered_behind_a_server() {
    let files = Files::new("subscribed").folder("here").folder("proc/1");
    let machine = files.machine();
    let mut pump = Pump::new().unwrap();
    let server = Server::new(&mut pump);
    linux::register(&server, "ROOT\\CIMV2", &machine).unwrap();
    server.register("ROOT\\CIMV2", FileEvents::in_folders([files.path("here")]).unwrap()).unwrap();
    let written = "SELECT * FROM Linux_FileEvent WHERE Event = 'Written' AND Name LIKE '%note'";
    let event = first_event(
        &server,
        &mut pump,
        written,
        || true,
        || {
            fs::write(files.path("here/other"), "x").unwrap();
            fs::write(files.path("here/note"), "x").unwrap();
        },
    );
    assert_eq!(text(&event, "Name"), files.path("here/note").to_str());
    let started = "SELECT ProcessID, ProcessName FROM Win32_ProcessStartTrace WHERE ProcessName = 'job'";
    // The folder is opened, and a file of the process that was there before.
    let opened = machine.files_opened();
    let event = first_event(
        &server,
        &mut pump,
        started,
        || machine.files_opened() >= opened + 2,
        || {
            fs::create_dir_all(files.path("proc/77.new")).unwrap();
            fs::write(files.path("proc/77.new/stat"), "77 (job) S 1 77 7 0 -1\n").unwrap();
            fs::rename(files.path("proc/77.new"), files.path("proc/77")).unwrap();
        },
    );
    assert_eq!((number(&event, "ProcessID"), text(&event, "ProcessName")), (Some(77), Some("job")));
    let created = "SELECT * FROM __InstanceCreationEvent WITHIN 0.05 WHERE TargetInstance ISA 'Win32_Process' AND TargetInstance.Name = 'other'";
    let opened = machine.files_opened();
    let event = first_event(
        &server,
        &mut pump,
        created,
        || machine.files_opened() >= opened + 2,
        || {
            fs::create_dir_all(files.path("proc/78.new")).unwrap();
            for file in ["cmdline", "status", "io"] {
                fs::write(files.path("proc/78.new").join(file), "").unwrap();
            }
            fs::create_dir(files.path("proc/78.new/fd")).unwrap();
            fs::write(files.path("proc/78.new/stat"), "78 (other) S 1 78 7 0 -1\n").unwrap();
            fs::rename(files.path("proc/78.new"), files.path("proc/78")).unwrap();
        },
    );
    let target = event.get("TargetInstance").and_then(Value::as_object).unwrap();
    assert_eq!(text(target, "Handle"), Some("78"));
}

#[test]
fn a_file_and_the_files_of_a_folder_tell_their_changes() {
    let files = Files::new("watched").write("here/one", "1").write("here/two", "2").write("here/below/three", "3");
    let machine = files.machine();
    let mut pump = Pump::new().unwrap();
    let server = Server::new(&mut pump);
    linux::register(&server, "ROOT\\CIMV2", &machine).unwrap();
    for (event, condition, happens, told) in [
        ("Modification", "Name = '/here/one'", ("one", Some("longer")), "/here/one"),
        ("Creation", "Path = '/here/'", ("new", Some("4")), "/here/new"),
        ("Deletion", "Path = '/here/' AND TargetInstance.Extension IS NULL", ("two", None), "/here/two"),
    ] {
        let query = format!(
            "SELECT * FROM __Instance{event}Event WITHIN 0.05 WHERE TargetInstance ISA 'CIM_DataFile' AND TargetInstance.{condition}"
        );
        let opened = machine.files_opened();
        let event = first_event(
            &server,
            &mut pump,
            &query,
            // Each look reads what is mounted where, and the few files in the same step.
            || machine.files_opened() > opened,
            || {
                let file = files.path("here").join(happens.0);
                match happens.1 {
                    Some(text) => fs::write(file, text).unwrap(),
                    None => fs::remove_file(file).unwrap(),
                }
            },
        );
        let target = event.get("TargetInstance").and_then(Value::as_object).unwrap();
        assert_eq!(text(target, "Name"), Some(told), "{query}");
    }
}

#[test]
fn v03_v06_the_clock_tells_its_changes_once_a_second() {
    let files = Files::new("ticking");
    let machine = files.machine();
    let mut ticks = source(&machine, "Win32_LocalTime").changes().expect("it tells them").unwrap();
    let mut told = Vec::new();
    for tenth in 0..1201_i64 {
        machine.set_clock(super::support::CLOCK + tenth * 100_000);
        let Progress::After(pause) = ticks.step(1, &mut told) else { panic!("it goes on") };
        assert!(pause <= Duration::from_secs(1) && !pause.is_zero());
    }
    let seconds = |event: &Arc<Instance>, name: &str| number(event.get(name).unwrap().as_object().unwrap(), "Second");
    assert_eq!((told.len(), told.iter().filter(|it| seconds(it, "TargetInstance") == Some(0)).count()), (120, 2));
    assert_eq!((seconds(&told[0], "PreviousInstance"), seconds(&told[0], "TargetInstance")), (Some(0), Some(1)));
    let mut pump = Pump::<()>::new().unwrap();
    let server = Server::new(&mut pump);
    linux::register(&server, "ROOT\\CIMV2", &Rc::new(Machine::new())).unwrap();
    let services = server.connect(&mut pump, "ROOT\\CIMV2").unwrap();
    let query = "SELECT * FROM __InstanceModificationEvent WHERE TargetInstance ISA 'Win32_LocalTime'";
    let mut events = services.exec_notification_query(&mut pump, "WQL", query, Flags::SEMISYNCHRONOUS).unwrap();
    assert_eq!(events.next(&mut pump, None, 1).unwrap().objects.len(), 1);
}

#[test]
fn events_are_not_to_be_had_by_a_query_for_objects() {
    let mut pump = Pump::<()>::new().unwrap();
    let server = Server::new(&mut pump);
    linux::register(&server, "ROOT\\CIMV2", &Rc::new(Machine::new())).unwrap();
    let services = server.connect(&mut pump, "ROOT\\CIMV2").unwrap();
    let error =
        services.exec_query(&mut pump, "WQL", "SELECT * FROM Win32_ProcessStartTrace", Flags::NONE).unwrap_err();
    assert_eq!(error.status, WbemStatus::InvalidQuery);
}

/// Whether this process watches a folder, as the kernel tells it of each descriptor.
fn is_watched(folder: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = format!("ino:{:x} ", fs::metadata(folder).unwrap().ino());
    let descriptors = fs::read_dir("/proc/self/fdinfo").unwrap();
    // Other tests open and close theirs meanwhile.
    let texts = descriptors.filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok());
    texts.into_iter().any(|text| text.lines().any(|line| line.starts_with("inotify") && line.contains(&inode)))
}

#[test]
fn who_has_cancelled_hears_nothing_and_the_folder_is_not_watched_any_more() {
    let files = Files::new("cancelled").folder("here");
    let folder = files.path("here");
    for is_told in [false, true] {
        let mut pump = Pump::<()>::new().unwrap();
        let server = Server::new(&mut pump);
        server.register("ROOT\\CIMV2", FileEvents::in_folders([&folder]).unwrap()).unwrap();
        let services = server.connect(&mut pump, "ROOT\\CIMV2").unwrap();
        let window = pump.open_window();
        let sink = Sink::new(window);
        let query = "SELECT * FROM Linux_FileEvent";
        services.exec_notification_query_async(&mut pump, "WQL", query, Flags::NONE, &sink).unwrap();
        assert!(is_watched(&folder));
        fs::write(folder.join("new"), "x").unwrap();
        if is_told {
            let Some(Received::Sink(message)) = server.get_message(&mut pump).unwrap() else { panic!("it is told") };
            assert!(matches!(message.event, SinkEvent::Indicate(_)));
        }
        fs::write(folder.join("new"), "y").unwrap();
        services.cancel_async_call(&mut pump, &sink).unwrap();
        fs::write(folder.join("new"), "z").unwrap();
        let Some(Received::Sink(message)) = server.get_message(&mut pump).unwrap() else { panic!("it ends") };
        let SinkEvent::Status(status) = message.event else { panic!("nothing is told but the end") };
        assert_eq!(status.status, WbemStatus::CallCancelled);
        let _ = pump.turn(Budget::no_wait()).unwrap();
        assert!(server.next_message(&mut pump).is_none() && !is_watched(&folder));
    }
}
