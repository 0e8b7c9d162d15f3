//! Classes as tables: rows are found one after another, and read as far as they are asked for.
//!
//! Floor 5. A row holds what was read of one object, and reads a file when the first property that
//! needs it is asked for: so only the files that the asked properties need are opened.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

pub(super) use super::column::Column;
use super::machine::Machine;
use super::reading::Reading;
use super::schema::Schema;
use crate::wbem::cim_type::CimType;
use crate::wbem::class::{Class, ClassBuilder, Method, Property};
use crate::wbem::error::{WbemError, WbemStatus};
use crate::wbem::instance::Instance;
use crate::wbem::provider::{Action, ClassProvider, Invocation, Progress, Rows, Wanted};
use crate::wbem::value::Value;
use crate::wbem::wql::PropertySet;

/// What is read of one object.
pub(super) trait Row: 'static {
    /// Whether the object turned out to be gone while it was read: then there is no instance of it.
    fn is_gone(&self) -> bool {
        false
    }
}

/// Finds objects one after another; each step is a bounded piece of work and may find none.
pub(super) trait Find<R> {
    /// The next one.
    fn next(&mut self) -> Found<R>;
}

/// What a step has found.
pub(super) enum Found<R> {
    Row(R),
    Nothing,
    /// Somebody else is waited for.
    Later(Duration),
    End,
    Failed(WbemError),
}

impl<R, I: Iterator<Item = Option<R>>> Find<R> for I {
    fn next(&mut self) -> Found<R> {
        match Iterator::next(self) {
            Some(Some(row)) => Found::Row(row),
            Some(None) => Found::Nothing,
            None => Found::End,
        }
    }
}

/// What finds the objects of a query.
pub(super) type Units<R> = Box<dyn Find<R>>;

/// Finds the objects of a class.
pub(super) type List<R> = Box<dyn Fn(&Rc<Reading>, &Search<'_>) -> Result<Units<R>, WbemError>>;

/// Carries out a method.
pub(super) type Act = fn(Call<'_>) -> Result<Action<Arc<Instance>>, WbemError>;

/// A call of a method.
pub(super) struct Call<'c> {
    pub(super) machine: &'c Rc<Machine>,
    /// The keys of the object; none for the class.
    pub(super) keys: &'c [Value],
    pub(super) inputs: Option<&'c Instance>,
    pub(super) results: Results,
}

/// What a method gives back.
pub(super) struct Results {
    instance: Instance,
}

impl Results {
    /// Sets one of the results.
    pub(super) fn put(&mut self, name: &str, value: impl Into<Value>) -> Result<(), WbemError> {
        Ok(self.instance.put(name, value)?)
    }

    /// The results, with what the method returns.
    pub(super) fn returning(mut self, code: u32) -> Result<Arc<Instance>, WbemError> {
        self.put("ReturnValue", code)?;
        Ok(Arc::new(self.instance))
    }
}

/// Which objects are asked for.
pub(super) struct Search<'s> {
    class: &'s Class,
    wanted: &'s Wanted,
}

impl Search<'_> {
    /// The values of which a property must have one; `None` if it may have any.
    fn values(&self, name: &str) -> Option<Vec<&Value>> {
        let place = self.class.index_of(name)?;
        if let Some(values) = self.wanted.values(place) {
            return Some(values.iter().collect());
        }
        let position = self.class.keys().iter().position(|key| *key == place)?;
        Some(self.wanted.keys()?.iter().filter_map(|keys| keys.get(position)).collect())
    }

    /// The texts of which a property must have one; `None` if it may have any.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let values = self.values(name)?.into_iter();
        Some(values.filter_map(|value| value.as_str().map(str::to_owned)).collect())
    }

    /// The numbers of which a property must have one; `None` if it may have any.
    pub(super) fn numbers(&self, name: &str) -> Option<Vec<u64>> {
        Some(self.values(name)?.into_iter().filter_map(Value::as_u64).collect())
    }

    /// Whether a property is asked for.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.class.index_of(name).is_some_and(|place| self.wanted.needs(place))
    }
}

/// A class before it is made.
pub(super) struct Definition<R: 'static> {
    pub(super) name: &'static str,
    /// The class that it derives from; empty for none.
    pub(super) parent: &'static str,
    pub(super) about: &'static str,
    pub(super) columns: &'static [Column<R>],
    pub(super) methods: &'static [Operation],
    /// How many objects are looked at in one step: the work of a step is to stay far below a frame.
    pub(super) units_per_step: usize,
}

/// A method before it is made: its name, its arguments and results, and what carries it out.
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// Whether it is a method of the class, which needs no object.
    pub(super) is_static: bool,
    pub(super) inputs: &'static [(&'static str, CimType)],
    pub(super) outputs: &'static [(&'static str, CimType)],
    pub(super) act: Act,
}

/// How long a step goes on, in microseconds: what is looked at may be slow, or others have the processor meanwhile. The
/// last object is read to its end.
const STEP_MICROSECONDS: i64 = 500;

/// The rows looked at in one step where each costs a few files.
pub(super) const UNITS_PER_STEP: usize = 16;

/// A class of a machine, read from its files.
pub struct LinuxClass {
    table: Box<dyn ClassProvider>,
}

/// A class whose objects are found and read as its columns say.
struct Table<R: 'static> {
    machine: Rc<Machine>,
    class: Arc<Class>,
    columns: Rc<[(usize, Column<R>)]>,
    methods: &'static [Operation],
    units_per_step: usize,
    list: List<R>,
}

impl LinuxClass {
    /// Makes the class of a definition, whose objects `list` finds.
    pub(super) fn new<R: Row>(
        machine: &Rc<Machine>,
        schema: &Schema,
        definition: &Definition<R>,
        list: impl Fn(&Rc<Reading>, &Search<'_>) -> Result<Units<R>, WbemError> + 'static,
    ) -> LinuxClass {
        let class = class_of(schema, definition);
        let place =
            |column: &Column<R>| (class.index_of(column.name).expect("the class was made of these columns"), *column);
        let columns = definition.columns.iter().map(place).collect();
        let (machine, methods, units_per_step) = (machine.clone(), definition.methods, definition.units_per_step);
        let table = Table { machine, class, columns, methods, units_per_step, list: Box::new(list) };
        LinuxClass::from_provider(table)
    }

    /// A class that is no table.
    pub(super) fn from_provider(provider: impl ClassProvider + 'static) -> LinuxClass {
        LinuxClass { table: Box::new(provider) }
    }
}

impl ClassProvider for LinuxClass {
    fn class(&self) -> &Arc<Class> {
        self.table.class()
    }

    fn open(&self, wanted: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        self.table.open(wanted)
    }

    fn execute(&self, invocation: &Invocation) -> Result<Action<Arc<Instance>>, WbemError> {
        self.table.execute(invocation)
    }

    fn changes(&self) -> Option<Result<Box<dyn Rows>, WbemError>> {
        self.table.changes()
    }
}

impl fmt::Debug for LinuxClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinuxClass({})", self.class().name())
    }
}

impl<R: Row> ClassProvider for Table<R> {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, wanted: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        let reading = Rc::new(Reading::new(&self.machine));
        let units = (self.list)(&reading, &Search { class: &self.class, wanted })?;
        // A key is needed by whoever makes a path, and costs nothing that listing has not paid.
        let is_wanted = |column: &&(usize, Column<R>)| column.1.is_key || wanted.needs(column.0);
        let is_bound = |column: &(usize, Column<R>)| wanted.values(column.0).is_some();
        let columns = self.columns.iter().filter(is_wanted).copied();
        let (bound, others) = columns.partition(is_bound);
        let (class, units_per_step) = (self.class.clone(), self.units_per_step);
        let is_impossible = wanted.keys().is_some_and(<[_]>::is_empty);
        let units: Units<R> = if is_impossible { Box::new(std::iter::empty()) } else { units };
        Ok(Box::new(TableRows { reading, class, bound, others, wanted: wanted.clone(), units, units_per_step }))
    }

    fn execute(&self, invocation: &Invocation) -> Result<Action<Arc<Instance>>, WbemError> {
        let Invocation { method, keys, inputs } = invocation;
        let class = self.class.name();
        let found = self.methods.iter().find(|operation| operation.name.eq_ignore_ascii_case(method));
        let operation = found.ok_or_else(|| {
            let description = format!("{class} does not implement {method}");
            WbemError::new(WbemStatus::MethodNotImplemented).description(description)
        })?;
        let outputs = self.class.method(method).and_then(|method| method.outputs.as_ref());
        let results = Results { instance: Instance::new(outputs.expect("every method has a return value")) };
        let keys = keys.as_deref().unwrap_or_default();
        (operation.act)(Call { machine: &self.machine, keys, inputs: inputs.as_deref(), results })
    }
}

/// Rows of a table, a few at a time.
struct TableRows<R: 'static> {
    reading: Rc<Reading>,
    class: Arc<Class>,
    /// Columns that must have certain values are read first: a row that does not have them costs no more.
    bound: Vec<(usize, Column<R>)>,
    others: Vec<(usize, Column<R>)>,
    wanted: Wanted,
    units: Units<R>,
    units_per_step: usize,
}

impl<R: Row> TableRows<R> {
    /// Reads an object; `None` if it is gone, or not wanted.
    fn read(&self, row: &R) -> Option<Arc<Instance>> {
        let mut values = vec![Value::Null; self.class.properties().len()];
        if !self.bound.is_empty() {
            self.fill(&self.bound, row, &mut values);
            let known: PropertySet = self.bound.iter().map(|(place, _)| *place).collect();
            let instance = Instance::from_fitting(&self.class, values);
            if row.is_gone() || self.wanted.rules_out(&instance, &known) {
                return None;
            }
            values = instance.into_values();
        }
        self.fill(&self.others, row, &mut values);
        (!row.is_gone()).then(|| Arc::new(Instance::from_fitting(&self.class, values)))
    }

    fn fill(&self, columns: &[(usize, Column<R>)], row: &R, values: &mut [Value]) {
        for (place, column) in columns {
            values[*place] = column.value(row, &self.reading);
        }
    }
}

impl<R: Row> Rows for TableRows<R> {
    fn step(&mut self, up_to: usize, out: &mut Vec<Arc<Instance>>) -> Progress {
        let enough = out.len() + up_to;
        let begin = self.reading.monotonic();
        for unit in 0..self.units_per_step {
            let is_late = || unit > 0 && self.reading.monotonic() - begin > STEP_MICROSECONDS;
            if out.len() >= enough || is_late() {
                return Progress::More;
            }
            match self.units.next() {
                Found::Row(row) => out.extend(self.read(&row)),
                Found::Nothing => {}
                Found::Later(pause) => return Progress::After(pause),
                Found::End => return Progress::End(Ok(())),
                Found::Failed(error) => return Progress::End(Err(error)),
            }
        }
        Progress::More
    }
}

/// Makes the class of a definition.
fn class_of<R: 'static>(schema: &Schema, definition: &Definition<R>) -> Arc<Class> {
    let parent = schema.class(definition.parent);
    let mut builder = Class::builder(definition.name).qualifier("Description", definition.about);
    builder = builder.qualifier("dynamic", true);
    if let Some(parent) = parent {
        builder = builder.superclass(parent);
    }
    if !definition.columns.iter().any(|column| column.is_key) {
        builder = builder.singleton();
    }
    if definition.columns.iter().any(Column::is_reference) {
        builder = builder.qualifier("association", true);
    }
    for column in definition.columns {
        builder = builder.property(column.property());
    }
    for operation in definition.methods {
        builder = builder.method(method_of(operation));
    }
    builder.build().expect("the definitions keep the rules of classes")
}

/// Makes a method with the classes of its arguments and results.
fn method_of(operation: &Operation) -> Method {
    let parameters = |properties: &[(&'static str, CimType)]| {
        let property = |(name, cim_type): &(&'static str, CimType)| Property::new(*name, *cim_type);
        let builder = properties.iter().map(property).fold(Class::builder("__PARAMETERS"), ClassBuilder::property);
        builder.build().expect("the definitions keep the rules of classes")
    };
    let outputs: Vec<_> = operation.outputs.iter().copied().chain([("ReturnValue", CimType::Uint32)]).collect();
    let method = Method::new(operation.name).outputs(parameters(&outputs));
    let method = method.qualifier("Description", operation.about);
    let method = if operation.inputs.is_empty() { method } else { method.inputs(parameters(operation.inputs)) };
    if operation.is_static { method.qualifier("static", true) } else { method }
}
