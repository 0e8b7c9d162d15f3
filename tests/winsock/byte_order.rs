//! Byte orders and addresses as text.

use msgpump::winsock::{INADDR_NONE, htonl, htons, inet_addr, inet_ntoa, ntohl, ntohs};

#[test]
fn network_order_is_the_order_on_the_wire() {
    assert_eq!(htons(0x1234).to_ne_bytes(), [0x12, 0x34]);
    assert_eq!(htonl(0x1234_5678).to_ne_bytes(), [0x12, 0x34, 0x56, 0x78]);
    assert_eq!((ntohs(htons(80)), ntohl(htonl(7))), (80, 7));
}

#[test]
fn addresses_as_text_in_all_their_forms() {
    for (text, bytes) in [
        ("127.0.0.1", [127, 0, 0, 1]),
        ("127.1", [127, 0, 0, 1]),
        ("127.0.1", [127, 0, 0, 1]),
        ("1.2.772", [1, 2, 3, 4]),
        ("1.131844", [1, 2, 3, 4]),
        ("16909060", [1, 2, 3, 4]),
        ("0x01020304", [1, 2, 3, 4]),
        ("0X1.0x2.0X03.4", [1, 2, 3, 4]),
        ("01.02.03.04", [1, 2, 3, 4]),
        ("010.020.030.040", [8, 16, 24, 32]),
        ("0", [0, 0, 0, 0]),
        ("0.0.0.0", [0, 0, 0, 0]),
        ("255.255.255.255", [255, 255, 255, 255]),
        ("1.2.3.4 ", [1, 2, 3, 4]),
        ("1.2.3.4 tail", [1, 2, 3, 4]),
        (" ", [0, 0, 0, 0]),
    ] {
        assert_eq!(inet_addr(text).to_ne_bytes(), bytes, "{text:?}");
    }
    let refused = ["", ".", "1.", ".1", "1..2", "1.2.3.4.5", "1.2.3.256", "1.2.65536", "1.16777216", "4294967296"];
    let more = ["a", "0x", "08", "1.2.3.4a", "1,2", " 1.2.3.4", "-1", "+1", "1.2.3.999", "::1", "\u{661}"];
    for text in refused.into_iter().chain(more) {
        assert_eq!(inet_addr(text), INADDR_NONE, "{text:?}");
    }
    assert_eq!(inet_ntoa(inet_addr("192.0.2.7")), "192.0.2.7");
}
