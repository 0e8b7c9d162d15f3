//! What the machine itself tells: its network adapters, routes and processes, asked in WQL and asked again when an event
//! says that something has changed.

use std::rc::Rc;
use std::time::Duration;

use msgpump::wbem::linux::{Machine as LinuxMachine, register};
use msgpump::wbem::{Flags, Object, Server, Services, Sink, SinkEvent, SinkMessage, Value, WbemError, WbemStatus};
use msgpump::{Message, OperationId, Payload, Pump, Timer, WindowId};

const NAMESPACE: &str = r"root\cimv2";

/// Events come in crowds: a program that starts others, a network that comes up. One query answers all of them.
const SETTLES_IN: Duration = Duration::from_millis(300);

/// What is asked, and which events tell that it may be answered otherwise now.
struct Subject {
    title: &'static str,
    query: &'static str,
    events: &'static [&'static str],
}

const SUBJECTS: [Subject; 3] = [
    Subject {
        title: "Network adapters",
        query: "SELECT Name, MACAddress, NetConnectionStatus, Speed, PhysicalAdapter FROM Win32_NetworkAdapter",
        events: &["SELECT * FROM __InstanceOperationEvent WITHIN 2 WHERE TargetInstance ISA 'Win32_NetworkAdapter'"],
    },
    Subject {
        title: "Routes",
        query: "SELECT Destination, Mask, NextHop, InterfaceIndex, Metric1 FROM Win32_IP4RouteTable",
        events: &["SELECT * FROM __InstanceOperationEvent WITHIN 2 WHERE TargetInstance ISA 'Win32_IP4RouteTable'"],
    },
    Subject {
        title: "Processes",
        query: "SELECT ProcessId, Name, ThreadCount, WorkingSetSize, CommandLine FROM Win32_Process",
        events: &["SELECT * FROM Win32_ProcessStartTrace", "SELECT * FROM Win32_ProcessStopTrace"],
    },
];

pub struct Machine {
    server: Server,
    services: Services,
    window: WindowId,
    pub tables: Vec<Table>,
    /// Whether somebody looks.
    is_watched: bool,
}

/// The answer to one query.
pub struct Table {
    pub title: &'static str,
    pub columns: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    /// How often it was answered.
    pub answers: usize,
    pub problem: Option<String>,
    /// Whether it is asked, and not answered to the end.
    is_asked: bool,
    /// Rows of the answer that is coming in.
    coming: Vec<Vec<String>>,
    query: Sink,
    events: Sink,
    /// Asks again when it ticks.
    settling: Option<OperationId>,
}

impl Machine {
    pub fn new(pump: &mut Pump<()>) -> Result<Machine, WbemError> {
        let server = Server::new(pump);
        register(&server, NAMESPACE, &Rc::new(LinuxMachine::new()))?;
        let services = server.connect(pump, NAMESPACE)?;
        let window = pump.open_window();
        let tables = SUBJECTS.iter().map(|subject| Table::new(subject, window)).collect();
        Ok(Machine { server, services, window, tables, is_watched: false })
    }

    /// What makes of the pump's messages those for [`handle_sink`](Machine::handle_sink).
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Asks and listens while somebody looks, and only then.
    pub fn set_watched(&mut self, pump: &mut Pump<()>, is_watched: bool) {
        if std::mem::replace(&mut self.is_watched, is_watched) == is_watched {
            return;
        }
        for (number, subject) in SUBJECTS.iter().enumerate() {
            if is_watched {
                self.tables[number].problem = None;
                self.ask(pump, number);
                let table = &mut self.tables[number];
                for events in subject.events {
                    let started =
                        self.services.exec_notification_query_async(pump, "WQL", events, Flags::NONE, &table.events);
                    if let Err(error) = started {
                        table.problem = Some(error.to_string());
                    }
                }
            } else {
                for sink in [&self.tables[number].events, &self.tables[number].query] {
                    // One without a call says so, which does no harm.
                    let _ = self.services.cancel_async_call(pump, sink);
                }
            }
        }
    }

    fn ask(&mut self, pump: &mut Pump<()>, number: usize) {
        let table = &mut self.tables[number];
        if table.is_asked {
            // Later: the rows of two answers would be mixed.
            table.settling = pump.set_timer(self.window, Timer::once(SETTLES_IN)).ok();
            return;
        }
        let query = SUBJECTS[number].query;
        match self.services.exec_query_async(pump, "WQL", query, Flags::NONE, &table.query) {
            Ok(_) => table.is_asked = true,
            Err(error) => table.problem = Some(error.to_string()),
        }
    }

    /// Takes in rows and events.
    pub fn handle_sink(&mut self, pump: &mut Pump<()>, message: SinkMessage) {
        for table in &mut self.tables {
            if message.sink == table.query {
                return table.take(message.event);
            }
            if message.sink == table.events {
                match message.event {
                    SinkEvent::Indicate(_) if table.settling.is_none() => {
                        table.settling = pump.set_timer(self.window, Timer::once(SETTLES_IN)).ok();
                    }
                    SinkEvent::Status(status) => table.note(status.result().err()),
                    _ => {}
                }
                return;
            }
        }
    }

    /// Takes in a tick that is meant for it.
    pub fn handle(&mut self, pump: &mut Pump<()>, message: &Message<()>) {
        let (Payload::Tick(_), Some(operation)) = (&message.payload, message.operation) else { return };
        let number = self.tables.iter().position(|table| table.settling == Some(operation));
        if let Some(number) = number {
            self.tables[number].settling = None;
            if self.is_watched {
                self.ask(pump, number);
            }
        }
    }
}

impl Table {
    fn new(subject: &Subject, window: WindowId) -> Table {
        let (list, _) = subject.query["SELECT ".len()..].split_once(" FROM").expect("the query is a selection");
        let columns = list.split(", ").collect();
        let (query, events) = (Sink::new(window), Sink::new(window));
        let (rows, is_asked, coming, answers, problem, settling) = Default::default();
        Table { title: subject.title, columns, rows, answers, problem, is_asked, coming, query, events, settling }
    }

    /// Shows what went wrong. That nobody looked any more is nothing of the kind.
    fn note(&mut self, error: Option<WbemError>) {
        if let Some(error) = error.filter(|error| error.status != WbemStatus::CallCancelled) {
            self.problem = Some(error.to_string());
        }
    }

    fn take(&mut self, event: SinkEvent) {
        match event {
            SinkEvent::Indicate(objects) => {
                let columns = &self.columns;
                let cells = |object: &Object| columns.iter().map(|name| text(object.get(name).as_deref())).collect();
                self.coming.extend(objects.iter().map(cells));
            }
            SinkEvent::Status(status) => {
                self.is_asked = false;
                let coming = std::mem::take(&mut self.coming);
                match status.result() {
                    Ok(_) => {
                        self.rows = coming;
                        self.answers += 1;
                    }
                    Err(error) => self.note(Some(error)),
                }
            }
            SinkEvent::Progress { .. } => {}
        }
    }
}

/// A value in one line.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned).replace(char::is_control, " "),
    }
}

#[cfg(test)]
mod tests {
    use msgpump::Budget;
    use msgpump::wbem::Received;

    use super::*;

    fn turn(machine: &mut Machine, pump: &mut Pump<()>) {
        let server = machine.server().clone();
        match server.get_message(pump).expect("the system waits").expect("nobody quits") {
            Received::Sink(message) => machine.handle_sink(pump, message),
            Received::Other(message) => machine.handle(pump, &message),
        }
    }

    /// What was asked before is cancelled, and its last word comes when somebody looks again already.
    #[test]
    fn who_looks_away_and_back_sees_one_answer_and_no_problem() {
        let mut pump = Pump::<()>::new().unwrap();
        let mut machine = Machine::new(&mut pump).unwrap();
        for is_watched in [true, false, true] {
            machine.set_watched(&mut pump, is_watched);
        }
        machine.ask(&mut pump, 0); // an event, while the answer is coming in
        while machine.tables.iter().any(|table| table.answers == 0) {
            turn(&mut machine, &mut pump);
        }
        let loopbacks = machine.tables[0].rows.iter().filter(|row| row[0] == "lo").count();
        assert_eq!(loopbacks, 1);
        assert!(machine.tables.iter().all(|table| table.problem.is_none()));
    }

    #[test]
    fn a_process_that_starts_is_in_the_table() {
        let mut pump = Pump::<()>::new().unwrap();
        let mut machine = Machine::new(&mut pump).unwrap();
        machine.set_watched(&mut pump, true);
        while machine.tables.iter().any(|table| table.answers == 0) {
            turn(&mut machine, &mut pump);
        }
        let own = std::process::id().to_string();
        let processes = |machine: &Machine| machine.tables[2].rows.clone();
        assert!(processes(&machine).iter().any(|row| row[0] == own));
        assert!(machine.tables[0].rows.iter().any(|row| row[0] == "lo"));

        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let number = child.id().to_string();
        while !processes(&machine).iter().any(|row| row[0] == number) {
            turn(&mut machine, &mut pump);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        while processes(&machine).iter().any(|row| row[0] == number) {
            turn(&mut machine, &mut pump);
        }
        assert!(machine.tables.iter().all(|table| table.problem.is_none()));

        machine.set_watched(&mut pump, false); // and the kernel is not listened to any more
        // What is let go in a turn needs no message.
        let server = machine.server().clone();
        while pump.metrics().sockets > 0 {
            let _ = pump.turn(Budget::wait(SETTLES_IN)).expect("the system waits");
            while server.next_message(&mut pump).is_some() {}
        }
    }
}
