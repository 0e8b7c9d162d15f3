//! A query's text as tokens.
//!
//! Floor 5. Pure. A token is made when it is asked for; nothing is copied but texts with escapes.
//! Keywords are words like others here: which word is one depends on where it stands.

use std::borrow::Cow;

use super::ast::Operator;
use super::error::WqlErrorKind;
use crate::wbem::fold;

/// A piece of the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind<'q> {
    /// A name or a keyword.
    Word(&'q str),
    /// A text, without quotes and escapes.
    String(Cow<'q, str>),
    /// A number without fraction and exponent, in the range of 64 bits with or without sign.
    Integer(i128),
    /// Another number.
    Real(f64),
    /// A comparison.
    Operator(Operator),
    Comma,
    Dot,
    Star,
    Open,
    Close,
    OpenBrace,
    /// Something that no query has.
    Other,
    /// Behind the last byte.
    End,
}

/// A piece of the text and its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'q> {
    pub(super) kind: TokenKind<'q>,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A place in the text, and what is wrong there.
pub(super) type LexError = (usize, WqlErrorKind);

/// Walks over the text.
pub(super) struct Lexer<'q> {
    text: &'q str,
    position: usize,
}

impl<'q> Lexer<'q> {
    /// Begins at the first byte.
    pub(super) fn new(text: &'q str) -> Lexer<'q> {
        Lexer { text, position: 0 }
    }

    /// The next token.
    pub(super) fn token(&mut self) -> Result<Token<'q>, LexError> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.position), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.position += 1;
        }
        let start = self.position;
        let kind = match bytes.get(start).copied() {
            None => TokenKind::End,
            Some(first) if fold::is_identifier_start(first) => TokenKind::Word(self.word()),
            Some(quote @ (b'"' | b'\'')) => TokenKind::String(self.string(quote)?),
            Some(b'0'..=b'9') => self.number()?,
            Some(b'+' | b'-') if bytes.get(start + 1).is_some_and(u8::is_ascii_digit) => self.number()?,
            Some(first) => self.symbol(first),
        };
        Ok(Token { kind, start, end: self.position })
    }

    /// The text up to the closing brace, and its place; the opening brace, at `open`, is behind.
    ///
    /// A brace within quotes is part of the path.
    pub(super) fn path(&mut self, open: usize) -> Result<(&'q str, usize), LexError> {
        let start = self.position;
        let mut quote = None;
        let mut bytes = self.text.bytes().enumerate().skip(start);
        while let Some((position, byte)) = bytes.next() {
            match (quote, byte) {
                (None, b'}') => {
                    self.position = position + 1;
                    return Ok((&self.text[start..position], start));
                }
                (None, b'"' | b'\'') => quote = Some(byte),
                (Some(_), b'\\') => drop(bytes.next()),
                (Some(opened), _) if opened == byte => quote = None,
                _ => {}
            }
        }
        Err((open, WqlErrorKind::UnclosedBrace))
    }

    /// Reads a name or a keyword.
    fn word(&mut self) -> &'q str {
        let start = self.position;
        let bytes = self.text.as_bytes();
        while bytes.get(self.position).is_some_and(|byte| fold::is_identifier_byte(*byte)) {
            self.position += 1;
        }
        &self.text[start..self.position]
    }

    /// Reads one or two letters that are no word.
    fn symbol(&mut self, first: u8) -> TokenKind<'q> {
        let second = self.text.as_bytes().get(self.position + 1).copied();
        let (kind, length) = match (first, second) {
            (b'<', Some(b'=')) => (TokenKind::Operator(Operator::LessOrEqual), 2),
            (b'<', Some(b'>')) => (TokenKind::Operator(Operator::NotEqual), 2),
            (b'>', Some(b'=')) => (TokenKind::Operator(Operator::GreaterOrEqual), 2),
            (b'!', Some(b'=')) => (TokenKind::Operator(Operator::NotEqual), 2),
            (b'<', _) => (TokenKind::Operator(Operator::Less), 1),
            (b'>', _) => (TokenKind::Operator(Operator::Greater), 1),
            (b'=', _) => (TokenKind::Operator(Operator::Equal), 1),
            (b',', _) => (TokenKind::Comma, 1),
            (b'.', _) => (TokenKind::Dot, 1),
            (b'*', _) => (TokenKind::Star, 1),
            (b'(', _) => (TokenKind::Open, 1),
            (b')', _) => (TokenKind::Close, 1),
            (b'{', _) => (TokenKind::OpenBrace, 1),
            _ => (TokenKind::Other, self.text[self.position..].chars().next().map_or(1, char::len_utf8)),
        };
        self.position += length;
        kind
    }

    /// Reads a text up to the quote that it began with.
    fn string(&mut self, quote: u8) -> Result<Cow<'q, str>, LexError> {
        let start = self.position;
        let bytes = self.text.as_bytes();
        let mut unescaped = String::new();
        let mut copied = start + 1;
        let mut position = copied;
        while let Some(byte) = bytes.get(position).copied() {
            if byte == quote {
                self.position = position + 1;
                let rest = &self.text[copied..position];
                if unescaped.is_empty() {
                    return Ok(Cow::Borrowed(rest));
                }
                unescaped.push_str(rest);
                return Ok(Cow::Owned(unescaped));
            }
            if byte == b'\\' {
                if !matches!(bytes.get(position + 1), Some(b'\\' | b'"' | b'\'')) {
                    return Err((position, WqlErrorKind::Escape));
                }
                unescaped.push_str(&self.text[copied..position]);
                // The escaped letter is copied with what follows it.
                copied = position + 1;
                position += 1;
            }
            position += 1;
        }
        Err((start, WqlErrorKind::UnclosedQuote))
    }

    /// Reads a number: decimal with or without sign, fraction and exponent, or hexadecimal.
    fn number(&mut self) -> Result<TokenKind<'q>, LexError> {
        let start = self.position;
        let bytes = &self.text.as_bytes()[start..];
        let sign = usize::from(matches!(bytes[0], b'+' | b'-'));
        let is_hexadecimal = sign == 0 && matches!(bytes, [b'0', b'x' | b'X', ..]);
        let mut length = if is_hexadecimal { 2 } else { sign };
        let mut is_real = false;
        while let Some(byte) = bytes.get(length).copied() {
            match byte {
                b'0'..=b'9' => {}
                b'a'..=b'f' | b'A'..=b'F' if is_hexadecimal => {}
                b'.' if !is_hexadecimal => is_real = true,
                b'e' | b'E' => {
                    is_real = true;
                    length += usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
                }
                byte if fold::is_identifier_byte(byte) => return Err((start, WqlErrorKind::Number)),
                _ => break,
            }
            length += 1;
        }
        self.position = start + length;
        let text = &self.text[start..self.position];
        if is_real { real(text) } else { integer(text, is_hexadecimal) }.map_err(|kind| (start, kind))
    }
}

/// The number of letters that have a point or an exponent, each with digits on both sides.
fn real(text: &str) -> Result<TokenKind<'static>, WqlErrorKind> {
    let digits_end = text.find(['e', 'E']).unwrap_or(text.len());
    let has_bare_point = text[..digits_end].ends_with('.');
    let value: f64 = text.parse().ok().filter(|_| !has_bare_point).ok_or(WqlErrorKind::Number)?;
    if value.is_finite() { Ok(TokenKind::Real(value)) } else { Err(WqlErrorKind::NumberTooLarge) }
}

/// The number of digits, in the range of 64 bits with or without sign.
fn integer(text: &str, is_hexadecimal: bool) -> Result<TokenKind<'static>, WqlErrorKind> {
    let value = match text.get(2..).filter(|_| is_hexadecimal) {
        Some("") => return Err(WqlErrorKind::Number),
        Some(digits) => i128::from_str_radix(digits, 16),
        None => text.parse(),
    };
    let range = i128::from(i64::MIN)..=i128::from(u64::MAX);
    let value = value.ok().filter(|value| range.contains(value)).ok_or(WqlErrorKind::NumberTooLarge)?;
    Ok(TokenKind::Integer(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every token of a text, or the first error.
    fn tokens(text: &str) -> Result<Vec<TokenKind<'_>>, LexError> {
        let mut lexer = Lexer::new(text);
        let mut kinds = Vec::new();
        loop {
            match lexer.token()?.kind {
                TokenKind::End => return Ok(kinds),
                kind => kinds.push(kind),
            }
        }
    }

    #[test]
    fn numbers() {
        for (text, expected) in [
            ("0", Ok(TokenKind::Integer(0))),
            ("-12", Ok(TokenKind::Integer(-12))),
            ("+12", Ok(TokenKind::Integer(12))),
            ("0x1F", Ok(TokenKind::Integer(31))),
            ("18446744073709551615", Ok(TokenKind::Integer(u64::MAX.into()))),
            ("-9223372036854775808", Ok(TokenKind::Integer(i64::MIN.into()))),
            ("1.5", Ok(TokenKind::Real(1.5))),
            ("-1.5e3", Ok(TokenKind::Real(-1500.0))),
            ("4567890123.0e18", Ok(TokenKind::Real(4.567_890_123e27))),
            ("1E-2", Ok(TokenKind::Real(0.01))),
            ("5.", Err(WqlErrorKind::Number)),
            ("5.e1", Err(WqlErrorKind::Number)),
            ("1.2.3", Err(WqlErrorKind::Number)),
            ("1e", Err(WqlErrorKind::Number)),
            ("1e+", Err(WqlErrorKind::Number)),
            ("1e5e5", Err(WqlErrorKind::Number)),
            ("5abc", Err(WqlErrorKind::Number)),
            ("0x", Err(WqlErrorKind::Number)),
            ("0xG", Err(WqlErrorKind::Number)),
            ("18446744073709551616", Err(WqlErrorKind::NumberTooLarge)),
            ("-9223372036854775809", Err(WqlErrorKind::NumberTooLarge)),
            ("0xfffffffffffffffff", Err(WqlErrorKind::NumberTooLarge)),
            ("1e999", Err(WqlErrorKind::NumberTooLarge)),
        ] {
            let expected = expected.map(|kind| vec![kind]).map_err(|kind| (0, kind));
            assert_eq!(tokens(text), expected, "{text}");
        }
        let digits = "9".repeat(60_000);
        assert_eq!(tokens(&digits), Err((0, WqlErrorKind::NumberTooLarge)));
    }

    #[test]
    fn texts() {
        for (text, expected) in [
            (r#""""#, Ok("")),
            (r#"'a"b'"#, Ok("a\"b")),
            (r#""\\\\.\\PHYSICALDRIVE0""#, Ok(r"\\.\PHYSICALDRIVE0")),
            (r#""one \"two\" three""#, Ok("one \"two\" three")),
            (r#"'\'é\\'"#, Ok("'é\\")),
            ("'line\nbreak'", Ok("line\nbreak")),
            (r#""PCI\%""#, Err((4, WqlErrorKind::Escape))),
            (r#""a\n""#, Err((2, WqlErrorKind::Escape))),
            (r#""a\"#, Err((2, WqlErrorKind::Escape))),
            (r#""a"#, Err((0, WqlErrorKind::UnclosedQuote))),
            (r#""a\""#, Err((0, WqlErrorKind::UnclosedQuote))),
            (r#"'a""#, Err((0, WqlErrorKind::UnclosedQuote))),
        ] {
            assert_eq!(tokens(text), expected.map(|text| vec![TokenKind::String(text.into())]), "{text}");
        }
    }

    #[test]
    fn words_and_symbols() {
        use Operator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        let operator = TokenKind::Operator;
        assert_eq!(
            tokens("a<=b<>c!=d>=e<f>g=h.i,*(\t)\r\n{é!-"),
            Ok(vec![
                TokenKind::Word("a"),
                operator(LessOrEqual),
                TokenKind::Word("b"),
                operator(NotEqual),
                TokenKind::Word("c"),
                operator(NotEqual),
                TokenKind::Word("d"),
                operator(GreaterOrEqual),
                TokenKind::Word("e"),
                operator(Less),
                TokenKind::Word("f"),
                operator(Greater),
                TokenKind::Word("g"),
                operator(Equal),
                TokenKind::Word("h"),
                TokenKind::Dot,
                TokenKind::Word("i"),
                TokenKind::Comma,
                TokenKind::Star,
                TokenKind::Open,
                TokenKind::Close,
                TokenKind::OpenBrace,
                TokenKind::Other,
                TokenKind::Other,
                TokenKind::Other,
            ])
        );
    }

    #[test]
    fn paths_end_at_a_brace_outside_quotes() {
        for (text, expected) in [
            ("{A}", Ok("A")),
            ("{}", Ok("")),
            (r#"{A="}\"}"}"#, Ok(r#"A="}\"}""#)),
            (r#"{A='"}'}"#, Ok(r#"A='"}'"#)),
            (r#"{A="}"#, Err((0, WqlErrorKind::UnclosedBrace))),
            ("{A", Err((0, WqlErrorKind::UnclosedBrace))),
        ] {
            let mut lexer = Lexer::new(text);
            assert_eq!(lexer.token().unwrap().kind, TokenKind::OpenBrace);
            assert_eq!(lexer.path(0).map(|(path, _)| path), expected, "{text}");
        }
    }
}
