//! What every call looks at before its arguments, call by call.

use std::cell::Cell;
use std::rc::Rc;

use msgpump::winsock::{
    AF_INET, FD_READ, FIONREAD, NetworkState, SOCK_STREAM, SocketHandle, SocketOption, TaskHandle, Version, Winsock,
    WinsockError, WsaData,
};
use msgpump::{Pump, WindowId};

use crate::net::{M, Net, anywhere};
use crate::support::{Einprogress, Eintr, Einval, Enetdown, Notinitialised};

type Layer = Winsock<u32>;

/// Makes every call but those that startup and hooks have, with arguments of which most are wrong.
fn errors(winsock: &mut Layer, pump: &mut Pump<u32>, window: WindowId) -> Vec<(&'static str, Option<WinsockError>)> {
    let none: Option<usize> = None;
    let socket = SocketHandle::from_raw(7);
    let address = anywhere();
    vec![
        ("WSAAsyncGetHostByName", winsock.wsa_async_get_host_by_name(pump, window, M, "", none).err()),
        ("WSAAsyncGetHostByAddr", winsock.wsa_async_get_host_by_addr(pump, window, M, &[], 99, none).err()),
        ("WSAAsyncGetServByName", winsock.wsa_async_get_serv_by_name(pump, window, M, "", None, none).err()),
        ("WSAAsyncGetServByPort", winsock.wsa_async_get_serv_by_port(pump, window, M, 0, None, none).err()),
        ("WSAAsyncGetProtoByName", winsock.wsa_async_get_proto_by_name(pump, window, M, "", none).err()),
        ("WSAAsyncGetProtoByNumber", winsock.wsa_async_get_proto_by_number(pump, window, M, -1, none).err()),
        ("WSACancelAsyncRequest", winsock.wsa_cancel_async_request(pump, TaskHandle::from_raw(0)).err()),
        ("WSAAsyncSelect", winsock.wsa_async_select(pump, socket, None, M, FD_READ).err()),
        ("socket", winsock.socket(99, SOCK_STREAM, 0).err()),
        ("bind", winsock.bind(socket, address).err()),
        ("listen", winsock.listen(pump, socket, 5).err()),
        ("accept", winsock.accept(pump, socket).err()),
        ("connect", winsock.connect(pump, socket, address).err()),
        ("send", winsock.send(pump, socket, b"abc", 0).err()),
        ("sendto", winsock.sendto(pump, socket, b"abc", 0, address).err()),
        ("recv", winsock.recv(pump, socket, &mut [0; 4], 0).err()),
        ("recvfrom", winsock.recvfrom(pump, socket, &mut [0; 4], 0).err()),
        ("shutdown", winsock.shutdown(pump, socket, 9).err()),
        ("closesocket", winsock.closesocket(pump, socket).err()),
        ("ioctlsocket", winsock.ioctlsocket(socket, FIONREAD, &mut 0).err()),
        ("getsockopt", winsock.getsockopt(socket, SocketOption::Type).err()),
        ("setsockopt", winsock.setsockopt(socket, SocketOption::Type, 1).err()),
        ("getsockname", winsock.getsockname(socket).err()),
        ("getpeername", winsock.getpeername(socket).err()),
        ("gethostbyname", winsock.gethostbyname(pump, "").err()),
        ("gethostbyaddr", winsock.gethostbyaddr(pump, &[], 99).err()),
        ("getservbyname", winsock.getservbyname(pump, "", None).err()),
        ("getservbyport", winsock.getservbyport(pump, 0, None).err()),
        ("getprotobyname", winsock.getprotobyname(pump, "").err()),
        ("getprotobynumber", winsock.getprotobynumber(pump, -1).err()),
        ("gethostname", winsock.gethostname(pump).err()),
        ("WSASetBlockingHook", winsock.wsa_set_blocking_hook(Box::new(|_, _| false)).err().map(|given| given.error)),
    ]
}

#[track_caller]
fn check(winsock: &mut Layer, pump: &mut Pump<u32>, window: WindowId, expected: WinsockError) {
    winsock.wsa_set_last_error(0);
    for (call, error) in errors(winsock, pump, window) {
        assert_eq!(error, Some(expected), "{call}");
    }
    assert_eq!(winsock.wsa_get_last_error(), expected.number());
}

#[test]
fn every_call_asks_first_whether_the_layer_is_started() {
    let mut net = Net::new();
    net.winsock.wsa_cleanup(&mut net.pump).expect("it is started");
    net.winsock.declare_network(NetworkState::Down);
    let Net { winsock, pump, window, .. } = &mut net;
    check(winsock, pump, *window, Notinitialised);
    assert_eq!(winsock.wsa_cleanup(pump), Err(Notinitialised));
    assert_eq!(winsock.wsa_unhook_blocking_hook(), Err(Notinitialised));
    assert_eq!(winsock.wsa_cancel_blocking_call(), Err(Notinitialised));
    assert!(!winsock.wsa_is_blocking());
}

#[test]
fn every_call_asks_then_whether_another_one_blocks() {
    let mut net = Net::new();
    let (socket, _peer) = net.pair();
    let (window, runs) = (net.window, Rc::new(Cell::new(0)));
    let count = runs.clone();
    let hook = Box::new(move |winsock: &mut Layer, pump: &mut Pump<u32>| {
        winsock.declare_network(NetworkState::Down);
        check(winsock, pump, window, Einprogress);
        assert_eq!(winsock.wsa_startup(Version::V1_1, Some(&mut WsaData::default())), Err(Einprogress));
        assert_eq!(winsock.wsa_cleanup(pump), Err(Einprogress));
        assert_eq!(winsock.wsa_unhook_blocking_hook(), Err(Einprogress));
        winsock.declare_network(NetworkState::Up);
        count.set(count.get() + 1);
        winsock.wsa_cancel_blocking_call().expect("one is under way");
        false
    });
    net.winsock.wsa_set_blocking_hook(hook).expect("1.1 has hooks");
    assert_eq!(net.recv(socket, 4), Err(Eintr));
    assert_eq!(runs.get(), 1);
    assert_eq!(net.send(socket, b"abc"), Ok(3), "it is as it was");
}

#[test]
fn every_call_asks_then_whether_the_network_works_and_then_its_arguments() {
    let mut net = Net::new();
    net.winsock.declare_network(NetworkState::Down);
    let socket = {
        let Net { winsock, pump, window, .. } = &mut net;
        check(winsock, pump, *window, Enetdown);
        // What ends something, or only asks, needs no network.
        assert_eq!(winsock.wsa_unhook_blocking_hook(), Ok(()));
        assert_eq!(winsock.wsa_cancel_blocking_call(), Err(Einval));
        winsock.declare_network(NetworkState::Up);
        winsock.socket(AF_INET, SOCK_STREAM, 0).expect("it works again")
    };
    assert_eq!(net.close(socket), Ok(()));
    net.winsock.declare_network(NetworkState::Down);
    assert_eq!(net.winsock.wsa_cleanup(&mut net.pump), Ok(()));
}
