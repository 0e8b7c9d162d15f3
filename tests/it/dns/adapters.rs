//! Name servers that the network adapters of a Windows machine name. Nothing is sent to them.

use std::fs;

use msgpump::{Pump, ResolverConfig, Settings};

use crate::support::{Directory, asking_at, settings};

/// The file from which Wine takes what its adapters say. No other Windows has it.
const FILE_OF_WINE: &str = r"Z:\etc\resolv.conf";

/// Settings under which this machine itself says which name servers are asked.
fn settings_of_the_machine() -> Settings {
    let nowhere = Directory::nowhere();
    Settings::default().hosts_file(nowhere.join("hosts"))
}

fn config(settings: Settings) -> ResolverConfig {
    Pump::<()>::with_settings(settings).expect("the system has room").resolver_config().clone()
}

#[test]
fn without_a_file_the_name_servers_of_the_adapters_are_asked() {
    if fs::exists(FILE_OF_WINE).is_ok_and(|is_there| !is_there) {
        println!("skipped: nothing beside the adapters says what they must say");
        return;
    }
    let of_the_file = config(settings().resolver_file(FILE_OF_WINE));
    let of_the_adapters = config(settings_of_the_machine());
    assert_eq!(of_the_adapters.servers(), of_the_file.servers());
    // Of the search domains Wine tells the first.
    assert_eq!(of_the_adapters.search().first(), of_the_file.search().first());
    assert_eq!(of_the_adapters.check(), Ok(()));
}

#[test]
fn adapters_are_no_file_and_a_file_or_a_program_stands_before_them() {
    let paths = |settings: Settings| {
        let mut pump = Pump::<()>::with_settings(settings).expect("the system has room");
        pump.name_files().into_iter().map(|status| status.path).collect::<Vec<_>>()
    };
    assert_eq!(paths(settings_of_the_machine()).len(), 3);
    let directory = Directory::new();
    let file = directory.put("resolv.conf", "nameserver 192.0.2.53\n");
    assert_eq!(paths(settings_of_the_machine().resolver_file(&file)).last(), Some(&file));
    let servers = config(settings_of_the_machine().resolver_file(file)).servers().to_vec();
    assert_eq!(servers, ["192.0.2.53:53".parse().expect("it is an address")]);
    let program = asking_at(["192.0.2.54:53".parse().expect("it is an address")]);
    let settings = settings_of_the_machine().resolver(program.clone()).expect("it is within its limits");
    assert_eq!(config(settings), program);
}

#[test]
fn the_other_files_are_where_windows_keeps_them() {
    let mut pump = Pump::<()>::new().expect("the system has room");
    let root = std::env::var("SystemRoot").expect("every process is told");
    let paths: Vec<_> = pump.name_files().into_iter().map(|status| status.path).collect();
    let expected = ["hosts", "services", "protocol"]
        .map(|name| std::path::Path::new(&root).join("System32").join("drivers").join("etc").join(name));
    assert_eq!(paths, expected);
}
