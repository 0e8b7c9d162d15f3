//! Shows that a cancelled thing is silent: the steps of `tests/side_by_side/stale_messages.c`, with this crate.
//!
//! Three times the same: something is started, it completes while nobody looks, so that its message is in the
//! queue; then it is cancelled; then the queue is read. The C program does it with the system's own calls.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use msgpump::winsock::{AF_INET, FD_READ, SOCK_DGRAM, Version, Winsock, WinsockError, WsaData};
use msgpump::{Budget, Pump, Timer, WindowId};

const REQUEST: u32 = 0x401;
const SELECT: u32 = 0x402;

/// How long a message is waited for.
const PATIENCE: Duration = Duration::from_millis(100);

struct Program {
    pump: Pump<()>,
    winsock: Winsock<()>,
    window: WindowId,
}

impl Program {
    /// Waits until a message is in the queue, and leaves it there.
    fn await_queued(&mut self) -> Result<&'static str, Box<dyn Error>> {
        for _ in 0..50 {
            if self.pump.peek_message().is_some() {
                return Ok("queued");
            }
            let _ = self.pump.turn(Budget::wait(PATIENCE))?;
        }
        Ok("pending")
    }

    /// Reads the queue to its end and counts what comes.
    fn count_seen(&mut self) -> Result<usize, Box<dyn Error>> {
        let mut seen = 0;
        for _ in 0..3 {
            let _ = self.pump.turn(Budget::wait(PATIENCE))?;
            seen += std::iter::from_fn(|| self.winsock.next_message(&mut self.pump)).count();
        }
        Ok(seen)
    }

    fn tell(&mut self, what: &str, queued: &str, answer: &str) -> Result<(), Box<dyn Error>> {
        let seen = self.count_seen()?;
        println!("{what:<22} {queued:<9} cancel: {answer:<6} seen afterwards: {seen}");
        if seen > 0 { Err(format!("{what}: {seen} stale messages").into()) } else { Ok(()) }
    }

    fn request(&mut self) -> Result<(), Box<dyn Error>> {
        let Program { pump, winsock, window } = self;
        let task = winsock.wsa_async_get_serv_by_name(pump, *window, REQUEST, "ftp", "tcp", None)?;
        let queued = self.await_queued()?;
        let answer = number(self.winsock.wsa_cancel_async_request(&mut self.pump, task));
        self.tell("WSACancelAsyncRequest", queued, &answer)
    }

    fn timer(&mut self) -> Result<(), Box<dyn Error>> {
        let timer = self.pump.set_timer(self.window, Timer::every(Duration::from_millis(10)))?;
        let queued = self.await_queued()?;
        let answer = self.pump.cancel(timer);
        self.tell("KillTimer", queued, &format!("{answer:?}"))
    }

    fn selection(&mut self) -> Result<(), Box<dyn Error>> {
        let Program { pump, winsock, window } = self;
        let receiver = winsock.socket(AF_INET, SOCK_DGRAM, 0)?;
        let sender = winsock.socket(AF_INET, SOCK_DGRAM, 0)?;
        winsock.bind(receiver, SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
        let address = winsock.getsockname(receiver)?;
        winsock.wsa_async_select(pump, receiver, *window, SELECT, FD_READ)?;
        winsock.sendto(pump, sender, b"x", 0, address)?;
        let queued = self.await_queued()?;
        let answer = number(self.winsock.wsa_async_select(&mut self.pump, receiver, None, 0, 0));
        self.tell("WSAAsyncSelect(0)", queued, &answer)
    }
}

/// What the C call would have as its error number: 0 for none.
fn number(result: Result<(), WinsockError>) -> String {
    result.map_or_else(|error| error.number().to_string(), |()| "0".to_owned())
}

fn main() -> Result<(), Box<dyn Error>> {
    env_logger::init();
    let mut pump = Pump::new()?;
    let window = pump.open_window();
    let mut winsock = Winsock::new();
    winsock.wsa_startup(Version::V1_1, Some(&mut WsaData::default()))?;
    let mut program = Program { pump, winsock, window };
    program.request()?;
    program.timer()?;
    program.selection()
}
