//! The management layer as a program meets it: calls, sinks, enumerators, events, and what cancel leaves.
//!
//! Cases known from other implementations and from public reports keep a short name: P for queries, E for
//! enumerators, A for calls to sinks, C for cancels, V for events, O for objects, paths and namespaces, L for the classes
//! of Linux. Tests begin with the names of their cases; those of the table of cancel are in its rows. Null pointers (E01, and
//! row 1 of the table) cannot be written in safe Rust, and have no test.

mod callbacks;
mod calls;
mod cancel;
mod cases;
mod depth;
mod enumerators;
mod events;
mod hierarchy;
mod hostile;
mod invariants;
mod machine;
mod namespaces;
mod panics;
mod properties;
mod queries;
mod random;
mod sources;
mod support;
