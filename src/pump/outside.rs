//! Everything beyond the pump: the operating system, or a simulation of it.
//!
//! Part of the pump, which is the only one that knows which of the two it has.

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::adapter::MachineNames;
use crate::error::Error;
use crate::files::{Files, Stamp};
use crate::moment::Patience;
use crate::network::{Network, OpenError, Ready, SocketKey, SocketOwner, Transport};
use crate::reactor::{Reactor, Source, Wake};
#[cfg(any(test, feature = "simulation"))]
use crate::simulation::Stage;
use crate::system;
use crate::tcp_stream::TcpStream;
use crate::watch::Interest;

/// The outside.
pub(super) enum Outside {
    System(Box<Reactor>),
    #[cfg(any(test, feature = "simulation"))]
    Simulation(Stage),
}

/// Calls the same method of whichever outside it is.
macro_rules! of {
    ($outside:expr, $method:ident($($argument:expr),*)) => {
        match $outside {
            Outside::System(reactor) => reactor.$method($($argument),*),
            #[cfg(any(test, feature = "simulation"))]
            Outside::Simulation(stage) => stage.$method($($argument),*),
        }
    };
}

impl Outside {
    pub(super) fn now(&self) -> Instant {
        match self {
            Outside::System(_) => system::now(),
            #[cfg(any(test, feature = "simulation"))]
            Outside::Simulation(stage) => stage.now(),
        }
    }

    /// How long the machine was suspended since it was started, where the system tells.
    pub(super) fn suspended(&self) -> Option<Duration> {
        match self {
            Outside::System(_) => system::suspended(),
            #[cfg(any(test, feature = "simulation"))]
            Outside::Simulation(stage) => Some(stage.suspended()),
        }
    }

    #[inline]
    pub(super) fn wait(&mut self, patience: Patience, ready: &mut VecDeque<Ready>) -> Result<(), Error> {
        of!(self, wait(patience, ready))
    }

    #[cfg(target_os = "linux")]
    pub(super) fn set_alarm(&mut self, deadline: Option<Instant>) -> Result<(), Error> {
        match self {
            Outside::System(reactor) => reactor.set_alarm(deadline),
            #[cfg(any(test, feature = "simulation"))]
            Outside::Simulation(_) => unreachable!("a simulated pump has no host"),
        }
    }

    /// Whether more sockets may be ready than the last wait brought.
    pub(super) fn may_have_more(&self) -> bool {
        match self {
            Outside::System(reactor) => reactor.may_have_more(),
            #[cfg(any(test, feature = "simulation"))]
            Outside::Simulation(_) => false,
        }
    }

    /// Whether a wait that only looks has nothing to tell.
    pub(super) fn is_quiet(&self) -> bool {
        match self {
            Outside::System(reactor) => reactor.is_quiet(),
            #[cfg(any(test, feature = "simulation"))]
            Outside::Simulation(_) => false,
        }
    }

    pub(super) fn owner(&self, socket: SocketKey) -> Option<SocketOwner> {
        of!(self, owner(socket))
    }

    pub(super) fn sockets_len(&self) -> usize {
        of!(self, sockets_len())
    }

    pub(super) fn wake(&self) -> Wake {
        of!(self, wake())
    }

    /// Watches a source. Where that fails, it stays with the caller.
    pub(super) fn watch<S: Source + 'static>(
        &mut self,
        owner: SocketOwner,
        source: &mut Option<S>,
        interest: Interest,
    ) -> io::Result<SocketKey> {
        of!(self, watch(owner, source, interest))
    }

    /// A second descriptor of the same.
    #[cfg(unix)]
    pub(super) fn duplicate(&mut self, descriptor: std::os::fd::BorrowedFd<'_>) -> io::Result<std::os::fd::OwnedFd> {
        match self {
            Outside::System(reactor) => reactor.duplicate(descriptor),
            #[cfg(any(test, feature = "simulation"))]
            Outside::Simulation(_) => descriptor.try_clone_to_owned(),
        }
    }

    /// The watched source behind a socket.
    pub(super) fn source(&mut self, socket: SocketKey) -> Option<&mut dyn Any> {
        of!(self, source(socket))
    }

    #[cfg(unix)]
    pub(super) fn descriptor(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Outside::System(reactor) => std::os::fd::AsFd::as_fd(&**reactor),
            #[cfg(any(test, feature = "simulation"))]
            Outside::Simulation(_) => panic!("a simulated pump has no descriptor, its clock jumps instead"),
        }
    }

    /// Where a file of the network configuration is, named as below `/etc`.
    pub(super) fn configuration_file(&self, name: &str) -> PathBuf {
        match self {
            Outside::System(_) => system::configuration_file(name),
            #[cfg(any(test, feature = "simulation"))]
            Outside::Simulation(_) => Path::new("/etc").join(name),
        }
    }

    /// The file that says how names are looked up, where there is one.
    pub(super) fn resolver_file(&self) -> Option<PathBuf> {
        match self {
            Outside::System(_) => system::resolver_file(),
            #[cfg(any(test, feature = "simulation"))]
            Outside::Simulation(_) => Some(self.configuration_file("resolv.conf")),
        }
    }

    /// What says it where there is none.
    pub(super) fn machine_names(&self) -> io::Result<MachineNames> {
        match self {
            Outside::System(_) => system::machine_names(),
            #[cfg(any(test, feature = "simulation"))]
            Outside::Simulation(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    pub(super) fn host_name(&self) -> Option<String> {
        match self {
            Outside::System(_) => system::host_name(),
            #[cfg(any(test, feature = "simulation"))]
            Outside::Simulation(_) => None,
        }
    }
}

impl Network for Outside {
    fn open(&mut self, owner: SocketOwner, transport: Transport, server: SocketAddr) -> Result<SocketKey, OpenError> {
        of!(self, open(owner, transport, server))
    }

    fn send(&mut self, socket: SocketKey, bytes: &[u8]) -> io::Result<usize> {
        of!(self, send(socket, bytes))
    }

    fn receive(&mut self, socket: SocketKey, buffer: &mut [u8]) -> io::Result<usize> {
        of!(self, receive(socket, buffer))
    }

    fn close(&mut self, socket: SocketKey) {
        of!(self, close(socket));
    }

    fn is_connected(&mut self, socket: SocketKey) -> io::Result<bool> {
        of!(self, is_connected(socket))
    }

    fn detach(&mut self, socket: SocketKey) -> io::Result<TcpStream> {
        of!(self, detach(socket))
    }

    fn listen(&mut self, owner: SocketOwner, address: SocketAddr) -> io::Result<SocketKey> {
        of!(self, listen(owner, address))
    }

    fn accept(&mut self, socket: SocketKey) -> io::Result<(TcpStream, SocketAddr)> {
        of!(self, accept(socket))
    }

    fn local_address(&self, socket: SocketKey) -> io::Result<SocketAddr> {
        of!(self, local_address(socket))
    }

    fn rearm(&mut self, socket: SocketKey, interest: Interest) -> io::Result<()> {
        of!(self, rearm(socket, interest))
    }

    fn disarm(&mut self, socket: SocketKey) {
        match self {
            Outside::System(reactor) => reactor.disarm(socket),
            // There nobody sleeps who could be woken.
            #[cfg(any(test, feature = "simulation"))]
            Outside::Simulation(_) => {}
        }
    }

    fn unwatch(&mut self, socket: SocketKey) -> Option<Box<dyn Any>> {
        of!(self, unwatch(socket))
    }

    fn source_address(&mut self, destination: SocketAddr) -> Option<IpAddr> {
        of!(self, source_address(destination))
    }

    fn forget_ways(&mut self) {
        of!(self, forget_ways())
    }

    fn interface_index(&self, name: &str) -> Option<u32> {
        of!(self, interface_index(name))
    }

    fn unpredictable(&mut self) -> u16 {
        of!(self, unpredictable())
    }
}

impl Files for Outside {
    fn stamp(&self, path: &Path) -> io::Result<Stamp> {
        match self {
            Outside::System(_) => system::file_stamp(path),
            #[cfg(any(test, feature = "simulation"))]
            Outside::Simulation(stage) => stage.stamp(path),
        }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self {
            Outside::System(_) => system::read_file(path),
            #[cfg(any(test, feature = "simulation"))]
            Outside::Simulation(stage) => stage.read(path),
        }
    }

    fn environment(&self, name: &str) -> Option<String> {
        match self {
            Outside::System(_) => system::environment(name),
            #[cfg(any(test, feature = "simulation"))]
            Outside::Simulation(stage) => stage.environment(name),
        }
    }
}
