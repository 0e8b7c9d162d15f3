//! Where classes live: `\\server\root\cimv2`, `//./root`, `root\cimv2`.
//!
//! Floor 5. Pure. Whether the namespace exists is for the service to say.

use std::fmt;
use std::str::FromStr;

use super::{PATH_BYTES_MAX, PathError, PathErrorKind};
use crate::wbem::fold;

/// How the texts write this machine as a server.
const THIS_MACHINE: &str = ".";

/// The name of a namespace, with or without a server.
///
/// `==` ignores letter case.
#[derive(Clone, Debug)]
pub struct NamespacePath {
    server: Option<Box<str>>,
    segments: Vec<Box<str>>,
}

impl NamespacePath {
    /// Reads a namespace; slashes of both kinds separate, and may be mixed.
    pub fn parse(text: &str) -> Result<NamespacePath, PathError> {
        let error = |position, kind| Err(PathError { position, kind });
        let is_slash = |byte: &u8| matches!(byte, b'\\' | b'/');
        if text.len() > PATH_BYTES_MAX {
            return error(PATH_BYTES_MAX, PathErrorKind::TooLong);
        }
        let slashes = text.bytes().take_while(is_slash).count();
        let has_server = match slashes {
            0 => false,
            2 => true,
            1 => return error(0, PathErrorKind::NamespaceName),
            _ => return error(2, PathErrorKind::NoServer),
        };
        let mut server = None;
        let mut segments = Vec::new();
        let mut position = slashes;
        for name in text[slashes..].split(['\\', '/']) {
            if has_server && server.is_none() {
                if !is_server(name) {
                    return error(position, PathErrorKind::NoServer);
                }
                server = Some(name.into());
            } else if is_segment(name) {
                segments.push(name.into());
            } else {
                return error(position, PathErrorKind::NamespaceName);
            }
            position += name.len() + 1;
        }
        if segments.is_empty() {
            return error(text.len(), PathErrorKind::NamespaceName);
        }
        Ok(NamespacePath { server, segments })
    }

    /// Puts the namespace on a server of this name.
    ///
    /// # Errors
    ///
    /// A server's name is made of letters, digits, hyphens, dots and underscores.
    pub fn on_server(mut self, server: &str) -> Result<NamespacePath, PathError> {
        if !is_server(server) {
            return Err(PathError { position: 0, kind: PathErrorKind::NoServer });
        }
        self.server = Some(server.into());
        Ok(self)
    }

    /// The server; `None` if the path names none.
    pub fn server(&self) -> Option<&str> {
        self.server.as_deref()
    }

    /// Whether the path means this machine by not naming another.
    pub fn is_local(&self) -> bool {
        self.server().is_none_or(|server| server == THIS_MACHINE)
    }

    /// Whether the path means the machine of `home`, by not naming another.
    pub(in crate::wbem) fn is_on_machine_of(&self, home: &NamespacePath) -> bool {
        self.is_local() || self.server().zip(home.server()).is_some_and(|(left, right)| fold::equal(left, right))
    }

    /// The same namespace on a machine of this name, which is a server's; on this machine without one.
    pub(in crate::wbem) fn on_machine(&self, name: Option<&str>) -> NamespacePath {
        NamespacePath { server: name.map(Into::into), segments: self.segments.clone() }
    }

    /// The names from the root on.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().map(|segment| &**segment)
    }

    /// The namespace without its server: `root\cimv2`.
    pub fn namespace(&self) -> String {
        self.segments.join("\\")
    }
}

/// Whether a server can be called so.
fn is_server(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| fold::is_identifier_byte(byte) || matches!(byte, b'-' | b'.'))
}

/// Whether a part of a namespace can be called so.
fn is_segment(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| fold::is_identifier_byte(byte) || byte == b'-')
}

impl PartialEq for NamespacePath {
    fn eq(&self, other: &NamespacePath) -> bool {
        let is_server_equal = match (self.server(), other.server()) {
            (Some(left), Some(right)) => fold::equal(left, right),
            (left, right) => left == right,
        };
        is_server_equal
            && self.segments.len() == other.segments.len()
            && self.segments().zip(other.segments()).all(|(left, right)| fold::equal(left, right))
    }
}

impl Eq for NamespacePath {}

impl FromStr for NamespacePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<NamespacePath, PathError> {
        NamespacePath::parse(text)
    }
}

impl fmt::Display for NamespacePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(server) = self.server() {
            write!(f, "\\\\{server}\\")?;
        }
        for (index, segment) in self.segments().enumerate() {
            write!(f, "{}{segment}", if index == 0 { "" } else { "\\" })?;
        }
        Ok(())
    }
}
