//! What came of reading a file of lines.
//!
//! Floor 0. Words only.

/// What a hosts, services, protocols or resolver file held.
///
/// A line that cannot be read costs only itself: the others count. Empty lines and comments are
/// neither entries nor skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileReport {
    /// How many lines became entries.
    pub entries: usize,
    /// How many lines were passed over because they make no sense.
    pub lines_skipped: usize,
    /// The number of the first line passed over, counted from 1.
    pub first_skipped: Option<usize>,
}
