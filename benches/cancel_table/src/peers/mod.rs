//! Who is compared, and how each one's cells are played.

mod calloop;
mod hickory;
mod libraries;
mod mio;
mod msgpump;
mod smol;
mod tokio;
mod win32;
mod winsock;

/// One row of the summary. Its cells are played in a process of its own.
pub struct Peer {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it is called in the table.
    pub title: &'static str,
    /// The package in the lock file that has its version.
    pub package: Option<&'static str>,
    /// Asks the library itself for its version.
    pub version: Option<fn() -> String>,
    /// Prints its rows.
    pub play: fn(),
}

/// In the order of the table.
pub const PEERS: &[Peer] = &[
    of_package("msgpump", "msgpump", msgpump::play),
    Peer { name: "msgpump-winsock", title: "msgpump, `winsock`", package: None, version: None, play: winsock::play },
    Peer {
        name: "win32",
        title: "Win32, Winsock (Wine)",
        package: None,
        version: Some(win32::version),
        play: win32::play,
    },
    of_package("calloop", "calloop", calloop::play),
    of_package("tokio", "tokio", tokio::play),
    Peer {
        name: "tokio-join-set",
        title: "tokio, `JoinSet`",
        package: None,
        version: None,
        play: tokio::play_join_set,
    },
    of_package("async-io", "async-io, smol", smol::play),
    of_package("mio", "mio", mio::play),
    Peer { name: "glib", title: "GLib", package: None, version: Some(libraries::glib_version), play: libraries::glib },
    Peer {
        name: "libuv",
        title: "libuv",
        package: None,
        version: Some(libraries::libuv_version),
        play: libraries::libuv,
    },
    Peer {
        name: "libevent",
        title: "libevent",
        package: None,
        version: Some(libraries::libevent_version),
        play: libraries::libevent,
    },
    Peer {
        name: "libev",
        title: "libev",
        package: None,
        version: Some(libraries::libev_version),
        play: libraries::libev,
    },
    Peer {
        name: "c-ares",
        title: "c-ares",
        package: None,
        version: Some(libraries::cares_version),
        play: libraries::cares,
    },
    of_package("hickory-resolver", "hickory-resolver", hickory::play),
];

const fn of_package(package: &'static str, title: &'static str, play: fn()) -> Peer {
    Peer { name: package, title, package: Some(package), version: None, play }
}

/// Whether there is a Wine that the system's own calls can be tried with.
pub fn has_win32() -> bool {
    win32::is_there()
}
