//! Win32_PageFileUsage: what memory is swapped to.
//!
//! Floor 5.

use std::rc::Rc;

use super::fields;
use super::machine::{At, Machine};
use super::reading::Reading;
use super::schema::Schema;
use super::table::{Column, Definition, LinuxClass, Row, UNITS_PER_STEP};
use crate::wbem::cim_type::CimType;

/// A line of `/proc/swaps`; sizes in kilobytes.
#[derive(Debug, PartialEq)]
struct Swap {
    name: String,
    size: u64,
    used: u64,
}

impl Row for Swap {}

impl Swap {
    fn parse(line: &[u8]) -> Option<Swap> {
        let mut words = fields::words(line);
        let name = fields::text(&fields::unescape(words.next()?));
        Some(Swap { name, size: fields::number(words.nth(1)?)?, used: fields::number(words.next()?)? })
    }
}

const COLUMNS: &[Column<Swap>] = &[
    Column::u32("AllocatedBaseSize", "`/proc/swaps`, `Size`; megabytes", |swap, _| (swap.size / 1024).try_into().ok()),
    Column::text("Caption", "`/proc/swaps`, `Filename`", |swap, _| Some((&*swap.name).into())),
    Column::u32("CurrentUsage", "`/proc/swaps`, `Used`; megabytes", |swap, _| (swap.used / 1024).try_into().ok()),
    Column::text("Description", "`/proc/swaps`, `Filename`", |swap, _| Some((&*swap.name).into())),
    Column::null("InstallDate", CimType::DateTime, "NULL: the kernel does not keep it"),
    Column::key(Column::text("Name", "`/proc/swaps`, `Filename`", |swap, _| Some((&*swap.name).into()))),
    Column::null("PeakUsage", CimType::Uint32, "NULL: the kernel keeps no such peak"),
    Column::null("Status", CimType::String, "NULL: the kernel does not tell"),
    Column::null("TempPageFile", CimType::Boolean, "NULL: no such thing"),
];

/// Win32_PageFileUsage.
pub(super) fn source(machine: &Rc<Machine>, schema: &Schema) -> LinuxClass {
    let definition = Definition {
        name: "Win32_PageFileUsage",
        parent: "CIM_LogicalElement",
        about: "The files and devices that memory is swapped to.",
        columns: COLUMNS,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    LinuxClass::new(machine, schema, &definition, |reading, _| {
        let parse = |file: &[u8]| fields::lines(file).skip(1).filter_map(Swap::parse).collect::<Vec<_>>();
        let swaps = reading.read(At::Proc, format_args!("swaps"), parse);
        Ok(Box::new(swaps.map_err(|_| Reading::no_source("`/proc/swaps`"))?.into_iter().map(Some)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_swaps() {
        let swap = Swap::parse(b"/my\\040swap   file  2097148 1024 -2").unwrap();
        assert_eq!(swap, Swap { name: "/my swap".to_owned(), size: 2_097_148, used: 1024 });
        assert_eq!(Swap::parse(b"/dev/sda2 partition"), None);
    }
}
