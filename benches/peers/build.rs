//! Builds the small pieces of C that speak to libuv, libevent and libev.

fn main() {
    println!("cargo:rerun-if-changed=c");
    let mut build = cc::Build::new();
    for library in ["libuv", "libevent", "libevent_pthreads"] {
        // Only where their headers are: they are linked below, in an order of our own.
        let found = pkg_config::Config::new().cargo_metadata(false).probe(library);
        for path in found.unwrap_or_else(|error| panic!("{error}\n\n`benches/peers/run` installs it")).include_paths {
            build.include(path);
        }
    }
    for file in ["allocations.c", "libuv.c", "libevent.c", "libev.c"] {
        build.file(format!("c/{file}"));
    }
    build.include("c").opt_level(2).flag("-Wno-unused-parameter").flag("-Wno-strict-aliasing").compile("peers_c");
    // After the static library, so that its symbols resolve. libev last: it also has functions of libevent's
    // names, which must not shadow the real ones.
    for library in ["uv", "event", "event_pthreads", "ev"] {
        println!("cargo:rustc-link-lib={library}");
    }
}
