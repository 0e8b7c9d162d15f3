//! Connections on the stage: what a test's window sees is its own, the other ends are the root window's.

use msgpump::{Budget, Connect, Filter, Interest, Kind, Listen, OperationId, Owner, Payload, Pump, TcpStream, WatchId};

const ANY_PORT: ([u8; 4], u16) = ([192, 0, 2, 80], 0);

fn take<T>(pump: &mut Pump<T>, kind: Kind) -> Payload<T> {
    let filter = Filter::any().window(pump.root_window()).kind(kind);
    loop {
        if let Some(message) = pump.next_message_for(filter) {
            return message.payload;
        }
        pump.turn(Budget::no_wait()).unwrap();
    }
}

fn listen<T>(pump: &mut Pump<T>, owner: impl Into<Owner>) -> (OperationId, Connect) {
    let listening = pump.listen(owner, Listen::on(ANY_PORT)).unwrap();
    (listening, Connect::from(pump.listening_address(listening).unwrap()))
}

/// Somebody connects to `owner`.
pub(super) fn accept<T>(pump: &mut Pump<T>, owner: impl Into<Owner>) -> OperationId {
    let ((listening, connect), root) = (listen(pump, owner), pump.root_window());
    pump.connect(root, connect).unwrap();
    take(pump, Kind::Connected);
    listening
}

/// `owner` connects to somebody.
pub(super) fn connect_to_peer<T>(pump: &mut Pump<T>, owner: impl Into<Owner>) -> OperationId {
    let root = pump.root_window();
    let (listening, connect) = listen(pump, root);
    let connecting = pump.connect(owner, connect).unwrap();
    take(pump, Kind::Accepted);
    pump.cancel(listening);
    connecting
}

/// `owner` watches a connection that can be written to.
pub(super) fn watch<T>(pump: &mut Pump<T>, owner: impl Into<Owner>) -> WatchId<TcpStream> {
    let root = pump.root_window();
    connect_to_peer(pump, root);
    let Payload::Connected(Ok(connection)) = take(pump, Kind::Connected) else { panic!("somebody listens") };
    pump.watch(owner, connection.stream, Interest::WRITABLE).unwrap()
}
