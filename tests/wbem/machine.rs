//! The name of the machine, in paths and in objects.

use msgpump::Pump;
use msgpump::wbem::{CimType, Flags, Property, Server, Store, Value, WbemStatus};

use crate::support::{HOME, class, instance, status};

#[test]
fn objects_tell_the_name_of_the_machine_and_paths_may_have_it() {
    let mut pump = Pump::<u32>::new().unwrap();
    let server = Server::new(&mut pump);
    let old = class("Old", [Property::key("Id", CimType::Uint32)]);
    server.register(HOME, Store::new(&old)).unwrap();
    for (name, expected) in [
        ("", WbemStatus::InvalidParameter),
        ("a b", WbemStatus::InvalidParameter),
        ("Box-1.example", WbemStatus::SNoError),
        ("other", WbemStatus::IllegalOperation),
    ] {
        assert_eq!(status(server.set_machine_name(name)), expected, "{name:?}");
    }
    let thing = class("Thing", [Property::key("Id", CimType::Uint32)]);
    let store = Store::new(&thing);
    store.insert(instance(&thing, &[("Id", 7.into())]));
    server.register(HOME, store).unwrap();
    assert_eq!(status(server.register(r"\\elsewhere\root\other", Store::new(&old))), WbemStatus::InvalidNamespace);
    for (name, expected) in [
        (r"\\box-1.EXAMPLE\root\cimv2", WbemStatus::SNoError),
        (r"\\.\root\cimv2", WbemStatus::SNoError),
        (r"\\box-1\root\cimv2", WbemStatus::InvalidNamespace),
    ] {
        assert_eq!(status(server.connect(&mut pump, name)), expected, "{name}");
    }
    let services = server.connect(&mut pump, HOME).unwrap();
    let path = r"\\Box-1.example\ROOT\CIMV2:Thing.Id=7";
    for asked in [path, r"\\.\root\cimv2:Thing=7", "Thing.Id=7"] {
        let object = services.get_object(&mut pump, asked, Flags::NONE).unwrap();
        assert_eq!(object.get("__PATH").unwrap().to_string(), path);
        assert_eq!(object.get("__SERVER").unwrap().to_string(), "Box-1.example");
        assert_eq!(object.get("__NAMESPACE").unwrap().to_string(), r"ROOT\CIMV2");
    }
    let query =
        r#"SELECT * FROM Thing WHERE __PATH = "\\\\box-1.example\\root\\cimv2:thing.id=7" AND __SERVER LIKE 'b%'"#;
    let mut rows = services.exec_query(&mut pump, "WQL", query, Flags::NONE).unwrap();
    assert_eq!(rows.collect(&mut pump).unwrap().len(), 1);
    let written = instance(&thing, &[("Id", 8.into())]);
    let written = services.put_instance(&mut pump, &written, Flags::CREATE_ONLY).unwrap();
    assert_eq!(written, r"\\Box-1.example\ROOT\CIMV2:Thing.Id=8");
    services.delete_instance(&mut pump, &written, Flags::NONE).unwrap();
    let object = services.get_object(&mut pump, "Old", Flags::NONE).unwrap();
    assert_eq!(*object.get("__SERVER").unwrap(), Value::Null, "it was registered before");
}
