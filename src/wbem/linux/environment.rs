//! Win32_Environment: the variables of this process.
//!
//! Floor 5. There are no variables of the machine; each process has its own, and those of others are
//! their own business.

use std::rc::Rc;
use std::sync::Arc;

use super::fields;
use super::machine::{At, Machine};
use super::reading::Reading;
use super::schema::Schema;
use super::table::{Column, Definition, LinuxClass, Row, UNITS_PER_STEP};
use crate::wbem::cim_type::CimType;

/// One variable.
struct Variable {
    name: String,
    value: String,
    user: Option<Arc<str>>,
}

impl Row for Variable {}

const COLUMNS: &[Column<Variable>] = &[
    Column::text("Caption", "user name, backslash, name", |variable, _| {
        Some(format!("{}\\{}", variable.user.as_ref()?, variable.name).into())
    }),
    Column::text("Description", "user name, backslash, name", |variable, _| {
        Some(format!("{}\\{}", variable.user.as_ref()?, variable.name).into())
    }),
    Column::null("InstallDate", CimType::DateTime, "NULL: a variable is not installed"),
    Column::key(Column::text("Name", "the name", |variable, _| Some((&*variable.name).into()))),
    Column::null("Status", CimType::String, "NULL: a variable has no health"),
    Column::bool("SystemVariable", "FALSE: there are no variables of the machine", |_, _| Some(false)),
    Column::key(Column::text("UserName", "host name, backslash, account of this process", |variable, _| {
        variable.user.clone()
    })),
    Column::text("VariableValue", "the value; what is not UTF-8 is replaced", |variable, _| {
        Some((&*variable.value).into())
    }),
];

/// Win32_Environment.
pub(super) fn source(machine: &Rc<Machine>, schema: &Schema) -> LinuxClass {
    let definition = Definition {
        name: "Win32_Environment",
        parent: "Win32_SystemEnvironment",
        about: "The environment variables of this process.",
        columns: COLUMNS,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    LinuxClass::new(machine, schema, &definition, |reading, _| {
        let user = user(reading);
        let rows =
            variables(reading).into_iter().map(move |(name, value)| Some(Variable { name, value, user: user.clone() }));
        Ok(Box::new(rows))
    })
}

/// The account of this process.
fn user(reading: &Reading) -> Option<Arc<str>> {
    let find = |text: &[u8]| fields::words(fields::value(text, "Uid", b':')?).nth(1).and_then(fields::number::<u32>);
    let number = reading.read(At::Proc, format_args!("self/status"), find).ok()??;
    let name = reading.accounts().user_name(number).map_or_else(|| number.to_string(), str::to_owned);
    Some(format!("{}\\{name}", reading.host_name()?).into())
}

/// The variables as they are now; the kernel only knows those that a process began with.
fn variables(reading: &Reading) -> Vec<(String, String)> {
    if reading.is_this() {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        return std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
    }
    let parse = |file: &[u8]| {
        let pairs = file.split(|byte| *byte == 0).filter_map(|entry| {
            let place = entry.iter().position(|byte| *byte == b'=')?;
            Some((fields::text(&entry[..place]), fields::text(&entry[place + 1..])))
        });
        pairs.collect()
    };
    reading.read(At::Proc, format_args!("self/environ"), parse).unwrap_or_default()
}
