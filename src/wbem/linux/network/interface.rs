//! An interface of the network: what `/sys/class/net` says of it.
//!
//! Floor 5.

use std::cell::OnceCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use super::super::machine::At;
use super::super::reading::Reading;
use super::super::table::Row;
use super::netlink::{self, Address};

/// The flag of an interface that was switched on.
const IS_UP: u32 = 0x1;

/// The numbers of hardware in `/sys/class/net/NAME/type`.
const ETHERNET: u32 = 1;
const LOOPBACK: u32 = 772;

/// An interface.
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) index: u32,
    addresses: Rc<OnceCell<Option<Vec<Address>>>>,
}

impl Row for Interface {}

/// Every interface; the addresses of all are asked for at once, with the first.
pub(super) fn all(reading: &Rc<Reading>) -> impl Iterator<Item = Option<Interface>> + use<> {
    let addresses = Rc::new(OnceCell::new());
    let names = reading.names(At::Sys, format_args!("class/net"));
    let reading = reading.clone();
    names.into_iter().map(move |name| {
        // The folder has files too, such as bonding_masters.
        let index = reading.number(At::Sys, format_args!("class/net/{name}/ifindex"))?;
        Some(Interface { name, index, addresses: addresses.clone() })
    })
}

impl Interface {
    pub(super) fn text(&self, reading: &Reading, file: &str) -> Option<Arc<str>> {
        reading.text(At::Sys, format_args!("class/net/{}/{file}", self.name)).map(Into::into)
    }

    pub(super) fn number(&self, reading: &Reading, file: &str) -> Option<u32> {
        reading.number(At::Sys, format_args!("class/net/{}/{file}", self.name))
    }

    /// The last part of where a link leads.
    pub(super) fn link(&self, reading: &Reading, link: &str) -> Option<Arc<str>> {
        let target = reading.link(At::Sys, format_args!("class/net/{}/{link}", self.name)).ok()?;
        Some(target.file_name()?.to_str()?.into())
    }

    pub(super) fn has(&self, reading: &Reading, entry: &str) -> bool {
        reading.exists(At::Sys, format_args!("class/net/{}/{entry}", self.name))
    }

    /// The address of the hardware, in capitals; an interface without hardware has none but zeros.
    pub(super) fn hardware_address(&self, reading: &Reading) -> Option<Arc<str>> {
        let address = self.text(reading, "address")?;
        let is_told = address.bytes().any(|byte| !matches!(byte, b'0' | b':'));
        is_told.then(|| address.to_ascii_uppercase().into())
    }

    /// Bits in a second; a link that is down, or virtual, has no speed.
    pub(super) fn speed(&self, reading: &Reading) -> Option<u64> {
        let megabits: i64 = reading.number(At::Sys, format_args!("class/net/{}/speed", self.name))?;
        u64::try_from(megabits).ok().filter(|megabits| *megabits > 0)?.checked_mul(1_000_000)
    }

    pub(super) fn is_enabled(&self, reading: &Reading) -> Option<bool> {
        let flags = self.text(reading, "flags")?;
        Some(u32::from_str_radix(flags.trim_start_matches("0x"), 16).ok()? & IS_UP != 0)
    }

    /// 2 for connected, 7 for switched on without a carrier, 0 for switched off.
    pub(super) fn status(&self, reading: &Reading) -> Option<u16> {
        if !self.is_enabled(reading)? {
            return Some(0);
        }
        Some(if self.number(reading, "carrier")? == 1 { 2 } else { 7 })
    }

    /// The kind of network, in the numbers of the texts.
    pub(super) fn kind(&self, reading: &Reading) -> Option<u16> {
        let is_wireless = self.has(reading, "phy80211") || self.has(reading, "wireless");
        match self.number(reading, "type")? {
            _ if is_wireless => Some(9),
            ETHERNET => Some(0),
            _ => None,
        }
    }

    pub(super) fn is_loopback(&self, reading: &Reading) -> bool {
        self.number(reading, "type") == Some(LOOPBACK)
    }

    /// Its addresses; the kernel of this machine is asked, for no file has them all.
    pub(super) fn addresses(&self, reading: &Reading) -> Option<impl Iterator<Item = &Address>> {
        let ask = || if reading.is_this() { netlink::addresses() } else { None };
        let addresses = self.addresses.get_or_init(ask).as_ref()?;
        Some(addresses.iter().filter(|address| address.interface == self.index))
    }
}

/// The mask of an address of IPv4; of one of IPv6, the length of its prefix, as the texts have it.
pub(super) fn mask(address: &Address) -> String {
    match address.address {
        IpAddr::V4(_) => {
            let bits = u32::MAX.checked_shl(32 - u32::from(address.prefix.min(32))).unwrap_or(0);
            std::net::Ipv4Addr::from(bits).to_string()
        }
        IpAddr::V6(_) => address.prefix.to_string(),
    }
}
