//! The near network, the cable to the far one, and what scenarios ask of a pump.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use msgpump::{
    Budget, Connect, ConnectError, Connection, Filter, Host, HostQuery, LookupError, OperationId, Payload, Pump,
    ResolverConfig, Settings,
};

use crate::far::Far;

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// For whoever is to be told by the network: were it only this that ends a wait, patience would end first.
pub const LONGER_THAN_PATIENCE: Duration = Duration::from_secs(30);

pub const NEAR_V4: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
pub const FAR_V4: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
pub const FAR_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 9, 0, 0, 0, 0, 2);

/// The network that this process is in, and the other one.
pub struct Stage {
    pub far: Far,
}

impl Stage {
    /// A cable with both ends in place.
    pub fn new() -> Stage {
        let stage = Stage { far: Far::start() };
        ip("link set lo up");
        ip(&format!("link add near type veth peer name far netns {}", stage.far.id()));
        // Who does not answer for an address is given up after three questions, which by default are seconds apart.
        fs::write("/proc/sys/net/ipv4/neigh/near/retrans_time_ms", "50").expect("it is this network's own");
        fs::write("/proc/sys/net/ipv6/neigh/near/retrans_time_ms", "50").expect("it is this network's own");
        // A second address stays when the first one goes.
        fs::write("/proc/sys/net/ipv4/conf/near/promote_secondaries", "1").expect("it is this network's own");
        keep_addresses();
        ip("address add 10.9.0.1/24 dev near");
        ip("address add 2001:db8:9::1/64 dev near nodad");
        stage.far_ip("link set lo up");
        stage.far_ip("address add 10.9.0.2/24 dev far");
        stage.far_ip("address add 2001:db8:9::2/64 dev far nodad");
        stage.far_ip("link set far up");
        ip("link set near up");
        stage
    }

    /// Changes something of the far network.
    pub fn far_ip(&self, words: &str) {
        run(Command::new("nsenter").args(["--net", "--target", &self.far.id().to_string(), "ip"]), words);
    }

    /// Waits until `count` more questions than `before` have arrived at the far end.
    pub fn wait_until_asked(&mut self, pump: &mut Pump<()>, before: usize, count: usize) {
        let end = Instant::now() + PATIENCE;
        while self.far.asked() < before + count {
            assert!(Instant::now() < end, "only {} questions arrived", self.far.asked() - before);
            turn(pump);
        }
    }
}

/// Has addresses of IPv6 stay while their link is down, as those of IPv4 do: in the network of this process.
pub fn keep_addresses() {
    fs::write("/proc/sys/net/ipv6/conf/all/keep_addr_on_down", "1").expect("it is this network's own");
}

/// Makes the network of this process a router, which says of each packet that it cannot deliver it, however many they
/// are.
pub fn be_a_router() {
    for file in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
        fs::write(format!("/proc/sys/net/{file}"), "1").expect("it is this network's own");
    }
    for file in ["ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"] {
        fs::write(format!("/proc/sys/net/{file}"), "0").expect("it is this network's own");
    }
}

/// Switches IPv6 off (`1`) or on (`0`) in the network of this process.
pub fn switch_ipv6(off: &str) {
    fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", off).expect("it is this network's own");
}

/// Changes something of the near network.
pub fn ip(words: &str) {
    run(&mut Command::new("ip"), words);
}

fn run(command: &mut Command, words: &str) {
    let output = command.args(words.split(' ')).output().expect("it is installed");
    assert!(output.status.success(), "ip {words}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Name servers that are waited for longer than anybody has patience.
pub fn patient<const N: usize>(servers: [SocketAddr; N]) -> ResolverConfig {
    ResolverConfig::new(servers).with_timeout(LONGER_THAN_PATIENCE).with_attempts(5)
}

pub fn far_server() -> SocketAddr {
    (FAR_V4, 53).into()
}

pub fn pump(config: ResolverConfig) -> Pump<()> {
    let settings = Settings::default().hosts_file("/nowhere").resolver(config).expect("it is within its limits");
    Pump::with_settings(settings).expect("descriptors are left")
}

/// One short turn.
pub fn turn(pump: &mut Pump<()>) {
    pump.turn(Budget::wait(Duration::from_millis(10))).expect("the system works");
}

pub fn start_lookup(pump: &mut Pump<()>, name: &str) -> OperationId {
    let window = pump.root_window();
    pump.lookup_host(window, HostQuery::by_name(name)).expect("there is room")
}

pub fn start_connect(pump: &mut Pump<()>, connect: Connect) -> OperationId {
    let window = pump.root_window();
    pump.connect(window, connect).expect("there is room")
}

/// The final message of `operation`.
pub fn outcome(pump: &mut Pump<()>, operation: OperationId) -> Payload<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(message) = pump.next_message_for(Filter::any().operation(operation)) {
            return message.payload;
        }
        assert!(Instant::now() < end, "waited in vain; {pump:?}");
        pump.turn(Budget::wait_until(end)).expect("the system works");
    }
}

pub fn lookup_outcome(pump: &mut Pump<()>, lookup: OperationId) -> Result<Box<Host>, LookupError> {
    match outcome(pump, lookup) {
        Payload::Host(result) => result,
        other => panic!("{other:?} is no outcome of a lookup"),
    }
}

pub fn connect_outcome(pump: &mut Pump<()>, connect: OperationId) -> Result<Box<Connection>, ConnectError> {
    match outcome(pump, connect) {
        Payload::Connected(result) => result,
        other => panic!("{other:?} is no outcome of a connect"),
    }
}

pub fn look_up(pump: &mut Pump<()>, name: &str) -> Result<Box<Host>, LookupError> {
    let lookup = start_lookup(pump, name);
    lookup_outcome(pump, lookup)
}

/// Connects; the deadline is longer than anybody has patience.
pub fn connect(pump: &mut Pump<()>, target: &str) -> Result<Box<Connection>, ConnectError> {
    let connect = start_connect(pump, Connect::to(target).deadline(2 * PATIENCE));
    connect_outcome(pump, connect)
}

/// Sends `length` bytes over the connection and takes them back, each as it was.
pub fn echo(connection: Connection, length: usize) {
    let mut stream = connection.stream.into_std().expect("it is a stream of the system");
    stream.set_nonblocking(false).expect("it is open");
    stream.set_read_timeout(Some(PATIENCE)).expect("it is open");
    let sent: Vec<u8> = (0..length).map(|index| (index * 7 + index / 251) as u8).collect();
    let mut writer = stream.try_clone().expect("descriptors are left");
    let mut received = vec![0; length];
    thread::scope(|scope| {
        scope.spawn(|| writer.write_all(&sent).expect("the other side takes it"));
        stream.read_exact(&mut received).expect("the other side echoes");
    });
    assert!(sent == received, "the bytes came back as others");
}

/// Nothing is left of what was going on.
pub fn assert_quiet(pump: &mut Pump<()>) {
    assert!(pump.next_message().is_none(), "a message is left");
    let metrics = pump.metrics();
    assert_eq!((metrics.sockets, metrics.operations, metrics.lookups_in_line), (0, 0, 0), "{metrics:?}");
}
