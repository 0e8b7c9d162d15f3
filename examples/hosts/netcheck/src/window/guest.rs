//! The pump as a guest in eframe's loop: all that stands between the two, to be copied.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use eframe::egui;
use msgpump::{Budget, Error, Hosted, Lent, Message, Pump};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// What of a frame the pump may use. What is left over is done in the next one, which is asked for.
const FRAME_SHARE: Duration = Duration::from_millis(4);

// ---- The glue: all that a program of eframe's needs beside its own code, as a piece to be kept ----

pub struct Guest {
    pump: Hosted<()>,
    is_ready: Receiver<()>,
    turned: UnixStream,
}

impl Guest {
    /// Waits for the pump's descriptor, since eframe waits for none: on a thread, that sleeps. It asks for a frame, and
    /// waits for the word that the pump was turned before it looks again. It ends with the guest.
    pub fn new(context: egui::Context) -> io::Result<Guest> {
        let pump = Hosted::new()?;
        let descriptor = pump.as_fd().try_clone_to_owned()?;
        let (ready, is_ready) = channel();
        let (turned, was_turned) = UnixStream::pair()?;
        thread::spawn(move || {
            let wait =
                || poll(&mut [PollFd::new(&descriptor, PollFlags::IN), PollFd::new(&was_turned, PollFlags::IN)], None);
            // A signal may interrupt the wait; then a frame looks in vain, once.
            while matches!(wait(), Ok(_) | Err(Errno::INTR)) && ready.send(()).is_ok() {
                context.request_repaint();
                if (&was_turned).read_exact(&mut [0]).is_err() {
                    return;
                }
            }
        });
        Ok(Guest { pump, is_ready, turned })
    }

    pub fn lend(&mut self) -> Lent<'_, ()> {
        self.pump.lend()
    }

    /// Turns the pump if it has something to do, before each frame. A frame that is drawn for another reason costs
    /// nothing.
    pub fn run(&mut self, handle: impl FnMut(&mut Pump<()>, Message<()>)) -> Result<(), Error> {
        if self.is_ready.try_recv().is_err() {
            return Ok(());
        }
        let outcome = run_pump(&mut self.pump.lend(), handle);
        // After the loan, so that the thread finds the descriptor right; also where the system's wait failed, for the
        // next one may not. The thread is there as long as this end.
        let _ = self.turned.write_all(&[0]);
        outcome
    }
}

fn run_pump(pump: &mut Pump<()>, mut handle: impl FnMut(&mut Pump<()>, Message<()>)) -> Result<(), Error> {
    let end = Instant::now() + FRAME_SHARE;
    let _ = pump.turn(Budget::no_wait().time(FRAME_SHARE / 2))?;
    // What is left over makes the descriptor readable.
    while Instant::now() < end
        && let Some(message) = pump.next_message()
    {
        handle(pump, message);
    }
    Ok(())
}

// ---- The end of the glue ----
