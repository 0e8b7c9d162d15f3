//! The C library: its resolver, its version, and GLib's version.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

unsafe extern "C" {
    safe fn gnu_get_libc_version() -> *const libc::c_char;
    safe static glib_major_version: u32;
    safe static glib_minor_version: u32;
    safe static glib_micro_version: u32;
}

pub fn version() -> String {
    super::text(gnu_get_libc_version())
}

pub fn glib_version() -> String {
    format!("{glib_major_version}.{glib_minor_version}.{glib_micro_version}")
}

/// The addresses of a list that a resolver made.
pub fn addresses(mut list: *const libc::addrinfo) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    // SAFETY: resolvers give a list that ends in null, whose addresses are of the families that they say.
    while let Some(entry) = unsafe { list.as_ref() } {
        match entry.ai_family {
            libc::AF_INET => {
                let address = unsafe { &*entry.ai_addr.cast::<libc::sockaddr_in>() };
                addresses.push(IpAddr::V4(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr))));
            }
            libc::AF_INET6 => {
                let address = unsafe { &*entry.ai_addr.cast::<libc::sockaddr_in6>() };
                addresses.push(IpAddr::V6(Ipv6Addr::from(address.sin6_addr.s6_addr)));
            }
            _ => {}
        }
        list = entry.ai_next;
    }
    addresses
}

/// `getaddrinfo` on the calling thread. The error is the C library's number.
pub fn look_up(name: &str, family: i32) -> Result<Vec<IpAddr>, i32> {
    let name = super::c_string(name);
    let mut list = std::ptr::null_mut();
    // SAFETY: all zeros are hints; the list is freed once, after its last use.
    unsafe {
        let mut hints: libc::addrinfo = std::mem::zeroed();
        hints.ai_family = family;
        hints.ai_socktype = libc::SOCK_STREAM;
        match libc::getaddrinfo(name.as_ptr(), std::ptr::null(), &hints, &mut list) {
            0 => {
                let addresses = addresses(list);
                libc::freeaddrinfo(list);
                Ok(addresses)
            }
            error => Err(error),
        }
    }
}
