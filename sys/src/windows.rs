//! What Windows knows of names and networks: adapters, search suffixes, its own name.

use std::ffi::CString;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::{io, iter, mem, ptr, slice};

use windows_sys::Win32::Foundation::{ERROR_BUFFER_OVERFLOW, ERROR_NO_DATA, NO_ERROR};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_FRIENDLY_NAME, GAA_FLAG_SKIP_MULTICAST, GAA_FLAG_SKIP_UNICAST,
    GetAdaptersAddresses, IF_TYPE_SOFTWARE_LOOPBACK, IP_ADAPTER_ADDRESSES_LH, if_nametoindex,
};
use windows_sys::Win32::NetworkManagement::Ndis::IfOperStatusUp;
use windows_sys::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, AF_UNSPEC, SOCKADDR_IN, SOCKADDR_IN6, SOCKET_ADDRESS,
};
use windows_sys::Win32::System::Registry::{HKEY_LOCAL_MACHINE, RRF_RT_REG_SZ, RegGetValueW};
use windows_sys::Win32::System::SystemInformation::{
    COMPUTER_NAME_FORMAT, ComputerNameDnsDomain, ComputerNameDnsFullyQualified, GetComputerNameExW,
};
use windows_sys::core::{PCWSTR, w};

/// The list of adapters fits in this on most machines, as the documentation of its function has it.
const ADAPTERS_BYTES: u32 = 16 * 1024;

/// How often the list is asked for while it grows.
const ADAPTERS_TRIES_MAX: usize = 4;

/// Characters of a value or name that is read; Windows takes no longer search list than 1,024.
const TEXT_LEN_MAX: usize = 2048;

/// What a network adapter that is up says of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// Its name servers in their order, with port 0.
    pub name_servers: Vec<SocketAddr>,
    /// Its suffixes, the connection's own one first.
    pub suffixes: Vec<String>,
    /// What a route by it costs, for IPv4. The lowest is preferred.
    pub ipv4_metric: u32,
    /// The same for IPv6.
    pub ipv6_metric: u32,
}

/// The adapters that are up, without the loopback.
///
/// # Errors
///
/// Fails when the system has no memory for the list.
pub fn adapters() -> io::Result<Vec<Adapter>> {
    let flags = GAA_FLAG_SKIP_UNICAST | GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_FRIENDLY_NAME;
    let mut bytes = ADAPTERS_BYTES;
    for _ in 0..ADAPTERS_TRIES_MAX {
        // Of words, because the entries are aligned to them.
        let mut buffer = vec![0_u64; (bytes as usize).div_ceil(mem::size_of::<u64>())];
        let first = buffer.as_mut_ptr().cast::<IP_ADAPTER_ADDRESSES_LH>();
        // SAFETY: the buffer has at least as many bytes as it is said to have, and is aligned.
        match unsafe { GetAdaptersAddresses(AF_UNSPEC.into(), flags, ptr::null(), first, &mut bytes) } {
            // SAFETY: the system filled the buffer with a list, and the buffer outlives what is read of it.
            NO_ERROR => return Ok(unsafe { read_adapters(first) }),
            ERROR_NO_DATA => return Ok(Vec::new()),
            ERROR_BUFFER_OVERFLOW => {}
            status => return Err(io::Error::from_raw_os_error(status as i32)),
        }
    }
    Err(io::Error::other("the list of network adapters grew each time it was asked for"))
}

/// The suffixes that an administrator has put in place of all others, as one text with commas.
pub fn search_list() -> Option<String> {
    let policy = w!(r"SOFTWARE\Policies\Microsoft\Windows NT\DNSClient");
    let machine = w!(r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters");
    [policy, machine].into_iter().find_map(|key| registry_text(key, w!("SearchList")))
}

/// The domain that this machine belongs to.
pub fn domain() -> Option<String> {
    computer_name(ComputerNameDnsDomain)
}

/// The name of this machine, with its domain if it has one.
pub fn host_name() -> Option<String> {
    computer_name(ComputerNameDnsFullyQualified)
}

/// The number of the network interface with this name, as in `ethernet_32769`.
pub fn interface_index(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: the text ends with a nul, and is only read.
    let index = unsafe { if_nametoindex(name.as_ptr().cast()) };
    (index != 0).then_some(index)
}

fn registry_text(key: PCWSTR, value: PCWSTR) -> Option<String> {
    let mut text = [0_u16; TEXT_LEN_MAX];
    let mut bytes = mem::size_of_val(&text) as u32;
    // SAFETY: key and value are texts that end with a nul, and the buffer has as many bytes as it is said to have.
    let status = unsafe {
        let buffer = text.as_mut_ptr().cast();
        RegGetValueW(HKEY_LOCAL_MACHINE, key, value, RRF_RT_REG_SZ, ptr::null_mut(), buffer, &mut bytes)
    };
    (status == NO_ERROR).then(|| until_nul(&text)).filter(|text| !text.is_empty())
}

fn computer_name(format: COMPUTER_NAME_FORMAT) -> Option<String> {
    let mut text = [0_u16; TEXT_LEN_MAX];
    let mut len = text.len() as u32;
    // SAFETY: the buffer has as many characters as it is said to have.
    let is_told = unsafe { GetComputerNameExW(format, text.as_mut_ptr(), &mut len) } != 0;
    is_told.then(|| until_nul(&text)).filter(|text| !text.is_empty())
}

fn until_nul(text: &[u16]) -> String {
    String::from_utf16_lossy(text.split(|&character| character == 0).next().unwrap_or_default())
}

/// # Safety
///
/// `first` is null or begins a list as `GetAdaptersAddresses` makes it.
unsafe fn read_adapters(first: *const IP_ADAPTER_ADDRESSES_LH) -> Vec<Adapter> {
    // SAFETY: the caller's list; its links lead to its next entry or nowhere.
    let adapters = unsafe { entries(first, |adapter| adapter.Next) };
    let used =
        adapters.filter(|adapter| adapter.OperStatus == IfOperStatusUp && adapter.IfType != IF_TYPE_SOFTWARE_LOOPBACK);
    used.map(|adapter| {
        // SAFETY: an entry's own lists are as it is.
        let servers = unsafe { entries(adapter.FirstDnsServerAddress, |server| server.Next) };
        // SAFETY: the same.
        let suffixes = unsafe { entries(adapter.FirstDnsSuffix, |suffix| suffix.Next) };
        // SAFETY: an entry's text is null or ends with a nul.
        let own_suffix = unsafe { text_at(adapter.DnsSuffix) };
        let suffixes = iter::once(own_suffix).chain(suffixes.map(|suffix| until_nul(&suffix.String)));
        Adapter {
            // SAFETY: the addresses are in the list as well.
            name_servers: servers.filter_map(|server| unsafe { socket_address(&server.Address) }).collect(),
            suffixes: suffixes.filter(|suffix| !suffix.is_empty()).collect(),
            ipv4_metric: adapter.Ipv4Metric,
            ipv6_metric: adapter.Ipv6Metric,
        }
    })
    .collect()
}

/// The entries of a list.
///
/// # Safety
///
/// `first`, and what `next` reads of each entry, is null or an entry that lives for `'a`.
unsafe fn entries<'a, T: 'a, P: Fn(&T) -> *mut T>(first: *const T, next: P) -> impl Iterator<Item = &'a T> {
    // SAFETY: as promised by the caller, for the first entry and for each next one.
    iter::successors(unsafe { first.as_ref() }, move |&entry| unsafe { next(entry).cast_const().as_ref() })
}

/// # Safety
///
/// `text` is null or ends with a nul.
unsafe fn text_at(text: *const u16) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: each character up to the nul can be read.
    let len = (0..).take_while(|&place| unsafe { *text.add(place) } != 0).count();
    // SAFETY: these were just read.
    String::from_utf16_lossy(unsafe { slice::from_raw_parts(text, len) })
}

/// # Safety
///
/// The address is null or has as many bytes as it says.
unsafe fn socket_address(address: &SOCKET_ADDRESS) -> Option<SocketAddr> {
    let len = usize::try_from(address.iSockaddrLength).ok()?;
    // SAFETY: every address begins with its family.
    let family = unsafe { address.lpSockaddr.as_ref() }?.sa_family;
    match family {
        AF_INET if len >= mem::size_of::<SOCKADDR_IN>() => {
            // SAFETY: it is of this family, and long enough for it.
            let v4 = unsafe { address.lpSockaddr.cast::<SOCKADDR_IN>().read_unaligned() };
            // SAFETY: every face of the union has these four bytes.
            let bytes = unsafe { v4.sin_addr.S_un.S_addr }.to_ne_bytes();
            Some((Ipv4Addr::from(bytes), 0).into())
        }
        AF_INET6 if len >= mem::size_of::<SOCKADDR_IN6>() => {
            // SAFETY: it is of this family, and long enough for it.
            let v6 = unsafe { address.lpSockaddr.cast::<SOCKADDR_IN6>().read_unaligned() };
            // SAFETY: every face of the unions has these bytes.
            let (bytes, scope_id) = unsafe { (v6.sin6_addr.u.Byte, v6.Anonymous.sin6_scope_id) };
            Some(SocketAddrV6::new(Ipv6Addr::from(bytes), 0, 0, scope_id).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use windows_sys::Win32::NetworkManagement::IpHelper::if_indextoname;

    use super::*;

    #[test]
    fn an_interface_is_found_by_the_name_that_its_number_has() {
        let mut named = 0;
        for index in 1..100 {
            let mut name = [0_u8; 257];
            // SAFETY: the buffer has room for the longest name, NDIS_IF_MAX_STRING_SIZE and a nul.
            if unsafe { if_indextoname(index, name.as_mut_ptr()) }.is_null() {
                continue;
            }
            let name = String::from_utf8_lossy(name.split(|&byte| byte == 0).next().unwrap_or_default());
            assert_eq!(interface_index(&name), Some(index), "{name}");
            named += 1;
        }
        assert!(named > 0, "a machine has an interface, and be it the loopback");
        assert_eq!(interface_index("no such interface"), None);
        assert_eq!(interface_index("nul\0inside"), None);
    }

    #[test]
    fn a_machine_has_a_name_that_ends_in_its_domain() {
        let name = host_name().expect("every machine has a name");
        assert!(domain().is_none_or(|domain| name.ends_with(&format!(".{domain}"))), "{name}, {:?}", domain());
    }

    #[test]
    fn texts_end_at_their_nul() {
        assert_eq!(until_nul(&[104, 105, 0, 120]), "hi");
        assert_eq!(until_nul(&[]), "");
        // SAFETY: null is allowed.
        assert_eq!(unsafe { text_at(ptr::null()) }, "");
        // SAFETY: it ends with a nul.
        assert_eq!(unsafe { text_at(w!("corp.example")) }, "corp.example");
    }

    #[test]
    fn addresses_are_read_as_far_as_they_reach() {
        use windows_sys::Win32::Networking::WinSock::SOCKADDR;
        let mut v4 = SOCKADDR_IN { sin_family: AF_INET, ..Default::default() };
        v4.sin_addr.S_un.S_addr = u32::from_ne_bytes([192, 0, 2, 1]);
        let mut v6 = SOCKADDR_IN6 { sin6_family: AF_INET6, ..Default::default() };
        v6.sin6_addr.u.Byte = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1).octets();
        v6.Anonymous.sin6_scope_id = 7;
        let read = |address: *mut SOCKADDR, len: usize| {
            // SAFETY: each has as many bytes as is said below.
            unsafe { socket_address(&SOCKET_ADDRESS { lpSockaddr: address, iSockaddrLength: len as i32 }) }
        };
        let (v4, v6) = (ptr::from_mut(&mut v4).cast(), ptr::from_mut(&mut v6).cast());
        assert_eq!(read(v4, 16), Some("192.0.2.1:0".parse().expect("it is an address")));
        assert_eq!(read(v6, 28), Some("[fe80::1%7]:0".parse().expect("it is an address")));
        assert_eq!((read(v4, 8), read(v6, 16), read(ptr::null_mut(), 16)), (None, None, None));
    }
}
