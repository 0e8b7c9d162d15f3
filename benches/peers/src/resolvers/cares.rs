//! c-ares on an epoll by hand: one socket and one port for all that are under way.

use std::net::IpAddr;
use std::time::Duration;

use super::{Asking, Resolver, Wanted, answered, name};
use crate::foreign::epoll::Epoll;

pub struct Cares {
    channel: c_ares::Channel,
    epoll: Epoll,
    is_sorted: bool,
}

impl Cares {
    pub fn open_unsorted(asking: Asking) -> Cares {
        Cares { is_sorted: false, ..Cares::open(asking) }
    }
}

impl Resolver for Cares {
    fn open(asking: Asking) -> Cares {
        let epoll = Epoll::new();
        let watcher = epoll.watcher();
        let mut options = c_ares::Options::new();
        options
            .set_lookups("b")
            .and_then(|options| options.set_domains(Vec::<&str>::new()))
            .expect("they are settings of its own");
        options
            .set_query_cache_max_ttl(0)
            .set_sock_receive_buffer_size(1 << 20)
            .set_timeout(asking.timeout)
            .set_tries(asking.attempts)
            .set_socket_state_callback(move |socket, reads, writes| watcher.want(socket, reads, writes));
        let mut channel = c_ares::Channel::with_options(options).expect("there is room");
        channel.set_servers([asking.server.to_string().as_str()]).expect("it is an address");
        Cares { channel, epoll, is_sorted: true }
    }

    fn start(&mut self, number: usize, wanted: Wanted) {
        let mut hints = c_ares::AddrInfoHints { socktype: libc::SOCK_STREAM, ..Default::default() };
        if !self.is_sorted {
            hints.flags = c_ares::AddrInfoFlags::NOSORT;
        }
        if wanted == Wanted::Ipv4 {
            hints.family = Some(c_ares::AddressFamily::INET);
        }
        self.channel.get_addrinfo(&name(number), None, &hints, move |result| {
            let addresses: Vec<IpAddr> = match result {
                Ok(found) => found.nodes().filter_map(|node| node.ip_addr()).collect(),
                Err(c_ares::Error::ECANCELLED) => return,
                Err(_) => Vec::new(),
            };
            answered(number, &addresses);
        });
    }

    fn turn(&mut self, limit: Duration) {
        let due = self.channel.timeout(Some(limit)).unwrap_or(limit).min(limit);
        let ready: Vec<_> = self.epoll.wait(due.as_millis() as i32 + i32::from(!due.is_zero())).collect();
        if ready.is_empty() {
            self.channel.process_fd(None, None);
        }
        for ready in ready {
            let socket = ready.number as c_ares::Socket;
            self.channel.process_fd(ready.is_readable.then_some(socket), ready.is_writable.then_some(socket));
        }
    }

    fn cancel(&mut self, _count: usize) -> usize {
        // It cancels all of a channel or nothing, and calls every callback inside the call.
        self.channel.cancel();
        0
    }

    fn close(self) {}
}
