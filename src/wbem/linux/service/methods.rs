//! Starting and stopping services.
//!
//! Floor 5. systemd takes a job and answers at once; whether the job comes to a good end is told by the
//! service's state.

use std::sync::Arc;

use super::super::table::Call;
use super::bus::{Bus, PAUSE};
use super::manager::{MANAGER, MANAGER_INTERFACE, MANAGER_PATH, SUFFIX, check_systemd, refused};
use super::wire::{Answer, Method};
use crate::wbem::error::{WbemError, WbemStatus};
use crate::wbem::instance::Instance;
use crate::wbem::provider::Action;

/// The numbers of the texts.
const DONE: u32 = 0;
const ACCESS_DENIED: u32 = 2;
const UNKNOWN_FAILURE: u32 = 8;

pub(super) fn start(call: Call<'_>) -> Result<Action<Arc<Instance>>, WbemError> {
    ask("StartUnit", call)
}

pub(super) fn stop(call: Call<'_>) -> Result<Action<Arc<Instance>>, WbemError> {
    ask("StopUnit", call)
}

/// Gives systemd a job, which takes the place of others of the service.
fn ask(job: &str, call: Call<'_>) -> Result<Action<Arc<Instance>>, WbemError> {
    check_systemd(call.machine)?;
    let name = call.keys.first().and_then(|key| key.as_str()).unwrap_or_default();
    let mut bus = Bus::connect(call.machine)?;
    let method = Method { destination: MANAGER, path: MANAGER_PATH, interface: MANAGER_INTERFACE, name: job };
    let serial = bus.call(&method, &[&format!("{name}{SUFFIX}"), "replace"]);
    let mut results = Some(call.results);
    Ok(Action::in_steps_every(PAUSE, move || {
        let answers = match bus.step() {
            Ok(answers) => answers,
            Err(error) => return Some(Err(error)),
        };
        let answer = answers.into_iter().find(|answer| answer.serial == serial)?;
        let results = results.take()?;
        Some(code(answer).and_then(|code| results.returning(code)))
    }))
}

/// The number of an answer.
fn code(answer: Answer) -> Result<u32, WbemError> {
    match answer.error.as_deref() {
        None => Ok(DONE),
        Some(
            "org.freedesktop.DBus.Error.AccessDenied" | "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
        ) => Ok(ACCESS_DENIED),
        Some("org.freedesktop.systemd1.NoSuchUnit" | "org.freedesktop.DBus.Error.InvalidArgs") => {
            Err(WbemError::new(WbemStatus::NotFound).description("there is no such service"))
        }
        Some(error @ ("org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner")) => {
            Err(refused(error))
        }
        Some(_) => Ok(UNKNOWN_FAILURE),
    }
}
