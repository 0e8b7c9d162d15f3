//! Who is logged in: the records of utmp(5).
//!
//! Floor 5. Pure. A machine without the file keeps no such records, and nobody can be counted.

use super::fields;
use super::machine::{At, Machine};

/// Someone at a terminal.
#[derive(Debug, PartialEq)]
pub(super) struct Session {
    pub(super) user: String,
    pub(super) terminal: String,
}

/// Bytes of a record: the C library has longer ones where times are kept in 64 bits.
const RECORD_BYTES: usize = if cfg!(any(target_arch = "aarch64", target_arch = "riscv64")) { 400 } else { 384 };

/// The type of the record of someone logged in.
const USER_PROCESS: u16 = 7;

/// Who is logged in; `None` if no records are kept.
pub(super) fn read(machine: &Machine) -> Option<Vec<Session>> {
    machine.read(At::Root, format_args!("run/utmp"), parse).ok()
}

fn parse(file: &[u8]) -> Vec<Session> {
    let records = file.chunks_exact(RECORD_BYTES).filter(|record| kind(record) == USER_PROCESS);
    records.map(|record| Session { terminal: text(&record[8..40]), user: text(&record[44..76]) }).collect()
}

fn kind(record: &[u8]) -> u16 {
    u16::from_ne_bytes([record[0], record[1]])
}

/// A field, which ends at its first zero if it has one.
fn text(field: &[u8]) -> String {
    fields::text(field.split(|byte| *byte == 0).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_records_of_users_count() {
        let record = |kind: u16, line: &[u8], user: &[u8]| {
            let mut record = vec![0; RECORD_BYTES];
            record[..2].copy_from_slice(&kind.to_ne_bytes());
            record[8..8 + line.len()].copy_from_slice(line);
            record[44..44 + user.len()].copy_from_slice(user);
            record
        };
        let long = [b'x'; 32];
        let file = [record(2, b"~", b"reboot"), record(7, b"pts/0", b"ana"), record(7, b"tty1", &long), vec![7; 10]];
        let sessions = parse(&file.concat());
        let sessions: Vec<_> = sessions.iter().map(|session| (&*session.terminal, session.user.len())).collect();
        assert_eq!(sessions, [("pts/0", 3), ("tty1", 32)]);
    }
}
