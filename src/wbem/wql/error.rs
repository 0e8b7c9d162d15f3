//! What is wrong with a query, and where.
//!
//! Floor 5. Pure. The place is a byte of the query's text; [`WqlError::annotate`] draws a caret under it.

use std::fmt;

use super::parser::Form;
use crate::wbem::convert::ValueError;
use crate::wbem::datetime::DateTimeError;
use crate::wbem::error::{WbemError, WbemStatus};
use crate::wbem::path::PathErrorKind;

/// Why a query is refused.
#[derive(Clone, Debug, PartialEq)]
pub struct WqlError {
    /// The byte of the query at which it goes wrong.
    pub position: usize,
    /// What is wrong there.
    pub kind: WqlErrorKind,
    pub(super) form: Form,
}

/// What is wrong with a query.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum WqlErrorKind {
    /// Something else should stand here.
    Expected {
        /// What should.
        expected: &'static str,
        /// What does; empty at the end of the query.
        found: Box<str>,
    },
    /// The quote that opens here is never closed.
    UnclosedQuote,
    /// The brace that opens here is never closed.
    UnclosedBrace,
    /// A backslash in a text stands before a backslash or a quote only.
    Escape,
    /// These letters begin like a number and are none.
    Number,
    /// The number is not in the range of its type.
    NumberTooLarge,
    /// The text is longer than [`QUERY_BYTES_MAX`](super::QUERY_BYTES_MAX).
    TooLong,
    /// Parentheses and NOT are nested deeper than [`NESTING_MAX`](super::NESTING_MAX).
    TooDeep,
    /// There are more conditions, properties or parts of a name than a query may have.
    TooMany(&'static str),
    /// This clause belongs to event queries.
    EventClause(&'static str),
    /// GROUP BY needs GROUP WITHIN.
    MissingGroupWithin,
    /// GROUP BY needs a list of properties.
    MissingAggregationList,
    /// The path in the braces is none.
    Path(PathErrorKind),
    /// The keyword is there twice.
    Repeated(&'static str),
    /// These keywords exclude each other.
    Exclusive(&'static str, &'static str),
    /// SchemaOnly needs the path of a class.
    SchemaOfInstance,
    /// The class has no such property.
    UnknownProperty(Box<str>),
    /// A dot follows a property that is no embedded object.
    NotAnObject(Box<str>),
    /// GROUP BY names an embedded object without one of its properties.
    AggregatingByObject(Box<str>),
    /// The operator does not go with the property or the constant.
    Operator(&'static str),
    /// The constant does not go with the property.
    Constant(ValueError),
    /// The constant is no moment, and the property is one.
    DateTime(DateTimeError),
}

impl WqlError {
    /// The number that a call ends with because of this.
    pub fn status(&self) -> WbemStatus {
        match (&self.kind, self.form) {
            (WqlErrorKind::TooLong | WqlErrorKind::TooDeep | WqlErrorKind::TooMany(_), _) => WbemStatus::QuotaViolation,
            (WqlErrorKind::MissingGroupWithin, _) => WbemStatus::MissingGroupWithin,
            (WqlErrorKind::MissingAggregationList, _) => WbemStatus::MissingAggregationList,
            (WqlErrorKind::AggregatingByObject(_), _) => WbemStatus::AggregatingByObject,
            (WqlErrorKind::NotAnObject(_), _) => WbemStatus::PropertyNotAnObject,
            (WqlErrorKind::Operator(_), Form::Event) => WbemStatus::InvalidOperator,
            (_, Form::Event) => WbemStatus::UnparsableQuery,
            (_, Form::Data) => WbemStatus::InvalidQuery,
        }
    }

    /// The line of `query` that is wrong, and under it a caret and what is wrong.
    ///
    /// ```
    /// let query = "SELECT * FORM Win32_Process";
    /// let error = msgpump::wbem::wql::Query::parse(query).unwrap_err();
    /// assert_eq!(error.annotate(query), format!("{query}\n         ^ expected FROM, found FORM"));
    /// ```
    pub fn annotate(&self, query: &str) -> String {
        let position =
            (0..=self.position.min(query.len())).rev().find(|byte| query.is_char_boundary(*byte)).unwrap_or(0);
        let (before, after) = query.split_at(position);
        let start = before.rfind(['\n', '\r']).map_or(0, |newline| newline + 1);
        let end = after.find(['\n', '\r']).map_or(query.len(), |newline| position + newline);
        // A tab stays a tab, so that the caret is moved as far as the line.
        let indent: String =
            query[start..position].chars().map(|letter| if letter == '\t' { '\t' } else { ' ' }).collect();
        format!("{}\n{indent}^ {self}", &query[start..end])
    }

    /// The error of a call that was given `query`.
    pub fn in_query(&self, query: &str) -> WbemError {
        let offending = query.get(self.position..).unwrap_or_default();
        WbemError::from(self.clone()).parameter(query).offending(offending, self.position)
    }
}

impl fmt::Display for WqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            WqlErrorKind::Expected { expected, found } if found.is_empty() => {
                write!(f, "expected {expected}, found the end of the query")
            }
            WqlErrorKind::Expected { expected, found } => write!(f, "expected {expected}, found {found}"),
            WqlErrorKind::UnclosedQuote => f.write_str("the quote is never closed"),
            WqlErrorKind::UnclosedBrace => f.write_str("the brace is never closed"),
            WqlErrorKind::Escape => f.write_str("a backslash escapes only a backslash or a quote"),
            WqlErrorKind::Number => f.write_str("this is not a number"),
            WqlErrorKind::NumberTooLarge => f.write_str("the number is too large"),
            WqlErrorKind::TooLong => f.write_str("the query is too long"),
            WqlErrorKind::TooDeep => f.write_str("the conditions are nested too deeply"),
            WqlErrorKind::TooMany(what) => write!(f, "there are too many {what}"),
            WqlErrorKind::EventClause(clause) => write!(f, "{clause} belongs to event queries"),
            WqlErrorKind::MissingGroupWithin => f.write_str("GROUP BY needs GROUP WITHIN"),
            WqlErrorKind::MissingAggregationList => f.write_str("GROUP BY needs a list of properties"),
            WqlErrorKind::Path(kind) => write!(f, "{kind}"),
            WqlErrorKind::Repeated(keyword) => write!(f, "{keyword} is there twice"),
            WqlErrorKind::Exclusive(one, other) => write!(f, "{one} and {other} exclude each other"),
            WqlErrorKind::SchemaOfInstance => f.write_str("SchemaOnly needs the path of a class"),
            WqlErrorKind::UnknownProperty(name) => write!(f, "there is no property {name}"),
            WqlErrorKind::NotAnObject(name) => write!(f, "{name} is not an embedded object"),
            WqlErrorKind::AggregatingByObject(name) => write!(f, "{name} is an object; name one of its properties"),
            WqlErrorKind::Operator(reason) => f.write_str(reason),
            WqlErrorKind::Constant(error) => write!(f, "{error}"),
            WqlErrorKind::DateTime(error) => write!(f, "not a datetime: {error}"),
        }
    }
}

impl std::error::Error for WqlError {}

impl From<WqlError> for WbemError {
    fn from(error: WqlError) -> WbemError {
        WbemError::new(error.status()).description(error.to_string())
    }
}
