//! A pump's place on the stage: the clock, sockets, files and chance that it finds there.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::world::{Socket, World};
use crate::error::Error;
use crate::files::{FILE_BYTES_MAX, Stamp};
use crate::moment::Patience;
use crate::network::{OpenError, Ready, SocketKey, SocketOwner, Transport};
use crate::reactor::Wake;

/// A pump's place on the stage: what the reactor and the system are otherwise.
pub(crate) struct Stage {
    world: Arc<Mutex<World>>,
    number: u64,
    pub(super) watched: HashMap<SocketKey, Box<dyn Any>>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What is watched closes itself, and must find the stage unlocked.
        self.watched.clear();
        let number = self.number;
        let mut world = self.lock();
        let own = |socket: &Socket| socket.stage == number && socket.owner.is_some();
        let open: Vec<_> = world.sockets.iter().filter(|(_, socket)| own(socket)).map(|(key, _)| key).collect();
        open.into_iter().for_each(|key| world.close(key));
    }
}

impl Stage {
    pub(super) fn new(world: Arc<Mutex<World>>) -> Stage {
        let number = world.lock().unwrap_or_else(PoisonError::into_inner).number_stage();
        Stage { world, number, watched: HashMap::new() }
    }

    pub(super) fn world(&self) -> Arc<Mutex<World>> {
        self.world.clone()
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Instant {
        self.lock().now()
    }

    pub(crate) fn suspended(&self) -> Duration {
        self.lock().suspended()
    }

    /// Lets the clock run until something happens, or patience ends.
    pub(crate) fn wait(&mut self, patience: Patience, ready: &mut VecDeque<Ready>) -> Result<(), Error> {
        let timeout = match patience {
            Patience::None => Some(Duration::ZERO),
            Patience::Until { now, deadline, .. } => Some(deadline.saturating_duration_since(now)),
            Patience::Forever => None,
        };
        let limit = timeout.map(|timeout| self.lock().elapsed().saturating_add(timeout));
        loop {
            let mut world = self.lock();
            if !world.has_due_event() && world.report_ready(self.number, ready) {
                return Ok(());
            }
            match (world.next_event_until(limit), limit) {
                (Some(Some(action)), _) => {
                    drop(world);
                    action();
                    return Ok(());
                }
                (Some(None), _) => {}
                (None, Some(limit)) => {
                    world.advance_to(limit);
                    return Ok(());
                }
                (None, None) => {
                    let never = io::Error::new(io::ErrorKind::Deadlock, "nothing will ever happen");
                    return Err(Error::new("waiting on the stage", never));
                }
            }
        }
    }

    pub(crate) fn owner(&self, socket: SocketKey) -> Option<SocketOwner> {
        self.lock().sockets.get(socket).and_then(|socket| socket.owner)
    }

    pub(crate) fn sockets_len(&self) -> usize {
        self.lock().open_sockets()
    }

    /// The clock never sleeps: there is nobody to wake.
    pub(crate) fn wake(&self) -> Wake {
        Arc::new(|| Ok(()))
    }

    pub(crate) fn open(
        &mut self,
        owner: SocketOwner,
        transport: Transport,
        server: SocketAddr,
    ) -> Result<SocketKey, OpenError> {
        self.lock().open(self.number, owner, transport, server)
    }

    pub(crate) fn send(&mut self, socket: SocketKey, bytes: &[u8]) -> io::Result<usize> {
        self.lock().send(socket, bytes)
    }

    pub(crate) fn receive(&mut self, socket: SocketKey, buffer: &mut [u8]) -> io::Result<usize> {
        self.lock().receive(socket, buffer)
    }

    pub(crate) fn close(&mut self, socket: SocketKey) {
        self.lock().close(socket);
    }

    /// The stage's machine has one address of each family beside loopback.
    pub(crate) fn source_address(&mut self, destination: SocketAddr) -> Option<IpAddr> {
        let address = destination.ip();
        let own = if address.is_loopback() { address } else { Stage::own_address(address) };
        (!self.lock().is_cut_off(address)).then_some(own)
    }

    /// A simulated machine keeps nothing to find them with.
    pub(crate) fn forget_ways(&mut self) {}

    /// The machine's own address of the family that `address` has.
    pub(super) fn own_address(address: IpAddr) -> IpAddr {
        match address.to_canonical() {
            IpAddr::V4(_) => Ipv4Addr::new(192, 0, 2, 100).into(),
            IpAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x100).into(),
        }
    }

    pub(crate) fn interface_index(&self, name: &str) -> Option<u32> {
        match name {
            "lo" => Some(1),
            "eth0" => Some(2),
            _ => None,
        }
    }

    pub(crate) fn unpredictable(&mut self) -> u16 {
        self.lock().random(1 << 16) as u16
    }

    pub(crate) fn stamp(&self, path: &Path) -> io::Result<Stamp> {
        let world = self.lock();
        let (version, text) = world.file(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Stamp { modified: None::<SystemTime>, len: text.len() as u64, inode: *version })
    }

    pub(crate) fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let first = |text: &Vec<u8>| text[..text.len().min(FILE_BYTES_MAX)].to_vec();
        self.lock().file(path).map(|(_, text)| first(text)).ok_or(io::ErrorKind::NotFound.into())
    }

    pub(crate) fn environment(&self, name: &str) -> Option<String> {
        self.lock().environment(name)
    }
}
