//! Object paths and namespaces: read, printed, read again, and bound to classes of one key and of two.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use msgpump::wbem::{CimType, Class, Instance, NamespacePath, ObjectPath, Property};

/// Classes whose instances the paths may mean.
static CLASSES: LazyLock<[Arc<Class>; 3]> = LazyLock::new(|| {
    let keys = |types: &[(&str, CimType)]| {
        let keys = types.iter().map(|&(name, cim_type)| Property::key(name, cim_type));
        keys.fold(Class::builder("A"), |builder, key| builder.property(key)).build().expect("the names are good")
    };
    [
        keys(&[("K", CimType::String)]),
        keys(&[("K", CimType::Uint64), ("L", CimType::DateTime)]),
        keys(&[("K", CimType::Boolean), ("L", CimType::Char16), ("M", CimType::Reference)]),
    ]
});

fuzz_target!(|text: &str| {
    if let Ok(read) = NamespacePath::parse(text) {
        let printed = read.to_string();
        assert_eq!(NamespacePath::parse(&printed), Ok(read), "{text:?} is printed as {printed:?}");
    }
    let path = match ObjectPath::parse(text) {
        Ok(path) => path,
        Err(error) => {
            assert!(error.position <= text.len(), "{error} at {} of {}", error.position, text.len());
            let _ = error.in_text(text).to_string();
            return;
        }
    };
    let printed = path.to_string();
    assert_eq!(ObjectPath::parse(&printed), Ok(path.clone()), "{text:?} is printed as {printed:?}");
    for class in &*CLASSES {
        let Ok(values) = path.key_values(class) else { continue };
        let instance = Instance::from_values(class, values.clone()).expect("they are of the types of the keys");
        // The instance's own path finds it again, if its values can be written.
        let Some(own) = instance.relative_path() else { continue };
        assert_eq!(own.key_values(class), Ok(values), "{text:?} is {own}");
        assert_eq!(ObjectPath::parse(&own.to_string()), Ok(own));
    }
});
