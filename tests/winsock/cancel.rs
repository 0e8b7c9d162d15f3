//! WSACancelAsyncRequest, state by state.

use msgpump::simulation::Act;
use msgpump::winsock::{Delivery, TaskHandle, Version, WinsockSettings};
use msgpump::{Budget, Filter, Payload, ResolverConfig, Settings, Timer};

use crate::support::{Ealready, Einprogress, Einval, Enetdown, Fixture, HELD, M, Notinitialised, Outcome, hi, zone};

/// One row of the table: the state at cancel, a way to get there that gives the handle, and the code.
struct Row {
    number: u32,
    state: &'static str,
    reach: fn(&mut Fixture) -> TaskHandle,
    code: Outcome<()>,
}

fn pending(fixture: &mut Fixture) -> TaskHandle {
    fixture.host("www.test", 1024).expect("it starts")
}

fn finished(fixture: &mut Fixture) -> TaskHandle {
    fixture.service("http", None, 1024).expect("it starts")
}

fn queued(fixture: &mut Fixture) -> TaskHandle {
    let task = pending(fixture);
    fixture.let_queue();
    task
}

fn delivered(fixture: &mut Fixture) -> TaskHandle {
    let task = pending(fixture);
    assert_eq!(fixture.one().task(), task);
    task
}

const ROWS: &[Row] = &[
    Row { number: 1, state: "queued, not started", reach: pending, code: Ok(()) },
    Row {
        number: 2,
        state: "the lookup runs",
        reach: |fixture| {
            let task = pending(fixture);
            fixture.pump.turn(Budget::no_wait()).expect("the stage does not fail");
            assert_eq!(fixture.simulation.open_sockets(), 1);
            task
        },
        code: Ok(()),
    },
    Row {
        number: 3,
        state: "the answer has arrived, the loop has not taken it",
        reach: |fixture| {
            let task = pending(fixture);
            fixture.pump.turn(Budget::no_wait()).expect("the stage does not fail");
            fixture.simulation.advance(2 * HELD);
            task
        },
        code: Ok(()),
    },
    Row {
        number: 4,
        state: "completed while the queue is full of posts: it has room of its own, so this is row 5",
        reach: |fixture| {
            while fixture.pump.post(fixture.window, 0).is_ok() {}
            let task = pending(fixture);
            fixture.simulation.advance(2 * HELD);
            while fixture.pump.metrics().sockets > 0 {
                fixture.pump.turn(Budget::no_wait()).expect("the stage does not fail");
            }
            task
        },
        code: Err(Ealready),
    },
    Row { number: 5, state: "completed, message queued", reach: queued, code: Err(Ealready) },
    Row { number: 5, state: "completed at once, message queued", reach: finished, code: Err(Ealready) },
    Row { number: 6, state: "delivered", reach: delivered, code: Err(Ealready) },
    Row {
        number: 8,
        state: "removed by a filtered look, not dispatched",
        reach: |fixture| {
            let task = queued(fixture);
            let message = fixture.pump.next_message_for(Filter::any().window(fixture.window)).expect("it waits");
            let delivery = fixture.winsock.translate(&mut fixture.pump, message);
            assert!(matches!(delivery, Some(Delivery::Winsock(message)) if message.task() == task));
            task
        },
        code: Err(Ealready),
    },
    Row {
        number: 9,
        state: "cancelled before",
        reach: |fixture| {
            let task = pending(fixture);
            assert_eq!(fixture.cancel(task), Ok(()));
            task
        },
        code: Err(Ealready),
    },
    Row {
        number: 10,
        state: "never issued",
        reach: |fixture| TaskHandle::from_raw(pending(fixture).raw() + 1),
        code: Err(Einval),
    },
    Row { number: 11, state: "zero", reach: |_| TaskHandle::from_raw(0), code: Err(Einval) },
    Row {
        number: 12,
        state: "another kind: the number of a socket",
        reach: |fixture| TaskHandle::from_raw(pending(fixture).raw() ^ 0xC000_0000),
        code: Err(Einval),
    },
    Row {
        number: 13,
        state: "old, while newer requests live",
        reach: |fixture| {
            let old = delivered(fixture);
            pending(fixture);
            finished(fixture);
            old
        },
        code: Err(Ealready),
    },
    Row {
        number: 14,
        state: "from before the final cleanup",
        reach: |fixture| {
            let old = pending(fixture);
            assert_eq!(fixture.cleanup(), Ok(()));
            fixture.start(Version::V1_1);
            old
        },
        code: Err(Einval),
    },
    Row {
        number: 15,
        state: "not started",
        reach: |fixture| {
            let task = pending(fixture);
            assert_eq!(fixture.cleanup(), Ok(()));
            task
        },
        code: Err(Notinitialised),
    },
    Row {
        number: 17,
        state: "window destroyed while pending",
        reach: |fixture| {
            let task = pending(fixture);
            fixture.winsock.destroy_window(&mut fixture.pump, fixture.window).expect("it was open");
            task
        },
        code: Ok(()),
    },
    Row {
        number: 18,
        state: "window destroyed with the message queued",
        reach: |fixture| {
            let task = queued(fixture);
            fixture.winsock.destroy_window(&mut fixture.pump, fixture.window).expect("it was open");
            task
        },
        code: Err(Ealready),
    },
    Row {
        number: 18,
        state: "window destroyed in the pump's own way, the request finished at once",
        reach: |fixture| {
            let task = finished(fixture);
            fixture.pump.destroy_window(fixture.window).expect("it was open");
            task
        },
        code: Err(Ealready),
    },
    Row {
        number: 19,
        state: "the zero of a failed call",
        reach: |fixture| {
            fixture.winsock.declare_network(msgpump::winsock::NetworkState::Down);
            assert_eq!(fixture.host("www.test", 1024), Err(Enetdown));
            fixture.winsock.declare_network(msgpump::winsock::NetworkState::Up);
            TaskHandle::from_raw(0)
        },
        code: Err(Einval),
    },
];

#[test]
fn table_b_every_state_has_its_code_and_is_silent() {
    for Row { number, state, reach, code } in ROWS {
        let mut fixture = Fixture::with_capacity(WinsockSettings::default(), zone(), 8);
        fixture.start(Version::V1_1);
        let task = reach(&mut fixture);
        let case = format!("row {number}: {state}");
        assert_eq!(fixture.cancel(task), *code, "{case}");
        if let Err(error) = code {
            assert_eq!(fixture.winsock.wsa_get_last_error(), error.number(), "{case}");
        }
        if fixture.winsock.version().is_some() {
            // The second time a handle that was good is over, and the others are what they were.
            let again = code.map_or_else(|error| error, |()| Ealready);
            assert_eq!(fixture.cancel(task), Err(again), "{case}, again");
        }
        fixture.simulation.advance(4 * HELD);
        for delivery in fixture.pump_all() {
            match delivery {
                Delivery::Winsock(message) => assert_ne!(message.task(), task, "{case}: it was seen"),
                Delivery::Other(other) => assert!(matches!(other.payload, Payload::Posted(_)), "{case}: {other:?}"),
            }
        }
    }
}

/// Row 7: inside of the handler of the very message.
#[test]
fn t46_inside_of_its_own_handler() {
    let mut fixture = Fixture::new();
    let task = pending(&mut fixture);
    let mut handled = 0;
    while handled == 0 {
        if let Ok(Some(Delivery::Winsock(message))) = fixture.winsock.get_message(&mut fixture.pump) {
            assert_eq!(fixture.winsock.wsa_cancel_async_request(&mut fixture.pump, message.task()), Err(Ealready));
            assert_eq!(message.task(), task);
            handled += 1;
        }
    }
}

/// Row 16: inside of a blocking call. The request goes on.
#[test]
fn inside_of_a_blocking_call_the_handle_is_not_looked_at() {
    let mut fixture = Fixture::new();
    let task = fixture.host("mail.test", 1024).expect("it starts");
    let hook = Box::new(move |winsock: &mut msgpump::winsock::Winsock<u32>, pump: &mut msgpump::Pump<u32>| {
        assert_eq!(winsock.wsa_cancel_async_request(pump, task), Err(Einprogress));
        assert_eq!(winsock.wsa_cancel_async_request(pump, TaskHandle::from_raw(0)), Err(Einprogress));
        false
    });
    fixture.winsock.wsa_set_blocking_hook(hook).expect("1.1 has hooks");
    fixture.winsock.gethostbyname(&mut fixture.pump, "www.test").expect("the server knows it");
    assert_eq!(fixture.one().task(), task);
}

/// Row 17, with as many as there may be.
#[test]
fn every_request_that_was_pending_on_a_destroyed_window_can_be_cancelled_once() {
    const REQUESTS: usize = 1500;
    let simulation = msgpump::simulation::Simulation::new(1);
    let address = ([192, 0, 2, 53], 53).into();
    simulation.name_server(address, zone());
    let resolver = ResolverConfig::new([address]).with_waiting_max(REQUESTS);
    let mut fixture = Fixture::new();
    fixture.pump = simulation.pump(Settings::default().resolver(resolver).expect("within the limits"));
    fixture.window = fixture.pump.open_window();
    let tasks: Vec<_> = (0..REQUESTS).map(|_| pending(&mut fixture)).collect();
    fixture.winsock.destroy_window(&mut fixture.pump, fixture.window).expect("it was open");
    for task in tasks {
        assert_eq!((fixture.cancel(task), fixture.cancel(task)), (Ok(()), Err(Ealready)), "{task}");
    }
}

/// The same, where the pump destroys the window and many requests are started afterwards.
#[test]
fn a_request_that_was_pending_on_a_window_of_the_pumps_can_be_cancelled_once() {
    let mut fixture = Fixture::new();
    let task = pending(&mut fixture);
    fixture.pump.destroy_window(fixture.window).expect("it was open");
    fixture.window = fixture.pump.open_window();
    let others: Vec<_> = (0..100).map(|_| pending(&mut fixture)).collect();
    assert_eq!((fixture.cancel(task), fixture.cancel(task)), (Ok(()), Err(Ealready)));
    assert_eq!(fixture.pump().len(), others.len());
}

#[test]
fn t41_queued_behind_another() {
    let simulation = msgpump::simulation::Simulation::new(1);
    let address = ([192, 0, 2, 53], 53).into();
    simulation.name_server(address, zone());
    let resolver = ResolverConfig::new([address]).with_lookups_in_flight_max(1);
    let mut fixture = Fixture::new();
    fixture.pump = simulation.pump(Settings::default().resolver(resolver).expect("within the limits"));
    fixture.simulation = simulation;
    fixture.window = fixture.pump.open_window();
    let (first, second) = (pending(&mut fixture), fixture.host("mail.test", 1024).expect("it stands in line"));
    assert_eq!(fixture.pump.metrics().lookups_in_line, 1);
    assert_eq!(fixture.cancel(second), Ok(()));
    assert_eq!(fixture.one().task(), first);
}

#[test]
fn t42_while_the_resolver_works() {
    let mut fixture = Fixture::new();
    let task = pending(&mut fixture);
    fixture.pump.turn(Budget::no_wait()).expect("the stage does not fail");
    assert_eq!(fixture.cancel(task), Ok(()));
    assert_eq!(fixture.simulation.open_sockets(), 0, "its work ends, it is not waited for");
    fixture.simulation.advance(2 * HELD);
    assert!(fixture.pump().is_empty());
}

#[test]
fn t43a_finished_while_the_queue_is_full() {
    let mut fixture = Fixture::with_capacity(WinsockSettings::default(), zone(), 3);
    fixture.start(Version::V1_1);
    while fixture.pump.post(fixture.window, 7).is_ok() {}
    let task = finished(&mut fixture);
    // Room for it was reserved, so it does not wait for any: it is queued, as in T44.
    assert_eq!(fixture.cancel(task), Err(Ealready));
    let deliveries = fixture.pump_all();
    assert_eq!(deliveries.len(), 3);
    assert!(deliveries.iter().all(|delivery| matches!(delivery, Delivery::Other(_))));
}

#[test]
fn t44_completed_and_queued() {
    let mut fixture = Fixture::new();
    let task = queued(&mut fixture);
    assert_eq!(fixture.cancel(task), Err(Ealready));
    assert_eq!(fixture.winsock.wsa_get_last_error(), 10037);
    assert!(fixture.pump().is_empty());
}

#[test]
fn t45_completed_and_delivered() {
    let mut fixture = Fixture::new();
    let task = delivered(&mut fixture);
    assert_eq!(fixture.cancel(task), Err(Ealready));
}

#[test]
fn t47_cancelled_twice_while_pending() {
    let mut fixture = Fixture::new();
    let task = pending(&mut fixture);
    assert_eq!((fixture.cancel(task), fixture.cancel(task)), (Ok(()), Err(Ealready)));
    assert!(fixture.pump().is_empty());
}

#[test]
fn t48_zero_is_never_a_request() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.cancel_raw(0), Err(Einval), "nothing was ever issued");
    let task = delivered(&mut fixture);
    assert_eq!(fixture.cancel_raw(0), Err(Einval), "nothing is under way");
    pending(&mut fixture);
    fixture.pump.turn(Budget::no_wait()).expect("the stage does not fail");
    assert_eq!(fixture.cancel_raw(0), Err(Einval), "something is under way");
    assert_ne!(fixture.one().task(), task);
}

#[test]
fn t49_what_is_no_handle_of_a_request() {
    let mut fixture = Fixture::new();
    let timer = fixture.pump.set_timer(fixture.window, Timer::once(HELD)).expect("open");
    let task = pending(&mut fixture);
    let strangers = [task.raw() + 1, u32::MAX, 0x8000_0001, 0xC000_0001, 1, 0x4000_0000, 0x7FFF_FFFF];
    for number in strangers {
        assert_eq!(fixture.cancel_raw(number), Err(Einval), "{number:#x}");
    }
    assert!(fixture.pump.is_live(timer));
    fixture.pump.cancel(timer);
    assert_eq!(fixture.one().task(), task);
}

#[test]
fn t51_pending_over_cleanup_and_startup() {
    let mut fixture = Fixture::new();
    let task = pending(&mut fixture);
    assert_eq!(fixture.cleanup(), Ok(()));
    assert_eq!(fixture.cancel(task), Err(Notinitialised));
    fixture.start(Version::V1_1);
    assert_eq!(fixture.cancel(task), Err(Einval));
}

#[test]
fn t52_the_buffer_is_the_callers_all_the_time() {
    let mut fixture = Fixture::new();
    let mut buffer = vec![0; 1024];
    let task = fixture.host("www.test", buffer.len()).expect("it starts");
    assert_eq!(fixture.cancel(task), Ok(()));
    buffer.fill(0xAA);
    fixture.simulation.advance(2 * HELD);
    assert!(fixture.pump().is_empty());
    assert!(buffer.iter().all(|&byte| byte == 0xAA));
}

#[test]
fn t53_from_the_handler_of_one_completion_another_that_is_queued() {
    let mut fixture = Fixture::new();
    let (first, second) = (finished(&mut fixture), fixture.protocol("tcp", 1024).expect("it is finished"));
    let Some(Delivery::Winsock(message)) = fixture.winsock.next_message(&mut fixture.pump) else { panic!("it waits") };
    assert_eq!((message.task(), hi(&message)), (first, 0));
    assert_eq!(fixture.cancel(second), Err(Ealready));
    assert!(fixture.pump().is_empty());
}

#[test]
fn a_message_that_was_taken_but_not_translated_is_not_seen_after_the_cancel() {
    let mut fixture = Fixture::new();
    let task = queued(&mut fixture);
    let taken = fixture.pump.next_message().expect("it waits");
    assert_eq!(fixture.cancel(task), Err(Ealready));
    assert!(fixture.winsock.translate(&mut fixture.pump, taken).is_none());

    let task = queued(&mut fixture);
    let taken = fixture.pump.next_message().expect("it waits");
    assert_eq!(fixture.cleanup(), Ok(()));
    assert!(fixture.winsock.translate(&mut fixture.pump, taken).is_none());
    fixture.start(Version::V1_1);
    assert_eq!(fixture.cancel(task), Err(Einval));
}

#[test]
fn one_of_several_that_ask_the_same_is_cancelled_alone() {
    let mut fixture = Fixture::new();
    let tasks: Vec<_> = (0..3).map(|_| pending(&mut fixture)).collect();
    fixture.pump.turn(Budget::no_wait()).expect("the stage does not fail");
    assert_eq!(fixture.cancel(tasks[1]), Ok(()));
    let seen: Vec<_> = fixture.pump().iter().map(|message| message.task()).collect();
    assert_eq!(seen, [tasks[0], tasks[2]]);
}

#[test]
fn cancelling_a_request_to_a_silent_server_frees_its_socket() {
    let mut fixture = Fixture::acting(Act::Drop);
    let task = fixture.winsock.wsa_async_get_host_by_name(&mut fixture.pump, fixture.window, M, "www.test", None);
    fixture.pump.turn(Budget::no_wait()).expect("the stage does not fail");
    assert_eq!(fixture.cancel(task.expect("it starts")), Ok(()));
    assert_eq!((fixture.simulation.open_sockets(), fixture.pump.metrics().operations), (0, 0));
}
