//! What a manifest says of its dependencies: the comment above each is its reason.

/// A direct dependency.
pub struct Dependency {
    pub name: String,
    /// The manifest.
    pub from: String,
    /// The head of its section, without brackets.
    pub section: String,
    /// The lines of comment above it, as one.
    pub reason: String,
}

impl Dependency {
    pub fn is_dev(&self) -> bool {
        self.section.ends_with("dev-dependencies")
    }
}

/// The dependencies of a manifest, in its order. Each begins a line, and sections of a single one are not read.
pub fn dependencies(path: &str, text: &str) -> Vec<Dependency> {
    let (mut section, mut reason, mut found) = ("", Vec::new(), Vec::new());
    let mut is_continued = false;
    for line in text.lines() {
        if is_continued {
            is_continued = !line.starts_with(']');
        } else if let Some(head) = line.strip_prefix('[') {
            section = head.trim_end_matches(']');
            reason.clear();
        } else if let Some(comment) = line.strip_prefix("# ") {
            reason.push(comment);
        } else if line.trim().is_empty() {
            reason.clear();
        } else if section.ends_with("dependencies")
            && let Some((name, value)) = line.split_once(" = ")
        {
            let reason = std::mem::take(&mut reason).join(" ");
            let (name, from, section) = (name.to_owned(), path.to_owned(), section.to_owned());
            found.push(Dependency { name, from, section, reason });
            is_continued = value.ends_with('[');
        }
    }
    found
}

#[test]
fn a_comment_above_is_the_reason_and_counts_for_one() {
    let text = "[dependencies]\n# Two\n# lines.\na = \"1\"\nb = { version = \"1\", features = [\n    \"x\",\n] }\n\n\
        # Of nobody.\n\n[target.'cfg(unix)'.dev-dependencies]\n# Why.\nc = \"1\"\n\n[features]\n# No dependency.\nd = []\n";
    let found = dependencies("x", text);
    let said: Vec<_> = found.iter().map(|it| (it.name.as_str(), it.reason.as_str(), it.is_dev())).collect();
    assert_eq!(said, [("a", "Two lines.", false), ("b", "", false), ("c", "Why.", true)]);
}
