//! The page about security names tests for each defence, and those exist.

use std::fs;
use std::path::Path;

/// Appends the Rust files below `folder`, without the blanks at the beginnings of lines.
fn append_files(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).expect("the folder is here") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            append_files(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let file = fs::read_to_string(&path).expect("source is UTF-8");
            text.extend(file.lines().flat_map(|line| [line.trim_start(), "\n"]));
        }
    }
}

#[test]
fn the_tests_that_the_security_page_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("src/security.md")).expect("the page is here");
    let mut text = String::new();
    for folder in ["src", "tests"] {
        append_files(&root.join(folder), &mut text);
    }
    let is_test = |name: &str| {
        let before = text.split_once(&format!("\nfn {name}()")).map(|(before, _)| before);
        before.is_some_and(|before| {
            before.lines().rev().take_while(|line| line.starts_with("#[")).any(|line| line == "#[test]")
        })
    };
    let (mut threats, mut broken) = (0, Vec::new());
    let mut is_in_table = false;
    for line in page.lines() {
        if line.starts_with("| ") && line.ends_with("| shown by |") {
            is_in_table = true;
        } else if !line.starts_with('|') {
            is_in_table = false;
        } else if is_in_table && line.starts_with("| ") {
            threats += 1;
            let (_, shown_by) = line.trim_end_matches(" |").rsplit_once(" | ").expect("a row has cells");
            let named: Vec<_> = shown_by.split('`').skip(1).step_by(2).collect();
            if named.is_empty() {
                broken.push(format!("nothing shows \"{line}\""));
            }
            broken.extend(named.iter().filter(|name| !is_test(name)).map(|name| format!("there is no test {name}")));
        }
    }
    assert!(threats > 25, "only {threats} threats were found");
    assert!(broken.is_empty(), "src/security.md:\n{}", broken.join("\n"));
}
