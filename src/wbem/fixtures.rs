//! The classes and instances that the tests ask about.

use std::sync::Arc;

use super::cim_type::CimType;
use super::class::{Class, Property};
use super::instance::Instance;
use super::value::Value;

/// Makes a class of properties.
pub(crate) fn class(name: &str, properties: impl IntoIterator<Item = Property>) -> Arc<Class> {
    properties.into_iter().fold(Class::builder(name), |builder, property| builder.property(property)).build().unwrap()
}

/// Makes a class derived from another.
pub(crate) fn derived(name: &str, parent: &Arc<Class>, properties: impl IntoIterator<Item = Property>) -> Arc<Class> {
    let builder = Class::builder(name).superclass(parent);
    properties.into_iter().fold(builder, |builder, property| builder.property(property)).build().unwrap()
}

/// Makes an instance of some of its values.
pub(crate) fn instance(class: &Arc<Class>, values: &[(&str, Value)]) -> Arc<Instance> {
    let mut instance = Instance::new(class);
    for (name, value) in values {
        instance.put(name, value.clone()).unwrap();
    }
    Arc::new(instance)
}

/// Ten rows, each with a name and at most one other value of various types.
pub(crate) fn various() -> (Arc<Class>, Vec<Arc<Instance>>) {
    let class = class(
        "wqlTestClass",
        [
            Property::key("name", CimType::String),
            Property::new("sint32Data", CimType::Sint32),
            Property::new("booleanData", CimType::Boolean),
            Property::new("uint64Data", CimType::Uint64),
            Property::new("stringData", CimType::String),
            Property::new("realData", CimType::Real64),
        ],
    );
    let rows = [
        ("sint32Data", Value::from(0)),
        ("sint32Data", Value::from(10)),
        ("booleanData", Value::from(false)),
        ("booleanData", Value::from(true)),
        ("uint64Data", Value::from(5_000_000_000_000_u64)),
        ("uint64Data", Value::from(10_u64)),
        ("stringData", Value::from("abc")),
        ("stringData", Value::from("test")),
        ("realData", Value::from(123.456_789)),
        ("realData", Value::from(4_567_890_123.0e18)),
    ];
    let rows = rows
        .into_iter()
        .enumerate()
        .map(|(index, value)| instance(&class, &[("name", Value::from(format!("test{}", index + 1))), value]));
    (class.clone(), rows.collect())
}

/// Three disks, the last without a file system.
pub(crate) fn disks() -> (Arc<Class>, Vec<Arc<Instance>>) {
    let class = class(
        "Win32_LogicalDisk",
        [
            Property::key("DeviceID", CimType::String),
            Property::new("Name", CimType::String),
            Property::new("FileSystem", CimType::String),
            Property::new("DriveType", CimType::Uint32),
            Property::new("FreeSpace", CimType::Uint64),
        ],
    );
    let disk = |name: &str, file_system: Option<&str>, drive_type: u32, free: Option<u64>| {
        let values = [Value::from(name), Value::from(name), file_system.into(), drive_type.into(), free.into()];
        Arc::new(Instance::from_values(&class, values.into()).unwrap())
    };
    let rows = vec![
        disk("C:", Some("NTFS"), 3, Some(5_000_000_000)),
        disk("D:", Some("NTFS"), 3, Some(1_000_000)),
        disk("E:", None, 5, None),
    ];
    (class, rows)
}

/// Six processes, of which only some tell their command line.
pub(crate) fn processes() -> (Arc<Class>, Vec<Arc<Instance>>) {
    let class = class(
        "Win32_Process",
        [
            Property::key("Handle", CimType::String),
            Property::new("ProcessId", CimType::Uint32),
            Property::new("Name", CimType::String),
            Property::new("CommandLine", CimType::String),
        ],
    );
    let rows = [
        (0_u32, "System", None),
        (4, "cscript.exe", Some("cscript.exe a.vbs")),
        (100, "wscript.exe", None),
        (104, "Notepad.exe", Some("notepad.exe robloxcorporation.txt")),
        (108, "a_b.exe", Some("a_b.exe")),
        (112, "a-b.exe", None),
    ];
    let rows = rows.map(|(id, name, command_line)| {
        let values = [id.to_string().into(), id.into(), name.into(), command_line.into()];
        Arc::new(Instance::from_values(&class, values.into()).unwrap())
    });
    (class, rows.into())
}
