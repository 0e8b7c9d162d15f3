//! The far network: a process of its own that answers names, and echoes what it is sent.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv6Addr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::{env, thread};

use crate::dns::{A, AAAA, Question, Reply};

/// The argument that makes this program the far process.
pub const ROLE: &str = "--far";

const DNS_PORT: u16 = 53;

/// Where it echoes.
pub const ECHO_PORT: u16 = 7;

/// How many addresses `big` has.
pub const BIG_ADDRESSES: u8 = 200;

static IS_SILENT: AtomicBool = AtomicBool::new(false);
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// The far process, as the near one holds it. It ends with its input.
pub struct Far {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Far {
    pub fn start() -> Far {
        let program = env::current_exe().expect("this program has a file");
        let mut process = Command::new("unshare")
            .arg("--net")
            .arg(program)
            .arg(ROLE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a second network may be made");
        let input = process.stdin.take().expect("it is piped");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut far = Far { process, input, output };
        assert_eq!(far.read(), "ready");
        far
    }

    /// Its process, by which its network is known.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Answers no name from now on, or all again.
    pub fn be_silent(&mut self, is_silent: bool) {
        self.tell(if is_silent { "silent" } else { "speak" });
    }

    /// How many questions have arrived, answered or not.
    pub fn asked(&mut self) -> usize {
        self.tell("asked").parse().expect("it answers with a number")
    }

    fn tell(&mut self, word: &str) -> String {
        writeln!(self.input, "{word}").expect("the far process lives");
        self.read()
    }

    fn read(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the far process lives");
        line.trim_end().to_owned()
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        // It may have ended by itself.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// Is the far process, until its input ends.
pub fn serve() {
    crate::stage::keep_addresses();
    crate::stage::be_a_router();
    let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, DNS_PORT)).expect("the port is free");
    let streams = TcpListener::bind((Ipv6Addr::UNSPECIFIED, DNS_PORT)).expect("the port is free");
    let echoes = TcpListener::bind((Ipv6Addr::UNSPECIFIED, ECHO_PORT)).expect("the port is free");
    thread::spawn(move || serve_datagrams(&socket));
    thread::spawn(move || serve_each(&streams, serve_names));
    thread::spawn(move || serve_each(&echoes, echo));
    println!("ready");
    for word in io::stdin().lines() {
        match word.expect("it is text").as_str() {
            "silent" => IS_SILENT.store(true, Ordering::SeqCst),
            "speak" => IS_SILENT.store(false, Ordering::SeqCst),
            "asked" => {
                println!("{}", ASKED.load(Ordering::SeqCst));
                continue;
            }
            other => panic!("{other:?} is no word for the far process"),
        }
        println!("done");
    }
}

fn serve_datagrams(socket: &UdpSocket) {
    let mut buffer = [0; 4096];
    loop {
        // Whoever asked and has gone is told to us as an error of the next call.
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        let Some(question) = Question::read(&buffer[..length], false) else { continue };
        ASKED.fetch_add(1, Ordering::SeqCst);
        if !IS_SILENT.load(Ordering::SeqCst) {
            // While a link is down, nothing can be sent: the answer is lost.
            _ = socket.send_to(&answer(&question).bytes(), from);
        }
    }
}

fn serve_each(listener: &TcpListener, serve: fn(TcpStream) -> io::Result<()>) {
    for stream in listener.incoming().flatten() {
        // Who breaks off has what it wanted.
        thread::spawn(move || _ = serve(stream));
    }
}

fn serve_names(mut stream: TcpStream) -> io::Result<()> {
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut message = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut message)?;
        let Some(question) = Question::read(&message, true) else { return Ok(()) };
        ASKED.fetch_add(1, Ordering::SeqCst);
        let bytes = answer(&question).bytes();
        stream.write_all(&[&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat())?;
    }
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..length])?;
    }
}

/// `big` has many addresses, which only a stream holds. Below `wire` is the far end of the wire, everything else is the
/// far end of the cable, of both families.
fn answer(question: &Question) -> Reply {
    let reply = Reply::to(question);
    let name = question.name.as_str();
    if name.starts_with("big.") {
        if !question.by_stream {
            return reply.truncated();
        }
        let count = if question.kind == A { BIG_ADDRESSES } else { 0 };
        return (0..count).fold(reply, |reply, last| reply.address(name, A, &[10, 1, 0, last]));
    }
    let (v4, v6) = match name.ends_with(".wire") {
        true => (crate::wire::FAR_V4, crate::wire::FAR_V6),
        false => (crate::stage::FAR_V4, crate::stage::FAR_V6),
    };
    match question.kind {
        A => reply.address(name, A, &v4.octets()),
        AAAA => reply.address(name, AAAA, &v6.octets()),
        _ => reply,
    }
}
