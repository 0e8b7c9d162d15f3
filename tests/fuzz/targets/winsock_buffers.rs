//! The answers of the Winsock requests, written into buffers of any size at any place and read there as a C program
//! reads them.
#![no_main]

use std::net::Ipv4Addr;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use msgpump::simulation::{NameServer, Simulation};
use msgpump::winsock::{Answer, Delivery, Version, Winsock, WinsockError, WinsockMessage, WsaData};
use msgpump::{Pump, ResolverConfig, Settings};
use msgpump_fuzz::{Choices, files};

#[path = "../../winsock/memory.rs"]
mod memory;

use memory::{Memory, POINTER};

const SERVER: ([u8; 4], u16) = ([192, 0, 2, 53], 53);

/// What was there before.
const GUARD: u8 = 0xA5;

/// Which call, and the words that it gets.
struct Request<'t> {
    call: usize,
    name: &'t str,
    protocol: Option<&'t str>,
    number: i32,
}

struct Program {
    pump: Pump<()>,
    winsock: Winsock<()>,
}

impl Program {
    fn new(simulation: &Simulation) -> Program {
        let config = ResolverConfig::new([SERVER]).with_attempts(1).with_timeout(Duration::from_secs(1));
        let pump = simulation.pump(Settings::default().resolver(config).expect("within the limits"));
        let mut winsock = Winsock::new();
        winsock.wsa_startup(Version::V1_1, Some(&mut WsaData::default())).expect("the version is offered");
        Program { pump, winsock }
    }

    /// The one message of a request.
    fn ask(&mut self, request: &Request<'_>, buflen: Option<usize>) -> WinsockMessage {
        const MESSAGE: u32 = 0x401;
        let Program { pump, winsock } = self;
        let Request { name, protocol, number, .. } = *request;
        let task = match request.call {
            0 => winsock.wsa_async_get_host_by_name(pump, None, MESSAGE, name, buflen),
            1 => winsock.wsa_async_get_host_by_addr(pump, None, MESSAGE, &number.to_be_bytes(), 2, buflen),
            2 => winsock.wsa_async_get_serv_by_name(pump, None, MESSAGE, name, protocol, buflen),
            3 => winsock.wsa_async_get_serv_by_port(pump, None, MESSAGE, number, protocol, buflen),
            4 => winsock.wsa_async_get_proto_by_name(pump, None, MESSAGE, name, buflen),
            _ => winsock.wsa_async_get_proto_by_number(pump, None, MESSAGE, number, buflen),
        };
        let task = task.expect("there is room for a request");
        match winsock.get_message(pump).expect("something happens") {
            Some(Delivery::Winsock(message)) => {
                assert_eq!((message.message, message.task()), (MESSAGE, task));
                message
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Reads what was written, and compares it with the typed answer.
fn check(answer: &Answer, memory: &Memory<'_>) {
    let (name, aliases) = match answer {
        Answer::Host(host) => (&host.name, &host.aliases),
        Answer::Service(service) => (&service.name, &service.aliases),
        Answer::Protocol(protocol) => (&protocol.name, &protocol.aliases),
    };
    assert_eq!((&memory.text(0), &memory.texts(POINTER)), (name, aliases));
    match answer {
        Answer::Host(host) => {
            assert_eq!((memory.short(2 * POINTER), memory.short(2 * POINTER + 2)), (2, 4));
            let list = memory.list(if POINTER == 8 { 24 } else { 12 });
            let places = list.into_iter().map(|place| memory.target(place).expect("an address"));
            let octets = places.map(|place| <[u8; 4]>::try_from(&memory.0[place..place + 4]).expect("four bytes"));
            assert!(octets.map(Ipv4Addr::from).eq(host.addresses.iter().copied()));
        }
        Answer::Service(service) => {
            let (protocol_at, port_at) = if POINTER == 8 { (16, 24) } else { (12, 8) };
            assert_eq!(
                (memory.text(protocol_at), memory.short(port_at) as u16),
                (service.protocol.clone(), service.port)
            );
        }
        Answer::Protocol(protocol) => assert_eq!(memory.short(2 * POINTER), protocol.number),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices::new(bytes);
    let call = choices.below(6);
    let (line, word) = (usize::from(choices.byte()), usize::from(choices.byte()));
    let (length, start) = (usize::from(choices.word()) % 2048, POINTER * choices.below(4));
    let number = i32::from_be_bytes([choices.byte(), choices.byte(), choices.byte(), choices.byte()]);
    let text = choices.rest();

    let simulation = Simulation::new(1);
    for file in ["/etc/hosts", "/etc/services", "/etc/protocols"] {
        simulation.write_file(file, text);
    }
    let zone = NameServer::new().host("www.test", ["192.0.2.1", "192.0.2.2"]).alias("alias.test", "www.test");
    simulation.name_server(SERVER.into(), zone);
    let lines = files::lines(text);
    let fields = lines.get(line).and_then(Option::as_ref);
    let name = fields.and_then(|fields| fields.get(word)).copied().unwrap_or("alias.test");
    let protocol = fields.and_then(|fields| fields.get(1)?.split_once('/')).map(|(_, protocol)| protocol);
    let request = Request { call, name, protocol, number };
    let mut program = Program::new(&simulation);

    let message = program.ask(&request, None);
    let Some(answer) = message.answer else {
        assert!(message.async_error().is_some_and(|error| error != WinsockError::Enobufs), "{message}");
        return;
    };
    let size = answer.size();
    let short = program.ask(&request, Some(length));
    if length < size {
        assert_eq!((short.async_error(), &short.answer), (Some(WinsockError::Enobufs), &None));
        assert_eq!((short.async_needed(), usize::from(short.async_buflen())), (size, size.min(65_535)));
    } else {
        assert_eq!((short.async_error(), short.answer.as_ref()), (None, Some(&answer)));
    }
    let exact = program.ask(&request, Some(size));
    assert_eq!((exact.async_error(), exact.answer.as_ref()), (None, Some(&answer)), "it fits exactly");

    // Words, so that the buffer begins where a pointer may stand.
    for length in [length, size, size - 1] {
        let mut buffer = vec![GUARD; start + length + POINTER];
        let aligned = buffer.as_ptr().align_offset(POINTER).min(POINTER);
        buffer.resize(buffer.len() + aligned, GUARD);
        let start = start + buffer.as_ptr().align_offset(POINTER).min(aligned);
        let result = answer.write_to(&mut buffer[start..start + length]);
        let written = result.unwrap_or(0);
        assert_eq!(result.map_err(|error| error.needed), if length < size { Err(size) } else { Ok(size) });
        let around = buffer[..start].iter().chain(&buffer[start + written..]);
        assert!(around.copied().all(|byte| byte == GUARD), "only what is said to be written is written");
        if written > 0 && (buffer.as_ptr() as usize + start) % POINTER == 0 {
            check(&answer, &Memory(&buffer[start..start + written]));
        }
    }
});
