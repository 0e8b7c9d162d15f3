//! The machine's name tables, and the time it takes to read a long one.
//!
//! Part of the lookup machine. A hosts file of 100,000 lines is indexed in slices, so that no turn is
//! held up by it; lookups that need it wait until it is whole.

use super::local::Table;
use crate::file_report::FileReport;
use crate::lookup::Source;
use crate::names::{HostsBuilder, HostsTable, ProtocolsTable, ServicesTable};
use crate::scoped_address::Zone;

/// How many lines of a hosts file are indexed in one turn: some 0.4 milliseconds of work.
const HOSTS_LINES_PER_TURN: usize = 1000;

/// The tables.
pub(super) struct Tables {
    hosts: Hosts,
    pub(super) services: Table<ServicesTable>,
    pub(super) protocols: Table<ProtocolsTable>,
}

enum Hosts {
    Indexed(HostsTable),
    Indexing(HostsBuilder),
}

impl Tables {
    /// Empty, until the first lookup has the files looked at: a program that looks nothing up pays nothing.
    pub(super) fn new() -> Tables {
        Tables {
            hosts: Hosts::Indexed(HostsTable::default()),
            services: Table { table: ServicesTable::default(), source: Source::BuiltIn },
            protocols: Table { table: ProtocolsTable::default(), source: Source::BuiltIn },
        }
    }

    /// Takes another hosts file in place of the one before. The first slice is indexed at once.
    pub(super) fn set_hosts(&mut self, text: Option<Vec<u8>>, zone: Zone<'_>) {
        self.hosts = match text {
            None => Hosts::Indexed(HostsTable::default()),
            Some(text) => Hosts::Indexing(HostsBuilder::new(text)),
        };
        self.index(zone);
    }

    pub(super) fn set_services(&mut self, text: Option<&[u8]>) {
        self.services = match text {
            None => Table { table: ServicesTable::built_in(), source: Source::BuiltIn },
            Some(text) => Table { table: ServicesTable::parse(text), source: Source::File },
        };
    }

    pub(super) fn set_protocols(&mut self, text: Option<&[u8]>) {
        self.protocols = match text {
            None => Table { table: ProtocolsTable::built_in(), source: Source::BuiltIn },
            Some(text) => Table { table: ProtocolsTable::parse(text), source: Source::File },
        };
    }

    /// The hosts table, once it is whole.
    pub(super) fn hosts(&self) -> Option<&HostsTable> {
        match &self.hosts {
            Hosts::Indexed(table) => Some(table),
            Hosts::Indexing(_) => None,
        }
    }

    /// Indexes one slice of the hosts file, if one is not whole.
    pub(super) fn index(&mut self, zone: Zone<'_>) {
        let Hosts::Indexing(builder) = &mut self.hosts else { return };
        if builder.advance(HOSTS_LINES_PER_TURN, zone) {
            let Hosts::Indexing(builder) = std::mem::replace(&mut self.hosts, Hosts::Indexed(HostsTable::default()))
            else {
                unreachable!("it was just looked at")
            };
            self.hosts = Hosts::Indexed(builder.finish());
        }
    }

    /// What the files held: hosts, services, protocols.
    pub(super) fn reports(&self) -> [FileReport; 3] {
        let hosts = self.hosts().map(|hosts| hosts.report().clone()).unwrap_or_default();
        [hosts, self.services.table.report().clone(), self.protocols.table.report().clone()]
    }
}
