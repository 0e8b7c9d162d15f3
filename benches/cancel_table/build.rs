//! Builds the glue in c/ and links the libraries that it is for.

fn main() {
    println!("cargo:rerun-if-changed=c");
    let mut build = cc::Build::new();
    let mut names = Vec::new();
    for library in ["libuv", "libevent", "libevent_pthreads", "gio-2.0"] {
        let found = pkg_config::Config::new().cargo_metadata(false).probe(library).expect(library);
        build.includes(found.include_paths);
        names.extend(found.libs);
    }
    let cares = std::env::var("DEP_CARES_INCLUDE").expect("the crate of c-ares tells where its headers are");
    // One of them is made when it is built, and installed elsewhere.
    build.include(format!("{cares}/../../include")).include(cares);
    for file in ["libuv", "libevent", "libev", "cares", "glib"] {
        build.file(format!("c/{file}.c"));
    }
    build.flag("-Wno-unused-parameter").compile("table");
    // Behind the glue, whose symbols they resolve. libev has functions that are named as those of libevent, and
    // must not be found first; it tells pkg-config nothing.
    names.push("ev".to_owned());
    for name in names {
        println!("cargo:rustc-link-lib={name}");
    }
}
