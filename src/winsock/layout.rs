//! The bytes of an answer, as a C program of this machine reads them.
//!
//! Floor 5. Pure. The order is that of Windows XP and later: the structure, the array of pointers to
//! aliases, the array of pointers to addresses, the addresses, the aliases, and what is left of the names. Offsets
//! are counted from the buffer's start, so the size does not depend on where the buffer is.

use super::answer::{ADDRESS_BYTES, AF_INET, Answer};

/// The size of a pointer.
const POINTER: usize = size_of::<usize>();

/// `struct servent` has its protocol before the port where pointers have 64 bits, and behind it elsewhere.
const PROTOCOL_BEFORE_PORT: bool = POINTER == 8;

/// What is the same in the three structures: what their pointers point to.
struct Parts<'a> {
    name: &'a str,
    aliases: &'a [String],
    addresses: Option<&'a [std::net::Ipv4Addr]>,
    protocol: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(answer: &'a Answer) -> Parts<'a> {
        match answer {
            Answer::Host(host) => {
                let (addresses, protocol) = (Some(&*host.addresses), None);
                Parts { name: &host.name, aliases: &host.aliases, addresses, protocol }
            }
            Answer::Service(service) => {
                let (addresses, protocol) = (None, Some(&*service.protocol));
                Parts { name: &service.name, aliases: &service.aliases, addresses, protocol }
            }
            Answer::Protocol(protocol) => {
                Parts { name: &protocol.name, aliases: &protocol.aliases, addresses: None, protocol: None }
            }
        }
    }

    /// The size of the structure: pointers, and two short numbers or one, rounded up.
    fn head(&self) -> usize {
        let pointers = 2 + usize::from(self.addresses.is_some()) + usize::from(self.protocol.is_some());
        let shorts = if self.addresses.is_some() { 2 } else { 1 };
        pointers * POINTER + (shorts * size_of::<i16>()).next_multiple_of(POINTER)
    }
}

/// The size of a text with its final zero.
fn text_size(text: &str) -> usize {
    text.len() + 1
}

pub(super) fn size(answer: &Answer) -> usize {
    let parts = Parts::of(answer);
    let addresses = parts.addresses.map_or(0, |all| (all.len() + 1) * POINTER + all.len() * ADDRESS_BYTES);
    let aliases: usize = parts.aliases.iter().map(|alias| POINTER + text_size(alias)).sum();
    let texts = text_size(parts.name) + parts.protocol.map_or(0, text_size);
    parts.head() + POINTER + aliases + addresses + texts
}

/// Writes an answer into a buffer of just its [`size`].
pub(super) fn write(answer: &Answer, buffer: &mut [u8]) {
    let parts = Parts::of(answer);
    let alias_array = parts.head();
    let address_array = alias_array + (parts.aliases.len() + 1) * POINTER;
    let address_count = parts.addresses.map_or(0, <[_]>::len);
    let addresses = address_array + parts.addresses.map_or(0, |all| (all.len() + 1) * POINTER);
    let mut writer = Writer { base: buffer.as_ptr() as usize, buffer };
    writer.buffer.fill(0);

    for (index, address) in parts.addresses.into_iter().flatten().enumerate() {
        let place = addresses + index * ADDRESS_BYTES;
        writer.bytes(place, &address.octets());
        writer.pointer(address_array + index * POINTER, place);
    }
    let mut place = addresses + address_count * ADDRESS_BYTES;
    for (index, alias) in parts.aliases.iter().enumerate() {
        writer.pointer(alias_array + index * POINTER, place);
        place = writer.text(place, alias);
    }
    writer.pointer(0, place);
    place = writer.text(place, parts.name);
    writer.pointer(POINTER, alias_array);
    match answer {
        Answer::Host(_) => {
            writer.short(2 * POINTER, AF_INET as u16);
            writer.short(2 * POINTER + 2, ADDRESS_BYTES as u16);
            // Behind two short numbers, at the next place for a pointer.
            writer.pointer((2 * POINTER + 4).next_multiple_of(POINTER), address_array);
        }
        Answer::Service(service) => {
            let (port_at, protocol_at) = match PROTOCOL_BEFORE_PORT {
                true => (3 * POINTER, 2 * POINTER),
                false => (2 * POINTER, 3 * POINTER),
            };
            writer.short(port_at, service.port);
            writer.pointer(protocol_at, place);
            writer.text(place, &service.protocol);
        }
        Answer::Protocol(protocol) => writer.short(2 * POINTER, protocol.number as u16),
    }
}

struct Writer<'a> {
    /// The address of the buffer, from which pointers are made.
    base: usize,
    buffer: &'a mut [u8],
}

impl Writer<'_> {
    fn bytes(&mut self, place: usize, bytes: &[u8]) {
        self.buffer[place..place + bytes.len()].copy_from_slice(bytes);
    }

    /// Writes a text, whose final zero is there already, and gives the place behind it.
    fn text(&mut self, place: usize, text: &str) -> usize {
        self.bytes(place, text.as_bytes());
        place + text_size(text)
    }

    fn short(&mut self, place: usize, number: u16) {
        self.bytes(place, &number.to_ne_bytes());
    }

    fn pointer(&mut self, place: usize, target: usize) {
        self.bytes(place, &(self.base + target).to_ne_bytes());
    }
}
