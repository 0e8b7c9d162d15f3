//! Win32_BIOS, Win32_BaseBoard and Win32_ComputerSystemProduct: what the firmware says of the machine.
//!
//! Floor 5. The kernel has read its tables; serial numbers it shows to root only. A machine whose
//! firmware has no such tables has no such objects.

use std::rc::Rc;

use super::computer_system::firmware;
use super::machine::{At, Machine};
use super::reading::Reading;
use super::schema::Schema;
use super::table::{Column, Definition, LinuxClass, Row, UNITS_PER_STEP, Units};
use crate::wbem::cim_type::CimType;
use crate::wbem::datetime::Timestamp;
use crate::wbem::error::WbemError;

/// The tables of the firmware; the kernel has a file for each field.
struct Tables;

impl Row for Tables {}

const NOT_TOLD: &str = "NULL: the kernel does not tell";
const NO_STATE: &str = "NULL: no source";

const BIOS: &[Column<Tables>] = &[
    Column::null_array("BiosCharacteristics", CimType::Uint16, NOT_TOLD),
    Column::texts("BIOSVersion", "`bios_version` of `/sys/class/dmi/id`", |_, reading| {
        Some(vec![reading.text(At::Sys, format_args!("class/dmi/id/bios_version"))?])
    }),
    Column::null("BuildNumber", CimType::String, NOT_TOLD),
    Column::text("Caption", "`bios_version` of `/sys/class/dmi/id`", |_, reading| firmware(reading, "bios_version")),
    Column::null("CurrentLanguage", CimType::String, NOT_TOLD),
    Column::text("Description", "`bios_version` of `/sys/class/dmi/id`", |_, reading| {
        firmware(reading, "bios_version")
    }),
    Column::u8("EmbeddedControllerMajorVersion", "`ec_firmware_release` of `/sys/class/dmi/id`", |_, reading| {
        release(reading, "ec_firmware_release").map(|(major, _)| major)
    }),
    Column::u8("EmbeddedControllerMinorVersion", "`ec_firmware_release` of `/sys/class/dmi/id`", |_, reading| {
        release(reading, "ec_firmware_release").map(|(_, minor)| minor)
    }),
    Column::null("InstallDate", CimType::DateTime, NOT_TOLD),
    Column::text("Manufacturer", "`bios_vendor` of `/sys/class/dmi/id`", |_, reading| firmware(reading, "bios_vendor")),
    Column::key(Column::text("Name", "`bios_version` of `/sys/class/dmi/id`; the only key", |_, reading| {
        Some(firmware(reading, "bios_version").unwrap_or_else(|| "BIOS".into()))
    })),
    Column::bool("PrimaryBIOS", "TRUE: there is one", |_, _| Some(true)),
    Column::moment("ReleaseDate", "`bios_date` of `/sys/class/dmi/id`, at midnight UTC", |_, reading| {
        date(&reading.text(At::Sys, format_args!("class/dmi/id/bios_date"))?)
    }),
    Column::text("SerialNumber", "`product_serial` of `/sys/class/dmi/id`; NULL for who is not root", |_, reading| {
        firmware(reading, "product_serial")
    }),
    Column::text("SMBIOSBIOSVersion", "`bios_version` of `/sys/class/dmi/id`", |_, reading| {
        firmware(reading, "bios_version")
    }),
    Column::null("SMBIOSMajorVersion", CimType::Uint16, "NULL: it is in a file for root"),
    Column::null("SMBIOSMinorVersion", CimType::Uint16, "NULL: it is in a file for root"),
    Column::bool("SMBIOSPresent", "TRUE: without such tables there is no object", |_, _| Some(true)),
    Column::null("Status", CimType::String, NO_STATE),
    Column::u8("SystemBiosMajorVersion", "`bios_release` of `/sys/class/dmi/id`", |_, reading| {
        release(reading, "bios_release").map(|(major, _)| major)
    }),
    Column::u8("SystemBiosMinorVersion", "`bios_release` of `/sys/class/dmi/id`", |_, reading| {
        release(reading, "bios_release").map(|(_, minor)| minor)
    }),
    Column::text("Version", "`bios_version` of `/sys/class/dmi/id`", |_, reading| firmware(reading, "bios_version")),
];

const BOARD: &[Column<Tables>] = &[
    Column::constant("Caption", "Base Board"),
    Column::constant("CreationClassName", "Win32_BaseBoard"),
    Column::constant("Description", "Base Board"),
    Column::null("HostingBoard", CimType::Boolean, NOT_TOLD),
    Column::null("HotSwappable", CimType::Boolean, NOT_TOLD),
    Column::null("InstallDate", CimType::DateTime, NOT_TOLD),
    Column::text("Manufacturer", "`board_vendor` of `/sys/class/dmi/id`", |_, reading| {
        firmware(reading, "board_vendor")
    }),
    Column::null("Model", CimType::String, NOT_TOLD),
    Column::constant("Name", "Base Board"),
    Column::null("PartNumber", CimType::String, NOT_TOLD),
    Column::null("PoweredOn", CimType::Boolean, NO_STATE),
    Column::text("Product", "`board_name` of `/sys/class/dmi/id`", |_, reading| firmware(reading, "board_name")),
    Column::null("Removable", CimType::Boolean, NOT_TOLD),
    Column::null("Replaceable", CimType::Boolean, NOT_TOLD),
    Column::text("SerialNumber", "`board_serial` of `/sys/class/dmi/id`; NULL for who is not root", |_, reading| {
        firmware(reading, "board_serial")
    }),
    Column::null("SKU", CimType::String, NOT_TOLD),
    Column::null("Status", CimType::String, NO_STATE),
    Column::key(Column::text("Tag", "`Base Board 0`: the kernel tells of one", |_, _| Some("Base Board 0".into()))),
    Column::text("Version", "`board_version` of `/sys/class/dmi/id`", |_, reading| firmware(reading, "board_version")),
];

const PRODUCT: &[Column<Tables>] = &[
    Column::constant("Caption", "Computer System Product"),
    Column::constant("Description", "Computer System Product"),
    Column::text(
        "IdentifyingNumber",
        "`product_serial` of `/sys/class/dmi/id`; NULL for who is not root",
        |_, reading| firmware(reading, "product_serial"),
    ),
    Column::key(Column::text("Name", "`product_name` of `/sys/class/dmi/id`; the only key", |_, reading| {
        Some(firmware(reading, "product_name").unwrap_or_else(|| "Computer System Product".into()))
    })),
    Column::text("SKUNumber", "`product_sku` of `/sys/class/dmi/id`", |_, reading| firmware(reading, "product_sku")),
    Column::text("UUID", "`product_uuid` of `/sys/class/dmi/id`; NULL for who is not root", |_, reading| {
        Some(firmware(reading, "product_uuid")?.to_ascii_uppercase().into())
    }),
    Column::text("Vendor", "`sys_vendor` of `/sys/class/dmi/id`", |_, reading| firmware(reading, "sys_vendor")),
    Column::text("Version", "`product_version` of `/sys/class/dmi/id`", |_, reading| {
        firmware(reading, "product_version")
    }),
];

/// The three classes.
pub(super) fn sources(machine: &Rc<Machine>, schema: &Schema) -> Vec<LinuxClass> {
    let definition = |name, parent, about, columns| Definition {
        name,
        parent,
        about,
        columns,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    let bios = definition("Win32_BIOS", "CIM_BIOSElement", "The firmware, where it has tables (DMI).", BIOS);
    let board =
        definition("Win32_BaseBoard", "CIM_Card", "The main board, where the firmware has tables (DMI).", BOARD);
    let about = "What the machine was sold as, where the firmware has tables (DMI).";
    let product = definition("Win32_ComputerSystemProduct", "", about, PRODUCT);
    vec![
        LinuxClass::new(machine, schema, &bios, |reading, _| tables(reading)),
        LinuxClass::new(machine, schema, &board, |reading, _| tables(reading)),
        LinuxClass::new(machine, schema, &product, |reading, _| tables(reading)),
    ]
}

fn tables(reading: &Reading) -> Result<Units<Tables>, WbemError> {
    let is_there = reading.exists(At::Sys, format_args!("class/dmi/id"));
    Ok(Box::new(is_there.then_some(Some(Tables)).into_iter()))
}

/// A version of two numbers.
fn release(reading: &Reading, file: &str) -> Option<(u8, u8)> {
    let text = reading.text(At::Sys, format_args!("class/dmi/id/{file}"))?;
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// A date as the firmware writes it: month, day, year.
fn date(text: &str) -> Option<Timestamp> {
    let mut parts = text.split('/');
    let (month, day, year): (u8, u8, u16) =
        (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    // Old tables have two digits of the year.
    let year = if year < 100 { year + 1900 } else { year };
    Timestamp::parse_calendar(&format!("{year:04}-{month:02}-{day:02}"), 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_firmware() {
        for (text, expected) in [
            ("04/01/2014", Some("20140401000000.000000+000")),
            ("1/2/99", Some("19990102000000.000000+000")),
            ("13/01/2014", None),
            ("2014-04-01", None),
            ("", None),
        ] {
            assert_eq!(date(text).map(|date| date.to_string()).as_deref(), expected, "{text}");
        }
    }
}
