//! Classes as tables: how each property is read, of a row that is read as far as it is asked for.
//!
//! Floor 5. A row holds what was read of one object, and reads a file when the first property that
//! needs it is asked for: so only the files that the asked properties need are opened.

use std::rc::Rc;
use std::sync::Arc;

use super::machine::Machine;
use super::reading::Reading;
use super::schema::Schema;
use super::source::{ClassSource, Progress, Rows, Wanted};
use crate::wbem::cim_type::{CimType, PropertyType};
use crate::wbem::class::{Class, Method, Property};
use crate::wbem::datetime::Timestamp;
use crate::wbem::error::{WbemError, WbemStatus};
use crate::wbem::instance::Instance;
use crate::wbem::value::Value;

/// What is read of one object.
pub(super) trait Row: 'static {
    /// Whether the object turned out to be gone while it was read: then there is no instance of it.
    fn is_gone(&self) -> bool {
        false
    }
}

/// Objects one after another; each step is a bounded piece of work and may find none.
pub(super) type Units<R> = Box<dyn Iterator<Item = Option<R>>>;

/// Finds the objects of a class.
pub(super) type List<R> = Box<dyn Fn(&Rc<Reading>, &Search<'_>) -> Result<Units<R>, WbemError>>;

/// Carries out a method: of the object with these keys, with these arguments, into these results.
pub(super) type Act = fn(&Rc<Machine>, &[Value], &Instance, &mut Instance) -> Result<(), WbemError>;

/// Which objects are asked for.
pub(super) struct Search<'s> {
    class: &'s Class,
    wanted: &'s Wanted,
}

impl Search<'_> {
    /// The text that a property must have.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.wanted.value(self.class, name)?.as_str()
    }

    /// Whether a property is asked for.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.class.index_of(name).is_some_and(|place| self.wanted.properties().contains(place))
    }

    /// The number that a property must have.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.wanted.value(self.class, name)?.as_u64()
    }
}

/// One property: its name, whether it is a key, where it is from, and how it is read.
pub(super) struct Column<R: 'static> {
    name: &'static str,
    is_key: bool,
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
    Reference(fn(&R, &Reading) -> Option<String>),
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
                Column { name, is_key: false, source, read: Read::$variant(read) }
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
    reference Reference String, "The path of another object.";
}

impl<R: 'static> Column<R> {
    /// The same text in every row.
    pub(super) const fn constant(name: &'static str, value: &'static str) -> Column<R> {
        Column { name, is_key: false, source: "always the same", read: Read::Constant(value) }
    }

    /// A property for which Linux has no true source, and why.
    pub(super) const fn null(name: &'static str, cim_type: CimType, why: &'static str) -> Column<R> {
        Column { name, is_key: false, source: why, read: Read::Null(PropertyType::One(cim_type)) }
    }

    /// An array for which Linux has no true source, and why.
    pub(super) const fn null_array(name: &'static str, cim_type: CimType, why: &'static str) -> Column<R> {
        Column { name, is_key: false, source: why, read: Read::Null(PropertyType::Array(cim_type)) }
    }

    /// The same property as a key.
    pub(super) const fn key(self) -> Column<R> {
        Column { is_key: true, ..self }
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
            Read::Reference(_) => CimType::Reference,
            Read::Texts(_) => return PropertyType::Array(CimType::String),
            Read::U16s(_) => return PropertyType::Array(CimType::Uint16),
            Read::Null(property_type) => return property_type,
        })
    }

    fn property(&self) -> Property {
        let (element, name) = (self.property_type().element(), self.name);
        let property = match self.property_type() {
            PropertyType::One(_) => Property::new(name, element),
            PropertyType::Array(_) => Property::array(name, element),
        };
        let property = property.qualifier("read", true).qualifier("MappingStrings", vec![self.source]);
        if self.is_key { property.qualifier("key", true) } else { property }
    }

    fn value(&self, row: &R, reading: &Reading) -> Value {
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
            Read::Reference(read) => read(row, reading).map_or(Value::Null, Value::reference),
            Read::Constant(value) => value.into(),
            Read::Null(_) => Value::Null,
        }
    }
}

/// A class before it is made.
pub(super) struct Definition<R: 'static> {
    pub(super) name: &'static str,
    /// The class that it derives from; empty for none.
    pub(super) parent: &'static str,
    pub(super) about: &'static str,
    pub(super) columns: &'static [Column<R>],
    pub(super) methods: &'static [Action],
    /// How many objects are looked at in one step: the work of a step is to stay far below a frame.
    pub(super) units_per_step: usize,
}

/// A method before it is made: its name, its arguments and results, and what carries it out.
pub(super) struct Action {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// Whether it is a method of the class, which needs no object.
    pub(super) is_static: bool,
    pub(super) inputs: &'static [(&'static str, CimType)],
    pub(super) outputs: &'static [(&'static str, CimType)],
    pub(super) act: Act,
}

/// The rows looked at in one step where each costs a few files.
pub(super) const UNITS_PER_STEP: usize = 16;

/// A class whose objects are found and read as its columns say.
pub(super) struct Table<R: 'static> {
    machine: Rc<Machine>,
    class: Arc<Class>,
    columns: Rc<[(usize, Column<R>)]>,
    methods: &'static [Action],
    units_per_step: usize,
    list: List<R>,
}

impl<R: Row> Table<R> {
    /// Makes the class and what reads it.
    pub(super) fn source(
        machine: &Rc<Machine>,
        schema: &Schema,
        definition: &Definition<R>,
        list: impl Fn(&Rc<Reading>, &Search<'_>) -> Result<Units<R>, WbemError> + 'static,
    ) -> Box<dyn ClassSource> {
        let class = class_of(schema, definition);
        let place =
            |column: &Column<R>| (class.index_of(column.name).expect("the class was made of these columns"), *column);
        let columns = definition.columns.iter().map(place).collect();
        Box::new(Table {
            machine: machine.clone(),
            class,
            columns,
            methods: definition.methods,
            units_per_step: definition.units_per_step,
            list: Box::new(list),
        })
    }
}

impl<R: Row> ClassSource for Table<R> {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, wanted: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        let reading = Rc::new(Reading::new(&self.machine));
        let units = (self.list)(&reading, &Search { class: &self.class, wanted })?;
        // A key is needed by whoever makes a path, and costs nothing that listing has not paid.
        let is_wanted = |column: &(usize, Column<R>)| column.1.is_key || wanted.properties().contains(column.0);
        let columns = self.columns.iter().filter(|column| is_wanted(column)).copied().collect();
        let (class, units_per_step) = (self.class.clone(), self.units_per_step);
        Ok(Box::new(TableRows { reading, class, columns, units, units_per_step }))
    }

    fn call(&self, keys: Option<&[Value]>, method: &str, arguments: &Instance) -> Result<Instance, WbemError> {
        let class = self.class.name();
        let refuse = |status, description: String| Err(WbemError::new(status).description(description));
        let Some(action) = self.methods.iter().find(|action| action.name.eq_ignore_ascii_case(method)) else {
            return refuse(WbemStatus::InvalidMethod, format!("{class} has no method {method}"));
        };
        if !action.is_static && keys.is_none() {
            return refuse(WbemStatus::InvalidMethod, format!("{method} is called on an instance of {class}"));
        }
        if !self.machine.is_this() {
            return refuse(WbemStatus::NotSupported, format!("{method} works on this machine only"));
        }
        let outputs = self.class.method(method).and_then(|method| method.outputs.as_ref());
        let mut results = Instance::new(outputs.expect("every method has a return value"));
        (action.act)(&self.machine, keys.unwrap_or_default(), arguments, &mut results)?;
        Ok(results)
    }
}

/// Rows of a table, a few at a time.
struct TableRows<R: 'static> {
    reading: Rc<Reading>,
    class: Arc<Class>,
    columns: Vec<(usize, Column<R>)>,
    units: Units<R>,
    units_per_step: usize,
}

impl<R: Row> Rows for TableRows<R> {
    fn step(&mut self, up_to: usize, out: &mut Vec<Instance>) -> Progress {
        let enough = out.len() + up_to;
        for _ in 0..self.units_per_step {
            if out.len() >= enough {
                return Progress::More;
            }
            match self.units.next() {
                Some(Some(row)) => {
                    let mut values = vec![Value::Null; self.class.properties().len()];
                    for (place, column) in &self.columns {
                        values[*place] = column.value(&row, &self.reading);
                    }
                    if !row.is_gone() {
                        out.push(Instance::from_fitting(&self.class, values));
                    }
                }
                Some(None) => {}
                None => return Progress::End,
            }
        }
        Progress::More
    }
}

/// Makes the class of a definition.
fn class_of<R: 'static>(schema: &Schema, definition: &Definition<R>) -> Arc<Class> {
    let parent = schema.class(definition.parent);
    let mut builder = Class::builder(definition.name).qualifier("Description", definition.about);
    if let Some(parent) = parent {
        builder = builder.superclass(parent);
    }
    if !definition.columns.iter().any(|column| column.is_key) {
        builder = builder.singleton();
    }
    for column in definition.columns {
        builder = builder.property(column.property());
    }
    for action in definition.methods {
        builder = builder.method(method_of(action));
    }
    builder.build().expect("the definitions keep the rules of classes")
}

/// Makes a method with the classes of its arguments and results.
fn method_of(action: &Action) -> Method {
    let parameters = |properties: &[(&'static str, CimType)]| {
        let builder = Class::builder("__PARAMETERS");
        let builder = properties
            .iter()
            .fold(builder, |builder, (name, cim_type)| builder.property(Property::new(*name, *cim_type)));
        builder.build().expect("the definitions keep the rules of classes")
    };
    let outputs: Vec<_> = action.outputs.iter().copied().chain([("ReturnValue", CimType::Uint32)]).collect();
    let method = Method::new(action.name).inputs(parameters(action.inputs)).outputs(parameters(&outputs));
    let method = method.qualifier("Description", action.about);
    if action.is_static { method.qualifier("static", true) } else { method }
}
