//! Machines made of files: with many processors, without swap, with dead servers, in summer.

use std::rc::Rc;
use std::sync::Arc;

use msgpump::wbem::linux::Machine;
use msgpump::wbem::{ClassProvider, Instance, Progress, Value, Wanted, WbemStatus};

use super::support::{Files, all, find, number, one, read, some, source, text, value, wanted};

/// A zone with summer time, as the compiler of zones writes it: nothing but the rule at the end.
fn zone(rule: &str, offset: i32, abbreviation: &str) -> Vec<u8> {
    let counts = |types: u32, letters: u32| [0, 0, 0, 0, types, letters].map(u32::to_be_bytes).concat();
    let header = |counts: Vec<u8>| [&b"TZif2"[..], &[0; 15], &counts].concat();
    let names = [abbreviation.as_bytes(), b"\0"].concat();
    let data = [&offset.to_be_bytes()[..], &[0, 0], &names].concat();
    let head = header(counts(1, names.len() as u32));
    [&head[..], &data, &head, &data, b"\n", rule.as_bytes(), b"\n"].concat()
}

#[test]
fn the_operating_system_of_a_machine_made_of_files() {
    let files = Files::new("system")
        .write("etc/os-release", "ID=debian\nPRETTY_NAME=\"Debian \\\"12\\\"\"\nVERSION_ID='12'\n")
        .write("proc/sys/kernel/osrelease", "6.1.0-9-amd64\n")
        .write("proc/sys/kernel/pid_max", "4194304\n")
        .write("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 400 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
        .write("proc/stat", "btime 1700000000\n")
        .write("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n")
        .folder("proc/1")
        .folder("proc/22")
        .folder("proc/sys");
    let machine = files.machine();
    let row = one(&machine, "Win32_OperatingSystem");
    for (name, expected) in [
        ("Caption", Value::from("Debian \"12\"")),
        ("Version", Value::from("12")),
        ("BuildNumber", Value::from("6.1.0-9-amd64")),
        ("TotalVisibleMemorySize", Value::from(1000_u64)),
        ("FreePhysicalMemory", Value::from(400_u64)),
        ("TotalVirtualMemorySize", Value::from(1000_u64)),
        ("SizeStoredInPagingFiles", Value::from(0_u64)),
        ("NumberOfProcesses", Value::from(2_u32)),
        ("MaxNumberOfProcesses", Value::from(4_194_304_u32)),
        ("NumberOfUsers", Value::Null),
        ("Manufacturer", Value::Null),
        ("ServicePackMajorVersion", Value::Null),
        ("CurrentTimeZone", Value::Sint16(0)),
    ] {
        assert_eq!(value(&row, name), &expected, "{name}");
    }
    assert_eq!(value(&row, "LocalDateTime").to_string(), "20260301120000.000000+000");
    assert_eq!(all(&machine, "Win32_PageFileUsage"), [], "no swap is no row, and no error");
}

#[test]
fn what_is_not_there_is_null_and_not_zero() {
    let row = one(&Files::new("bare").machine(), "Win32_OperatingSystem");
    for name in ["Caption", "TotalVisibleMemorySize", "LastBootUpTime", "FreeVirtualMemory", "MaxNumberOfProcesses"] {
        assert_eq!(value(&row, name), &Value::Null, "{name}");
    }
    let row = one(&Files::new("bare2").machine(), "Win32_ComputerSystem");
    for name in ["TotalPhysicalMemory", "NumberOfProcessors", "HypervisorPresent", "PartOfDomain", "UserName", "Model"]
    {
        assert_eq!(value(&row, name), &Value::Null, "{name}");
    }
    assert_eq!((text(&row, "DNSHostName"), text(&row, "Domain")), (Some("box"), Some("example")));
}

#[test]
fn many_processors_in_several_packages() {
    let mut files = Files::new("many").write("sys/devices/system/cpu/online", "0-63,66-127\n");
    let mut information = String::new();
    let mut stat = "cpu  0 0 0 0\n".to_owned();
    for cpu in (0..64).chain(66..128) {
        let package = cpu / 64;
        let first = cpu & !1;
        let folder = format!("sys/devices/system/cpu/cpu{cpu}/topology");
        files = files
            .write(&format!("{folder}/physical_package_id"), format!("{package}\n"))
            .write(&format!("{folder}/thread_siblings_list"), format!("{first}-{}\n", first + 1));
        information
            .push_str(&format!("processor\t: {cpu}\nmodel name\t: Model {package}\nflags\t: a hypervisor b\n\n"));
        stat.push_str(&format!("cpu{cpu} 100 0 0 100\n"));
    }
    let files = files.write("proc/cpuinfo", information).write("proc/stat", &stat);
    let machine = files.machine();
    let processors = source(&machine, "Win32_Processor");
    let read = || read(&processors);
    let rows = read();
    assert_eq!(rows.len(), 2);
    for (row, package, logical, cores) in [(&rows[0], 0, 64, 32), (&rows[1], 1, 62, 31)] {
        assert_eq!(text(row, "DeviceID"), Some(&*format!("CPU{package}")));
        assert_eq!(text(row, "Name"), Some(&*format!("Model {package}")));
        assert_eq!(
            (number(row, "NumberOfLogicalProcessors"), number(row, "NumberOfCores")),
            (Some(logical), Some(cores))
        );
        assert_eq!((number(row, "AddressWidth"), number(row, "Architecture")), (Some(64), Some(9)));
        assert_eq!(value(row, "LoadPercentage"), &Value::Null, "the first reading has nothing to compare with");
    }
    std::fs::write(files.path("proc/stat"), stat.replace(" 100 0 0 100", " 400 0 0 200")).unwrap();
    let loads: Vec<_> = read().iter().map(|row| number(row, "LoadPercentage")).collect();
    assert_eq!(loads, [Some(75), Some(75)]);
    let computer = one(&machine, "Win32_ComputerSystem");
    assert_eq!(
        (number(&computer, "NumberOfProcessors"), number(&computer, "NumberOfLogicalProcessors")),
        (Some(2), Some(126))
    );
    assert_eq!(value(&computer, "HypervisorPresent"), &Value::Boolean(true));
}

#[test]
fn file_systems_of_dead_servers_are_told_and_not_asked() {
    let files = Files::new("mounts").folder("mnt/dead").folder("mnt/dead/below").folder("data").write(
        "proc/self/mountinfo",
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
         2 1 0:30 / /mnt/dead rw - nfs4 server:/export rw\n\
         3 2 8:2 / /mnt/dead/below ro - vfat /dev/sda2 ro\n\
         4 1 0:31 / /data rw - fuse.sshfs me@there: rw\n\
         5 1 0:4 / /proc rw - proc proc rw\n\
         6 1 0:32 / /tmp rw - tmpfs tmpfs rw\n",
    );
    let files = files
        .link("sys/dev/block/8:1", "../../devices/x/block/sda/sda1")
        .link("dev/disk/by-label/my\\x20root", "../../sda1")
        .link("dev/disk/by-uuid/1234-abcd", "../../sda1");
    let rows = all(&files.machine(), "Win32_LogicalDisk");
    let row = |name: &str| find(&rows, "DeviceID", name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(rows.len(), 5);
    for (name, kind, is_sized) in [
        ("/", Some(3), true),
        ("/mnt/dead", Some(4), false),
        ("/mnt/dead/below", Some(3), false),
        ("/data", None, false),
    ] {
        assert_eq!(number(row(name), "DriveType"), kind, "{name}");
        assert_eq!(number(row(name), "Size").is_some(), is_sized, "{name}");
        assert_eq!(number(row(name), "FreeSpace").is_some(), is_sized, "{name}");
    }
    assert_eq!(text(row("/mnt/dead"), "ProviderName"), Some("server:/export"));
    assert_eq!(
        (text(row("/"), "VolumeName"), text(row("/"), "VolumeSerialNumber")),
        (Some("my root"), Some("1234-abcd"))
    );
    assert_eq!((number(row("/tmp"), "DriveType"), number(row("/mnt/dead/below"), "Access")), (Some(6), Some(1)));
    let volumes = all(&files.machine(), "Win32_Volume");
    assert_eq!(volumes.len(), rows.len());
    for (volume, disk) in volumes.iter().zip(&rows) {
        for (ours, theirs) in
            [("DeviceID", "DeviceID"), ("Capacity", "Size"), ("DriveType", "DriveType"), ("Label", "VolumeName")]
        {
            assert_eq!(value(volume, ours), value(disk, theirs), "{ours}");
        }
        assert!(value(volume, "DriveLetter").is_null() && value(volume, "SerialNumber").is_null());
    }
}

#[test]
fn disks_partitions_and_what_is_on_them_through_volumes() {
    let files = Files::new("disks")
        .write("sys/block/sda/size", "2048\n")
        .write("sys/block/sda/removable", "0\n")
        .write("sys/block/sda/queue/logical_block_size", "4096\n")
        .write("sys/block/sda/device/model", "DISK MODEL      \n")
        .write("sys/block/sda/device/vendor", "VENDOR  \n")
        .write("sys/block/sda/sda1/partition", "1\n")
        .write("sys/block/sda/sda1/start", "8\n")
        .write("sys/block/sda/sda1/size", "1000\n")
        .write("sys/block/sda/sda2/partition", "2\n")
        .folder("sys/block/sda/power")
        .folder("sys/block/loop0")
        .write("sys/block/dm-0/slaves/dm-1/x", "")
        .write("sys/block/dm-1/slaves/sda2/x", "")
        .link("sys/dev/block/8:1", "../../block/sda/sda1")
        .link("sys/dev/block/253:0", "../../block/dm-0")
        .write("proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 253:0 / /home rw - ext4 /dev/mapper/home rw\n3 1 0:9 / /tmp rw - tmpfs x rw\n");
    let machine = files.machine();
    let drive = one(&machine, "Win32_DiskDrive");
    for (name, expected) in [
        ("DeviceID", Value::from("/dev/sda")),
        ("Model", Value::from("DISK MODEL")),
        ("Manufacturer", Value::from("VENDOR")),
        ("Size", Value::from(1_048_576_u64)),
        ("BytesPerSector", Value::from(4096_u32)),
        ("TotalSectors", Value::from(256_u64)),
        ("Partitions", Value::from(2_u32)),
        ("SerialNumber", Value::Null),
        ("TotalHeads", Value::Null),
    ] {
        assert_eq!(value(&drive, name), &expected, "{name}");
    }
    let partitions = all(&machine, "Win32_DiskPartition");
    assert_eq!((number(&partitions[0], "StartingOffset"), number(&partitions[0], "Size")), (Some(4096), Some(512_000)));
    let pairs = |class: &str| -> Vec<_> {
        let rows = all(&machine, class);
        rows.iter()
            .map(|row| (text(row, "Antecedent").unwrap().to_owned(), text(row, "Dependent").unwrap().to_owned()))
            .collect()
    };
    let pair = |left: &str, right: &str| (left.to_owned(), right.to_owned());
    let (first, second) = ("Win32_DiskPartition.DeviceID=\"/dev/sda1\"", "Win32_DiskPartition.DeviceID=\"/dev/sda2\"");
    let disk = "Win32_DiskDrive.DeviceID=\"/dev/sda\"";
    assert_eq!(pairs("Win32_DiskDriveToDiskPartition"), [pair(disk, first), pair(disk, second)]);
    assert_eq!(
        pairs("Win32_LogicalDiskToPartition"),
        [pair(first, "Win32_LogicalDisk.DeviceID=\"/\""), pair(second, "Win32_LogicalDisk.DeviceID=\"/home\"")]
    );
}

#[test]
fn a_zone_with_summer_time() {
    let files = Files::new("berlin")
        .write("usr/share/zoneinfo/Europe/Berlin", zone("CET-1CEST,M3.5.0,M10.5.0/3", 3600, "CET"))
        .link("etc/localtime", "../usr/share/zoneinfo/Europe/Berlin");
    let machine = files.machine();
    let row = one(&machine, "Win32_TimeZone");
    for (name, expected) in [
        ("StandardName", Value::from("CET")),
        ("DaylightName", Value::from("CEST")),
        ("SettingID", Value::from("Europe/Berlin")),
        ("Caption", Value::from("(UTC+01:00) Europe/Berlin")),
        ("Bias", Value::from(60)),
        ("DaylightBias", Value::from(-60)),
        ("StandardBias", Value::from(0_u32)),
        ("DaylightMonth", Value::from(3_u32)),
        ("DaylightDay", Value::from(5_u32)),
        ("DaylightDayOfWeek", Value::from(0_u8)),
        ("DaylightHour", Value::from(2_u32)),
        ("StandardMonth", Value::from(10_u32)),
        ("StandardHour", Value::from(3_u32)),
    ] {
        assert_eq!(value(&row, name), &expected, "{name}");
    }
    // 2026-03-29 is the day: a second before and at the change.
    for (clock, minutes, told) in [
        (1_774_745_999, 60, "20260329015959.000000+060"),
        (1_774_746_000, 120, "20260329030000.000000+120"),
        (1_792_889_999, 120, "20261025025959.000000+120"),
        (1_792_890_000, 60, "20261025020000.000000+060"),
    ] {
        machine.set_clock(clock * 1_000_000);
        let system = one(&machine, "Win32_OperatingSystem");
        assert_eq!(value(&system, "CurrentTimeZone"), &Value::Sint16(minutes));
        assert_eq!(value(&system, "LocalDateTime").to_string(), told);
        let computer = one(&machine, "Win32_ComputerSystem");
        assert_eq!(value(&computer, "DaylightInEffect"), &Value::Boolean(minutes == 120));
    }
}

#[test]
fn zones_of_half_hours_and_files_that_are_no_zones() {
    for (file, bias, name) in [
        (zone("<+0545>-5:45", 20_700, "+0545"), 345, "+0545"),
        (zone("NST3:30NDT,M3.2.0,M11.1.0", -12_600, "NST"), -210, "NST"),
        (b"TZif2 and nonsense".to_vec(), 0, "UTC"),
        (Vec::new(), 0, "UTC"),
    ] {
        let files = Files::new("zones").write("etc/localtime", file);
        let row = one(&files.machine(), "Win32_TimeZone");
        assert_eq!((value(&row, "Bias"), text(&row, "StandardName")), (&Value::from(bias), Some(name)));
    }
}

#[test]
fn the_clock_in_parts() {
    let machine = Files::new("clock").machine();
    let row = one(&machine, "Win32_UTCTime");
    let parts = ["Year", "Quarter", "Month", "WeekInMonth", "Day", "DayOfWeek", "Hour", "Minute", "Second"];
    // 2026-03-01 is a Sunday.
    let numbers = |row| parts.map(|part| number(row, part).unwrap());
    assert_eq!(numbers(&row), [2026, 1, 3, 1, 1, 0, 12, 0, 0]);
    machine.set_clock(1_798_761_599_000_000);
    let row = one(&machine, "Win32_LocalTime");
    assert_eq!(numbers(&row), [2026, 4, 12, 5, 31, 4, 23, 59, 59]);
    assert_eq!(
        (value(&row, "Milliseconds"), row.relative_path().unwrap().to_string()),
        (&Value::Null, "Win32_LocalTime=@".to_owned())
    );
}

#[test]
fn firmware_tells_what_it_shows_and_the_rest_is_null() {
    let files = Files::new("dmi")
        .write("sys/class/dmi/id/bios_vendor", "SeaBIOS\n")
        .write("sys/class/dmi/id/bios_version", "1.16\n")
        .write("sys/class/dmi/id/bios_date", "04/01/2014\n")
        .write("sys/class/dmi/id/bios_release", "5.17\n")
        .write("sys/class/dmi/id/sys_vendor", "QEMU\n")
        .write("sys/class/dmi/id/product_name", "Standard PC\n")
        .write("sys/class/dmi/id/board_name", "\n");
    let machine = files.machine();
    let bios = one(&machine, "Win32_BIOS");
    assert_eq!((text(&bios, "Manufacturer"), text(&bios, "Name")), (Some("SeaBIOS"), Some("1.16")));
    assert_eq!(value(&bios, "ReleaseDate").to_string(), "20140401000000.000000+000");
    assert_eq!((number(&bios, "SystemBiosMajorVersion"), value(&bios, "SerialNumber")), (Some(5), &Value::Null));
    assert_eq!(value(&one(&machine, "Win32_BaseBoard"), "Product"), &Value::Null);
    assert_eq!(text(&one(&machine, "Win32_ComputerSystem"), "Manufacturer"), Some("QEMU"));
    assert_eq!(text(&one(&machine, "Win32_ComputerSystemProduct"), "Name"), Some("Standard PC"));
    assert_eq!(all(&Files::new("nodmi").machine(), "Win32_BIOS"), []);
}

#[test]
fn interfaces_of_a_machine_made_of_files() {
    let files = Files::new("net")
        .write("sys/class/net/eth0/ifindex", "3\n")
        .write("sys/class/net/eth0/address", "02:0a:00:00:00:01\n")
        .write("sys/class/net/eth0/flags", "0x1003\n")
        .write("sys/class/net/eth0/carrier", "0\n")
        .write("sys/class/net/eth0/speed", "1000\n")
        .write("sys/class/net/eth0/type", "1\n")
        .write("sys/class/net/eth0/mtu", "9000\n")
        .link("sys/class/net/eth0/device", "../../../0000:00:03.0")
        .write("sys/class/net/lo/ifindex", "1\n")
        .write("sys/class/net/lo/address", "00:00:00:00:00:00\n")
        .write("sys/class/net/lo/flags", "0x8\n")
        .write("sys/class/net/lo/type", "772\n")
        .write("sys/class/net/lo/speed", "-1\n")
        .write("sys/class/net/bonding_masters", "\n");
    let machine = files.machine();
    let rows = some(
        &machine,
        "Win32_NetworkAdapter",
        &["Name", "MACAddress", "Speed", "NetConnectionStatus", "NetEnabled", "PhysicalAdapter", "AdapterTypeID"],
    );
    let told = |row| {
        ["MACAddress", "Speed", "NetConnectionStatus", "NetEnabled", "PhysicalAdapter", "AdapterTypeID"]
            .map(|name| value(row, name).to_string())
    };
    assert_eq!(
        told(find(&rows, "Name", "eth0").unwrap()),
        ["02:0A:00:00:00:01", "1000000000", "7", "TRUE", "TRUE", "0"]
    );
    assert_eq!(told(find(&rows, "Name", "lo").unwrap()), ["", "", "0", "FALSE", "FALSE", ""]);
    assert_eq!(rows.len(), 2);
    let ends = all(&machine, "Win32_NetworkAdapterConfiguration");
    assert_eq!((number(&ends[0], "MTU"), value(&ends[0], "IPAddress")), (Some(9000), &Value::Null));
}

#[test]
fn sources_that_are_missing_are_errors_and_not_empty_sets() {
    let machine = Files::new("nothing").machine();
    for class in ["Win32_LogicalDisk", "Win32_PageFileUsage", "Win32_IP4RouteTable", "Win32_Processor"] {
        let source = source(&machine, class);
        let error = source.open(&Wanted::everything()).err().unwrap_or_else(|| panic!("{class}"));
        assert_eq!(error.status, WbemStatus::ProviderLoadFailure, "{class}");
        assert!(error.to_string().contains("this machine has no"), "{error}");
    }
}

/// Asserts that opening a class and each of its steps open no more than so many files; gives the rows.
fn in_bounded_steps(machine: &Rc<Machine>, query: &str, most: u64) -> Vec<Arc<Instance>> {
    let class = query.split_once(" FROM ").unwrap().1;
    let source = source(machine, class);
    let mut before = machine.files_opened();
    let mut is_within = || {
        let opened = machine.files_opened() - std::mem::replace(&mut before, machine.files_opened());
        assert!(opened <= most, "{query}: {opened} files in one step");
    };
    let mut rows = source.open(&wanted(&source, query)).unwrap();
    is_within();
    let mut read = Vec::new();
    while let Progress::More = rows.step(1000, &mut read) {
        is_within();
    }
    read
}

#[test]
fn four_thousand_processors_are_read_in_slices() {
    const COUNT: u32 = 4096;
    let mut files = Files::new("four-thousand").write("sys/devices/system/cpu/online", format!("0-{}\n", COUNT - 1));
    // As long as the kernel's own text of so many: the flags of each.
    let (flags, mut information) = ("flag ".repeat(300), String::new());
    for cpu in 0..COUNT {
        let folder = format!("sys/devices/system/cpu/cpu{cpu}/topology");
        files = files
            .write(&format!("{folder}/physical_package_id"), format!("{}\n", cpu / 512))
            .write(&format!("{folder}/thread_siblings_list"), format!("{}-{}\n", cpu & !1, cpu | 1));
        information += &format!("processor\t: {cpu}\nmodel name\t: Model {}\nflags\t: {flags}\n\n", cpu / 512);
    }
    let machine = files.write("proc/cpuinfo", information);
    let machine = (machine.machine(), machine);
    let rows = in_bounded_steps(&machine.0, "SELECT NumberOfCores, Name, Description FROM Win32_Processor", 160);
    let told: Vec<_> = rows.iter().map(|row| (text(row, "Name").unwrap(), number(row, "NumberOfCores"))).collect();
    let names: Vec<_> = (0..8).map(|package| format!("Model {package}")).collect();
    assert_eq!(told, names.iter().map(|name| (&**name, Some(256))).collect::<Vec<_>>());
    let rows = in_bounded_steps(&machine.0, "SELECT NumberOfProcessors FROM Win32_ComputerSystem", 160);
    assert_eq!(number(&rows[0], "NumberOfProcessors"), Some(8));
}

#[test]
fn many_disks_are_read_in_slices() {
    let mut files = Files::new("many-disks").write("proc/self/mountinfo", "1 0 8:1 / /data rw - ext4 /dev/sd1 rw\n");
    for number in 0..300 {
        files = files
            .write(&format!("sys/block/sd{number}/device/model"), "x\n")
            .write(&format!("sys/block/sd{number}/sd{number}p1/partition"), "1\n");
    }
    let files = files.link("sys/dev/block/8:1", "../../block/sd7/sd7p1");
    let machine = files.machine();
    for (class, rows) in [
        ("Win32_DiskDrive", 300),
        ("Win32_DiskPartition", 300),
        ("Win32_DiskDriveToDiskPartition", 300),
        ("Win32_LogicalDiskToPartition", 1),
    ] {
        let query = format!("SELECT __CLASS FROM {class}");
        assert_eq!(in_bounded_steps(&machine, &query, 100).len(), rows, "{class}");
    }
}

#[test]
fn what_looks_like_a_disk_and_is_none() {
    let files = Files::new("no-disks")
        .write("sys/block/sda/device/type", "0\n")
        .write("sys/block/sda/hidden", "0\n")
        // A drive for discs; and one of the ways to a disk that the kernel shows as one.
        .write("sys/block/sr0/device/type", "5\n")
        .write("sys/block/nvme0c0n1/device/model", "x\n")
        .write("sys/block/nvme0c0n1/hidden", "1\n");
    assert_eq!(text(&one(&files.machine(), "Win32_DiskDrive"), "DeviceID"), Some("/dev/sda"));
}

#[test]
fn a_zone_that_is_linked_from_the_root_is_the_one_of_the_image() {
    let files = Files::new("image")
        .write("usr/share/zoneinfo/Nowhere/Town", zone("<+0545>-5:45", 20_700, "+0545"))
        .link("etc/localtime", "/usr/share/zoneinfo/Nowhere/Town");
    let row = one(&files.machine(), "Win32_TimeZone");
    assert_eq!((value(&row, "Bias"), text(&row, "SettingID")), (&Value::from(345), Some("Nowhere/Town")));
    let files = Files::new("image-loop").link("etc/localtime", "localtime");
    assert_eq!(value(&one(&files.machine(), "Win32_TimeZone"), "Bias"), &Value::from(0));
}

#[test]
fn who_is_locked_is_read_once_for_all() {
    let users: String = (0..50).map(|number| format!("u{number}:x:{number}:100::/:\n")).collect();
    let files = Files::new("shadow").write("etc/passwd", users).write("etc/shadow", "u1:!x:1:\nu2:$6$x:1:\nu3:*:1:\n");
    let machine = files.machine();
    let before = machine.files_opened();
    let rows = some(&machine, "Win32_UserAccount", &["Name", "Disabled"]);
    let locked = |name: &str| value(find(&rows, "Name", name).unwrap(), "Disabled").clone();
    let expected = [Value::Boolean(true), Value::Boolean(false), Value::Boolean(true), Value::Null];
    assert_eq!(["u1", "u2", "u3", "u4"].map(locked), expected);
    // Accounts, groups, locks; the name of the machine.
    assert_eq!(machine.files_opened() - before, 4);
}

#[test]
fn a_pipe_in_the_place_of_a_file_holds_nobody() {
    use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};
    const PIPES: &[&str] = &[
        "etc/group",
        "etc/localtime",
        "etc/os-release",
        "etc/passwd",
        "etc/resolv.conf",
        "etc/shadow",
        "proc/10/cmdline",
        "proc/10/io",
        "proc/10/stat",
        "proc/10/status",
        "proc/cpuinfo",
        "proc/diskstats",
        "proc/meminfo",
        "proc/net/dev",
        "proc/net/route",
        "proc/self/environ",
        "proc/self/mountinfo",
        "proc/stat",
        "proc/swaps",
        "run/utmp",
        "sys/class/dmi/id/bios_version",
        "sys/class/net/eth0/ifindex",
    ];
    for has_writers in [false, true] {
        let mut files = Files::new("pipes").write("sys/devices/system/cpu/online", "0\n");
        let mut writers = Vec::new();
        for pipe in PIPES {
            files = files.folder(pipe.rsplit_once('/').unwrap().0);
            mknodat(CWD, files.path(pipe), FileType::Fifo, Mode::RWXU, 0).unwrap();
            // One who may write and does not leaves a reader waiting.
            writers.extend(has_writers.then(|| open(files.path(pipe), OFlags::RDWR, Mode::empty()).unwrap()));
        }
        let machine = files.machine();
        for source in msgpump::wbem::linux::classes_of(&machine).iter().filter(|source| !source.class().is_event()) {
            let Ok(mut rows) = source.open(&Wanted::everything()) else { continue };
            while let Progress::More = rows.step(100, &mut Vec::new()) {}
        }
        let rows = all(&machine, "Win32_Process");
        assert_eq!((rows.len(), value(&rows[0], "Name")), (1, &Value::Null));
        assert_eq!(super::support::equal(&machine, "CIM_DataFile", "Name", "/etc/passwd"), []);
    }
}
