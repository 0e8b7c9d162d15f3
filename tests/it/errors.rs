//! What refusals say to people, and that `?` takes them wherever a program's own errors are.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use msgpump::simulation::{NameServer, Simulation};
use msgpump::{
    Connect, HostQuery, Interest, Listen, Payload, Pump, ResolverConfig, ServiceQuery, Settings, StreamSettings,
    TcpStream, Timer, items,
};

fn pump() -> Pump<String> {
    Pump::new().expect("there are descriptors left")
}

#[test]
fn a_refused_start_says_what_was_attempted() {
    let mut pump = pump();
    let window = pump.open_window();
    pump.destroy_window(window);
    let gone = format!("{window} is destroyed or belongs to another pump");
    let second = Duration::from_secs(1);
    let texts = [
        pump.lookup_host(window, "a.example".into()).expect_err("it is gone").to_string(),
        pump.lookup_service(window, ServiceQuery::by_port(80).protocol("tcp")).expect_err("it is gone").to_string(),
        pump.connect(window, "a.example:80".into()).expect_err("it is gone").to_string(),
        pump.listen(window, Listen::on(([127, 0, 0, 1], 0))).expect_err("it is gone").to_string(),
        pump.set_timer(window, Timer::once(second)).expect_err("it is gone").to_string(),
        pump.start_external::<()>(window).expect_err("it is gone").to_string(),
        pump.start_stream(window, items([1]), StreamSettings::default()).expect_err("it is gone").to_string(),
    ];
    let attempts = [
        "looking up \"a.example\"",
        "looking up service \"80/tcp\"",
        "connecting to \"a.example:80\"",
        "listening on 127.0.0.1:0",
        "setting a timer",
        "starting an external operation",
        "starting a stream",
    ];
    assert_eq!(texts, attempts.map(|attempted| format!("{attempted}: {gone}")));
    let living = pump.set_timer(pump.root_window(), Timer::once(second)).expect("it is open");
    pump.cancel(living);
    let refused = pump.reset_timer(living, Timer::once(second)).expect_err("it is over");
    assert_eq!(refused.to_string(), format!("setting {living} anew: the operation is not a living timer"));
}

#[test]
fn a_watch_that_is_over_says_so_when_it_is_armed() {
    let mut pump = pump();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
    let address = listener.local_addr().expect("it listens");
    let stream = std::net::TcpStream::connect(address).and_then(TcpStream::from_std).expect("somebody listens");
    let watch = pump.watch(pump.root_window(), stream, Interest::READABLE).expect("it can be watched");
    pump.cancel(watch);
    let error = pump.rearm(watch, Interest::READABLE).expect_err("it is over");
    let text = format!("arming {watch} again: it was cancelled or released, or belongs to another pump");
    assert_eq!((error.kind(), error.to_string()), (io::ErrorKind::InvalidInput, text));
}

/// A program whose functions all return `io::Result`.
fn everything_that_is_refused(pump: &mut Pump<String>, case: usize) -> io::Result<()> {
    let window = pump.open_window();
    pump.destroy_window(window);
    match case {
        0 => pump.post(window, "text".to_owned())?,
        1 => drop(pump.connect(window, Connect::to("a.example:80"))?),
        2 => drop(pump.set_timer(pump.root_window(), Timer::every(Duration::ZERO))?),
        3 => drop(pump.get_message_for(msgpump::Filter::any().window(window))?),
        _ => {
            let listening = pump.listen(pump.root_window(), Listen::on(([127, 0, 0, 1], 0)))?;
            let address = pump.listening_address(listening).expect("it listens");
            pump.listen(pump.root_window(), address.into())?;
        }
    }
    Ok(())
}

#[test]
fn question_marks_take_refusals_into_an_io_error() {
    let mut pump = pump();
    let mut error = |case| everything_that_is_refused(&mut pump, case).expect_err("it is refused");
    for case in 0..4 {
        assert_eq!(error(case).kind(), io::ErrorKind::InvalidInput, "{}", error(case));
    }
    let in_use = error(4);
    assert_eq!(in_use.kind(), io::ErrorKind::AddrInUse);
    assert!(in_use.to_string().starts_with("listening on 127.0.0.1:"), "{in_use}");
}

#[test]
fn outcomes_that_failed_become_io_errors_with_their_words() {
    let simulation = Simulation::new(1);
    let server = SocketAddr::from(([192, 0, 2, 53], 53));
    simulation.name_server(server, NameServer::new().host("a.example", ["192.0.2.1"]));
    let config = ResolverConfig::new([server]);
    let mut pump = simulation.pump::<()>(Settings::default().resolver(config).expect("it is within the limits"));
    let window = pump.root_window();
    let mut error = |connects: bool, name: &str| -> io::Error {
        match connects {
            true => pump.connect(window, name.into()).map(drop).expect("it is open"),
            false => pump.lookup_host(window, HostQuery::by_name(name)).map(drop).expect("it is open"),
        }
        match pump.get_message().expect("the wait works").expect("nobody quits").payload {
            Payload::Host(result) => result.expect_err("there is none").into(),
            Payload::Connected(result) => result.expect_err("nobody listens").into(),
            other => panic!("{other:?}"),
        }
    };
    let not_found = error(false, "b.example");
    assert_eq!(not_found.kind(), io::ErrorKind::NotFound);
    assert!(not_found.to_string().starts_with("looking up \"b.example\": not found"), "{not_found}");
    assert_eq!(error(false, "b..example").kind(), io::ErrorKind::InvalidInput);
    assert_eq!(error(true, "b.example:80").kind(), io::ErrorKind::NotFound);
    assert_eq!(error(true, "a.example").kind(), io::ErrorKind::InvalidInput);
    let refused = error(true, "a.example:80");
    assert!(refused.to_string().contains("192.0.2.1:80"), "{refused}");
}

#[test]
fn typed_ids_are_keys_and_print_as_what_they_are() {
    let mut pump = pump();
    let window = pump.root_window();
    let (work, _completer) = pump.start_external::<u32>(window).expect("it is open");
    let (other, _other_completer) = pump.start_external::<u32>(window).expect("it is open");
    let names = HashMap::from([(work, "work"), (other, "other")]);
    assert_eq!((names[&work], names[&other]), ("work", "other"));
    assert_eq!(work.to_string(), work.id().to_string());
    assert!(format!("{work:?}").starts_with("ExternalOperationId("));
}
