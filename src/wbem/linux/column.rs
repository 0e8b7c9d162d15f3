//! A column of a table: one property, where it is from, and how it is read.
//!
//! Floor 5. What has no true source is a column as well: NULL, and why.

use std::sync::Arc;

use super::reading::Reading;
use crate::wbem::cim_type::{CimType, PropertyType};
use crate::wbem::class::Property;
use crate::wbem::datetime::Timestamp;
use crate::wbem::value::Value;

/// One property: its name, whether it is a key, where it is from, and how it is read.
pub(super) struct Column<R: 'static> {
    pub(super) name: &'static str,
    pub(super) is_key: bool,
    is_fixed: bool,
    source: &'static str,
    read: Read<R>,
}

/// How a property is read.
enum Read<R: 'static> {
    Text(fn(&R, &Reading) -> Option<Arc<str>>),
    Texts(fn(&R, &Reading) -> Option<Vec<String>>),
    Bool(fn(&R, &Reading) -> Option<bool>),
    U8(fn(&R, &Reading) -> Option<u8>),
    U16(fn(&R, &Reading) -> Option<u16>),
    U16s(fn(&R, &Reading) -> Option<Vec<u16>>),
    S16(fn(&R, &Reading) -> Option<i16>),
    U32(fn(&R, &Reading) -> Option<u32>),
    S32(fn(&R, &Reading) -> Option<i32>),
    U64(fn(&R, &Reading) -> Option<u64>),
    Moment(fn(&R, &Reading) -> Option<Timestamp>),
    Reference(&'static str, fn(&R, &Reading) -> Option<String>),
    Constant(&'static str),
    Null(PropertyType),
}

// Derived, these would ask the same of `R`.
impl<R: 'static> Clone for Column<R> {
    fn clone(&self) -> Column<R> {
        *self
    }
}

impl<R: 'static> Copy for Column<R> {}

impl<R: 'static> Clone for Read<R> {
    fn clone(&self) -> Read<R> {
        *self
    }
}

impl<R: 'static> Copy for Read<R> {}

/// Makes a constructor for each way to read.
macro_rules! constructors {
    ($($function:ident $variant:ident $type:ty, $what:literal;)*) => {
        impl<R: 'static> Column<R> {
            $(#[doc = $what]
            pub(super) const fn $function(
                name: &'static str,
                source: &'static str,
                read: fn(&R, &Reading) -> Option<$type>,
            ) -> Column<R> {
                Column { name, is_key: false, is_fixed: false, source, read: Read::$variant(read) }
            })*
        }
    };
}

constructors! {
    text Text Arc<str>, "A text.";
    texts Texts Vec<String>, "Texts.";
    bool Bool bool, "True or false.";
    u8 U8 u8, "A number of 8 bits.";
    u16 U16 u16, "A number of 16 bits.";
    u16s U16s Vec<u16>, "Numbers of 16 bits.";
    s16 S16 i16, "A signed number of 16 bits.";
    u32 U32 u32, "A number of 32 bits.";
    s32 S32 i32, "A signed number of 32 bits.";
    u64 U64 u64, "A number of 64 bits.";
    moment Moment Timestamp, "A moment.";
}

impl<R: 'static> Column<R> {
    /// The path of an object of a class.
    pub(super) const fn reference(
        name: &'static str,
        class: &'static str,
        source: &'static str,
        read: fn(&R, &Reading) -> Option<String>,
    ) -> Column<R> {
        Column { name, is_key: false, is_fixed: false, source, read: Read::Reference(class, read) }
    }

    /// The same text in every row.
    pub(super) const fn constant(name: &'static str, value: &'static str) -> Column<R> {
        Column { name, is_key: false, is_fixed: false, source: "", read: Read::Constant(value) }
    }

    /// A property for which Linux has no true source, and why.
    pub(super) const fn null(name: &'static str, cim_type: CimType, why: &'static str) -> Column<R> {
        Column { name, is_key: false, is_fixed: false, source: why, read: Read::Null(PropertyType::One(cim_type)) }
    }

    /// An array for which Linux has no true source, and why.
    pub(super) const fn null_array(name: &'static str, cim_type: CimType, why: &'static str) -> Column<R> {
        Column { name, is_key: false, is_fixed: false, source: why, read: Read::Null(PropertyType::Array(cim_type)) }
    }

    /// The same property as a key.
    pub(super) const fn key(self) -> Column<R> {
        Column { is_key: true, ..self }
    }

    /// The same property as one that cannot change while there is the object.
    pub(super) const fn fixed(self) -> Column<R> {
        Column { is_fixed: true, ..self }
    }

    fn property_type(&self) -> PropertyType {
        PropertyType::One(match self.read {
            Read::Text(_) | Read::Constant(_) => CimType::String,
            Read::Bool(_) => CimType::Boolean,
            Read::U8(_) => CimType::Uint8,
            Read::U16(_) => CimType::Uint16,
            Read::S16(_) => CimType::Sint16,
            Read::U32(_) => CimType::Uint32,
            Read::S32(_) => CimType::Sint32,
            Read::U64(_) => CimType::Uint64,
            Read::Moment(_) => CimType::DateTime,
            Read::Reference(..) => CimType::Reference,
            Read::Texts(_) => return PropertyType::Array(CimType::String),
            Read::U16s(_) => return PropertyType::Array(CimType::Uint16),
            Read::Null(property_type) => return property_type,
        })
    }

    /// The property of the class.
    pub(super) fn property(&self) -> Property {
        let (element, name) = (self.property_type().element(), self.name);
        let property = match self.property_type() {
            PropertyType::One(_) => Property::new(name, element),
            PropertyType::Array(_) => Property::array(name, element),
        };
        let source = match self.read {
            Read::Constant(value) => format!("always `{value}`"),
            _ => self.source.to_owned(),
        };
        let property = property.qualifier("read", true).qualifier("MappingStrings", vec![source]);
        let property = match self.read {
            Read::Reference(class, _) => property.of_class(class),
            _ => property,
        };
        let property = if self.is_fixed { property.qualifier("fixed", true) } else { property };
        if self.is_key { property.qualifier("key", true) } else { property }
    }

    /// Whether it leads to other objects.
    pub(super) fn is_reference(&self) -> bool {
        matches!(self.read, Read::Reference(..))
    }

    /// Its value in a row.
    pub(super) fn value(&self, row: &R, reading: &Reading) -> Value {
        match self.read {
            Read::Text(read) => read(row, reading).into(),
            Read::Texts(read) => read(row, reading).into(),
            Read::Bool(read) => read(row, reading).into(),
            Read::U8(read) => read(row, reading).into(),
            Read::U16(read) => read(row, reading).into(),
            Read::U16s(read) => read(row, reading).into(),
            Read::S16(read) => read(row, reading).into(),
            Read::U32(read) => read(row, reading).into(),
            Read::S32(read) => read(row, reading).into(),
            Read::U64(read) => read(row, reading).into(),
            Read::Moment(read) => read(row, reading).into(),
            Read::Reference(_, read) => read(row, reading).map_or(Value::Null, Value::reference),
            Read::Constant(value) => value.into(),
            Read::Null(_) => Value::Null,
        }
    }
}
