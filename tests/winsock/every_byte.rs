//! The other half of the promise for selected sockets: whoever does only what messages tell misses nothing.
//!
//! A program receives a little for each FD_READ, peeks at times, sends until there is no room, asks for errors and
//! selects anew, while the other side sends, reads, and at last closes or resets. At the end every byte was
//! received, the end was told once, and the pump sleeps. A failure names its seed.

use std::io::{ErrorKind, Read};
use std::net::{Shutdown, TcpListener};

use msgpump::winsock::{
    CloseOrder, FD_CLOSE, FD_CONNECT, FD_OOB, FD_READ, FD_WRITE, MSG_OOB, MSG_PEEK, SocketHandle, SocketOption,
    Version, WinsockMessage, WinsockSettings,
};
use msgpump::{Budget, Payload};

use crate::net::{ALL, Net, Peer, anywhere, peer_of, reset, say, say_urgently, v4};
use crate::random::Random;

/// Steps of the other side before it ends the connection, at most.
const STEPS_MAX: usize = 30;

/// Wine tells a reset as an end in order, and of no urgent data.
const TELLS_ALL: bool = cfg!(target_os = "linux");

struct Stage {
    net: Net,
    random: Random,
    socket: SocketHandle,
    peer: Option<Peer>,
    is_connected: bool,
    /// Urgent data that is not received as such may come among the other bytes.
    sent: usize,
    urgent: usize,
    received: usize,
    closes: usize,
    log: Vec<String>,
}

impl Stage {
    fn new(seed: u64, order: CloseOrder) -> Stage {
        let mut random = Random::new(seed);
        let mut net = Net::with(WinsockSettings::default().close_order(order), Version::V1_1);
        let mut is_connected = true;
        let (socket, peer) = match random.below(3) {
            0 => {
                let (socket, peer) = net.pair();
                net.select(socket, mask(&mut random));
                (socket, peer)
            }
            1 => {
                let (listener, address) = net.listener();
                net.select(listener, ALL);
                let peer = peer_of(address);
                assert_eq!(net.events(), "ACCEPT");
                (net.accept(listener).expect("one waits"), peer)
            }
            _ => {
                let listener = TcpListener::bind(anywhere()).expect("the loopback interface is there");
                let socket = net.stream();
                net.select(socket, ALL);
                let address = v4(listener.local_addr().expect("it listens"));
                net.winsock.connect(&mut net.pump, socket, address).expect_err("it does not block");
                is_connected = false;
                (socket, listener.accept().expect("it connects").0)
            }
        };
        peer.set_nodelay(true).expect("it is TCP");
        if random.one_in(3) {
            net.winsock.setsockopt(socket, SocketOption::OobInline, true).expect("it is a stream");
        }
        let (sent, urgent, received, closes) = (0, 0, 0, 0);
        let (peer, log) = (Some(peer), Vec::new());
        Stage { net, random, socket, peer, is_connected, sent, urgent, received, closes, log }
    }

    fn run(mut self, seed: u64) {
        let (mut queued, mut quiet) = (Vec::new(), 0);
        let steps = 5 + self.random.below(STEPS_MAX - 5);
        for step in 0.. {
            if step < steps {
                self.let_peer_act()
            } else {
                self.let_peer_end()
            }
            if self.random.one_in(10) {
                let events = mask(&mut self.random) | if self.is_connected { 0 } else { FD_CONNECT };
                self.note(format!("select {events:#x}"));
                self.net.select(self.socket, events);
                queued.clear();
                self.closes = 0;
            }
            self.ask_and_send();
            let told = self.net.messages();
            quiet = if told.is_empty() && queued.is_empty() && self.peer.is_none() { quiet + 1 } else { 0 };
            queued.extend(told);
            let handled = 1 + self.random.below(4);
            for message in queued.drain(..handled.min(queued.len())) {
                self.handle(&message);
            }
            if quiet > 2 && self.closes > 0 {
                break;
            }
            assert!(step < 100 * STEPS_MAX, "seed {seed}: {:?}", self.log);
        }
        assert_eq!(self.closes, 1, "seed {seed}: {:?}", self.log);
        let most = self.sent + self.urgent;
        assert!((self.sent..=most).contains(&self.received), "seed {seed}: {} of {}", self.received, self.sent);
        self.sleep(seed);
    }

    fn note(&mut self, what: String) {
        self.log.push(what);
    }

    fn let_peer_act(&mut self) {
        let (act, rarely) = (self.random.below(4), self.random.one_in(4));
        let Some(peer) = &mut self.peer else { return };
        match act {
            0 => {
                let bytes = 1 + self.random.below(20);
                say(peer, &vec![7; bytes]);
                self.sent += bytes;
                self.note(format!("{bytes} bytes"));
            }
            1 if rarely && TELLS_ALL => {
                say_urgently(peer, b'!');
                self.urgent += 1;
                self.note("urgent".to_owned());
            }
            2 if rarely => {
                peer.set_nonblocking(true).expect("it can be");
                let mut buffer = vec![0; 1 << 20];
                let end = loop {
                    match peer.read(&mut buffer) {
                        Ok(length) => assert_ne!(length, 0, "nobody ends"),
                        Err(error) => break error.kind(),
                    }
                };
                assert_eq!(end, ErrorKind::WouldBlock);
                peer.set_nonblocking(false).expect("it can be");
            }
            _ => {}
        }
    }

    fn let_peer_end(&mut self) {
        let Some(peer) = self.peer.take() else { return };
        let end = self.random.below(if TELLS_ALL { 3 } else { 2 });
        self.note(format!("end {end}"));
        match end {
            0 => drop(peer),
            1 => {
                peer.shutdown(Shutdown::Write).expect("it lives");
                // Open until the test is over.
                std::mem::forget(peer);
            }
            _ => reset(peer),
        }
    }

    /// What a program does unasked.
    fn ask_and_send(&mut self) {
        if self.random.one_in(12) && self.is_connected {
            let bytes = vec![7; 1 << self.random.below(18)];
            // It may be that there is no room, or nobody any more.
            let _ = self.net.send(self.socket, &bytes);
        }
        if self.random.one_in(25) {
            self.note("SO_ERROR".to_owned());
            self.net.winsock.getsockopt(self.socket, SocketOption::Error).expect("every socket has it");
        }
    }

    fn handle(&mut self, message: &WinsockMessage) {
        self.note(self.net.words(message));
        match i32::from(message.select_event()) {
            FD_READ => {
                let flags = if self.random.one_in(6) { MSG_PEEK } else { 0 };
                let length = 1 + self.random.below(12);
                let received = self.net.recv_with(self.socket, length, flags).unwrap_or(0);
                self.received += if flags == 0 { received } else { 0 };
            }
            FD_OOB => {
                // It may have come among the other data when the next one came.
                let _ = self.net.recv_with(self.socket, 1, MSG_OOB);
            }
            FD_CONNECT => {
                assert_eq!(message.select_error(), None);
                self.is_connected = true;
            }
            FD_CLOSE => self.closes += 1,
            event => assert_eq!(event, FD_WRITE),
        }
    }

    /// What the system has still to say is of no interest, and it comes to an end.
    fn sleep(&mut self, seed: u64) {
        for _ in 0..4 {
            self.net.pump.turn(Budget::no_wait()).expect("the system works");
            let Some(message) = self.net.pump.next_message() else { return };
            assert!(matches!(message.payload, Payload::Ready(_)));
            assert!(self.net.winsock.translate(&mut self.net.pump, message).is_none(), "seed {seed}");
        }
        panic!("seed {seed}: the pump does not sleep: {:?}", self.log);
    }
}

fn mask(random: &mut Random) -> i32 {
    [FD_READ | FD_CLOSE, FD_READ | FD_WRITE | FD_CLOSE, ALL][random.below(3)]
}

#[test]
fn whoever_follows_the_messages_misses_nothing() {
    // Under Wine every call is a conversation with its server.
    let schedules = if cfg!(windows) { 10 } else { 150 };
    for seed in 1..=schedules {
        for order in [CloseOrder::AfterDrain, CloseOrder::Early] {
            if cfg!(windows) && order == CloseOrder::Early {
                continue; // Wine tells an end after the drain.
            }
            Stage::new(seed, order).run(seed);
        }
    }
}
