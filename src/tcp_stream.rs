//! A TCP connection, of the system or of a simulation.
//!
//! Floor 0. It names mio's type only to hold one: nothing is waited for here.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr};

use mio::event::Source;
use mio::{Interest, Registry, Token};

/// A TCP connection that never blocks, as [`Pump::connect`](crate::Pump::connect) and
/// [`Pump::listen`](crate::Pump::listen) give it.
///
/// Reading and writing return [`WouldBlock`](io::ErrorKind::WouldBlock) where they would have to wait:
/// have the pump [`watch`](crate::Pump::watch) it then. On a pump of a simulation it is a scripted one, and a
/// program's functions take it without knowing.
#[derive(Debug)]
pub struct TcpStream(Inner);

#[derive(Debug)]
enum Inner {
    System(mio::net::TcpStream),
    #[cfg(any(test, feature = "simulation"))]
    Simulated(Box<dyn Pipe>),
}

/// What a simulation puts in the system's place.
#[cfg(any(test, feature = "simulation"))]
pub(crate) trait Pipe: std::fmt::Debug + Send + Sync {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;
    fn peer_addr(&self) -> io::Result<SocketAddr>;
    fn local_addr(&self) -> io::Result<SocketAddr>;
    fn socket(&self) -> crate::network::SocketKey;
}

impl TcpStream {
    pub(crate) fn of_system(stream: mio::net::TcpStream) -> TcpStream {
        TcpStream(Inner::System(stream))
    }

    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn simulated(pipe: Box<dyn Pipe>) -> TcpStream {
        TcpStream(Inner::Simulated(pipe))
    }

    /// The simulation's socket, if it is a simulated one.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn simulated_socket(&self) -> Option<crate::network::SocketKey> {
        match &self.0 {
            Inner::System(_) => None,
            Inner::Simulated(pipe) => Some(pipe.socket()),
        }
    }

    /// Takes over a connection of the standard library, and has it not block from now on.
    ///
    /// # Errors
    ///
    /// When the system refuses to make it non-blocking.
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        stream.set_nonblocking(true)?;
        Ok(TcpStream::of_system(mio::net::TcpStream::from_std(stream)))
    }

    /// Gives it as one of the standard library. It still does not block.
    ///
    /// # Errors
    ///
    /// A simulated connection is [`Unsupported`](io::ErrorKind::Unsupported).
    pub fn into_std(self) -> io::Result<std::net::TcpStream> {
        match self.0 {
            Inner::System(stream) => Ok(stream.into()),
            #[cfg(any(test, feature = "simulation"))]
            Inner::Simulated(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// The address of the other side.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Inner::System(stream) => stream.peer_addr(),
            #[cfg(any(test, feature = "simulation"))]
            Inner::Simulated(pipe) => pipe.peer_addr(),
        }
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Inner::System(stream) => stream.local_addr(),
            #[cfg(any(test, feature = "simulation"))]
            Inner::Simulated(pipe) => pipe.local_addr(),
        }
    }

    /// Ends one direction or both. The other side learns that nothing more will come.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match &self.0 {
            Inner::System(stream) => stream.shutdown(how),
            #[cfg(any(test, feature = "simulation"))]
            Inner::Simulated(pipe) => pipe.shutdown(how),
        }
    }

    /// Sends small writes at once instead of collecting them (TCP_NODELAY).
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn set_nodelay(&self, at_once: bool) -> io::Result<()> {
        match &self.0 {
            Inner::System(stream) => stream.set_nodelay(at_once),
            #[cfg(any(test, feature = "simulation"))]
            Inner::Simulated(_) => Ok(()),
        }
    }
}

impl Read for &TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.0 {
            Inner::System(stream) => (&*stream).read(buffer),
            #[cfg(any(test, feature = "simulation"))]
            Inner::Simulated(pipe) => pipe.read(buffer),
        }
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        match &self.0 {
            Inner::System(stream) => (&*stream).read_vectored(buffers),
            #[cfg(any(test, feature = "simulation"))]
            Inner::Simulated(pipe) => {
                buffers.iter_mut().find(|buffer| !buffer.is_empty()).map_or(Ok(0), |b| pipe.read(b))
            }
        }
    }
}

impl Write for &TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.0 {
            Inner::System(stream) => (&*stream).write(bytes),
            #[cfg(any(test, feature = "simulation"))]
            Inner::Simulated(pipe) => pipe.write(bytes),
        }
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        match &self.0 {
            Inner::System(stream) => (&*stream).write_vectored(buffers),
            #[cfg(any(test, feature = "simulation"))]
            Inner::Simulated(pipe) => buffers.iter().find(|buffer| !buffer.is_empty()).map_or(Ok(0), |b| pipe.write(b)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(buffers)
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for TcpStream {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.source()?.register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.source()?.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.source()?.deregister(registry)
    }
}

impl TcpStream {
    /// What the system's readiness queue takes; a simulated connection has none.
    fn source(&mut self) -> io::Result<&mut mio::net::TcpStream> {
        match &mut self.0 {
            Inner::System(stream) => Ok(stream),
            #[cfg(any(test, feature = "simulation"))]
            Inner::Simulated(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

/// # Panics
///
/// Panics on a simulated connection: there is no descriptor.
#[cfg(unix)]
impl std::os::fd::AsFd for TcpStream {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match &self.0 {
            Inner::System(stream) => stream.as_fd(),
            #[cfg(any(test, feature = "simulation"))]
            Inner::Simulated(_) => panic!("a simulated connection has no descriptor"),
        }
    }
}
