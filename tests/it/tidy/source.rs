//! Rust source as the rules see it: comments, the contents of strings and test code are blank.
//!
//! Lines stay where they are, so that what is found can be reported with its line. The reader knows as
//! much of Rust as this crate's own style needs.

use std::fs;
use std::path::Path;

/// What stands before an item that is for tests alone.
const TESTS_ONLY: &str = "#[cfg(test)]";

/// One file that is shipped.
pub(super) struct Source {
    /// Where it is, from the crate's own directory, with `/` between the parts.
    pub(super) path: String,
    /// Its text as written.
    pub(super) text: String,
    /// Its text without comments, strings and tests.
    pub(super) code: String,
}

/// A function and how many lines it has.
pub(super) struct Function<'c> {
    pub(super) line: usize,
    pub(super) name: &'c str,
    pub(super) lines: usize,
}

impl Source {
    /// Every file below `src`, without those of modules that are for tests alone.
    pub(super) fn all() -> Vec<Source> {
        let mut sources = Vec::new();
        collect(Path::new(env!("CARGO_MANIFEST_DIR")), "src", &mut sources);
        let of_tests: Vec<_> = sources.iter().flat_map(Source::test_modules).collect();
        sources.retain(|source| {
            let path = source.path.trim_end_matches(".rs");
            !of_tests.iter().any(|module| path == module || path.starts_with(&format!("{module}/")))
        });
        sources.sort_by(|left, right| left.path.cmp(&right.path));
        assert!(sources.len() > 20, "the crate has more files than the {} that were found", sources.len());
        sources
    }

    pub(super) fn new(path: &str, text: &str) -> Source {
        let code = without_tests(without_comments_and_strings(text));
        Source { path: path.to_owned(), text: text.to_owned(), code }
    }

    /// The module of the crate's root that the file belongs to.
    pub(super) fn module(&self) -> &str {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let end = path.find(['/', '.']).unwrap_or(path.len());
        &path[..end]
    }

    /// Whether the file is the front door of its module.
    pub(super) fn is_front_door(&self) -> bool {
        let module = self.module();
        self.path == format!("src/{module}.rs") || self.path == format!("src/{module}/mod.rs")
    }

    /// How many lines have code.
    pub(super) fn code_lines(&self) -> usize {
        self.code.lines().filter(|line| !line.trim().is_empty()).count()
    }

    /// The lines in which `word` occurs as a word.
    pub(super) fn lines_with<'s>(&'s self, word: &'s str) -> impl Iterator<Item = usize> + 's {
        self.places_of(word).map(|place| self.line_at(place))
    }

    /// The root's modules that are named, each with its line. What the root itself gives out is `lib`.
    pub(super) fn imports(&self) -> Vec<(usize, &str)> {
        let mut imports = Vec::new();
        for place in self.places_of("crate").filter(|&place| self.code[place..].starts_with("crate::")) {
            let line = self.line_at(place);
            let path = &self.code[place + "crate::".len()..];
            let names = match path.strip_prefix('{') {
                None => vec![identifier(path)],
                Some(group) => members(group),
            };
            let module = |name: &str| name.chars().next().is_some_and(|first| first.is_lowercase());
            imports.extend(names.into_iter().map(|name| (line, if module(name) { name } else { "lib" })));
        }
        imports
    }

    /// The functions that have a body.
    pub(super) fn functions(&self) -> Vec<Function<'_>> {
        let mut functions = Vec::new();
        for place in self.places_of("fn") {
            let Some(rest) = self.code[place..].strip_prefix("fn ") else { continue };
            let name = identifier(rest);
            let Some(body) = body(&self.code[place..]) else { continue };
            let lines = self.code[place..place + body].matches('\n').count() + 1;
            functions.push(Function { line: self.line_at(place), name, lines });
        }
        functions
    }

    /// The public methods of what somebody holds: those that take `self` by reference.
    pub(super) fn public_methods(&self) -> Vec<(usize, &str)> {
        let method = |place: usize| {
            let name = identifier(self.code[place..].strip_prefix("pub fn ")?);
            let parameters = self.code[place..].split_once('(')?.1;
            parameters.trim_start().starts_with('&').then(|| (self.line_at(place), name))
        };
        self.places_of("pub").filter_map(method).collect()
    }

    /// The modules that it declares for tests alone, as paths without their endings.
    fn test_modules(&self) -> Vec<String> {
        let whole = self.path.trim_end_matches(".rs");
        let folder = whole.trim_end_matches("/mod").trim_end_matches("/lib");
        let code = without_comments_and_strings(&self.text);
        let items = code.split(TESTS_ONLY).skip(1).map(str::trim_start);
        let names = items.filter_map(|item| item[..item_end(item)].strip_prefix("mod ")?.strip_suffix(';'));
        names.map(|name| format!("{folder}/{name}")).collect()
    }

    fn places_of<'s>(&'s self, word: &'s str) -> impl Iterator<Item = usize> + 's {
        self.code.match_indices(word).map(|(place, _)| place).filter(move |&place| {
            let (before, after) = (&self.code[..place], &self.code[place + word.len()..]);
            let goes_on_before = before.ends_with(is_of_name) && word.starts_with(is_of_name);
            let goes_on_after = after.starts_with(is_of_name) && word.ends_with(is_of_name);
            !goes_on_before && !goes_on_after
        })
    }

    fn line_at(&self, place: usize) -> usize {
        self.code[..place].matches('\n').count() + 1
    }
}

fn collect(root: &Path, folder: &str, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(root.join(folder)).expect("the crate's source is here") {
        let entry = entry.expect("its folders can be listed");
        let name = entry.file_name().into_string().expect("file names are ASCII");
        let path = format!("{folder}/{name}");
        if entry.path().is_dir() {
            collect(root, &path, sources);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(entry.path()).expect("source is UTF-8");
            sources.push(Source::new(&path, &text));
        }
    }
}

fn is_of_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn identifier(text: &str) -> &str {
    let end = text.find(|character| !is_of_name(character)).unwrap_or(text.len());
    &text[..end]
}

/// The first names of the paths in a group, of which `text` is what follows its brace.
fn members(text: &str) -> Vec<&str> {
    let (mut names, mut depth, mut start) = (Vec::new(), 1, 0);
    for (place, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || depth == 1 && character == ',' {
            names.push(identifier(text[start..place].trim_start()));
            start = place + 1;
        }
        if depth == 0 {
            break;
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The length of an item up to the end of its body, or none if it has no body.
fn body(item: &str) -> Option<usize> {
    let end = item_end(item);
    item[..end].ends_with('}').then_some(end)
}

/// The length of an item: to its semicolon, or to the end of its first braces.
fn item_end(item: &str) -> usize {
    let (mut braces, mut brackets) = (0, 0);
    for (place, character) in item.char_indices() {
        match character {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            '{' => braces += 1,
            '}' => braces -= 1,
            _ => {}
        }
        let ends = character == ';' && braces == 0 && brackets == 0 || character == '}' && braces == 0;
        if ends {
            return place + 1;
        }
    }
    item.len()
}

/// Blanks every item that is for tests alone.
fn without_tests(mut code: String) -> String {
    while let Some(start) = code.find(TESTS_ONLY) {
        let item = start + TESTS_ONLY.len();
        let end = item + item_end(&code[item..]);
        let blank = blank(&code[start..end]);
        code.replace_range(start..end, &blank);
    }
    code
}

fn without_comments_and_strings(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after_name = code.ends_with(is_of_name);
        let length = match character {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '"' => string_length(rest),
            'b' | 'r' if !after_name => raw_string_length(rest),
            '\'' => character_length(rest),
            _ => 0,
        };
        if length == 0 {
            code.push(character);
            rest = &rest[character.len_utf8()..];
        } else {
            code.push_str(&blank(&rest[..length]));
            rest = &rest[length..];
        }
    }
    code
}

fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

/// The length of a raw string, or zero if `text` does not begin with one.
fn raw_string_length(text: &str) -> usize {
    let Some(raw) = text.strip_prefix("br").or_else(|| text.strip_prefix('r')) else { return 0 };
    let hashes = raw.bytes().take_while(|&byte| byte == b'#').count();
    if !raw[hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let start = text.len() - raw.len() + hashes + 1;
    text[start..].find(&end).map_or(text.len(), |place| start + place + end.len())
}

/// The length of a character literal, or zero for a lifetime.
fn character_length(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some((escaped, _))) => text[escaped + 1..].find('\'').map_or(0, |end| escaped + end + 2),
        (Some(_), Some((end, '\''))) => end + 1,
        _ => 0,
    }
}

#[test]
fn comments_strings_and_tests_are_not_code() {
    let text = r####"//! mio
use mio::Poll; // mio
const A: [&str; 2] = ["mio \" mio", r#"mio " mio"#];
const B: (char, u8) = ('"', b'\''); fn mio<'a>(mio: &'a str) {} // "
#[cfg(test)]
mod tests {
    fn mio() { let x = "}"; }
}
#[cfg(test)]
use mio::{Events, Token};
#[cfg(test)]
mod tests;
fn last() -> [u8; 2] { mio.unwrap() + mio_ }
"####;
    let source = Source::new("src/a/b.rs", text);
    assert_eq!(source.lines_with("mio").collect::<Vec<_>>(), [2, 4, 4, 13], "{}", source.code);
    assert_eq!(source.lines_with(".unwrap()").collect::<Vec<_>>(), [13]);
    assert_eq!(source.code.len(), text.len());
    assert_eq!(source.module(), "a");
    assert_eq!(source.test_modules(), ["src/a/b/tests"]);
    let functions: Vec<_> = source.functions().iter().map(|function| (function.line, function.name)).collect();
    assert_eq!(functions, [(4, "mio"), (13, "last")]);
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "use crate::a::b;\npub(crate) use crate::{c::{d, e}, f, G,\n};\nfn x() { crate::h::y(crate::Z) }\n";
    let imports = [(1, "a"), (2, "c"), (2, "f"), (2, "lib"), (4, "h"), (4, "lib")];
    assert_eq!(Source::new("src/a.rs", text).imports(), imports);
}
