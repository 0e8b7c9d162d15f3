//! What a class of the machine offers: rows in slices, one by its key, methods.
//!
//! Floor 5.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::wbem::class::Class;
use crate::wbem::error::{WbemError, WbemStatus};
use crate::wbem::fold;
use crate::wbem::instance::Instance;
use crate::wbem::value::Value;
use crate::wbem::wql::PropertySet;

/// A class whose instances are read from the machine.
pub trait ClassSource {
    /// The class.
    fn class(&self) -> &Arc<Class>;

    /// Begins to read instances.
    ///
    /// Nothing is read before the first step but what tells whether there is a source at all.
    ///
    /// # Errors
    ///
    /// The machine has no source for the class, or the class cannot be read without a property being bound.
    fn open(&self, wanted: &Wanted) -> Result<Box<dyn Rows>, WbemError>;

    /// Calls a method, of the instance with these keys or of the class itself.
    ///
    /// # Errors
    ///
    /// There is no such method or instance, or the arguments are wrong. That the method itself fails is
    /// no error: its `ReturnValue` tells.
    fn call(&self, keys: Option<&[Value]>, method: &str, arguments: &Instance) -> Result<Instance, WbemError> {
        let _ = (keys, arguments);
        let class = self.class().name();
        Err(WbemError::new(WbemStatus::InvalidMethod).description(format!("{class} has no method {method}")))
    }
}

/// The instances of a class, a few at a time.
pub trait Rows {
    /// Reads at most `up_to` more instances and puts them behind those of `out`.
    ///
    /// The work is bounded too: a step may end without an instance and not be at the end.
    fn step(&mut self, up_to: usize, out: &mut Vec<Instance>) -> Progress;
}

/// What follows a step.
#[derive(Debug)]
pub enum Progress {
    /// Another step, at once.
    More,
    /// Another step, when so much time is over: somebody else is being waited for.
    After(Duration),
    /// Nothing: all instances were read.
    End,
    /// Nothing: the source broke.
    Failed(WbemError),
}

/// What is asked of a class.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    properties: PropertySet,
    equal: Vec<(usize, Value)>,
}

impl Wanted {
    /// Asks for every property.
    pub fn all(class: &Class) -> Wanted {
        Wanted::places((0..class.properties().len()).collect())
    }

    /// Asks for the properties at these places; others stay NULL.
    pub fn places(properties: PropertySet) -> Wanted {
        Wanted { properties, equal: Vec::new() }
    }

    /// Asks for the properties of these names. A name that the class does not have is passed over.
    pub fn names(class: &Class, names: &[&str]) -> Wanted {
        Wanted::places(names.iter().filter_map(|name| class.index_of(name)).collect())
    }

    /// Says that only instances are of use in which the property at a place has this value.
    ///
    /// A source may make use of it or not, so the rows are still to be tried.
    pub fn equal(mut self, place: usize, value: Value) -> Wanted {
        self.equal.push((place, value));
        self
    }

    /// Asks for every property of the instance that has these keys, in the order of the class's.
    pub fn keys(class: &Class, keys: &[Value]) -> Wanted {
        let pairs = class.keys().iter().zip(keys);
        pairs.fold(Wanted::all(class), |wanted, (place, value)| wanted.equal(*place, value.clone()))
    }

    /// The places of the properties that are asked for.
    pub(super) fn properties(&self) -> &PropertySet {
        &self.properties
    }

    /// The value that a property must have, if it must have a certain one.
    pub(super) fn value(&self, class: &Class, name: &str) -> Option<&Value> {
        let index = class.index_of(name)?;
        self.equal.iter().find(|(place, _)| *place == index).map(|(_, value)| value)
    }

    /// Whether an instance has the values that it must have.
    fn is_met(&self, instance: &Instance) -> bool {
        self.equal.iter().all(|(place, wanted)| match (instance.value(*place), wanted) {
            (Some(Value::String(is)), Value::String(wanted)) => fold::equal(is, wanted),
            (is, wanted) => is == Some(wanted),
        })
    }
}

/// The instance that has these keys, in the order of the class's; `None` if there is none.
///
/// # Errors
///
/// As [`ClassSource::open`], or the source broke while it was read, or had to wait for somebody else.
pub fn get(source: &dyn ClassSource, keys: &[Value]) -> Result<Option<Instance>, WbemError> {
    let wanted = Wanted::keys(source.class(), keys);
    let mut rows = source.open(&wanted)?;
    let mut found = Vec::new();
    loop {
        let progress = rows.step(1, &mut found);
        if let Some(instance) = found.drain(..).find(|instance| wanted.is_met(instance)) {
            return Ok(Some(instance));
        }
        match progress {
            Progress::More => {}
            Progress::End => return Ok(None),
            Progress::Failed(error) => return Err(error),
            Progress::After(_) => return Err(WbemError::new(WbemStatus::NotAvailable)),
        }
    }
}

impl fmt::Debug for dyn ClassSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClassSource({})", self.class().name())
    }
}
