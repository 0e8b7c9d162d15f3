//! The pump: a fresh socket, and so a fresh random port, for each lookup; sorted by RFC 6724.

use std::collections::HashMap;
use std::time::Duration;

use msgpump::{Budget, Family, HostQuery, OperationId, Payload, Pump, ResolverConfig, Settings};

use super::{Asking, Resolver, Wanted, answered, name};

/// What one pump has in flight at most; others wait in line.
const IN_FLIGHT_MAX: usize = 4096;

pub struct PumpResolver {
    /// More than one where more are to be in flight than one allows.
    pumps: Vec<Pump<()>>,
    numbers: HashMap<OperationId, usize>,
    ids: Vec<OperationId>,
}

impl PumpResolver {
    /// As many pumps as it takes to have all in flight at a time.
    pub fn open_many(asking: Asking) -> PumpResolver {
        PumpResolver::with_pumps(asking, asking.at_a_time.div_ceil(IN_FLIGHT_MAX))
    }

    fn with_pumps(asking: Asking, pumps: usize) -> PumpResolver {
        let config = ResolverConfig::new([asking.server])
            .with_timeout(asking.timeout)
            .with_attempts(asking.attempts)
            .with_lookups_in_flight_max(asking.at_a_time.clamp(1, IN_FLIGHT_MAX));
        let open = |_| {
            let settings = Settings::default().resolver(config.clone()).expect("it is within the limits");
            Pump::with_settings(settings).expect("there are descriptors left")
        };
        PumpResolver {
            pumps: (0..pumps.max(1)).map(open).collect(),
            numbers: HashMap::with_capacity(asking.lookups),
            ids: Vec::with_capacity(asking.lookups),
        }
    }
}

impl Resolver for PumpResolver {
    fn open(asking: Asking) -> PumpResolver {
        PumpResolver::with_pumps(asking, 1)
    }

    fn start(&mut self, number: usize, wanted: Wanted) {
        let mut query = HostQuery::by_name(name(number));
        if wanted == Wanted::Ipv4 {
            query = query.family(Family::V4);
        }
        let pump_count = self.pumps.len();
        let pump = &mut self.pumps[number % pump_count];
        let id = pump.lookup_host(pump.root_window(), query).expect("the line is long");
        self.numbers.insert(id, number);
        self.ids.push(id);
    }

    fn turn(&mut self, limit: Duration) {
        // Several pumps are used where nothing is waited for.
        let limit = if self.pumps.len() == 1 { limit } else { Duration::ZERO };
        for pump in &mut self.pumps {
            let _ = pump.turn(Budget::wait(limit)).expect("the wait works");
            while let Some(message) = pump.next_message() {
                let number = message.operation.and_then(|id| self.numbers.remove(&id)).expect("it is a lookup's");
                match message.payload {
                    Payload::Host(Ok(host)) => answered(number, &host.addresses),
                    Payload::Host(Err(_)) => answered(number, &[]),
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    fn cancel(&mut self, count: usize) -> usize {
        let pump_count = self.pumps.len();
        for (number, &id) in self.ids[..count].iter().enumerate() {
            self.pumps[number % pump_count].cancel(id);
        }
        0
    }

    fn close(self) {}
}
