//! The types that a property may have, their numbers, names and ranges.
//!
//! Floor 5. Pure. Numbers and names follow the public page of the `CIMTYPE_ENUMERATION`.

use std::fmt;
use std::ops::RangeInclusive;

/// The bit that makes a type's number that of an array of the type.
const ARRAY_FLAG: u16 = 0x2000;

/// The type of a single value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CimType {
    /// A signed integer of 16 bits.
    Sint16,
    /// A signed integer of 32 bits.
    Sint32,
    /// A floating-point number of 32 bits.
    Real32,
    /// A floating-point number of 64 bits.
    Real64,
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// An object within the object.
    Object,
    /// A signed integer of 8 bits.
    Sint8,
    /// An unsigned integer of 8 bits.
    Uint8,
    /// An unsigned integer of 16 bits.
    Uint16,
    /// An unsigned integer of 32 bits.
    Uint32,
    /// A signed integer of 64 bits.
    Sint64,
    /// An unsigned integer of 64 bits.
    Uint64,
    /// A moment or a span.
    DateTime,
    /// The path of another object.
    Reference,
    /// One UTF-16 unit.
    Char16,
}

/// Each type with its number and its name.
const TYPES: [(CimType, u16, &str); 16] = [
    (CimType::Sint16, 2, "sint16"),
    (CimType::Sint32, 3, "sint32"),
    (CimType::Real32, 4, "real32"),
    (CimType::Real64, 5, "real64"),
    (CimType::String, 8, "string"),
    (CimType::Boolean, 11, "boolean"),
    (CimType::Object, 13, "object"),
    (CimType::Sint8, 16, "sint8"),
    (CimType::Uint8, 17, "uint8"),
    (CimType::Uint16, 18, "uint16"),
    (CimType::Uint32, 19, "uint32"),
    (CimType::Sint64, 20, "sint64"),
    (CimType::Uint64, 21, "uint64"),
    (CimType::DateTime, 101, "datetime"),
    (CimType::Reference, 102, "ref"),
    (CimType::Char16, 103, "char16"),
];

impl CimType {
    /// Every type, in the order of the numbers.
    pub fn all() -> impl Iterator<Item = CimType> {
        TYPES.iter().map(|(cim_type, ..)| *cim_type)
    }

    /// The number of the type.
    pub fn number(self) -> u16 {
        TYPES[self as usize].1
    }

    /// The name of the type in MOF.
    pub fn name(self) -> &'static str {
        TYPES[self as usize].2
    }

    /// Finds the type of a number.
    pub fn from_number(number: u16) -> Option<CimType> {
        TYPES.iter().find(|entry| entry.1 == number).map(|entry| entry.0)
    }

    /// Finds the type of a name, letter case ignored.
    pub fn from_name(name: &str) -> Option<CimType> {
        TYPES.iter().find(|entry| entry.2.eq_ignore_ascii_case(name)).map(|entry| entry.0)
    }

    /// What an integer of this type can be; `None` for a type that holds no integers.
    pub fn range(self) -> Option<RangeInclusive<i128>> {
        Some(match self {
            CimType::Sint8 => i8::MIN.into()..=i8::MAX.into(),
            CimType::Uint8 => 0..=u8::MAX.into(),
            CimType::Sint16 => i16::MIN.into()..=i16::MAX.into(),
            CimType::Uint16 => 0..=u16::MAX.into(),
            CimType::Sint32 => i32::MIN.into()..=i32::MAX.into(),
            CimType::Uint32 => 0..=u32::MAX.into(),
            CimType::Sint64 => i64::MIN.into()..=i64::MAX.into(),
            CimType::Uint64 => 0..=u64::MAX.into(),
            _ => return None,
        })
    }

    /// Whether the type holds floating-point numbers.
    pub fn is_real(self) -> bool {
        matches!(self, CimType::Real32 | CimType::Real64)
    }

    /// Whether a property of this type can be a key ("Key qualifier" in the public documentation).
    pub fn can_be_key(self) -> bool {
        !self.is_real() && self != CimType::Object
    }
}

impl fmt::Display for CimType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The type of a property: one value, or an array of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PropertyType {
    /// One value of the type.
    One(CimType),
    /// Any number of values of the type.
    Array(CimType),
}

impl PropertyType {
    /// The type of each value.
    pub fn element(self) -> CimType {
        match self {
            PropertyType::One(element) | PropertyType::Array(element) => element,
        }
    }

    /// The number of the type, with the flag of arrays.
    pub fn number(self) -> u16 {
        match self {
            PropertyType::One(element) => element.number(),
            PropertyType::Array(element) => element.number() | ARRAY_FLAG,
        }
    }

    /// Finds the type of a number.
    pub fn from_number(number: u16) -> Option<PropertyType> {
        let element = CimType::from_number(number & !ARRAY_FLAG)?;
        Some(if number & ARRAY_FLAG == 0 { PropertyType::One(element) } else { PropertyType::Array(element) })
    }
}

impl From<CimType> for PropertyType {
    fn from(cim_type: CimType) -> PropertyType {
        PropertyType::One(cim_type)
    }
}

impl fmt::Display for PropertyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PropertyType::One(element) => write!(f, "{element}"),
            PropertyType::Array(element) => write!(f, "{element}[]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back_to_the_type() {
        for (index, (cim_type, number, name)) in TYPES.into_iter().enumerate() {
            assert_eq!((cim_type as usize, cim_type.number(), cim_type.name()), (index, number, name));
            assert_eq!(CimType::from_number(number), Some(cim_type));
            assert_eq!(CimType::from_name(&name.to_uppercase()), Some(cim_type));
            for property_type in [PropertyType::One(cim_type), PropertyType::Array(cim_type)] {
                assert_eq!(PropertyType::from_number(property_type.number()), Some(property_type));
            }
        }
        // 0 is "empty" and 0xFFF "illegal": neither is a type that a value can have.
        for number in [0, 0xfff, 13 + 1, 0x4000 | 8] {
            assert_eq!(PropertyType::from_number(number), None, "{number}");
        }
    }

    #[test]
    fn ranges() {
        for (name, least, most) in [
            ("sint8", -128, 127),
            ("uint8", 0, 255),
            ("sint16", -32_768, 32_767),
            ("uint16", 0, 65_535),
            ("sint32", -2_147_483_648, 2_147_483_647),
            ("uint32", 0, 4_294_967_295),
            ("sint64", -9_223_372_036_854_775_808, 9_223_372_036_854_775_807),
            ("uint64", 0, 18_446_744_073_709_551_615),
        ] {
            assert_eq!(CimType::from_name(name).and_then(CimType::range), Some(least..=most), "{name}");
        }
        assert_eq!(CimType::all().filter(|cim_type| cim_type.range().is_some()).count(), 8);
    }
}
