//! Shows a class of one's own: provided, queried, changed by a call, its events watched.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use msgpump::wbem::{
    Action, CimType, Class, ClassProvider, Flags, Instance, Property, PutMode, Received, Rows, Server, Sink, SinkEvent,
    Store, Value, Wanted, WbemError,
};
use msgpump::{Pump, Timer};

/// Lamps that can be switched. Where they are kept is the business of a [`Store`].
struct Lamps(Store);

impl ClassProvider for Lamps {
    fn class(&self) -> &Arc<Class> {
        self.0.class()
    }

    fn open(&self, wanted: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        self.0.open(wanted)
    }

    fn put(&self, lamp: &Arc<Instance>, mode: PutMode) -> Result<Action<()>, WbemError> {
        println!("  the provider writes {}", lamp.get("Room").unwrap_or(&Value::Null));
        self.0.put(lamp, mode)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    env_logger::init();
    let class = Class::builder("Lamp")
        .property(Property::key("Room", CimType::String))
        .property(Property::new("On", CimType::Boolean).default(false))
        .build()?;
    let mut pump = Pump::<()>::new()?;
    let server = Server::new(&mut pump);
    server.register(r"root\home", Lamps(Store::new(&class)))?;
    let services = server.connect(&mut pump, r"root\home")?;
    let watcher = Sink::new(pump.root_window());
    let changes = "SELECT * FROM __InstanceOperationEvent WITHIN 0.1 WHERE TargetInstance ISA 'Lamp'";
    services.exec_notification_query_async(&mut pump, "WQL", changes, Flags::NONE, &watcher)?;
    let timer = pump.set_timer(pump.root_window(), Timer::every(Duration::from_millis(250)))?;
    let mut step = 0;
    while let Some(received) = server.get_message(&mut pump)? {
        match received {
            Received::Sink(message) => match message.event {
                SinkEvent::Indicate(events) => events.iter().for_each(|event| {
                    let target = event.get("TargetInstance").and_then(|it| it.as_object().cloned());
                    println!("event {}:{}", event.class().name(), target.map_or(String::new(), |it| it.object_text()));
                }),
                SinkEvent::Status(status) => {
                    println!("the watcher's last word is {}", status.status);
                    pump.quit(0);
                }
                SinkEvent::Progress { .. } => {}
            },
            Received::Other(message) if message.operation == Some(timer) => {
                step += 1;
                match step {
                    1 | 2 => {
                        let mut lamp = Instance::new(&class);
                        lamp.put("Room", "Kitchen")?;
                        lamp.put("On", step == 2)?;
                        println!("written: {}", services.put_instance(&mut pump, &lamp, Flags::NONE)?);
                    }
                    3 => {
                        let query = "SELECT Room FROM Lamp WHERE On = TRUE";
                        let mut lit = services.exec_query(&mut pump, "WQL", query, Flags::SEMISYNCHRONOUS)?;
                        println!("{} lamp is on", lit.collect(&mut pump)?.len());
                    }
                    _ => services.cancel_async_call(&mut pump, &watcher)?,
                }
            }
            Received::Other(_) => {}
        }
    }
    Ok(())
}
