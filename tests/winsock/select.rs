//! WSAAsyncSelect.

use std::net::Shutdown;

use msgpump::winsock::{
    CloseOrder, FD_ACCEPT, FD_CLOSE, FD_CONNECT, FD_OOB, FD_READ, FD_WRITE, FIONBIO, FIONREAD, MSG_OOB, MSG_PEEK,
    OptionValue, ResetCode, SocketHandle, SocketOption, StaleEvents, Version, WinsockSettings,
};
use msgpump::{Budget, Payload};

use crate::net::{ALL, M, Net, closed_port, drain, peer_of, reset, say, say_urgently};
use crate::support::{Econnreset, Einval, Enotsock, Eshutdown, Ewouldblock};

/// Why a case is not tried where the tests run on Windows: under Wine 8, which tells a reset as an end in order.
const RESET: Option<&str> = Some("Wine loses resets");
/// The same, of urgent data: the readiness interface of Windows does not tell of it.
const URGENT: Option<&str> = Some("urgent data is told on Linux alone");
/// The same, of an end behind unread data: Wine tells it when the data is read.
const EARLY: Option<&str> = Some("Wine tells an end after the drain");

/// A case that Wine's tests assert of Windows: what is done, and what is told, stage by stage.
struct Row {
    case: &'static str,
    not_on_windows: Option<&'static str>,
    run: fn(&mut Net) -> Vec<String>,
    told: &'static [&'static str],
}

/// With the defaults. Where Windows does otherwise than the texts, the row says so and its twin under the
/// other manner stands below.
const TABLE_C3: &[Row] = &[
    Row {
        case: "select again while events hold: each is told again",
        not_on_windows: None,
        run: |net| {
            let (socket, mut peer) = net.selected_pair(FD_READ | FD_WRITE);
            say(&mut peer, b"abc");
            let first = net.events();
            net.select(socket, FD_READ | FD_WRITE);
            vec![first, net.events()]
        },
        told: &["READ", "READ WRITE"],
    },
    Row {
        case: "select again while a connection waits",
        not_on_windows: None,
        run: |net| {
            let (listener, address) = net.listener();
            net.select(listener, ALL);
            let _peer = peer_of(address);
            let first = net.events();
            net.select(listener, ALL);
            vec![first, net.events()]
        },
        told: &["ACCEPT", "ACCEPT"],
    },
    Row {
        case: "select again after urgent data was told",
        not_on_windows: URGENT,
        run: |net| {
            let (socket, peer) = net.selected_pair(FD_OOB);
            say_urgently(&peer, b'!');
            let first = net.events();
            net.select(socket, FD_OOB);
            vec![first, net.events()]
        },
        told: &["OOB", "OOB"],
    },
    Row {
        case: "select again after FD_CLOSE",
        not_on_windows: None,
        run: |net| {
            let (socket, peer) = net.selected_pair(FD_READ | FD_CLOSE);
            drop(peer);
            let first = net.events();
            net.select(socket, FD_READ | FD_CLOSE);
            vec![first, net.events()]
        },
        told: &["CLOSE", "CLOSE"],
    },
    Row {
        case: "select again after FD_CONNECT, or first after the connection is made: FD_WRITE alone",
        not_on_windows: None,
        run: |net| {
            let (_listener, address) = net.listener();
            let socket = net.stream();
            net.select(socket, ALL);
            assert_eq!(net.winsock.connect(&mut net.pump, socket, address), Err(Ewouldblock));
            let first = net.events();
            net.select(socket, ALL);
            let again = net.events();
            let (other, _peer) = net.pair();
            net.select(other, ALL);
            vec![first, again, net.events()]
        },
        told: &["CONNECT WRITE", "WRITE", "WRITE"],
    },
    Row {
        case: "a second connection while the first FD_ACCEPT is not consumed; then accept with another waiting",
        not_on_windows: None,
        run: |net| {
            let (listener, address) = net.listener();
            net.select(listener, FD_ACCEPT);
            let _first = peer_of(address);
            let one = net.events();
            let _second = peer_of(address);
            let two = net.events();
            net.accept(listener).expect("one waits");
            let three = net.events();
            net.accept(listener).expect("one waits");
            vec![one, two, three, net.events()]
        },
        told: &["ACCEPT", "", "ACCEPT", ""],
    },
    Row {
        case: "accept before the first select: none for it",
        not_on_windows: None,
        run: |net| {
            let (listener, address) = net.listener();
            let _peer = peer_of(address);
            net.accept(listener).expect("one waits");
            net.select(listener, FD_ACCEPT);
            vec![net.events()]
        },
        told: &[""],
    },
    Row {
        case: "an accepted socket is told FD_WRITE with its own handle",
        not_on_windows: None,
        run: |net| {
            let (listener, address) = net.listener();
            net.name(listener, "l");
            net.select(listener, ALL);
            let mut peer = peer_of(address);
            let one = net.events();
            let accepted = net.accept(listener).expect("one waits");
            net.name(accepted, "a");
            let two = net.events();
            say(&mut peer, b"abc");
            let three = net.events();
            drop(peer);
            net.recv(accepted, 10).expect("it waits");
            vec![one, two, three, net.events()]
        },
        told: &["l:ACCEPT", "a:WRITE", "a:READ", "a:CLOSE"],
    },
    Row {
        case: "a second arrival without recv; a partial recv",
        not_on_windows: None,
        run: |net| {
            let (socket, mut peer) = net.selected_pair(FD_READ);
            say(&mut peer, b"abc");
            let one = net.events();
            say(&mut peer, b"def");
            let two = net.events();
            assert_eq!(net.recv(socket, 2), Ok(2));
            let three = net.events();
            assert_eq!(net.recv(socket, 4), Ok(4));
            vec![one, two, three, net.events()]
        },
        told: &["READ", "", "READ", ""],
    },
    Row {
        case: "a recv that fails while data waits",
        not_on_windows: None,
        run: |net| {
            let (socket, mut peer) = net.selected_pair(FD_READ);
            say(&mut peer, b"abc");
            let one = net.events();
            assert_eq!(net.recv_with(socket, 10, 0x4000), Err(Einval));
            vec![one, net.events()]
        },
        told: &["READ", "READ"],
    },
    Row {
        case: "a send that succeeds tells no FD_WRITE, and withdraws none",
        not_on_windows: None,
        run: |net| {
            let (socket, _peer) = net.pair();
            net.select(socket, FD_WRITE);
            assert_eq!(net.send(socket, b"abc"), Ok(3));
            let one = net.events();
            assert_eq!(net.send(socket, b"abc"), Ok(3));
            vec![one, net.events()]
        },
        told: &["WRITE", ""],
    },
    Row {
        case: "datagrams: FD_WRITE at the select, again at the connect, never FD_CONNECT",
        not_on_windows: None,
        run: |net| {
            let (socket, address) = net.datagram();
            net.select(socket, ALL);
            let one = net.events();
            net.winsock.connect(&mut net.pump, socket, address).expect("it only notes it");
            vec![one, net.events()]
        },
        told: &["WRITE", "WRITE"],
    },
    Row {
        case: "both at once: FD_READ before FD_WRITE",
        not_on_windows: None,
        run: |net| {
            let (socket, mut peer) = net.pair();
            say(&mut peer, b"abc");
            net.select(socket, ALL);
            vec![net.events()]
        },
        told: &["READ WRITE"],
    },
    Row {
        case: "data, then the peer closes, nothing read: by the text FD_CLOSE waits for the drain",
        not_on_windows: None,
        run: |net| {
            let (socket, mut peer) = net.selected_pair(FD_READ | FD_CLOSE);
            say(&mut peer, b"abc");
            drop(peer);
            let one = net.events();
            assert_eq!(net.recv(socket, 1), Ok(1));
            let two = net.events();
            assert_eq!(net.recv(socket, 10), Ok(2));
            let three = net.events();
            assert_eq!(net.recv(socket, 10), Ok(0));
            vec![one, two, three, net.events()]
        },
        told: &["READ", "READ", "CLOSE", ""],
    },
    Row {
        case: "the peer ends sending, and closes later: one FD_CLOSE in all",
        not_on_windows: None,
        run: |net| {
            let (socket, peer) = net.selected_pair(FD_READ | FD_CLOSE);
            peer.shutdown(Shutdown::Write).expect("it lives");
            let one = net.events();
            assert_eq!(net.send(socket, b"abc"), Ok(3));
            drop(peer);
            vec![one, net.events()]
        },
        told: &["CLOSE", ""],
    },
    Row {
        case: "recv gives 0 after FD_CLOSE: no second one, and no FD_READ for the end",
        not_on_windows: None,
        run: |net| {
            let (socket, peer) = net.selected_pair(FD_READ | FD_CLOSE);
            drop(peer);
            let one = net.events();
            assert_eq!(net.recv(socket, 10), Ok(0));
            assert_eq!(net.recv(socket, 10), Ok(0));
            vec![one, net.events()]
        },
        told: &["CLOSE", ""],
    },
    Row {
        case: "select after the peer closed",
        not_on_windows: None,
        run: |net| {
            let (socket, peer) = net.pair();
            drop(peer);
            net.select(socket, FD_READ | FD_CLOSE);
            vec![net.events()]
        },
        told: &["CLOSE"],
    },
    Row {
        case: "reset by the peer: by the texts 10054; told again by another select",
        not_on_windows: RESET,
        run: |net| {
            let (socket, peer) = net.selected_pair(FD_READ | FD_CLOSE);
            reset(peer);
            let one = net.events();
            net.select(socket, FD_READ | FD_CLOSE);
            vec![one, net.events()]
        },
        told: &["CLOSE(10054)", "CLOSE(10054)"],
    },
    Row {
        case: "one's own closesocket",
        not_on_windows: None,
        run: |net| {
            let (socket, _peer) = net.selected_pair(ALL);
            net.close(socket).expect("it is open");
            vec![net.events()]
        },
        told: &[""],
    },
];

/// The same cases in the manner of Windows, where it is not that of the texts.
const TABLE_C3_WINDOWS: &[Row] = &[
    Row {
        case: "data, then the peer closes, nothing read: FD_READ, then FD_CLOSE at once",
        not_on_windows: EARLY,
        run: |net| {
            let (socket, mut peer) = net.selected_pair(FD_READ | FD_CLOSE);
            say(&mut peer, b"abc");
            drop(peer);
            let one = net.events();
            assert_eq!(net.recv(socket, 1), Ok(1));
            let two = net.events();
            assert_eq!(net.recv(socket, 10), Ok(2));
            vec![one, two, net.events()]
        },
        told: &["READ CLOSE", "READ", ""],
    },
    Row {
        case: "reset by the peer: 10053",
        not_on_windows: RESET,
        run: |net| {
            let (_socket, peer) = net.selected_pair(FD_READ | FD_CLOSE);
            reset(peer);
            vec![net.events()]
        },
        told: &["CLOSE(10053)"],
    },
    Row {
        case: "mask 0 with FD_READ queued: it is still delivered",
        not_on_windows: None,
        run: |net| {
            let (socket, mut peer) = net.selected_pair(FD_READ);
            say(&mut peer, b"abc");
            queue(net);
            net.select(socket, 0);
            let one = net.events();
            say(&mut peer, b"def");
            vec![one, net.events()]
        },
        told: &["READ", ""],
    },
    Row {
        case: "another mask with FD_READ queued: both are delivered",
        not_on_windows: None,
        run: |net| {
            let (socket, mut peer) = net.selected_pair(FD_READ);
            say(&mut peer, b"abc");
            queue(net);
            net.select(socket, FD_READ | FD_CLOSE);
            vec![net.events()]
        },
        told: &["READ READ"],
    },
];

/// Lets what has happened be queued, and takes nothing.
fn queue(net: &mut Net) {
    while net.pump.metrics().queued == 0 {
        net.pump.turn(Budget::wait_forever()).expect("the system works");
    }
}

fn check(rows: &[Row], settings: &WinsockSettings) {
    for Row { case, not_on_windows, run, told } in rows {
        if cfg!(windows) && not_on_windows.is_some() {
            continue;
        }
        let mut net = Net::with(settings.clone(), Version::V1_1);
        assert_eq!(run(&mut net), *told, "{case}");
    }
}

#[test]
fn table_c3_as_the_texts_have_it() {
    check(TABLE_C3, &WinsockSettings::default());
}

#[test]
fn table_c3_as_windows_has_it() {
    let settings = WinsockSettings::default()
        .close_order(CloseOrder::Early)
        .reset_code(ResetCode::ConnAborted)
        .stale_events(StaleEvents::Keep);
    check(TABLE_C3_WINDOWS, &settings);
}

#[test]
fn t63_one_read_and_another_after_a_partial_recv() {
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_READ);
    say(&mut peer, b"abc");
    assert_eq!(net.events(), "READ");
    say(&mut peer, b"def");
    assert_eq!(net.events(), "");
    assert_eq!(net.recv(socket, 2), Ok(2));
    assert_eq!(net.events(), "READ");
    assert_eq!(net.recv(socket, 4), Ok(4));
    assert_eq!(net.events(), "");
}

#[test]
fn t64_a_peek_counts_as_a_recv() {
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_READ);
    say(&mut peer, b"abc");
    assert_eq!(net.events(), "READ");
    assert_eq!(net.recv_with(socket, 10, MSG_PEEK), Ok(3));
    assert_eq!(net.events(), "READ");
    // A receive of nothing too, but not a look at how much there is.
    assert_eq!(net.recv(socket, 0), Ok(0));
    assert_eq!(net.events(), "READ");
    let mut waiting = 0;
    assert_eq!(net.winsock.ioctlsocket(socket, FIONREAD, &mut waiting), Ok(()));
    assert_eq!((waiting, net.events()), (3, String::new()));
}

#[test]
fn t65_a_recv_that_fails_counts_too() {
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_READ);
    say(&mut peer, b"abc");
    assert_eq!(net.events(), "READ");
    assert!(net.recv_with(socket, 10, MSG_OOB).is_err(), "there is no urgent data");
    assert_eq!(net.events(), "READ");
}

#[test]
fn t66_accepts_one_by_one() {
    let mut net = Net::new();
    let (listener, address) = net.listener();
    net.select(listener, FD_ACCEPT);
    let _peers = [peer_of(address), peer_of(address)];
    assert_eq!(net.events(), "ACCEPT");
    for expected in ["ACCEPT", ""] {
        net.accept(listener).expect("one waits");
        assert_eq!(net.events(), expected);
    }
    assert_eq!(net.accept(listener), Err(Ewouldblock));
    assert_eq!(net.events(), "");
}

#[test]
fn t67_connect_then_write_and_nothing_else() {
    let mut net = Net::new();
    let (_listener, address) = net.listener();
    let socket = net.stream();
    net.select(socket, ALL);
    assert_eq!(net.events(), "", "a stream without a connection tells nothing");
    assert_eq!(net.winsock.connect(&mut net.pump, socket, address), Err(Ewouldblock));
    assert_eq!(net.events(), "CONNECT WRITE");
    assert_eq!(net.winsock.getpeername(socket), Ok(address));
}

#[test]
fn t68_no_flood_of_connect() {
    let mut net = Net::new();
    let (_listener, address) = net.listener();
    let socket = net.stream();
    net.select(socket, FD_CONNECT);
    assert_eq!(net.winsock.connect(&mut net.pump, socket, address), Err(Ewouldblock));
    assert_eq!(net.events(), "CONNECT");
    for _ in 0..5 {
        net.select(socket, FD_CONNECT);
    }
    assert_eq!(net.events(), "");
}

#[test]
fn t69_a_connect_that_is_refused() {
    let mut net = Net::new();
    let socket = net.stream();
    net.select(socket, ALL);
    assert_eq!(net.winsock.connect(&mut net.pump, socket, closed_port()), Err(Ewouldblock));
    let messages = net.messages();
    assert_eq!(messages.iter().map(|message| message.lparam).collect::<Vec<_>>(), [0x274D_0010]);
    net.select(socket, ALL);
    assert_eq!(net.events(), "", "not by another select either");
}

/// A socket that does not block, whose connection is made and that nobody has looked at.
fn connected_unseen(net: &mut Net, events: i32) -> (SocketHandle, crate::net::Peer) {
    let listener = std::net::TcpListener::bind(crate::net::anywhere()).expect("the loopback interface is there");
    let address = crate::net::v4(listener.local_addr().expect("it listens"));
    let socket = net.stream();
    net.winsock.ioctlsocket(socket, FIONBIO, &mut 1).expect("it is open");
    if events != 0 {
        net.select(socket, events);
    }
    assert_eq!(net.winsock.connect(&mut net.pump, socket, address), Err(Ewouldblock));
    let (peer, _) = listener.accept().expect("it connects");
    while net.winsock.getpeername(socket).is_err() {}
    (socket, peer)
}

#[test]
fn a_connection_that_was_made_before_the_first_selection_is_no_event() {
    let mut net = Net::new();
    let (socket, _peer) = connected_unseen(&mut net, 0);
    net.select(socket, ALL);
    assert_eq!(net.events(), "WRITE");
    let (socket, _peer) = connected_unseen(&mut net, FD_CLOSE);
    net.select(socket, ALL);
    assert_eq!(net.events(), "WRITE", "the selection before did not ask for it");
}

#[test]
fn an_fd_connect_that_is_owed_survives_another_selection() {
    let mut net = Net::new();
    let (socket, _peer) = connected_unseen(&mut net, FD_CONNECT);
    net.select(socket, ALL);
    assert_eq!(net.events(), "CONNECT WRITE");
    let (socket, _peer) = connected_unseen(&mut net, FD_CONNECT);
    assert_eq!(net.send(socket, b"abc"), Ok(3), "it is found to be connected");
    net.select(socket, FD_CONNECT);
    assert_eq!(net.events(), "CONNECT", "also where nothing else is asked for");
    let refused = net.stream();
    net.winsock.ioctlsocket(refused, FIONBIO, &mut 1).expect("it is open");
    assert_eq!(net.winsock.connect(&mut net.pump, refused, closed_port()), Err(Ewouldblock));
    net.select(refused, ALL);
    assert_eq!(net.events(), "CONNECT(10061)", "a failure has no other way to be told");
}

#[test]
fn a_refused_connect_is_not_told_without_fd_connect_and_can_be_tried_again() {
    let mut net = Net::new();
    let socket = net.stream();
    net.select(socket, FD_WRITE | FD_CLOSE);
    assert_eq!(net.winsock.connect(&mut net.pump, socket, closed_port()), Err(Ewouldblock));
    assert_eq!(net.events(), "");
    let (_listener, address) = net.listener();
    assert_eq!(net.winsock.connect(&mut net.pump, socket, address), Err(Ewouldblock));
    assert_eq!(net.events(), "WRITE");
}

#[test]
fn t70_write_after_a_send_that_would_block() {
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_WRITE);
    let sent = net.fill(socket);
    assert_eq!(net.events(), "");
    let mut read = 0;
    while read < sent {
        read += drain(&mut peer);
    }
    assert_eq!(net.events(), "WRITE");
    assert_eq!(net.send(socket, b"abc"), Ok(3));
    assert_eq!(net.events(), "");
}

#[test]
fn t71_mask_0_with_read_queued() {
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_READ);
    say(&mut peer, b"abc");
    queue(&mut net);
    net.select(socket, 0);
    assert_eq!(net.events(), "", "purged");
    say(&mut peer, b"def");
    assert_eq!(net.events(), "");
    assert_eq!(net.recv(socket, 10), Ok(6));
}

#[test]
fn t72_nothing_of_a_closed_socket_is_taken_for_another() {
    for stale in [StaleEvents::Purge, StaleEvents::Keep] {
        let mut net = Net::with(WinsockSettings::default().stale_events(stale), Version::V1_1);
        let (socket, mut peer) = net.selected_pair(FD_READ);
        say(&mut peer, b"abc");
        queue(&mut net);
        assert_eq!(net.close(socket), Ok(()));
        let other = net.stream();
        assert_ne!(socket, other);
        net.select(other, ALL);
        assert_eq!(net.events(), "");
        assert_eq!(net.recv(socket, 10), Err(Enotsock));
    }
}

#[test]
fn a_message_of_an_ended_selection_in_the_programs_hands_is_not_seen() {
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_READ);
    say(&mut peer, b"abc");
    queue(&mut net);
    let taken = net.pump.next_message().expect("it is queued");
    assert!(matches!(taken.payload, Payload::Ready(_)));
    net.select(socket, 0);
    assert!(net.winsock.translate(&mut net.pump, taken).is_none());
}

#[test]
fn a_message_in_the_programs_hands_is_not_seen_though_another_one_is_queued() {
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_READ | FD_WRITE);
    say(&mut peer, b"abc");
    queue(&mut net);
    let taken = net.pump.next_message().expect("it is queued");
    net.fill(socket);
    queue(&mut net);
    net.select(socket, 0);
    assert!(net.winsock.translate(&mut net.pump, taken).is_none());
    assert_eq!(net.events(), "");
}

#[test]
fn a_message_in_the_programs_hands_is_not_seen_however_many_selections_end_meanwhile() {
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_READ);
    say(&mut peer, b"abc");
    queue(&mut net);
    let taken = net.pump.next_message().expect("it is queued");
    assert_eq!(net.close(socket), Ok(()));
    for _ in 0..1500 {
        let (other, _) = net.datagram();
        net.select(other, FD_READ);
        assert_eq!(net.close(other), Ok(()));
    }
    assert!(net.winsock.translate(&mut net.pump, taken).is_none());
}

#[test]
fn a_kept_message_in_the_programs_hands_goes_with_its_window() {
    let mut net = Net::with(WinsockSettings::default().stale_events(StaleEvents::Keep), Version::V1_1);
    let (socket, mut peer) = net.selected_pair(FD_READ);
    say(&mut peer, b"abc");
    queue(&mut net);
    net.select(socket, 0);
    let taken = net.pump.next_message().expect("it is kept");
    net.winsock.destroy_window(&mut net.pump, net.window).expect("it is open");
    assert!(net.winsock.translate(&mut net.pump, taken).is_none());
}

#[test]
fn t73_fionbio_and_the_selection() {
    let mut net = Net::new();
    let (socket, _peer) = net.selected_pair(FD_READ);
    assert_eq!(net.winsock.ioctlsocket(socket, FIONBIO, &mut 0), Err(Einval));
    assert_eq!(net.winsock.ioctlsocket(socket, FIONBIO, &mut 1), Ok(()));
    net.select(socket, 0);
    assert_eq!(net.recv(socket, 1), Err(Ewouldblock), "it still does not block");
    assert_eq!(net.winsock.ioctlsocket(socket, FIONBIO, &mut 0), Ok(()));
}

#[test]
fn t74_a_selection_replaces_window_message_and_mask() {
    const M1: u32 = 0x0499;
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_READ);
    let other = net.pump.open_window();
    net.winsock.wsa_async_select(&mut net.pump, socket, other, M1, FD_WRITE).expect("it can be selected");
    say(&mut peer, b"abc");
    let messages = net.messages();
    let told: Vec<_> = messages.iter().map(|message| (message.window, message.message, message.lparam)).collect();
    assert_eq!(told, [(other, M1, 2)]);
}

#[test]
fn t75_an_accepted_socket_inherits() {
    let mut net = Net::new();
    let (listener, address) = net.listener();
    net.name(listener, "l");
    net.select(listener, ALL);
    let mut peer = peer_of(address);
    say(&mut peer, b"abc");
    assert_eq!(net.events(), "l:ACCEPT");
    let accepted = net.accept(listener).expect("one waits");
    net.name(accepted, "a");
    assert_eq!(net.events(), "a:READ a:WRITE");
    assert_eq!(net.winsock.ioctlsocket(accepted, FIONBIO, &mut 0), Err(Einval));
    assert_eq!(net.recv(accepted, 10), Ok(3));
    drop(peer);
    assert_eq!(net.events(), "a:CLOSE");
}

#[test]
fn t76_close_after_the_drain() {
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_READ | FD_CLOSE);
    say(&mut peer, b"abc");
    peer.shutdown(Shutdown::Write).expect("it lives");
    drop(peer);
    assert_eq!(net.events(), "READ");
    assert_eq!(net.recv(socket, 10), Ok(3));
    assert_eq!(net.events(), "CLOSE");
    assert_eq!(net.recv(socket, 10), Ok(0));
    assert_eq!(net.events(), "");
}

// Wine tells an end after the drain.
#[cfg(not(windows))]
#[test]
fn t77_close_at_once_leaves_the_data_readable() {
    let mut net = Net::with(WinsockSettings::default().close_order(CloseOrder::Early), Version::V1_1);
    let (socket, mut peer) = net.selected_pair(FD_CLOSE);
    say(&mut peer, b"abc");
    drop(peer);
    assert_eq!(net.events(), "CLOSE");
    assert_eq!((net.recv(socket, 2), net.recv(socket, 2), net.recv(socket, 2)), (Ok(2), Ok(1), Ok(0)));
}

#[test]
fn only_close_is_asked_for_and_data_waits() {
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_CLOSE);
    say(&mut peer, b"abc");
    drop(peer);
    assert_eq!(net.events(), "", "by the text it waits for somebody to read");
    assert_eq!(net.recv(socket, 10), Ok(3));
    assert_eq!(net.events(), "CLOSE");
}

// Wine loses resets.
#[cfg(not(windows))]
#[test]
fn t78_a_reset_is_told_and_stays_an_error() {
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_READ | FD_WRITE | FD_CLOSE);
    say(&mut peer, b"abc");
    assert_eq!(net.events(), "READ");
    assert_eq!(net.recv(socket, 10), Ok(3));
    reset(peer);
    assert_eq!(net.events(), "CLOSE(10054)");
    assert_eq!((net.recv(socket, 10), net.recv(socket, 10)), (Err(Econnreset), Err(Econnreset)));
    assert_eq!(net.send(socket, b"abc"), Err(Econnreset));
    assert_eq!(net.events(), "");
}

/// Only an end in order waits for the data before it: whoever never reads learns of a reset all the same.
// Elsewhere the system does not tell of a reset behind unread data.
#[cfg(target_os = "linux")]
#[test]
fn a_reset_is_told_at_once_though_data_waits_unread() {
    for mask in [FD_CLOSE, FD_WRITE | FD_CLOSE, FD_READ | FD_CLOSE, ALL] {
        let mut net = Net::new();
        let (socket, mut peer) = net.selected_pair(mask);
        say(&mut peer, b"abc");
        net.events();
        reset(peer);
        assert_eq!(net.events(), "CLOSE(10054)", "events {mask:#x}");
        let rest = if mask & FD_READ != 0 { "READ" } else { "" };
        assert_eq!((net.recv(socket, 1), net.events()), (Ok(1), rest.to_owned()), "what came before can be read");
        assert_eq!((net.recv(socket, 10), net.events()), (Ok(2), String::new()));
        assert_eq!(net.recv(socket, 10), Err(Econnreset));
        assert_eq!(net.events(), "");
    }
}

// Wine loses resets, and not every system has a connection accepted that was reset.
#[cfg(target_os = "linux")]
#[test]
fn data_and_a_reset_that_come_together_are_both_told() {
    let mut net = Net::new();
    let (_socket, mut peer) = net.selected_pair(ALL);
    say(&mut peer, b"abc");
    reset(peer);
    assert_eq!(net.events(), "READ CLOSE(10054)");
    let (socket, mut peer) = net.pair();
    say(&mut peer, b"abc");
    reset(peer);
    for _ in 0..2 {
        net.select(socket, ALL);
        assert_eq!(net.events(), "READ WRITE CLOSE(10054)", "and again by another select");
    }
    // Before it was accepted.
    let (listener, address) = net.listener();
    net.name(listener, "l");
    net.select(listener, ALL);
    let mut peer = peer_of(address);
    let own = crate::net::v4(peer.local_addr().expect("it has one"));
    say(&mut peer, b"abc");
    reset(peer);
    assert_eq!(net.events(), "l:ACCEPT");
    let accepted = net.accept(listener).expect("one waits");
    assert_eq!(net.events(), "READ WRITE CLOSE(10054)");
    assert_eq!((net.recv(accepted, 10), net.winsock.getpeername(accepted)), (Ok(3), Ok(own)));
}

// Wine loses resets.
#[cfg(not(windows))]
#[test]
fn who_waits_for_room_is_told_of_a_reset() {
    for (mask, told) in [(FD_WRITE, "WRITE"), (FD_READ | FD_WRITE | FD_CLOSE, "WRITE CLOSE(10054)")] {
        let mut net = Net::new();
        let (socket, peer) = net.selected_pair(mask);
        net.fill(socket);
        assert_eq!(net.events(), "");
        reset(peer);
        assert_eq!(net.events(), told);
        assert_eq!(net.send(socket, b"abc"), Err(Econnreset));
    }
}

// Elsewhere the system does not tell of a reset behind unread data.
#[cfg(target_os = "linux")]
#[test]
fn asking_for_the_error_hides_no_reset_from_the_selection() {
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_READ | FD_CLOSE);
    say(&mut peer, b"abc");
    assert_eq!(net.events(), "READ");
    reset(peer);
    let mut told = OptionValue::Number(0);
    while told == OptionValue::Number(0) {
        told = net.winsock.getsockopt(socket, SocketOption::Error).expect("every socket has it");
    }
    assert_eq!((told, net.events()), (OptionValue::Number(10054), "CLOSE(10054)".to_owned()));
}

/// It was made, and what came over it can be read: the connect has not failed.
// Wine loses resets.
#[cfg(not(windows))]
#[test]
fn a_connection_that_is_reset_before_anybody_has_looked_was_made() {
    for is_selected in [true, false] {
        let listener = std::net::TcpListener::bind(crate::net::anywhere()).expect("the loopback interface is there");
        let address = crate::net::v4(listener.local_addr().expect("it listens"));
        let mut net = Net::new();
        let socket = net.stream();
        net.winsock.ioctlsocket(socket, FIONBIO, &mut 1).expect("it is open");
        if is_selected {
            net.select(socket, ALL);
        }
        assert_eq!(net.winsock.connect(&mut net.pump, socket, address), Err(Ewouldblock));
        let (mut peer, _) = listener.accept().expect("it connects");
        say(&mut peer, b"abc");
        reset(peer);
        if is_selected {
            assert_eq!(net.events(), "CONNECT READ WRITE CLOSE(10054)");
        } else {
            net.select(socket, ALL);
            assert_eq!(net.events(), "READ WRITE CLOSE(10054)");
        }
        assert_eq!((net.recv(socket, 10), net.recv(socket, 10)), (Ok(3), Err(Econnreset)));
    }
}

/// An end of receiving is this side's own act; what the other side does is still told.
#[test]
fn the_other_side_ends_a_connection_that_is_shut_here() {
    for how in [0, 2] {
        let mut net = Net::new();
        let (socket, peer) = net.selected_pair(ALL);
        net.winsock.shutdown(&mut net.pump, socket, how).expect("it is connected");
        assert_eq!(net.events(), "");
        drop(peer);
        assert_eq!(net.events(), "CLOSE", "{how}");

        // Data that can never be received holds nothing up.
        let (socket, mut peer) = net.selected_pair(ALL);
        say(&mut peer, b"abc");
        assert_eq!(net.events(), "READ");
        net.winsock.shutdown(&mut net.pump, socket, how).expect("it is connected");
        say(&mut peer, &[7; 50_000]);
        assert_eq!(net.events(), "");
        drop(peer);
        assert_eq!(net.events(), "CLOSE", "{how}");
        assert_eq!(net.recv(socket, 10), Err(Eshutdown));
        assert_eq!(net.events(), "");
        net.select(socket, FD_READ | FD_CLOSE);
        assert_eq!(net.events(), "CLOSE", "again by another select");
    }
}

#[test]
fn t79_ones_own_acts_are_not_told() {
    let mut net = Net::new();
    let (socket, peer) = net.selected_pair(ALL);
    net.winsock.shutdown(&mut net.pump, socket, 1).expect("it lives");
    assert_eq!(net.events(), "");
    drop(peer);
    assert_eq!(net.events(), "CLOSE", "but what the other side does is");
    let (socket, _peer) = net.selected_pair(ALL);
    net.winsock.shutdown(&mut net.pump, socket, 2).expect("it lives");
    assert_eq!(net.events(), "");
    assert_eq!(net.close(socket), Ok(()));
    assert_eq!(net.events(), "");
    // There is no room where nothing can be sent.
    let (socket, _peer) = net.selected_pair(ALL);
    net.fill(socket);
    net.winsock.shutdown(&mut net.pump, socket, 1).expect("it lives");
    assert_eq!(net.events(), "");
    net.select(socket, ALL);
    assert_eq!(net.events(), "");
}

// Wine does not tell when both sides have ended.
#[cfg(not(windows))]
#[test]
fn a_connection_that_both_sides_have_ended_need_not_linger() {
    let mut net = Net::new();
    let (socket, peer) = net.selected_pair(ALL);
    let linger = OptionValue::Linger { is_on: true, seconds: 5 };
    net.winsock.setsockopt(socket, SocketOption::Linger, linger).expect("it is a stream");
    net.winsock.shutdown(&mut net.pump, socket, 1).expect("it is connected");
    assert_eq!(net.close(socket), Err(Ewouldblock));
    drop(peer);
    assert_eq!((net.events(), net.close(socket)), ("CLOSE".to_owned(), Ok(())));
}

// Wine loses resets.
#[cfg(not(windows))]
#[test]
fn t79a_closesocket_does_not_linger_on_a_socket_that_does_not_block() {
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_READ);
    let linger = |seconds| OptionValue::Linger { is_on: true, seconds };
    net.winsock.setsockopt(socket, SocketOption::Linger, linger(5)).expect("it is a stream");
    assert_eq!(net.close(socket), Err(Ewouldblock));
    assert_eq!(net.send(socket, b"still open"), Ok(10));
    net.winsock.setsockopt(socket, SocketOption::Linger, linger(0)).expect("it is a stream");
    assert_eq!(net.close(socket), Ok(()));
    let mut buffer = [0; 16];
    let end = loop {
        match std::io::Read::read(&mut peer, &mut buffer) {
            Ok(0) => panic!("it was closed in order"),
            Ok(_) => {}
            Err(error) => break error.kind(),
        }
    };
    assert_eq!(end, std::io::ErrorKind::ConnectionReset);
}

#[test]
fn t80_datagrams() {
    let mut net = Net::new();
    let (socket, address) = net.datagram();
    net.select(socket, ALL);
    assert_eq!(net.events(), "WRITE");
    let sender = std::net::UdpSocket::bind(crate::net::anywhere()).expect("the loopback interface is there");
    for datagram in [&b"abc"[..], b"", b"0123456789"] {
        sender.send_to(datagram, address).expect("there is room");
    }
    assert_eq!(net.events(), "READ");
    assert_eq!(net.recv(socket, 10), Ok(3));
    assert_eq!(net.events(), "READ");
    assert_eq!(net.recv(socket, 10), Ok(0), "an empty one");
    assert_eq!(net.events(), "READ");
    assert_eq!(net.recv(socket, 4).map_err(|error| error.number()), Err(10040));
    assert_eq!(net.events(), "", "the rest of it is gone");
    net.winsock.connect(&mut net.pump, socket, address).expect("it only notes it");
    assert_eq!(net.events(), "WRITE");
}

// Urgent data is told on Linux alone.
#[cfg(target_os = "linux")]
#[test]
fn t81_urgent_data_apart_and_among_the_other() {
    let mut net = Net::new();
    let (socket, peer) = net.selected_pair(FD_READ | FD_OOB);
    say_urgently(&peer, b'!');
    assert_eq!(net.events(), "OOB");
    let mut byte = [0];
    assert_eq!(net.winsock.recv(&mut net.pump, socket, &mut byte, MSG_OOB), Ok(1));
    assert_eq!((byte, net.events()), (*b"!", String::new()));

    let (socket, peer) = net.selected_pair(FD_READ | FD_OOB);
    net.winsock.setsockopt(socket, SocketOption::OobInline, true).expect("it is a stream");
    say_urgently(&peer, b'!');
    assert_eq!(net.events(), "READ");
    assert_eq!(net.recv(socket, 10), Ok(1));
    net.winsock.setsockopt(socket, SocketOption::OobInline, false).expect("it is a stream");
    say_urgently(&peer, b'?');
    assert_eq!(net.events(), "OOB", "apart again");
}

// Urgent data is told on Linux alone.
#[cfg(target_os = "linux")]
#[test]
fn urgent_data_that_can_never_be_received_is_not_told() {
    let mut net = Net::new();
    let (socket, peer) = net.selected_pair(ALL);
    net.winsock.shutdown(&mut net.pump, socket, 0).expect("it is connected");
    say_urgently(&peer, b'!');
    assert_eq!(net.events(), "");
    assert_eq!(net.recv_with(socket, 1, MSG_OOB), Err(Eshutdown));
    assert_eq!(net.events(), "");
}

/// To wait for a reset is to wait where urgent data is told too.
// Urgent data is told on Linux alone.
#[cfg(target_os = "linux")]
#[test]
fn urgent_data_that_nobody_asked_for_lets_the_pump_sleep() {
    for is_inline in [false, true] {
        let mut net = Net::new();
        let (socket, mut peer) = net.selected_pair(FD_READ | FD_CLOSE);
        net.winsock.setsockopt(socket, SocketOption::OobInline, is_inline).expect("it is a stream");
        say(&mut peer, b"abc");
        assert_eq!(net.events(), "READ");
        say_urgently(&peer, b'!');
        assert_eq!(net.events(), "");
        net.pump.turn(Budget::no_wait()).expect("the system works");
        assert_eq!(net.pump.metrics().queued, 0);
        net.recv(socket, 10).expect("data waits");
        drop(peer);
        net.events();
        let rest = net.recv(socket, 10).expect("it ended in order");
        assert_eq!(rest, usize::from(is_inline), "the urgent byte comes among the other ones");
    }
}

// Urgent data is told on Linux alone.
#[cfg(target_os = "linux")]
#[test]
fn urgent_data_is_told_while_other_data_waits_unread() {
    let mut net = Net::new();
    let (_socket, mut peer) = net.selected_pair(FD_READ | FD_OOB);
    say(&mut peer, b"abc");
    assert_eq!(net.events(), "READ");
    say_urgently(&peer, b'!');
    assert_eq!(net.events(), "OOB");
}

/// An end that nobody is told of is still told to the pump by the system: to wait for more must not wake it at once.
#[cfg(not(windows))]
#[test]
fn a_connection_that_has_ended_lets_the_pump_sleep() {
    type End = fn(&mut Net, SocketHandle, crate::net::Peer);
    let ends: [(&str, End); 4] = [
        ("it is shut on this side", |net, socket, peer| {
            net.winsock.shutdown(&mut net.pump, socket, 2).expect("it is connected");
            std::mem::forget(peer);
        }),
        ("it is shut on both sides", |net, socket, peer| {
            drop(peer);
            net.events();
            net.winsock.shutdown(&mut net.pump, socket, 1).expect("it is connected");
        }),
        ("it is reset with data unread", |net, _, mut peer| {
            say(&mut peer, b"abc");
            net.events();
            reset(peer);
        }),
        ("it is shut in the handler of the last data", |net, socket, mut peer| {
            say(&mut peer, b"abc");
            drop(peer);
            queue(net);
            net.winsock.next_message(&mut net.pump).expect("it is queued");
            net.winsock.shutdown(&mut net.pump, socket, 2).expect("it is connected");
        }),
    ];
    for order in [CloseOrder::AfterDrain, CloseOrder::Early] {
        for mask in [ALL, FD_OOB, FD_READ | FD_CLOSE] {
            for (case, end) in ends {
                if mask == FD_OOB && case.contains("handler") {
                    continue; // No data is told.
                }
                let mut net = Net::with(WinsockSettings::default().close_order(order), Version::V1_1);
                let (socket, peer) = net.selected_pair(mask);
                end(&mut net, socket, peer);
                net.events();
                net.pump.turn(Budget::no_wait()).expect("the system works");
                assert_eq!(net.pump.metrics().queued, 0, "{case}, {order:?}, events {mask:#x}");
            }
        }
    }
}

#[test]
fn t82_what_cannot_be_selected() {
    let mut net = Net::new();
    let (socket, _peer) = net.pair();
    let closed = net.stream();
    net.close(closed).expect("it is open");
    let task = net.winsock.wsa_async_get_proto_by_number(&mut net.pump, net.window, M, 6, None).expect("it starts");
    let (pump, window) = (&mut net.pump, net.window);
    for strange in [closed.raw(), task.raw(), 0, u32::MAX, 7] {
        let strange = SocketHandle::from_raw(strange);
        assert_eq!(net.winsock.wsa_async_select(pump, strange, window, M, FD_READ), Err(Enotsock));
    }
    let dead = pump.open_window();
    pump.destroy_window(dead).expect("it was open");
    assert_eq!(net.winsock.wsa_async_select(pump, socket, dead, M, FD_READ), Err(Einval));
    assert_eq!(net.winsock.wsa_async_select(pump, socket, None, M, FD_READ), Err(Einval));
    assert_eq!(net.winsock.wsa_async_select(pump, socket, None, 0, 0), Ok(()), "no events need no window");
    net.winsock.wsa_cancel_async_request(pump, task).expect_err("it is finished");
    assert_eq!(net.events(), "");
}

#[test]
fn t83_data_taken_before_its_read_is_dispatched() {
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_READ);
    say(&mut peer, b"abc");
    queue(&mut net);
    assert_eq!(net.recv(socket, 10), Ok(3));
    assert_eq!(net.events(), "READ", "it was queued before");
    assert_eq!(net.recv(socket, 10), Err(Ewouldblock));
    assert_eq!(net.events(), "");
}

#[test]
fn t84_a_slow_reader_holds_nobody_up() {
    const BYTES: usize = 64 * 1024;
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_READ);
    say(&mut peer, &[7; BYTES]);
    let (mut received, mut turn, mut handled) = (0, 0_u32, 0);
    while received < BYTES {
        turn += 1;
        if turn % 2 == 0 {
            net.pump.post(net.window, turn).expect("room");
        }
        match net.winsock.get_message(&mut net.pump).expect("the system works") {
            Some(msgpump::winsock::Delivery::Winsock(message)) => {
                assert_eq!(net.words(&message), "READ");
                received += net.recv(socket, 1).expect("one waits");
            }
            Some(msgpump::winsock::Delivery::Other(message)) => {
                let Payload::Posted(posted_at) = message.payload else { panic!("unexpected {message:?}") };
                assert!(turn - posted_at <= 2, "posted in turn {posted_at}, handled in turn {turn}");
                handled += 1;
            }
            None => panic!("nobody quits"),
        }
    }
    assert!(handled > BYTES / 2, "{handled} posts were handled among {BYTES} reads");
}

#[test]
fn t85_nothing_is_dispatched_inside_of_a_call() {
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_READ);
    say(&mut peer, b"abcdef");
    queue(&mut net);
    let before = net.pump.metrics().messages;
    while net.recv(socket, 1).is_ok() {}
    assert_eq!(net.pump.metrics().messages, before);
}

#[test]
fn a_window_destroyed_ends_its_selections_and_loses_no_data() {
    for by_layer in [true, false] {
        let mut net = Net::new();
        let (socket, mut peer) = net.selected_pair(FD_READ);
        say(&mut peer, b"abc");
        queue(&mut net);
        match by_layer {
            true => net.winsock.destroy_window(&mut net.pump, net.window),
            false => net.pump.destroy_window(net.window),
        };
        net.window = net.pump.open_window();
        assert_eq!(net.events(), "");
        net.select(socket, FD_READ);
        assert_eq!(net.events(), "READ");
        assert_eq!(net.recv(socket, 10), Ok(3));
    }
}

#[test]
fn accepting_for_a_window_that_is_gone_loses_no_connection() {
    let mut net = Net::new();
    let (listener, address) = net.listener();
    net.select(listener, ALL);
    let mut peer = peer_of(address);
    net.pump.destroy_window(net.window).expect("it was open");
    let accepted = net.accept(listener).expect("one waits");
    net.window = net.pump.open_window();
    say(&mut peer, b"abc");
    net.select(accepted, FD_READ);
    assert_eq!(net.events(), "READ");
}

#[test]
fn a_message_stands_in_the_queue_where_it_came() {
    let mut net = Net::new();
    let (_socket, mut peer) = net.selected_pair(FD_READ);
    net.pump.post(net.window, 1).expect("room");
    say(&mut peer, b"abc");
    while net.pump.metrics().queued < 2 {
        net.pump.turn(Budget::no_wait()).expect("the system works");
    }
    net.pump.post(net.window, 2).expect("room");
    let mut order = Vec::new();
    while let Some(delivery) = net.winsock.next_message(&mut net.pump) {
        order.push(match delivery {
            msgpump::winsock::Delivery::Winsock(message) => net.words(&message),
            msgpump::winsock::Delivery::Other(message) => format!("{:?}", message.payload),
        });
    }
    assert_eq!(order, ["Posted(1)", "READ", "Posted(2)"]);
}

#[test]
fn a_full_queue_loses_no_event() {
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(FD_READ | FD_CLOSE);
    let mut posts = 0;
    while net.pump.post(net.window, posts).is_ok() {
        posts += 1;
    }
    say(&mut peer, b"abc");
    drop(peer);
    let (mut taken, mut told) = (0, Vec::new());
    while told.len() < 2 {
        match net.winsock.get_message(&mut net.pump).expect("the system works") {
            Some(msgpump::winsock::Delivery::Winsock(message)) => {
                told.push(net.words(&message));
                net.recv(socket, 10).expect("it waits, or has ended");
            }
            Some(msgpump::winsock::Delivery::Other(_)) => taken += 1,
            None => panic!("nobody quits"),
        }
    }
    assert_eq!((told, taken), (vec!["READ".to_owned(), "CLOSE".to_owned()], posts));
}

#[test]
fn events_of_version_2_may_be_asked_for_and_never_come() {
    let mut net = Net::new();
    let (socket, mut peer) = net.pair();
    net.select(socket, 0x3C0 | FD_READ);
    say(&mut peer, b"abc");
    assert_eq!(net.events(), "READ");
    net.select(socket, 0x3C0);
    assert_eq!(net.events(), "");
    let (pump, window) = (&mut net.pump, net.window);
    assert_eq!(net.winsock.ioctlsocket(socket, FIONBIO, &mut 0), Err(Einval), "it is selected all the same");
    pump.destroy_window(window).expect("it was open");
    assert_eq!(net.winsock.wsa_async_select(pump, socket, window, M, 0x3C0), Err(Einval), "as of any selection");
}

// Wine loses resets.
#[cfg(not(windows))]
#[test]
fn cleanup_resets_connections_and_silences_selections() {
    let mut net = Net::new();
    let (socket, mut peer) = net.selected_pair(ALL);
    say(&mut peer, b"abc");
    queue(&mut net);
    net.winsock.wsa_cleanup(&mut net.pump).expect("it is started");
    assert_eq!(net.events(), "");
    let end = std::io::Read::read(&mut peer, &mut [0; 8]).expect_err("it is reset");
    assert_eq!(end.kind(), std::io::ErrorKind::ConnectionReset);
    net.winsock.wsa_startup(Version::V1_1, Some(&mut Default::default())).expect("again");
    assert_eq!(net.send(socket, b"abc"), Err(Enotsock), "T07");
}
