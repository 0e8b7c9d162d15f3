//! Shows `WSAAsyncSelect`: an echo server and its clients in one pump, with the events that each socket is told.
//!
//! `winsock_echo --script` runs clients and server and exits with 1 if an echo is wrong. `winsock_echo PORT`
//! serves until it is ended, for `nc` and the like.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::ExitCode;

use msgpump::Pump;
use msgpump::winsock::{
    AF_INET, Delivery, FD_ACCEPT, FD_CLOSE, FD_CONNECT, FD_READ, FD_WRITE, SOCK_STREAM, SocketHandle, Version, Winsock,
    WinsockError, WinsockMessage, WsaData,
};

const HELP: &str = "\
usage: winsock_echo --script    clients and server; 1 if an echo is wrong
       winsock_echo PORT        serves on this port of 127.0.0.1, until it is ended";

/// The message number of the server's sockets, and that of the clients'.
const WM_SERVER: u32 = 0x0400;
const WM_CLIENT: u32 = 0x0401;

/// How many clients the script has, and how much each sends: more than fits at once.
const CLIENTS: usize = 3;
const BYTES: usize = 1 << 20;

/// What is received at a time.
const CHUNK: usize = 16 * 1024;

/// What was received and not sent back yet, or is still to be sent.
#[derive(Default)]
struct Connection {
    outgoing: Vec<u8>,
    is_ended: bool,
    /// How much a client got back.
    echoed: usize,
}

struct Echo {
    pump: Pump<()>,
    winsock: Winsock<()>,
    connections: HashMap<SocketHandle, Connection>,
    names: HashMap<SocketHandle, String>,
    /// How often each event was told, of the server and of the clients.
    told: HashMap<(u32, i32), usize>,
    is_right: bool,
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    env_logger::init();
    let argument = std::env::args().nth(1);
    let (clients, port) = match argument.as_deref() {
        Some("--script") => (CLIENTS, 0),
        Some(port) if port.parse::<u16>().is_ok() => (0, port.parse()?),
        Some("--help") => {
            println!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        other => {
            let problem = other.map_or("nothing is asked for".to_owned(), |other| format!("{other:?} is no port"));
            eprintln!("winsock_echo: {problem}\n{HELP}");
            return Ok(ExitCode::from(2));
        }
    };
    let mut winsock = Winsock::new();
    winsock.wsa_startup(Version::V1_1, Some(&mut WsaData::default()))?;
    let (pump, connections, names, told) = (Pump::new()?, HashMap::new(), HashMap::new(), HashMap::new());
    let mut echo = Echo { pump, winsock, connections, names, told, is_right: true };

    let window = echo.pump.open_window();
    let listener = echo.winsock.socket(AF_INET, SOCK_STREAM, 0)?;
    echo.winsock.bind(listener, SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))?;
    let server_events = FD_ACCEPT | FD_READ | FD_WRITE | FD_CLOSE;
    echo.winsock.wsa_async_select(&mut echo.pump, listener, window, WM_SERVER, server_events)?;
    echo.winsock.listen(&mut echo.pump, listener, 5)?;
    let address = echo.winsock.getsockname(listener)?;
    println!("listening on {address}");
    echo.names.insert(listener, "listener".to_owned());

    for number in 1..=clients {
        let client = echo.winsock.socket(AF_INET, SOCK_STREAM, 0)?;
        echo.names.insert(client, format!("client {number}"));
        echo.connections.insert(client, Connection { outgoing: vec![number as u8; BYTES], ..Connection::default() });
        let client_events = FD_CONNECT | FD_READ | FD_WRITE | FD_CLOSE;
        echo.winsock.wsa_async_select(&mut echo.pump, client, window, WM_CLIENT, client_events)?;
        match echo.winsock.connect(&mut echo.pump, client, address) {
            // FD_CONNECT tells the end.
            Err(WinsockError::Ewouldblock) => {}
            other => other?,
        }
    }
    while let Some(delivery) = echo.winsock.get_message(&mut echo.pump)? {
        if let Delivery::Winsock(message) = delivery {
            echo.handle(&message)?;
        }
        if clients > 0 && echo.connections.is_empty() {
            echo.pump.quit(0);
        }
    }
    echo.winsock.wsa_cleanup(&mut echo.pump)?;
    for (who, number) in [("server", WM_SERVER), ("clients", WM_CLIENT)] {
        let mut events: Vec<_> = echo.told.iter().filter(|((of, _), _)| *of == number).collect();
        events.sort();
        let events: Vec<_> = events.iter().map(|((_, event), count)| format!("{} {count}", name_of(*event))).collect();
        println!("{who}: {}", events.join(", "));
    }
    Ok(if echo.is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Echo {
    fn handle(&mut self, message: &WinsockMessage) -> Result<(), WinsockError> {
        let (socket, event) = (message.socket(), i32::from(message.select_event()));
        let count = self.told.entry((message.message, event)).or_default();
        *count += 1;
        let name = self.names.get(&socket).map_or("server side", String::as_str);
        // What comes often is counted only.
        if *count == 1 || event & (FD_READ | FD_WRITE) == 0 {
            println!("{message}    {name}: {}", name_of(event));
        }
        if let Some(error) = message.select_error() {
            println!("    {error}");
            return self.close(socket, false);
        }
        match event {
            FD_ACCEPT => {
                let (accepted, from) = self.winsock.accept(&mut self.pump, socket)?;
                println!("    accepted {accepted} from {from}");
                self.connections.insert(accepted, Connection::default());
                Ok(())
            }
            FD_READ => self.read(message),
            FD_WRITE => self.write(message),
            FD_CLOSE => {
                if let Some(connection) = self.connections.get_mut(&socket) {
                    connection.is_ended = true;
                }
                self.write(message)
            }
            _ => Ok(()),
        }
    }

    fn read(&mut self, message: &WinsockMessage) -> Result<(), WinsockError> {
        let socket = message.socket();
        let mut buffer = [0; CHUNK];
        let length = match self.winsock.recv(&mut self.pump, socket, &mut buffer, 0) {
            // The text allows an FD_READ with nothing behind it.
            Err(WinsockError::Ewouldblock) => return Ok(()),
            result => result?,
        };
        let Some(connection) = self.connections.get_mut(&socket) else { return Ok(()) };
        if message.message == WM_SERVER {
            connection.outgoing.extend_from_slice(&buffer[..length]);
            return self.write(message);
        }
        connection.echoed += length;
        let expected = self.names.get(&socket).and_then(|name| name.rsplit(' ').next()?.parse().ok());
        self.is_right &= buffer[..length].iter().all(|&byte| Some(byte) == expected);
        if connection.echoed == BYTES {
            self.close(socket, true)?;
        }
        Ok(())
    }

    /// Sends until there is no more to send or no more room; then FD_WRITE comes again.
    fn write(&mut self, message: &WinsockMessage) -> Result<(), WinsockError> {
        let socket = message.socket();
        let Some(connection) = self.connections.get_mut(&socket) else { return Ok(()) };
        let mut sent = 0;
        while sent < connection.outgoing.len() {
            match self.winsock.send(&mut self.pump, socket, &connection.outgoing[sent..], 0) {
                Ok(length) => sent += length,
                Err(WinsockError::Ewouldblock) => break,
                Err(error) => return Err(error),
            }
        }
        connection.outgoing.drain(..sent);
        if connection.is_ended && connection.outgoing.is_empty() {
            let is_right = message.message == WM_SERVER;
            self.close(socket, is_right)?;
        }
        Ok(())
    }

    fn close(&mut self, socket: SocketHandle, is_right: bool) -> Result<(), WinsockError> {
        self.is_right &= is_right;
        self.connections.remove(&socket);
        self.winsock.closesocket(&mut self.pump, socket)
    }
}

fn name_of(event: i32) -> &'static str {
    match event {
        FD_READ => "FD_READ",
        FD_WRITE => "FD_WRITE",
        FD_ACCEPT => "FD_ACCEPT",
        FD_CONNECT => "FD_CONNECT",
        FD_CLOSE => "FD_CLOSE",
        _ => "FD_OOB",
    }
}
