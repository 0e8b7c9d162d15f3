//! What the tests share: a stage with a name server that can be held, and short words for the calls.

use std::time::Duration;

use msgpump::simulation::{Act, NameServer, Simulation};
use msgpump::winsock::{Delivery, TaskHandle, Version, VersionMaximum, Winsock, WinsockError, WinsockMessage};
use msgpump::winsock::{WinsockSettings, WsaData};
use msgpump::{Budget, Pump, ResolverConfig, Rest, Settings, WindowId};

pub(crate) use WinsockError::*;

/// A message number of an application.
pub(crate) const M: u32 = 0x0401;

/// How long the name server takes to answer: so long is a request held.
pub(crate) const HELD: Duration = Duration::from_millis(500);

/// A result and nothing else: what the texts call the return value and the last error.
pub(crate) type Outcome<R> = Result<R, WinsockError>;

/// A program on the virtual clock. Its server knows `www.test` and `mail.test`, and says nothing about
/// `slow.test`, which is not in its zone, before it has waited as told.
pub(crate) struct Fixture {
    pub(crate) simulation: Simulation,
    pub(crate) pump: Pump<u32>,
    pub(crate) winsock: Winsock<u32>,
    pub(crate) window: WindowId,
}

pub(crate) fn zone() -> NameServer {
    NameServer::new()
        .host("www.test", ["192.0.2.1"])
        .host("mail.test", ["192.0.2.25", "192.0.2.26"])
        .host("v6.test", ["2001:db8::1"])
        .alias("alias.test", "www.test")
        .latency(HELD)
}

impl Fixture {
    /// Started with version 1.1.
    pub(crate) fn new() -> Fixture {
        let mut fixture = Fixture::with(WinsockSettings::default(), zone());
        fixture.start(Version::V1_1);
        fixture
    }

    /// Started with version 1.1; the server does `act` with every question.
    pub(crate) fn acting(act: Act) -> Fixture {
        let mut fixture = Fixture::with(WinsockSettings::default(), zone().always(act));
        fixture.start(Version::V1_1);
        fixture
    }

    /// A layer of version 1.1 and nothing else, started.
    pub(crate) fn of_1993() -> Fixture {
        let mut fixture = Fixture::with(WinsockSettings::default().version_maximum(VersionMaximum::V1_1), zone());
        fixture.start(Version::V1_1);
        fixture
    }

    /// Not started.
    pub(crate) fn with(settings: WinsockSettings, server: NameServer) -> Fixture {
        Fixture::with_capacity(settings, server, 10_000)
    }

    /// Not started; the queue has room for that many posts.
    pub(crate) fn with_capacity(settings: WinsockSettings, server: NameServer, capacity: usize) -> Fixture {
        let simulation = Simulation::new(1);
        let address = ([192, 0, 2, 53], 53).into();
        simulation.name_server(address, server);
        let resolver = ResolverConfig::new([address]).with_timeout(Duration::from_secs(1)).with_attempts(1);
        let core = Settings::default().queue_capacity(capacity).resolver(resolver).expect("within the limits");
        let mut pump = simulation.pump(core);
        let window = pump.open_window();
        Fixture { simulation, pump, winsock: Winsock::with_settings(settings), window }
    }

    pub(crate) fn start(&mut self, version: Version) {
        self.winsock.wsa_startup(version, Some(&mut WsaData::default())).expect("the version is offered");
    }

    pub(crate) fn cleanup(&mut self) -> Outcome<()> {
        self.winsock.wsa_cleanup(&mut self.pump)
    }

    pub(crate) fn host(&mut self, name: &str, buflen: impl Into<Option<usize>>) -> Outcome<TaskHandle> {
        self.winsock.wsa_async_get_host_by_name(&mut self.pump, self.window, M, name, buflen)
    }

    pub(crate) fn service(
        &mut self,
        name: &str,
        protocol: Option<&str>,
        buflen: impl Into<Option<usize>>,
    ) -> Outcome<TaskHandle> {
        self.winsock.wsa_async_get_serv_by_name(&mut self.pump, self.window, M, name, protocol, buflen)
    }

    pub(crate) fn port(
        &mut self,
        port: impl Into<i32>,
        protocol: Option<&str>,
        buflen: impl Into<Option<usize>>,
    ) -> Outcome<TaskHandle> {
        self.winsock.wsa_async_get_serv_by_port(&mut self.pump, self.window, M, port, protocol, buflen)
    }

    pub(crate) fn protocol(&mut self, name: &str, buflen: impl Into<Option<usize>>) -> Outcome<TaskHandle> {
        self.winsock.wsa_async_get_proto_by_name(&mut self.pump, self.window, M, name, buflen)
    }

    pub(crate) fn number(&mut self, number: i32, buflen: impl Into<Option<usize>>) -> Outcome<TaskHandle> {
        self.winsock.wsa_async_get_proto_by_number(&mut self.pump, self.window, M, number, buflen)
    }

    pub(crate) fn cancel(&mut self, task: TaskHandle) -> Outcome<()> {
        self.winsock.wsa_cancel_async_request(&mut self.pump, task)
    }

    pub(crate) fn cancel_raw(&mut self, number: u32) -> Outcome<()> {
        self.cancel(TaskHandle::from_raw(number))
    }

    /// Lets everything happen and takes all messages of the layer.
    #[track_caller]
    pub(crate) fn pump(&mut self) -> Vec<WinsockMessage> {
        let mut taken = Vec::new();
        for delivery in self.pump_all() {
            match delivery {
                Delivery::Winsock(message) => taken.push(message),
                Delivery::Other(other) => panic!("unexpected {other:?}"),
            }
        }
        taken
    }

    /// Lets everything happen and takes all messages.
    pub(crate) fn pump_all(&mut self) -> Vec<Delivery<u32>> {
        let mut taken = Vec::new();
        loop {
            while let Some(delivery) = self.winsock.next_message(&mut self.pump) {
                taken.push(delivery);
            }
            if self.pump.rest() == Rest::Forever {
                return taken;
            }
            self.pump.turn(Budget::wait_forever()).expect("the stage does not fail");
        }
    }

    /// Lets everything happen and takes the one message that comes.
    #[track_caller]
    pub(crate) fn one(&mut self) -> WinsockMessage {
        let mut messages = self.pump();
        assert_eq!(messages.len(), 1, "one message comes: {messages:?}");
        messages.remove(0)
    }

    /// Lets virtual time pass until messages are queued, and takes none.
    pub(crate) fn let_queue(&mut self) {
        while self.pump.rest() != Rest::Ready {
            self.pump.turn(Budget::wait_forever()).expect("the stage does not fail");
        }
    }
}

/// The high word, as the number of the texts.
pub(crate) fn hi(message: &WinsockMessage) -> i32 {
    (message.lparam >> 16) as i32
}

/// The low word.
pub(crate) fn lo(message: &WinsockMessage) -> usize {
    (message.lparam & 0xFFFF) as usize
}
