//! The six requests: handles, words, answers.

use std::time::Duration;

use msgpump::simulation::{Act, NameServer};
use msgpump::winsock::{Delivery, NumericHosts, Version, WinsockError, WinsockSettings, htons};
use msgpump::{Budget, Payload, Settings};

use crate::support::{
    Eafnosupport, Efault, Enobufs, Ewouldblock, Fixture, HELD, HostNotFound, M, NoData, NoRecovery, TryAgain, hi, lo,
    zone,
};

#[test]
fn t14_a_request_without_a_window_is_a_message_of_the_thread() {
    let mut fixture = Fixture::new();
    let task = fixture.winsock.wsa_async_get_serv_by_port(&mut fixture.pump, None, 0, 0, None, 0);
    let task = task.expect("whatever the arguments are");
    assert_ne!(task.raw(), 0);
    let message = fixture.one();
    assert_eq!((message.window, message.message, message.task()), (fixture.pump.root_window(), 0, task));
}

#[test]
fn t15_services_by_port_whatever_the_buffer() {
    for (port, buflen, expected) in [(0, 0, Err(NoData)), (htons(80), 0, Err(Enobufs)), (htons(80), 1024, Ok("http"))] {
        let mut fixture = Fixture::new();
        let task = fixture.port(port, None, buflen).expect("a handle");
        let message = fixture.one();
        assert_eq!((message.wparam, message.task()), (task.raw(), task));
        match expected {
            Ok(name) => {
                let service = message.answer.as_ref().and_then(|answer| answer.service()).expect("a service");
                assert_eq!((hi(&message), &*service.name), (0, name));
            }
            Err(error) => {
                assert_eq!((hi(&message), &message.answer), (error.number(), &None));
                assert_eq!(lo(&message) > 0, error == Enobufs, "the size that is needed");
            }
        }
    }
}

#[test]
fn t16_services_by_name_whatever_the_buffer() {
    for (name, protocol, buflen, expected) in [
        ("", None, 0, NoData.number()),
        ("", Some(""), 1024, NoData.number()),
        ("http", None, 0, Enobufs.number()),
        ("http", Some("tcp"), 1024, 0),
    ] {
        let mut fixture = Fixture::new();
        let task = fixture.service(name, protocol, buflen).expect("a handle");
        let message = fixture.one();
        assert_eq!((message.task(), hi(&message)), (task, expected), "{name:?} {protocol:?}");
        if expected == 0 {
            let service = message.answer.as_ref().and_then(|answer| answer.service()).expect("a service");
            assert_eq!(service.port, htons(80));
        }
    }
}

#[test]
fn t17_one_message_with_the_callers_number_and_the_handle() {
    let mut fixture = Fixture::new();
    let task = fixture.host("www.test", 1024).expect("it starts");
    let message = fixture.one();
    assert_eq!((message.window, message.message, message.task(), hi(&message)), (fixture.window, M, task, 0));
    assert_eq!((message.async_error(), message.async_buflen() as usize), (None, message.async_needed()));
    let host = message.answer.as_ref().and_then(|answer| answer.host()).expect("a host");
    assert_eq!((&*host.name, &*host.addresses), ("www.test", &[[192, 0, 2, 1].into()][..]));
}

#[test]
fn the_worked_words_of_the_texts() {
    let mut fixture = Fixture::new();
    fixture.host("nobody.test", 1024).expect("it starts");
    assert_eq!(fixture.one().lparam, 0x2AF9_0000);
    assert_eq!(msgpump::winsock::wsa_make_async_reply(1024, 10055), 0x2747_0400);
    assert_eq!(msgpump::winsock::wsa_make_select_reply(0x10, 10061), 0x274D_0010);
    assert_eq!(msgpump::winsock::wsa_get_select_error(0x2745_0020), 10053);
}

#[test]
fn t19_ports_are_in_network_order() {
    for (name, protocol, port) in [("domain", "udp", 53), ("telnet", "tcp", 23)] {
        let mut fixture = Fixture::new();
        fixture.service(name, Some(protocol), 1024).expect("it starts");
        let message = fixture.one();
        let service = message.answer.as_ref().and_then(|answer| answer.service()).expect("a service");
        assert_eq!((service.port, &*service.protocol), (htons(port), protocol));
    }
}

#[test]
fn t20_a_service_is_found_by_an_alias() {
    let mut fixture = Fixture::new();
    for (name, official) in [("www", "http"), ("HTTP", "http"), ("mail", "smtp")] {
        fixture.service(name, None, 1024).expect("it starts");
        let message = fixture.one();
        let service = message.answer.as_ref().and_then(|answer| answer.service()).expect("a service");
        assert_eq!(service.name, official);
        assert!(name == "HTTP" || service.aliases.iter().any(|alias| alias == name), "{:?}", service.aliases);
    }
}

#[test]
fn t21_the_trap_of_a_port_in_host_order() {
    let mut fixture = Fixture::new();
    if cfg!(target_endian = "little") {
        fixture.port(53, None, 1024).expect("it starts");
        assert_eq!(hi(&fixture.one()), 11004);
    }
    fixture.port(htons(53), None, 1024).expect("it starts");
    let message = fixture.one();
    assert_eq!(message.answer.as_ref().and_then(|answer| answer.service()).expect("a service").name, "domain");
    for port in [-1, 0x1_0050, i32::MIN] {
        fixture.port(port, None, 1024).expect("it starts");
        assert_eq!(hi(&fixture.one()), 11004, "{port}: more than 16 bits");
    }
}

#[test]
fn t22_protocol_numbers_are_in_host_order() {
    let mut fixture = Fixture::new();
    for (number, name) in [(6, "tcp"), (17, "udp"), (1, "icmp"), (0, "ip")] {
        fixture.number(number, 1024).expect("it starts");
        let message = fixture.one();
        let protocol = message.answer.as_ref().and_then(|answer| answer.protocol()).expect("a protocol");
        assert_eq!((&*protocol.name, i32::from(protocol.number)), (name, number));
    }
    for number in [6 << 8, 256, 262, -1, 253] {
        fixture.number(number, 1024).expect("it starts");
        assert_eq!(hi(&fixture.one()), 11004, "{number}");
    }
}

#[test]
fn t23_protocols_in_any_letter_case() {
    let mut fixture = Fixture::new();
    for name in ["TCP", "Tcp", "tcp"] {
        fixture.protocol(name, 1024).expect("it starts");
        let message = fixture.one();
        let protocol = message.answer.as_ref().and_then(|answer| answer.protocol()).expect("a protocol");
        assert_eq!((&*protocol.name, protocol.aliases.first().map(String::as_str)), ("tcp", Some("TCP")));
    }
    for name in ["", "6", "tcp ", "nothing"] {
        fixture.protocol(name, 1024).expect("it starts");
        assert_eq!(hi(&fixture.one()), 11004, "{name:?}");
    }
}

#[test]
fn digits_are_no_name_of_a_service() {
    let mut fixture = Fixture::new();
    for name in ["80", "8080", "http ", "nothing"] {
        fixture.service(name, None, 1024).expect("it starts");
        assert_eq!(hi(&fixture.one()), 11004, "{name:?}");
    }
}

#[test]
fn t25_an_unknown_host() {
    let mut fixture = Fixture::new();
    fixture.host("nobody.test", 1024).expect("it starts");
    let message = fixture.one();
    assert_eq!((message.lparam >> 16, message.async_error(), &message.answer), (11001, Some(HostNotFound), &None));
}

#[test]
fn t26_temporary_and_fatal_failures_and_no_address() {
    for (act, name, expected) in [
        (Act::Drop, "www.test", TryAgain),
        (Act::Code(2), "www.test", TryAgain),
        (Act::Code(5), "www.test", NoRecovery),
        (Act::Answer, "v6.test", NoData),
    ] {
        let mut fixture = Fixture::acting(act);
        fixture.host(name, 1024).expect("it starts");
        assert_eq!(fixture.one().async_error(), Some(expected), "{act:?}");
    }
}

#[test]
fn t27_t28_a_small_buffer_tells_the_size_and_that_size_suffices() {
    type Ask = fn(&mut Fixture, usize) -> Result<msgpump::winsock::TaskHandle, WinsockError>;
    let asks: [Ask; 6] = [
        |fixture, buflen| fixture.host("mail.test", buflen),
        |fixture, buflen| {
            let (pump, window) = (&mut fixture.pump, fixture.window);
            fixture.winsock.wsa_async_get_host_by_addr(pump, window, M, &[192, 0, 2, 1], 2, buflen)
        },
        |fixture, buflen| fixture.service("http", None, buflen),
        |fixture, buflen| fixture.port(htons(25), Some("tcp"), buflen),
        |fixture, buflen| fixture.protocol("tcp", buflen),
        |fixture, buflen| fixture.number(17, buflen),
    ];
    for (kind, ask) in asks.into_iter().enumerate() {
        let mut fixture = Fixture::new();
        ask(&mut fixture, 1).expect("it starts");
        let message = fixture.one();
        let needed = lo(&message);
        assert_eq!((hi(&message), message.async_needed(), &message.answer), (10055, needed, &None), "kind {kind}");
        for (buflen, expected) in [(0, 10055), (8, 10055), (needed - 1, 10055), (needed, 0), (needed + 1, 0)] {
            ask(&mut fixture, buflen).expect("it starts");
            let message = fixture.one();
            assert_eq!((hi(&message), lo(&message)), (expected, needed), "kind {kind}, {buflen} of {needed} bytes");
            let Some(answer) = message.answer else { continue };
            assert_eq!(answer.write_to(&mut vec![0; needed]), Ok(needed));
            let mut small = vec![0xAA; needed - 1];
            assert_eq!(answer.write_to(&mut small).map_err(|error| error.needed), Err(needed));
            assert!(small.iter().all(|&byte| byte == 0xAA), "kind {kind}: untouched");
        }
    }
}

#[test]
fn not_found_comes_before_too_small() {
    let mut fixture = Fixture::new();
    fixture.service("nothing", None, 0).expect("it starts");
    let message = fixture.one();
    assert_eq!((hi(&message), lo(&message)), (11004, 0));
}

#[test]
fn t30_a_size_beyond_the_word_is_saturated() {
    let mut fixture = Fixture::new();
    // The lines of one name are one answer, and a line has its limit.
    let line = |line: usize| {
        let aliases: String = (0..40).map(|number| format!(" {number:060}.alias-{line:03}.test")).collect();
        format!("192.0.2.{line} many.test{aliases}\n")
    };
    fixture.simulation.write_file("/etc/hosts", (1..40).map(line).collect::<String>());
    fixture.simulation.advance(Duration::from_secs(2));
    fixture.host("many.test", 65_535).expect("it starts");
    let message = fixture.one();
    assert_eq!((hi(&message), lo(&message)), (10055, 65_535));
    let needed = message.async_needed();
    assert!(needed > 65_535);
    fixture.host("many.test", needed).expect("it starts");
    let message = fixture.one();
    assert_eq!(message.answer.map(|answer| answer.size()), Some(needed));
}

#[test]
fn t31_strings_may_be_overwritten_after_the_call() {
    let mut fixture = Fixture::new();
    let mut name = String::from("www.test");
    fixture.host(&name, 1024).expect("it starts");
    name.replace_range(.., "XXXXXXXX");
    assert_eq!(fixture.one().answer.and_then(|answer| Some(answer.host()?.name.clone())), Some("www.test".to_owned()));
}

#[test]
fn t32_an_answer_at_once_is_not_delivered_inside_the_call() {
    let mut fixture = Fixture::new();
    let mut stored = None;
    for name in ["http", "telnet"] {
        let before = fixture.pump.metrics().messages;
        stored.replace(fixture.service(name, None, 1024).expect("it starts"));
        assert_eq!(fixture.pump.metrics().messages, before, "nothing was taken inside the call");
        assert_eq!(Some(fixture.one().task()), stored);
    }
}

#[test]
fn t33_each_message_carries_its_own_handle() {
    let mut fixture = Fixture::with(WinsockSettings::default(), zone().then(Act::Delay(HELD / 2)));
    fixture.start(Version::V1_1);
    let slow = fixture.host("www.test", 1024).expect("it starts");
    let fast = fixture.host("mail.test", 1024).expect("it starts");
    let messages = fixture.pump();
    let tasks: Vec<_> = messages.iter().map(|message| message.task()).collect();
    assert_eq!(tasks, [fast, slow]);
    let names = messages.iter().map(|message| &message.answer.as_ref().expect("both").host().expect("hosts").name);
    assert_eq!(names.collect::<Vec<_>>(), ["mail.test", "www.test"]);
}

#[test]
fn t34_a_full_queue_loses_no_completion() {
    let mut fixture = Fixture::with_capacity(WinsockSettings::default(), zone(), 3);
    fixture.start(Version::V1_1);
    let task = fixture.host("www.test", 1024).expect("it starts");
    for number in 0..3 {
        fixture.pump.post(fixture.window, number).expect("room");
    }
    assert!(fixture.pump.post(fixture.window, 3).is_err(), "it is full");
    fixture.simulation.advance(2 * HELD);
    fixture.pump.turn(Budget::no_wait()).expect("the stage does not fail");
    let kinds: Vec<_> = fixture
        .pump_all()
        .into_iter()
        .map(|delivery| match delivery {
            Delivery::Winsock(message) => Err(message.task()),
            Delivery::Other(other) => match other.payload {
                Payload::Posted(number) => Ok(number),
                other => panic!("unexpected {other:?}"),
            },
        })
        .collect();
    assert_eq!(kinds, [Ok(0), Ok(1), Ok(2), Err(task)]);
}

#[test]
fn t36_a_new_window_gets_nothing_of_an_old_one() {
    for by_layer in [true, false] {
        let mut fixture = Fixture::new();
        fixture.host("www.test", 1024).expect("it starts");
        fixture.service("http", None, 1024).expect("it is finished");
        let swept = match by_layer {
            true => fixture.winsock.destroy_window(&mut fixture.pump, fixture.window),
            false => fixture.pump.destroy_window(fixture.window),
        };
        assert!(swept.is_some());
        fixture.window = fixture.pump.open_window();
        fixture.simulation.advance(2 * HELD);
        assert!(fixture.pump().is_empty());
        assert_eq!(fixture.pump.metrics().operations, 0);
    }
}

#[test]
fn t37_handles_of_70_000_requests_differ() {
    let mut fixture = Fixture::new();
    let living = fixture.host("www.test", 1024).expect("it starts");
    let mut seen = std::collections::HashSet::from([living]);
    for _ in 0..70_000 {
        let task = fixture.number(6, None).expect("it starts");
        assert!(task.raw() != 0 && seen.insert(task), "{task}");
        assert_eq!(fixture.cancel(task), Err(crate::support::Ealready));
    }
    assert_eq!(fixture.one().task(), living);
}

#[test]
fn t38_addresses_that_are_none() {
    let mut fixture = Fixture::new();
    let cases: [(&[u8], i32, WinsockError); 5] = [
        (&[192, 0, 2], 2, Efault),
        (&[], 2, Efault),
        (&[192, 0, 2, 1], 99, Eafnosupport),
        (&[0; 16], 23, Eafnosupport),
        (&[0; 16], 2, Efault),
    ];
    for (address, family, expected) in cases {
        let (pump, window) = (&mut fixture.pump, fixture.window);
        let task = fixture.winsock.wsa_async_get_host_by_addr(pump, window, M, address, family, 1024);
        let task = task.expect("a handle all the same");
        let message = fixture.one();
        assert_eq!((message.task(), message.async_error()), (task, Some(expected)), "{address:?} {family}");
    }
}

#[test]
fn a_host_by_its_address() {
    let mut fixture = Fixture::new();
    let ask = |fixture: &mut Fixture, address: [u8; 4]| {
        let (pump, window) = (&mut fixture.pump, fixture.window);
        fixture.winsock.wsa_async_get_host_by_addr(pump, window, M, &address, 2, None).expect("it starts");
        fixture.one()
    };
    let message = ask(&mut fixture, [192, 0, 2, 1]);
    let host = message.answer.as_ref().and_then(|answer| answer.host()).expect("a host");
    assert_eq!((&*host.name, &*host.addresses), ("www.test", &[[192, 0, 2, 1].into()][..]));
    assert_eq!(ask(&mut fixture, [192, 0, 2, 99]).async_error(), Some(HostNotFound));
}

#[test]
fn an_alias_of_a_host_is_listed() {
    let mut fixture = Fixture::new();
    fixture.host("alias.test", None).expect("it starts");
    let message = fixture.one();
    let host = message.answer.as_ref().and_then(|answer| answer.host()).expect("a host");
    assert_eq!((&*host.name, &*host.aliases), ("www.test", &["alias.test".to_owned()][..]));
}

#[test]
fn t39_the_machines_own_name_always_has_an_address() {
    // On this machine itself, since a stage has no name.
    let mut pump = msgpump::Pump::<()>::with_settings(Settings::default()).expect("descriptors are left");
    let mut winsock = msgpump::winsock::Winsock::new();
    winsock.wsa_startup(Version::V1_1, Some(&mut Default::default())).expect("1.1 is offered");
    let own_name = winsock.gethostname(&mut pump).expect("it is started");
    let mut answers = Vec::new();
    for name in [&*own_name, &own_name.to_uppercase(), ""] {
        winsock.wsa_async_get_host_by_name(&mut pump, None, M, name, 1024).expect("it starts");
        let Ok(Some(Delivery::Winsock(message))) = winsock.get_message(&mut pump) else { panic!("nobody quits") };
        assert_eq!(message.async_error(), None, "{name:?}");
        answers.push(message.answer.as_ref().and_then(|answer| answer.host()).expect("a host").addresses.clone());
    }
    assert!(!answers[0].is_empty() && answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[test]
fn t39a_addresses_as_text_are_unknown_names_in_version_1_1() {
    for mut fixture in [Fixture::of_1993(), Fixture::new()] {
        for name in ["127.0.0.1", "::1", "1.2.3.999"] {
            fixture.host(name, 1024).expect("it starts");
            assert_eq!(fixture.one().async_error(), Some(HostNotFound), "{name}");
        }
    }
}

#[test]
fn t39b_addresses_as_text_in_version_2_2() {
    let of_policy = WinsockSettings::default().numeric_hosts(NumericHosts::Resolve);
    for (settings, version) in [(WinsockSettings::default(), Version::V2_2), (of_policy, Version::V1_1)] {
        let mut fixture = Fixture::with(settings, zone());
        fixture.start(version);
        fixture.host("127.0.0.1", 1024).expect("it starts");
        let message = fixture.one();
        let host = message.answer.as_ref().and_then(|answer| answer.host()).expect("a host");
        assert_eq!((&*host.name, &*host.addresses), ("127.0.0.1", &[[127, 0, 0, 1].into()][..]));
        // Its number is also that of no address.
        fixture.host("255.255.255.255", 1024).expect("it starts");
        assert_eq!(
            fixture.one().answer.map(|answer| answer.host().expect("a host").addresses.clone()),
            Some(vec![[255, 255, 255, 255].into()])
        );
        for name in ["::1", "1.2.3.999"] {
            fixture.host(name, 1024).expect("it starts");
            assert_eq!(fixture.one().async_error(), Some(NoData), "{name}");
        }
    }
}

#[test]
fn t40_as_many_requests_as_may_live() {
    let mut fixture = Fixture::with(WinsockSettings::default().requests_max(1), zone());
    fixture.start(Version::V1_1);
    let held = fixture.host("www.test", 1024).expect("it starts");
    assert_eq!(fixture.service("http", None, 1024), Err(Ewouldblock));
    assert_eq!(fixture.winsock.wsa_get_last_error(), 10035);
    assert_eq!(fixture.cancel(held), Ok(()));
    fixture.service("http", None, 1024).expect("there is room again");
    assert_eq!(fixture.pump().len(), 1);
}

#[test]
fn names_of_every_shape_have_an_answer() {
    let mut fixture = Fixture::new();
    let long = "a".repeat(300);
    for name in ["bad name", " ", ".", "..", "a..b", &long, "\u{e9}.test", "\0"] {
        fixture.host(name, 1024).expect("a handle");
        assert_eq!(fixture.one().async_error(), Some(HostNotFound), "{name:?}");
    }
    fixture.host("LOCALHOST", 1024).expect("it starts");
    assert_eq!(fixture.one().async_error(), None);
}

#[test]
fn every_message_number_is_posted_as_it_is() {
    let mut fixture = Fixture::new();
    for message in [0, 0x0012, 0x0113, 0x03FF, 0xC000, 0xFFFF, 0x1_0001, u32::MAX] {
        let (pump, window) = (&mut fixture.pump, fixture.window);
        fixture.winsock.wsa_async_get_proto_by_number(pump, window, message, 6, None).expect("it starts");
        assert_eq!(fixture.one().message, message);
    }
}

#[test]
fn a_dead_window_gets_a_handle_and_no_message() {
    let mut fixture = Fixture::new();
    fixture.pump.destroy_window(fixture.window).expect("it was open");
    let task = fixture.service("http", None, 1024).expect("a handle");
    assert_ne!(task.raw(), 0);
    assert!(fixture.pump().is_empty());
    assert_eq!(fixture.cancel(task), Err(crate::support::Ealready));
}

#[test]
fn many_windows_that_are_destroyed_with_requests_pending_leave_nothing() {
    let mut fixture = Fixture::with(WinsockSettings::default().requests_max(200), NameServer::new());
    fixture.start(Version::V1_1);
    for _ in 0..2000 {
        fixture.window = fixture.pump.open_window();
        fixture.host("www.test", 1024).expect("dead ones do not count");
        fixture.pump.destroy_window(fixture.window).expect("it was open");
    }
    assert_eq!(fixture.pump.metrics().operations, 0);
}

/// Also where fewer live than are looked through from time to time.
#[test]
fn a_request_whose_window_was_destroyed_takes_no_place() {
    let mut fixture = Fixture::with(WinsockSettings::default().requests_max(1), zone());
    fixture.start(Version::V1_1);
    let orphan = fixture.host("www.test", 1024).expect("it starts");
    fixture.pump.destroy_window(fixture.window).expect("it was open");
    fixture.window = fixture.pump.open_window();
    let next = fixture.host("mail.test", 1024).expect("the dead one does not count");
    assert_eq!(fixture.one().task(), next);
    assert_eq!((fixture.cancel(orphan), fixture.cancel(orphan)), (Ok(()), Err(crate::support::Ealready)));
}
