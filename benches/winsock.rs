//! What the Winsock layer adds to the pump it stands on: requests, their cancel, selected sockets.

mod random;
mod support;

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};

use allocation_counter::measure;
use divan::Bencher;
use msgpump::winsock::{
    AF_INET, Delivery, FD_CLOSE, FD_READ, SOCK_STREAM, SocketHandle, TaskHandle, Version, Winsock, WinsockError,
    WsaData, htons,
};
use msgpump::{Cancelled, Interest, OperationId, Payload, Pump, ServiceQuery, WatchId, WindowId};
use random::Random;
use support::{Work, ratio};

/// How many completions wait in the queue of which one is cancelled.
const QUEUED: usize = 10_000;

/// How many operations are measured at a time.
const BATCH: usize = 100;

/// How many connections echo.
const CONNECTIONS: usize = 100;

/// What is echoed at a time.
const BYTES: usize = 64;

const M: u32 = 0x400;

fn main() {
    support::main(|| {
        ratio("request::service", 1.5, look_up, request_service);
        ratio("cancel::one_of_10000", 1.5, cancel_lookups, cancel_requests);
        ratio("echo::over_100_connections", 1.0 / 0.85, echo_by_watches, echo_by_selections);
        memory();
    });
}

/// Starts a service request, takes its message and reads it.
mod request {
    use super::*;

    #[divan::bench]
    fn floor(bencher: Bencher) {
        look_up().bench(bencher);
    }

    #[divan::bench]
    fn service(bencher: Bencher) {
        request_service().bench(bencher);
    }
}

/// Cancels random ones of the requests whose messages are queued.
#[divan::bench_group(sample_count = 20, sample_size = 1)]
mod cancel {
    use super::*;

    #[divan::bench]
    fn floor(bencher: Bencher) {
        cancel_lookups().bench(bencher);
    }

    #[divan::bench]
    fn one_of_10000(bencher: Bencher) {
        cancel_requests().bench(bencher);
    }
}

/// One round: every peer sends, and gets back what it sent.
#[divan::bench_group(sample_count = 20)]
mod echo {
    use super::*;

    #[divan::bench]
    fn floor(bencher: Bencher) {
        echo_by_watches().bench(bencher);
    }

    #[divan::bench]
    fn over_100_connections(bencher: Bencher) {
        echo_by_selections().bench(bencher);
    }
}

fn started() -> Winsock<()> {
    let mut winsock = Winsock::new();
    winsock.wsa_startup(Version::V1_1, Some(&mut WsaData::default())).expect("1.1 is offered");
    winsock
}

fn look_up() -> Work<()> {
    let mut pump = Pump::<()>::new().expect("there are descriptors left");
    let window = pump.root_window();
    Work::steady(BATCH, move || {
        for _ in 0..BATCH {
            let query = ServiceQuery::by_name("http").protocol("tcp");
            black_box(&mut pump).lookup_service(window, query).expect("the window is open");
            let message = pump.next_message().expect("it is answered at once");
            let Payload::Service(Ok(service)) = message.payload else { panic!("http is known everywhere") };
            assert_eq!(black_box(service).port, 80);
        }
    })
}

fn request_service() -> Work<()> {
    let mut pump = Pump::<()>::new().expect("there are descriptors left");
    let mut winsock = started();
    let window = pump.root_window();
    Work::steady(BATCH, move || {
        for _ in 0..BATCH {
            start(&mut winsock, black_box(&mut pump), window);
            let Some(Delivery::Winsock(message)) = winsock.next_message(&mut pump) else { panic!("it waits") };
            assert_eq!(message.async_error(), None);
            let service = message.answer.as_ref().and_then(|answer| answer.service()).expect("a service");
            assert_eq!(black_box(service).port, htons(80));
        }
    })
}

fn start(winsock: &mut Winsock<()>, pump: &mut Pump<()>, window: WindowId) -> TaskHandle {
    winsock.wsa_async_get_serv_by_name(pump, window, M, "http", "tcp", 1024).expect("the layer is started")
}

/// Some of `entries`, at random.
fn some<K>(mut entries: Vec<K>) -> Vec<K> {
    let mut random = Random::new();
    for chosen in 0..BATCH {
        let others = entries.len() - chosen;
        entries.swap(chosen, chosen + random.below(others as u64) as usize);
    }
    entries.truncate(BATCH);
    entries
}

fn cancel_lookups() -> Work<(Pump<()>, Vec<OperationId>)> {
    let fill = || {
        let mut pump = Pump::new().expect("there are descriptors left");
        let window = pump.root_window();
        let query = || ServiceQuery::by_name("http").protocol("tcp");
        let lookups = (0..QUEUED).map(|_| pump.lookup_service(window, query()).expect("the window is open")).collect();
        (pump, some(lookups))
    };
    Work::new(BATCH, fill, |(pump, lookups)| {
        for &mut lookup in lookups {
            assert_eq!(black_box(&mut *pump).cancel(lookup), Cancelled::Queued(1));
        }
    })
}

fn cancel_requests() -> Work<(Pump<()>, Winsock<()>, Vec<TaskHandle>)> {
    let fill = || {
        let mut pump = Pump::new().expect("there are descriptors left");
        let mut winsock = started();
        let window = pump.root_window();
        let tasks = (0..QUEUED).map(|_| start(&mut winsock, &mut pump, window)).collect();
        (pump, winsock, some(tasks))
    };
    Work::new(BATCH, fill, |(pump, winsock, tasks)| {
        for &mut task in tasks {
            let cancelled = black_box(&mut *winsock).wsa_cancel_async_request(pump, task);
            assert_eq!(cancelled, Err(WinsockError::Ealready));
        }
    })
}

/// Has every peer send, and reads back what they sent, with `serve` in between for that many messages.
fn round(peers: &mut [TcpStream], serve: impl FnOnce()) {
    for peer in &mut *peers {
        peer.write_all(&[7; BYTES]).expect("the connection lives");
    }
    serve();
    for peer in peers {
        peer.read_exact(&mut [0; BYTES]).expect("it is echoed");
    }
}

fn echo_by_watches() -> Work<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback interface is there");
    let address = listener.local_addr().expect("it listens");
    let mut pump = Pump::<()>::new().expect("there are descriptors left");
    let window = pump.root_window();
    let mut watches: std::collections::HashMap<OperationId, WatchId<msgpump::TcpStream>> = Default::default();
    let mut peers = Vec::new();
    for _ in 0..CONNECTIONS {
        peers.push(TcpStream::connect(address).expect("there is room"));
        let (stream, _) = listener.accept().expect("one waits");
        let stream = msgpump::TcpStream::from_std(stream).expect("it can be non-blocking");
        let watch = pump.watch(window, stream, Interest::READABLE).expect("it can be watched");
        watches.insert(watch.id(), watch);
    }
    Work::steady(CONNECTIONS, move || {
        let (pump, watches) = (&mut pump, &watches);
        round(&mut peers, || {
            for _ in 0..CONNECTIONS {
                let message = pump.get_message().expect("the system works").expect("nobody quits");
                let watch = watches[&message.operation.expect("only watches give messages")];
                let stream = pump.source(watch).expect("it is watched");
                let mut buffer = [0; 1024];
                let length = stream.read(&mut buffer).expect("it is ready");
                stream.write_all(&buffer[..length]).expect("there is room");
                pump.rearm(watch, Interest::READABLE).expect("it lives");
            }
        });
    })
}

fn echo_by_selections() -> Work<()> {
    let mut pump = Pump::<()>::new().expect("there are descriptors left");
    let mut winsock = started();
    let window = pump.root_window();
    let listener = winsock.socket(AF_INET, SOCK_STREAM, 0).expect("there are descriptors left");
    winsock.bind(listener, SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("it has no address yet");
    winsock.listen(&mut pump, listener, 5).expect("it is bound");
    let address = winsock.getsockname(listener).expect("it listens");
    let mut peers = Vec::new();
    for _ in 0..CONNECTIONS {
        peers.push(TcpStream::connect(address).expect("there is room"));
        let (accepted, _) = winsock.accept(&mut pump, listener).expect("one waits");
        let events = FD_READ | FD_CLOSE;
        winsock.wsa_async_select(&mut pump, accepted, window, M, events).expect("it can be selected");
    }
    Work::steady(CONNECTIONS, move || {
        let (pump, winsock) = (&mut pump, &mut winsock);
        round(&mut peers, || {
            for _ in 0..CONNECTIONS {
                let delivery = winsock.get_message(pump).expect("the system works");
                let Some(Delivery::Winsock(message)) = delivery else { panic!("only sockets give messages") };
                let socket: SocketHandle = message.socket();
                let mut buffer = [0; 1024];
                let length = winsock.recv(pump, socket, &mut buffer, 0).expect("it is ready");
                winsock.send(pump, socket, &buffer[..length], 0).expect("there is room");
            }
        });
    })
}

/// Prints what a request takes, and what of that is the pump's own.
fn memory() {
    let (mut pump, mut winsock) = (Pump::new().expect("there are descriptors left"), started());
    let window = pump.root_window();
    let bytes = measure(|| (0..QUEUED).for_each(|_| _ = start(&mut winsock, &mut pump, window))).bytes_current;
    println!("{:>5.0} bytes  request, finished, with its message and its answer", bytes as f64 / QUEUED as f64);
    let mut pump = Pump::<()>::new().expect("there are descriptors left");
    let window = pump.root_window();
    let look_up = |_| _ = pump.lookup_service(window, ServiceQuery::by_name("http").protocol("tcp"));
    let bytes = measure(|| (0..QUEUED).for_each(look_up)).bytes_current;
    println!("{:>5.0} bytes  of it the pump's own lookup", bytes as f64 / QUEUED as f64);
}
