//! The services of a machine, asked of systemd: which there are, then what is to be known of each.
//!
//! Floor 5. Facts are those of its public interface `org.freedesktop.systemd1`.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use super::super::machine::{At, Machine};
use super::super::reading::Reading;
use super::super::table::{Find, Found, Row};
use super::bus::{Bus, PAUSE};
use super::wire::{Answer, Body, Method};
use crate::wbem::error::{WbemError, WbemStatus};

/// What the names of services end with.
pub(super) const SUFFIX: &str = ".service";

/// How many questions are under way at a time: the bus refuses more than 128.
const QUESTIONS_MAX: usize = 64;

pub(super) const MANAGER: &str = "org.freedesktop.systemd1";
pub(super) const MANAGER_PATH: &str = "/org/freedesktop/systemd1";
pub(super) const MANAGER_INTERFACE: &str = "org.freedesktop.systemd1.Manager";
const SERVICE_INTERFACE: &str = "org.freedesktop.systemd1.Service";

/// A service, as far as it was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Service {
    /// Its name without the suffix.
    pub(super) name: String,
    pub(super) description: Option<String>,
    /// What state it is in; `None` if systemd has not read it, so it does not run.
    pub(super) active: Option<String>,
    /// What becomes of it when the machine starts, in the words of systemd.
    pub(super) file_state: Option<String>,
    pub(super) process: Option<u32>,
    pub(super) exit_status: Option<u32>,
    pub(super) command: Option<String>,
    /// Its path on the bus.
    object: Option<String>,
}

impl Row for Service {}

/// Something that is asked of each service by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Detail {
    Process,
    ExitStatus,
    Command,
}

impl Detail {
    fn property(self) -> &'static str {
        match self {
            Detail::Process => "MainPID",
            Detail::ExitStatus => "ExecMainStatus",
            Detail::Command => "ExecStart",
        }
    }
}

/// The questions, and what is known so far.
pub(super) struct Manager {
    bus: Bus,
    details: Vec<Detail>,
    /// The only names that are asked for.
    names: Option<Vec<String>>,
    phase: Phase,
}

enum Phase {
    /// Both lists are asked for.
    Listing {
        units: u32,
        files: u32,
        listed: Vec<Service>,
        states: HashMap<String, String>,
        missing: usize,
    },
    /// Each service is asked for its details.
    Asking {
        services: Vec<Service>,
        questions: VecDeque<(usize, Detail)>,
        under_way: HashMap<u32, (usize, Detail)>,
    },
    Telling(std::vec::IntoIter<Service>),
}

impl Manager {
    /// Connects and asks for the lists.
    pub(super) fn ask(
        machine: &Rc<Machine>,
        details: Vec<Detail>,
        names: Option<Vec<String>>,
    ) -> Result<Manager, WbemError> {
        check_systemd(machine)?;
        let mut bus = Bus::connect(machine)?;
        let method = |name| Method { destination: MANAGER, path: MANAGER_PATH, interface: MANAGER_INTERFACE, name };
        let units = bus.call(&method("ListUnits"), &[]);
        let files = bus.call(&method("ListUnitFiles"), &[]);
        let phase = Phase::Listing { units, files, listed: Vec::new(), states: HashMap::new(), missing: 2 };
        Ok(Manager { bus, details, names, phase })
    }

    fn step(&mut self) -> Result<Found<Service>, WbemError> {
        if let Phase::Telling(services) = &mut self.phase {
            return Ok(services.next().map_or(Found::End, Found::Row));
        }
        let answers = self.bus.step()?;
        let is_idle = answers.is_empty();
        for answer in answers {
            self.take(answer)?;
        }
        self.go_on();
        Ok(if is_idle { Found::Later(PAUSE) } else { Found::Nothing })
    }

    fn take(&mut self, answer: Answer) -> Result<(), WbemError> {
        match &mut self.phase {
            Phase::Listing { units, files, listed, states, missing } => {
                if answer.serial == *units {
                    *listed = list(answer, "a(ssssssouso)", unit)?.into_iter().flatten().collect();
                    *missing -= 1;
                } else if answer.serial == *files {
                    *states = list(answer, "a(ss)", file)?.into_iter().flatten().collect();
                    *missing -= 1;
                } else if let Some(error) = answer.error {
                    return Err(refused(&error));
                }
            }
            Phase::Asking { services, under_way, .. } => {
                // A service that is gone meanwhile answers with an error, and its detail stays unknown.
                if let Some((index, detail)) = under_way.remove(&answer.serial) {
                    services[index].learn(detail, answer);
                }
            }
            Phase::Telling(_) => {}
        }
        Ok(())
    }

    /// Goes over to the next phase if this one is over, and sends what may be sent.
    fn go_on(&mut self) {
        if let Phase::Listing { listed, states, missing: 0, .. } = &mut self.phase {
            let (listed, states) = (std::mem::take(listed), std::mem::take(states));
            let services = merge(listed, states, self.names.as_deref());
            let loaded = (0..services.len()).filter(|index| services[*index].object.is_some());
            let questions = loaded.flat_map(|index| self.details.iter().map(move |detail| (index, *detail)));
            self.phase = Phase::Asking { questions: questions.collect(), under_way: HashMap::new(), services };
        }
        let Phase::Asking { services, questions, under_way } = &mut self.phase else { return };
        while under_way.len() < QUESTIONS_MAX {
            let Some((index, detail)) = questions.pop_front() else { break };
            let path = services[index].object.as_deref().unwrap_or_default();
            let interface = "org.freedesktop.DBus.Properties";
            let method = Method { destination: MANAGER, path, interface, name: "Get" };
            let serial = self.bus.call(&method, &[SERVICE_INTERFACE, detail.property()]);
            under_way.insert(serial, (index, detail));
        }
        if under_way.is_empty() {
            self.phase = Phase::Telling(std::mem::take(services).into_iter());
        }
    }
}

impl Find<Service> for Manager {
    fn next(&mut self) -> Found<Service> {
        self.step().unwrap_or_else(Found::Failed)
    }
}

/// Whether systemd runs the machine, as sd_booted(3) finds out.
pub(super) fn check_systemd(machine: &Machine) -> Result<(), WbemError> {
    if machine.exists(At::Root, format_args!("run/systemd/system")) {
        return Ok(());
    }
    Err(Reading::no_source("systemd, which the services are asked of"))
}

/// The error of a question that the bus or systemd refuses.
pub(super) fn refused(error: &str) -> WbemError {
    let status = match error {
        "org.freedesktop.DBus.Error.AccessDenied" => WbemStatus::AccessDenied,
        "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner" => {
            WbemStatus::ProviderLoadFailure
        }
        _ => WbemStatus::ProviderFailure,
    };
    WbemError::new(status).description(format!("systemd does not answer: {error}"))
}

/// The elements of an answer of that type.
fn list<T>(answer: Answer, signature: &str, element: impl Fn(&mut Body) -> Option<T>) -> Result<Vec<T>, WbemError> {
    if let Some(error) = &answer.error {
        return Err(refused(error));
    }
    let mut body = answer.body;
    let elements = if answer.signature == signature { body.array(8, element) } else { None };
    elements.ok_or_else(|| refused("its list does not read as its interface has it"))
}

/// A unit that systemd has read, if it is a service.
fn unit(body: &mut Body) -> Option<Option<Service>> {
    let (name, description, _, active) = (body.text()?, body.text()?, body.text()?, body.text()?);
    let (_, _, object) = (body.text()?, body.text()?, body.text()?);
    // A job that is under way: number, kind, path.
    let _ = (body.number()?, body.text()?, body.text()?);
    let Some(name) = name.strip_suffix(SUFFIX) else { return Some(None) };
    let (name, description) = (name.to_owned(), Some(description).filter(|text| !text.is_empty()));
    Some(Some(Service { name, description, active: Some(active), object: Some(object), ..Service::default() }))
}

/// A file of a unit, if it is that of a service: its name and what becomes of it when the machine starts.
fn file(body: &mut Body) -> Option<Option<(String, String)>> {
    let (path, state) = (body.text()?, body.text()?);
    let name = path.rsplit('/').next().and_then(|name| name.strip_suffix(SUFFIX));
    // A template is no service before it has a name behind its at sign.
    Some(name.filter(|name| !name.ends_with('@')).map(|name| (name.to_owned(), state)))
}

/// Services that were read, and those of which there is a file.
fn merge(listed: Vec<Service>, mut states: HashMap<String, String>, names: Option<&[String]>) -> Vec<Service> {
    let mut services = listed;
    for service in &mut services {
        service.file_state = states.remove(&service.name);
    }
    let files = states.into_iter().map(|(name, state)| Service { name, file_state: Some(state), ..Service::default() });
    services.extend(files);
    services
        .retain(|service| names.is_none_or(|names| names.iter().any(|name| name.eq_ignore_ascii_case(&service.name))));
    services.sort_by(|left, right| left.name.cmp(&right.name));
    services
}

impl Service {
    /// Takes in a detail; one that is 0 for "none" is none.
    fn learn(&mut self, detail: Detail, answer: Answer) {
        let mut body = answer.body;
        if answer.error.is_some() || answer.signature != "v" {
            return;
        }
        match (detail, body.signature().as_deref()) {
            (Detail::Process, Some("u")) => self.process = body.number(),
            (Detail::ExitStatus, Some("i")) => self.exit_status = body.number(),
            (Detail::Command, Some("a(sasbttttuii)")) => self.command = command(&mut body),
            _ => {}
        }
    }
}

/// The first command of a service, with its arguments.
fn command(body: &mut Body) -> Option<String> {
    // Only what the first element begins with is of use, and then the rest need not be read.
    if body.number()? == 0 {
        return None;
    }
    body.align(8)?;
    let _program = body.text()?;
    let words = body.array(4, Body::text)?;
    Some(words.join(" "))
}
