//! What holds for every class.

use std::rc::Rc;

use msgpump::wbem::linux::{Machine, classes_of};
use msgpump::wbem::{ClassProvider, Instance, Wanted, WbemStatus};

use super::support::drain;

#[test]
fn every_value_fits_its_property_and_every_key_is_told_once() {
    let machine = Rc::new(Machine::new());
    for source in classes_of(&machine).iter().filter(|source| !source.class().is_event()) {
        let class = source.class();
        let rows = match source.open(&Wanted::everything()) {
            Ok(mut rows) => drain(&mut *rows),
            Err(error) => {
                // Classes that need a property to be bound, or a source that this machine does not have.
                assert!(
                    matches!(error.status, WbemStatus::QuotaViolation | WbemStatus::ProviderLoadFailure),
                    "{error}"
                );
                continue;
            }
        };
        let mut paths = std::collections::HashSet::new();
        for row in rows {
            let checked = Instance::from_values(class, row.values().to_vec());
            assert_eq!(checked.as_ref(), Ok(&*row), "{}", class.name());
            let path = row.relative_path().unwrap_or_else(|| panic!("{} has all its keys", class.name()));
            assert!(paths.insert(path.to_string()), "{path} is there twice");
        }
    }
}
