//! Winsock's calls as this crate's module `winsock` has them.

use std::sync::Arc;
use std::time::Instant;

use msgpump::winsock::{
    AF_INET, Delivery, FD_READ, SOCK_DGRAM, SocketHandle, TaskHandle, Version, Winsock, WinsockError, WsaData,
};
use msgpump::{Budget, Pump, ResolverConfig, Settings, WindowId};

use crate::name_server::name_server;
use crate::scene::{Cue, SETTLE, Scene, absent, names, row};
use crate::table::{Kind, Seen, State};

const DOCUMENTATION: &str = "../../README.md#cancel-state-by-state";

/// The message number of item 0; that of item 1 is one more.
const REQUEST: u32 = 0x401;
const SELECT: u32 = 0x403;

pub fn play() {
    absent(Kind::Timer, "no such kind");
    // In line its requests are what any lookup is.
    let states = &[State::UnderWay, State::Finished, State::Next];
    row(Kind::Lookup, "`wsa_cancel_async_request`", DOCUMENTATION, states, lookup);
    row(Kind::Readiness, "`wsa_async_select` with a mask of 0", DOCUMENTATION, Kind::Readiness.states(), |state| {
        readiness(state, |stage, socket| stage.winsock.wsa_async_select(&mut stage.pump, socket, None, 0, 0))
    });
    row(Kind::Readiness, "`closesocket`", DOCUMENTATION, Kind::Readiness.states(), |state| {
        readiness(state, |stage, socket| stage.winsock.closesocket(&mut stage.pump, socket))
    });
    absent(Kind::Post, "no such kind");
    absent(Kind::Work, "no such kind");
    absent(Kind::Stream, "no such kind");
}

struct Stage {
    scene: Arc<Scene>,
    pump: Pump<()>,
    window: WindowId,
    winsock: Winsock<()>,
}

impl Stage {
    fn new(state: State) -> Stage {
        let config = ResolverConfig::new([([127, 0, 0, 1], 53)]);
        let settings = Settings::default().resolver(config).expect("it is within its limits");
        let mut pump = Pump::with_settings(settings).expect("there are descriptors left");
        let mut winsock = Winsock::new();
        winsock.wsa_startup(Version::V1_1, Some(&mut WsaData::default())).expect("it is a version");
        Stage { scene: Scene::new(state), window: pump.open_window(), pump, winsock }
    }

    /// Turns until everything that comes has come; `handle` gets the item of each message from number `first` on.
    fn finish(&mut self, first: u32, mut handle: impl FnMut(&mut Stage, usize)) -> Seen {
        loop {
            let until = Instant::now() + SETTLE;
            while Instant::now() < until {
                self.pump.turn(Budget::wait_until(until)).expect("it works");
                while let Some(delivery) = self.winsock.next_message(&mut self.pump) {
                    let Delivery::Winsock(message) = delivery else { continue };
                    handle(self, (message.message - first) as usize);
                }
            }
            if !self.scene.is_awaited() {
                return self.scene.seen();
            }
        }
    }

    fn await_queued(&mut self) {
        while self.pump.peek_message().is_none() {
            self.pump.turn(Budget::wait(SETTLE)).expect("it works");
        }
    }
}

fn number(result: Result<(), WinsockError>) -> String {
    result.map_or_else(|error| format!("{error:?}"), |()| "0".to_owned())
}

fn lookup(state: State) -> Seen {
    let mut stage = Stage::new(state);
    let scene = stage.scene.clone();
    let names = names();
    let tasks: Vec<TaskHandle> = scene
        .items()
        .map(|item| {
            let Stage { pump, window, winsock, .. } = &mut stage;
            let message = REQUEST + u32::from(item == 1);
            winsock.wsa_async_get_host_by_name(pump, *window, message, &names[item], None).expect("it starts")
        })
        .collect();
    stage.pump.turn(Budget::no_wait()).expect("it works");
    for item in scene.items() {
        name_server().await_question(&names[item]);
    }
    for item in scene.items().filter(|_| state != State::UnderWay) {
        name_server().answer_into_buffer(&names[item]);
    }
    let cancel = |stage: &mut Stage, item: usize| {
        let Stage { pump, winsock, .. } = stage;
        scene.cancel_saying(item, || number(winsock.wsa_cancel_async_request(pump, tasks[item])));
    };
    if state != State::UnderWay {
        stage.await_queued();
    }
    if state != State::Next {
        cancel(&mut stage, 0);
    }
    if state == State::UnderWay {
        scene.note_asking();
    }
    name_server().answer(&names[0]);
    stage.finish(REQUEST, |stage, item| {
        if let Cue::Cancel(item) = scene.result(item) {
            cancel(stage, item);
        }
    })
}

fn readiness(state: State, stop: impl Fn(&mut Stage, SocketHandle) -> Result<(), WinsockError>) -> Seen {
    let mut stage = Stage::new(state);
    let scene = stage.scene.clone();
    let Stage { pump, winsock, window, .. } = &mut stage;
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").expect("there are ports left");
    let mut sockets = Vec::new();
    for item in scene.items() {
        let socket = winsock.socket(AF_INET, SOCK_DGRAM, 0).expect("there are sockets left");
        winsock.bind(socket, "127.0.0.1:0".parse().expect("an address")).expect("there are ports left");
        let address = winsock.getsockname(socket).expect("it is bound");
        let message = SELECT + u32::from(item == 1);
        winsock.wsa_async_select(pump, socket, *window, message, FD_READ).expect("it is a socket");
        sockets.push((socket, address));
    }
    let send = |item: usize| {
        let (_, address) = sockets[item];
        sender.send_to(b"x", address).expect("loopback takes it");
    };
    let cancel = |stage: &mut Stage, item: usize| {
        scene.cancel_saying(item, || number(stop(stage, sockets[item].0)));
        // More is there afterwards.
        send(item);
    };
    if state != State::UnderWay {
        scene.items().for_each(send);
        stage.await_queued();
    }
    if !matches!(state, State::Next | State::Inside) {
        cancel(&mut stage, 0);
    }
    stage.finish(SELECT, |stage, item| {
        if let Cue::Cancel(item) = scene.result(item) {
            cancel(stage, item);
        }
        // More is told when this is read. A closed socket has nothing to read.
        let _ = stage.winsock.recv(&mut stage.pump, sockets[item].0, &mut [0; 8], 0);
    })
}
