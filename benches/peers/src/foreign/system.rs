//! Clocks, threads and limits of the system.

use std::net::UdpSocket;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Passes on what a call gave; ends the program where that is an error, for which a measurement has no use.
#[track_caller]
pub fn check(result: i32) -> i32 {
    assert!(result >= 0, "{}", std::io::Error::last_os_error());
    result
}

fn clock(id: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is written during the call.
    unsafe { libc::clock_gettime(id, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Nanoseconds of the clock that also `Instant` reads.
pub fn now() -> u64 {
    clock(libc::CLOCK_MONOTONIC)
}

/// Nanoseconds that this thread has computed.
pub fn thread_cpu() -> u64 {
    clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Nanoseconds that all threads have computed.
pub fn process_cpu() -> u64 {
    clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// The system's number of this thread.
pub fn thread_number() -> i32 {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::gettid() }
}

/// How often a thread of this process has gone to sleep.
pub fn sleeps(thread: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/self/task/{thread}/status")).expect("the thread lives");
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.and_then(|count| count.trim().parse().ok()).expect("Linux tells it")
}

/// Nanoseconds that a thread of this process has computed.
pub fn cpu_of(thread: i32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/self/task/{thread}/schedstat")).expect("the thread lives");
    text.split_whitespace().next().and_then(|time| time.parse().ok()).expect("Linux tells it")
}

/// The numbers of all threads of this process.
pub fn threads() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc/self/task").expect("Linux tells it");
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// How many descriptors are open, that of the count left out.
pub fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux tells it").count() - 1
}

/// Lets this process open as many files as the system allows, and as root some more.
pub fn raise_file_limit() {
    const WANTED: u64 = 65_536;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit is read and written during the calls.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        let more = libc::rlimit { rlim_cur: WANTED.max(limit.rlim_max), rlim_max: WANTED.max(limit.rlim_max) };
        if libc::setrlimit(libc::RLIMIT_NOFILE, &more) < 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}

/// Room for what arrives at `socket`, beyond the system's limit where that is allowed.
pub fn enlarge_receive_buffer(socket: &UdpSocket, bytes: i32) {
    let set = |option| {
        let size = size_of::<i32>() as u32;
        // SAFETY: the number is read during the call.
        unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, (&raw const bytes).cast(), size) }
    };
    if set(libc::SO_RCVBUFFORCE) < 0 {
        check(set(libc::SO_RCVBUF));
    }
}

/// A UDP socket that is connected and nothing else: the system picks its port when it is connected.
pub fn connected_udp(server: std::net::SocketAddrV4) -> UdpSocket {
    let address = libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: server.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(server.ip().octets()) },
        sin_zero: [0; 8],
    };
    // SAFETY: the address is read during the call; a new descriptor is nobody else's.
    unsafe {
        let fd = check(libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 0));
        let socket = UdpSocket::from_raw_fd(fd);
        check(libc::connect(fd, (&raw const address).cast(), size_of::<libc::sockaddr_in>() as u32));
        socket
    }
}

/// A counter that can be waited for.
pub fn event_counter() -> OwnedFd {
    // SAFETY: a new descriptor is nobody else's.
    unsafe { OwnedFd::from_raw_fd(check(libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC))) }
}

/// Adds one to a counter, which makes it ready.
pub fn add_one(counter: &OwnedFd) {
    let one = 1_u64;
    // SAFETY: eight bytes are read during the call.
    let written = unsafe { libc::write(counter.as_raw_fd(), (&raw const one).cast(), size_of::<u64>()) };
    assert_eq!(written, size_of::<u64>() as isize, "the counter is far from full");
}

/// Lets more connections wait to be accepted than the standard library does.
pub fn listen_longer(listener: &std::net::TcpListener, backlog: i32) {
    // SAFETY: it takes numbers only.
    check(unsafe { libc::listen(listener.as_raw_fd(), backlog) });
}

/// The emptiest system call.
pub fn parent_process() -> i64 {
    // SAFETY: it takes nothing and cannot fail. Not `getppid`, which a library could answer by itself.
    unsafe { libc::syscall(libc::SYS_getppid) }
}

/// Sends as many answers as there are, each to whom asked; takes many questions at a time.
pub struct DatagramBatch {
    buffers: Vec<[u8; 512]>,
    lengths: Vec<usize>,
    peers: Vec<libc::sockaddr_in>,
}

impl DatagramBatch {
    const SIZE: usize = 64;

    pub fn new() -> DatagramBatch {
        DatagramBatch { buffers: vec![[0; 512]; Self::SIZE], lengths: Vec::new(), peers: Vec::new() }
    }

    /// Waits for one datagram and takes all that are there; `answer` writes over each and says how long it is now,
    /// 0 where nothing is to be sent.
    pub fn serve(&mut self, socket: &UdpSocket, mut answer: impl FnMut(&mut [u8; 512], usize) -> usize) {
        let fd = socket.as_raw_fd();
        // SAFETY: all zeros are addresses and headers; every pointer is to a buffer that outlives the calls.
        unsafe {
            self.peers = vec![std::mem::zeroed(); Self::SIZE];
            let mut slices: Vec<libc::iovec> = self
                .buffers
                .iter_mut()
                .map(|buffer| libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() })
                .collect();
            let mut headers: Vec<libc::mmsghdr> = (0..Self::SIZE)
                .map(|index| {
                    let mut header: libc::mmsghdr = std::mem::zeroed();
                    header.msg_hdr.msg_name = (&raw mut self.peers[index]).cast();
                    header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as u32;
                    header.msg_hdr.msg_iov = &raw mut slices[index];
                    header.msg_hdr.msg_iovlen = 1;
                    header
                })
                .collect();
            let received =
                libc::recvmmsg(fd, headers.as_mut_ptr(), Self::SIZE as u32, libc::MSG_WAITFORONE, std::ptr::null_mut());
            self.lengths.clear();
            let mut replies = Vec::with_capacity(Self::SIZE);
            for index in 0..received.max(0) as usize {
                let length = answer(&mut self.buffers[index], headers[index].msg_len as usize);
                if length > 0 {
                    slices[index].iov_len = length;
                    replies.push(headers[index]);
                }
            }
            let mut sent = 0;
            while sent < replies.len() {
                let rest = &mut replies[sent..];
                // An error belongs to somebody who has gone; the next answer is another's.
                sent += libc::sendmmsg(fd, rest.as_mut_ptr(), rest.len() as u32, 0).max(1) as usize;
            }
        }
    }
}
