//! Watched sources, connects and listening sockets.

use std::net::SocketAddr;

use super::Pump;
use crate::connect::{Connect, Listen};
use crate::error::{Error, StartError};
use crate::id::{OperationId, Owner};
use crate::reactor::Source;
use crate::watch::{Interest, WatchId};

impl<T> Pump<T> {
    /// Watches a source of mio's, or a [`TcpStream`](crate::TcpStream), and tells when it is ready: one
    /// [`Payload::Ready`](crate::Payload::Ready) message, and the next one once it is armed again by
    /// [`rearm`](Pump::rearm).
    ///
    /// The pump owns it meanwhile: [`source`](Pump::source) lends it, [`release`](Pump::release) gives it back.
    /// What happens while the message waits is merged into it.
    ///
    /// # Cancellation
    ///
    /// Stops watching and drops the source. Nothing of it is seen any more, though the system may have
    /// reported it already, or have given its descriptor's number to another.
    ///
    /// # Errors
    ///
    /// The source comes back when its owner is not open, and when the system refuses to watch it: it is no
    /// source that can be waited for, it is watched already, or the system is out of memory. A pump of a
    /// simulation watches the simulation's connections alone.
    ///
    /// # Cost
    ///
    /// One system call, and one for each arming. One more where something comes that is not asked for: the system then
    /// watches the source no more until it is armed again.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use msgpump::{Interest, Payload, Pump, TcpStream};
    ///
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let ours = TcpStream::from_std(std::net::TcpStream::connect(listener.local_addr()?)?)?;
    /// let (mut theirs, _) = listener.accept()?;
    ///
    /// let mut pump = Pump::<()>::new()?;
    /// let window = pump.open_window();
    /// let watch = pump.watch(window, ours, Interest::READABLE)?;
    /// theirs.write_all(b"hello")?;
    /// let message = pump.get_message()?.expect("nobody quits here");
    /// assert!(matches!(message.payload, Payload::Ready(readiness) if readiness.is_readable()));
    /// let mut text = [0; 16];
    /// let length = pump.source(watch).expect("it is watched").read(&mut text)?;
    /// assert_eq!(&text[..length], b"hello");
    /// pump.rearm(watch, Interest::READABLE)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn watch<S: Source + 'static>(
        &mut self,
        owner: impl Into<Owner>,
        source: S,
        interest: Interest,
    ) -> Result<WatchId<S>, StartError<S>> {
        let mut offered = Some(source);
        let outside = &mut self.outside;
        let started = self.engine.start_watch(owner.into(), |owner| outside.watch(owner, &mut offered, interest));
        match (started, offered) {
            (Ok(operation), _) => Ok(WatchId::new(operation)),
            (Err(refusal), Some(source)) => Err(StartError::new("watching a source", source, refusal)),
            (Err(_), None) => unreachable!("a source that is refused comes back"),
        }
    }

    /// Watches a descriptor of somebody else's: an X11 or Wayland connection, a pipe, a terminal, inotify.
    ///
    /// A duplicate is watched, so the descriptor itself stays with its owner, who may close it at any time.
    /// Until the watch is cancelled, the duplicate keeps open what is behind it. Whether it blocks is left as it is:
    /// read once for each message, which does not, or make it non-blocking and read until there is no more.
    ///
    /// # Errors
    ///
    /// As [`watch`](Pump::watch); also when no descriptor is left for the duplicate. A regular file or a folder is
    /// always ready and cannot be waited for: [`StartRefusal::NoWait`](crate::StartRefusal::NoWait).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Write;
    /// use msgpump::{Interest, Payload, Pump};
    /// let (reader, mut writer) = std::io::pipe()?;
    /// let mut pump = Pump::<()>::new()?;
    /// let window = pump.open_window();
    /// let watch = pump.watch_descriptor(window, &reader, Interest::READABLE)?;
    /// writer.write_all(b"x")?;
    /// let message = pump.get_message()?.expect("nobody quits here");
    /// assert_eq!(message.operation, Some(watch.id()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(unix)]
    pub fn watch_descriptor(
        &mut self,
        owner: impl Into<Owner>,
        descriptor: impl std::os::fd::AsFd,
        interest: Interest,
    ) -> Result<WatchId<crate::reactor::Descriptor>, StartError<()>> {
        use crate::error::StartRefusal;
        let duplicate = self.outside.duplicate(descriptor.as_fd()).map_err(|error| {
            StartError::new("watching a descriptor", (), StartRefusal::system("duplicating a descriptor", &error))
        })?;
        let watched = self.watch(owner, crate::reactor::Descriptor::new(duplicate), interest);
        watched.map_err(|error| StartError::new("watching a descriptor", (), error.refusal))
    }

    /// Arms a watch again, for `interest`. What is ready now is told, whether or not it was told before.
    ///
    /// # Errors
    ///
    /// When the watch is over, and when the system refuses. Where its message still waits, that stays.
    ///
    /// # Cost
    ///
    /// One system call.
    pub fn rearm<S>(&mut self, watch: WatchId<S>, interest: Interest) -> Result<(), Error> {
        match self.engine.rearm(watch.id(), interest, &mut self.outside) {
            None => Err(Error::watch_over(watch.id())),
            Some(result) => result.map_err(|source| Error::new("arming a watch again", source)),
        }
    }

    /// Lends a watched source, to read and write. `None` once the watch is over.
    ///
    /// The system watches this very source: to go on with another one, cancel the watch and start one for that.
    pub fn source<S: 'static>(&mut self, watch: WatchId<S>) -> Option<&mut S> {
        let socket = self.engine.watched_socket(watch.id())?;
        self.outside.source(socket)?.downcast_mut()
    }

    /// Stops watching a source and gives it back. Nothing of it is seen any more, as after
    /// [`cancel`](Pump::cancel). `None` once the watch is over.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Write;
    /// use msgpump::{Interest, Pump, TcpStream};
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let connected = TcpStream::from_std(std::net::TcpStream::connect(listener.local_addr()?)?)?;
    /// let mut pump = Pump::<()>::new()?;
    /// let watch = pump.watch(pump.root_window(), connected, Interest::READABLE)?;
    /// listener.accept()?.0.write_all(b"hello")?;
    /// let released: TcpStream = pump.release(watch).expect("it is watched");
    /// assert!(pump.release(watch).is_none());
    /// let to_block_again: std::net::TcpStream = released.into_std()?;
    /// to_block_again.set_nonblocking(false)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn release<S: 'static>(&mut self, watch: WatchId<S>) -> Option<S> {
        let source = self.engine.release(watch.id(), &mut self.outside)?;
        source.downcast().ok().map(|source| *source)
    }

    /// Connects to a host and a service: looks the host up, then tries its addresses, staggered and both
    /// families in turn, until the first one answers (RFC 8305). One
    /// [`Payload::Connected`](crate::Payload::Connected) message, with the connection or with what every
    /// address answered.
    ///
    /// # Cancellation
    ///
    /// Stops the lookup and closes every attempt's socket at once.
    ///
    /// # Errors
    ///
    /// When its owner is not open, its deadline is zero, or too many lookups wait. What the target answers,
    /// and what is wrong with its text, is told in the message.
    ///
    /// # Cost
    ///
    /// A lookup, and a socket for each attempt: one, mostly.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{Connect, Payload, Pump};
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let mut pump = Pump::<()>::new()?;
    /// let window = pump.open_window();
    /// pump.connect(window, Connect::from(listener.local_addr()?))?;
    /// let message = pump.get_message()?.expect("nobody quits here");
    /// let Payload::Connected(Ok(connection)) = message.payload else { panic!("{message:?}") };
    /// assert_eq!(connection.peer, listener.local_addr()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connect(&mut self, owner: impl Into<Owner>, connect: Connect) -> Result<OperationId, StartError<Connect>> {
        let now = self.now();
        self.refresh_names(now);
        let started = self.engine.start_connect(owner.into(), &connect, now, &mut self.outside);
        // Quoted: a text from elsewhere may hold what a terminal obeys.
        started.map_err(|refusal| StartError::new(format!("connecting to {:?}", connect.target), connect, refusal))
    }

    /// Listens for connections: each is a [`Payload::Accepted`](crate::Payload::Accepted) message, until the
    /// operation is cancelled.
    ///
    /// Where the system has no descriptor for a connection, it waits in the system's own queue and is tried
    /// again every 100 milliseconds.
    ///
    /// # Cancellation
    ///
    /// Closes the listening socket, and the connections that were not taken.
    ///
    /// # Errors
    ///
    /// When its owner is not open, and when the system refuses the address.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{Listen, Payload, Pump};
    /// let mut pump = Pump::<()>::new()?;
    /// let window = pump.open_window();
    /// let listening = pump.listen(window, Listen::on(([127, 0, 0, 1], 0)))?;
    /// let address = pump.listening_address(listening).expect("it listens");
    /// let theirs = std::net::TcpStream::connect(address)?;
    /// let message = pump.get_message()?.expect("nobody quits here");
    /// let Payload::Accepted(accepted) = message.payload else { panic!("{message:?}") };
    /// assert_eq!(accepted.peer, theirs.local_addr()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn listen(&mut self, owner: impl Into<Owner>, listen: Listen) -> Result<OperationId, StartError<Listen>> {
        let started = self.engine.start_listen(owner.into(), &listen, &mut self.outside);
        started.map_err(|refusal| StartError::new(format!("listening on {}", listen.address), listen, refusal))
    }

    /// The address that a listening socket has: with the port that the system chose. `None` once it is over.
    pub fn listening_address(&self, operation: OperationId) -> Option<SocketAddr> {
        self.engine.listening_address(operation, &self.outside)
    }
}
