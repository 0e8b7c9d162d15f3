//! Win32_UserAccount, Win32_Group and Win32_GroupUser: who has an account on the machine.
//!
//! Floor 5. The files of the machine are read, passwd(5), group(5) and shadow(5). Accounts that a
//! directory service lends to the machine are not in them and are not asked for: that would block.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use super::fields;
use super::machine::{At, Machine};
use super::reading::Reading;
use super::schema::Schema;
use super::table::{Column, Definition, LinuxClass, Row, UNITS_PER_STEP};
use crate::wbem::cim_type::CimType;
use crate::wbem::path::KeyValue;

/// The accounts of a machine.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    users: Vec<Rc<User>>,
    groups: Vec<Rc<Group>>,
    /// Whether the password of an account is locked; read once for all.
    locks: OnceCell<HashMap<String, bool>>,
}

/// A line of passwd(5).
#[derive(Debug, PartialEq)]
pub(super) struct User {
    name: String,
    number: u32,
    group: u32,
    full_name: Option<String>,
}

/// A line of group(5).
#[derive(Debug, PartialEq)]
pub(super) struct Group {
    name: String,
    number: u32,
    members: Vec<String>,
}

/// One member of one group.
struct Membership {
    group: Rc<Group>,
    user: Rc<User>,
}

impl Row for Rc<User> {}
impl Row for Rc<Group> {}
impl Row for Membership {}

impl Accounts {
    /// Reads the accounts; none where a file cannot be read.
    pub(super) fn read(machine: &Machine) -> Accounts {
        let users = machine.read(At::Etc, format_args!("passwd"), |text| lines(text, User::parse));
        let groups = machine.read(At::Etc, format_args!("group"), |text| lines(text, Group::parse));
        Accounts { users: users.unwrap_or_default(), groups: groups.unwrap_or_default(), locks: OnceCell::new() }
    }

    /// The name of the account with a number.
    pub(super) fn user_name(&self, number: u32) -> Option<&str> {
        self.users.iter().find(|user| user.number == number).map(|user| &*user.name)
    }

    /// Each member of each group: those that the group lists, and those whose own group it is.
    fn memberships(&self) -> impl Iterator<Item = Option<Membership>> + use<> {
        let users = self.users.clone();
        let (mut by_name, mut by_group) = (HashMap::new(), HashMap::<u32, Vec<usize>>::new());
        for (place, user) in users.iter().enumerate() {
            by_name.insert(user.name.clone(), place);
            by_group.entry(user.group).or_default().push(place);
        }
        self.groups.clone().into_iter().flat_map(move |group| {
            let listed = group.members.iter().filter_map(|member| by_name.get(member));
            let own = by_group.get(&group.number).into_iter().flatten();
            let places: BTreeSet<usize> = listed.chain(own).copied().collect();
            let row = |place: usize| Membership { group: group.clone(), user: users[place].clone() };
            // A group without members is a piece of work too.
            places.into_iter().map(row).map(Some).chain([None]).collect::<Vec<_>>()
        })
    }

    /// Whether the password of an account is locked, as `passwd -S` tells it; `None` for who may not know.
    fn is_locked(&self, machine: &Machine, name: &str) -> Option<bool> {
        let read = || machine.read(At::Etc, format_args!("shadow"), locks).unwrap_or_default();
        self.locks.get_or_init(read).get(name).copied()
    }
}

/// Whether passwords are locked, by the names in shadow(5); of several lines with one name the first counts.
fn locks(text: &[u8]) -> HashMap<String, bool> {
    let mut locks = HashMap::new();
    for (name, rest) in fields::lines(text).filter_map(|line| fields::pair(line, b':')) {
        locks.entry(fields::text(name)).or_insert(rest.starts_with(b"!") || rest.starts_with(b"*"));
    }
    locks
}

/// The lines that can be read; of several accounts with one name the first counts.
fn lines<T: Named>(text: &[u8], parse: impl Fn(&str) -> Option<T>) -> Vec<Rc<T>> {
    let mut names = HashSet::new();
    let text = fields::text(text);
    let accounts = text.lines().filter_map(parse).filter(|account| names.insert(account.name().to_owned()));
    accounts.map(Rc::new).collect()
}

trait Named {
    fn name(&self) -> &str;
}

impl Named for User {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for Group {
    fn name(&self) -> &str {
        &self.name
    }
}

impl User {
    fn parse(line: &str) -> Option<User> {
        let mut fields = line.split(':');
        let (name, _, number, group) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        // The first part of the comment is the name, the others are rooms and telephones.
        let full_name = fields.next().and_then(|comment| comment.split(',').next()).filter(|name| !name.is_empty());
        let (number, group) = (number.parse().ok()?, group.parse().ok()?);
        let is_account = !name.is_empty() && !name.starts_with(['#', '+', '-']);
        is_account.then(|| User { name: name.to_owned(), number, group, full_name: full_name.map(str::to_owned) })
    }
}

impl Group {
    fn parse(line: &str) -> Option<Group> {
        let mut fields = line.split(':');
        let (name, _, number) = (fields.next()?, fields.next()?, fields.next()?.parse().ok()?);
        let members = fields.next().unwrap_or_default().split(',').filter(|member| !member.is_empty());
        let is_group = !name.is_empty() && !name.starts_with(['#', '+', '-']);
        is_group.then(|| Group { name: name.to_owned(), number, members: members.map(str::to_owned).collect() })
    }
}

const PASSWD: &str = "`/etc/passwd`, the name";
const GROUP: &str = "`/etc/group`, the name";
const NO_SID: &str = "NULL: accounts have numbers and no security identifiers";
const HOST: &str = "`/proc/sys/kernel/hostname`";

const USER_COLUMNS: &[Column<Rc<User>>] = &[
    Column::null("AccountType", CimType::Uint32, "NULL: the flags are of Windows domains"),
    Column::text("Caption", "host name, backslash, name", |user, reading| qualified(reading, &user.name)),
    Column::text("Description", "`/etc/passwd`, the comment up to its first comma", |user, _| {
        user.full_name.as_deref().map(Into::into)
    }),
    Column::bool(
        "Disabled",
        "`/etc/shadow`, whether the password is locked; NULL for who may not read it",
        |user, reading| reading.accounts().is_locked(reading, &user.name),
    ),
    Column::key(Column::text("Domain", HOST, |_, reading| reading.host_name())),
    Column::text("FullName", "`/etc/passwd`, the comment up to its first comma", |user, _| {
        user.full_name.as_deref().map(Into::into)
    }),
    Column::null("InstallDate", CimType::DateTime, "NULL: it is not kept"),
    Column::bool("LocalAccount", "TRUE: only the machine's own files are read", |_, _| Some(true)),
    Column::null("Lockout", CimType::Boolean, "NULL: kept by modules of PAM, each in its own way"),
    Column::key(Column::text("Name", PASSWD, |user, _| Some((&*user.name).into()))),
    Column::null("PasswordChangeable", CimType::Boolean, "NULL: no such right"),
    Column::null("PasswordExpires", CimType::Boolean, "NULL: not read"),
    Column::null("PasswordRequired", CimType::Boolean, "NULL: no such right"),
    Column::null("SID", CimType::String, NO_SID),
    Column::null("SIDType", CimType::Uint8, NO_SID),
    Column::null("Status", CimType::String, "NULL: an account has no health"),
];

const GROUP_COLUMNS: &[Column<Rc<Group>>] = &[
    Column::text("Caption", "host name, backslash, name", |group, reading| qualified(reading, &group.name)),
    Column::null("Description", CimType::String, "NULL: groups have no comment"),
    Column::key(Column::text("Domain", HOST, |_, reading| reading.host_name())),
    Column::null("InstallDate", CimType::DateTime, "NULL: it is not kept"),
    Column::bool("LocalAccount", "TRUE: only the machine's own files are read", |_, _| Some(true)),
    Column::key(Column::text("Name", GROUP, |group, _| Some((&*group.name).into()))),
    Column::null("SID", CimType::String, NO_SID),
    Column::null("SIDType", CimType::Uint8, NO_SID),
    Column::null("Status", CimType::String, "NULL: a group has no health"),
];

const MEMBERSHIP_COLUMNS: &[Column<Membership>] = &[
    Column::key(Column::reference(
        "GroupComponent",
        "Win32_Group",
        "`/etc/group`, the path of the Win32_Group",
        |membership, reading| account_path(reading, "Win32_Group", &membership.group.name),
    )),
    Column::key(Column::reference(
        "PartComponent",
        "Win32_UserAccount",
        "`/etc/group` and the group of `/etc/passwd`, the path of the Win32_UserAccount",
        |membership, reading| account_path(reading, "Win32_UserAccount", &membership.user.name),
    )),
];

/// The three classes.
pub(super) fn sources(machine: &Rc<Machine>, schema: &Schema) -> Vec<LinuxClass> {
    let users = Definition {
        name: "Win32_UserAccount",
        parent: "Win32_Account",
        about: "The accounts of `/etc/passwd`. Those that a directory service lends to the machine are not among them.",
        columns: USER_COLUMNS,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    let groups = Definition {
        name: "Win32_Group",
        parent: "Win32_Account",
        about: "The groups of `/etc/group`. Those that a directory service lends to the machine are not among them.",
        columns: GROUP_COLUMNS,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    let memberships = Definition {
        name: "Win32_GroupUser",
        parent: "CIM_Component",
        about: "Which account is in which group: those that the group names, and those whose own group it is.",
        columns: MEMBERSHIP_COLUMNS,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    vec![
        LinuxClass::new(machine, schema, &users, |reading, _| {
            Ok(Box::new(reading.accounts().users.clone().into_iter().map(Some)))
        }),
        LinuxClass::new(machine, schema, &groups, |reading, _| {
            Ok(Box::new(reading.accounts().groups.clone().into_iter().map(Some)))
        }),
        LinuxClass::new(machine, schema, &memberships, |reading, _| Ok(Box::new(reading.accounts().memberships()))),
    ]
}

/// An account as Windows writes it.
fn qualified(reading: &Reading, name: &str) -> Option<std::sync::Arc<str>> {
    Some(format!("{}\\{name}", reading.host_name()?).into())
}

/// The path of an account.
fn account_path(reading: &Reading, class: &str, name: &str) -> Option<String> {
    let domain = KeyValue::String((&*reading.host_name()?).into());
    Some(format!("{class}.Domain={domain},Name={}", KeyValue::String(name.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_accounts() {
        let text = b"root:x:0:0:root:/root:/bin/bash\n# no\n+nis\nana:x:1000:100:Ana B.,Room 3,,:/home/ana:/bin/sh\nroot:x:1:1::/:\nbad:x:y:0::/:\nshort:x\n";
        let users = lines(text, User::parse);
        let users: Vec<_> =
            users.iter().map(|user| (&*user.name, user.number, user.group, user.full_name.as_deref())).collect();
        assert_eq!(users, [("root", 0, 0, Some("root")), ("ana", 1000, 100, Some("Ana B."))]);
        let groups = lines(b"root:x:0:\nusers:x:100:ana,bo,\nwheel:x\n", Group::parse);
        let groups: Vec<_> = groups.iter().map(|group| (&*group.name, group.number, group.members.len())).collect();
        assert_eq!(groups, [("root", 0, 0), ("users", 100, 2)]);
    }
}
