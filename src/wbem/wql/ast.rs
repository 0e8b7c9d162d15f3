//! What a query says.
//!
//! Floor 5. Pure. Queries are equal when they say the same, wherever they say it: a [`Place`] is equal to
//! every other. How they are written is in [`print`](super::print).

use std::time::Duration;

use crate::wbem::path::ObjectPath;

/// A part of the query's text, for errors that are only found when the class is known.
#[derive(Clone, Copy, Debug, Default, Eq)]
pub struct Place {
    /// The first byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
}

impl PartialEq for Place {
    fn eq(&self, _: &Place) -> bool {
        true
    }
}

/// A query for objects: `ExecQuery` takes these.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// `SELECT ... FROM class`: instances of a class.
    Select(SelectQuery),
    /// `SELECT * FROM meta_class`: classes.
    Schema(SchemaQuery),
    /// `ASSOCIATORS OF {path}`: what an object is associated with.
    Associators(AssociatorsQuery),
    /// `REFERENCES OF {path}`: the associations of an object.
    References(ReferencesQuery),
}

/// A query for instances of a class and of the classes derived from it.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectQuery {
    /// Which properties are wanted.
    pub list: SelectList,
    /// The class.
    pub class: ClassName,
    /// Which instances are wanted; all without it.
    pub condition: Option<Condition>,
}

/// A query for events as they happen: `ExecNotificationQuery` takes these.
#[derive(Clone, Debug, PartialEq)]
pub struct EventQuery {
    /// Which properties are wanted.
    pub list: SelectList,
    /// The class of the events.
    pub class: ClassName,
    /// How often to look for changes of a class that does not tell them itself.
    pub within: Option<Duration>,
    /// Which events are wanted; all without it.
    pub condition: Option<Condition>,
    /// How to gather events into one.
    pub group: Option<Group>,
}

/// A query for classes.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaQuery {
    /// Which classes are wanted; all without it.
    pub condition: Option<Condition>,
}

/// A query for what an object is associated with.
#[derive(Clone, Debug, PartialEq)]
pub struct AssociatorsQuery {
    /// The object, or the class whose associations are asked for.
    pub path: ObjectPath,
    /// `AssocClass`: the class of the association.
    pub association_class: Option<Box<str>>,
    /// `ResultClass`: the class of what is at the other end.
    pub result_class: Option<Box<str>>,
    /// `ResultRole`: the association's property that refers to the other end.
    pub result_role: Option<Box<str>>,
    /// `Role`: the association's property that refers to the object.
    pub role: Option<Box<str>>,
    /// `RequiredQualifier`: what the class of the other end must be marked with.
    pub required_qualifier: Option<Box<str>>,
    /// `RequiredAssocQualifier`: what the association's class must be marked with.
    pub required_association_qualifier: Option<Box<str>>,
    /// What is told of the other ends.
    pub output: Output,
}

/// A query for the associations of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferencesQuery {
    /// The object, or the class whose associations are asked for.
    pub path: ObjectPath,
    /// `ResultClass`: the class of the association.
    pub result_class: Option<Box<str>>,
    /// `Role`: the association's property that refers to the object.
    pub role: Option<Box<str>>,
    /// `RequiredQualifier`: what the association's class must be marked with.
    pub required_qualifier: Option<Box<str>>,
    /// What is told of the associations.
    pub output: Output,
}

/// What is told of the objects that are found through associations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// The objects.
    #[default]
    Objects,
    /// `ClassDefsOnly`: their classes.
    Classes,
    /// `KeysOnly`: their keys.
    Keys,
    /// `SchemaOnly`: the classes that a class can be associated with, by their definitions alone.
    Schema,
}

/// The list behind SELECT.
#[derive(Clone, Debug, PartialEq)]
pub enum SelectList {
    /// `*`.
    All,
    /// The properties in the order of the list.
    Properties(Vec<PropertyName>),
}

/// The name of a property: `Name`, `TargetInstance.Name`, `Win32_Process.Name`.
#[derive(Clone, Debug, PartialEq)]
pub struct PropertyName {
    /// The parts, with dots between them and without blanks.
    pub text: Box<str>,
    /// Where it stands.
    pub place: Place,
}

/// The name of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassName {
    /// The name.
    pub text: Box<str>,
    /// Where it stands.
    pub place: Place,
}

/// What must hold of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All of these, of which there are at least two.
    And(Vec<Condition>),
    /// Any of these, of which there are at least two.
    Or(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// Something of a property; `__this` stands for the object itself.
    Test(PropertyName, Check),
    /// Two properties, in event queries: one of TargetInstance, one of PreviousInstance.
    Pair(Box<Pair>),
}

/// A comparison of two properties.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The property on the left.
    pub left: PropertyName,
    /// The comparison.
    pub operator: Operator,
    /// The property on the right.
    pub right: PropertyName,
}

/// What must hold of a property.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// It compares so with a constant; a constant on the left is turned to the right.
    Compare(Operator, Place, Literal),
    /// It matches a pattern.
    Like(Place, Box<str>, Place),
    /// It is an object of a class or of one derived from it.
    Isa(Place, Box<str>),
    /// It has no value: `IS NULL`, `= NULL`.
    Null,
    /// It has a value: `IS NOT NULL`, `<> NULL`.
    NotNull,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// What it is.
    pub value: LiteralValue,
    /// Where it stands.
    pub place: Place,
}

/// The value of a constant, before it takes on the type of a property.
#[derive(Clone, Debug, PartialEq)]
pub enum LiteralValue {
    /// A text.
    String(Box<str>),
    /// A number without fraction and exponent.
    Integer(i128),
    /// Another number.
    Real(f64),
    /// TRUE or FALSE.
    Boolean(bool),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `=`
    Equal,
    /// `<>` or `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// How events are gathered into one.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// How long after the first event the one for all is sent.
    pub within: Duration,
    /// The properties that events of one group have in common; all events are one group without them.
    pub by: Vec<PropertyName>,
    /// Which groups are told.
    pub having: Option<Having>,
}

/// `HAVING NumberOfEvents ...`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Having {
    /// How the number of events of a group compares.
    pub operator: Operator,
    /// With what.
    pub count: u32,
}

impl PropertyName {
    /// Makes a name that stands nowhere.
    pub fn new(text: impl Into<Box<str>>) -> PropertyName {
        PropertyName { text: text.into(), place: Place::default() }
    }

    /// The parts between the dots.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.text.split('.')
    }
}

impl ClassName {
    /// Makes a name that stands nowhere.
    pub fn new(text: impl Into<Box<str>>) -> ClassName {
        ClassName { text: text.into(), place: Place::default() }
    }
}

impl Operator {
    /// The comparison that says the same with both sides exchanged.
    pub fn mirrored(self) -> Operator {
        match self {
            Operator::Equal | Operator::NotEqual => self,
            Operator::Less => Operator::Greater,
            Operator::LessOrEqual => Operator::GreaterOrEqual,
            Operator::Greater => Operator::Less,
            Operator::GreaterOrEqual => Operator::LessOrEqual,
        }
    }

    /// Whether it only asks for equality or its absence.
    pub fn is_equality(self) -> bool {
        matches!(self, Operator::Equal | Operator::NotEqual)
    }

    /// Whether it holds of a left side that is so ordered against the right one.
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Operator::Equal => ordering.is_eq(),
            Operator::NotEqual => ordering.is_ne(),
            Operator::Less => ordering.is_lt(),
            Operator::LessOrEqual => ordering.is_le(),
            Operator::Greater => ordering.is_gt(),
            Operator::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl Having {
    /// Whether a group of so many events is told.
    pub fn holds(self, events: u32) -> bool {
        self.operator.holds(events.cmp(&self.count))
    }
}
