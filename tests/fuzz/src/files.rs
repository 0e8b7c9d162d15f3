//! Hosts, services and protocols files, read again line by line for every question.

use std::net::IpAddr;

/// The longest line that is read, without its comment and the blanks around it.
const LINE_BYTES_MAX: usize = 4096;

/// The fields of each line of a file that is not empty; none for a line that cannot be read.
pub fn lines(text: &[u8]) -> Vec<Option<Vec<&str>>> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let contents = text.split(|&byte| byte == b'\n').map(|line| {
        let end = line.iter().position(|&byte| byte == b'#').unwrap_or(line.len());
        line[..end].trim_ascii()
    });
    let fields = |content: &'_ [u8]| {
        let is_text = content.iter().all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace());
        (content.len() <= LINE_BYTES_MAX && is_text).then_some(())
    };
    contents
        .filter(|content| !content.is_empty())
        .map(|content| {
            fields(content)?;
            Some(std::str::from_utf8(content).ok()?.split_ascii_whitespace().collect())
        })
        .collect()
}

/// A line of a hosts file: its address and its names, without their final dots.
pub fn host(fields: &[&str]) -> Option<(IpAddr, Vec<String>)> {
    let [address, names @ ..] = fields else { return None };
    let address = address.parse().ok()?;
    let without_root = |name: &&str| name.strip_suffix('.').unwrap_or(name).to_owned();
    let names: Vec<_> = names.iter().map(without_root).collect();
    let is_good = |name: &String| name.split('.').all(|label| !label.is_empty());
    (!names.is_empty() && names.iter().all(is_good)).then_some((address, names))
}

/// A line of a services file.
#[derive(Debug, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    pub aliases: Vec<String>,
    pub port: u16,
    pub protocol: String,
}

/// Reads such a line.
pub fn service(fields: &[&str]) -> Option<Service> {
    let [name, port, aliases @ ..] = fields else { return None };
    let [port, protocol] = port.split('/').collect::<Vec<_>>()[..] else { return None };
    let port = number(port)?.try_into().ok().filter(|&port| port != 0)?;
    let aliases = aliases.iter().map(|&alias| alias.to_owned()).collect();
    let (name, protocol) = ((*name).to_owned(), protocol.to_owned());
    (!protocol.is_empty()).then_some(Service { name, aliases, port, protocol })
}

/// A line of a protocols file.
#[derive(Debug, PartialEq, Eq)]
pub struct Protocol {
    pub name: String,
    pub aliases: Vec<String>,
    pub number: u8,
}

/// Reads such a line.
pub fn protocol(fields: &[&str]) -> Option<Protocol> {
    let [name, digits, aliases @ ..] = fields else { return None };
    let aliases = aliases.iter().map(|&alias| alias.to_owned()).collect();
    Some(Protocol { name: (*name).to_owned(), aliases, number: number(digits)?.try_into().ok()? })
}

/// The value of digits and nothing else.
pub fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.trim_start_matches('0')).and_then(|digits| match digits {
        "" => Some(0),
        digits => digits.parse().ok(),
    })
}

/// Whether one of the names is this one, whatever its letter case.
pub fn has_name(name: &str, aliases: &[String], wanted: &str) -> bool {
    [name].into_iter().chain(aliases.iter().map(String::as_str)).any(|own| own.eq_ignore_ascii_case(wanted))
}
