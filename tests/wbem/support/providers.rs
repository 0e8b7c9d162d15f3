//! Providers that do as they are told.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use msgpump::wbem::{
    Action, CimType, Class, ClassProvider, Instance, Invocation, Method, Progress, Property, PutMode, Reply, Rows,
    Store, Value, Wanted, WbemError, WbemStatus,
};

/// Makes a class of properties.
pub(crate) fn class(name: &str, properties: impl IntoIterator<Item = Property>) -> Arc<Class> {
    properties.into_iter().fold(Class::builder(name), |builder, property| builder.property(property)).build().unwrap()
}

/// Makes an instance of some of its values.
pub(crate) fn instance(class: &Arc<Class>, values: &[(&str, Value)]) -> Arc<Instance> {
    let mut instance = Instance::new(class);
    for (name, value) in values {
        instance.put(name, value.clone()).unwrap();
    }
    Arc::new(instance)
}

/// Three disks, the last without a file system.
pub(crate) fn disks() -> Store {
    let class = class(
        "Win32_LogicalDisk",
        [
            Property::key("DeviceID", CimType::String),
            Property::new("Name", CimType::String),
            Property::new("FileSystem", CimType::String),
            Property::new("FreeSpace", CimType::Uint64),
        ],
    );
    let store = Store::new(&class);
    for (name, file_system, free) in
        [("C:", Some("NTFS"), 5_000_000_000_u64), ("D:", Some("NTFS"), 1_000_000), ("E:", None, 0)]
    {
        let values = [("DeviceID", name.into()), ("Name", name.into()), ("FileSystem", file_system.into())];
        let row = instance(&class, &values);
        let mut row = (*row).clone();
        row.put("FreeSpace", free).unwrap();
        store.insert(row);
    }
    store
}

/// Some processes.
pub(crate) fn processes() -> Store {
    let class = class(
        "Win32_Process",
        [
            Property::key("Handle", CimType::String),
            Property::new("Name", CimType::String),
            Property::new("CommandLine", CimType::String),
        ],
    );
    let store = Store::new(&class);
    for (handle, name) in [("0", "System"), ("4", "cscript.exe"), ("100", "wscript.exe"), ("104", "Notepad.exe")] {
        store.insert(instance(&class, &[("Handle", handle.into()), ("Name", name.into())]));
    }
    store
}

/// What was asked of a provider.
#[derive(Default)]
pub(crate) struct Stats {
    pub(crate) opened: Cell<usize>,
    pub(crate) steps: Cell<usize>,
    pub(crate) told_cancelled: Cell<usize>,
    pub(crate) dropped: Cell<usize>,
    /// Slices of the method.
    pub(crate) worked: Cell<usize>,
    pub(crate) finished: Cell<usize>,
    pub(crate) put: Cell<usize>,
}

impl Stats {
    /// How often anybody asked for anything.
    pub(crate) fn asked(&self) -> usize {
        [&self.opened, &self.steps, &self.worked, &self.put].map(Cell::get).iter().sum()
    }
}

/// What the next reading does instead of giving all rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    Panic,
    Fail,
    Stall,
    OtherClass,
}

/// Gives one row for each tick. Has a method that takes as many slices as it is told.
#[derive(Clone)]
pub(crate) struct Slow {
    class: Arc<Class>,
    inputs: Arc<Class>,
    rows: u32,
    pub(crate) stats: Rc<Stats>,
    wakers: Rc<RefCell<Vec<Waker>>>,
    pub(crate) replies: Rc<RefCell<Vec<Reply<Arc<Instance>>>>>,
    pub(crate) fault: Rc<Cell<Option<(usize, Fault)>>>,
    /// Whether it tells its progress, and goes on by itself.
    pub(crate) reports: Rc<Cell<bool>>,
}

impl Slow {
    pub(crate) fn new(rows: u32) -> Slow {
        Slow::named("Slow", rows)
    }

    pub(crate) fn named(name: &str, rows: u32) -> Slow {
        let inputs = class("__PARAMETERS", [Property::new("Slices", CimType::Uint32)]);
        let outputs = class("__PARAMETERS", [Property::new("ReturnValue", CimType::Uint32)]);
        let class = Class::builder(name)
            .property(Property::key("Id", CimType::Uint32))
            .property(Property::new("Name", CimType::String))
            .method(Method::new("Work").inputs(inputs.clone()).outputs(outputs.clone()))
            .method(Method::new("Elsewhere").outputs(outputs.clone()))
            .method(Method::new("Refuse").outputs(outputs.clone()))
            .method(Method::new("Missing"))
            .method(Method::new("Static").outputs(outputs).qualifier("static", true))
            .build()
            .unwrap();
        let (stats, wakers, replies, fault, reports) = Default::default();
        Slow { class, inputs, rows, stats, wakers, replies, fault, reports }
    }

    /// Lets every reading give another row.
    pub(crate) fn tick(&self) {
        self.wakers.borrow().iter().for_each(Waker::wake_by_ref);
    }

    pub(crate) fn arguments(&self, slices: u32) -> Instance {
        let mut arguments = Instance::new(&self.inputs);
        arguments.put("Slices", slices).unwrap();
        arguments
    }

    pub(crate) fn results(&self, value: u32) -> Arc<Instance> {
        let class = self.class.method("Work").unwrap().outputs.clone().unwrap();
        instance(&class, &[("ReturnValue", value.into())])
    }
}

fn count(cell: &Cell<usize>) {
    cell.set(cell.get() + 1);
}

impl ClassProvider for Slow {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, wanted: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        count(&self.stats.opened);
        let ids: Vec<u32> = match wanted.keys() {
            Some(keys) => keys.iter().filter_map(|keys| keys[0].as_u64()?.try_into().ok()).collect(),
            None => (0..self.rows).collect(),
        };
        let ids: Vec<u32> = ids.into_iter().filter(|id| *id < self.rows).collect();
        let total = ids.len();
        Ok(Box::new(SlowRows { provider: self.clone(), ids: ids.into_iter(), total, given: 0 }))
    }

    fn put(&self, _: &Arc<Instance>, _: PutMode) -> Result<Action<()>, WbemError> {
        let stats = self.stats.clone();
        let mut left = 3;
        Ok(Action::in_steps(move || {
            left -= 1;
            (left == 0).then(|| {
                count(&stats.put);
                Ok(())
            })
        }))
    }

    fn execute(&self, invocation: &Invocation) -> Result<Action<Arc<Instance>>, WbemError> {
        match &*invocation.method {
            "Work" => {
                let arguments = invocation.inputs.as_ref().unwrap();
                let mut left = arguments.get("Slices").unwrap().as_u64().unwrap_or(1);
                let (stats, results) = (self.stats.clone(), self.results(0));
                Ok(Action::in_steps(move || {
                    count(&stats.worked);
                    left = left.saturating_sub(1);
                    (left == 0).then(|| {
                        count(&stats.finished);
                        Ok(results.clone())
                    })
                }))
            }
            "Elsewhere" => {
                let (reply, action) = Action::elsewhere();
                self.replies.borrow_mut().push(reply);
                Ok(action)
            }
            "Refuse" => Ok(self.results(2).into()),
            "Static" => Ok(self.results(7).into()),
            _ => Err(WbemStatus::MethodNotImplemented.into()),
        }
    }
}

struct SlowRows {
    provider: Slow,
    ids: std::vec::IntoIter<u32>,
    total: usize,
    given: usize,
}

impl Rows for SlowRows {
    fn step(&mut self, _: usize, out: &mut Vec<Arc<Instance>>) -> Progress {
        count(&self.provider.stats.steps);
        if let Some((after, fault)) = self.provider.fault.get().filter(|(after, _)| *after <= self.given) {
            let _ = after;
            match fault {
                Fault::Panic => panic!("as it was told"),
                Fault::Fail => return Progress::End(Err(WbemStatus::AccessDenied.into())),
                Fault::Stall => return Progress::Parked,
                Fault::OtherClass => {
                    let other = class("Other", [Property::new("Id", CimType::Uint32)]);
                    out.push(instance(&other, &[]));
                    return Progress::End(Ok(()));
                }
            }
        }
        let Some(id) = self.ids.next() else { return Progress::End(Ok(())) };
        self.given += 1;
        out.push(instance(&self.provider.class, &[("Id", id.into()), ("Name", format!("name {id}").into())]));
        match (self.ids.len(), self.provider.reports.get()) {
            (0, _) => Progress::End(Ok(())),
            (_, true) => Progress::Done { done: self.given as u16, total: self.total as u16 },
            (_, false) => Progress::Parked,
        }
    }

    fn set_waker(&mut self, waker: Waker) {
        self.provider.wakers.borrow_mut().push(waker);
    }

    fn cancelled(&mut self) {
        count(&self.provider.stats.told_cancelled);
    }
}

impl Drop for SlowRows {
    fn drop(&mut self) {
        count(&self.provider.stats.dropped);
    }
}
