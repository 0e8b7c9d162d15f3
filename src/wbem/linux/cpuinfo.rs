//! What `/proc/cpuinfo` says of some processors.
//!
//! Floor 5. Where there are thousands of them the text is long, and the kernel slow to write it: it is read a
//! piece at a time, and no further than it is of use.

use std::collections::{BTreeSet, HashMap};

use super::fields;
use super::machine::{At, Machine, Pieces};

/// The most that is read: there may be thousands of processors with some kilobytes each.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// The longest line that is kept.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// The most lines that are kept of a processor.
const LINES_MAX: usize = 256;

/// Reads what is said of some processors.
pub(super) struct Descriptions {
    text: Option<Pieces>,
    /// How much more may be read.
    left: usize,
    /// The beginning of a line whose end is in the next piece.
    line: Vec<u8>,
    said: Said,
}

/// What is said of some processors.
#[derive(Default)]
pub(super) struct Said {
    /// Of which processors more may be said.
    missing: BTreeSet<u32>,
    /// Of which processor the next lines are; before the first they are of all.
    current: Option<u32>,
    of_all: Pairs,
    of_each: HashMap<u32, Pairs>,
}

/// Names and values.
type Pairs = Vec<(String, String)>;

impl Descriptions {
    /// Begins to read what is said of these logical processors.
    pub(super) fn begin(machine: &Machine, processors: impl IntoIterator<Item = u32>) -> Descriptions {
        let said = Said { missing: processors.into_iter().collect(), ..Said::default() };
        let open = || machine.pieces(At::Proc, format_args!("cpuinfo")).ok();
        let text = if said.missing.is_empty() { None } else { open() };
        Descriptions { text, left: BYTES_MAX, line: Vec::new(), said }
    }

    /// Reads a piece; gives what is said once that is all.
    pub(super) fn step(&mut self) -> Option<Said> {
        let is_over = match &mut self.text {
            Some(text) => {
                let piece = text.next();
                self.left = self.left.saturating_sub(piece.len());
                self.said.take(piece, &mut self.line) || piece.is_empty() || self.left == 0
            }
            None => true,
        };
        is_over.then(|| {
            self.said.take_line(&self.line);
            std::mem::take(&mut self.said)
        })
    }
}

impl Said {
    /// What is said of a processor under a name.
    pub(super) fn find(&self, processor: u32, name: &str) -> Option<&str> {
        let of_it = self.of_each.get(&processor).into_iter().flatten();
        let pair = of_it.chain(&self.of_all).find(|(told, _)| told == name);
        pair.map(|(_, value)| &**value)
    }

    /// Takes in a piece that goes on with a line; says whether the rest is of no use.
    fn take(&mut self, piece: &[u8], line: &mut Vec<u8>) -> bool {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            if line.len() + part.len() <= LINE_BYTES_MAX {
                line.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                self.take_line(line);
                line.clear();
            }
            if self.missing.is_empty() {
                return true;
            }
        }
        false
    }

    fn take_line(&mut self, line: &[u8]) {
        let Some((name, value)) = fields::pair(line, b':') else { return };
        if name == b"processor" {
            // What is said of the one before ends here.
            if let Some(processor) = self.current {
                self.missing.remove(&processor);
            }
            self.current = fields::number(value);
        }
        let pairs = match self.current {
            None => &mut self.of_all,
            Some(processor) if self.missing.contains(&processor) => self.of_each.entry(processor).or_default(),
            Some(_) => return,
        };
        if pairs.len() < LINES_MAX {
            pairs.push((fields::text(name), fields::text(value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_of_all_or_of_one_processor_wherever_the_pieces_end() {
        let text = b"Hardware : board\n\nprocessor\t: 0\nmodel name\t: A\n\nprocessor\t: 1\nmodel name\t: B\n\nprocessor\t: 2\nmodel name\t: C";
        for length in [1, 7, text.len()] {
            let (mut said, mut line) = (Said { missing: [0, 2].into(), ..Said::default() }, Vec::new());
            assert!(text.chunks(length).all(|piece| !said.take(piece, &mut line)));
            said.take_line(&line);
            let found = [0, 1, 2].map(|processor| said.find(processor, "model name"));
            assert_eq!((found, said.find(1, "Hardware")), ([Some("A"), None, Some("C")], Some("board")), "{length}");
        }
        let mut said = Said { missing: [0].into(), ..Said::default() };
        assert!(said.take(text, &mut Vec::new()), "the others are of no use");
    }

    #[test]
    fn a_text_without_ends_takes_no_room() {
        let (mut said, mut line) = (Said { missing: [0].into(), ..Said::default() }, Vec::new());
        for _ in 0..1000 {
            assert!(!said.take(&[b'x'; 1000], &mut line) && !said.take(b"\na:b\n", &mut Vec::new()));
        }
        assert!(line.len() <= LINE_BYTES_MAX && said.of_all.len() <= LINES_MAX);
    }
}
