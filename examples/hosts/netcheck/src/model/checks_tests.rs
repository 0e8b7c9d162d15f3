//! The checks on a stage: a virtual clock, and name servers and peers that do as they are told.

use std::net::SocketAddr;

use msgpump::Settings;
use msgpump::simulation::{Act, NameServer, Peer, Simulation};

use super::*;
use crate::model::list;

const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 53)), 53);

struct Stage {
    simulation: Simulation,
    pump: Pump<()>,
    checks: Checks,
}

/// Checks of a list whose names `host-N.test` are known, on a server that loses so many of a hundred questions.
fn stage(list: &str, loss: u8, options: Options) -> Stage {
    let simulation = Simulation::new(7);
    simulation.name_server(SERVER, answering().loss(loss).latency(Duration::from_millis(20)));
    let mut pump = simulation.pump::<()>(Settings::default());
    let options = Options { server: Some(SERVER), timeout: Duration::from_secs(1), ..options };
    let mut checks = Checks::new(&mut pump, options).unwrap();
    checks.load(&mut pump, list::parse(list.as_bytes()));
    Stage { simulation, pump, checks }
}

fn answering() -> NameServer {
    (0..300).fold(NameServer::new(), |server, number| server.host(&format!("host-{number}.test"), ["198.51.100.1"]))
}

fn hosts(count: usize) -> String {
    (0..count).map(|number| format!("host-{number}.test\n")).collect()
}

impl Stage {
    fn step(&mut self) {
        let message = self.pump.get_message().expect("the stage waits").expect("nobody quits");
        self.checks.handle(&mut self.pump, message);
    }

    fn finish(&mut self) {
        while !self.checks.is_at_rest() {
            self.step();
        }
    }

    fn row(&self, index: usize) -> &Row {
        &self.checks.rows()[index]
    }

    /// Every row is in exactly one state, and is counted there.
    fn check_tally(&self) {
        for state in State::ALL {
            let rows = self.checks.rows().iter().filter(|row| row.state == state).count();
            assert_eq!(self.checks.count(state), rows, "{state:?}");
        }
        assert_eq!(self.checks.stale(), 0);
    }
}

#[test]
fn every_row_is_answered_and_never_more_run_than_may() {
    let mut stage = stage(
        &(hosts(300) + "nobody.test\ntwo words\nexämple.test\n"),
        5,
        Options { parallel: 16, ..Options::default() },
    );
    stage.checks.start(&mut stage.pump).unwrap();
    while !stage.checks.is_at_rest() {
        assert!(stage.checks.count(State::Running) <= 16);
        assert!(stage.simulation.open_sockets() <= 2 * 16);
        stage.step();
    }
    stage.check_tally();
    let counts = [State::Found, State::Failed, State::BadLine].map(|state| stage.checks.count(state));
    // No question is lost five times. Malformed are a line with two words, and a name that the resolver refuses.
    assert_eq!(counts, [300, 1, 2]);
    let found = stage.checks.rows().iter().find(|row| row.state == State::Found).unwrap();
    assert_eq!(found.answer(), "198.51.100.1");
    assert!(found.time.unwrap() >= Duration::from_millis(20));
    assert!(stage.row(300).problem.as_deref().unwrap().contains("not found"));
}

#[test]
fn nothing_is_seen_of_what_was_cancelled() {
    let mut stage = stage(&hosts(200), 0, Options { parallel: 50, ..Options::default() });
    stage.checks.start(&mut stage.pump).unwrap();
    for _ in 0..60 {
        stage.step();
    }
    let swept = stage.checks.cancel_all(&mut stage.pump);
    assert_eq!(swept.operations(), 50);
    assert!(stage.checks.is_at_rest());
    assert_eq!((stage.checks.count(State::Found), stage.checks.count(State::Cancelled)), (60, 140));
    assert_eq!(stage.simulation.open_sockets(), 0);
    stage.simulation.advance(Duration::from_secs(60));
    let _ = stage.pump.turn(msgpump::Budget::no_wait()).unwrap();
    assert!(stage.pump.next_message().is_none());
    stage.check_tally();

    stage.checks.start(&mut stage.pump).unwrap(); // goes on with the rest
    stage.finish();
    stage.check_tally();
    assert_eq!(stage.checks.count(State::Found), 200);
}

#[test]
fn one_row_and_a_selection_are_cancelled_and_checked_again() {
    let mut stage = stage(&hosts(40), 0, Options { parallel: 8, ..Options::default() });
    stage.checks.start(&mut stage.pump).unwrap();
    stage.checks.cancel_rows(&mut stage.pump, [3, 20, 21]); // one that runs, two that wait
    assert_eq!(stage.checks.count(State::Running), 8, "its place is taken by the next one");
    stage.finish();
    let cancelled = |stage: &Stage| [3, 20, 21].map(|row| stage.row(row).state) == [State::Cancelled; 3];
    assert!(cancelled(&stage));
    stage.checks.cancel_rows(&mut stage.pump, [0, 3]); // over already, both
    assert_eq!(stage.row(0).state, State::Found);
    stage.checks.start_rows(&mut stage.pump, [3, 20, 21]).unwrap();
    stage.checks.start_rows(&mut stage.pump, [3, 3]).unwrap(); // they run: once is enough
    stage.finish();
    stage.check_tally();
    assert_eq!(stage.checks.count(State::Found), 40);
}

#[test]
fn what_failed_is_tried_again_and_nothing_else() {
    let mut stage = stage("host-1.test\nhost-2.test\nnobody.test\n", 0, Options::default());
    stage.simulation.name_server(SERVER, NameServer::new().host("host-1.test", ["198.51.100.1"]));
    stage.checks.start(&mut stage.pump).unwrap();
    stage.finish();
    assert_eq!(stage.checks.count(State::Failed), 2);
    stage.simulation.name_server(SERVER, NameServer::new().host("host-2.test", ["198.51.100.2"]));
    stage.checks.retry_failed(&mut stage.pump).unwrap();
    assert_eq!(stage.checks.count(State::Running), 2);
    assert_eq!(stage.row(1).problem, None, "what was known is forgotten while it is checked again");
    stage.finish();
    stage.check_tally();
    assert_eq!((stage.row(1).state, stage.row(2).state), (State::Found, State::Failed));
}

#[test]
fn rows_with_ports_are_connected_to_where_that_is_wanted() {
    let target = |port| SocketAddr::from(([198, 51, 100, 1], port));
    let list = "host-1.test:80\nhost-2.test:81\nhost-3.test\n198.51.100.1:80\n198.51.100.1\n";
    let mut stage = stage(list, 0, Options { connect: true, ..Options::default() });
    stage.simulation.peer(target(80), Peer::new());
    stage.simulation.peer(target(81), Peer::new().refuses());
    stage.checks.start(&mut stage.pump).unwrap();
    stage.finish();
    let states: Vec<_> = stage.checks.rows().iter().map(|row| row.state).collect();
    let expected = [State::Connected, State::Failed, State::Found, State::Connected, State::Found];
    assert_eq!(states, expected);
    assert!(stage.row(1).problem.as_deref().unwrap().contains("198.51.100.1:81"));

    let all = Options { port: Some(80), ..stage.checks.options().clone() };
    stage.checks.set_options(&mut stage.pump, all).unwrap();
    stage.checks.start_rows(&mut stage.pump, [2, 4]).unwrap();
    stage.finish();
    assert_eq!([2, 4].map(|row| stage.row(row).state), [State::Connected; 2]);
    stage.check_tally();
}

#[test]
fn another_list_ends_the_checks_of_the_one_before() {
    let mut stage = stage(&hosts(100), 0, Options::default());
    stage.checks.start(&mut stage.pump).unwrap();
    stage.checks.load(&mut stage.pump, list::parse(b"host-1.test\n"));
    stage.check_tally();
    assert_eq!((stage.checks.rows().len(), stage.simulation.open_sockets()), (1, 0));
    stage.checks.start(&mut stage.pump).unwrap();
    stage.finish();
    stage.check_tally();
}

/// Checks of thirty rows that have begun, while no name server can be reached.
fn stage_without_server(patience: Duration) -> Stage {
    let mut stage = stage(&hosts(30), 0, Options { parallel: 10, attempts: 1, patience, ..Options::default() });
    let refusing = NameServer::new().latency(Duration::from_millis(1)).always(Act::Refuse);
    stage.simulation.name_server(SERVER, refusing);
    stage.checks.start(&mut stage.pump).unwrap();
    stage
}

#[test]
fn rows_wait_while_no_name_server_can_be_reached() {
    let mut stage = stage_without_server(Options::default().patience);
    while stage.checks.outage().is_none() {
        stage.step();
    }
    while stage.simulation.elapsed() < Duration::from_secs(3) {
        stage.step();
    }
    assert_eq!(stage.checks.count(State::Failed), 0);
    stage.simulation.name_server(SERVER, answering());
    stage.finish();
    stage.check_tally();
    assert_eq!((stage.checks.count(State::Found), stage.checks.outage()), (30, None));
}

/// Whoever refuses a connect was looked up; who is connected to by an address was not.
#[test]
fn an_outage_is_over_when_names_are_looked_up_again() {
    let target = |port| SocketAddr::from(([198, 51, 100, 1], port));
    let mut stage = stage("host-1.test:81\n198.51.100.1:80\n", 0, Options { connect: true, ..Options::default() });
    stage.simulation.peer(target(80), Peer::new());
    stage.simulation.peer(target(81), Peer::new().refuses());
    stage.simulation.name_server(SERVER, NameServer::new().always(Act::Refuse));
    stage.checks.start_rows(&mut stage.pump, [0]).unwrap();
    while stage.checks.outage().is_none() {
        stage.step();
    }
    let began = stage.checks.outage();
    stage.checks.start_rows(&mut stage.pump, [1]).unwrap();
    while stage.row(1).state != State::Connected {
        stage.step();
    }
    assert_eq!(stage.checks.outage(), began);
    stage.simulation.name_server(SERVER, answering());
    stage.finish();
    assert_eq!((stage.row(0).state, stage.checks.outage()), (State::Failed, None));
}

#[test]
fn rows_that_run_when_the_network_goes_away_wait_as_well() {
    let mut stage = stage(&hosts(10), 0, Options::default());
    stage.simulation.name_server(SERVER, NameServer::new().always(Act::Drop));
    stage.checks.start(&mut stage.pump).unwrap();
    stage.simulation.name_server(SERVER, NameServer::new().always(Act::Refuse));
    while stage.simulation.elapsed() < Duration::from_secs(4) {
        stage.step();
    }
    assert_eq!((stage.checks.count(State::Failed), stage.checks.outage().is_some()), (0, true));
    assert_eq!(stage.checks.interrupted.len(), 10, "all had lost a question before");
    stage.simulation.name_server(SERVER, answering());
    stage.finish();
    stage.check_tally();
    assert_eq!(stage.checks.count(State::Found), 10);
}

#[test]
fn a_row_that_is_never_answered_fails_all_the_same() {
    let mut stage = stage("host-1.test\n", 0, Options::default());
    stage.simulation.name_server(SERVER, NameServer::new().always(Act::Drop));
    stage.checks.start(&mut stage.pump).unwrap();
    stage.finish();
    assert_eq!((stage.row(0).state, stage.simulation.elapsed()), (State::Failed, Duration::from_secs(5)));
}

#[test]
fn rows_fail_once_it_was_borne_long_enough_that_no_name_server_can_be_reached() {
    for patience in [0, 3].map(Duration::from_secs) {
        let mut stage = stage_without_server(patience);
        stage.finish();
        stage.check_tally();
        assert_eq!(stage.checks.count(State::Failed), 30);
        assert!(stage.row(0).problem.as_deref().unwrap().contains("no name server can be reached"));
        let took = stage.simulation.elapsed();
        assert!((patience..patience + OUTAGE_PAUSE).contains(&took), "{took:?} with a patience of {patience:?}");
    }
}

#[test]
fn a_setting_outside_its_limits_changes_nothing() {
    let mut stage = stage(&hosts(3), 0, Options::default());
    let before = stage.checks.options().clone();
    let wrong = Options { attempts: 99, ..before.clone() };
    stage.checks.set_options(&mut stage.pump, wrong).unwrap_err();
    assert_eq!(*stage.checks.options(), before);
    stage.checks.start(&mut stage.pump).unwrap();
    stage.finish();
    assert_eq!(stage.checks.count(State::Found), 3);
}
