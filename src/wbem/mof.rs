//! Objects as MOF, the language in which classes and instances are written down.
//!
//! Floor 5. Pure. Properties that are NULL are left out, 64-bit integers and datetimes stand in quotes, a
//! class shows what it adds to its parent: the form of `IWbemClassObject::GetObjectText`.

use std::fmt::{self, Write};
use std::sync::Arc;

use super::cim_type::{CimType, PropertyType};
use super::class::{Class, Method, Property, Qualifier};
use super::instance::Instance;
use super::value::{Value, char16};

impl Instance {
    /// The instance in MOF.
    pub fn object_text(&self) -> String {
        format!("\n{};\n", Block { instance: self, depth: 0 })
    }
}

impl Class {
    /// The class in MOF.
    pub fn object_text(&self) -> String {
        let mut text = String::from("\n");
        if !self.qualifiers().is_empty() {
            text.push_str(&format!("{}\n", Qualifiers::new(self.qualifiers())));
        }
        text.push_str(&format!("class {}", self.name()));
        if let Some(parent) = self.superclass() {
            text.push_str(&format!(" : {}", parent.name()));
        }
        text.push_str("\n{\n");
        for property in self.properties().iter().filter(|property| adds_property(self, property)) {
            text.push_str(&format!("\t{};\n", Declaration::new(property, &[])));
        }
        for method in self.methods().iter().filter(|method| adds_method(self, method)) {
            text.push_str(&format!("\t{};\n", Signature(method)));
        }
        text.push_str("};\n");
        text
    }
}

/// Whether `class` brings `property` in, or says something else of it than its parent does.
fn adds_property(class: &Class, property: &Property) -> bool {
    let inherited = class.superclass().and_then(|parent| parent.property(&property.name));
    inherited.is_none_or(|inherited| {
        inherited.qualifiers != property.qualifiers
            || inherited.default != property.default
            || inherited.target_class != property.target_class
    })
}

/// Whether `class` brings `method` in, or says something else of it than its parent does.
fn adds_method(class: &Class, method: &Method) -> bool {
    let is_same = |left: &Option<Arc<Class>>, right: &Option<Arc<Class>>| match (left, right) {
        (Some(left), Some(right)) => Arc::ptr_eq(left, right),
        (left, right) => left.is_none() && right.is_none(),
    };
    let inherited = class.superclass().and_then(|parent| parent.method(&method.name));
    inherited.is_none_or(|inherited| {
        inherited.qualifiers != method.qualifiers
            || !is_same(&inherited.inputs, &method.inputs)
            || !is_same(&inherited.outputs, &method.outputs)
    })
}

/// An instance within tabs, without the semicolon.
struct Block<'o> {
    instance: &'o Instance,
    depth: usize,
}

impl fmt::Display for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Block { instance, depth } = *self;
        let tabs = format!("{:\t<depth$}", "");
        let class = instance.class();
        write!(f, "instance of {}\n{tabs}{{\n", class.name())?;
        for (property, value) in class.properties().iter().zip(instance.values()) {
            if !value.is_null() {
                writeln!(f, "{tabs}\t{} = {};", property.name, Constant { value, depth: depth + 1 })?;
            }
        }
        write!(f, "{tabs}}}")
    }
}

/// A value as it is written in MOF.
struct Constant<'o> {
    value: &'o Value,
    depth: usize,
}

impl fmt::Display for Constant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Value::Null => f.write_str("NULL"),
            Value::String(text) | Value::Reference(text) => write_quoted(f, '"', text),
            Value::Sint64(_) | Value::Uint64(_) | Value::DateTime(_) => write!(f, "\"{}\"", self.value),
            Value::Real32(value) => write!(f, "{value:?}"),
            Value::Real64(value) => write!(f, "{value:?}"),
            // Half of a pair of units is no letter: its number is written.
            Value::Char16(unit) if (0xd800..0xe000).contains(unit) => write!(f, "{unit:#06x}"),
            Value::Char16(unit) => write_quoted(f, '\'', char16(*unit).encode_utf8(&mut [0; 4])),
            Value::Object(object) => Block { instance: object, depth: self.depth }.fmt(f),
            Value::Array(elements) => {
                f.write_str("{")?;
                for (index, value) in elements.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{}", Constant { value, depth: self.depth })?;
                }
                f.write_str("}")
            }
            value => value.fmt(f),
        }
    }
}

/// Writes a text in quotes, with the escapes of MOF.
fn write_quoted(f: &mut fmt::Formatter<'_>, quote: char, text: &str) -> fmt::Result {
    f.write_char(quote)?;
    for letter in text.chars() {
        match letter {
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            _ if letter == quote => write!(f, "\\{quote}")?,
            '\0'..='\x1f' => write!(f, "\\x{:04X}", u32::from(letter))?,
            _ => f.write_char(letter)?,
        }
    }
    f.write_char(quote)
}

/// Qualifiers in brackets, behind those that say which way an argument goes; those that are TRUE need no value.
struct Qualifiers<'c> {
    ways: &'static [&'static str],
    others: &'c [Qualifier],
}

impl Qualifiers<'_> {
    fn new(others: &[Qualifier]) -> Qualifiers<'_> {
        Qualifiers { ways: &[], others }
    }

    fn is_empty(&self) -> bool {
        self.ways.is_empty() && self.others.is_empty()
    }
}

impl fmt::Display for Qualifiers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.ways.join(", "))?;
        for (index, qualifier) in self.others.iter().enumerate() {
            let is_first = index == 0 && self.ways.is_empty();
            write!(f, "{}{}", if is_first { "" } else { ", " }, qualifier.name)?;
            match &qualifier.value {
                Value::Boolean(true) => {}
                // An array brings its own brackets.
                value @ Value::Array(_) => write!(f, "{}", Constant { value, depth: 0 })?,
                value => write!(f, "({})", Constant { value, depth: 0 })?,
            }
        }
        f.write_str("]")
    }
}

/// A property as a class declares it, or an argument of a method.
struct Declaration<'c> {
    property: &'c Property,
    qualifiers: Qualifiers<'c>,
}

impl<'c> Declaration<'c> {
    fn new(property: &'c Property, ways: &'static [&'static str]) -> Declaration<'c> {
        Declaration { property, qualifiers: Qualifiers { ways, others: &property.qualifiers } }
    }
}

impl fmt::Display for Declaration<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Declaration { property, qualifiers } = self;
        if !qualifiers.is_empty() {
            write!(f, "{qualifiers} ")?;
        }
        write_type(f, property)?;
        f.write_str(&property.name)?;
        if let PropertyType::Array(_) = property.property_type {
            f.write_str("[]")?;
        }
        match &property.default {
            Value::Null => Ok(()),
            value => write!(f, " = {}", Constant { value, depth: 1 }),
        }
    }
}

/// Writes the type of a property, with the class of what it holds.
fn write_type(f: &mut fmt::Formatter<'_>, property: &Property) -> fmt::Result {
    match (property.property_type.element(), &property.target_class) {
        (CimType::Reference, class) => write!(f, "{} ref ", class.as_deref().unwrap_or("object")),
        (_, Some(class)) => write!(f, "{class} "),
        (element, None) => write!(f, "{element} "),
    }
}

/// A method as a class declares it.
struct Signature<'c>(&'c Method);

impl fmt::Display for Signature<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Signature(method) = self;
        if !method.qualifiers.is_empty() {
            write!(f, "{} ", Qualifiers::new(&method.qualifiers))?;
        }
        let (inputs, outputs) = (method.inputs.as_deref(), method.outputs.as_deref());
        match outputs.and_then(|class| class.property("ReturnValue")) {
            Some(property) => write_type(f, property)?,
            None => f.write_str("void ")?,
        }
        write!(f, "{}(", method.name)?;
        let has =
            |class: Option<&Class>, property: &Property| class.is_some_and(|it| it.index_of(&property.name).is_some());
        let arguments = inputs.into_iter().flat_map(Class::properties).map(|property| {
            let ways: &[_] = if has(outputs, property) { &["in", "out"] } else { &["in"] };
            Declaration::new(property, ways)
        });
        let results = outputs.into_iter().flat_map(Class::properties);
        let results = results.filter(|it| !it.name.eq_ignore_ascii_case("ReturnValue") && !has(inputs, it));
        for (index, declaration) in arguments.chain(results.map(|it| Declaration::new(it, &["out"]))).enumerate() {
            write!(f, "{}{declaration}", if index == 0 { "" } else { ", " })?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wbem::datetime::DateTime;

    #[test]
    fn an_instance_in_mof() {
        let part = Class::builder("Part").property(Property::new("Number", CimType::Uint8)).build().unwrap();
        let class = Class::builder("Whole")
            .property(Property::key("Name", CimType::String))
            .property(Property::new("Size", CimType::Uint64))
            .property(Property::new("Count", CimType::Sint32))
            .property(Property::new("Missing", CimType::String))
            .property(Property::new("Ready", CimType::Boolean))
            .property(Property::new("Ratio", CimType::Real64))
            .property(Property::new("Letter", CimType::Char16))
            .property(Property::new("When", CimType::DateTime))
            .property(Property::array("Tags", CimType::String))
            .property(Property::new("Part", CimType::Object).of_class("Part"))
            .property(Property::new("Owner", CimType::Reference).of_class("Person"))
            .build()
            .unwrap();
        let mut embedded = Instance::new(&part);
        embedded.put("Number", 7).unwrap();
        let instance = Instance::from_values(
            &class,
            vec![
                Value::from("a\"b\\c\n\u{1}é"),
                Value::from(7_214_985_216_u64),
                Value::from(-4),
                Value::Null,
                Value::from(true),
                Value::from(2.0),
                Value::Char16(u16::from(b'\'')),
                Value::from(DateTime::parse("00000001120032.000000:000").unwrap()),
                Value::from(vec!["x", "y"]),
                Value::from(Arc::new(embedded)),
                Value::reference("Person.Name=\"me\""),
            ],
        )
        .unwrap();
        assert_eq!(
            instance.object_text(),
            r#"
instance of Whole
{
	Name = "a\"b\\c\n\x0001é";
	Size = "7214985216";
	Count = -4;
	Ready = TRUE;
	Ratio = 2.0;
	Letter = '\'';
	When = "00000001120032.000000:000";
	Tags = {"x", "y"};
	Part = instance of Part
	{
		Number = 7;
	};
	Owner = "Person.Name=\"me\"";
};
"#
        );
    }

    #[test]
    fn a_class_in_mof_shows_what_it_adds() {
        let arguments =
            Class::builder("__PARAMETERS").property(Property::new("Reason", CimType::Uint32)).build().unwrap();
        let results = Class::builder("__PARAMETERS")
            .property(Property::new("ReturnValue", CimType::Uint32))
            .property(Property::array("Left", CimType::String))
            .build()
            .unwrap();
        let parent = Class::builder("Base")
            .property(Property::key("Name", CimType::String))
            .property(Property::new("Caption", CimType::String))
            .build()
            .unwrap();
        let class = Class::builder("Derived")
            .superclass(&parent)
            .qualifier("dynamic", true)
            .qualifier("provider", "own")
            .property(Property::new("Caption", CimType::String).default("none"))
            .property(Property::array("Load", CimType::Uint16).qualifier("Values", vec!["low", "high"]))
            .property(Property::new("Base", CimType::Reference).of_class("Base"))
            .method(Method::new("Terminate").inputs(arguments).outputs(results).qualifier("implemented", true))
            .method(Method::new("Rest"))
            .build()
            .unwrap();
        let again = Class::builder("Again").superclass(&class);
        let again = again.method(Method::new("Rest").qualifier("disabled", true)).build().unwrap();
        assert_eq!(again.object_text(), "\nclass Again : Derived\n{\n\t[disabled] void Rest();\n};\n");
        assert_eq!(parent.object_text(), "\nclass Base\n{\n\t[key] string Name;\n\tstring Caption;\n};\n");
        assert_eq!(
            class.object_text(),
            r#"
[dynamic, provider("own")]
class Derived : Base
{
	string Caption = "none";
	[Values{"low", "high"}] uint16 Load[];
	Base ref Base;
	[implemented] uint32 Terminate([in] uint32 Reason, [out] string Left[]);
	void Rest();
};
"#
        );
    }

    #[test]
    fn references_and_arguments_in_mof() {
        let number = |name: &str| Property::new(name, CimType::Uint32);
        let inputs = Class::builder("__PARAMETERS")
            .property(number("Level").qualifier("id", 0))
            .property(Property::array("Tags", CimType::String).qualifier("optional", true));
        let outputs = Class::builder("__PARAMETERS")
            .property(Property::new("ReturnValue", CimType::Reference).of_class("Job"))
            .property(number("level"))
            .property(Property::new("Any", CimType::Reference));
        let method = Method::new("Set").inputs(inputs.build().unwrap()).outputs(outputs.build().unwrap());
        let class = Class::builder("Link")
            .property(Property::key("One", CimType::Reference))
            .property(Property::new("Other", CimType::Object))
            .method(method)
            .build()
            .unwrap();
        assert_eq!(
            class.object_text(),
            r#"
class Link
{
	[key] object ref One;
	object Other;
	Job ref Set([in, out, id(0)] uint32 Level, [in, optional] string Tags[], [out] object ref Any);
};
"#
        );
    }
}
