//! How a call that blocks waits on the pump's own thread.
//!
//! Floor 5. Providers are asked and timers kept meanwhile, but only the messages of the one call are taken: no
//! other sink is told anything, and no window gets a message, before the program asks again.

use std::time::Duration;

use super::Server;
use crate::wbem::error::{WbemError, WbemStatus};
use crate::{Filter, Payload, Pump, Timer, WindowId};

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wbem) enum Waited {
    Done,
    TimedOut,
}

impl Server {
    /// Lets the pump work until `is_done`, or until the time is over; without a time, for ever.
    pub(in crate::wbem) fn wait<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        window: WindowId,
        timeout: Option<Duration>,
        mut is_done: impl FnMut() -> bool,
    ) -> Result<Waited, WbemError> {
        // The server's own window is where readiness of its sources of events arrives: no program sees it.
        let only = Filter::any().window(window).or_window(self.shared.borrow().window);
        if timeout == Some(Duration::ZERO) {
            while !is_done() {
                // Quit gets through every filter, and is for the program to take.
                match pump.peek_message_for(only) {
                    None => return Ok(Waited::TimedOut),
                    Some(message) if matches!(message.payload, Payload::Quit(_)) => return Ok(Waited::TimedOut),
                    Some(_) => {}
                }
                let message = pump.next_message_for(only);
                message.map(|message| self.translate(pump, message));
            }
            return Ok(Waited::Done);
        }
        if is_done() {
            return Ok(Waited::Done);
        }
        let timer = timeout.map(|timeout| pump.set_timer(window, Timer::once(timeout)));
        // A time beyond the clock's range is for ever.
        let timer = timer.and_then(Result::ok);
        let waited = loop {
            if is_done() {
                break Ok(Waited::Done);
            }
            match pump.get_message_for(only) {
                Ok(Some(message)) if timer.is_some() && message.operation == timer => break Ok(Waited::TimedOut),
                Ok(Some(message)) => drop(self.translate(pump, message)),
                Ok(None) => {
                    let error = WbemError::new(WbemStatus::ShuttingDown);
                    break Err(error.description("the program was asked to end"));
                }
                Err(error) => break Err(WbemError::new(WbemStatus::Failed).description(error.to_string())),
            }
        };
        timer.map(|timer| pump.cancel(timer));
        waited
    }
}
