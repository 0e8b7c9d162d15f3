//! A network namespace of our own, where no resolver can ask anybody but the harness's servers.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// The environment variable that names the folder of the namespace, inside of it.
const INSIDE: &str = "PEERS_NAMESPACE";

/// What is done inside before this program is started again.
const PREPARE: &str = r#"
set -e
ip link set lo up
# The addresses that the servers answer with can be reached, so that sorting them has something to do.
ip address add 10.0.0.1/8 dev lo
ip address add fd00::1/16 dev lo nodad
mount --make-rprivate /
mount --bind "$PEERS_NAMESPACE/resolv.conf" /etc/resolv.conf
# Where system calls are counted. Without it they are not.
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null || true
exec "$0" "$@"
"#;

/// Runs this program again inside, with the same arguments, and gives its exit code; nothing where it is inside.
pub fn enter(arguments: &[String]) -> Result<Option<ExitCode>, Box<dyn Error>> {
    if std::env::var_os(INSIDE).is_some() {
        return Ok(None);
    }
    let folder = std::env::temp_dir().join(format!("peers-{}", std::process::id()));
    fs::create_dir(&folder)?;
    fs::write(folder.join("resolv.conf"), "")?;
    let mut command = Command::new("unshare");
    if !fs::metadata("/proc/self")?.is_owned_by_root() {
        command.arg("--map-root-user");
    }
    let status = command
        .args(["--net", "--mount", "--", "sh", "-c", PREPARE])
        .arg(std::env::current_exe()?)
        .args(arguments)
        .env(INSIDE, &folder)
        .status();
    fs::remove_dir_all(&folder)?;
    let status = status.map_err(|error| format!("unshare, of the package util-linux: {error}"))?;
    Ok(Some(ExitCode::from(status.code().map_or(1, |code| code as u8))))
}

trait Owned {
    fn is_owned_by_root(&self) -> bool;
}

impl Owned for fs::Metadata {
    fn is_owned_by_root(&self) -> bool {
        std::os::unix::fs::MetadataExt::uid(self) == 0
    }
}

/// Writes the resolver's configuration, which the C library reads.
pub fn write_resolver_configuration(text: &str) -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::var_os(INSIDE).expect("only inside"));
    let path = folder.join("resolv.conf");
    if fs::read_to_string(&path)? == text {
        // Others who run at the same time read it.
        return Ok(());
    }
    // In place: the file is mounted elsewhere, too.
    fs::write(path, text)
}

/// Ends the program unless the C library asks `server` and nobody else.
pub fn assert_c_library_asks(server: std::net::IpAddr) {
    let text = fs::read_to_string("/etc/resolv.conf").expect("it is there");
    let servers: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("nameserver ")).collect();
    assert_eq!(servers, [server.to_string()], "/etc/resolv.conf names the servers of the harness only");
}
