//! The abstract classes that those of the machine derive from, as the public CIM schema has them.
//!
//! Floor 5. Pure. They bring what every object has: a caption, a description, a date of installation, a
//! name, a status.

use std::collections::HashMap;
use std::sync::Arc;

use crate::wbem::cim_type::CimType;
use crate::wbem::class::{Class, Property};

/// Each class with the one that it derives from; parents stand before their children.
const ANCESTORS: &[(&str, &str)] = &[
    ("CIM_LogicalElement", ROOT),
    ("CIM_PhysicalElement", ROOT),
    ("CIM_System", "CIM_LogicalElement"),
    ("CIM_ComputerSystem", "CIM_System"),
    ("CIM_UnitaryComputerSystem", "CIM_ComputerSystem"),
    ("CIM_OperatingSystem", "CIM_LogicalElement"),
    ("CIM_Process", "CIM_LogicalElement"),
    ("CIM_Service", "CIM_LogicalElement"),
    ("Win32_BaseService", "CIM_Service"),
    ("CIM_LogicalDevice", "CIM_LogicalElement"),
    ("CIM_Processor", "CIM_LogicalDevice"),
    ("CIM_NetworkAdapter", "CIM_LogicalDevice"),
    ("CIM_StorageExtent", "CIM_LogicalDevice"),
    ("CIM_LogicalDisk", "CIM_StorageExtent"),
    ("CIM_DiskPartition", "CIM_StorageExtent"),
    ("CIM_StorageVolume", "CIM_StorageExtent"),
    ("CIM_MediaAccessDevice", "CIM_LogicalDevice"),
    ("CIM_DiskDrive", "CIM_MediaAccessDevice"),
    ("CIM_LogicalFile", "CIM_LogicalElement"),
    ("CIM_Directory", "CIM_LogicalFile"),
    ("CIM_SoftwareElement", "CIM_LogicalElement"),
    ("CIM_BIOSElement", "CIM_SoftwareElement"),
    ("CIM_PhysicalPackage", "CIM_PhysicalElement"),
    ("CIM_Card", "CIM_PhysicalPackage"),
    ("CIM_SystemResource", "CIM_LogicalElement"),
    ("Win32_SystemEnvironment", "CIM_SystemResource"),
    ("Win32_Account", "CIM_LogicalElement"),
];

/// The class from which most others derive.
const ROOT: &str = "CIM_ManagedSystemElement";

/// Classes that derive from nothing and have no properties of their own.
const ROOTS: &[&str] = &[
    "CIM_Setting",
    "CIM_Component",
    "CIM_LogicalDiskBasedOnPartition",
    "CIM_MediaPresent",
    "Win32_CurrentTime",
    "Win32_PerfFormattedData",
];

/// The abstract classes by their names.
pub(super) struct Schema {
    classes: HashMap<&'static str, Arc<Class>>,
}

impl Schema {
    /// Makes them all.
    pub(super) fn new() -> Schema {
        let root = Class::builder(ROOT)
            .qualifier("abstract", true)
            .property(Property::new("Caption", CimType::String))
            .property(Property::new("Description", CimType::String))
            .property(Property::new("InstallDate", CimType::DateTime))
            .property(Property::new("Name", CimType::String))
            .property(Property::new("Status", CimType::String));
        let mut classes = HashMap::from([(ROOT, root.build().expect("the root keeps the rules of classes"))]);
        for (name, parent) in ANCESTORS {
            let class = Class::builder(*name).qualifier("abstract", true).superclass(&classes[parent]);
            classes.insert(name, class.build().expect("a class without properties keeps the rules"));
        }
        for name in ROOTS {
            let class = Class::builder(*name).qualifier("abstract", true);
            classes.insert(name, class.build().expect("a class without properties keeps the rules"));
        }
        Schema { classes }
    }

    /// The class of a name.
    pub(super) fn class(&self, name: &str) -> Option<&Arc<Class>> {
        self.classes.get(name)
    }
}
