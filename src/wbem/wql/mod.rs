//! WQL: the query language of management objects.
//!
//! A query is read ([`Query::parse`], [`EventQuery::parse`]), fitted to a class, and then tried on many
//! instances.

mod ast;
mod error;
#[cfg(test)]
mod generate;
mod lexer;
mod like;
mod parser;
mod print;

pub use ast::{
    AssociatorsQuery, Check, ClassName, Condition, EventQuery, Group, Having, Literal, LiteralValue, Operator, Output,
    Pair, Place, PropertyName, Query, ReferencesQuery, SchemaQuery, SelectList, SelectQuery,
};
pub use error::{WqlError, WqlErrorKind};
pub use parser::{CONDITIONS_MAX, LIST_MAX, NAME_PARTS_MAX, NESTING_MAX, QUERY_BYTES_MAX};
pub use print::{quote, quote_pattern};
