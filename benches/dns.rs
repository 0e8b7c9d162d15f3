//! What a lookup costs: at a name server on loopback, beside a bare socket; from files, beside a map.
//!
//! The servers are threads of this process and share its cores, with the floor as with the pump. They are
//! eight, asked in turn, because the receive buffer of one has no room for a thousand questions.

mod support;

use std::collections::HashMap;
use std::hint::black_box;
use std::net::{SocketAddr, UdpSocket};

use divan::Bencher;
use msgpump::{Family, HostQuery, Payload, Pump, ResolverConfig, ServiceQuery, Settings};
use support::{Work, ratio};

/// How many lookups are in flight at a time.
const IN_FLIGHT: [usize; 3] = [1, 10, 1000];

/// How many lookups are measured at a time.
const BATCH: usize = 1000;

fn main() {
    support::main(|| {
        for in_flight in IN_FLIGHT {
            // 60 % of the bare socket's rate.
            ratio(&format!("server::lookup, {in_flight} in flight"), 1.67, || bare(in_flight), || lookups(in_flight));
        }
        ratio("file::service", f64::INFINITY, map_get, services);
        ratio("file::host", f64::INFINITY, map_get, hosts);
    });
}

mod server {
    use super::*;

    #[divan::bench(args = IN_FLIGHT)]
    fn floor(bencher: Bencher, in_flight: usize) {
        bare(in_flight).bench(bencher);
    }

    #[divan::bench(args = IN_FLIGHT)]
    fn lookup(bencher: Bencher, in_flight: usize) {
        lookups(in_flight).bench(bencher);
    }
}

mod file {
    use super::*;

    #[divan::bench]
    fn floor(bencher: Bencher) {
        map_get().bench(bencher);
    }

    #[divan::bench]
    fn service(bencher: Bencher) {
        services().bench(bencher);
    }

    #[divan::bench]
    fn host(bencher: Bencher) {
        hosts().bench(bencher);
    }
}

/// As many as a configuration takes.
const SERVERS: usize = 8;

fn start_servers() -> Vec<SocketAddr> {
    (0..SERVERS).map(|_| start_server()).collect()
}

/// A name server that gives every name the address 192.0.2.1.
fn start_server() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has a port");
    let address = socket.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
            let question_end = 12 + buffer[12..length].iter().position(|&byte| byte == 0).unwrap_or(0) + 5;
            let mut reply = buffer[..question_end].to_vec();
            reply[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
            reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
            // The client may have closed its socket: nothing to do about it.
            let _ = socket.send_to(&reply, peer);
        }
    });
    address
}

/// The same questions by a socket each, opened, connected, asked and closed; as many at a time.
fn bare(in_flight: usize) -> Work<()> {
    let servers = start_servers();
    let query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04host\x07example\x00\x00\x01\x00\x01";
    Work::steady(BATCH, move || {
        let mut buffer = [0; 512];
        for _ in 0..BATCH / in_flight {
            let sockets: Vec<_> = (0..in_flight)
                .map(|index| {
                    let socket = UdpSocket::bind("0.0.0.0:0").expect("a port is free");
                    socket.connect(servers[index % SERVERS]).expect("loopback is there");
                    socket.send(query).expect("loopback takes it");
                    socket
                })
                .collect();
            for socket in sockets {
                black_box(socket.recv(&mut buffer).expect("the server answers"));
            }
        }
    })
}

fn lookups(in_flight: usize) -> Work<()> {
    let config = ResolverConfig::new(start_servers()).with_rotate(true).with_lookups_in_flight_max(1024);
    let settings = Settings::default().resolver(config).expect("within the limits");
    let mut pump = Pump::<()>::with_settings(settings).expect("the system gives a queue");
    let window = pump.root_window();
    let names: Vec<_> = (0..in_flight).map(|number| format!("host{number}.example.")).collect();
    Work::steady(BATCH, move || {
        for _ in 0..BATCH / in_flight {
            for name in &names {
                let query = HostQuery::by_name(name.as_str()).family(Family::V4);
                pump.lookup_host(window, query).expect("the line is long");
            }
            for _ in 0..in_flight {
                let message = pump.get_message().expect("the system works").expect("nobody quits");
                assert!(matches!(black_box(message).payload, Payload::Host(Ok(_))));
            }
        }
    })
}

fn map_get() -> Work<()> {
    let map: HashMap<String, u16> = (0..300).map(|port| (format!("service{port}"), port)).collect();
    Work::steady(BATCH, move || {
        for _ in 0..BATCH {
            black_box(map.get(black_box("service77")));
        }
    })
}

fn services() -> Work<()> {
    let mut pump = Pump::<()>::new().expect("the system gives a queue");
    let window = pump.root_window();
    Work::steady(BATCH, move || {
        for _ in 0..BATCH {
            pump.lookup_service(window, ServiceQuery::by_name("https")).expect("the root is open");
            black_box(pump.next_message());
        }
    })
}

fn hosts() -> Work<()> {
    let mut pump = Pump::<()>::new().expect("the system gives a queue");
    let window = pump.root_window();
    Work::steady(BATCH, move || {
        for _ in 0..BATCH {
            pump.lookup_host(window, HostQuery::by_name("localhost")).expect("the root is open");
            black_box(pump.next_message());
        }
    })
}
