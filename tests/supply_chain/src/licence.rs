//! SPDX expressions: whether one can be met by licences that are accepted.

/// Licences that ask for no more than to be named, and that go with MIT and Apache-2.0.
const ACCEPTED: [&str; 10] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether the licences in `expression` can be chosen so that all of them are accepted. What cannot be read is not.
pub fn is_accepted(expression: &str) -> bool {
    // Manifests of old have a stroke for OR.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words };
    parser.any() == Some(true) && parser.words.is_empty()
}

/// `OR` binds less than `AND`, `AND` less than `WITH`.
struct Parser<'a> {
    words: &'a [&'a str],
}

impl Parser<'_> {
    fn any(&mut self) -> Option<bool> {
        let mut accepted = self.all()?;
        while self.take("OR") {
            accepted |= self.all()?;
        }
        Some(accepted)
    }

    fn all(&mut self) -> Option<bool> {
        let mut accepted = self.one()?;
        while self.take("AND") {
            accepted &= self.one()?;
        }
        Some(accepted)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let accepted = self.any()?;
            return self.take(")").then_some(accepted);
        }
        let (licence, rest) = self.words.split_first()?;
        self.words = rest;
        let licence = match self.take("WITH") {
            true => {
                let (exception, rest) = self.words.split_first()?;
                self.words = rest;
                format!("{licence} WITH {exception}")
            }
            false => (*licence).to_owned(),
        };
        Some(ACCEPTED.contains(&licence.as_str()))
    }

    fn take(&mut self, word: &str) -> bool {
        match self.words.split_first() {
            Some((first, rest)) if *first == word => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }
}

#[test]
fn expressions_are_met_or_not() {
    let met = ["MIT", "MIT/Apache-2.0", "GPL-3.0-only OR MIT", "(MIT OR Apache-2.0) AND Unicode-3.0"];
    let met = met.iter().chain(&["Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT"]);
    let unmet = ["GPL-3.0-only", "MIT AND GPL-3.0-only", "(MIT", "", "MIT OR", "MIT MIT", "Apache-2.0 WITH other"];
    assert!(met.into_iter().all(|expression| is_accepted(expression)));
    assert!(unmet.iter().all(|expression| !is_accepted(expression)));
}
