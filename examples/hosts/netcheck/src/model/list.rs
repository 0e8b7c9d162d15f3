//! Reads a list: a line each, `#` begins a comment, empty lines do not count. No line is dropped: what is no target
//! stays in the list, with the reason.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::row::Row;
use super::target::Target;

/// More than a million of the longest names. What is larger is no list.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What is shown of a line that is no target: a file that is no text may be one line of megabytes.
const SHOWN_CHARS_MAX: usize = 80;

/// Reads the rows of a file, or with `-` of the standard input.
pub fn read(path: &Path) -> io::Result<Vec<Row>> {
    let mut bytes = Vec::new();
    let read = match path.to_str() {
        Some("-") => io::stdin().take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?,
        _ => File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?,
    };
    if read as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it is larger than {} MiB, this is no list", FILE_BYTES_MAX >> 20)));
    }
    Ok(parse(&bytes))
}

/// Reads the rows of a text, whatever it is.
pub fn parse(text: &[u8]) -> Vec<Row> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text); // some editors put this mark before
    let lines = text.split(|&byte| byte == b'\n');
    let numbered = lines.zip(1..).map(|(line, number)| (line.trim_ascii(), number));
    numbered.filter(|(line, _)| !line.is_empty() && line[0] != b'#').map(|(line, number)| row(line, number)).collect()
}

fn row(line: &[u8], number: u32) -> Row {
    let Ok(text) = std::str::from_utf8(line) else {
        return Row::new(number, &shown(&String::from_utf8_lossy(line)), Some("no text: it is not UTF-8".into()));
    };
    // What comes after a blank and # is a comment too.
    let text = text.split_once(" #").map_or(text, |(before, _)| before.trim_end());
    match Target::parse(text) {
        Ok(_) => Row::new(number, text, None),
        Err(problem) => Row::new(number, &shown(text), Some(problem)),
    }
}

/// The beginning of a line, without what a terminal or a table would obey.
fn shown(line: &str) -> String {
    let mut letters = line.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter });
    let mut shown: String = letters.by_ref().take(SHOWN_CHARS_MAX).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::row::State;

    #[test]
    fn bad_lines_are_kept_in_their_place() {
        let rows = parse(b"\xef\xbb\xbfa.test\r\n\n# a comment\nb c\n\xff\xfe\nd.test:80 # its port\n");
        let seen: Vec<_> = rows.iter().map(|row| (row.line, &*row.text, row.state)).collect();
        let expected = [
            (1, "a.test", State::Idle),
            (4, "b c", State::BadLine),
            (5, "\u{fffd}\u{fffd}", State::BadLine),
            (6, "d.test:80", State::Idle),
        ];
        assert_eq!(seen, expected);
        assert_eq!(rows[2].problem.as_deref(), Some("no text: it is not UTF-8"));
    }

    #[test]
    fn any_bytes_make_rows_that_can_be_shown() {
        let mut state = 1_u32;
        let garbage: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(100_000)
        .collect();
        for row in parse(&garbage) {
            assert!(row.text.chars().count() <= SHOWN_CHARS_MAX + 1 || row.state == State::Idle);
            assert!(!row.text.contains(char::is_control));
        }
        let endless = parse(&[b'a'; 1_000_000]);
        assert_eq!((endless.len(), endless[0].text.chars().count()), (1, SHOWN_CHARS_MAX + 1));
    }

    #[test]
    fn a_hundred_thousand_lines_are_as_many_rows() {
        let text: String = (0..100_000).map(|number| format!("host-{number}.test\n")).collect();
        let rows = parse(text.as_bytes());
        assert_eq!((rows.len(), rows[99_999].line), (100_000, 100_000));
        assert!(rows.iter().all(|row| row.state == State::Idle));
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        assert_eq!(read(Path::new("/nowhere/list")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
