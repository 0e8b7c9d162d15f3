//! Reads hosts, services and protocols files line by line.
//!
//! Floor 1. Pure: what a line means is known to its table alone. The three files share one format:
//! fields with blanks between them, `#` begins a comment, empty lines mean nothing. A line that
//! cannot be used is passed over and counted, since it must not cost the good ones around it.

use std::str::{FromStr, SplitAsciiWhitespace};

use crate::file_report::FileReport;

/// The longest line that is read, its comment and outer blanks not counted.
///
/// Many times what such lines need; it bounds the work that one line can make.
const LINE_BYTES_MAX: usize = 4096;

/// The part of a file that is read: with it, every position and every count fits in 32 bits.
const TEXT_BYTES_MAX: usize = u32::MAX as usize;

/// The fields of one line.
pub(super) type Fields<'t> = SplitAsciiWhitespace<'t>;

/// A place in a text, and what was met on the way there.
#[derive(Default)]
pub(super) struct LineReader {
    offset: usize,
    line_number: usize,
    report: FileReport,
}

impl LineReader {
    /// Reads one line of `text` and gives its fields to `enter`, which refuses a bad line with
    /// `None`. Returns whether there was a line.
    pub(super) fn read_line<'t>(&mut self, text: &'t [u8], enter: impl FnOnce(Fields<'t>) -> Option<()>) -> bool {
        let rest = self.rest(text);
        if rest.is_empty() {
            return false;
        }
        let line = rest.split(|&byte| byte == b'\n').next().unwrap_or(rest);
        self.offset += line.len() + 1;
        self.line_number += 1;
        let content = line.split(|&byte| byte == b'#').next().unwrap_or(line).trim_ascii();
        if content.is_empty() {
            return true;
        }
        match readable(content).and_then(|content| enter(content.split_ascii_whitespace())) {
            Some(()) => self.report.entries += 1,
            None => {
                self.report.lines_skipped += 1;
                self.report.first_skipped.get_or_insert(self.line_number);
            }
        }
        true
    }

    /// Whether no line of `text` is left.
    pub(super) fn is_at_end(&self, text: &[u8]) -> bool {
        self.rest(text).is_empty()
    }

    /// What the lines read so far held.
    pub(super) fn into_report(self) -> FileReport {
        self.report
    }

    fn rest<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        text[..text.len().min(TEXT_BYTES_MAX)].get(self.offset..).unwrap_or_default()
    }
}

/// Reads the whole of `text`.
pub(super) fn read_all<'t>(text: &'t [u8], mut enter: impl FnMut(Fields<'t>) -> Option<()>) -> FileReport {
    let mut reader = LineReader::default();
    while reader.read_line(text, &mut enter) {}
    reader.into_report()
}

/// The value of a number written with decimal digits only: no sign, which `parse` would accept.
pub(super) fn decimal<N: FromStr>(digits: &str) -> Option<N> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// The text of a line, unless it is too long, not UTF-8, or holds control characters: a NUL would
/// end a name early where names become C strings.
fn readable(content: &[u8]) -> Option<&str> {
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    let is_readable = content.len() <= LINE_BYTES_MAX && content.iter().all(is_text);
    is_readable.then(|| std::str::from_utf8(content).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fields of every line that has any, and the report when lines that begin with `!` are bad.
    fn read(text: &[u8]) -> (Vec<String>, FileReport) {
        let mut lines = Vec::new();
        let report = read_all(text, |fields| {
            let line = fields.collect::<Vec<_>>().join("|");
            (!line.starts_with('!')).then(|| lines.push(line))
        });
        (lines, report)
    }

    #[test]
    fn lines_are_split_into_fields() {
        let cases: [(&[u8], &[&str]); 8] = [
            (b"", &[]),
            (b"\n\r\n \t\n# comment\n  # another\n#", &[]),
            (b"a b", &["a|b"]),
            (b"a b\n", &["a|b"]),
            (b"a b\r\nc\td\r\n", &["a|b", "c|d"]),
            (b" \ta \t b# c\nd", &["a|b", "d"]),
            (b"a\x0cb\n", &["a|b"]),
            ("b\u{fc}cher a\u{a0}b".as_bytes(), &["b\u{fc}cher|a\u{a0}b"]),
        ];
        for (text, expected) in cases {
            let (lines, report) = read(text);
            assert_eq!(lines, expected, "{:?}", String::from_utf8_lossy(text));
            assert_eq!(report, FileReport { entries: expected.len(), ..FileReport::default() });
        }
    }

    #[test]
    fn bad_lines_are_counted_and_passed_over() {
        let cases: [(&[u8], FileReport); 5] = [
            (b"a\n!\nb\n!\n", FileReport { entries: 2, lines_skipped: 2, first_skipped: Some(2) }),
            (b"#\n\n\xff", FileReport { entries: 0, lines_skipped: 1, first_skipped: Some(3) }),
            (b"a\0b\nc", FileReport { entries: 1, lines_skipped: 1, first_skipped: Some(1) }),
            (b"a\rb\x0bc", FileReport { entries: 0, lines_skipped: 1, first_skipped: Some(1) }),
            (b"a # \xff\0", FileReport { entries: 1, lines_skipped: 0, first_skipped: None }),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).1, expected, "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn a_line_has_a_longest_length_which_its_comment_does_not_count_for() {
        for (length, lines_skipped) in [(LINE_BYTES_MAX, 0), (LINE_BYTES_MAX + 1, 1)] {
            let mut text = vec![b'a'; length];
            text.extend_from_slice(b" # ");
            text.resize(text.len() + LINE_BYTES_MAX, b'c');
            text.extend_from_slice(b"\nb");
            let (lines, report) = read(&text);
            assert_eq!(report.lines_skipped, lines_skipped);
            assert_eq!(lines.last().map(String::as_str), Some("b"));
        }
    }

    #[test]
    fn numbers_are_digits_only() {
        let cases = [("0", Some(0)), ("255", Some(255)), ("007", Some(7)), ("256", None), ("+1", None), ("", None)];
        for (digits, expected) in cases {
            assert_eq!(decimal::<u8>(digits), expected, "{digits:?}");
        }
    }
}
