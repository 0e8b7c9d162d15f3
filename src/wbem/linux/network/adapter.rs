//! Win32_NetworkAdapter and Win32_NetworkAdapterConfiguration: an interface as a device and as an end of IP.
//!
//! Floor 5.

use std::rc::Rc;

use super::super::fields;
use super::super::machine::{At, Machine};
use super::super::reading::Reading;
use super::super::schema::Schema;
use super::super::table::{Column, Definition, LinuxClass, UNITS_PER_STEP};
use super::interface::{self, Interface};
use super::routes;
use crate::wbem::cim_type::CimType;

const NOT_TOLD: &str = "NULL: the kernel does not tell";
const NO_LEASE: &str = "NULL: each DHCP client keeps its leases in its own way";
const NO_WINS: &str = "NULL: Linux itself does not speak NetBIOS";

const ADAPTER: &[Column<Interface>] = &[
    Column::text("AdapterType", "AdapterTypeID in the words of the texts", |interface, reading| {
        match interface.kind(reading)? {
            9 => Some("Wireless".into()),
            _ => Some("Ethernet 802.3".into()),
        }
    }),
    Column::u16(
        "AdapterTypeID",
        "`type` and `phy80211` of the interface: 0 is Ethernet, 9 wireless, others NULL",
        |interface, reading| interface.kind(reading),
    ),
    Column::null("Availability", CimType::Uint16, NOT_TOLD),
    Column::text("Caption", "`/sys/class/net`, the interface's name", |interface, _| Some((&*interface.name).into())),
    Column::constant("CreationClassName", "Win32_NetworkAdapter"),
    Column::text("Description", "`/sys/class/net`, the interface's name", |interface, _| {
        Some((&*interface.name).into())
    }),
    Column::key(Column::text("DeviceID", "`ifindex` of the interface", |interface, _| {
        Some(interface.index.to_string().into())
    })),
    Column::null("GUID", CimType::String, "NULL: interfaces have none"),
    Column::u32("Index", "`ifindex` of the interface", |interface, _| Some(interface.index)),
    Column::null("InstallDate", CimType::DateTime, NOT_TOLD),
    Column::bool("Installed", "TRUE: the kernel lists it", |_, _| Some(true)),
    Column::u32("InterfaceIndex", "`ifindex` of the interface", |interface, _| Some(interface.index)),
    Column::text("MACAddress", "`address` of the interface; NULL for one that has none", |interface, reading| {
        interface.hardware_address(reading)
    }),
    Column::null("Manufacturer", CimType::String, "NULL: the kernel knows numbers, their names are elsewhere"),
    Column::null("MaxSpeed", CimType::Uint64, NOT_TOLD),
    Column::text("Name", "`/sys/class/net`, the interface's name", |interface, _| Some((&*interface.name).into())),
    Column::text("NetConnectionID", "`/sys/class/net`, the interface's name", |interface, _| {
        Some((&*interface.name).into())
    }),
    Column::u16(
        "NetConnectionStatus",
        "`flags` and `carrier` of the interface: 0 is switched off, 2 connected, 7 without a carrier",
        |interface, reading| interface.status(reading),
    ),
    Column::bool("NetEnabled", "`flags` of the interface, whether it is switched on", |interface, reading| {
        interface.is_enabled(reading)
    }),
    Column::null_array("NetworkAddresses", CimType::String, "NULL: they are those of the configuration"),
    Column::null("PermanentAddress", CimType::String, "NULL: no file has it"),
    Column::bool("PhysicalAdapter", "`device` of the interface, whether it is there", |interface, reading| {
        Some(interface.has(reading, "device"))
    }),
    Column::text("PNPDeviceID", "`device` of the interface, the last part of where it leads", |interface, reading| {
        interface.link(reading, "device")
    }),
    Column::null("ProductName", CimType::String, "NULL: the kernel knows numbers, their names are elsewhere"),
    Column::text(
        "ServiceName",
        "`device/driver` of the interface, the last part of where it leads",
        |interface, reading| interface.link(reading, "device/driver"),
    ),
    Column::u64(
        "Speed",
        "`speed` of the interface; bits in a second; NULL for one that is down or virtual",
        |interface, reading| interface.speed(reading),
    ),
    Column::null("Status", CimType::String, NOT_TOLD),
    Column::constant("SystemCreationClassName", "Win32_ComputerSystem"),
    Column::text("SystemName", "`/proc/sys/kernel/hostname`", |_, reading| reading.host_name()),
    Column::null("TimeOfLastReset", CimType::DateTime, NOT_TOLD),
];

const CONFIGURATION: &[Column<Interface>] = &[
    Column::text("Caption", "`/sys/class/net`, the interface's name", |interface, _| Some((&*interface.name).into())),
    Column::texts(
        "DefaultIPGateway",
        "`/proc/net/route` and `/proc/net/ipv6_route`, gateways to everywhere; NULL for none",
        |interface, reading| some(gateways(interface, reading).map(|(address, _)| address)),
    ),
    Column::u8("DefaultTTL", "`/proc/sys/net/ipv4/ip_default_ttl`", |_, reading| {
        reading.number(At::Proc, format_args!("sys/net/ipv4/ip_default_ttl"))
    }),
    Column::text("Description", "`/sys/class/net`, the interface's name", |interface, _| {
        Some((&*interface.name).into())
    }),
    Column::null("DHCPEnabled", CimType::Boolean, NO_LEASE),
    Column::null("DHCPLeaseExpires", CimType::DateTime, NO_LEASE),
    Column::null("DHCPLeaseObtained", CimType::DateTime, NO_LEASE),
    Column::null("DHCPServer", CimType::String, NO_LEASE),
    Column::null("DNSDomain", CimType::String, "NULL: a machine has search lists and no domain of an interface"),
    Column::texts(
        "DNSDomainSuffixSearchOrder",
        "`search` of `/etc/resolv.conf`, which is the machine's; NULL for the loopback and without addresses",
        |interface, reading| resolver(interface, reading, b"search"),
    ),
    Column::text("DNSHostName", "`/proc/sys/kernel/hostname` up to its first dot", |_, reading| {
        Some(reading.host_name()?.split('.').next()?.into())
    }),
    Column::texts(
        "DNSServerSearchOrder",
        "`nameserver` of `/etc/resolv.conf`, which are the machine's; NULL for the loopback and without addresses",
        |interface, reading| resolver(interface, reading, b"nameserver"),
    ),
    Column::u16s(
        "GatewayCostMetric",
        "`/proc/net/route` and `/proc/net/ipv6_route`, the metrics of DefaultIPGateway",
        metrics,
    ),
    Column::key(Column::u32("Index", "`ifindex` of the interface", |interface, _| Some(interface.index))),
    Column::u32("InterfaceIndex", "`ifindex` of the interface", |interface, _| Some(interface.index)),
    Column::texts("IPAddress", "rtnetlink(7); NULL for none", |interface, reading| {
        some(interface.addresses(reading)?.map(|address| address.address.to_string()))
    }),
    Column::null("IPConnectionMetric", CimType::Uint32, "NULL: metrics are those of routes"),
    Column::bool("IPEnabled", "rtnetlink(7), whether there is an address", |interface, reading| {
        Some(interface.addresses(reading)?.next().is_some())
    }),
    Column::texts(
        "IPSubnet",
        "rtnetlink(7): the mask of an address of IPv4, the length of the prefix of one of IPv6",
        |interface, reading| some(interface.addresses(reading)?.map(interface::mask)),
    ),
    Column::text("MACAddress", "`address` of the interface; NULL for one that has none", |interface, reading| {
        interface.hardware_address(reading)
    }),
    Column::u32("MTU", "`mtu` of the interface; bytes", |interface, reading| interface.number(reading, "mtu")),
    Column::text(
        "ServiceName",
        "`device/driver` of the interface, the last part of where it leads",
        |interface, reading| interface.link(reading, "device/driver"),
    ),
    Column::text("SettingID", "`/sys/class/net`, the interface's name", |interface, _| Some((&*interface.name).into())),
    Column::null("WINSPrimaryServer", CimType::String, NO_WINS),
    Column::null("WINSSecondaryServer", CimType::String, NO_WINS),
];

/// Both classes.
pub(super) fn sources(machine: &Rc<Machine>, schema: &Schema) -> Vec<LinuxClass> {
    let adapter = Definition {
        name: "Win32_NetworkAdapter",
        parent: "CIM_NetworkAdapter",
        about: "The interfaces of the network, real and virtual ones.",
        columns: ADAPTER,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    let configuration = Definition {
        name: "Win32_NetworkAdapterConfiguration",
        parent: "CIM_Setting",
        about: "What the interfaces of the network are to IP.",
        columns: CONFIGURATION,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    vec![
        LinuxClass::new(machine, schema, &adapter, |reading, _| Ok(Box::new(interface::all(reading)))),
        LinuxClass::new(machine, schema, &configuration, |reading, _| Ok(Box::new(interface::all(reading)))),
    ]
}

/// The texts, if there are any.
fn some(texts: impl Iterator<Item = String>) -> Option<Vec<String>> {
    Some(texts.collect::<Vec<_>>()).filter(|texts| !texts.is_empty())
}

fn gateways(interface: &Interface, reading: &Reading) -> impl Iterator<Item = (String, u32)> {
    let gateways = routes::default_gateways(reading, &interface.name);
    gateways.into_iter().map(|(address, metric)| (address.to_string(), metric))
}

fn metrics(interface: &Interface, reading: &Reading) -> Option<Vec<u16>> {
    let metrics: Vec<_> = gateways(interface, reading).map(|(_, metric)| metric).collect();
    if metrics.is_empty() {
        return None;
    }
    metrics.into_iter().map(|metric| metric.try_into().ok()).collect()
}

/// The words behind a word of resolv.conf(5).
fn resolver(interface: &Interface, reading: &Reading, keyword: &[u8]) -> Option<Vec<String>> {
    if interface.is_loopback(reading) || interface.addresses(reading)?.next().is_none() {
        return None;
    }
    let find = |file: &[u8]| {
        let lines = fields::lines(file).filter_map(|line| {
            let mut words = fields::words(line);
            (words.next() == Some(keyword)).then(|| words.map(fields::text).collect::<Vec<_>>())
        });
        let mut lines: Vec<_> = lines.collect();
        match keyword {
            // The last list counts, and each server has a line of its own.
            b"search" => lines.pop().unwrap_or_default(),
            _ => lines.into_iter().filter_map(|words| words.into_iter().next()).collect(),
        }
    };
    some(reading.read(At::Etc, format_args!("resolv.conf"), find).ok()?.into_iter())
}
