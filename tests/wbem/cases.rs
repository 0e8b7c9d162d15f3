//! Every case has a test of its name, or is a row of the table of cancel.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The cases, by theme: queries, enumerators, calls to sinks, cancels, events, objects and paths, Linux.
///
/// One of the texts' is left out: E01, null pointers, cannot be written in safe Rust.
const CASES: &[&str] = &[
    "p01 p02 p03 p04 p05 p06 p08 p09 p11 p12 p13 p14 p16 p17 p18 p19 p20 p22 p23 p24 p25 p26 p28 p29 p30 p31 p32 p34",
    "p35 p36 p37 p38 p39 p40 p41 p42 p44 p45 p46 p47 p48",
    "e02 e03 e04 e05 e07 e08 e09 e10",
    "a01 a02 a03 a04 a05 a06 a08 a09 a10 a11",
    "c01 c02 c03 c04 c06 c07 c08 c09 c11 c12 c13",
    "v01 v02 v03 v04 v05 v06 v07 v08 v09 v10 v11 v12",
    "o01 o02 o03 o04 o05 o06 o08",
    "l01 l02 l03 l04",
];

/// Adds the names of cases in the sources of a folder and the folders in it.
fn collect(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the sources are here") {
        let path = entry.expect("they can be listed").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let is_table = path.ends_with("cancel.rs");
            let text = fs::read_to_string(path).expect("source is UTF-8");
            let mut is_test = false;
            for line in text.lines().map(str::trim_start) {
                if let Some(name) = line.strip_prefix("fn ").filter(|_| is_test) {
                    found.extend(name.split('_').take_while(|part| is_case(part)).map(str::to_owned));
                } else if let Some(row) = line.strip_prefix("(\"").filter(|_| is_table) {
                    let words = row.split([',', ':', ' ']).map(str::to_lowercase);
                    found.extend(words.filter(|word| is_case(word)));
                }
                is_test = line == "#[test]" || is_test && line.starts_with('#');
            }
        }
    }
}

/// Whether a word is a letter and two digits.
fn is_case(word: &str) -> bool {
    matches!(word.as_bytes(), [letter, tens, ones] if letter.is_ascii_lowercase() && tens.is_ascii_digit() && ones.is_ascii_digit())
}

#[test]
fn every_case_has_a_test() {
    let mut found = BTreeSet::new();
    for folder in ["src/wbem", "tests/wbem", "tests/wbem_linux"] {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    let missing: Vec<_> =
        CASES.iter().flat_map(|theme| theme.split(' ')).filter(|case| !found.contains(*case)).collect();
    assert!(missing.is_empty(), "no test for {missing:?}");
}
