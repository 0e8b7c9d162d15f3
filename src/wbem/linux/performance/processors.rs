//! Win32_PerfFormattedData_PerfOS_Processor: what each logical processor was busy with.
//!
//! Floor 5.

use std::rc::Rc;

use super::super::cpu::{self, Times};
use super::super::machine::Machine;
use super::super::reading::Reading;
use super::super::schema::Schema;
use super::super::table::{Column, Definition, LinuxClass, Row, UNITS_PER_STEP};
use super::PARENT;
use super::samples::Samples;
use crate::wbem::cim_type::CimType;

/// A logical processor, and what it did since the query before.
struct Processor {
    name: String,
    did: Option<Times>,
}

impl Row for Processor {}

impl Processor {
    fn percent(&self, part: impl Fn(&Times) -> u64) -> Option<u64> {
        let did = self.did.as_ref()?;
        did.percent(part(did))
    }
}

const NOT_COUNTED: &str = "NULL: the kernel does not count it";

const COLUMNS: &[Column<Processor>] = &[
    Column::null("Caption", CimType::String, "NULL: it has none"),
    Column::null("Description", CimType::String, "NULL: it has none"),
    Column::null("DPCRate", CimType::Uint32, NOT_COUNTED),
    Column::null("InterruptsPersec", CimType::Uint32, "NULL: counted for each interrupt and not for each processor"),
    Column::key(Column::text("Name", "`/proc/stat`, the number; `_Total` for all", |row, _| Some((&*row.name).into()))),
    Column::u64(
        "PercentIdleTime",
        "`/proc/stat`, idle and waiting for disks, since the query before; percent",
        |row, _| row.percent(|did| did.idle),
    ),
    Column::u64(
        "PercentInterruptTime",
        "`/proc/stat`, hard and soft interrupts, since the query before; percent",
        |row, _| row.percent(|did| did.interrupts),
    ),
    Column::u64(
        "PercentPrivilegedTime",
        "`/proc/stat`, the kernel with its interrupts, and what the host took, since the query before; percent",
        |row, _| row.percent(|did| did.system),
    ),
    Column::u64("PercentProcessorTime", "`/proc/stat`, all but idle, since the query before; percent", |row, _| {
        row.percent(|did| did.total.saturating_sub(did.idle))
    }),
    Column::u64("PercentUserTime", "`/proc/stat`, programs, since the query before; percent", |row, _| {
        row.percent(|did| did.user)
    }),
];

/// Win32_PerfFormattedData_PerfOS_Processor.
pub(super) fn source(machine: &Rc<Machine>, schema: &Schema) -> LinuxClass {
    let definition = Definition {
        name: "Win32_PerfFormattedData_PerfOS_Processor",
        parent: PARENT,
        about: "How busy the logical processors are, and `_Total` for all. The first query has no percentages.",
        columns: COLUMNS,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    let samples = Samples::new();
    LinuxClass::new(machine, schema, &definition, move |reading, _| {
        let times = cpu::times(reading).ok_or_else(|| Reading::no_source("`/proc/stat`"))?;
        let pair = samples.pair(reading, times);
        let did = |number: &u32| Some(pair.now.get(number)?.since(pair.earlier.as_ref()?.0.get(number)?));
        let mut total = pair.earlier.is_some().then(Times::default);
        let mut rows = Vec::new();
        for number in pair.now.keys() {
            let did = did(number);
            if let Some((total, did)) = total.as_mut().zip(did.as_ref()) {
                total.add(did);
            }
            rows.push(Processor { name: number.to_string(), did });
        }
        rows.push(Processor { name: "_Total".to_owned(), did: total });
        Ok(Box::new(rows.into_iter().map(Some)))
    })
}
