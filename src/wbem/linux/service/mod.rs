//! Win32_Service: the services of systemd, asked over the D-Bus.
//!
//! Floor 5. A machine without systemd answers with an error and not with an empty set: there may be
//! services that nobody here knows of.

mod bus;
mod manager;
mod methods;
mod wire;

use std::rc::Rc;
use std::sync::Arc;

use super::machine::Machine;
use super::schema::Schema;
use super::table::{Column, Definition, LinuxClass, Operation, UNITS_PER_STEP};
use crate::wbem::cim_type::CimType;
use manager::{Detail, Manager, Service};

impl Service {
    /// The state in the words of the texts.
    fn state(&self) -> &'static str {
        match self.active.as_deref() {
            Some("active" | "reloading" | "refreshing") => "Running",
            Some("activating") => "Start Pending",
            Some("deactivating") => "Stop Pending",
            _ => "Stopped",
        }
    }

    /// What becomes of it when the machine starts, in the words of the texts.
    fn start_mode(&self) -> Option<Arc<str>> {
        Some(match self.file_state.as_deref()? {
            "enabled" | "enabled-runtime" => "Auto".into(),
            "disabled" | "static" | "indirect" | "linked" | "linked-runtime" | "alias" => "Manual".into(),
            "masked" | "masked-runtime" => "Disabled".into(),
            _ => return None,
        })
    }

    fn display_name(&self) -> Option<Arc<str>> {
        self.description.as_deref().map(Into::into)
    }
}

const NO_WISH: &str = "NULL: systemd has no such thing";
const STATE: &str =
    "`ActiveState`: active is Running, activating is Start Pending, deactivating is Stop Pending, others are Stopped";

const COLUMNS: &[Column<Service>] = &[
    Column::bool("AcceptPause", "FALSE: services cannot be paused", |_, _| Some(false)),
    Column::bool("AcceptStop", "`ActiveState`, whether it is active", |service, _| Some(service.state() == "Running")),
    Column::text("Caption", "`Description`; NULL for a service that systemd has not read", |service, _| {
        service.display_name()
    }),
    Column::null("CheckPoint", CimType::Uint32, NO_WISH),
    Column::constant("CreationClassName", "Win32_Service"),
    Column::text("Description", "`Description`; NULL for a service that systemd has not read", |service, _| {
        service.display_name()
    }),
    Column::bool("DesktopInteract", "FALSE: services of the machine have no desktop", |_, _| Some(false)),
    Column::text("DisplayName", "`Description`; NULL for a service that systemd has not read", |service, _| {
        service.display_name()
    }),
    Column::null("ErrorControl", CimType::String, NO_WISH),
    Column::u32(
        "ExitCode",
        "`ExecMainStatus` of its last main process; NULL for a service that systemd has not read",
        |service, _| service.exit_status,
    ),
    Column::null("InstallDate", CimType::DateTime, "NULL: it is not kept"),
    Column::key(Column::text("Name", "the unit's name without `.service`", |service, _| Some((&*service.name).into()))),
    Column::text(
        "PathName",
        "`ExecStart`, the first command with its arguments; NULL for a service that systemd has not read",
        |service, _| service.command.as_deref().map(Into::into),
    ),
    Column::u32("ProcessId", "`MainPID`; 0 for none; NULL for a service that systemd has not read", |service, _| {
        service.process
    }),
    Column::null("ServiceSpecificExitCode", CimType::Uint32, NO_WISH),
    Column::null("ServiceType", CimType::String, "NULL: the kinds of systemd are others"),
    Column::bool("Started", "`ActiveState`, whether it is active", |service, _| Some(service.state() == "Running")),
    Column::text(
        "StartMode",
        "the state of the unit's file: enabled is Auto, disabled and static are Manual, masked is Disabled; NULL for units without a file that says",
        |service, _| service.start_mode(),
    ),
    Column::null("StartName", CimType::String, "NULL: not asked"),
    Column::text("State", STATE, |service, _| Some(service.state().into())),
    Column::text("Status", "`ActiveState`: failed is Error, others are OK", |service, _| {
        Some(if service.active.as_deref() == Some("failed") { "Error".into() } else { "OK".into() })
    }),
    Column::constant("SystemCreationClassName", "Win32_ComputerSystem"),
    Column::text("SystemName", "`/proc/sys/kernel/hostname`", |_, reading| reading.host_name()),
    Column::null("TagId", CimType::Uint32, NO_WISH),
    Column::null("WaitHint", CimType::Uint32, NO_WISH),
];

const METHODS: &[Operation] = &[
    Operation {
        name: "StartService",
        about: "Has systemd start the service, and does not wait until it has. 0: accepted, 2: access denied, 8: unknown failure.",
        is_static: false,
        inputs: &[],
        outputs: &[],
        act: methods::start,
    },
    Operation {
        name: "StopService",
        about: "Has systemd stop the service, and does not wait until it has. 0: accepted, 2: access denied, 8: unknown failure.",
        is_static: false,
        inputs: &[],
        outputs: &[],
        act: methods::stop,
    },
];

/// Win32_Service.
pub(super) fn source(machine: &Rc<Machine>, schema: &Schema) -> LinuxClass {
    let definition = Definition {
        name: "Win32_Service",
        parent: "Win32_BaseService",
        about: "The services of systemd, those too that it has not read. A machine without systemd answers with WBEM_E_PROVIDER_LOAD_FAILURE.",
        columns: COLUMNS,
        methods: METHODS,
        units_per_step: UNITS_PER_STEP,
    };
    LinuxClass::new(machine, schema, &definition, |reading, search| {
        let details = [("ProcessId", Detail::Process), ("ExitCode", Detail::ExitStatus), ("PathName", Detail::Command)];
        let wanted = details.into_iter().filter(|(name, _)| search.wants(name)).map(|(_, detail)| detail);
        Ok(Box::new(Manager::ask(reading.shared(), wanted.collect(), search.texts("Name"))?))
    })
}
