//! One reading of the machine: what the rows of a query share, each read once and only when asked for.
//!
//! Floor 5.

use std::cell::OnceCell;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use super::accounts::Accounts;
use super::fields;
use super::machine::{At, Machine};
use super::zone::Zone;
use crate::wbem::datetime::Timestamp;
use crate::wbem::error::{WbemError, WbemStatus};

/// Microseconds in a second.
pub(super) const MICROSECONDS: i64 = 1_000_000;

/// A machine at the time of a query.
pub(super) struct Reading {
    machine: Rc<Machine>,
    host_name: OnceCell<Option<Arc<str>>>,
    system_name: OnceCell<Option<Arc<str>>>,
    boot_seconds: OnceCell<Option<i64>>,
    zone: OnceCell<Zone>,
    accounts: OnceCell<Accounts>,
}

impl Reading {
    pub(super) fn new(machine: &Rc<Machine>) -> Reading {
        Reading {
            machine: machine.clone(),
            host_name: OnceCell::new(),
            system_name: OnceCell::new(),
            boot_seconds: OnceCell::new(),
            zone: OnceCell::new(),
            accounts: OnceCell::new(),
        }
    }

    /// The machine, for what outlives the reading.
    pub(super) fn shared(&self) -> &Rc<Machine> {
        &self.machine
    }

    /// The machine's name.
    pub(super) fn host_name(&self) -> Option<Arc<str>> {
        let read = || Some(self.text(At::Proc, format_args!("sys/kernel/hostname"))?.into());
        self.host_name.get_or_init(read).clone()
    }

    /// What the operating system calls itself.
    pub(super) fn system_name(&self) -> Option<Arc<str>> {
        self.system_name.get_or_init(|| self.os_release("PRETTY_NAME").map(Arc::from)).clone()
    }

    /// A value of the file in which a distribution tells what it is (os-release(5)).
    pub(super) fn os_release(&self, key: &str) -> Option<String> {
        let find = |text: &[u8]| fields::value(text, key, b'=').map(unquote);
        // The second is where the first usually leads; in an image the link may lead out of it.
        let first = self.read(At::Etc, format_args!("os-release"), find).ok();
        first.unwrap_or_else(|| self.read(At::Root, format_args!("usr/lib/os-release"), find).ok().flatten())
    }

    /// A value of the file in which an administrator tells what the machine is (machine-info(5)).
    pub(super) fn machine_info(&self, key: &str) -> Option<String> {
        self.read(At::Etc, format_args!("machine-info"), |text| fields::value(text, key, b'=').map(unquote)).ok()?
    }

    /// The kind of processor that the kernel was built for.
    pub(super) fn architecture(&self) -> Option<String> {
        let told = self.text(At::Proc, format_args!("sys/kernel/arch"));
        let asked = || Some(rustix::system::uname().machine().to_str().ok()?.to_owned());
        told.or_else(|| if self.is_this() { asked() } else { None })
    }

    /// The second after 1970 in which the machine started, as the kernel reckons it at present.
    pub(super) fn boot_seconds(&self) -> Option<i64> {
        let read = || self.read(At::Proc, format_args!("stat"), |text| fields::count_of(text, "btime")).ok().flatten();
        *self.boot_seconds.get_or_init(read)
    }

    /// The machine's time zone.
    pub(super) fn zone(&self) -> &Zone {
        self.zone.get_or_init(|| Zone::of(&self.machine))
    }

    /// Who has an account on the machine.
    pub(super) fn accounts(&self) -> &Accounts {
        self.accounts.get_or_init(|| Accounts::read(&self.machine))
    }

    /// The moment so many microseconds after 1970, told for the machine's place.
    pub(super) fn moment(&self, microseconds: i64) -> Option<Timestamp> {
        let offset = self.zone().offset_minutes(microseconds.div_euclid(MICROSECONDS));
        Timestamp::from_unix_microseconds(microseconds, offset).ok()
    }

    /// The error of a class whose source is not there.
    pub(super) fn no_source(what: &str) -> WbemError {
        WbemError::new(WbemStatus::ProviderLoadFailure).description(format!("this machine has no {what}"))
    }
}

impl Deref for Reading {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        &self.machine
    }
}

/// A value as a shell would take it.
fn unquote(value: &[u8]) -> String {
    let value = fields::text(value);
    let inner = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    let Some(inner) = inner else { return value };
    let mut plain = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        plain.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lose_their_quotes() {
        for (value, expected) in [
            ("debian", "debian"),
            ("\"Debian 12\"", "Debian 12"),
            ("'a \"b\"'", "a \"b\""),
            (r#""a\"b\$""#, "a\"b$"),
            ("\"", "\""),
        ] {
            assert_eq!(unquote(value.as_bytes()), expected);
        }
    }
}
