//! The addresses of interfaces, asked of the kernel through rtnetlink(7): no file has them all.
//!
//! Floor 5. The kernel has answered when the question is sent, so nothing waits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

/// An address of an interface.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Address {
    pub(super) interface: u32,
    pub(super) address: IpAddr,
    /// How many of its first bits are the network's.
    pub(super) prefix: u8,
}

/// The most bytes of an answer that are read; the kernel sends pieces of at most 32 KiB.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
const PIECE_BYTES: usize = 32 * 1024;

/// Numbers of rtnetlink(7) and netlink(7).
const HEADER_BYTES: usize = 16;
const ADDRESS_HEADER_BYTES: usize = 8;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const NEW_ADDRESS: u16 = 20;
const GET_ADDRESS: u16 = 22;
const REQUEST_DUMP: u16 = 0x301;
const ATTRIBUTE_ADDRESS: u16 = 1;
const ATTRIBUTE_LOCAL: u16 = 2;

/// The addresses of all interfaces; `None` if the kernel does not tell.
pub(super) fn addresses() -> Option<Vec<Address>> {
    // Without a protocol it is the first, which is that of routes.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None).ok()?;
    let mut question = Vec::with_capacity(HEADER_BYTES + ADDRESS_HEADER_BYTES);
    question.extend_from_slice(&((HEADER_BYTES + ADDRESS_HEADER_BYTES) as u32).to_ne_bytes());
    question.extend_from_slice(&GET_ADDRESS.to_ne_bytes());
    question.extend_from_slice(&REQUEST_DUMP.to_ne_bytes());
    question.resize(HEADER_BYTES + ADDRESS_HEADER_BYTES, 0);
    send(&socket, &question, SendFlags::empty()).ok()?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut addresses = Vec::new();
    for _ in 0..ANSWER_BYTES_MAX / PIECE_BYTES {
        let (length, _) = recv(&socket, &mut piece[..], RecvFlags::DONTWAIT).ok()?;
        if parse(piece.get(..length)?, &mut addresses)? {
            return Some(addresses);
        }
    }
    None
}

/// Reads a piece of the answer; says whether it was the last. `None` if it is none.
fn parse(mut piece: &[u8], addresses: &mut Vec<Address>) -> Option<bool> {
    while piece.len() >= HEADER_BYTES {
        let length = u32::from_ne_bytes(piece[..4].try_into().ok()?) as usize;
        let kind = u16::from_ne_bytes(piece[4..6].try_into().ok()?);
        let body = piece.get(HEADER_BYTES..length)?;
        match kind {
            DONE => return Some(true),
            ERROR => return None,
            NEW_ADDRESS => addresses.extend(address(body)),
            _ => {}
        }
        piece = piece.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(false)
}

/// The address of a message.
fn address(body: &[u8]) -> Option<Address> {
    let prefix = *body.get(1)?;
    let interface = u32::from_ne_bytes(body.get(4..ADDRESS_HEADER_BYTES)?.try_into().ok()?);
    let mut attributes = body.get(ADDRESS_HEADER_BYTES..)?;
    let mut found = None;
    while attributes.len() >= 4 {
        let length = usize::from(u16::from_ne_bytes([attributes[0], attributes[1]]));
        let kind = u16::from_ne_bytes([attributes[2], attributes[3]]);
        let value = attributes.get(4..length)?;
        match kind {
            // Of a line between two, one is the other end's; the local one is ours.
            ATTRIBUTE_LOCAL => found = ip(value).or(found),
            ATTRIBUTE_ADDRESS => found = found.or_else(|| ip(value)),
            _ => {}
        }
        attributes = attributes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(Address { interface, address: found?, prefix })
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(Ipv4Addr::from).map(IpAddr::V4);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(Ipv6Addr::from).map(IpAddr::V6)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of the kernel.
    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = (HEADER_BYTES + body.len()) as u32;
        let mut message = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &[0; 10], body].concat();
        message.resize(message.len().next_multiple_of(4), 0);
        message
    }

    /// The body of a message about an interface's address, with attributes.
    fn body(interface: u32, prefix: u8, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = [&[2, prefix, 0, 0][..], &interface.to_ne_bytes()].concat();
        for (kind, value) in attributes {
            body.extend_from_slice(&(4 + value.len() as u16).to_ne_bytes());
            body.extend_from_slice(&kind.to_ne_bytes());
            body.extend_from_slice(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        body
    }

    #[test]
    fn an_answer_in_pieces() {
        let six = Ipv6Addr::LOCALHOST.octets();
        let first = [
            message(NEW_ADDRESS, &body(1, 8, &[(3, b"lo\0"), (ATTRIBUTE_ADDRESS, &[127, 0, 0, 1])])),
            message(16, b"something else"),
            message(
                NEW_ADDRESS,
                &body(4, 32, &[(ATTRIBUTE_LOCAL, &[10, 0, 0, 1]), (ATTRIBUTE_ADDRESS, &[10, 0, 0, 2])]),
            ),
        ];
        let second = [message(NEW_ADDRESS, &body(1, 128, &[(ATTRIBUTE_ADDRESS, &six)])), message(DONE, &[0; 4])];
        let mut addresses = Vec::new();
        assert_eq!(parse(&first.concat(), &mut addresses), Some(false));
        assert_eq!(parse(&second.concat(), &mut addresses), Some(true));
        let told: Vec<_> = addresses.iter().map(|a| (a.interface, a.address.to_string(), a.prefix)).collect();
        let expected = [(1, "127.0.0.1", 8), (4, "10.0.0.1", 32), (1, "::1", 128)];
        assert_eq!(told, expected.map(|(interface, address, prefix)| (interface, address.to_owned(), prefix)));
    }

    #[test]
    fn bytes_that_are_no_answer() {
        let whole = message(NEW_ADDRESS, &body(1, 8, &[(ATTRIBUTE_ADDRESS, &[127, 0, 0, 1])]));
        for length in 0..whole.len() {
            let mut addresses = Vec::new();
            let _ = parse(&whole[..length], &mut addresses);
            assert_eq!(addresses, [], "{length}");
        }
        for (place, byte) in [(0, 0), (0, 15), (0, 255), (24, 0), (24, 3), (24, 255)] {
            let mut broken = whole.clone();
            broken[place] = byte;
            let mut addresses = Vec::new();
            let _ = parse(&broken, &mut addresses);
            assert_eq!(addresses, [], "{place} {byte}");
        }
        assert_eq!(parse(&message(ERROR, &[0; 4]), &mut Vec::new()), None);
    }
}
