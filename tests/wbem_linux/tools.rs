//! What the classes say of this machine, compared with what its own tools say of it.
//!
//! A tool that is missing is told with a word. Between two readings processes come and go and memory is
//! used, so what changes is compared with room for it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use msgpump::wbem::linux::Machine;
use msgpump::wbem::{Instance, Value};

use super::support::{all, equal, find, number, one, some, text, tool, value};

fn this() -> Rc<Machine> {
    Rc::new(Machine::new())
}

/// Asserts that two readings of a number that moves are near each other.
fn assert_near(what: &str, ours: u64, theirs: u64, room: u64) {
    assert!(ours.abs_diff(theirs) <= room, "{what}: we say {ours}, the tool says {theirs}");
}

#[test]
fn processes_are_those_of_ps() {
    let columns = "pid=,ppid=,sess=,nlwp=,ni=,vsz=,uid=,comm=";
    let Some(before) = tool("ps", &["-eo", columns]) else { return };
    let rows = all(&this(), "Win32_Process");
    let Some(after) = tool("ps", &["-eo", columns]) else { return };
    let lines = |text: &str| -> HashMap<String, String> {
        let line = |line: &str| Some((line.split_whitespace().next()?.to_owned(), line.to_owned()));
        text.lines().filter_map(line).collect()
    };
    let (before, after) = (lines(&before), lines(&after));
    // What did not change from before to after was so in between.
    let mut compared = 0;
    for (pid, line) in before.iter().filter(|(pid, line)| after.get(*pid) == Some(line)) {
        let row = find(&rows, "Handle", pid).unwrap_or_else(|| panic!("ps sees {line}"));
        let words: Vec<_> = line.split_whitespace().collect();
        let name = line.splitn(2, words[6]).last().map(|_| words[7..].join(" ")).unwrap();
        assert_eq!(number(row, "ProcessId"), pid.parse().ok());
        assert_eq!(number(row, "ParentProcessId"), words[1].parse().ok(), "{line}");
        assert_eq!(number(row, "SessionId"), words[2].parse().ok(), "{line}");
        if let Ok(nice) = words[4].parse::<i64>() {
            assert_eq!(number(row, "Priority"), u64::try_from(20 - nice).ok(), "{line}");
        }
        // A kernel's worker is called after what it works on as well, and may have had the same work before and after.
        let name = if name.starts_with("kworker/") { name.split(['-', '+']).next().unwrap_or_default() } else { &name };
        // ps cuts the longer names that kernel threads have.
        let told = text(row, "Name").unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.starts_with(name.trim_end_matches('+')) || told == name, "{line}: {told}");
        compared += 1;
    }
    assert!(compared > 0, "nothing stayed the same");
    let unseen = rows.iter().filter(|row| {
        let pid = text(row, "Handle").unwrap();
        !before.contains_key(pid) && !after.contains_key(pid)
    });
    // A process may begin and end between the two.
    assert!(unseen.count() <= rows.len() / 2);
}

#[test]
fn a_process_that_sleeps_is_as_ps_has_it() {
    let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let pid = child.id().to_string();
    let row = || equal(&this(), "Win32_Process", "Handle", &pid).remove(0);
    // It sleeps once its program has been loaded, and nothing of it moves any more.
    while text(&row(), "CommandLine") != Some("sleep 1000") || number(&row(), "ExecutionState") != Some(4) {
        std::thread::yield_now();
    }
    let told = tool("ps", &["-o", "nlwp=,vsz=,rss=,cputimes=,args=", "-p", &pid]);
    let row = row();
    child.kill().unwrap();
    child.wait().unwrap();
    let Some(told) = told else { return };
    let words: Vec<_> = told.split_whitespace().collect();
    assert_eq!(number(&row, "ThreadCount"), words[0].parse().ok());
    assert_eq!(number(&row, "VirtualSize").map(|bytes| bytes / 1024), words[1].parse().ok());
    assert_near("rss", number(&row, "WorkingSetSize").unwrap() / 1024, words[2].parse().unwrap(), 1024);
    assert_eq!(number(&row, "UserModeTime").map(|time| time / 10_000_000), words[3].parse().ok());
    assert_eq!(text(&row, "CommandLine"), Some(&*words[4..].join(" ")));
}

#[test]
fn this_process_knows_itself() {
    let pid = std::process::id();
    let rows = equal(&this(), "Win32_Process", "Handle", pid.to_string());
    let [row] = &rows[..] else { panic!("{} rows", rows.len()) };
    assert_eq!(number(row, "ProcessId"), Some(pid.into()));
    assert_eq!(text(row, "ExecutablePath"), std::env::current_exe().unwrap().to_str());
    let arguments: Vec<_> = std::env::args().collect();
    assert_eq!(text(row, "CommandLine"), Some(&*arguments.join(" ")));
    assert!(number(row, "ThreadCount") >= Some(1) && number(row, "HandleCount") >= Some(3));
    assert!(number(row, "WorkingSetSize") > Some(100_000));
    assert!(number(row, "PeakWorkingSetSize") >= Some(100));
    assert!(number(row, "ReadTransferCount").is_some());
    let created = value(row, "CreationDate").to_string();
    let system = one(&this(), "Win32_OperatingSystem");
    assert!(created >= value(&system, "LastBootUpTime").to_string());
    assert!(created <= value(&system, "LocalDateTime").to_string());
    let by_number = equal(&this(), "Win32_Process", "ProcessId", pid);
    assert_eq!(by_number.len(), 1);
}

#[test]
fn the_start_of_a_process_is_that_of_ps() {
    let Some(told) = tool("ps", &["-o", "etimes=", "-p", &std::process::id().to_string()]) else { return };
    let rows = equal(&this(), "Win32_Process", "Handle", std::process::id().to_string());
    let moment = |row: &Instance, name: &str| match value(row, name) {
        Value::DateTime(msgpump::wbem::DateTime::Timestamp(moment)) => moment.unix_microseconds().unwrap(),
        other => panic!("{name} is {other:?}"),
    };
    let now = moment(&one(&this(), "Win32_OperatingSystem"), "LocalDateTime");
    let seconds = (now - moment(&rows[0], "CreationDate")) / 1_000_000;
    assert_near("seconds since the start", seconds.try_into().unwrap(), told.trim().parse().unwrap(), 2);
}

#[test]
fn the_operating_system_is_that_of_uname_and_free() {
    let row = one(&this(), "Win32_OperatingSystem");
    for (option, property) in [("-r", "BuildNumber"), ("-m", "OSArchitecture"), ("-n", "CSName")] {
        if let Some(told) = tool("uname", &[option]) {
            assert_eq!(text(&row, property), Some(told.trim_end()), "{property}");
        }
    }
    assert_eq!(
        (number(&row, "OSType"), row.relative_path().unwrap().to_string()),
        (Some(36), "Win32_OperatingSystem=@".to_owned())
    );
    if let Some(told) = tool("free", &["-k"]) {
        let line = |head: &str| -> Vec<u64> {
            let line = told.lines().find(|line| line.starts_with(head)).unwrap();
            line.split_whitespace().skip(1).map(|word| word.parse().unwrap()).collect()
        };
        let (memory, swap) = (line("Mem:"), line("Swap:"));
        assert_eq!(number(&row, "TotalVisibleMemorySize"), Some(memory[0]));
        assert_eq!(number(&row, "SizeStoredInPagingFiles"), Some(swap[0]));
        assert_eq!(number(&row, "TotalVirtualMemorySize"), Some(memory[0] + swap[0]));
        assert_near("available", number(&row, "FreePhysicalMemory").unwrap(), memory[5], memory[0] / 4);
        let computer = one(&this(), "Win32_ComputerSystem");
        assert_eq!(number(&computer, "TotalPhysicalMemory"), Some(memory[0] * 1024));
    }
    let processes = some(&this(), "Win32_Process", &["Handle"]).len() as u64;
    assert_near("processes", number(&row, "NumberOfProcesses").unwrap(), processes, processes / 2 + 64);
}

#[test]
fn the_boot_is_that_of_the_kernel() {
    let Some(told) = tool("awk", &["/^btime/ {print $2}", "/proc/stat"]) else { return };
    let row = one(&this(), "Win32_OperatingSystem");
    let Value::DateTime(msgpump::wbem::DateTime::Timestamp(boot)) = value(&row, "LastBootUpTime") else { panic!() };
    let told: u64 = told.trim().parse().unwrap();
    assert_near("boot", (boot.unix_microseconds().unwrap() / 1_000_000).try_into().unwrap(), told, 1);
}

#[test]
fn processors_are_those_of_getconf_and_lscpu() {
    let computer = one(&this(), "Win32_ComputerSystem");
    let rows = all(&this(), "Win32_Processor");
    assert_eq!(number(&computer, "NumberOfProcessors"), Some(rows.len() as u64));
    if let Some(told) = tool("getconf", &["_NPROCESSORS_ONLN"]) {
        assert_eq!(number(&computer, "NumberOfLogicalProcessors"), told.trim().parse().ok());
        let sum: u64 = rows.iter().filter_map(|row| number(row, "NumberOfLogicalProcessors")).sum();
        assert_eq!(Some(sum), told.trim().parse().ok());
    }
    if let Some(told) = tool("nproc", &[]) {
        // This process may be kept from some of them.
        assert!(number(&computer, "NumberOfLogicalProcessors") >= told.trim().parse().ok());
    }
    let Some(told) = tool("lscpu", &["-p=CPU,CORE,SOCKET"]) else { return };
    let lines = told.lines().filter(|line| !line.starts_with('#'));
    let mut cores = BTreeSet::new();
    let mut sockets = BTreeSet::new();
    for line in lines {
        let words: Vec<_> = line.split(',').collect();
        cores.insert((words[2].to_owned(), words[1].to_owned()));
        sockets.insert(words[2].to_owned());
    }
    assert_eq!(rows.len(), sockets.len());
    let sum: u64 = rows.iter().filter_map(|row| number(row, "NumberOfCores")).sum();
    assert_eq!(sum, cores.len() as u64);
}

#[test]
fn file_systems_are_those_of_df() {
    let Some(told) = tool("df", &["-B1", "-a", "--output=target,fstype,size,avail"]) else { return };
    let rows = all(&this(), "Win32_LogicalDisk");
    let mut seen = BTreeMap::new();
    for line in told.lines().skip(1) {
        let words: Vec<_> = line.split_whitespace().collect();
        // A blank in a name would shift the words.
        if let [target, kind, size, free] = words[..] {
            seen.insert(target.to_owned(), (kind.to_owned(), size.parse::<u64>(), free.parse::<u64>()));
        }
    }
    let mut compared = 0;
    for row in &rows {
        let name = text(row, "DeviceID").unwrap();
        let Some((kind, Ok(size), Ok(free))) = seen.get(name) else { continue };
        assert_eq!(text(row, "FileSystem"), Some(&**kind), "{name}");
        if let Some(ours) = number(row, "Size") {
            assert_eq!(ours, *size, "{name}");
            assert_near(name, number(row, "FreeSpace").unwrap(), *free, size / 4 + (4 << 30));
        }
        compared += 1;
    }
    assert!(find(&rows, "DeviceID", "/").is_some() && compared > 0);
    assert!(find(&rows, "DeviceID", "/proc").is_none(), "the kernel's own file systems are no disks");
}

#[test]
fn disks_are_those_of_lsblk() {
    let Some(told) = tool("lsblk", &["-b", "-n", "-l", "-o", "NAME,TYPE,SIZE,LOG-SEC,RM"]) else { return };
    let (drives, partitions) = (all(&this(), "Win32_DiskDrive"), all(&this(), "Win32_DiskPartition"));
    let lines: Vec<Vec<_>> = told.lines().map(|line| line.split_whitespace().collect()).collect();
    for row in &drives {
        let name = text(row, "DeviceID").unwrap().trim_start_matches("/dev/");
        let line = lines.iter().find(|line| line[0] == name).unwrap_or_else(|| panic!("lsblk sees {name}"));
        assert_eq!((number(row, "Size"), number(row, "BytesPerSector")), (line[2].parse().ok(), line[3].parse().ok()));
        assert_eq!(text(row, "MediaType").map(|kind| kind.starts_with("Removable")), Some(line[4] == "1"));
    }
    let theirs: BTreeSet<_> =
        lines.iter().filter(|line| line[1] == "part").map(|line| format!("/dev/{}", line[0])).collect();
    let ours: BTreeSet<_> = partitions.iter().map(|row| text(row, "DeviceID").unwrap().to_owned()).collect();
    assert!(ours.is_subset(&theirs), "{ours:?} of {theirs:?}");
    assert_eq!(all(&this(), "Win32_DiskDriveToDiskPartition").len(), partitions.len());
}

#[test]
fn interfaces_addresses_and_routes_are_those_of_ip() {
    let (adapters, ends) = (all(&this(), "Win32_NetworkAdapter"), all(&this(), "Win32_NetworkAdapterConfiguration"));
    if let Some(told) = tool("ip", &["-o", "link"]) {
        assert_eq!(adapters.len(), told.lines().count());
        for line in told.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            let name = words[1].trim_end_matches(':').split('@').next().unwrap();
            let row = find(&adapters, "Name", name).unwrap_or_else(|| panic!("ip sees {name}"));
            assert_eq!(text(row, "DeviceID"), Some(words[0].trim_end_matches(':')), "{name}");
            assert_eq!(
                value(row, "NetEnabled"),
                &Value::Boolean(words[2].trim_matches(['<', '>']).split(',').any(|flag| flag == "UP"))
            );
            let mtu = words.iter().position(|word| *word == "mtu").map(|place| words[place + 1]);
            let end = find(&ends, "SettingID", name).unwrap();
            assert_eq!(number(end, "MTU"), mtu.and_then(|mtu| mtu.parse().ok()), "{name}");
            let ether =
                words.iter().position(|word| *word == "link/ether").map(|place| words[place + 1].to_uppercase());
            assert_eq!(text(row, "MACAddress"), ether.as_deref(), "{name}");
        }
    }
    let Some(told) = tool("ip", &["-o", "addr"]) else { return };
    let mut theirs = BTreeMap::<&str, BTreeSet<&str>>::new();
    for line in told.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        theirs.entry(words[1]).or_default().insert(words[3].split('/').next().unwrap());
    }
    for row in &ends {
        let name = text(row, "SettingID").unwrap();
        let addresses = value(row, "IPAddress").as_array().unwrap_or_default();
        let ours: BTreeSet<_> = addresses.iter().filter_map(Value::as_str).collect();
        assert_eq!(ours, theirs.get(name).cloned().unwrap_or_default(), "{name}");
        assert_eq!(value(row, "IPEnabled"), &Value::Boolean(!ours.is_empty()), "{name}");
    }
    let Some(told) = tool("ip", &["-4", "route", "show", "default"]) else { return };
    let gateways = told.lines().filter_map(|line| line.split_once(" via ")?.1.split_whitespace().next());
    let routes = equal(&this(), "Win32_IP4RouteTable", "Destination", "0.0.0.0");
    for gateway in gateways {
        assert!(find(&routes, "NextHop", gateway).is_some(), "{gateway}");
    }
}

#[test]
fn accounts_are_those_of_getent() {
    let host = text(&one(&this(), "Win32_ComputerSystem"), "Name").unwrap().to_owned();
    let users = all(&this(), "Win32_UserAccount");
    for user in &users {
        let name = text(user, "Name").unwrap();
        let Some(told) = tool("getent", &["passwd", name]) else { return };
        let fields: Vec<_> = told.trim_end().split(':').collect();
        assert_eq!(fields[0], name);
        assert_eq!(text(user, "FullName").unwrap_or_default(), fields[4].split(',').next().unwrap());
        assert_eq!(text(user, "Caption"), Some(&*format!("{host}\\{name}")));
    }
    let members = all(&this(), "Win32_GroupUser");
    for group in all(&this(), "Win32_Group") {
        let name = text(&group, "Name").unwrap();
        let Some(told) = tool("getent", &["group", name]) else { return };
        let listed = told.trim_end().rsplit(':').next().unwrap().split(',').filter(|member| !member.is_empty());
        for member in listed.filter(|member| find(&users, "Name", member).is_some()) {
            let path = |class: &str, name: &str| Value::reference(format!("{class}.Domain=\"{host}\",Name=\"{name}\""));
            let (group, user) = (path("Win32_Group", name), path("Win32_UserAccount", member));
            let is_row =
                |row: &&Arc<Instance>| value(row, "GroupComponent") == &group && value(row, "PartComponent") == &user;
            assert!(members.iter().find(is_row).is_some(), "{name} has {member}");
        }
    }
}

#[test]
fn the_zone_and_the_clock_are_those_of_date() {
    let clock = one(&this(), "Win32_LocalTime");
    if let Some(told) = tool("date", &["+%Y %-m %-d %-H %w %z"]) {
        let words: Vec<_> = told.split_whitespace().collect();
        // Midnight may pass between the two, in a test run of a year's night; the hour then tells.
        for (property, word) in ["Year", "Month", "Day", "Hour", "DayOfWeek"].iter().zip(&words) {
            assert_eq!(number(&clock, property), word.parse().ok(), "{property}");
        }
        let system = one(&this(), "Win32_OperatingSystem");
        let zone: i32 = words[5].parse().unwrap();
        let minutes = zone / 100 * 60 + zone % 100;
        assert_eq!(value(&system, "CurrentTimeZone"), &Value::Sint16(minutes.try_into().unwrap()));
    }
    let utc = one(&this(), "Win32_UTCTime");
    if let Some(told) = tool("date", &["-u", "+%Y %-m %-d"]) {
        for (property, word) in ["Year", "Month", "Day"].iter().zip(told.split_whitespace()) {
            assert_eq!(number(&utc, property), word.parse().ok(), "{property}");
        }
    }
}

#[test]
fn variables_are_those_of_this_process() {
    let rows = all(&this(), "Win32_Environment");
    let ours: BTreeMap<_, _> =
        rows.iter().map(|row| (text(row, "Name").unwrap(), text(row, "VariableValue").unwrap())).collect();
    for (name, value) in std::env::vars() {
        assert_eq!(ours.get(&*name), Some(&&*value), "{name}");
    }
    assert_eq!(rows.len(), std::env::vars_os().count());
}

#[test]
fn swap_is_that_of_the_kernel() {
    let Some(told) = tool("cat", &["/proc/swaps"]) else { return };
    assert_eq!(all(&this(), "Win32_PageFileUsage").len(), told.lines().count() - 1);
}
