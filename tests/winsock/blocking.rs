//! Blocking calls, their hook and their cancel.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use msgpump::winsock::{BlockingHook, Delivery, TaskHandle, Version, Winsock, WinsockSettings, WsaData, htons};
use msgpump::{Payload, Pump};

use crate::support::{
    Ealready, Einprogress, Eintr, Einval, Fixture, HostNotFound, M, NoData, Notinitialised, Outcome, zone,
};

type Layer = Winsock<u32>;

/// Sets a hook that calls `hook` each time.
fn hook(fixture: &mut Fixture, hook: impl FnMut(&mut Layer, &mut Pump<u32>) -> bool + 'static) {
    fixture.winsock.wsa_set_blocking_hook(Box::new(hook)).expect("1.1 has hooks");
}

fn resolve(fixture: &mut Fixture, name: &str) -> Outcome<String> {
    fixture.winsock.gethostbyname(&mut fixture.pump, name).map(|host| host.name)
}

#[test]
fn database_calls_wait_for_their_answer() {
    let mut fixture = Fixture::new();
    assert_eq!(resolve(&mut fixture, "alias.test"), Ok("www.test".to_owned()));
    assert_eq!(resolve(&mut fixture, "nobody.test"), Err(HostNotFound));
    assert_eq!(fixture.winsock.wsa_get_last_error(), 11001);
    let Fixture { winsock, pump, .. } = &mut fixture;
    assert_eq!(winsock.gethostbyaddr(pump, &[192, 0, 2, 25], 2).map(|host| host.name), Ok("mail.test".to_owned()));
    assert_eq!(winsock.getservbyname(pump, "http", "tcp").map(|service| service.port), Ok(htons(80)));
    assert_eq!(winsock.getservbyport(pump, htons(23), None).map(|service| service.name), Ok("telnet".to_owned()));
    assert_eq!(winsock.getservbyname(pump, "nothing", None).err(), Some(NoData));
    assert_eq!(winsock.getprotobyname(pump, "UDP").map(|protocol| protocol.number), Ok(17));
    assert_eq!(winsock.getprotobynumber(pump, 1).map(|protocol| protocol.name), Ok("icmp".to_owned()));
    assert_eq!(winsock.getprotobynumber(pump, 253).err(), Some(NoData));
    assert_eq!(winsock.gethostname(pump), Ok("localhost".to_owned()), "the stage's machine has no name");
    assert_eq!((pump.metrics().operations, pump.next_message().is_none()), (0, true));
}

#[test]
fn t54_other_calls_fail_inside_of_a_blocking_one() {
    let mut fixture = Fixture::new();
    let window = fixture.window;
    let runs = Rc::new(Cell::new(0));
    let count = runs.clone();
    hook(&mut fixture, move |winsock, pump| {
        let refused = [
            winsock.wsa_async_get_host_by_name(pump, window, M, "www.test", None).err(),
            winsock.wsa_async_get_serv_by_name(pump, window, M, "http", None, None).err(),
            winsock.wsa_cancel_async_request(pump, TaskHandle::from_raw(0)).err(),
            winsock.wsa_cleanup(pump).err(),
            winsock.wsa_startup(Version::V1_1, Some(&mut WsaData::default())).err(),
            winsock.wsa_set_blocking_hook(Box::new(|_, _| false)).err().map(|refused| refused.error),
            winsock.wsa_unhook_blocking_hook().err(),
            winsock.gethostbyname(pump, "mail.test").err(),
            winsock.getservbyname(pump, "http", None).err(),
            winsock.gethostname(pump).err(),
        ];
        assert_eq!(refused, [Some(Einprogress); 10]);
        assert_eq!(winsock.wsa_get_last_error(), 10036);
        winsock.wsa_set_last_error(5);
        count.set(count.get() + 1);
        false
    });
    assert_eq!(resolve(&mut fixture, "www.test"), Ok("www.test".to_owned()));
    assert!(runs.get() >= 1);
    assert_eq!(fixture.cleanup(), Ok(()), "outside it works");
}

#[test]
fn t55_who_asks_whether_a_call_blocks() {
    let mut fixture = Fixture::with(WinsockSettings::default(), zone());
    assert!(!fixture.winsock.wsa_is_blocking(), "before startup too");
    fixture.start(Version::V1_1);
    let seen = Rc::new(Cell::new(false));
    let inside = seen.clone();
    hook(&mut fixture, move |winsock, _| {
        inside.set(winsock.wsa_is_blocking());
        false
    });
    resolve(&mut fixture, "www.test").expect("the server knows it");
    assert!(seen.get() && !fixture.winsock.wsa_is_blocking());
}

#[test]
fn t56_cancelled_from_the_hook() {
    let mut fixture = Fixture::new();
    hook(&mut fixture, |winsock, _| {
        assert_eq!(winsock.wsa_cancel_blocking_call(), Ok(()));
        assert_eq!(winsock.wsa_cancel_blocking_call(), Ok(()), "twice does no harm");
        assert!(winsock.wsa_is_blocking(), "it ends when the hook has returned");
        false
    });
    assert_eq!(resolve(&mut fixture, "www.test"), Err(Eintr));
    assert_eq!(fixture.winsock.wsa_get_last_error(), 10004);
    assert_eq!((fixture.simulation.open_sockets(), fixture.pump.metrics().operations), (0, 0));
    assert!(fixture.pump().is_empty());
}

#[test]
fn t57_cancel_with_nothing_outstanding() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.winsock.wsa_cancel_blocking_call(), Err(Einval));
    assert_eq!(fixture.cleanup(), Ok(()));
    assert_eq!(fixture.winsock.wsa_cancel_blocking_call(), Err(Notinitialised));
}

#[test]
fn t60_unhook_brings_the_default_hook_back() {
    let mut fixture = Fixture::new();
    let (runs_f, runs_g) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let counting = |runs: &Rc<Cell<u32>>| {
        let runs = runs.clone();
        Box::new(move |_: &mut Layer, _: &mut Pump<u32>| {
            runs.set(runs.get() + 1);
            false
        })
    };
    let winsock = &mut fixture.winsock;
    assert!(matches!(winsock.wsa_set_blocking_hook(counting(&runs_f)), Ok(BlockingHook::Default)));
    let previous = winsock.wsa_set_blocking_hook(counting(&runs_g)).expect("1.1 has hooks");
    let BlockingHook::Custom(mut f) = previous else { panic!("f was set") };
    f(winsock, &mut fixture.pump);
    assert_eq!((runs_f.get(), runs_g.get()), (1, 0), "it gave f back");
    assert_eq!(winsock.wsa_unhook_blocking_hook(), Ok(()));
    assert!(matches!(winsock.wsa_set_blocking_hook(counting(&runs_f)), Ok(BlockingHook::Default)));
}

#[test]
fn t61_a_call_that_need_not_wait_runs_no_hook() {
    let mut fixture = Fixture::new();
    let runs = Rc::new(Cell::new(0));
    let count = runs.clone();
    hook(&mut fixture, move |_, _| {
        count.set(count.get() + 1);
        false
    });
    fixture.winsock.getservbyname(&mut fixture.pump, "http", None).expect("it is listed");
    assert_eq!(resolve(&mut fixture, "localhost"), Ok("localhost".to_owned()));
    assert_eq!(runs.get(), 0);
    resolve(&mut fixture, "www.test").expect("the server knows it");
    assert!(runs.get() >= 1);
}

#[test]
fn t62_the_default_hook_dispatches_completions_one_a_run() {
    let mut fixture = Fixture::new();
    let seen = Rc::new(Cell::new(Vec::new()));
    let handled = seen.clone();
    fixture.winsock.set_procedure(Box::new(move |winsock, pump, delivery| {
        assert!(winsock.wsa_is_blocking(), "inside of the blocking call");
        let entry = match delivery {
            Delivery::Winsock(message) => {
                let task = message.task();
                assert_eq!(winsock.wsa_cancel_async_request(pump, task), Err(Einprogress));
                Err(task)
            }
            Delivery::Other(other) => match other.payload {
                Payload::Posted(number) => Ok(number),
                other => panic!("unexpected {other:?}"),
            },
        };
        let mut entries = handled.take();
        entries.push(entry);
        handled.set(entries);
    }));
    let quick = fixture.service("http", None, None).expect("it is finished");
    fixture.pump.post(fixture.window, 1).expect("room");
    let slow = fixture.host("mail.test", None).expect("it starts");
    assert_eq!(resolve(&mut fixture, "www.test"), Ok("www.test".to_owned()));
    assert_eq!(seen.take(), [Err(quick), Ok(1), Err(slow)]);
    assert_eq!(fixture.cancel(slow), Err(Ealready));
}

#[test]
fn without_a_procedure_messages_wait_until_the_call_is_over() {
    let mut fixture = Fixture::new();
    let task = fixture.service("http", None, None).expect("it is finished");
    assert_eq!(resolve(&mut fixture, "www.test"), Ok("www.test".to_owned()));
    assert_eq!(fixture.one().task(), task);
}

#[test]
fn in_version_2_a_blocking_call_only_waits() {
    let mut fixture = Fixture::with(WinsockSettings::default(), zone());
    fixture.start(Version::V2_2);
    fixture.winsock.set_procedure(Box::new(|_, _, _| panic!("version 2 has no hooks")));
    let task = fixture.service("http", None, None).expect("it is finished");
    assert_eq!(resolve(&mut fixture, "www.test"), Ok("www.test".to_owned()));
    assert_eq!(fixture.one().task(), task);
}

#[test]
fn a_hook_that_panics_leaves_the_layer_usable() {
    let mut fixture = Fixture::new();
    let first = Cell::new(true);
    hook(&mut fixture, move |_, _| {
        if first.replace(false) {
            panic!("on purpose");
        }
        false
    });
    let panicked = catch_unwind(AssertUnwindSafe(|| resolve(&mut fixture, "www.test")));
    assert!(panicked.is_err() && !fixture.winsock.wsa_is_blocking());
    assert_eq!((fixture.simulation.open_sockets(), fixture.pump.metrics().operations), (0, 0));
    assert_eq!(resolve(&mut fixture, "www.test"), Ok("www.test".to_owned()), "the hook is still there");
}

#[test]
fn a_procedure_that_panics_leaves_the_layer_usable() {
    let mut fixture = Fixture::new();
    fixture.winsock.set_procedure(Box::new(|_, _, _| panic!("on purpose")));
    fixture.service("http", None, None).expect("it is finished");
    let panicked = catch_unwind(AssertUnwindSafe(|| resolve(&mut fixture, "www.test")));
    assert!(panicked.is_err() && !fixture.winsock.wsa_is_blocking());
    assert_eq!(resolve(&mut fixture, "www.test"), Ok("www.test".to_owned()));
}

#[test]
fn a_hook_that_asks_for_more_is_run_again_at_once() {
    let mut fixture = Fixture::new();
    let runs = Rc::new(Cell::new(0));
    let count = runs.clone();
    let simulation = fixture.simulation.clone();
    hook(&mut fixture, move |_, _| {
        count.set(count.get() + 1);
        if count.get() <= 100 {
            assert_eq!(simulation.elapsed().as_millis(), 0);
        }
        count.get() < 100
    });
    resolve(&mut fixture, "www.test").expect("the server knows it");
    assert!(runs.get() >= 100);
}

#[test]
fn a_hook_is_run_from_time_to_time_while_nothing_happens() {
    let mut fixture = Fixture::acting(msgpump::simulation::Act::Drop);
    // A message that nobody takes.
    fixture.pump.post(fixture.window, 1).expect("room");
    let mut runs = 0;
    hook(&mut fixture, move |winsock, _| {
        runs += 1;
        if runs == 20 {
            winsock.wsa_cancel_blocking_call().expect("one is under way");
        }
        false
    });
    assert_eq!(resolve(&mut fixture, "www.test"), Err(Eintr));
    assert!(fixture.simulation.elapsed().as_millis() < 1000, "{:?}", fixture.simulation.elapsed());
    assert_eq!(fixture.pump_all().len(), 1);
}

#[test]
fn a_program_that_is_asked_to_end_is_not_held_up() {
    let mut quits = Vec::new();
    for has_procedure in [true, false] {
        let mut fixture = Fixture::acting(msgpump::simulation::Act::Drop);
        if has_procedure {
            fixture.winsock.set_procedure(Box::new(|_, pump, _| pump.quit(3)));
        } else {
            fixture.pump.quit(3);
        }
        fixture.service("http", None, None).expect("it is finished");
        assert_eq!(resolve(&mut fixture, "www.test"), Err(Eintr));
        assert_eq!(fixture.pump.quit_code(), Some(3));
        while let Some(delivery) = fixture.winsock.next_message(&mut fixture.pump) {
            if let Delivery::Other(msgpump::Message { payload: Payload::Quit(code), .. }) = delivery {
                quits.push(code);
            }
        }
    }
    assert_eq!(quits, [3, 3], "the call has not taken it away");
}

#[test]
fn a_hook_that_never_lets_go_starves_its_call_until_the_program_is_asked_to_end() {
    let mut fixture = Fixture::new();
    let runs = Rc::new(Cell::new(0));
    let count = runs.clone();
    hook(&mut fixture, move |winsock, pump| {
        count.set(count.get() + 1);
        // The cancel is looked at when the hook asks for no more, as the answer is.
        winsock.wsa_cancel_blocking_call().expect("one is under way");
        if count.get() == 1000 {
            pump.quit(4);
        }
        true
    });
    assert_eq!(resolve(&mut fixture, "www.test"), Err(Eintr));
    assert_eq!((runs.get(), fixture.pump.quit_code()), (1000, Some(4)));
    assert_eq!(fixture.pump.metrics().operations, 0);
}

#[test]
fn a_hook_that_throws_the_answer_away_gets_an_error_and_no_hang() {
    let mut fixture = Fixture::new();
    hook(&mut fixture, |_, pump| {
        while pump.next_message().is_some() {}
        false
    });
    assert_eq!(resolve(&mut fixture, "www.test").map_err(|error| error.number()), Err(11002));
}
