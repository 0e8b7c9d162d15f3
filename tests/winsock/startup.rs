//! Startup, cleanup and the last error.

use std::time::Duration;

use msgpump::winsock::{
    NetworkState, TaskHandle, Version, VersionMaximum, Winsock, WinsockError, WinsockSettings, WsaData, htons,
    inet_addr,
};
use msgpump::{Budget, Pump};

use crate::support::{
    Ealready, Efault, Einval, Enetdown, Eopnotsupp, Fixture, HELD, M, Notinitialised, Sysnotready, Vernotsupported, hi,
    zone,
};

/// Data that was filled with 0x55 before.
fn prefilled() -> WsaData {
    WsaData {
        version: Version::from_word(0x5555),
        high_version: Version::from_word(0x5555),
        description: [0x55; 257],
        system_status: [0x55; 129],
        max_sockets: 0x5555,
        max_udp_datagram: 0x5555,
        vendor_info: 0x5555_5555,
    }
}

fn version(text: &str) -> Version {
    let (major, minor) = text.split_once('.').expect("the table has versions");
    Version::new(major.parse().expect("a number"), minor.parse().expect("a number"))
}

#[test]
fn t00_a_library_of_1993_offers_1_1_alone() {
    for (asked, expected) in [("1.0", Err(Vernotsupported)), ("1.1", Ok(())), ("2.0", Ok(())), ("255.255", Ok(()))] {
        let settings = WinsockSettings::default().version_maximum(VersionMaximum::V1_1);
        let mut data = WsaData::default();
        let result = Winsock::<()>::with_settings(settings).wsa_startup(version(asked), Some(&mut data));
        assert_eq!((result, data.version, data.high_version), (expected, Version::V1_1, Version::V1_1), "{asked}");
    }
}

#[test]
fn t01_every_version_and_what_is_told_of_it() {
    for (asked, expected, given) in [
        ("0.0", Err(Vernotsupported), "2.2"),
        ("0.9", Err(Vernotsupported), "2.2"),
        ("1.0", Ok(()), "1.0"),
        ("1.1", Ok(()), "1.1"),
        ("1.2", Ok(()), "1.1"),
        ("1.15", Ok(()), "1.1"),
        ("1.255", Ok(()), "1.1"),
        ("2.0", Ok(()), "2.0"),
        ("2.1", Ok(()), "2.1"),
        ("2.2", Ok(()), "2.2"),
        ("2.3", Ok(()), "2.2"),
        ("2.255", Ok(()), "2.2"),
        ("3.0", Ok(()), "2.2"),
        ("15.255", Ok(()), "2.2"),
        ("255.255", Ok(()), "2.2"),
    ] {
        let mut data = prefilled();
        let mut winsock = Winsock::<()>::new();
        assert_eq!(winsock.wsa_startup(version(asked), Some(&mut data)), expected, "{asked}");
        assert_eq!((data.version, data.high_version), (version(given), Version::V2_2), "{asked}");
        assert_eq!((data.description_text(), data.system_status_text()), ("WinSock 2.0", "Running"));
        assert!(data.description[12..].iter().all(|&byte| byte == 0x55), "{asked}: behind the text");
        assert!(data.system_status[8..].iter().all(|&byte| byte == 0x55), "{asked}: behind the text");
        let limits = if data.version.major == 1 { (32_767, 65_467) } else { (0, 0) };
        assert_eq!((data.max_sockets, data.max_udp_datagram, data.vendor_info), (limits.0, limits.1, 0x5555_5555));
        let last = if expected.is_ok() { 0 } else { Notinitialised.number() };
        assert_eq!(winsock.wsa_get_last_error(), last, "{asked}");
        assert_eq!(winsock.version(), expected.ok().map(|()| data.version));
    }
}

#[test]
fn t02_startup_without_data_starts_nothing() {
    let mut pump = Pump::<()>::new().expect("descriptors are left");
    let mut winsock = Winsock::new();
    assert_eq!(winsock.wsa_startup(Version::V2_2, None), Err(Efault));
    assert_eq!(winsock.gethostbyname(&mut pump, "localhost"), Err(Notinitialised));
    assert_eq!(winsock.wsa_get_last_error(), 10093);
}

#[test]
fn t03_the_version_is_looked_at_before_the_data() {
    assert_eq!(Winsock::<()>::new().wsa_startup(Version::new(0, 0), None), Err(Vernotsupported));
}

#[test]
fn t05_blocking_calls_before_startup() {
    let mut pump = Pump::<()>::new().expect("descriptors are left");
    let mut winsock = Winsock::new();
    winsock.wsa_set_last_error(0xDEAD);
    assert_eq!(winsock.wsa_get_last_error(), 0xDEAD, "it may be set at any time");
    let calls: [(&str, Call); 5] = [
        ("getservbyname", |winsock, pump| winsock.getservbyname(pump, "http", None).err()),
        ("getservbyport", |winsock, pump| winsock.getservbyport(pump, 0, None).err()),
        ("gethostbyname", |winsock, pump| winsock.gethostbyname(pump, "").err()),
        ("getprotobyname", |winsock, pump| winsock.getprotobyname(pump, "tcp").err()),
        ("gethostname", |winsock, pump| winsock.gethostname(pump).err()),
    ];
    type Call = fn(&mut Winsock<()>, &mut Pump<()>) -> Option<WinsockError>;
    for (name, call) in calls {
        winsock.wsa_set_last_error(0xDEAD);
        assert_eq!(call(&mut winsock, &mut pump), Some(Notinitialised), "{name}");
        assert_eq!(winsock.wsa_get_last_error(), 10093, "{name}");
    }
    assert_eq!(inet_addr("127.0.0.1").to_ne_bytes(), [127, 0, 0, 1]);
}

#[test]
fn t06_requests_before_startup() {
    let mut fixture = Fixture::with(WinsockSettings::default(), zone());
    let none: Option<usize> = None;
    assert_eq!(fixture.host("www.test", none), Err(Notinitialised));
    let (pump, window) = (&mut fixture.pump, fixture.window);
    let by_address = fixture.winsock.wsa_async_get_host_by_addr(pump, window, M, &[192, 0, 2, 1], 2, none);
    assert_eq!(by_address, Err(Notinitialised));
    assert_eq!(fixture.service("http", None, none), Err(Notinitialised));
    assert_eq!(fixture.port(htons(80), None, none), Err(Notinitialised));
    assert_eq!(fixture.protocol("tcp", none), Err(Notinitialised));
    assert_eq!(fixture.number(6, none), Err(Notinitialised));
    assert_eq!(fixture.cancel_raw(0), Err(Notinitialised), "before the handle is looked at");
    assert_eq!(fixture.cleanup(), Err(Notinitialised));
    assert_eq!(fixture.winsock.wsa_get_last_error(), 10093);
    assert!(fixture.pump().is_empty());
}

#[test]
fn t08_the_final_cleanup_ends_pending_requests_without_a_message() {
    let mut fixture = Fixture::new();
    for name in ["www.test", "mail.test", "nobody.test"] {
        fixture.host(name, 1024).expect("it starts");
    }
    fixture.service("http", None, None).expect("it starts, and is finished");
    assert_eq!(fixture.cleanup(), Ok(()));
    fixture.simulation.advance(2 * HELD);
    assert!(fixture.pump().is_empty());
    assert_eq!((fixture.pump.metrics().operations, fixture.simulation.open_sockets()), (0, 0));
}

#[test]
fn cleanup_purges_messages_of_the_layer_and_no_others() {
    let mut fixture = Fixture::new();
    fixture.pump.post(fixture.window, 1).expect("room");
    fixture.service("http", None, None).expect("it is finished");
    fixture.pump.post(fixture.window, 2).expect("room");
    let own = fixture.pump.lookup_protocol(fixture.window, msgpump::ProtocolQuery::by_number(6)).expect("open");
    assert_eq!(fixture.cleanup(), Ok(()));
    let left: Vec<_> = std::iter::from_fn(|| fixture.pump.next_message()).map(|message| message.operation).collect();
    assert_eq!(left, [None, None, Some(own)]);
}

#[test]
fn t10_only_the_last_cleanup_acts() {
    let mut fixture = Fixture::new();
    fixture.start(Version::V1_1);
    let task = fixture.host("www.test", 1024).expect("it starts");
    assert_eq!(fixture.cleanup(), Ok(()));
    let message = fixture.one();
    assert_eq!((message.task(), hi(&message)), (task, 0));
    assert_eq!((fixture.cleanup(), fixture.cleanup()), (Ok(()), Err(Notinitialised)));
}

#[test]
fn t11_cleanup_waits_for_nobody() {
    let mut fixture = Fixture::acting(msgpump::simulation::Act::Drop);
    fixture.host("www.test", 1024).expect("it starts");
    fixture.pump.turn(Budget::no_wait()).expect("the stage does not fail");
    let before = fixture.simulation.elapsed();
    assert_eq!(fixture.cleanup(), Ok(()));
    assert_eq!((fixture.simulation.elapsed(), fixture.simulation.open_sockets()), (before, 0));
}

#[test]
fn t12_no_reference_is_left_by_a_request() {
    let mut fixture = Fixture::new();
    fixture.service("http", None, 1024).expect("it starts");
    assert_eq!(fixture.cleanup(), Ok(()));
    let refused = fixture.winsock.wsa_startup(Version::new(0, 1), Some(&mut WsaData::default()));
    assert_eq!(refused, Err(Vernotsupported));
    assert_eq!(fixture.host("www.test", 1024), Err(Notinitialised));
}

#[test]
fn t13_hooks_are_gone_in_version_2() {
    let mut fixture = Fixture::with(WinsockSettings::default(), zone());
    fixture.start(Version::V2_2);
    assert_eq!(fixture.winsock.wsa_cancel_blocking_call(), Err(Eopnotsupp));
    assert_eq!(fixture.winsock.wsa_unhook_blocking_hook(), Err(Eopnotsupp));
    let refused = fixture.winsock.wsa_set_blocking_hook(Box::new(|_, _| false)).expect_err("there are none");
    assert_eq!(refused.error, Eopnotsupp);
    assert_eq!(fixture.cleanup(), Ok(()));

    fixture.start(Version::V1_1);
    fixture.start(Version::V2_2);
    assert_eq!(fixture.winsock.version(), Some(Version::V1_1), "the lowest one is in force");
    assert_eq!(fixture.winsock.wsa_cancel_blocking_call(), Err(Einval));
}

#[test]
fn a_request_of_the_last_epoch_is_none_of_this_one() {
    let mut fixture = Fixture::new();
    let old = fixture.host("www.test", 1024).expect("it starts");
    assert_eq!(fixture.cleanup(), Ok(()));
    fixture.start(Version::V1_1);
    let new = fixture.host("www.test", 1024).expect("it starts");
    assert_ne!(old, new);
    assert_eq!(fixture.cancel(old), Err(Einval));
    assert_eq!(fixture.one().task(), new);
}

#[test]
fn startup_works_again_after_any_number_of_cleanups() {
    let mut fixture = Fixture::with(WinsockSettings::default(), zone());
    for round in 0..5 {
        for _ in 0..=round {
            fixture.start(Version::V2_2);
        }
        while fixture.cleanup().is_ok() {}
        assert_eq!(fixture.winsock.wsa_get_last_error(), 10093, "cleanup until it fails is legal");
    }
}

#[test]
fn success_leaves_the_last_error_but_for_startup_and_cleanup() {
    let mut fixture = Fixture::new();
    fixture.start(Version::V1_1);
    assert_eq!(fixture.cancel_raw(0), Err(Einval));
    fixture.service("http", None, None).expect("it starts");
    assert_eq!(fixture.winsock.wsa_get_last_error(), 10022);
    assert_eq!(fixture.cleanup(), Ok(()));
    assert_eq!(fixture.winsock.wsa_get_last_error(), 0);
    fixture.winsock.wsa_set_last_error(77);
    fixture.start(Version::V1_1);
    assert_eq!(fixture.winsock.wsa_get_last_error(), 0);
}

#[test]
fn a_network_that_is_declared_down_fails_calls_and_leaves_what_is_pending() {
    let mut fixture = Fixture::new();
    let task = fixture.host("www.test", 1024).expect("it starts");
    fixture.winsock.declare_network(NetworkState::Down);
    assert_eq!(fixture.host("www.test", 1024), Err(Enetdown));
    assert_eq!(fixture.cancel(task), Err(Enetdown), "before the handle is looked at");
    assert_eq!(fixture.cancel_raw(0), Err(Enetdown));
    let refused = fixture.winsock.wsa_startup(Version::V1_1, Some(&mut WsaData::default()));
    assert_eq!(refused, Err(Sysnotready));
    assert_eq!(fixture.one().task(), task);
    fixture.winsock.declare_network(NetworkState::Up);
    assert_eq!(fixture.cancel(task), Err(Ealready));
    fixture.winsock.declare_network(NetworkState::Down);
    assert_eq!(fixture.cleanup(), Ok(()), "cleaning up needs no network");
}

#[test]
fn a_machine_without_a_way_to_its_server_tells_that_the_network_is_down() {
    let mut fixture = Fixture::new();
    fixture.simulation.cut_off(msgpump::Family::Any);
    fixture.host("www.test", 1024).expect("it starts");
    assert_eq!(hi(&fixture.one()), 10050);
}

#[test]
fn dropping_the_layer_harms_nobody() {
    let mut fixture = Fixture::new();
    let task: TaskHandle = fixture.host("www.test", 1024).expect("it starts");
    fixture.winsock = Winsock::new();
    fixture.start(Version::V1_1);
    assert_eq!(fixture.cancel(task), Err(Einval), "another layer gave it out");
    fixture.simulation.advance(Duration::from_secs(1));
    assert_eq!(fixture.pump_all().len(), 1, "the pump's own message");
}
