//! A process of its own for a test that counts what the whole process has, or changes it.

use std::process::Command;

/// Tells the process made for a test that it is the one.
const ALONE: &str = "MSGPUMP_TEST_ALONE";

/// Tells it the address of a name server.
#[cfg(target_os = "linux")]
const SERVER: &str = "MSGPUMP_TEST_SERVER";

/// Runs `body` in a process in which no other test runs. `test` is the test itself.
#[track_caller]
#[cfg(target_os = "linux")]
pub(crate) fn alone<F: Fn()>(test: F, body: impl FnOnce()) {
    alone_with(test, &[], body);
}

/// As [`alone`], with these variables in the environment.
#[track_caller]
pub(crate) fn alone_with<F: Fn()>(_test: F, environment: &[(&str, &str)], body: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return body();
    }
    // `it::module::test`; the crate is not part of a test's name.
    let (_, name) = std::any::type_name::<F>().split_once("::").expect("a test is inside a crate");
    let program = std::env::current_exe().expect("a process knows its program");
    let mut command = Command::new(program);
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(ALONE, "1");
    let output = command.envs(environment.iter().copied()).output().expect("a test can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{name}, alone: {}\n{text}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

/// As [`alone`], with a name server that stays outside, in the process of all the tests.
#[track_caller]
#[cfg(target_os = "linux")]
pub(crate) fn alone_with_server<F: Fn()>(
    test: F,
    script: impl FnMut(&super::wire::Query) -> Vec<super::Act> + Send + 'static,
    body: impl FnOnce(std::net::SocketAddr),
) {
    if std::env::var_os(ALONE).is_some() {
        let address = std::env::var(SERVER).expect("who started this process told the server's address");
        return body(address.parse().expect("it is an address"));
    }
    let server = super::NameServer::start(script);
    alone_with(test, &[(SERVER, &server.address().to_string())], || unreachable!("this is the process of all tests"));
}

/// How many descriptors this process has open.
#[cfg(target_os = "linux")]
pub(crate) fn descriptors() -> usize {
    // One of them reads the directory.
    std::fs::read_dir("/proc/self/fd").expect("Linux tells").count() - 1
}

/// How many threads this process has.
#[cfg(target_os = "linux")]
pub(crate) fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("Linux tells").count()
}
