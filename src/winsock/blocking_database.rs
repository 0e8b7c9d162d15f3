//! The database calls that wait for their answer, and the machine's own name.
//!
//! Floor 5.

use super::answer::{Answer, Hostent, Protoent, Servent};
use super::error::WinsockError;
use super::library::Winsock;
use super::question::Question;
use crate::{Filter, Pump};

impl<T> Winsock<T> {
    /// The IPv4 addresses of a host: `gethostbyname`. It waits for the answer and runs the blocking hook
    /// meanwhile.
    ///
    /// Names are as in [`wsa_async_get_host_by_name`](Winsock::wsa_async_get_host_by_name).
    ///
    /// # Errors
    ///
    /// What every call checks first, [`Eintr`](WinsockError::Eintr) when it is cancelled or the program is
    /// asked to end, and the errors that the request tells in its message.
    ///
    /// # Cancellation
    ///
    /// [`wsa_cancel_blocking_call`](Winsock::wsa_cancel_blocking_call), from inside of the hook.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::Pump;
    /// use msgpump::winsock::{Version, Winsock, WsaData};
    /// let mut pump = Pump::<()>::new()?;
    /// let mut winsock = Winsock::new();
    /// winsock.wsa_startup(Version::V1_1, Some(&mut WsaData::default()))?;
    /// let host = winsock.gethostbyname(&mut pump, "localhost")?;
    /// assert!(host.addresses.iter().all(|address| address.is_loopback()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn gethostbyname(&mut self, pump: &mut Pump<T>, name: &str) -> Result<Hostent, WinsockError> {
        let own_name = super::own_name(pump);
        let numeric = self.settings.numeric_hosts;
        let question = self.version_in_force().map(|version| Question::host_by_name(name, &own_name, version, numeric));
        self.ask(pump, question, |answer| match answer {
            Answer::Host(host) => Some(host),
            Answer::Service(_) | Answer::Protocol(_) => None,
        })
    }

    /// The name of an address in network order: `gethostbyaddr`. It waits, as
    /// [`gethostbyname`](Winsock::gethostbyname).
    ///
    /// # Errors
    ///
    /// As [`gethostbyname`](Winsock::gethostbyname); also [`Efault`](WinsockError::Efault) for an address of another
    /// length than four bytes, and [`Eafnosupport`](WinsockError::Eafnosupport) for another family than `AF_INET`.
    pub fn gethostbyaddr(&mut self, pump: &mut Pump<T>, address: &[u8], family: i32) -> Result<Hostent, WinsockError> {
        self.ask(pump, Ok(Question::host_by_address(address, family)), |answer| match answer {
            Answer::Host(host) => Some(host),
            Answer::Service(_) | Answer::Protocol(_) => None,
        })
    }

    /// The port of a service: `getservbyname`. It is answered without waiting.
    ///
    /// # Errors
    ///
    /// What every call checks first, and [`NoData`](WinsockError::NoData) for what is not listed.
    pub fn getservbyname<'a>(
        &mut self,
        pump: &mut Pump<T>,
        name: &str,
        protocol: impl Into<Option<&'a str>>,
    ) -> Result<Servent, WinsockError> {
        self.ask(pump, Ok(Question::service_by_name(name, protocol.into())), service)
    }

    /// The service at a port **in network order**: `getservbyport`. It is answered without waiting.
    ///
    /// # Errors
    ///
    /// As [`getservbyname`](Winsock::getservbyname).
    pub fn getservbyport<'a>(
        &mut self,
        pump: &mut Pump<T>,
        port: impl Into<i32>,
        protocol: impl Into<Option<&'a str>>,
    ) -> Result<Servent, WinsockError> {
        self.ask(pump, Ok(Question::service_by_port(port.into(), protocol.into())), service)
    }

    /// The number of a protocol: `getprotobyname`. It is answered without waiting.
    ///
    /// # Errors
    ///
    /// As [`getservbyname`](Winsock::getservbyname).
    pub fn getprotobyname(&mut self, pump: &mut Pump<T>, name: &str) -> Result<Protoent, WinsockError> {
        self.ask(pump, Ok(Question::protocol_by_name(name)), protocol)
    }

    /// The name of a protocol, by its number **in host order**: `getprotobynumber`. It is answered without
    /// waiting.
    ///
    /// # Errors
    ///
    /// As [`getservbyname`](Winsock::getservbyname).
    pub fn getprotobynumber(&mut self, pump: &mut Pump<T>, number: i32) -> Result<Protoent, WinsockError> {
        self.ask(pump, Ok(Question::protocol_by_number(number)), protocol)
    }

    /// This machine's name, which [`gethostbyname`](Winsock::gethostbyname) always knows: `gethostname`.
    ///
    /// # Errors
    ///
    /// What every call checks first.
    pub fn gethostname(&mut self, pump: &mut Pump<T>) -> Result<String, WinsockError> {
        let admitted = self.admit();
        self.noted(admitted).map(|()| super::own_name(pump))
    }

    fn ask<A>(
        &mut self,
        pump: &mut Pump<T>,
        question: Result<Question, WinsockError>,
        read: impl FnOnce(Answer) -> Option<A>,
    ) -> Result<A, WinsockError> {
        let answer = self.admit().and(question).and_then(|question| self.wait_for_answer(pump, question));
        let answer = answer.and_then(|answer| read(answer).ok_or(WinsockError::NoRecovery));
        self.noted(answer)
    }

    fn wait_for_answer(&mut self, pump: &mut Pump<T>, question: Question) -> Result<Answer, WinsockError> {
        let window = self.own_window(pump);
        let (operation, expected) = question.start(pump, window.into()).map_err(|_| WinsockError::Enobufs)?;
        let own = Filter::any().operation(operation);
        // Finished already: a call that need not wait runs no hook. Quit gets through too, and is not for this call.
        let is_finished = pump.peek_message_for(own).is_some_and(|message| message.operation == Some(operation));
        let payload = match is_finished.then(|| pump.next_message_for(own)).flatten() {
            Some(message) => message.payload,
            None => self.block(pump, operation, |_, _, arrived| arrived)?,
        };
        expected.read(payload)
    }
}

fn service(answer: Answer) -> Option<Servent> {
    match answer {
        Answer::Service(service) => Some(service),
        Answer::Host(_) | Answer::Protocol(_) => None,
    }
}

fn protocol(answer: Answer) -> Option<Protoent> {
    match answer {
        Answer::Protocol(protocol) => Some(protocol),
        Answer::Host(_) | Answer::Service(_) => None,
    }
}
