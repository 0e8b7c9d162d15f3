//! The paths of objects: `\\server\root\cimv2:Class.Key="value",Other=3`.
//!
//! Floor 5. Pure. A path is read and written here; which keys it should have is said by its class
//! ([`ObjectPath::key_values`]). Syntax and restrictions follow the public pages "WMI Object Path
//! Requirements" and "Describing an Instance Object Path".

mod bind;
mod namespace;
mod parser;

use std::fmt;
use std::str::FromStr;

use super::convert::ValueError;
use super::error::{WbemError, WbemStatus};
use super::fold;
pub use namespace::NamespacePath;

/// The longest path that is read; a longer one is hostile.
pub const PATH_BYTES_MAX: usize = 64 * 1024;

/// The most keys in a path: each is compared with all before it.
const KEYS_MAX: usize = 256;

/// The path of a class or of an instance.
///
/// `==` compares what is written: for whether two paths mean the same object, compare their
/// [`key_values`](ObjectPath::key_values).
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectPath {
    namespace: Option<NamespacePath>,
    class: Box<str>,
    keys: PathKeys,
}

/// How a path tells its instance from the others of the class.
#[derive(Clone, Debug, PartialEq)]
pub enum PathKeys {
    /// Not at all: the class itself is meant.
    None,
    /// `=@`: the class has one instance.
    Singleton,
    /// `="value"`: the class has one key.
    Unnamed(KeyValue),
    /// `.Name="value",...`, in the order in which they are written.
    Named(Vec<(Box<str>, KeyValue)>),
}

/// The value of a key in a path.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyValue {
    /// A text in quotes; also a datetime, a reference, or a large integer.
    String(Box<str>),
    /// A number.
    Integer(i128),
    /// TRUE or FALSE.
    Boolean(bool),
}

/// Why a text is no path, or a path none of its class.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PathError {
    /// The byte at which the text goes wrong; 0 where the path as a whole is meant.
    pub position: usize,
    /// What is wrong there.
    pub kind: PathErrorKind,
}

/// What is wrong with a path.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PathErrorKind {
    /// Something else should stand here.
    Expected(&'static str),
    /// The quote that opens here is never closed.
    UnclosedQuote,
    /// A backslash may stand before a backslash or a quote only.
    Escape,
    /// A character below the blank must be written as `%` and its number.
    ControlCharacter,
    /// The number is not in the range of 64 bits.
    NumberTooLarge,
    /// The path is too long, or has too many keys.
    TooLong,
    /// A name of the namespace is missing or has a letter that names do not have.
    NamespaceName,
    /// Two slashes begin the path, and no server follows.
    NoServer,
    /// The key is given twice.
    RepeatedKey(Box<str>),
    /// The class has no such key.
    UnknownKey(Box<str>),
    /// The class has a key that is not given.
    MissingKey(Box<str>),
    /// The key's value does not fit the key.
    KeyType(Box<str>, ValueError),
    /// The class has no instance that is found in this way.
    WrongKind(&'static str),
}

impl ObjectPath {
    /// Reads a path.
    pub fn parse(text: &str) -> Result<ObjectPath, PathError> {
        parser::parse(text)
    }

    /// Makes a path from its parts.
    ///
    /// # Errors
    ///
    /// A name is no identifier, or a key is there twice.
    pub fn new(class: &str, keys: PathKeys) -> Result<ObjectPath, PathError> {
        if !fold::is_identifier(class) {
            return Err(PathError { position: 0, kind: PathErrorKind::Expected("the name of a class") });
        }
        if let PathKeys::Named(named) = &keys {
            if named.is_empty() || !named.iter().all(|(name, _)| fold::is_identifier(name)) {
                return Err(PathError { position: 0, kind: PathErrorKind::Expected("the name of a key") });
            }
            for end in 1..=named.len() {
                parser::check_last_key(&named[..end], 0)?;
            }
        }
        Ok(ObjectPath { namespace: None, class: class.into(), keys })
    }

    /// The same path in a namespace.
    pub fn within(mut self, namespace: NamespacePath) -> ObjectPath {
        self.namespace = Some(namespace);
        self
    }

    /// The namespace, if the path names one.
    pub fn namespace(&self) -> Option<&NamespacePath> {
        self.namespace.as_ref()
    }

    /// The class.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// The keys.
    pub fn keys(&self) -> &PathKeys {
        &self.keys
    }

    /// Whether the class itself is meant.
    pub fn is_class(&self) -> bool {
        self.keys == PathKeys::None
    }
}

impl PathError {
    /// The number that a call ends with because of this.
    pub fn status(&self) -> WbemStatus {
        match self.kind {
            PathErrorKind::NamespaceName => WbemStatus::InvalidNamespace,
            PathErrorKind::NoServer => WbemStatus::InvalidParameter,
            _ => WbemStatus::InvalidObjectPath,
        }
    }

    /// The error, pointing at its place in `text`.
    pub fn in_text(self, text: &str) -> WbemError {
        let offending = text.get(self.position..).unwrap_or_default();
        WbemError::new(self.status()).description(self.to_string()).parameter(text).offending(offending, self.position)
    }
}

impl FromStr for ObjectPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<ObjectPath, PathError> {
        ObjectPath::parse(text)
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}:")?;
        }
        f.write_str(&self.class)?;
        match &self.keys {
            PathKeys::None => Ok(()),
            PathKeys::Singleton => f.write_str("=@"),
            PathKeys::Unnamed(value) => write!(f, "={value}"),
            PathKeys::Named(named) => {
                for (index, (name, value)) in named.iter().enumerate() {
                    write!(f, "{}{name}={value}", if index == 0 { "." } else { "," })?;
                }
                Ok(())
            }
        }
    }
}

/// Writes texts in double quotes; what the quotes cannot hold is escaped.
impl fmt::Display for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyValue::Integer(value) => write!(f, "{value}"),
            KeyValue::Boolean(value) => f.write_str(if *value { "TRUE" } else { "FALSE" }),
            KeyValue::String(text) => {
                f.write_str("\"")?;
                for (position, letter) in text.char_indices() {
                    match letter {
                        '"' | '\\' => write!(f, "\\{letter}")?,
                        // A percent sign that would be read as another character's number.
                        '%' if parser::percent(&text[position..]).is_some() => f.write_str("%25")?,
                        '\0'..='\x1f' => write!(f, "%{:02X}", u32::from(letter))?,
                        _ => write!(f, "{letter}")?,
                    }
                }
                f.write_str("\"")
            }
        }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl fmt::Display for PathErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathErrorKind::Expected(expected) => write!(f, "expected {expected}"),
            PathErrorKind::UnclosedQuote => f.write_str("the quote is never closed"),
            PathErrorKind::Escape => f.write_str("a backslash escapes only a backslash or a quote"),
            PathErrorKind::ControlCharacter => f.write_str("a control character must be written as % and its number"),
            PathErrorKind::NumberTooLarge => f.write_str("the number does not fit 64 bits"),
            PathErrorKind::TooLong => f.write_str("the path is too long"),
            PathErrorKind::NamespaceName => f.write_str("expected a name of the namespace"),
            PathErrorKind::NoServer => f.write_str("expected the name of a server"),
            PathErrorKind::RepeatedKey(name) => write!(f, "the key {name} is given twice"),
            PathErrorKind::UnknownKey(name) => write!(f, "the class has no key {name}"),
            PathErrorKind::MissingKey(name) => write!(f, "the key {name} is missing"),
            PathErrorKind::KeyType(name, error) => write!(f, "the key {name}: {error}"),
            PathErrorKind::WrongKind(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for PathError {}

impl From<PathError> for WbemError {
    fn from(error: PathError) -> WbemError {
        WbemError::new(error.status()).description(error.to_string())
    }
}

#[cfg(test)]
mod tests;
