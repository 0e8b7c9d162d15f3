//! Where packets go: `/proc/net/route` and `/proc/net/ipv6_route`, as the kernel writes them; and
//! Win32_IP4RouteTable.
//!
//! Floor 5.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;

use super::super::fields;
use super::super::machine::{At, Machine};
use super::super::reading::Reading;
use super::super::schema::Schema;
use super::super::table::{Column, Definition, LinuxClass, Row, UNITS_PER_STEP};
use crate::wbem::cim_type::CimType;

/// The flag of a route that leads to a gateway, and that of one that refuses.
const GATEWAY: u32 = 0x2;
const REJECT: u32 = 0x200;

/// The numbers of kinds of routes in the texts.
const DIRECT: u32 = 3;
const INDIRECT: u32 = 4;

/// A route of the main table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Route {
    interface: String,
    destination: Ipv4Addr,
    gateway: Ipv4Addr,
    mask: Ipv4Addr,
    flags: u32,
    metric: u32,
}

/// A route with the number of its interface.
struct Numbered {
    route: Route,
    index: u32,
}

impl Row for Numbered {}

impl Route {
    fn parse(line: &[u8]) -> Option<Route> {
        let words: Vec<_> = fields::words(line).collect();
        // The kernel writes the address's bytes as one number of the machine.
        let address = |word: &[u8]| hexadecimal(word).map(|number| Ipv4Addr::from(number.to_ne_bytes()));
        let [interface, destination, gateway, flags, _, _, metric, mask, ..] = words[..] else { return None };
        Some(Route {
            interface: fields::text(interface),
            destination: address(destination)?,
            gateway: address(gateway)?,
            mask: address(mask)?,
            flags: hexadecimal(flags)?,
            metric: fields::number(metric)?,
        })
    }
}

/// The routes of IPv4; `None` if there is no such table.
pub(super) fn routes(reading: &Reading) -> Option<Vec<Route>> {
    reading.read(At::Proc, format_args!("net/route"), parse).ok()
}

/// The gateways to everywhere of an interface, each with its metric.
pub(super) fn default_gateways(reading: &Reading, interface: &str) -> Vec<(IpAddr, u32)> {
    let is_default =
        |route: &Route| route.interface == interface && route.mask.is_unspecified() && route.flags & GATEWAY != 0;
    let four = routes(reading).unwrap_or_default().into_iter().filter(is_default);
    let mut gateways: Vec<_> = four.map(|route| (IpAddr::V4(route.gateway), route.metric)).collect();
    let six = reading.read(At::Proc, format_args!("net/ipv6_route"), |file| six_gateways(file, interface));
    gateways.extend(six.unwrap_or_default());
    gateways
}

fn parse(file: &[u8]) -> Vec<Route> {
    let mut routes: Vec<_> = fields::lines(file).skip(1).filter_map(Route::parse).collect();
    routes.retain(|route| route.flags & REJECT == 0);
    // Of routes that differ by their metric only, the kernel takes that with the least.
    routes.sort_by_key(|route| route.metric);
    let mut seen = std::collections::HashSet::new();
    let key = |route: &Route| (route.interface.clone(), route.destination, route.mask, route.gateway);
    routes.retain(|route| seen.insert(key(route)));
    routes
}

/// The gateways to everywhere of IPv6: destination, length, source, length, gateway, metric, counters, flags, name.
fn six_gateways(file: &[u8], interface: &str) -> Vec<(IpAddr, u32)> {
    let gateway = |line: &[u8]| {
        let words: Vec<_> = fields::words(line).collect();
        let [destination, length, _, _, gateway, metric, _, _, flags, name] = words[..] else { return None };
        let is_everywhere = destination.iter().all(|digit| *digit == b'0') && length == b"00";
        let is_wanted = name == interface.as_bytes() && is_everywhere;
        let flags = hexadecimal(flags)?;
        if !is_wanted || flags & GATEWAY == 0 || flags & REJECT != 0 {
            return None;
        }
        let gateway = u128::from_str_radix(std::str::from_utf8(gateway).ok()?, 16).ok()?;
        Some((IpAddr::V6(Ipv6Addr::from(gateway)), hexadecimal(metric)?))
    };
    fields::lines(file).filter_map(gateway).collect()
}

fn hexadecimal(word: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()
}

const ONE_METRIC: &str = "NULL: a route has one metric";

const COLUMNS: &[Column<Numbered>] = &[
    Column::null("Age", CimType::Uint32, "NULL: the kernel does not keep it"),
    Column::text("Caption", "`/proc/net/route`, the destination", |row, _| {
        Some(row.route.destination.to_string().into())
    }),
    Column::text("Description", "destination, mask and gateway with hyphens between them", |row, _| {
        Some(format!("{} - {} - {}", row.route.destination, row.route.mask, row.route.gateway).into())
    }),
    Column::key(Column::text("Destination", "`/proc/net/route`, `Destination`", |row, _| {
        Some(row.route.destination.to_string().into())
    })),
    Column::null("InstallDate", CimType::DateTime, "NULL: the kernel does not keep it"),
    Column::key(Column::s32("InterfaceIndex", "`/sys/class/net/NAME/ifindex`", |row, _| row.index.try_into().ok())),
    Column::key(Column::text("Mask", "`/proc/net/route`, `Mask`", |row, _| Some(row.route.mask.to_string().into()))),
    Column::s32("Metric1", "`/proc/net/route`, `Metric`", |row, _| row.route.metric.try_into().ok()),
    Column::null("Metric2", CimType::Sint32, ONE_METRIC),
    Column::null("Metric3", CimType::Sint32, ONE_METRIC),
    Column::null("Metric4", CimType::Sint32, ONE_METRIC),
    Column::null("Metric5", CimType::Sint32, ONE_METRIC),
    Column::text("Name", "`/proc/net/route`, the destination", |row, _| Some(row.route.destination.to_string().into())),
    Column::key(Column::text(
        "NextHop",
        "`/proc/net/route`, `Gateway`; 0.0.0.0 for a network of the machine's own",
        |row, _| Some(row.route.gateway.to_string().into()),
    )),
    Column::null("Protocol", CimType::Uint32, "NULL: the file does not tell who made the route"),
    Column::null("Status", CimType::String, "NULL: a route has no health"),
    Column::u32("Type", "`/proc/net/route`, `Flags`: 3 is direct, 4 indirect", |row, _| {
        Some(if row.route.flags & GATEWAY == 0 { DIRECT } else { INDIRECT })
    }),
];

/// Win32_IP4RouteTable.
pub(super) fn source(machine: &Rc<Machine>, schema: &Schema) -> LinuxClass {
    let definition = Definition {
        name: "Win32_IP4RouteTable",
        parent: "CIM_LogicalElement",
        about: "The routes of the main table for IPv4, but for those that refuse. Of two that differ by their metric only, that with the lower one.",
        columns: COLUMNS,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    LinuxClass::new(machine, schema, &definition, |reading, _| {
        let routes = routes(reading).ok_or_else(|| Reading::no_source("`/proc/net/route`"))?;
        let reading = reading.clone();
        Ok(Box::new(routes.into_iter().map(move |route| {
            let index = reading.number(At::Sys, format_args!("class/net/{}/ifindex", route.interface))?;
            Some(Numbered { route, index })
        })))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR: &[u8] = b"\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t00000000\t010200C0\t0003\t0\t0\t50\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
*\t0000000A\t00000000\t0200\t0\t0\t0\t000000FF\t0\t0\t0
eth0\tnonsense
";

    const SIX: &[u8] = b"\
fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
";

    #[test]
    #[cfg(target_endian = "little")]
    fn routes_of_both_families() {
        let routes: Vec<_> = parse(FOUR)
            .into_iter()
            .map(|route| {
                (route.destination.to_string(), route.mask.to_string(), route.gateway.to_string(), route.metric)
            })
            .collect();
        let expected = [("192.0.2.0", "255.255.255.0", "0.0.0.0", 0), ("0.0.0.0", "0.0.0.0", "192.0.2.1", 50)];
        let expected = expected.map(|(to, mask, by, metric)| (to.to_owned(), mask.to_owned(), by.to_owned(), metric));
        assert_eq!(routes, expected);
        assert_eq!(six_gateways(SIX, "eth0"), [("fd00::1".parse().unwrap(), 0x400)]);
        assert_eq!(six_gateways(SIX, "lo"), []);
    }
}
