//! Calls to sinks: what they are told, in which order, and which errors come where.

use msgpump::wbem::{ClassProvider, Flags, Instance, Sink, SinkEvent, Value, WbemStatus};

use crate::support::providers::Fault;
use crate::support::{HOME, Heard, Stage, What, heard, instance, keys, processes, status, statuses};

const OK: WbemStatus = WbemStatus::SNoError;

#[test]
fn a01_rows_in_batches_then_one_status() {
    let mut stage = Stage::new(3);
    let sink = stage.sink();
    let call = stage.ask(&sink);
    assert_eq!(stage.heard(), [], "nothing comes before the call has returned and the pump has turned");
    assert_eq!(sink.holders(), 2);
    let heard = stage.run(5);
    assert!(heard.iter().all(|heard| heard.call == call && heard.sink == sink.id()));
    assert_eq!((keys(&heard), statuses(&heard)), (["0", "1", "2"].map(String::from).to_vec(), vec![OK]));
    assert!(matches!(heard.last().unwrap().what, What::Status(_)));
    assert_eq!(sink.holders(), 1);
    assert_eq!(stage.run(3), []);
}

#[test]
fn a02_an_empty_result_is_only_a_status() {
    let mut stage = Stage::new(3);
    let sink = stage.sink();
    stage.ask_for("SELECT * FROM Slow WHERE Name = 'none'", &sink);
    let heard = stage.run(5);
    assert_eq!((heard.len(), statuses(&heard)), (1, vec![OK]));
}

/// The table of where an error surfaces, for sinks: what is told at once, and what comes to the sink.
#[test]
fn a03_a04_errors_surface_where_the_texts_have_them() {
    for (language, query, at_once, told) in [
        ("", "SELECT * FROM Slow", WbemStatus::InvalidParameter, None),
        ("WQL", "", WbemStatus::InvalidParameter, None),
        ("SQL", "", WbemStatus::InvalidParameter, None),
        ("SQL", "SELECT * FROM Slow", WbemStatus::InvalidQueryType, None),
        ("WQL", "invalid query", OK, Some(WbemStatus::InvalidQuery)),
        ("wql", "SELECT * FROM None", OK, Some(WbemStatus::InvalidClass)),
        ("WQL", "SELECT NoSuchField FROM Slow", OK, Some(WbemStatus::InvalidQuery)),
        ("WQL", "SELECT * FROM Slow WHERE None = 1", OK, Some(WbemStatus::InvalidQuery)),
        ("WQL", "SELECT * FROM Slow WHERE Id > 1.5", OK, Some(WbemStatus::InvalidQuery)),
        ("WQL", "SELECT * FROM Slow WHERE Id = 'x'", OK, Some(WbemStatus::InvalidQuery)),
    ] {
        let mut stage = Stage::new(3);
        let sink = stage.sink();
        let returned = stage.services.exec_query_async(&mut stage.pump, language, query, Flags::NONE, &sink);
        assert_eq!(status(returned), at_once, "{language} {query}");
        let heard = stage.run(3);
        assert_eq!((keys(&heard).len(), statuses(&heard)), (0, told.into_iter().collect()), "{language} {query}");
        assert_eq!((sink.holders(), stage.slow.stats.opened.get()), (1, 0), "{language} {query}");
    }
}

#[test]
fn flags_that_do_not_go_with_a_call_are_refused() {
    let mut stage = Stage::new(3);
    let (pump, services) = (&mut stage.pump, &stage.services);
    let sink = Sink::new(pump.root_window());
    let (query, events) = ("SELECT * FROM Slow", "SELECT * FROM __TimerEvent");
    let row = Instance::from_values(stage.slow.class(), vec![1_u32.into()]).unwrap();
    let refused = [
        status(services.exec_query_async(pump, "WQL", query, Flags::FORWARD_ONLY, &sink)),
        status(services.exec_query(pump, "WQL", query, Flags::SEND_STATUS)),
        status(services.get_object_async(pump, "Slow.Id=1", Flags::SHALLOW, &sink)),
        status(services.create_instance_enum_async(pump, "", Flags::NONE, &sink)),
        status(services.delete_instance_async(pump, "Slow.Id=1", Flags::DIRECT_READ, &sink)),
        status(services.exec_method_async(pump, "Slow", "Static", None, Flags::DIRECT_READ, &sink)),
        status(services.exec_method_async(pump, "Slow", "", None, Flags::NONE, &sink)),
        status(services.create_class_enum(pump, "", Flags::DIRECT_READ)),
        status(services.get_object(pump, "Slow.Id=1", Flags::FORWARD_ONLY)),
        status(services.put_instance(pump, &row, Flags::FORWARD_ONLY)),
        status(services.put_instance_async(pump, &row, Flags::DIRECT_READ, &sink)),
        status(services.exec_notification_query(pump, "WQL", events, Flags::SEMISYNCHRONOUS | Flags::DIRECT_READ)),
        status(services.exec_notification_query_async(pump, "WQL", events, Flags::FORWARD_ONLY, &sink)),
    ];
    assert_eq!(refused, [WbemStatus::InvalidParameter; 13]);
    assert_eq!(stage.run(3), []);
    assert_eq!(sink.holders(), 1);
}

#[test]
fn an_error_says_what_where_and_who() {
    let mut stage = Stage::new(3);
    let sink = stage.sink();
    stage.ask_for("SELECT * FROM None", &sink);
    stage.turn();
    let SinkEvent::Status(told) = stage.take().remove(0).event else { panic!("a status comes") };
    let error = told.result().unwrap_err().to_string();
    assert_eq!(
        error,
        "ExecQuery: WBEM_E_INVALID_CLASS (0x80041010): there is no class None in the namespace ROOT\\CIMV2 at column 15 in \"SELECT * FROM None\""
    );
    stage.slow.fault.set(Some((1, Fault::Fail)));
    stage.ask(&sink);
    stage.turns(3);
    let taken = stage.take();
    let SinkEvent::Status(told) = &taken.last().unwrap().event else { panic!("a status comes") };
    assert_eq!(told.result().unwrap_err().to_string(), "ExecQuery: WBEM_E_ACCESS_DENIED (0x80041003), said by Slow");
    assert_eq!((told.counts.read, told.counts.kept), (1, 1));
}

#[test]
fn a_provider_that_misbehaves_hurts_only_its_call() {
    for (fault, ended) in [
        (Fault::Panic, Some(WbemStatus::ProviderFailure)),
        (Fault::Fail, Some(WbemStatus::AccessDenied)),
        (Fault::Stall, None),
        (Fault::OtherClass, Some(OK)),
    ] {
        let mut stage = Stage::new(5);
        stage.server.register(HOME, processes()).unwrap();
        stage.slow.fault.set(Some((2, fault)));
        let (sink, other) = (stage.sink(), stage.sink());
        stage.ask(&sink);
        stage.ask_for("SELECT * FROM Win32_Process", &other);
        let (ours, others): (Vec<_>, Vec<_>) = stage.run(6).into_iter().partition(|heard| heard.sink == sink.id());
        assert_eq!((keys(&ours).len(), statuses(&ours)), (2, ended.into_iter().collect()), "{fault:?}");
        assert_eq!((keys(&others).len(), statuses(&others)), (4, vec![OK]), "{fault:?}");
        stage.slow.fault.set(None);
        stage.ask(&other);
        assert!(keys(&stage.run(7)).len() >= 5, "{fault:?}: it is asked again");
    }
}

fn row(stage: &mut Stage, handle: &str, name: &str) -> Instance {
    let class = stage.services.get_object(&mut stage.pump, "Win32_Process", Flags::NONE).unwrap().class().clone();
    (*instance(&class, &[("Handle", handle.into()), ("Name", name.into())])).clone()
}

#[test]
fn a05_put_and_delete() {
    let mut stage = Stage::new(1);
    stage.server.register(HOME, processes()).unwrap();
    let sink = stage.sink();
    let new = row(&mut stage, "200", "new.exe");
    let mut put = |row: &Instance, flags: Flags| {
        stage.services.put_instance_async(&mut stage.pump, row, flags, &sink).unwrap();
        stage.turn();
        let SinkEvent::Status(told) = stage.take().remove(0).event else { panic!("a status comes") };
        (told.status, told.text)
    };
    let path = Some(r#"ROOT\CIMV2:Win32_Process.Handle="200""#.to_string());
    assert_eq!(put(&new, Flags::NONE), (OK, path.clone()));
    assert_eq!(put(&new, Flags::CREATE_ONLY), (WbemStatus::AlreadyExists, None));
    assert_eq!(put(&new, Flags::UPDATE_ONLY), (OK, path));
    let mut missing = new.clone();
    missing.put("Handle", "201").unwrap();
    assert_eq!(put(&missing, Flags::UPDATE_ONLY), (WbemStatus::NotFound, None));
    missing.put("Handle", Value::Null).unwrap();
    assert_eq!(put(&missing, Flags::NONE), (WbemStatus::NoKey, None));

    let mut deleted = |path: &str| {
        stage.services.delete_instance_async(&mut stage.pump, path, Flags::NONE, &sink).unwrap();
        statuses(&stage.run(2))
    };
    assert_eq!(deleted("Win32_Process.Handle=200"), [OK]);
    assert_eq!(deleted("Win32_Process.Handle=200"), [WbemStatus::NotFound]);
    assert_eq!(deleted("Win32_Process"), [WbemStatus::InvalidObjectPath]);
    assert_eq!(deleted("Win32_Process.Handle="), [WbemStatus::InvalidObjectPath]);
    assert_eq!(deleted("None.Handle=1"), [WbemStatus::InvalidClass]);
    assert_eq!(deleted("Slow.Id=0"), [WbemStatus::ProviderNotCapable]);
}

fn method(stage: &mut Stage, path: &str, method: &str, arguments: Option<&Instance>) -> Vec<Heard> {
    let sink = stage.sink();
    stage.services.exec_method_async(&mut stage.pump, path, method, arguments, Flags::NONE, &sink).unwrap();
    stage.run(5)
}

#[test]
fn a06_methods_give_their_results_then_a_status() {
    let mut stage = Stage::new(1);
    let four = stage.slow.arguments(4);
    let results = |value: &str| What::Indicate(vec![value.to_string()]);
    for (path, name, arguments, value) in [
        ("Slow.Id=0", "work", Some(&four), "0"),
        ("Slow.Id=0", "Refuse", None, "2"),
        ("Slow", "Static", None, "7"),
        ("Slow.Id=0", "Static", None, "7"),
    ] {
        let heard: Vec<What> = method(&mut stage, path, name, arguments).into_iter().map(|heard| heard.what).collect();
        assert_eq!(heard, [results(value), What::Status(OK)], "{name}");
    }
    for (path, name, arguments, ended) in [
        ("Slow.Id=0", "None", None, WbemStatus::InvalidMethod),
        ("Slow.Id=0", "Missing", None, WbemStatus::MethodNotImplemented),
        ("Slow", "Work", None, WbemStatus::InvalidObjectPath),
        ("Slow.Id=0", "Refuse", Some(&four), WbemStatus::InvalidMethodParameters),
        ("Slow.None=0", "Work", None, WbemStatus::InvalidObjectPath),
        ("Slow.Id", "Work", None, WbemStatus::InvalidObjectPath),
        (r"\\.\root\other:Slow.Id=0", "Work", None, WbemStatus::InvalidNamespace),
        ("None", "Work", None, WbemStatus::NotFound),
    ] {
        let heard = method(&mut stage, path, name, arguments);
        assert_eq!((heard.len(), statuses(&heard)), (1, vec![ended]), "{path} {name}");
    }
}

#[test]
fn a08_a_reply_from_another_thread_and_its_loss() {
    let mut stage = Stage::new(1);
    let answers = |stage: &mut Stage| method(stage, "Slow.Id=0", "Elsewhere", None);
    assert_eq!(answers(&mut stage), []);
    let reply = stage.slow.replies.borrow_mut().pop().unwrap();
    let results = stage.slow.results(5);
    std::thread::spawn(move || reply.send(Ok(results)).unwrap()).join().unwrap();
    let heard = stage.run(3);
    assert_eq!((keys(&heard), statuses(&heard)), (vec!["5".to_string()], vec![OK]));

    assert_eq!(answers(&mut stage), []);
    stage.slow.replies.borrow_mut().clear();
    assert_eq!(statuses(&stage.run(3)), [WbemStatus::ProviderFailure]);
}

#[test]
fn a10_many_calls_at_a_time() {
    let mut stage = Stage::new(3);
    let sinks: Vec<_> = (0..150).map(|_| stage.sink()).collect();
    let mut heard = Vec::new();
    for sinks in sinks.chunks(50) {
        for sink in sinks {
            stage.ask(sink);
        }
        heard.extend(stage.run(12));
    }
    assert_eq!((keys(&heard).len(), statuses(&heard)), (450, vec![OK; 150]));
    assert!(sinks.iter().all(|sink| sink.holders() == 1));
}

#[test]
fn a11_progress_is_told_to_those_who_ask_for_it() {
    for (flags, expected) in [(Flags::SEND_STATUS, vec![0x0003_0001, 0x0003_0002]), (Flags::NONE, vec![])] {
        let mut stage = Stage::new(3);
        stage.slow.reports.set(true);
        let sink = stage.sink();
        stage.services.exec_query_async(&mut stage.pump, "WQL", "SELECT * FROM Slow", flags, &sink).unwrap();
        let heard = stage.run(5);
        let told: Vec<u32> =
            heard.iter().filter_map(|it| if let What::Progress(n) = it.what { Some(n) } else { None }).collect();
        assert_eq!((told, keys(&heard).len(), statuses(&heard)), (expected, 3, vec![OK]));
    }
}

#[test]
fn o08_get_object() {
    let mut stage = Stage::new(3);
    stage.server.register(HOME, processes()).unwrap();
    let mut get = |path: &str| {
        let sink = stage.sink();
        stage.services.get_object_async(&mut stage.pump, path, Flags::NONE, &sink).unwrap();
        let heard = stage.run(5);
        (keys(&heard), statuses(&heard)[0])
    };
    let one = |key: &str| (vec![key.to_string()], OK);
    let none = |status: WbemStatus| (Vec::new(), status);
    for (path, expected) in [
        ("Win32_Process", one("Win32_Process")),
        ("win32_process.handle='4'", one("4")),
        ("Win32_Process=4", one("4")),
        (r#"\\.\root\cimv2:Win32_Process.Handle="100""#, one("100")),
        ("Slow.Id=2", one("2")),
        ("Slow.Id=7", none(WbemStatus::NotFound)),
        ("Win32_Process.Handle='none'", none(WbemStatus::NotFound)),
        ("None", none(WbemStatus::NotFound)),
        ("None.Handle=1", none(WbemStatus::InvalidClass)),
        ("Win32_Process.Name='x'", none(WbemStatus::InvalidObjectPath)),
        ("Win32_Process.Handle='4',Handle='5'", none(WbemStatus::InvalidObjectPath)),
        ("Win32_Process=@", none(WbemStatus::InvalidObjectPath)),
        ("", one("")),
        (" ", none(WbemStatus::InvalidObjectPath)),
        (r"root\other:Win32_Process", none(WbemStatus::InvalidNamespace)),
        (r"\\elsewhere\root\cimv2:Win32_Process", none(WbemStatus::InvalidNamespace)),
    ] {
        assert_eq!(get(path), expected, "{path}");
    }
}

#[test]
fn the_empty_path_gives_an_empty_class() {
    let mut stage = Stage::new(1);
    let object = stage.services.get_object(&mut stage.pump, "", Flags::NONE).unwrap();
    assert_eq!((object.instance().is_none(), object.class().properties().len()), (true, 0));
    assert_eq!(*object.get("__GENUS").unwrap(), Value::from(1));
    for name in ["__CLASS", "__SUPERCLASS", "__DYNASTY", "__RELPATH", "__PATH"] {
        assert!(object.get(name).unwrap().is_null(), "{name}");
    }
}

#[test]
fn rows_are_let_go_when_the_program_takes_them() {
    let mut stage = Stage::new(1000);
    let sink = stage.sink();
    stage.ask(&sink);
    stage.turns(50);
    let taken = stage.take();
    assert!(taken.len() <= 4, "so many batches wait at a time: {}", taken.len());
    let first = taken.into_iter().map(heard).next().unwrap();
    assert_eq!(first.what, What::Indicate(vec!["0".into()]));
}
