//! A pump with a server, providers that do as they are told, and a record of what sinks hear.

pub(crate) mod providers;

use msgpump::wbem::{CallId, Flags, Received, Server, Services, Sink, SinkEvent, SinkId, SinkMessage, WbemStatus};
use msgpump::{Budget, Pump};

pub(crate) use providers::{Slow, class, disks, instance, processes};

pub(crate) const HOME: &str = r"root\cimv2";

/// A pump with a server that has the class `Slow`.
pub(crate) struct Stage {
    pub(crate) pump: Pump<u32>,
    pub(crate) server: Server,
    pub(crate) services: Services,
    pub(crate) slow: Slow,
}

/// What a sink heard.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heard {
    pub(crate) sink: SinkId,
    pub(crate) call: CallId,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// The keys of the objects, as texts.
    Indicate(Vec<String>),
    Progress(u32),
    Status(WbemStatus),
}

impl Stage {
    /// The class `Slow` has so many instances, and gives one in each turn.
    pub(crate) fn new(rows: u32) -> Stage {
        let mut pump = Pump::new().expect("there are descriptors left");
        let server = Server::new(&mut pump);
        let slow = Slow::new(rows);
        server.register(HOME, slow.clone()).unwrap();
        let services = server.connect(&mut pump, HOME).unwrap();
        Stage { pump, server, services, slow }
    }

    pub(crate) fn sink(&self) -> Sink {
        Sink::new(self.pump.root_window())
    }

    /// Asks for all instances of `Slow`.
    pub(crate) fn ask(&mut self, sink: &Sink) -> CallId {
        self.ask_for("SELECT * FROM Slow", sink)
    }

    pub(crate) fn ask_for(&mut self, query: &str, sink: &Sink) -> CallId {
        self.services.exec_query_async(&mut self.pump, "WQL", query, Flags::NONE, sink).unwrap()
    }

    /// Runs the method `Work` of an instance, which takes `slices`.
    pub(crate) fn work(&mut self, slices: u32, sink: &Sink) -> CallId {
        let arguments = self.slow.arguments(slices);
        let path = "Slow.Id=0";
        let flags = Flags::NONE;
        self.services.exec_method_async(&mut self.pump, path, "Work", Some(&arguments), flags, sink).unwrap()
    }

    pub(crate) fn cancel(&mut self, sink: &Sink) -> WbemStatus {
        status(self.services.cancel_async_call(&mut self.pump, sink))
    }

    /// Lets `Slow` give a row, and the pump make a turn.
    pub(crate) fn turn(&mut self) {
        self.slow.tick();
        let _ = self.pump.turn(Budget::no_wait()).unwrap();
    }

    pub(crate) fn turns(&mut self, count: usize) {
        (0..count).for_each(|_| self.turn());
    }

    /// Takes what waits for sinks.
    pub(crate) fn take(&mut self) -> Vec<SinkMessage> {
        let mut taken = Vec::new();
        while let Some(received) = self.server.next_message(&mut self.pump) {
            match received {
                Received::Sink(message) => taken.push(message),
                Received::Other(message) => panic!("{message:?}"),
            }
        }
        taken
    }

    pub(crate) fn heard(&mut self) -> Vec<Heard> {
        self.take().into_iter().map(heard).collect()
    }

    /// Turns and takes, so often.
    pub(crate) fn run(&mut self, turns: usize) -> Vec<Heard> {
        let mut heard = Vec::new();
        for _ in 0..turns {
            self.turn();
            heard.extend(self.heard());
        }
        heard
    }
}

/// What a message says.
pub(crate) fn heard(message: SinkMessage) -> Heard {
    let progress = message.event.packed_progress();
    let what = match message.event {
        SinkEvent::Indicate(objects) => Indicated(&objects).into(),
        SinkEvent::Progress { .. } => What::Progress(progress.unwrap()),
        SinkEvent::Status(status) => What::Status(status.status),
    };
    Heard { sink: message.sink.id(), call: message.call, what }
}

struct Indicated<'o>(&'o [msgpump::wbem::Object]);

impl From<Indicated<'_>> for What {
    fn from(Indicated(objects): Indicated<'_>) -> What {
        What::Indicate(objects.iter().map(key).collect())
    }
}

/// The first key of an instance, or the name of a class.
pub(crate) fn key(object: &msgpump::wbem::Object) -> String {
    match object.instance() {
        None => object.class().name().to_string(),
        Some(instance) => {
            let key = instance.class().keys().first().copied().unwrap_or(0);
            instance.value(key).map_or_else(String::new, ToString::to_string)
        }
    }
}

/// The keys of all objects that were heard of, in order.
pub(crate) fn keys(heard: &[Heard]) -> Vec<String> {
    heard
        .iter()
        .filter_map(|heard| if let What::Indicate(keys) = &heard.what { Some(keys.clone()) } else { None })
        .flatten()
        .collect()
}

/// The final statuses that were heard, in order.
pub(crate) fn statuses(heard: &[Heard]) -> Vec<WbemStatus> {
    heard.iter().filter_map(|heard| if let What::Status(status) = heard.what { Some(status) } else { None }).collect()
}

/// The status of a result.
pub(crate) fn status<R>(result: Result<R, msgpump::wbem::WbemError>) -> WbemStatus {
    result.map_or_else(|error| error.status, |_| WbemStatus::SNoError)
}
