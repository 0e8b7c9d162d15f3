//! Reading paths.
//!
//! Floor 5. Pure. One pass over the bytes; every error carries its place.

use super::{KEYS_MAX, KeyValue, NamespacePath, ObjectPath, PATH_BYTES_MAX, PathError, PathErrorKind, PathKeys};
use crate::wbem::fold;

/// Reads a path of any form.
pub(super) fn parse(text: &str) -> Result<ObjectPath, PathError> {
    if text.len() > PATH_BYTES_MAX {
        return Err(PathError { position: PATH_BYTES_MAX, kind: PathErrorKind::TooLong });
    }
    let mut namespace = None;
    let mut position = 0;
    // A colon that follows a key's value is part of the value, as in `Disk="C:"`.
    let end = text.find([':', '"', '\'', '=']).unwrap_or(text.len());
    if text[end..].starts_with(':') {
        namespace = Some(NamespacePath::parse(&text[..end])?);
        position = end + 1;
    } else if text.starts_with(['\\', '/']) {
        return Err(PathError { position: end, kind: PathErrorKind::Expected("a colon and the name of a class") });
    }
    let mut reader = Reader { text, position };
    let class = reader.identifier("the name of a class")?.into();
    let keys = reader.keys()?;
    match reader.peek() {
        None => Ok(ObjectPath { namespace, class, keys }),
        Some(_) => reader.expected("the end of the path"),
    }
}

/// Checks that the last of `named` is none of those before it, and not one too many.
pub(super) fn check_last_key(named: &[(Box<str>, KeyValue)], position: usize) -> Result<(), PathError> {
    let Some(((last, _), before)) = named.split_last() else { return Ok(()) };
    if before.len() >= KEYS_MAX {
        return Err(PathError { position, kind: PathErrorKind::TooLong });
    }
    match before.iter().any(|(name, _)| fold::equal(name, last)) {
        true => Err(PathError { position, kind: PathErrorKind::RepeatedKey(last.clone()) }),
        false => Ok(()),
    }
}

/// The character that a percent sign and two digits at the beginning of `text` stand for.
///
/// Only blanks, control characters and the percent sign itself are written so: the rest of the
/// letters stand for themselves, and a file's name may well have a percent sign.
pub(super) fn percent(text: &str) -> Option<char> {
    let digits =
        text.strip_prefix('%')?.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let number = u8::from_str_radix(digits, 16).ok()?;
    matches!(number, 0..=0x20 | b'%').then_some(char::from(number))
}

/// A place in the text, and what is read from there on.
struct Reader<'t> {
    text: &'t str,
    position: usize,
}

impl<'t> Reader<'t> {
    /// The byte at the place.
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    /// Steps over `byte`, if it stands here.
    fn take(&mut self, byte: u8) -> bool {
        let is_here = self.peek() == Some(byte);
        self.position += usize::from(is_here);
        is_here
    }

    /// Steps over the bytes that are of a kind, and returns them.
    fn take_while(&mut self, is_wanted: impl Fn(u8) -> bool) -> &'t str {
        let rest = &self.text[self.position..];
        let taken = rest.bytes().position(|byte| !is_wanted(byte)).map_or(rest, |end| &rest[..end]);
        self.position += taken.len();
        taken
    }

    /// The error of something else standing here.
    fn expected<T>(&self, expected: &'static str) -> Result<T, PathError> {
        Err(PathError { position: self.position, kind: PathErrorKind::Expected(expected) })
    }

    /// Reads a name.
    fn identifier(&mut self, what: &'static str) -> Result<&'t str, PathError> {
        if !self.peek().is_some_and(fold::is_identifier_start) {
            return self.expected(what);
        }
        Ok(self.take_while(fold::is_identifier_byte))
    }

    /// Reads what follows the class.
    fn keys(&mut self) -> Result<PathKeys, PathError> {
        if self.take(b'=') {
            return if self.take(b'@') { Ok(PathKeys::Singleton) } else { self.value().map(PathKeys::Unnamed) };
        }
        if !self.take(b'.') {
            return match self.peek() {
                None => Ok(PathKeys::None),
                Some(_) => self.expected("`.`, `=` or the end of the path"),
            };
        }
        let mut named = Vec::new();
        loop {
            let position = self.position;
            let name = self.identifier("the name of a key")?.into();
            if !self.take(b'=') {
                return self.expected("`=`");
            }
            named.push((name, self.value()?));
            check_last_key(&named, position)?;
            if !self.take(b',') {
                return Ok(PathKeys::Named(named));
            }
        }
    }

    /// Reads the value of a key.
    fn value(&mut self) -> Result<KeyValue, PathError> {
        match self.peek() {
            Some(quote @ (b'"' | b'\'')) => self.string(quote),
            Some(b'0'..=b'9' | b'+' | b'-') => self.number(),
            Some(first) if fold::is_identifier_start(first) => {
                let position = self.position;
                match self.take_while(fold::is_identifier_byte) {
                    word if word.eq_ignore_ascii_case("true") => Ok(KeyValue::Boolean(true)),
                    word if word.eq_ignore_ascii_case("false") => Ok(KeyValue::Boolean(false)),
                    _ => Err(PathError { position, kind: PathErrorKind::Expected("a text in quotes") }),
                }
            }
            _ => self.expected("the value of a key"),
        }
    }

    /// Reads a number in decimal or hexadecimal digits.
    fn number(&mut self) -> Result<KeyValue, PathError> {
        let position = self.position;
        let is_negative = self.peek() == Some(b'-');
        let _ = self.take(b'-') || self.take(b'+');
        let is_hexadecimal = matches!(self.text.get(self.position..self.position + 2), Some("0x" | "0X"));
        self.position += if is_hexadecimal { 2 } else { 0 };
        let radix = if is_hexadecimal { 16 } else { 10 };
        let digits = self.take_while(|byte| char::from(byte).is_digit(radix));
        if digits.is_empty() {
            return self.expected("a digit");
        }
        let too_large = PathError { position, kind: PathErrorKind::NumberTooLarge };
        let magnitude = u64::from_str_radix(digits, radix).map_err(|_| too_large.clone())?;
        let number = if is_negative { -i128::from(magnitude) } else { magnitude.into() };
        if number < i64::MIN.into() {
            return Err(too_large);
        }
        Ok(KeyValue::Integer(number))
    }

    /// Reads a text up to the quote that it began with.
    fn string(&mut self, quote: u8) -> Result<KeyValue, PathError> {
        let start = self.position;
        let body = start + 1;
        let mut value = String::new();
        let mut letters = self.text[body..].char_indices();
        while let Some((offset, letter)) = letters.next() {
            let position = body + offset;
            match letter {
                '\\' => match letters.next() {
                    Some((_, escaped @ ('\\' | '"' | '\''))) => value.push(escaped),
                    _ => return Err(PathError { position, kind: PathErrorKind::Escape }),
                },
                '\0'..='\x1f' => return Err(PathError { position, kind: PathErrorKind::ControlCharacter }),
                '%' => match percent(&self.text[position..]) {
                    Some(character) => {
                        value.push(character);
                        letters.nth(1);
                    }
                    None => value.push('%'),
                },
                _ if letter == char::from(quote) => {
                    self.position = position + 1;
                    return Ok(KeyValue::String(value.into()));
                }
                _ => value.push(letter),
            }
        }
        Err(PathError { position: start, kind: PathErrorKind::UnclosedQuote })
    }
}
