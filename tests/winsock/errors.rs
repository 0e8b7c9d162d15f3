//! The table of error numbers.

use msgpump::winsock::WinsockError;

/// Numbers and names as the specification and the public page list them.
const TABLE: &str = "\
10004 WSAEINTR 10009 WSAEBADF 10013 WSAEACCES 10014 WSAEFAULT 10022 WSAEINVAL 10024 WSAEMFILE
10035 WSAEWOULDBLOCK 10036 WSAEINPROGRESS 10037 WSAEALREADY 10038 WSAENOTSOCK 10039 WSAEDESTADDRREQ
10040 WSAEMSGSIZE 10041 WSAEPROTOTYPE 10042 WSAENOPROTOOPT 10043 WSAEPROTONOSUPPORT 10044 WSAESOCKTNOSUPPORT
10045 WSAEOPNOTSUPP 10046 WSAEPFNOSUPPORT 10047 WSAEAFNOSUPPORT 10048 WSAEADDRINUSE 10049 WSAEADDRNOTAVAIL
10050 WSAENETDOWN 10051 WSAENETUNREACH 10052 WSAENETRESET 10053 WSAECONNABORTED 10054 WSAECONNRESET
10055 WSAENOBUFS 10056 WSAEISCONN 10057 WSAENOTCONN 10058 WSAESHUTDOWN 10059 WSAETOOMANYREFS
10060 WSAETIMEDOUT 10061 WSAECONNREFUSED 10062 WSAELOOP 10063 WSAENAMETOOLONG 10064 WSAEHOSTDOWN
10065 WSAEHOSTUNREACH 10066 WSAENOTEMPTY 10067 WSAEPROCLIM 10068 WSAEUSERS 10069 WSAEDQUOT
10070 WSAESTALE 10071 WSAEREMOTE 10091 WSASYSNOTREADY 10092 WSAVERNOTSUPPORTED 10093 WSANOTINITIALISED
10101 WSAEDISCON 10102 WSAENOMORE 10103 WSAECANCELLED 10104 WSAEINVALIDPROCTABLE 10105 WSAEINVALIDPROVIDER
10106 WSAEPROVIDERFAILEDINIT 10107 WSASYSCALLFAILURE 10108 WSASERVICE_NOT_FOUND 10109 WSATYPE_NOT_FOUND
10110 WSA_E_NO_MORE 10111 WSA_E_CANCELLED 10112 WSAEREFUSED
11001 WSAHOST_NOT_FOUND 11002 WSATRY_AGAIN 11003 WSANO_RECOVERY 11004 WSANO_DATA";

#[test]
fn every_number_has_its_name_and_every_name_its_number() {
    let words: Vec<_> = TABLE.split_whitespace().collect();
    let mut numbers = Vec::new();
    for pair in words.chunks(2) {
        let number: i32 = pair[0].parse().expect("the table has numbers");
        let error = WinsockError::from_number(number);
        assert_eq!((error.number(), error.name()), (number, Some(pair[1])));
        assert_eq!(WinsockError::from_name(pair[1]), Some(error));
        assert_eq!(WinsockError::from_name(&pair[1].to_lowercase()), Some(error));
        assert!(error.meaning().ends_with('.') && error.to_string().contains(pair[1]), "{error}");
        numbers.push(number);
    }
    assert_eq!(WinsockError::known().map(WinsockError::number).collect::<Vec<_>>(), numbers);
    assert_eq!(WinsockError::from_name("WSANO_ADDRESS"), Some(WinsockError::NoData));
    assert_eq!(WinsockError::from_name("WSAENOTHING"), None);
}

#[test]
fn an_unknown_number_is_kept() {
    for number in [0, 1, -1, 10_005, 10_094, 11_005, i32::MAX, i32::MIN] {
        let error = WinsockError::from_number(number);
        assert_eq!((error.number(), error.name()), (number, None));
        assert!(error.to_string().contains(&number.to_string()));
    }
}
