//! The outside on a stage: a virtual clock, scripted name servers and files, and what other threads do.
//!
//! A pump made by [`Simulation::pump`] is the same [`Pump`] as ever, and a program's own functions
//! take it without knowing. But where it would wait, the clock jumps to the next thing that happens. So
//! hours of timeouts pass in milliseconds, nothing sleeps, and the same seed gives the same run.
//!
//! ```
//! use std::time::Duration;
//! use msgpump::simulation::{NameServer, Simulation};
//! use msgpump::{HostQuery, Payload, ResolverConfig, Settings};
//!
//! let simulation = Simulation::new(1);
//! let address = ([192, 0, 2, 53], 53).into();
//! simulation.name_server(address, NameServer::new().host("www.example.org", ["192.0.2.1"]).silent(2));
//! let settings = Settings::default().resolver(ResolverConfig::new([address]))?;
//! let mut pump = simulation.pump::<()>(settings);
//!
//! let window = pump.open_window();
//! pump.lookup_host(window, HostQuery::by_name("www.example.org"))?;
//! let message = pump.get_message()?.expect("nobody quits here");
//! assert!(matches!(message.payload, Payload::Host(Ok(_))));
//! assert!(simulation.elapsed() > Duration::from_secs(5)); // the first two questions were lost
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Floor 3'. It stands where the reactor and the system stand, and knows of the pump only how to make one.

mod connections;
mod name_server;
mod peer;
mod stage;
mod world;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::lookup::Family;
use crate::pump::{Pump, Settings};

pub use name_server::{Act, NameServer, Query};
pub use peer::Peer;
pub(crate) use stage::Stage;
use world::World;

/// The stage that simulated pumps play on. Clones are the same stage.
#[derive(Clone)]
pub struct Simulation {
    world: Arc<Mutex<World>>,
}

impl Simulation {
    /// An empty stage: no name servers, no files, the clock at its start. `seed` decides everything
    /// that is random.
    pub fn new(seed: u64) -> Simulation {
        Simulation { world: Arc::new(Mutex::new(World::new(seed))) }
    }

    /// Makes a pump that plays on this stage.
    pub fn pump<T>(&self, settings: Settings) -> Pump<T> {
        Pump::on_stage(Stage::new(self.world.clone()), settings)
    }

    /// The virtual time.
    pub fn now(&self) -> Instant {
        self.lock().now()
    }

    /// How much virtual time has passed since the start.
    pub fn elapsed(&self) -> Duration {
        self.lock().elapsed()
    }

    /// Lets time pass, as while a program works. A turn then sees that it did.
    pub fn advance(&self, time: Duration) {
        self.lock().advance(time);
    }

    /// Suspends the machine for `time`: its clock stands still meanwhile, and only timers that are
    /// [counting the suspend](crate::Timer::counting_suspend) see in the next turn that it passed.
    pub fn suspend(&self, time: Duration) {
        self.lock().suspend(time);
    }

    /// Puts a name server at `address`, in place of one that is there.
    pub fn name_server(&self, address: SocketAddr, server: NameServer) {
        self.lock().set_server(address, server);
    }

    /// Puts a program at `address` that takes connections, in place of one that is there.
    pub fn peer(&self, address: SocketAddr, peer: Peer) {
        self.lock().set_peer(address, peer);
    }

    /// Has `peer` connect to whoever listens at `address`, if somebody does.
    pub fn dial(&self, address: SocketAddr, peer: Peer) {
        self.lock().dial(address, peer);
    }

    /// All that was written to the peers at `address`, in order.
    pub fn received(&self, address: SocketAddr) -> Vec<u8> {
        self.lock().received(address)
    }

    /// Writes a file that lookups are configured with, as `/etc/hosts`: here that is its path on every
    /// platform.
    pub fn write_file(&self, path: impl Into<PathBuf>, text: impl Into<Vec<u8>>) {
        self.lock().write_file(path.into(), Some(text.into()));
    }

    /// Removes such a file.
    pub fn remove_file(&self, path: impl Into<PathBuf>) {
        self.lock().write_file(path.into(), None);
    }

    /// Sets a variable of the environment.
    pub fn set_environment(&self, name: impl Into<String>, value: impl Into<String>) {
        self.lock().set_environment(name.into(), value.into());
    }

    /// Does something once `delay` has passed, as another thread would: it may post and script, but a
    /// pump is not at hand.
    pub fn after(&self, delay: Duration, action: impl FnOnce() + Send + 'static) {
        self.lock().schedule_call(delay, Box::new(action));
    }

    /// Lets at most this many sockets be open at a time.
    pub fn limit_descriptors(&self, descriptors: usize) {
        self.lock().set_descriptors(descriptors);
    }

    /// Takes the routes of one family away, also those that stay on the machine: its addresses have no way and its
    /// servers are not reached.
    pub fn cut_off(&self, family: Family) {
        self.lock().cut_off(family);
    }

    /// How many sockets are open.
    pub fn open_sockets(&self) -> usize {
        self.lock().open_sockets()
    }

    /// The questions that name servers have received, in order.
    pub fn queries(&self) -> Vec<Query> {
        self.lock().queries().to_vec()
    }

    /// Forgets what [`queries`](Simulation::queries) and [`received`](Simulation::received) tell of so far: in a run
    /// of virtual days it would fill the memory.
    pub fn forget_log(&self) {
        self.lock().forget_log();
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        // No code of the program runs under the lock.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Simulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulation").field("elapsed", &self.elapsed()).finish_non_exhaustive()
    }
}
