//! A lookup whose servers send anything, over datagrams and streams, several messages for a question: it ends within
//! its time, in one final message, asks no more questions than it may, and leaves nothing behind; cancelled in any
//! state it is silent.
#![no_main]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use msgpump::simulation::{NameServer, Peer, Query};
use msgpump::{Budget, Cancelled, Family, HostQuery, Payload, Pump, ResolverConfig, Rest, Settings};
use msgpump_fuzz::{Choices, stage};

const SERVERS: [([u8; 4], u16); 2] = [([192, 0, 2, 53], 53), ([192, 0, 2, 54], 53)];

/// After this time a lookup is over, whatever the servers do.
const DEADLINE: Duration = Duration::from_secs(60);

/// The messages that one question gets: taken from the bytes until these are used up, then none.
fn replies(script: &Mutex<Vec<u8>>, asked: &[u8]) -> Vec<Vec<u8>> {
    let mut script = script.lock().expect("no thread panics with it");
    let mut choices = Choices::new(&script);
    let count = choices.below(4);
    let messages = (0..count).map(|_| message(&mut choices, asked)).collect();
    let rest = choices.rest().to_vec();
    *script = rest;
    messages
}

/// A message that begins as a reply should, or does not.
fn message(choices: &mut Choices<'_>, asked: &[u8]) -> Vec<u8> {
    let how = choices.byte();
    let mut message = asked.to_vec();
    message[2] |= 0x80;
    message[3] = 0x80 | choices.byte() & 0x0F;
    // The query's own OPT record stays behind the question, unless other records come there.
    if how & 1 != 0 {
        let end = 12 + asked[12..].iter().position(|&byte| byte == 0).expect("a name ends") + 5;
        message.truncate(end);
        message[7] = choices.byte() & 7;
        message[9] = choices.byte() & 3;
        message[11] = choices.byte() & 3;
        message.extend(choices.bytes());
    }
    match how >> 1 & 7 {
        1 => message[2] |= 2,
        2 => message[0] ^= choices.byte(),
        3 => message.truncate(usize::from(choices.byte())),
        4 => {
            let place = usize::from(choices.byte()) % message.len();
            message[place] = choices.byte();
        }
        5 => message = choices.bytes().to_vec(),
        _ => {}
    }
    message
}

fn settings(choices: &mut Choices<'_>) -> Settings {
    let how = choices.word();
    let is = |bit: u16| how & 1 << bit != 0;
    let config = ResolverConfig::new(SERVERS)
        .with_timeout(Duration::from_secs(1 + u64::from(how & 3)))
        .with_attempts(1 + u32::from(how >> 2 & 1))
        .with_deadline(Some(DEADLINE))
        .with_edns(!is(3))
        .with_tcp(is(4))
        .with_single_request(is(5))
        .with_rotate(is(6))
        .with_search(if is(7) { &["corp.test", "."][..] } else { &[] })
        .with_family_patience(Duration::from_secs(u64::from(how >> 8 & 3)));
    Settings::default().resolver(config).expect("within the limits")
}

/// What a turn brings; the messages of a lookup are parts, then the end.
fn take(pump: &mut Pump<()>) -> usize {
    let mut finals = 0;
    while let Some(message) = pump.next_message() {
        match message.payload {
            Payload::HostPart(part) => assert!(finals == 0 && !part.addresses.is_empty()),
            Payload::Host(Ok(host)) => {
                assert!(!host.addresses.is_empty());
                finals += 1;
            }
            Payload::Host(Err(error)) => {
                assert!(!error.to_string().is_empty() && error.attempts() <= 1000);
                finals += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    finals
}

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices::new(bytes);
    let simulation = stage();
    let mut pump = simulation.pump::<()>(settings(&mut choices));
    let how = choices.byte();
    let turns_until_cancel = if how & 1 == 0 { usize::MAX } else { choices.below(32) };
    if how & 2 != 0 {
        // Over TCP these bytes and nothing else, in two parts.
        let (first, second) = (choices.bytes(), choices.bytes());
        let peer = Peer::new().sends(first).waits(Duration::from_millis(3)).sends(second);
        simulation.peer(SERVERS[0].into(), if how & 4 == 0 { peer.closes() } else { peer.resets() });
    }
    let query = match how >> 3 & 3 {
        0 => HostQuery::by_address([192, 0, 2, 7]),
        family => HostQuery::by_name("www.test").family([Family::Any, Family::V4, Family::V6][usize::from(family) - 1]),
    };
    let query = if how & 32 != 0 { query.streamed() } else { query };
    let script = Arc::new(Mutex::new(choices.rest().to_vec()));
    for server in SERVERS {
        let script = script.clone();
        let answer = move |_: &Query, asked: &[u8]| replies(&script, asked);
        simulation.name_server(server.into(), NameServer::new().answers_by(answer));
    }

    let window = pump.root_window();
    let lookup = pump.lookup_host(window, query).expect("the root window is open");
    let mut finals = 0;
    for turn in 0.. {
        if turn == turns_until_cancel {
            let cancelled = pump.cancel(lookup);
            assert_eq!(cancelled == Cancelled::Over, finals == 1, "{cancelled}");
            assert_eq!((take(&mut pump), pump.rest()), (0, Rest::Forever), "silence after a cancel");
            break;
        }
        finals += take(&mut pump);
        if pump.rest() == Rest::Forever {
            assert_eq!(finals, 1, "one final message");
            break;
        }
        let _ = pump.turn(Budget::wait_forever()).expect("something is due");
        assert!(turn < 20_000, "it never ends");
    }
    assert!(simulation.elapsed() <= DEADLINE, "it took {:?}", simulation.elapsed());
    assert!(simulation.queries().len() <= 2000, "{} questions", simulation.queries().len());
    assert_eq!((simulation.open_sockets(), pump.metrics().operations, pump.metrics().queued), (0, 0, 0));
});
