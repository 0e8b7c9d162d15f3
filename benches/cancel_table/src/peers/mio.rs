//! mio: readiness, and a waker. What a poll has reported stays in the program's `Events`.
//!
//! <https://docs.rs/mio/latest/mio/struct.Registry.html#method.deregister>

use std::io::Write;
use std::time::Instant;

use mio::net::UnixStream;
use mio::{Events, Interest, Poll, Token};

use crate::scene::{Cue, SETTLE, Scene, absent, row, socket};
use crate::table::{Kind, Seen, State};

const DEREGISTER: &str = "https://docs.rs/mio/latest/mio/struct.Registry.html#method.deregister";

pub fn play() {
    absent(Kind::Timer, "no such kind");
    absent(Kind::Lookup, "no such kind");
    row(Kind::Readiness, "`Registry::deregister`", DEREGISTER, Kind::Readiness.states(), readiness);
    absent(Kind::Post, "no way to cancel: a `Waker` carries nothing and cannot be taken back");
    absent(Kind::Work, "no such kind");
    absent(Kind::Stream, "no such kind");
}

fn readiness(state: State) -> Seen {
    let scene = Scene::new(state);
    let mut poll = Poll::new().expect("there are descriptors left");
    let mut sources = Vec::new();
    for item in scene.items() {
        let (ours, theirs) = socket(state);
        let mut ours = UnixStream::from_std(ours);
        poll.registry().register(&mut ours, Token(item), Interest::READABLE).expect("it is a source");
        sources.push((ours, theirs));
    }
    let cancel = |poll: &Poll, (ours, theirs): &mut (UnixStream, std::os::unix::net::UnixStream), item: usize| {
        scene.cancel(item, || poll.registry().deregister(ours).expect("it is registered"));
        // Readiness is told when it changes.
        theirs.write_all(b"y").expect("there is room");
    };
    if !matches!(state, State::Next | State::Inside) {
        cancel(&poll, &mut sources[0], 0);
    }
    let mut events = Events::with_capacity(16);
    loop {
        let until = Instant::now() + SETTLE;
        while let Some(rest) = until.checked_duration_since(Instant::now()) {
            poll.poll(&mut events, Some(rest)).expect("it works");
            for event in &events {
                if let Cue::Cancel(item) = scene.result(event.token().0) {
                    cancel(&poll, &mut sources[item], item);
                }
            }
        }
        if !scene.is_awaited() {
            return scene.seen();
        }
    }
}
