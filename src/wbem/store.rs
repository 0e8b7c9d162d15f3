//! Instances that live in memory.
//!
//! Floor 5. Pure. A provider for classes whose instances the program itself keeps.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::class::Class;
use super::error::{WbemError, WbemStatus};
use super::instance::Instance;
use super::provider::{Action, ClassProvider, List, PutMode, Rows, Wanted};
use super::value::Value;
use crate::StreamWaker;

/// Provides the instances of a class that are put into it, by the program or by calls. A clone is the same store.
///
/// ```
/// use msgpump::wbem::{CimType, Class, Instance, Property, Store};
/// let class = Class::builder("Fruit").property(Property::key("Name", CimType::String)).build()?;
/// let store = Store::new(&class);
/// let mut apple = Instance::new(&class);
/// apple.put("Name", "Apple")?;
/// assert!(store.insert(apple).is_none());
/// assert!(store.remove(&["apple".into()]).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    class: Arc<Class>,
    /// By their keys, folded.
    rows: Rc<RefCell<BTreeMap<Vec<String>, Arc<Instance>>>>,
    /// Who wants to know when something changes.
    watcher: Rc<RefCell<Option<StreamWaker>>>,
}

impl Store {
    /// Makes a store for a class without instances.
    pub fn new(class: &Arc<Class>) -> Store {
        Store { class: class.clone(), rows: Rc::default(), watcher: Rc::default() }
    }

    /// Puts an instance in, and gives back the one that had its keys.
    pub fn insert(&self, instance: impl Into<Arc<Instance>>) -> Option<Arc<Instance>> {
        let instance = instance.into();
        let key = self.key_of(&instance);
        let previous = self.rows.borrow_mut().insert(key, instance);
        self.tell_watcher();
        previous
    }

    /// Takes the instance with these keys out.
    pub fn remove(&self, keys: &[Value]) -> Option<Arc<Instance>> {
        let removed = self.rows.borrow_mut().remove(&folded(keys));
        self.tell_watcher();
        removed
    }

    /// The instance with these keys.
    pub fn get(&self, keys: &[Value]) -> Option<Arc<Instance>> {
        self.rows.borrow().get(&folded(keys)).cloned()
    }

    /// Every instance, in the order of their keys.
    pub fn instances(&self) -> Vec<Arc<Instance>> {
        self.rows.borrow().values().cloned().collect()
    }

    /// Wakes a stream whenever something changes, and no longer the one before it.
    pub(super) fn watch(&self, waker: StreamWaker) {
        self.watcher.replace(Some(waker));
    }

    fn tell_watcher(&self) {
        self.watcher.borrow().iter().for_each(StreamWaker::wake);
    }

    fn key_of(&self, instance: &Instance) -> Vec<String> {
        let keys = self.class.keys().iter();
        keys.map(|key| instance.value(*key).map_or_else(String::new, Value::key_text)).collect()
    }
}

/// Keys as they are compared.
fn folded(keys: &[Value]) -> Vec<String> {
    keys.iter().map(Value::key_text).collect()
}

impl ClassProvider for Store {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, wanted: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        Ok(match wanted.keys() {
            Some(keys) => List::boxed(keys.iter().filter_map(|keys| self.get(keys))),
            None => List::boxed(self.instances()),
        })
    }

    fn put(&self, instance: &Arc<Instance>, mode: PutMode) -> Result<Action<()>, WbemError> {
        let key = self.key_of(instance);
        let is_there = self.rows.borrow().contains_key(&key);
        match (mode, is_there) {
            (PutMode::CreateOnly, true) => Err(WbemStatus::AlreadyExists.into()),
            (PutMode::UpdateOnly, false) => Err(WbemStatus::NotFound.into()),
            _ => {
                self.insert(instance.clone());
                Ok(().into())
            }
        }
    }

    fn delete(&self, keys: &[Value]) -> Result<Action<()>, WbemError> {
        match self.remove(keys) {
            Some(_) => Ok(().into()),
            None => Err(WbemStatus::NotFound.into()),
        }
    }
}
