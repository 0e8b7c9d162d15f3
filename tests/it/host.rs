//! A host that knows nothing but the pump's descriptor and its answer to "may I sleep".

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsFd;

use msgpump::{Budget, Family, HostQuery, Pump, ResolverConfig, Rest, Settings};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Whether the pump's descriptor is readable at the moment.
fn is_readable<T>(pump: &Pump<T>) -> bool {
    let descriptor = pump.as_fd();
    let mut descriptors = [PollFd::new(&descriptor, PollFlags::IN)];
    let no_wait = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut descriptors, Some(&no_wait)).expect("the system works") == 1
}

#[test]
fn the_descriptor_goes_quiet_once_a_wake_up_is_taken_in() {
    let mut pump = Pump::<u32>::new().expect("the system gives a queue");
    let (poster, root) = (pump.poster(), pump.root_window());
    for number in 0..10 {
        assert_eq!(pump.rest(), Rest::Forever);
        assert!(!is_readable(&pump), "before post {number}");
        poster.post(root, number).expect("there is room");
        assert!(is_readable(&pump), "after post {number}");
        pump.turn(Budget::no_wait()).expect("the system works");
        assert!(pump.next_message().is_some());
    }
    assert_eq!(pump.metrics().wakes, 10);
}

#[test]
fn a_host_may_not_sleep_while_reported_sockets_are_left_over() -> io::Result<()> {
    let server = UdpSocket::bind("127.0.0.1:0")?;
    let config = ResolverConfig::new([server.local_addr()?]);
    let settings = Settings::default().resolver(config).expect("within the limits");
    let mut pump = Pump::<()>::with_settings(settings)?;
    let root = pump.root_window();
    for name in ["a.test.", "b.test.", "c.test."] {
        pump.lookup_host(root, HostQuery::by_name(name).family(Family::V4)).expect("the root is open");
        let mut query = [0; 512];
        let (length, peer) = server.recv_from(&mut query)?;
        query[2..4].copy_from_slice(&[0x81, 0x83]); // no such name
        server.send_to(&query[..length], peer)?;
    }
    let mut taken = 0;
    while taken < 3 {
        let turn = pump.turn(Budget::wait_forever().messages(1))?;
        assert!(turn.taken_over <= 1);
        if turn.more {
            assert_eq!(pump.rest(), Rest::Ready);
        }
        while pump.next_message().is_some() {
            taken += 1;
        }
    }
    assert_eq!(pump.rest(), Rest::Forever);
    Ok(())
}
