//! Rates: none at first, then what the counters rose by.

use std::fs;

use msgpump::wbem::{ClassProvider, Value};

use super::support::{CLOCK, Files, drain, find, number, read, source, text, value, wanted};

#[test]
fn processors_disks_interfaces_and_memory_have_rates_from_the_second_reading() {
    let files = Files::new("rates")
        .write("proc/stat", "cpu  0 0 0 0\ncpu0 100 0 0 100 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0\nctxt 1000\n")
        .write("proc/uptime", "500.25 1000.0\n")
        .write("proc/loadavg", "0.1 0.2 0.3 2/345 999\n")
        .write("proc/diskstats", "8 0 sda 10 0 100 0 20 0 200 0 3 1000 0\n8 1 sda1 1 0 1 0 1 0 1 0 0 1 0\n")
        .write("sys/block/sda/device/model", "x\n")
        .write("proc/net/dev", "a\nb\n eth0: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n")
        .write("sys/class/net/eth0/speed", "100\n")
        .write("proc/meminfo", "MemAvailable: 2048 kB\nCommitted_AS: 50 kB\nCommitLimit: 200 kB\n")
        .write("proc/vmstat", "pgfault 100\npgmajfault 5\npswpin 0\npswpout 0\n");
    let machine = files.machine();
    let sources =
        ["PerfOS_Processor", "PerfOS_System", "PerfOS_Memory", "PerfDisk_PhysicalDisk", "Tcpip_NetworkInterface"]
            .map(|name| source(&machine, &format!("Win32_PerfFormattedData_{name}")));
    let [processor, system, memory, disk, interface] = &sources;
    for (source, rates) in [
        (processor, &["PercentProcessorTime", "PercentIdleTime", "PercentUserTime"][..]),
        (system, &["ContextSwitchesPersec"]),
        (memory, &["PageFaultsPersec", "PagesPersec"]),
        (disk, &["DiskReadsPersec", "DiskBytesPersec", "PercentDiskTime", "PercentIdleTime"]),
        (interface, &["BytesTotalPersec", "PacketsPersec"]),
    ] {
        for row in read(source) {
            rates.iter().for_each(|name| assert_eq!(value(&row, name), &Value::Null, "{name}"));
        }
    }
    let files = files
        .write("proc/stat", "cpu  0 0 0 0\ncpu0 130 0 20 150 0 0 0 0\ncpu1 0 0 0 100 0 0 0 0\nctxt 3000\n")
        .write("proc/diskstats", "8 0 sda 14 0 108 0 20 0 204 0 1 1500 0\n")
        .write("proc/net/dev", "a\nb\n eth0: 3000 14 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n")
        .write("proc/vmstat", "pgfault 102\npgmajfault 5\npswpin 4\npswpout 2\n");
    machine.set_clock(CLOCK + 2_000_000);
    let [processor, system, memory, disk, interface] = sources.each_ref().map(read);
    for (rows, name, expected) in [
        (&processor, "0", &[("PercentProcessorTime", 50), ("PercentUserTime", 30), ("PercentPrivilegedTime", 20)][..]),
        (&processor, "1", &[("PercentProcessorTime", 0), ("PercentIdleTime", 100)]),
        (&processor, "_Total", &[("PercentProcessorTime", 25), ("PercentIdleTime", 75)]),
        (
            &disk,
            "/dev/sda",
            &[
                ("DiskReadsPersec", 2),
                ("DiskWritesPersec", 0),
                ("DiskBytesPersec", 3072),
                ("CurrentDiskQueueLength", 1),
                ("PercentDiskTime", 25),
                ("PercentIdleTime", 75),
            ],
        ),
        (
            &interface,
            "eth0",
            &[
                ("BytesReceivedPersec", 1000),
                ("BytesSentPersec", 0),
                ("PacketsReceivedPersec", 2),
                ("CurrentBandwidth", 100_000_000),
                ("PacketsOutboundErrors", 3),
            ],
        ),
    ] {
        let row = find(rows, "Name", name).unwrap_or_else(|| panic!("{name}"));
        expected
            .iter()
            .for_each(|(property, number_of)| assert_eq!(number(row, property), Some(*number_of), "{name} {property}"));
    }
    let (system, memory) = (&system[0], &memory[0]);
    assert_eq!(
        ["ContextSwitchesPersec", "SystemUpTime", "Threads"].map(|name| number(system, name)),
        [Some(1000), Some(500), Some(345)]
    );
    assert_eq!(
        ["PageFaultsPersec", "PagesPersec", "AvailableBytes", "AvailableMBytes", "PercentCommittedBytesInUse"]
            .map(|name| number(memory, name)),
        [Some(1), Some(3), Some(2_097_152), Some(2), Some(25)]
    );
    drop(files);
}

#[test]
fn processes_have_rates_when_they_were_seen_before() {
    let stat = |pid: u32, user: u64, start: u64| {
        format!("{pid} (job) S 1 1 1 0 -1 0 10 0 0 0 {user} 0 0 0 20 0 1 0 {start} 4096 1 0\n")
    };
    let files = Files::new("jobs")
        .write("proc/10/stat", stat(10, 100, 5))
        .write("proc/11/stat", stat(11, 100, 5))
        .write("proc/12/stat", stat(12, 100, 5));
    let machine = files.machine();
    let source = source(&machine, "Win32_PerfFormattedData_PerfProc_Process");
    let query = |list: &str| wanted(&source, &format!("SELECT {list} FROM Win32_PerfFormattedData_PerfProc_Process"));
    let read = || {
        let mut rows = drain(&mut *source.open(&query("Name, IDProcess, PercentProcessorTime")).unwrap());
        rows.sort_by_key(|row| number(row, "IDProcess"));
        rows.iter().map(|row| number(row, "PercentProcessorTime")).collect::<Vec<_>>()
    };
    assert_eq!(read(), [None; 3]);
    let ticks = rustix::param::clock_ticks_per_second();
    // One works half of the time, one is another process with the number, one is gone.
    fs::write(files.path("proc/10/stat"), stat(10, 100 + ticks, 5)).unwrap();
    fs::write(files.path("proc/11/stat"), stat(11, 100 + ticks, 6)).unwrap();
    fs::remove_dir_all(files.path("proc/12")).unwrap();
    machine.set_clock(CLOCK + 2_000_000);
    assert_eq!(read(), [Some(50), None]);
    let rows = drain(&mut *source.open(&query("Name")).unwrap());
    let mut told: Vec<_> = rows.iter().map(|row| text(row, "Name").unwrap()).collect();
    told.sort();
    assert_eq!(told, ["job", "job#1"]);
}

#[test]
fn every_process_has_a_name_of_its_own() {
    // One calls itself as the second of the others would be called.
    let stat = |pid: u32, name: &str| format!("{pid} ({name}) S 1 1 1 0 -1 0 10 0 0 0 5 0 0 0 20 0 1 0 5 4096 1 0\n");
    let mut files = Files::new("namesakes");
    for (pid, name) in [(10, "job"), (11, "job#1"), (12, "job"), (13, "job#1"), (14, "job")] {
        files = files.write(&format!("proc/{pid}/stat"), stat(pid, name));
    }
    let source = source(&files.machine(), "Win32_PerfFormattedData_PerfProc_Process");
    let rows = read(&source);
    let names: std::collections::BTreeSet<_> = rows.iter().map(|row| text(row, "Name").unwrap()).collect();
    assert_eq!(names.len(), 5, "{names:?}");
}

#[test]
fn counters_at_their_ends_are_no_panic() {
    let most = u64::MAX;
    let files = Files::new("ends")
        .write("proc/stat", "cpu0 0 0 0 0 0 0 0 0\n")
        .write("proc/net/dev", "a\nb\n eth0: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
    let machine = files.machine();
    let sources = ["PerfOS_Processor", "Tcpip_NetworkInterface"]
        .map(|name| source(&machine, &format!("Win32_PerfFormattedData_{name}")));
    sources.iter().for_each(|source| drop(read(source)));
    let files = files
        .write("proc/stat", format!("cpu0 {most} {most} {most} {most} {most} 0 0 0\n"))
        .write("proc/net/dev", format!("a\nb\n eth0: {most} 0 0 0 0 0 0 0 {most} 0 0 0 0 0 0 0\n"));
    machine.set_clock(CLOCK + 1_000_000);
    let [processor, interface] = sources.each_ref().map(read);
    assert_eq!(number(&processor[0], "PercentUserTime"), Some(100));
    assert_eq!(
        (number(&interface[0], "BytesSentPersec"), value(&interface[0], "BytesTotalPersec")),
        (Some(most), &Value::Null)
    );
    drop(files);
}
