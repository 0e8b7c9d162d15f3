//! The list behind SELECT, fitted to a class and applied to its instances.
//!
//! Floor 5. Pure. A row keeps the name and the ancestors of its class, and has only the properties of the
//! list, in its order. Of an embedded object only what is named stays: `E` is the object without values,
//! `E.P` the object with P. In event queries any mention gives the whole object, and a property
//! that is not there gives nothing.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::access::{Access, Fitting};
use super::ast::{EventQuery, SelectList, SelectQuery};
use super::error::{WqlError, WqlErrorKind};
use super::parser::Form;
use super::property_set::PropertySet;
use crate::wbem::cim_type::{CimType, PropertyType};
use crate::wbem::class::Class;
use crate::wbem::instance::Instance;
use crate::wbem::system::SystemProperty;
use crate::wbem::value::Value;

/// The most classes of rows that are remembered; the derived classes of one class are few.
const SHAPES_MAX: usize = 16;

/// What makes a row of an instance.
#[derive(Debug)]
pub struct Projection {
    /// What of an instance is kept; everything without it.
    columns: Option<Vec<Column>>,
    /// Rows know their path: the keys are kept too, which may be those of a derived class.
    is_locatable: bool,
    reads: PropertySet,
    shapes: RefCell<Vec<Shape>>,
}

/// How rows are made of the instances of one class.
#[derive(Clone, Debug)]
struct Shape {
    class: Arc<Class>,
    /// The class of the rows.
    row: Arc<Class>,
    columns: Rc<[Column]>,
}

/// A property of a row.
#[derive(Clone, Debug, PartialEq)]
struct Column {
    index: usize,
    kept: Kept,
}

/// What of a value is kept.
#[derive(Clone, Debug, PartialEq)]
enum Kept {
    Whole,
    /// An object with the properties of these names.
    Parts(Vec<Box<str>>),
}

impl SelectQuery {
    /// Fits the list to the class of the query. `is_locatable` adds the keys, so that rows know their
    /// path, as `WBEM_FLAG_ENSURE_LOCATABLE` does; to name the path in the list does the same.
    ///
    /// # Errors
    ///
    /// A property of the list is unknown.
    pub fn projection(&self, class: &Arc<Class>, is_locatable: bool) -> Result<Projection, WqlError> {
        Projection::new(&self.list, class, Form::Data, is_locatable)
    }
}

impl EventQuery {
    /// Fits the list to the class of the events.
    ///
    /// # Errors
    ///
    /// A dot follows a property that is no embedded object.
    pub fn projection(&self, class: &Arc<Class>) -> Result<Projection, WqlError> {
        Projection::new(&self.list, class, Form::Event, false)
    }
}

impl Projection {
    /// Fits a list to a class.
    fn new(list: &SelectList, class: &Arc<Class>, form: Form, is_locatable: bool) -> Result<Projection, WqlError> {
        let fitting = Fitting { form, utc_offset: 0 };
        let mut is_locatable = is_locatable;
        let columns = match list {
            SelectList::All => None,
            SelectList::Properties(names) => {
                let mut columns = Vec::new();
                for name in names {
                    match add_column(&mut columns, &name.text, class, form) {
                        Ok(Added::Property) => {}
                        Ok(Added::Path) => is_locatable = true,
                        Err(WqlErrorKind::UnknownProperty(_)) if form == Form::Event => {}
                        Err(kind) => return Err(fitting.error(name.place, kind)),
                    }
                }
                Some(columns)
            }
        };
        let (reads, shapes) = (PropertySet::default(), RefCell::new(Vec::new()));
        let projection = Projection { columns, is_locatable, reads, shapes };
        Ok(Projection { reads: projection.reads_of(class), ..projection })
    }

    /// The properties that have to be there for this.
    pub fn reads(&self) -> &PropertySet {
        &self.reads
    }

    /// The properties that have to be there in instances of `class`, which is the class of the list or derived from it.
    pub(in crate::wbem) fn reads_of(&self, class: &Class) -> PropertySet {
        match &self.columns {
            None => (0..class.properties().len()).collect(),
            Some(columns) => self.columns_of(columns, class).iter().map(|column| column.index).collect(),
        }
    }

    /// The row of an instance of the class, or of one derived from it.
    pub fn apply(&self, instance: &Arc<Instance>) -> Arc<Instance> {
        let Some(columns) = &self.columns else { return instance.clone() };
        let shape = self.shape(instance.class(), columns);
        Arc::new(row(&shape.row, &shape.columns, instance))
    }

    /// How rows are made of the instances of `class`.
    fn shape(&self, class: &Arc<Class>, columns: &[Column]) -> Shape {
        let mut shapes = self.shapes.borrow_mut();
        if let Some(shape) = shapes.iter().find(|shape| Arc::ptr_eq(&shape.class, class)) {
            return shape.clone();
        }
        if shapes.len() == SHAPES_MAX {
            shapes.clear();
        }
        let columns: Rc<[Column]> = self.columns_of(columns, class).into();
        let shape = Shape { class: class.clone(), row: project(class, &columns), columns };
        shapes.push(shape.clone());
        shape
    }

    /// The columns of rows that are made of instances of `class`.
    fn columns_of(&self, columns: &[Column], class: &Class) -> Vec<Column> {
        let mut columns = columns.to_vec();
        for key in class.keys().iter().filter(|_| self.is_locatable) {
            insert(&mut columns, *key, Kept::Whole);
        }
        columns
    }
}

/// What a name of the list has added.
enum Added {
    /// A property, or one that every row has anyway.
    Property,
    /// The path, for which the keys are needed.
    Path,
}

/// Adds what a name means to the columns.
fn add_column(columns: &mut Vec<Column>, name: &str, class: &Class, form: Form) -> Result<Added, WqlErrorKind> {
    match Access::resolve(name, class)? {
        Access::System(SystemProperty::Path | SystemProperty::RelativePath) => return Ok(Added::Path),
        Access::System(_) => {}
        Access::Itself => return Err(WqlErrorKind::UnknownProperty(name.into())),
        Access::Property(index) | Access::Embedded(index, _) if form == Form::Event => {
            insert(columns, index, Kept::Whole);
        }
        Access::Property(index) => {
            let is_object = class.properties()[index].property_type == PropertyType::One(CimType::Object);
            insert(columns, index, if is_object { Kept::Parts(Vec::new()) } else { Kept::Whole });
        }
        Access::Embedded(index, rest) => insert(columns, index, Kept::Parts(vec![rest.into()])),
    }
    Ok(Added::Property)
}

/// Adds a column, or what is kept in it if it is there.
fn insert(columns: &mut Vec<Column>, index: usize, kept: Kept) {
    match columns.iter_mut().find(|column| column.index == index) {
        None => columns.push(Column { index, kept }),
        Some(Column { kept: Kept::Parts(parts), .. }) => match kept {
            Kept::Parts(more) => parts.extend(more),
            Kept::Whole => {}
        },
        Some(Column { kept: Kept::Whole, .. }) => {}
    }
}

/// The class of rows with these columns.
fn project(class: &Class, columns: &[Column]) -> Arc<Class> {
    let indices: Vec<usize> = columns.iter().map(|column| column.index).collect();
    class.project(&indices)
}

/// The row of an instance.
fn row(shape: &Arc<Class>, columns: &[Column], instance: &Instance) -> Instance {
    let values = columns.iter().map(|column| match (&column.kept, instance.value(column.index)) {
        (_, None) => Value::Null,
        (Kept::Parts(names), Some(Value::Object(object))) => Value::from(part(names, object)),
        (_, Some(value)) => value.clone(),
    });
    Instance::from_fitting(shape, values.collect())
}

/// An embedded object with only the properties of these names; those that it does not have are left out.
fn part(names: &[Box<str>], object: &Instance) -> Instance {
    let mut columns = Vec::new();
    for name in names {
        // What is not there is no error: embedded objects may be of any class.
        let _ = add_column(&mut columns, name, object.class(), Form::Data);
    }
    row(&project(object.class(), &columns), &columns, object)
}

#[cfg(test)]
mod tests {
    use super::super::ast::Query;
    use super::*;
    use crate::wbem::class::Property;
    use crate::wbem::error::WbemStatus;
    use crate::wbem::fixtures::{class, derived, instance, processes};

    /// Fits a list to a class.
    fn project(list: &str, class: &Arc<Class>, is_locatable: bool) -> Result<Projection, WqlError> {
        match Query::parse(&format!("SELECT {list} FROM {}", class.name())).unwrap() {
            Query::Select(query) => query.projection(class, is_locatable),
            other => panic!("{other:?}"),
        }
    }

    /// The names of a row's properties.
    fn names(row: &Instance) -> Vec<&str> {
        row.class().properties().iter().map(|property| &*property.name).collect()
    }

    /// What of a process is kept by a list, and its relative path.
    fn kept(list: &str, is_locatable: bool) -> (String, Option<String>) {
        let (class, rows) = processes();
        let row = project(list, &class, is_locatable).unwrap().apply(&rows[1]);
        let count = row.lookup("__PROPERTY_COUNT").unwrap().as_i64();
        assert_eq!(count, Some(row.values().len() as i64));
        (names(&row).join(" "), row.relative_path().map(|path| path.to_string()))
    }

    #[test]
    fn p25_rows_have_what_the_list_names() {
        let path = || Some("Win32_Process.Handle=\"4\"".to_string());
        for (list, is_locatable, expected, path) in [
            ("name", false, "Name", None),
            ("name", true, "Name Handle", path()),
            ("CommandLine, handle", false, "CommandLine Handle", path()),
            ("Name, NAME, Win32_Process.Name", false, "Name", None),
            ("__CLASS", false, "", None),
            ("__RELPATH", false, "Handle", path()),
            ("Name, __path", false, "Name Handle", path()),
            ("*", false, "Handle ProcessId Name CommandLine", path()),
        ] {
            assert_eq!(kept(list, is_locatable), (expected.to_string(), path), "{list}");
        }
        let (class, rows) = processes();
        let row = project("name", &class, false).unwrap().apply(&rows[1]);
        assert_eq!((row.get("Name"), row.get("Handle")), (Some(&Value::from("cscript.exe")), None));
        assert_eq!(row.lookup("__CLASS").unwrap().as_str(), Some("Win32_Process"));
        assert_eq!(project("name, __path", &class, false).unwrap().reads().iter().collect::<Vec<_>>(), [0, 2]);
        assert_eq!(project("*", &class, false).unwrap().reads().iter().count(), 4);
    }

    #[test]
    fn p47_unknown_properties_are_errors_in_data_queries_only() {
        let (class, rows) = processes();
        for (list, position, status) in [
            ("NoSuchField", 7, WbemStatus::InvalidQuery),
            ("Name, Name.x", 13, WbemStatus::PropertyNotAnObject),
            ("Name, __this", 13, WbemStatus::InvalidQuery),
        ] {
            let error = project(list, &class, false).map(|_| ()).unwrap_err();
            assert_eq!((error.position, error.status()), (position, status), "{list}");
        }
        let events = EventQuery::parse("SELECT NoSuchField FROM Win32_Process").unwrap();
        assert!(events.projection(&class).unwrap().apply(&rows[0]).values().is_empty());
    }

    #[test]
    fn embedded_objects_keep_what_is_named() {
        let inner = class("Inner", [Property::new("P", CimType::Uint8), Property::new("Q", CimType::Object)]);
        let deep = derived("Deep", &inner, [Property::new("R", CimType::Uint8)]);
        let outer = class("Outer", [Property::new("E1", CimType::Object), Property::new("Size", CimType::Uint8)]);
        let deepest = instance(&deep, &[("P", 1.into()), ("R", 2.into())]);
        let object = instance(&inner, &[("P", 3.into()), ("Q", deepest.into())]);
        let row = instance(&outer, &[("E1", object.into()), ("Size", 4.into())]);
        let kept = |list: &str| project(list, &outer, false).unwrap().apply(&row);
        let text = |list: &str| kept(list).object_text().split_whitespace().collect::<Vec<_>>().join(" ");
        for (list, expected) in [
            ("E1", "instance of Outer { E1 = instance of Inner { }; };"),
            ("E1.P", "instance of Outer { E1 = instance of Inner { P = 3; }; };"),
            ("E1, E1.P", "instance of Outer { E1 = instance of Inner { P = 3; }; };"),
            ("E1.P, E1.NoSuch", "instance of Outer { E1 = instance of Inner { P = 3; }; };"),
            (
                "E1.Q.R, Size",
                "instance of Outer { E1 = instance of Inner { Q = instance of Deep { R = 2; }; }; Size = 4; };",
            ),
        ] {
            assert_eq!(text(list), expected, "{list}");
        }
        let event = EventQuery::parse("SELECT E1.P FROM Outer").unwrap().projection(&outer).unwrap().apply(&row);
        assert_eq!(event.get("E1"), row.get("E1"));
    }

    #[test]
    fn rows_of_derived_classes_know_their_class() {
        let parent = class("Parent", [Property::key("Id", CimType::Uint8), Property::new("Name", CimType::String)]);
        let projection = project("Name, Id", &parent, false).unwrap();
        for number in 0..2 * SHAPES_MAX {
            let child = derived(&format!("Child{number}"), &parent, [Property::new("More", CimType::String)]);
            let row = projection.apply(&instance(&child, &[("Id", 7.into()), ("Name", "x".into())]));
            assert_eq!(row.relative_path().unwrap().to_string(), format!("Child{number}.Id=7"));
            assert_eq!((names(&row), row.class().is_a("parent")), (vec!["Name", "Id"], true));
        }
    }
}
