//! Queries as text, in one form for all ways to write them; reading the text gives the same query, unless the longest
//! ones have become too long.
//!
//! Floor 5. Pure.

use std::fmt;
use std::time::Duration;

use super::ast::{
    AssociatorsQuery, Check, ClassName, Condition, EventQuery, Literal, LiteralValue, Operator, Output, PropertyName,
    Query, ReferencesQuery, SchemaQuery, SelectList, SelectQuery,
};

/// Writes `text` as a constant of a query: in double quotes, with what the quotes cannot hold escaped.
///
/// ```
/// use msgpump::wbem::wql;
/// let query = format!("SELECT * FROM CIM_DataFile WHERE Name = {}", wql::quote(r"C:\a.txt"));
/// assert_eq!(query, r#"SELECT * FROM CIM_DataFile WHERE Name = "C:\\a.txt""#);
/// ```
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

/// Writes `text` as a part of a LIKE pattern that matches only itself; the pattern is still to be
/// [quoted](quote).
pub fn quote_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '[') {
            pattern.extend(['[', letter, ']']);
        } else {
            pattern.push(letter);
        }
    }
    pattern
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Query::Select(query) => query.fmt(f),
            Query::Schema(query) => query.fmt(f),
            Query::Associators(query) => query.fmt(f),
            Query::References(query) => query.fmt(f),
        }
    }
}

impl fmt::Display for SelectQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SELECT {} FROM {}", self.list, self.class)?;
        write_where(f, self.condition.as_ref())
    }
}

impl fmt::Display for SchemaQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SELECT * FROM meta_class")?;
        write_where(f, self.condition.as_ref())
    }
}

impl fmt::Display for EventQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SELECT {} FROM {}", self.list, self.class)?;
        if let Some(within) = self.within {
            write!(f, " WITHIN {}", Seconds(within))?;
        }
        write_where(f, self.condition.as_ref())?;
        let Some(group) = &self.group else { return Ok(()) };
        write!(f, " GROUP WITHIN {}", Seconds(group.within))?;
        if !group.by.is_empty() {
            f.write_str(" BY ")?;
            write_list(f, &group.by)?;
        }
        match group.having {
            Some(having) => write!(f, " HAVING NumberOfEvents {} {}", having.operator, having.count),
            None => Ok(()),
        }
    }
}

impl fmt::Display for AssociatorsQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ASSOCIATORS OF {{{}}}", self.path)?;
        let names = [
            ("AssocClass", &self.association_class),
            ("ResultClass", &self.result_class),
            ("ResultRole", &self.result_role),
            ("Role", &self.role),
            ("RequiredQualifier", &self.required_qualifier),
            ("RequiredAssocQualifier", &self.required_association_qualifier),
        ];
        write_filters(f, &names, self.output)
    }
}

impl fmt::Display for ReferencesQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "REFERENCES OF {{{}}}", self.path)?;
        let names = [
            ("ResultClass", &self.result_class),
            ("Role", &self.role),
            ("RequiredQualifier", &self.required_qualifier),
        ];
        write_filters(f, &names, self.output)
    }
}

/// Writes the keywords of a query that follows associations.
fn write_filters(f: &mut fmt::Formatter<'_>, names: &[(&str, &Option<Box<str>>)], output: Output) -> fmt::Result {
    let mut separator = " WHERE ";
    for (keyword, name) in names {
        if let Some(name) = name {
            write!(f, "{separator}{keyword} = {name}")?;
            separator = " ";
        }
    }
    match output {
        Output::Objects => Ok(()),
        Output::Classes => write!(f, "{separator}ClassDefsOnly"),
        Output::Keys => write!(f, "{separator}KeysOnly"),
        Output::Schema => write!(f, "{separator}SchemaOnly"),
    }
}

impl fmt::Display for SelectList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SelectList::All => f.write_str("*"),
            SelectList::Properties(properties) => write_list(f, properties),
        }
    }
}

/// Writes names with commas.
fn write_list(f: &mut fmt::Formatter<'_>, properties: &[PropertyName]) -> fmt::Result {
    for (index, property) in properties.iter().enumerate() {
        write!(f, "{}{property}", if index == 0 { "" } else { ", " })?;
    }
    Ok(())
}

/// Writes the WHERE clause, if there is one.
fn write_where(f: &mut fmt::Formatter<'_>, condition: Option<&Condition>) -> fmt::Result {
    condition.map_or(Ok(()), |condition| write!(f, " WHERE {condition}"))
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::And(conditions) => write_joined(f, conditions, " AND ", write_factor),
            // AND binds tighter: parentheses around it would be one level more than there may have been room for.
            Condition::Or(conditions) => write_joined(f, conditions, " OR ", write_conjunction),
            Condition::Not(condition) => {
                f.write_str("NOT ")?;
                write_factor(f, condition)
            }
            Condition::Test(property, check) => write!(f, "{property} {check}"),
            Condition::Pair(pair) => write!(f, "{} {} {}", pair.left, pair.operator, pair.right),
        }
    }
}

/// Writes conditions with a keyword between them, each as `write` does.
fn write_joined(
    f: &mut fmt::Formatter<'_>,
    conditions: &[Condition],
    keyword: &str,
    write: fn(&mut fmt::Formatter<'_>, &Condition) -> fmt::Result,
) -> fmt::Result {
    for (index, condition) in conditions.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { keyword })?;
        write(f, condition)?;
    }
    Ok(())
}

/// Writes a condition so that OR beside it cannot split it.
fn write_conjunction(f: &mut fmt::Formatter<'_>, condition: &Condition) -> fmt::Result {
    match condition {
        Condition::And(_) => write!(f, "{condition}"),
        _ => write_factor(f, condition),
    }
}

/// Writes a condition so that NOT, AND and OR beside it cannot split it.
fn write_factor(f: &mut fmt::Formatter<'_>, condition: &Condition) -> fmt::Result {
    match condition {
        Condition::And(_) | Condition::Or(_) => write!(f, "({condition})"),
        Condition::Not(_) | Condition::Test(..) | Condition::Pair(_) => write!(f, "{condition}"),
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Check::Compare(operator, _, literal) => write!(f, "{operator} {literal}"),
            Check::Like(_, pattern, _) => write!(f, "LIKE {}", quote(pattern)),
            Check::Isa(_, class) => write!(f, "ISA {}", quote(class)),
            Check::Null => f.write_str("IS NULL"),
            Check::NotNull => f.write_str("IS NOT NULL"),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            LiteralValue::String(text) => f.write_str(&quote(text)),
            LiteralValue::Integer(number) => write!(f, "{number}"),
            // Always with a point or an exponent, so that it is read as what it is.
            LiteralValue::Real(number) => write!(f, "{number:?}"),
            LiteralValue::Boolean(value) => f.write_str(if *value { "TRUE" } else { "FALSE" }),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operator::Equal => "=",
            Operator::NotEqual => "<>",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
        })
    }
}

impl fmt::Display for PropertyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for ClassName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A duration as a number of seconds, with no more digits than it needs.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.subsec_nanos() {
            0 => write!(f, "{}", self.0.as_secs()),
            nanoseconds => {
                write!(f, "{}.{}", self.0.as_secs(), format!("{nanoseconds:09}").trim_end_matches('0'))
            }
        }
    }
}
