//! What can be done to processes: start one, end one, ask whose it is.
//!
//! Floor 5. Each is one bounded call of the system.

use std::io;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::super::machine::Machine;
use super::super::reading::Reading;
use super::super::table::{Call, Row};
use super::{Process, pid};
use crate::wbem::error::{WbemError, WbemStatus};
use crate::wbem::instance::Instance;
use crate::wbem::provider::Action;
use crate::wbem::value::Value;

/// The numbers of the texts.
const DONE: u32 = 0;
const ACCESS_DENIED: u32 = 2;
const UNKNOWN_FAILURE: u32 = 8;
const PATH_NOT_FOUND: u32 = 9;
const INVALID_PARAMETER: u32 = 21;

/// Starts a program.
pub(super) fn create(call: Call<'_>) -> Result<Action<Arc<Instance>>, WbemError> {
    check_machine(call.machine)?;
    let mut results = call.results;
    let text = |name| call.inputs?.get(name)?.as_str();
    let words = text("CommandLine").and_then(words).unwrap_or_default();
    let code = match &*words {
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if let Some(folder) = text("CurrentDirectory") {
                command.current_dir(folder);
            }
            match command.spawn() {
                Ok(child) => {
                    results.put("ProcessId", child.id())?;
                    call.machine.adopt(child);
                    DONE
                }
                Err(error) => code(&error),
            }
        }
        [] => INVALID_PARAMETER,
    };
    Ok(results.returning(code)?.into())
}

/// Tells the account whose rights the process has.
pub(super) fn owner(call: Call<'_>) -> Result<Action<Arc<Instance>>, WbemError> {
    let mut results = call.results;
    let reading = Reading::new(call.machine);
    let process = Process::new(of(call.keys)?);
    let code = match process.owner(&reading) {
        Some(user) => {
            // An account that has no name is known by its number.
            let name = reading.accounts().user_name(user).map_or_else(|| user.to_string(), str::to_owned);
            results.put("User", name)?;
            results.put("Domain", Value::from(reading.host_name()))?;
            DONE
        }
        None if process.is_gone() => return Err(not_found()),
        None => ACCESS_DENIED,
    };
    Ok(results.returning(code)?.into())
}

/// Ends the process.
pub(super) fn terminate(call: Call<'_>) -> Result<Action<Arc<Instance>>, WbemError> {
    check_machine(call.machine)?;
    let pid = i32::try_from(of(call.keys)?).ok().and_then(Pid::from_raw).ok_or_else(not_found)?;
    // Killed through a descriptor, which cannot mean a later process with the same number.
    let outcome = match pidfd_open(pid, PidfdFlags::empty()) {
        // A thread that is no process has a number too, which is refused as invalid.
        Err(Errno::SRCH | Errno::INVAL) => return Err(not_found()),
        opened => opened.and_then(|process| pidfd_send_signal(process, Signal::KILL)),
    };
    let code = match outcome {
        Ok(()) => DONE,
        Err(Errno::PERM | Errno::ACCESS) => ACCESS_DENIED,
        Err(Errno::SRCH) => PATH_NOT_FOUND,
        Err(_) => UNKNOWN_FAILURE,
    };
    Ok(call.results.returning(code)?.into())
}

/// Whether the processes are those of this machine, and not of one made of files.
fn check_machine(machine: &Machine) -> Result<(), WbemError> {
    if machine.is_this() {
        return Ok(());
    }
    let description = "processes are started and ended on this machine only";
    Err(WbemError::new(WbemStatus::NotSupported).description(description))
}

/// The process that the keys name.
fn of(keys: &[Value]) -> Result<u32, WbemError> {
    keys.first().and_then(Value::as_str).and_then(pid).ok_or_else(not_found)
}

fn not_found() -> WbemError {
    WbemError::new(WbemStatus::NotFound).description("there is no such process")
}

/// The number that tells of a failure.
fn code(error: &io::Error) -> u32 {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => PATH_NOT_FOUND,
        io::ErrorKind::PermissionDenied => ACCESS_DENIED,
        io::ErrorKind::InvalidInput => INVALID_PARAMETER,
        _ => UNKNOWN_FAILURE,
    }
}

/// The words of a command line: blanks part them, quotes of either kind keep blanks, a backslash keeps
/// the letter behind it except between single quotes. `None` if a quote is never closed.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            (letter, Some(open)) if letter == open => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().push(letters.next()?),
            ('"' | '\'', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (letter, None) if letter.is_whitespace() => words.extend(word.take()),
            (letter, _) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    if quote.is_none() { Some(words) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_parted_as_a_shell_parts_them() {
        for (line, expected) in [
            ("", Some(&[][..])),
            ("  ls  -l ", Some(&["ls", "-l"][..])),
            ("a 'b c' \"d 'e'\"f", Some(&["a", "b c", "d 'e'f"][..])),
            (r#"a\ b "\"" '\' ''"#, Some(&["a b", "\"", "\\", ""][..])),
            ("a 'b", None),
            ("a \\", None),
        ] {
            let words = words(line);
            let words = words.as_ref().map(|words| words.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(words.as_deref(), expected, "{line}");
        }
    }
}
