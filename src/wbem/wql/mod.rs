//! WQL: the query language of management objects.
//!
//! Floor 5. Pure: no provider and no schema is asked; whoever has the class of a query passes it in.
//!
//! A query is read, fitted to a class, and then tried on many instances:
//!
//! ```
//! use msgpump::wbem::wql::Query;
//! use msgpump::wbem::{CimType, Class, Instance, Property};
//!
//! let class = Class::builder("Fruit")
//!     .property(Property::key("Name", CimType::String))
//!     .property(Property::new("Grams", CimType::Uint32))
//!     .build()?;
//! let mut apple = Instance::new(&class);
//! apple.put("Name", "Apple")?;
//! apple.put("Grams", 150)?;
//!
//! let Query::Select(query) = Query::parse("SELECT Name FROM Fruit WHERE Name LIKE 'a%' AND Grams > 100")? else {
//!     unreachable!()
//! };
//! let predicate = query.predicate(&class, 0)?;
//! let projection = query.projection(&class, false)?;
//! assert!(predicate.matches(&apple).is_true());
//! let row = projection.apply(&apple.into());
//! assert_eq!(row.get("Name").and_then(|name| name.as_str()), Some("Apple"));
//! assert_eq!(row.get("Grams"), None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What a condition says of keys is told by [`Predicate::bindings`], what must be read of an object
//! by [`Predicate::reads`] and [`Projection::reads`].
//!
//! Nothing is known of a comparison with NULL: see [`Truth`]. A constant takes on the type of the property
//! that it is compared with; one that cannot is an error, with its place in the query.

mod access;
mod ast;
mod bindings;
mod criterion;
mod error;
mod eval;
mod event;
#[cfg(test)]
mod generate;
mod lexer;
mod like;
mod parser;
mod print;
mod projection;
mod property_set;
mod truth;

pub use ast::{
    AssociatorsQuery, Check, ClassName, Condition, EventQuery, Group, Having, Literal, LiteralValue, Operator, Output,
    Pair, Place, PropertyName, Query, ReferencesQuery, SchemaQuery, SelectList, SelectQuery,
};
pub use bindings::Bindings;
pub use error::{WqlError, WqlErrorKind};
pub use eval::{Predicate, SchemaPredicate};
pub use event::Grouping;
pub use parser::{CONDITIONS_MAX, LIST_MAX, NAME_PARTS_MAX, NESTING_MAX, QUERY_BYTES_MAX};
pub use print::{quote, quote_pattern};
pub use projection::Projection;
pub use property_set::PropertySet;
pub use truth::Truth;
