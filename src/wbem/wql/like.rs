//! LIKE patterns: `%` any run of letters, `_` one letter, `[a-f]` and `[^xyz]` one letter of a set.
//!
//! Floor 5. Pure. Brackets also quote: `[%]` is a percent sign. Letter case is ignored, in ranges too. A
//! bracket that is never closed matches nothing. A pattern is compiled once; matching takes time in
//! proportion to pattern times text at most, as only the last `%` is ever tried again.

use crate::wbem::fold;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    shape: Shape,
    /// The whole pattern; `None` if a bracket is never closed.
    pieces: Option<Vec<Piece>>,
}

/// What is quick to match if the text is in ASCII: patterns whose letters are, folded, between runs.
#[derive(Clone, Debug)]
enum Shape {
    /// `abc`
    Whole(Box<[u8]>),
    /// `abc%`
    Start(Box<[u8]>),
    /// `%abc`
    End(Box<[u8]>),
    /// `%abc%`
    Within(Box<[u8]>),
    /// Anything else.
    General,
}

/// What a part of the text must be.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    /// Any run of letters, also none.
    Run,
    /// Any letter.
    Any,
    /// This letter, which is folded.
    Letter(char),
    /// A letter in one of the ranges.
    Among(Vec<(char, char)>),
    /// A letter in none of the ranges.
    Except(Vec<(char, char)>),
}

impl Pattern {
    /// Compiles a pattern.
    pub(super) fn new(pattern: &str) -> Pattern {
        let pieces = pieces(pattern);
        let shape = pieces.as_deref().map_or(Shape::General, shape);
        Pattern { shape, pieces }
    }

    /// Whether the whole of `text` is as the pattern says.
    pub(super) fn matches(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        match &self.shape {
            // A letter beyond ASCII may fold into it, so such a text takes the long way.
            _ if !text.is_ascii() => self.matches_pieces(text),
            Shape::Whole(letters) => bytes.eq_ignore_ascii_case(letters),
            Shape::Start(letters) => {
                bytes.get(..letters.len()).is_some_and(|start| start.eq_ignore_ascii_case(letters))
            }
            Shape::End(letters) => {
                let start = bytes.len().checked_sub(letters.len());
                start.is_some_and(|start| bytes[start..].eq_ignore_ascii_case(letters))
            }
            Shape::Within(letters) => is_within(bytes, letters),
            Shape::General => self.matches_pieces(text),
        }
    }

    /// Matches letter by letter.
    fn matches_pieces(&self, text: &str) -> bool {
        let Some(pieces) = &self.pieces else { return false };
        let (mut rest, mut index) = (text, 0);
        // Where to go on if the letters do not fit: behind the last run, one letter further on.
        let mut retry = None;
        loop {
            let mut letters = rest.chars();
            match (pieces.get(index), letters.next()) {
                (None, None) => return true,
                (Some(Piece::Run), _) => {
                    index += 1;
                    retry = Some((rest, index));
                }
                (Some(piece), Some(letter)) if piece.fits(letter) => {
                    rest = letters.as_str();
                    index += 1;
                }
                _ => {
                    let Some((from, piece)) = retry else { return false };
                    let mut skipped = from.chars();
                    if skipped.next().is_none() {
                        return false;
                    }
                    rest = skipped.as_str();
                    index = piece;
                    retry = Some((rest, index));
                }
            }
        }
    }
}

impl Piece {
    /// Whether a letter is as the piece says.
    fn fits(&self, letter: char) -> bool {
        match self {
            Piece::Run | Piece::Any => true,
            Piece::Letter(folded) => fold::letter(letter) == *folded,
            Piece::Among(ranges) => is_among(ranges, letter),
            Piece::Except(ranges) => !is_among(ranges, letter),
        }
    }
}

/// Whether the letter, in either case, is in one of the ranges.
fn is_among(ranges: &[(char, char)], letter: char) -> bool {
    let folded = fold::letter(letter);
    let is_in = |letter: char| ranges.iter().any(|(first, last)| (*first..=*last).contains(&letter));
    // Some letters have capitals that are another letter's, or more than one letter.
    let is_capital_in = || folded.to_uppercase().any(|capital| fold::letter(capital) == folded && is_in(capital));
    is_in(letter) || is_in(folded) || is_capital_in()
}

/// Takes a pattern apart; `None` if a bracket is never closed.
fn pieces(pattern: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        let piece = match letter {
            '%' => Piece::Run,
            '_' => Piece::Any,
            '[' => {
                let (inside, after) = letters.as_str().split_once(']')?;
                letters = after.chars();
                set(inside)
            }
            letter => Piece::Letter(fold::letter(letter)),
        };
        // One run is as good as two.
        if piece != Piece::Run || pieces.last() != Some(&Piece::Run) {
            pieces.push(piece);
        }
    }
    Some(pieces)
}

/// The set of what stands in the brackets: letters, and ranges with a hyphen between two letters.
fn set(inside: &str) -> Piece {
    let (is_except, inside) = inside.strip_prefix('^').map_or((false, inside), |inside| (true, inside));
    let letters: Vec<char> = inside.chars().collect();
    let mut ranges = Vec::new();
    let mut rest = &letters[..];
    while let [first, after @ ..] = rest {
        let (last, after) = match after {
            ['-', last, after @ ..] => (last, after),
            _ => (first, after),
        };
        // A single letter is folded, as it is outside of brackets.
        let is_single = first == last;
        ranges.push(if is_single { (fold::letter(*first), fold::letter(*last)) } else { (*first, *last) });
        rest = after;
    }
    match (is_except, ranges.as_slice()) {
        (true, _) => Piece::Except(ranges),
        // The way to write a percent sign is no slower than other letters.
        (false, [(first, last)]) if first == last => Piece::Letter(*first),
        (false, _) => Piece::Among(ranges),
    }
}

/// The shape of a pattern.
fn shape(pieces: &[Piece]) -> Shape {
    let (has_start, rest) = match pieces {
        [Piece::Run, rest @ ..] => (false, rest),
        _ => (true, pieces),
    };
    let (has_end, rest) = match rest {
        [rest @ .., Piece::Run] => (false, rest),
        // `%` alone is one run, at the start and at the end.
        [] if !has_start => (false, rest),
        _ => (true, rest),
    };
    let letters = rest.iter().map(|piece| match piece {
        Piece::Letter(letter) => u8::try_from(*letter).ok().filter(u8::is_ascii),
        _ => None,
    });
    match (letters.collect::<Option<Box<[u8]>>>(), has_start, has_end) {
        (None, _, _) => Shape::General,
        (Some(letters), true, true) => Shape::Whole(letters),
        (Some(letters), true, false) => Shape::Start(letters),
        (Some(letters), false, true) => Shape::End(letters),
        (Some(letters), false, false) => Shape::Within(letters),
    }
}

/// Whether the letters, which are folded, are somewhere in the text.
fn is_within(text: &[u8], letters: &[u8]) -> bool {
    let Some((first, others)) = letters.split_first() else { return true };
    let Some(last) = text.len().checked_sub(letters.len()) else { return false };
    let capital = first.to_ascii_uppercase();
    text[..=last].iter().enumerate().any(|(place, letter)| {
        (letter == first || *letter == capital) && text[place + 1..place + letters.len()].eq_ignore_ascii_case(others)
    })
}

#[cfg(test)]
mod tests {
    use super::super::generate::LETTERS;
    use super::*;
    use crate::wbem::random::Random;

    #[test]
    fn p26_pairs() {
        for (pattern, text, expected) in [
            ("_", "Y", true),
            ("_", "xx", false),
            ("_", "", false),
            ("%", "", true),
            ("%", "é", true),
            ("[xy]", "x", true),
            ("[xy]", "xy", false),
            ("[xy][xy]", "xy", true),
            ("[^c-e]", "B", true),
            ("[^c-e]", "D", false),
            ("[c-e]", "d", true),
            ("[c-e]", "D", true),
            ("[C-E]", "d", true),
            ("foo%bat", "fooxbat", true),
            ("foo%bat", "foobat", true),
            ("foo%bat", "foobatx", false),
            ("", "x", false),
            ("", "", true),
            ("PCI\\%", "PCI\\VEN_1", true),
            ("PCI\\%", "PCIX", false),
            ("%%REGEDIT%", "RegEdit.exe", true),
            ("%HP%", "an hp printer", true),
            ("%HP%", "h p", false),
            ("%a", "ba", true),
            ("%a", "ab", false),
            ("%[_][_]%", "A__B", true),
            ("%[_][_]%", "A_B_", false),
            ("[%]", "%", true),
            ("[%]", "x", false),
            ("[[]", "[", true),
            ("[[]a]", "[a]", true),
            ("[", "[", false),
            ("a[b", "a[b", false),
            ("%[", "", false),
            ("[]", "", false),
            ("[]", "]", false),
            ("[^]", "x", true),
            ("[-a]", "-", true),
            ("[a-]", "-", true),
            ("[a=f]", "c", false),
            ("[a=f]", "=", true),
            ("ä", "Ä", true),
            ("[à-ü]", "Ä", true),
            ("k", "\u{212a}", true),
            ("%k%", "a\u{212a}", true),
            ("a%b%c", "axxbxxc", true),
            ("a%b%c", "axxcxxb", false),
            ("%ab", "aab", true),
            ("\\%", "x", false),
            // Capitals of more than one letter, and those of other letters, are not in ranges of other letters.
            ("[R-T]", "ß", false),
            ("[^R-T]", "ß", true),
            ("[h-j]", "İ", false),
            ("[Σx]", "ς", false),
            ("[S-T]", "ſ", false),
            ("[\u{212a}x]", "k", true),
            ("[Σx]", "σ", true),
            ("[Α-Ω]", "σ", true),
            ("[ẞx]", "ß", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern:?} {text:?}");
        }
    }

    /// The definition, slow and plain.
    fn matches_plainly(pieces: &[Piece], text: &[char]) -> bool {
        match pieces {
            [] => text.is_empty(),
            [Piece::Run, rest @ ..] => (0..=text.len()).any(|start| matches_plainly(rest, &text[start..])),
            [piece, rest @ ..] => {
                text.split_first().is_some_and(|(first, text)| piece.fits(*first) && matches_plainly(rest, text))
            }
        }
    }

    #[test]
    fn random_patterns_match_as_defined() {
        let mut matched = 0;
        Random::seeds(100_000, |random| {
            let pattern = random.text("aAbé%_[]^-", 8);
            let text = random.text("aAbBéÉ-^", 6);
            let compiled = Pattern::new(&pattern);
            let letters: Vec<char> = text.chars().collect();
            let expected = compiled.pieces.as_deref().is_some_and(|pieces| matches_plainly(pieces, &letters));
            assert_eq!(compiled.matches(&text), expected, "{pattern:?} {text:?}");
            assert_eq!(compiled.matches_pieces(&text), expected, "{pattern:?} {text:?}");
            matched += usize::from(expected);
        });
        assert!(matched > 1000);
    }

    #[test]
    fn a_quoted_pattern_matches_only_itself() {
        Random::seeds(20_000, |random| {
            let text = random.text(LETTERS, 10);
            let other = random.mutate(&text, LETTERS);
            let pattern = Pattern::new(&super::super::quote_pattern(&text));
            assert!(pattern.matches(&text), "{text:?}");
            assert_eq!(pattern.matches(&other), fold::equal(&text, &other), "{text:?} {other:?}");
        });
    }

    #[test]
    fn sets_and_letters_and_comparisons_know_the_same_cases() {
        for letter in '\u{80}'..='\u{1ffff}' {
            let others: Vec<char> = letter.to_lowercase().chain(letter.to_uppercase()).collect();
            for (left, right) in others.iter().flat_map(|other| [(letter, *other), (*other, letter)]) {
                let (left, right) = (left.to_string(), right.to_string());
                let is_equal = fold::equal(&left, &right);
                for pattern in [left.clone(), format!("[{left}]"), format!("[{left}!]")] {
                    assert_eq!(Pattern::new(&pattern).matches(&right), is_equal, "{pattern} {right}");
                }
            }
        }
    }

    #[test]
    fn many_runs_do_not_blow_up() {
        let pattern = Pattern::new(&format!("{}b", "%a".repeat(2000)));
        assert!(!pattern.matches(&"a".repeat(20_000)));
    }
}
