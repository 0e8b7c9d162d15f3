//! The names of properties, fitted to a class.
//!
//! Floor 5. Pure. A name is looked up once for many objects. What lies in an embedded object is looked up
//! anew for each class that such objects turn out to have.

use std::borrow::Cow;

use super::ast::{Place, PropertyName};
use super::error::{WqlError, WqlErrorKind};
use super::parser::Form;
use crate::wbem::cim_type::{CimType, PropertyType};
use crate::wbem::class::Class;
use crate::wbem::fold;
use crate::wbem::instance::Instance;
use crate::wbem::system::SystemProperty;
use crate::wbem::value::Value;

/// The name that stands for the object itself.
const THIS: &str = "__this";

/// What a name means in a class.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Access<'n> {
    /// The property at a place.
    Property(usize),
    /// A property that every object has.
    System(SystemProperty),
    /// The object itself.
    Itself,
    /// Something in the object at a place; the rest of the name says what.
    Embedded(usize, &'n str),
}

impl<'n> Access<'n> {
    /// Finds what a name means in `class`.
    pub(super) fn resolve(name: &'n str, class: &Class) -> Result<Access<'n>, WqlErrorKind> {
        let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
        let not_an_object = || Err(WqlErrorKind::NotAnObject(first.into()));
        if let Some(index) = class.index_of(first) {
            return match (rest, class.properties()[index].property_type) {
                (None, _) => Ok(Access::Property(index)),
                (Some(rest), PropertyType::One(CimType::Object)) => Ok(Access::Embedded(index, rest)),
                (Some(_), _) => not_an_object(),
            };
        }
        match (SystemProperty::from_name(first), rest) {
            (Some(property), None) => Ok(Access::System(property)),
            (Some(_), Some(_)) => not_an_object(),
            (None, None) if fold::equal(first, THIS) => Ok(Access::Itself),
            (None, Some(rest)) if class.is_a(first) => Access::resolve(rest, class),
            (None, _) => Err(WqlErrorKind::UnknownProperty(first.into())),
        }
    }
}

/// The value that a name means in an object; `None` if there is nothing of that name.
pub(super) fn value_of<'i>(name: &str, object: &'i Instance) -> Option<Cow<'i, Value>> {
    match Access::resolve(name, object.class()).ok()? {
        Access::Property(index) => object.value(index).map(Cow::Borrowed),
        Access::System(property) => Some(Cow::Owned(property.of_instance(object))),
        Access::Itself => None,
        Access::Embedded(index, rest) => value_of(rest, object.value(index)?.as_object()?),
    }
}

/// What a query is fitted to a class with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fitting {
    /// What the query is for.
    pub(super) form: Form,
    /// How many minutes local time is ahead of UTC, for constants that do not say.
    pub(super) utc_offset: i16,
}

impl Fitting {
    /// The error of something at a place of the query.
    pub(super) fn error(self, place: Place, kind: WqlErrorKind) -> WqlError {
        WqlError { position: place.start as usize, kind, form: self.form }
    }

    /// What a name of the query means in `class`.
    pub(super) fn resolve<'n>(self, name: &'n PropertyName, class: &Class) -> Result<Access<'n>, WqlError> {
        Access::resolve(&name.text, class).map_err(|kind| self.error(name.place, kind))
    }
}
