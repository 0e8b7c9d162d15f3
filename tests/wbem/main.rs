//! The management layer as a program meets it: calls, sinks, enumerators, events, and what cancel leaves.

mod calls;
mod cancel;
mod enumerators;
mod events;
mod invariants;
mod namespaces;
mod queries;
mod support;
