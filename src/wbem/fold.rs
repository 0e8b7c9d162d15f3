//! Text without letter case: names, strings and paths compare this way everywhere in the model.
//!
//! Floor 5. Pure. No locale: letters are folded one for one, so the length in letters never changes
//! and two machines never disagree.

use std::cmp::Ordering;

/// Folds one letter, for comparing only.
///
/// Letters whose small form is longer than one letter stand for themselves.
pub(crate) fn letter(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    let mut small = letter.to_lowercase();
    match (small.next(), small.next()) {
        (Some(small), None) => small,
        _ => letter,
    }
}

/// Folds every letter of `text`.
pub(crate) fn text(text: &str) -> String {
    text.chars().map(letter).collect()
}

/// Whether the texts are the same but for case.
pub(crate) fn equal(left: &str, right: &str) -> bool {
    if left.eq_ignore_ascii_case(right) {
        return true;
    }
    // Only letters outside ASCII can still make them equal, and some of those fold into ASCII.
    !(left.is_ascii() && right.is_ascii()) && left.chars().map(letter).eq(right.chars().map(letter))
}

/// Orders the texts letter by letter after folding.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    left.chars().map(letter).cmp(right.chars().map(letter))
}

/// Whether `name` can be the name of a class, property, method or qualifier: a letter or an
/// underscore, then letters, digits and underscores.
pub(crate) fn is_identifier(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.first().is_some_and(|first| is_identifier_start(*first)) && bytes.iter().all(|byte| is_identifier_byte(*byte))
}

/// Whether an identifier may begin with `byte`.
pub(crate) fn is_identifier_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// Whether an identifier may go on with `byte`.
pub(crate) fn is_identifier_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_ignores_case_in_and_beyond_ascii() {
        for (left, right, expected) in [
            ("", "", true),
            ("Cat", "cAT", true),
            ("cat", "cats", false),
            ("ÄRGER", "ärger", true),
            ("ärger", "arger", false),
            ("\u{212a}elvin", "kelvin", true),
            ("ẞ", "ß", true),
            ("ß", "ss", false),
            ("İ", "i", false),
        ] {
            assert_eq!(equal(left, right), expected, "{left:?} {right:?}");
            assert_eq!(compare(left, right) == Ordering::Equal, expected, "{left:?} {right:?}");
            assert_eq!(text(left) == text(right), expected, "{left:?} {right:?}");
        }
    }

    #[test]
    fn order_folds_before_it_compares() {
        for (left, right, expected) in [
            ("a", "B", Ordering::Less),
            ("Z", "a", Ordering::Greater),
            ("Win31", "win32", Ordering::Less),
            ("win", "WIN32", Ordering::Less),
            ("_", "A", Ordering::Less),
        ] {
            assert_eq!(compare(left, right), expected, "{left:?} {right:?}");
            assert_eq!(compare(right, left), expected.reverse(), "{right:?} {left:?}");
        }
    }

    #[test]
    fn identifiers_are_letters_digits_and_underscores() {
        for (name, expected) in [
            ("Win32_Process", true),
            ("__CLASS", true),
            ("a", true),
            ("9a", false),
            ("", false),
            ("a-b", false),
            ("é", false),
        ] {
            assert_eq!(is_identifier(name), expected, "{name:?}");
        }
    }
}
