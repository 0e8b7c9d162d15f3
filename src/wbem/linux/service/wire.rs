//! Messages of the D-Bus, as its specification has them: those that are sent, and as much of those that
//! come as the questions here need.
//!
//! Floor 5. Pure: bytes in, bytes out. What does not read is nothing, never a panic.

use std::ops::Range;

/// The longest message that is read; the specification allows 128 MiB.
pub(super) const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The fixed part of a header.
const HEADER_BYTES: usize = 16;

/// Kinds of messages.
const CALL: u8 = 1;
const RETURN: u8 = 2;
const ERROR: u8 = 3;

/// The flag of a call for whose sake no program is to be started.
const NO_AUTO_START: u8 = 2;

/// Fields of headers.
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;

/// What is called: an object of a program, and a method of one of its interfaces.
pub(super) struct Method<'m> {
    pub(super) destination: &'m str,
    pub(super) path: &'m str,
    pub(super) interface: &'m str,
    pub(super) name: &'m str,
}

/// An answer to a call.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    /// The number of the call.
    pub(super) serial: u32,
    /// The name of the error, if it is one.
    pub(super) error: Option<String>,
    /// The types of the body, as the D-Bus writes them.
    pub(super) signature: String,
    pub(super) body: Body,
}

/// The values of a message, read from the front.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Body {
    bytes: Vec<u8>,
    place: usize,
    is_little: bool,
}

/// Writes a call whose arguments are texts.
pub(super) fn call(serial: u32, method: &Method<'_>, arguments: &[&str]) -> Vec<u8> {
    let mut body = Vec::new();
    arguments.iter().for_each(|argument| put_text(&mut body, argument));
    let mut fields = Vec::new();
    let texts = [
        (PATH, 'o', method.path),
        (INTERFACE, 's', method.interface),
        (MEMBER, 's', method.name),
        (DESTINATION, 's', method.destination),
    ];
    for (field, kind, text) in texts {
        align(&mut fields, 8);
        fields.extend_from_slice(&[field, 1, kind as u8, 0]);
        put_text(&mut fields, text);
    }
    if !arguments.is_empty() {
        align(&mut fields, 8);
        fields.extend_from_slice(&[SIGNATURE, 1, b'g', 0, arguments.len() as u8]);
        fields.extend(arguments.iter().map(|_| b's'));
        fields.push(0);
    }
    let mut message = vec![b'l', CALL, NO_AUTO_START, 1];
    for number in [body.len() as u32, serial, fields.len() as u32] {
        message.extend_from_slice(&number.to_le_bytes());
    }
    message.extend_from_slice(&fields);
    align(&mut message, 8);
    message.extend_from_slice(&body);
    message
}

/// The length of the message that begins here: `Ok(None)` if too little of it is there to tell.
pub(super) fn length(bytes: &[u8]) -> Result<Option<usize>, &'static str> {
    let Some(header) = bytes.get(..HEADER_BYTES) else { return Ok(None) };
    let is_little = match header[0] {
        b'l' => true,
        b'B' => false,
        _ => return Err("a message has no known order of bytes"),
    };
    let number = |place| number(header, place, is_little).unwrap_or(u32::MAX) as usize;
    let (body, fields) = (number(4), number(12));
    if body > MESSAGE_BYTES_MAX || fields > MESSAGE_BYTES_MAX {
        return Err("a message is too long");
    }
    Ok(Some((HEADER_BYTES + fields).next_multiple_of(8) + body))
}

/// Reads a whole message; `None` if it answers nothing.
pub(super) fn answer(message: &[u8]) -> Option<Answer> {
    let is_little = message.first() == Some(&b'l');
    let kind = *message.get(1)?;
    let fields = HEADER_BYTES..HEADER_BYTES + number(message, 12, is_little)? as usize;
    let mut answer = Answer {
        serial: 0,
        error: None,
        signature: String::new(),
        body: Body { bytes: message.get(fields.end.next_multiple_of(8)..)?.to_vec(), place: 0, is_little },
    };
    let mut header = Body { bytes: message.get(..fields.end)?.to_vec(), place: fields.start, is_little };
    while header.place < header.bytes.len() {
        header.align(8)?;
        let field = header.byte()?;
        match (field, &*header.signature()?) {
            (REPLY_SERIAL, "u") => answer.serial = header.number()?,
            (ERROR_NAME, "s") => answer.error = Some(header.text()?),
            (SIGNATURE, "g") => answer.signature = header.signature()?,
            (_, "s" | "o") => drop(header.text()?),
            (_, "g") => drop(header.signature()?),
            (_, "u") => drop(header.number()?),
            _ => return None,
        }
    }
    match kind {
        RETURN => Some(Answer { error: None, ..answer }),
        ERROR => answer.error.is_some().then_some(answer),
        _ => None,
    }
}

impl Body {
    /// Goes on to where a value of this alignment may be.
    pub(super) fn align(&mut self, to: usize) -> Option<()> {
        self.place = self.place.next_multiple_of(to);
        (self.place <= self.bytes.len()).then_some(())
    }

    fn take(&mut self, length: usize) -> Option<Range<usize>> {
        let end = self.place.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        let range = self.place..end;
        self.place = end;
        Some(range)
    }

    fn byte(&mut self) -> Option<u8> {
        let range = self.take(1)?;
        Some(self.bytes[range.start])
    }

    /// A number of 32 bits; one with a sign is the same bits.
    pub(super) fn number(&mut self) -> Option<u32> {
        self.align(4)?;
        let range = self.take(4)?;
        number(&self.bytes, range.start, self.is_little)
    }

    /// A text or the path of an object.
    pub(super) fn text(&mut self) -> Option<String> {
        let length = self.number()? as usize;
        let range = self.take(length)?;
        self.take(1)?;
        String::from_utf8(self.bytes[range].to_vec()).ok()
    }

    /// Types, of a variant too.
    pub(super) fn signature(&mut self) -> Option<String> {
        let length = self.byte()?.into();
        let range = self.take(length)?;
        self.take(1)?;
        String::from_utf8(self.bytes[range].to_vec()).ok()
    }

    /// Every element of an array, which are aligned so.
    pub(super) fn array<T>(&mut self, alignment: usize, element: impl Fn(&mut Body) -> Option<T>) -> Option<Vec<T>> {
        let length = self.number()? as usize;
        self.align(alignment)?;
        let end = self.take(length)?.end;
        self.place = end - length;
        let mut elements = Vec::new();
        while self.place < end {
            self.align(alignment)?;
            elements.push(element(self)?);
        }
        Some(elements)
    }
}

fn number(bytes: &[u8], place: usize, is_little: bool) -> Option<u32> {
    let bytes = bytes.get(place..place + 4)?.try_into().ok()?;
    Some(if is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
}

fn align(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    align(bytes, 4);
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_as_the_specification_has_it() {
        let method = Method { destination: "d.e", path: "/p", interface: "i.f", name: "M" };
        let message = call(7, &method, &["ab"]);
        let expected = b"l\x01\x02\x01\x07\0\0\0\x07\0\0\0\x47\0\0\0\
            \x01\x01o\0\x02\0\0\0/p\0\0\0\0\0\0\
            \x02\x01s\0\x03\0\0\0i.f\0\0\0\0\0\
            \x03\x01s\0\x01\0\0\0M\0\0\0\0\0\0\0\
            \x06\x01s\0\x03\0\0\0d.e\0\0\0\0\0\
            \x08\x01g\0\x01s\0\0\x02\0\0\0ab\0";
        assert_eq!(message, expected);
        assert_eq!(length(&message), Ok(Some(message.len())));
        assert_eq!((length(&message[..15]), answer(&message)), (Ok(None), None));
    }

    /// An answer of numbers in either order of bytes.
    fn reply(is_little: bool, kind: u8, fields: &[u8], body: &[u8]) -> Vec<u8> {
        let number = |number: u32| if is_little { number.to_le_bytes() } else { number.to_be_bytes() };
        let mut message = vec![if is_little { b'l' } else { b'B' }, kind, 0, 1];
        for part in [body.len() as u32, 1, fields.len() as u32] {
            message.extend_from_slice(&number(part));
        }
        message.extend_from_slice(fields);
        align(&mut message, 8);
        [&message[..], body].concat()
    }

    #[test]
    fn answers_in_both_orders_of_bytes() {
        let little = reply(
            true,
            RETURN,
            b"\x05\x01u\0\x09\0\0\0\x08\x01g\0\x03aus\0",
            b"\x08\0\0\0\x01\0\0\0\x02\0\0\0\x01\0\0\0x\0",
        );
        let big = reply(
            false,
            RETURN,
            b"\x05\x01u\0\0\0\0\x09\x08\x01g\0\x03aus\0",
            b"\0\0\0\x08\0\0\0\x01\0\0\0\x02\0\0\0\x01x\0",
        );
        for message in [little, big] {
            assert_eq!(length(&message), Ok(Some(message.len())));
            let mut answer = answer(&message).unwrap();
            assert_eq!((answer.serial, &*answer.signature, &answer.error), (9, "aus", &None));
            assert_eq!(answer.body.array(4, Body::number), Some(vec![1, 2]));
            assert_eq!((answer.body.text().as_deref(), answer.body.text()), (Some("x"), None));
        }
        let error = reply(true, ERROR, b"\x05\x01u\0\x09\0\0\0\x04\x01s\0\x03\0\0\0a.b\0", b"");
        assert_eq!(answer(&error).unwrap().error.as_deref(), Some("a.b"));
    }

    #[test]
    fn bytes_that_are_no_message_are_nothing() {
        let message = reply(true, RETURN, b"\x05\x01u\0\x09\0\0\0\x08\x01g\0\x02as\0", b"\x06\0\0\0\x01\0\0\0x\0");
        for cut in 0..message.len() {
            let _ = answer(&message[..cut]).and_then(|mut answer| answer.body.array(4, Body::text));
        }
        for place in 0..message.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut broken = message.clone();
                broken[place] = byte;
                let _ = length(&broken);
                let _ = answer(&broken).and_then(|mut answer| answer.body.array(4, Body::text));
            }
        }
        assert!(length(&[b'x'; 16]).is_err() && length(b"l\x01\0\x01\xff\xff\xff\xff\0\0\0\0\0\0\0\0").is_err());
    }
}
