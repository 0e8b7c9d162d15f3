//! The promise for selected sockets, under random schedules over the loopback interface.
//!
//! A schedule selects, ends selections, connects, sends, receives, closes, destroys windows, cleans up and
//! takes messages. Beside the layer a plain model knows which selection of a socket is in force. A failure
//! names its seed.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use msgpump::winsock::{
    AF_INET, Delivery, FD_CLOSE, FD_CONNECT, FD_OOB, FD_READ, FD_WRITE, SOCK_STREAM, SocketHandle, Version, Winsock,
    WinsockError, WinsockMessage, WsaData,
};
use msgpump::{Budget, Message, Pump, WindowId};

use crate::net::{ALL, anywhere, v4};
use crate::random::Random;

/// What the model knows of a socket.
struct Known {
    /// Window, message number and events of the selection in force.
    selection: Option<(WindowId, u32, i32)>,
    peer: Option<TcpStream>,
    /// Bytes that the peer sent and the program has not received.
    unread: usize,
    /// FD_READ was told and no receive followed.
    is_read_outstanding: bool,
    is_write_outstanding: bool,
    is_close_told: bool,
}

struct Stage {
    pump: Pump<u32>,
    winsock: Winsock<u32>,
    windows: Vec<WindowId>,
    sockets: HashMap<SocketHandle, Known>,
    closed: Vec<SocketHandle>,
    listener: TcpListener,
    random: Random,
    seed: u64,
    last_message: u32,
    in_hand: Vec<Message<u32>>,
    seen: usize,
}

impl Stage {
    fn new(seed: u64) -> Stage {
        let mut pump = Pump::new().expect("descriptors are left");
        let mut winsock = Winsock::new();
        winsock.wsa_startup(Version::V1_1, Some(&mut WsaData::default())).expect("1.1 is offered");
        let windows = vec![pump.root_window(), pump.open_window()];
        let listener = TcpListener::bind(anywhere()).expect("the loopback interface is there");
        let random = Random::new(seed);
        let (sockets, closed, in_hand) = (HashMap::new(), Vec::new(), Vec::new());
        let mut stage = Stage {
            pump,
            winsock,
            windows,
            sockets,
            closed,
            listener,
            random,
            seed,
            last_message: 0x400,
            in_hand,
            seen: 0,
        };
        stage.connect();
        stage
    }

    fn run(mut self) -> usize {
        for _ in 0..120 {
            match self.random.below(22) {
                0..2 => self.connect(),
                2..5 => self.select(),
                5..8 => self.let_peer_act(),
                8..11 => self.receive(),
                11..13 => self.send(),
                13 => self.close(),
                14 => self.destroy(),
                15 if self.random.below(4) == 0 => self.clean_up(),
                16 => self.in_hand.extend(self.pump.next_message()),
                17 => self.translate_hand(),
                _ => self.take(),
            }
        }
        self.seen
    }

    fn any(&mut self) -> Option<SocketHandle> {
        // In their order, so that a seed gives the same run.
        let mut handles: Vec<_> = self.sockets.keys().copied().collect();
        handles.sort_unstable();
        self.random.pick(&handles)
    }

    fn connect(&mut self) {
        let socket = self.winsock.socket(AF_INET, SOCK_STREAM, 0).expect("descriptors are left");
        assert!(!self.closed.contains(&socket), "seed {}: {socket} again", self.seed);
        let address = v4(self.listener.local_addr().expect("it listens"));
        let mut known = Known {
            selection: None,
            peer: None,
            unread: 0,
            is_read_outstanding: false,
            is_write_outstanding: false,
            is_close_told: false,
        };
        let is_selected = self.random.below(2) == 0;
        if is_selected {
            known.selection = Some(self.new_selection());
            let (window, message, events) = known.selection.expect("it was made");
            let selected = self.winsock.wsa_async_select(&mut self.pump, socket, window, message, events);
            selected.expect("the window is open");
        }
        match self.winsock.connect(&mut self.pump, socket, address) {
            Ok(()) => assert!(!is_selected, "seed {}: it blocked", self.seed),
            Err(error) => assert_eq!((error, is_selected), (WinsockError::Ewouldblock, true), "seed {}", self.seed),
        }
        let (peer, _) = self.listener.accept().expect("it connects");
        peer.set_nonblocking(true).expect("it can be");
        known.peer = Some(peer);
        self.sockets.insert(socket, known);
    }

    fn new_selection(&mut self) -> (WindowId, u32, i32) {
        self.last_message += 1;
        let events = [ALL, FD_READ, FD_READ | FD_CLOSE, FD_WRITE, FD_CLOSE, FD_CONNECT | FD_READ | FD_WRITE];
        let window = self.random.pick(&self.windows).expect("the root window stays");
        (window, self.last_message, events[self.random.below(events.len())])
    }

    fn select(&mut self) {
        let Some(socket) = self.any() else { return };
        let selection = (self.random.below(3) > 0).then(|| self.new_selection());
        let (window, message, events) = selection.unwrap_or((self.windows[0], 0, 0));
        let selected = self.winsock.wsa_async_select(&mut self.pump, socket, window, message, events);
        selected.expect("the window is open");
        let known = self.sockets.get_mut(&socket).expect("it is open");
        known.selection = selection;
        (known.is_read_outstanding, known.is_write_outstanding, known.is_close_told) = (false, false, false);
    }

    fn let_peer_act(&mut self) {
        let Some(socket) = self.any() else { return };
        let act = self.random.below(8);
        let known = self.sockets.get_mut(&socket).expect("it is open");
        let Some(peer) = &mut known.peer else { return };
        match act {
            0 => known.peer = None,
            1 => {
                let mut buffer = vec![0; 1 << 20];
                while peer.read(&mut buffer).is_ok_and(|length| length > 0) {}
            }
            _ => match peer.write(&[7; 100]) {
                Ok(length) => known.unread += length,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            },
        }
    }

    fn receive(&mut self) {
        let Some(socket) = self.any() else { return };
        if self.sockets[&socket].selection.is_none() {
            // It may block.
            return;
        }
        let length = 1 + self.random.below(150);
        let received = self.winsock.recv(&mut self.pump, socket, &mut vec![0; length], 0);
        let known = self.sockets.get_mut(&socket).expect("it is open");
        known.is_read_outstanding = false;
        match received {
            Ok(0) => assert!(known.peer.is_none() && known.unread == 0, "seed {}: {socket} ended early", self.seed),
            Ok(length) => known.unread = known.unread.checked_sub(length).expect("no more than was sent"),
            Err(WinsockError::Ewouldblock) => {}
            Err(error) => assert!(known.peer.is_none(), "seed {}: {error}", self.seed),
        }
    }

    fn send(&mut self) {
        let Some(socket) = self.any() else { return };
        if self.sockets[&socket].selection.is_none() {
            return;
        }
        let size = [10, 300_000][self.random.below(2)];
        let sent = self.winsock.send(&mut self.pump, socket, &vec![7; size], 0);
        let known = self.sockets.get_mut(&socket).expect("it is open");
        match sent {
            Ok(_) => {}
            Err(WinsockError::Ewouldblock) => known.is_write_outstanding = false,
            Err(error) => assert!(known.peer.is_none(), "seed {}: {error}", self.seed),
        }
    }

    fn close(&mut self) {
        let Some(socket) = self.any() else { return };
        self.winsock.closesocket(&mut self.pump, socket).expect("it is open");
        self.sockets.remove(&socket);
        self.closed.push(socket);
    }

    fn destroy(&mut self) {
        if self.windows.len() == 1 {
            return self.windows.push(self.pump.open_window());
        }
        let window = self.windows.pop().expect("there are two");
        let destroyed = match self.random.below(2) {
            0 => self.winsock.destroy_window(&mut self.pump, window),
            _ => self.pump.destroy_window(window),
        };
        assert!(destroyed.is_some(), "seed {}", self.seed);
        for known in self.sockets.values_mut() {
            known.selection = known.selection.filter(|&(of, _, _)| of != window);
        }
    }

    fn clean_up(&mut self) {
        self.winsock.wsa_cleanup(&mut self.pump).expect("it is started");
        self.closed.extend(self.sockets.drain().map(|(socket, _)| socket));
        self.take();
        self.winsock.wsa_startup(Version::V1_1, Some(&mut WsaData::default())).expect("1.1 is offered");
    }

    fn translate_hand(&mut self) {
        for message in std::mem::take(&mut self.in_hand) {
            if let Some(delivery) = self.winsock.translate(&mut self.pump, message) {
                self.see(delivery);
            }
        }
    }

    fn take(&mut self) {
        self.translate_hand();
        self.pump.turn(Budget::no_wait()).expect("the system works");
        for _ in 0..self.random.below(12) {
            let Some(delivery) = self.winsock.next_message(&mut self.pump) else { break };
            self.see(delivery);
        }
    }

    fn see(&mut self, delivery: Delivery<u32>) {
        let seed = self.seed;
        let Delivery::Winsock(message) = delivery else { panic!("seed {seed}: {delivery:?}") };
        let WinsockMessage { window, message: number, .. } = message;
        let event = i32::from(message.select_event());
        let socket = message.socket();
        let Some(known) = self.sockets.get_mut(&socket) else { panic!("seed {seed}: {message} of a closed socket") };
        let Some((of, expected, events)) = known.selection else { panic!("seed {seed}: {message}, not selected") };
        assert_eq!((window, number), (of, expected), "seed {seed}: {message} of an ended selection");
        assert!(events & event == event && event.count_ones() == 1, "seed {seed}: {message} was not asked for");
        let told_again = match event {
            FD_READ => std::mem::replace(&mut known.is_read_outstanding, true),
            FD_WRITE => std::mem::replace(&mut known.is_write_outstanding, true),
            FD_CLOSE => std::mem::replace(&mut known.is_close_told, true),
            FD_CONNECT => false,
            other => panic!("seed {seed}: {other:#x}"),
        };
        assert!(!told_again, "seed {seed}: {message} without the call that enables it");
        assert!(event != FD_CLOSE || known.peer.is_none(), "seed {seed}: {message}, but the peer lives");
        assert!(event & FD_OOB == 0, "seed {seed}: nobody sent urgent data");
        self.seen += 1;
    }
}

#[test]
fn no_message_of_an_ended_selection_is_ever_seen() {
    // Under Wine every call is a conversation with its server.
    let schedules = if cfg!(windows) { 20 } else { 300 };
    let seen: usize = (1..=schedules).map(|seed| Stage::new(seed).run()).sum();
    assert!(seen > 5 * schedules as usize, "the schedules deliver too: {seen}");
}
