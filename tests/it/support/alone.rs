//! A process of its own for a test that counts what the whole process has, or changes it.

use std::process::Command;

/// Tells the process made for a test that it is the one.
const ALONE: &str = "MSGPUMP_TEST_ALONE";

/// Runs `body` in a process in which no other test runs. `test` is the test itself.
#[track_caller]
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
