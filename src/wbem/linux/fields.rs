//! The forms in which the kernel writes numbers: `Name: 12 kB`, columns, escaped blanks.
//!
//! Floor 5. Pure. Bytes in, since names need not be UTF-8; what is not a number is nothing.

use std::str::FromStr;

/// A text of the machine; what is not UTF-8 is replaced.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The number that a word is.
pub(super) fn number<N: FromStr>(word: &[u8]) -> Option<N> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The words of a line.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// The lines of a file.
pub(super) fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    file.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// What stands behind `key` and its separator in the first line that begins so.
pub(super) fn value<'f>(file: &'f [u8], key: &str, separator: u8) -> Option<&'f [u8]> {
    lines(file).find_map(|line| {
        let (name, value) = pair(line, separator)?;
        (name == key.as_bytes()).then_some(value)
    })
}

/// A line's name and value, without the blanks around them.
pub(super) fn pair(line: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let place = line.iter().position(|byte| *byte == separator)?;
    Some((line[..place].trim_ascii(), line[place + 1..].trim_ascii()))
}

/// The number behind `key:`, without its unit.
pub(super) fn number_of<N: FromStr>(file: &[u8], key: &str) -> Option<N> {
    number(words(value(file, key, b':')?).next()?)
}

/// The number behind a word at the beginning of a line, as `/proc/vmstat` has it.
pub(super) fn count_of<N: FromStr>(file: &[u8], key: &str) -> Option<N> {
    lines(file).find_map(|line| {
        let mut words = words(line);
        (words.next() == Some(key.as_bytes())).then(|| words.next().and_then(number)).flatten()
    })
}

/// Takes back the escapes of the tables of mounts: a backslash and three octal digits for a byte.
pub(super) fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        let octal = tail.get(..3).filter(|digits| *first == b'\\' && digits.iter().all(|d| (b'0'..=b'7').contains(d)));
        let code = octal.map(|digits| digits.iter().fold(0_u32, |code, digit| code * 8 + u32::from(digit - b'0')));
        match code.and_then(|code| u8::try_from(code).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_behind_their_names() {
        let file = b"MemTotal:       24731708 kB\nMemFree: x\nctxt 12\nctxtual 13\nSwap\n";
        assert_eq!(number_of::<u64>(file, "MemTotal"), Some(24_731_708));
        assert_eq!(number_of::<u64>(file, "MemFree"), None);
        assert_eq!(number_of::<u64>(file, "Mem"), None);
        assert_eq!(count_of::<u64>(file, "ctxt"), Some(12));
        assert_eq!(count_of::<u64>(file, "Swap"), None);
        assert_eq!(value(b"A=1\nNAME = \"x=y\"", "NAME", b'='), Some(&b"\"x=y\""[..]));
    }

    #[test]
    fn escapes_are_taken_back() {
        for (escaped, bytes) in [
            (&b"/mnt/my\\040disk"[..], &b"/mnt/my disk"[..]),
            (b"a\\134b\\012", b"a\\b\n"),
            (b"\\377", b"\xff"),
            (b"\\400", b"\\400"),
            (b"\\04", b"\\04"),
            (b"\\", b"\\"),
        ] {
            assert_eq!(unescape(escaped), bytes);
        }
    }
}
