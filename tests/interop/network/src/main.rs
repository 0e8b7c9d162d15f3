//! Lookups and connects over real networks that fail.
//!
//! This process is in one network of the system, the *near* one, with the pumps; a second process, in the *far* one,
//! answers names and echoes what it is sent. Between them are a cable, whose ends can be pulled, and a wire that this
//! process is itself, which loses, delays, reorders and doubles packets as it is told to.
//!
//! Nothing here waits for a time to pass: who is to be told at once has a timeout longer than this process's patience,
//! and everything else is waited for until it is so.

#[allow(dead_code, reason = "the odd server writes more kinds of messages")]
#[path = "../../compare/src/wire.rs"]
mod dns;
mod far;
mod scenarios;
mod stage;
mod storm;
mod tunnel;
mod wire;

use std::env;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == far::ROLE) {
        return far::serve();
    }
    let is_wanted =
        |name: &str| arguments.is_empty() || arguments.iter().any(|wanted| name.starts_with(wanted.as_str()));
    let mut stage = stage::Stage::new();
    for (name, scenario) in scenarios::ALL.iter().filter(|(name, _)| is_wanted(name)) {
        println!("{name}");
        scenario(&mut stage);
    }
    let Some(mut wire) = wire::Wire::between_here_and(&stage.far) else {
        println!("no wire: the system hands no packets to programs here (/dev/net/tun); its scenarios are skipped");
        return;
    };
    for (name, scenario) in storm::ALL.iter().filter(|(name, _)| is_wanted(name)) {
        println!("{name}");
        scenario(&mut stage, &mut wire);
    }
}
