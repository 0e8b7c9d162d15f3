//! Rows that are there already.
//!
//! Floor 5. Pure.

use std::sync::Arc;

use super::{Progress, Rows};
use crate::wbem::instance::Instance;

/// Rows that are there already, for providers that keep their instances in memory.
///
/// ```
/// use msgpump::wbem::{CimType, Class, Instance, List, Property, Rows};
/// let class = Class::builder("Fruit").property(Property::key("Name", CimType::String)).build()?;
/// let mut rows = List::new([Instance::new(&class), Instance::new(&class)]);
/// let mut out = Vec::new();
/// rows.step(64, &mut out);
/// assert_eq!(out.len(), 2);
/// # Ok::<(), msgpump::wbem::ClassError>(())
/// ```
#[derive(Debug)]
pub struct List {
    rows: std::vec::IntoIter<Arc<Instance>>,
}

impl List {
    /// Makes rows of instances.
    pub fn new<I: Into<Arc<Instance>>>(rows: impl IntoIterator<Item = I>) -> List {
        let rows: Vec<_> = rows.into_iter().map(Into::into).collect();
        List { rows: rows.into_iter() }
    }

    /// The same, as a provider hands it out.
    pub fn boxed<I: Into<Arc<Instance>>>(rows: impl IntoIterator<Item = I>) -> Box<dyn Rows> {
        Box::new(List::new(rows))
    }
}

impl Rows for List {
    fn step(&mut self, up_to: usize, out: &mut Vec<Arc<Instance>>) -> Progress {
        out.extend(self.rows.by_ref().take(up_to));
        if self.rows.len() == 0 { Progress::End(Ok(())) } else { Progress::More }
    }
}
