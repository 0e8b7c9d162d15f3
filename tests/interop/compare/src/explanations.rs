//! Why answers differ: each difference has one of these explanations, or the comparison fails.
//!
//! An explanation is as narrow as it can be: whose answer it is about, of which names, and what both say.

use std::net::IpAddr;

use crate::answer::Failure::{self, *};
use crate::differences::{Aspect, Case};
use crate::names::Asked;
use crate::order::{Rules, is_ordered};
use crate::resolvers::Peer::{self, *};

/// Why something differs.
pub struct Explanation {
    /// The difference in a few words.
    pub what: &'static str,
    /// The reason.
    pub why: &'static str,
    applies: fn(&Case<'_>) -> bool,
}

/// What `case` is, if something explains it.
pub fn of(case: &Case<'_>) -> Option<&'static str> {
    ALL.iter().find(|explanation| (explanation.applies)(case)).map(|explanation| explanation.what)
}

/// What a difference is that is gone once the name is asked again, alone, where msgpump said the same both times.
pub const ASKED_AGAIN: &str = "alike when asked again";

/// All explanations, in the order in which they are tried.
pub const ALL: &[Explanation] = &[
    Explanation {
        what: ASKED_AGAIN,
        why: "msgpump says the same both times; the other lost datagrams on a busy machine, or mixed up lookups that \
              shared a connection",
        applies: |_| false,
    },
    Explanation {
        what: "one word for many failures",
        why: "`EAI_AGAIN` is all that getaddrinfo says of servers that fail, refuse or are silent; msgpump says which",
        applies: |case| {
            case.is(CLibrary)
                && case.they_say(Temporary)
                && [Refused, ServerFailed, TimedOut].iter().any(|failure| case.we_say(failure))
        },
    },
    // Names that are found, and how they are given.
    Explanation {
        what: "letter case of the name found",
        why: "msgpump asks in lower case, so that two spellings are one question; they give back what the program or \
              the server wrote",
        applies: |case| case.names().is_some_and(|(ours, theirs)| ours != theirs && ours.eq_ignore_ascii_case(&theirs)),
    },
    Explanation {
        what: "the name of an address",
        why: "asked for an address in text form, msgpump says its canonical text; the C library what was written, \
              c-ares and hickory nothing",
        applies: |case| case.aspect == Aspect::Name && case.is_address_in_text(),
    },
    Explanation {
        what: "an alias of the hosts file",
        why: "msgpump and the C library say the first name of the line, c-ares and hickory the name asked for",
        applies: |case| case.aspect == Aspect::Name && case.is_of("hosts file") && (case.is(CAres) || case.is(Hickory)),
    },
    Explanation {
        what: "the end of a chain out of order, or forked",
        why: "msgpump follows the names, from the one asked for; c-ares says the last alias in the message, hickory \
              the owner of the first address",
        applies: |case| {
            case.aspect == Aspect::Name
                && (case.is_of("chain-backwards") || case.is_of("two-aliases") || case.is_of("unrelated-too"))
        },
    },
    Explanation {
        what: "a name that is none for a host",
        why: "the C library takes an alias whose target has a dot inside a label as none, and says the name asked for",
        applies: |case| case.is(CLibrary) && case.aspect == Aspect::Name && case.is_name("dotted"),
    },
    Explanation {
        what: "the name of an address in the hosts file",
        why: "msgpump, the C library and c-ares say the first name of the line, hickory one of the others",
        applies: |case| case.is(Hickory) && case.aspect == Aspect::Name && case.is_of("address"),
    },
    Explanation {
        what: "an address with several names",
        why: "of the names that dnsmasq gives for an address msgpump says the first, c-ares the last",
        applies: |case| {
            case.is(CAres) && case.aspect == Aspect::Name && case.is_of("address") && case.server == "dnsmasq"
        },
    },
    // The order of addresses.
    Explanation {
        what: "order of addresses: the older table",
        why: "the C library sorts by the table of RFC 3484, which puts IPv4 last and all IPv6 networks first, and \
              compares IPv4 prefixes within a network; msgpump sorts by RFC 6724, which replaced it",
        applies: |case| {
            case.is(CLibrary)
                && case.orders().is_some_and(|(ours, theirs)| {
                    is_ordered(&ours, Rules::Rfc6724) && is_ordered(&theirs, Rules::Rfc3484)
                })
        },
    },
    Explanation {
        what: "order of addresses: equals",
        why: "both in the order of RFC 6724; what it ranks alike stays as it came, and c-ares asks for IPv4 first and \
              compares prefixes beyond the network",
        applies: |case| {
            case.is(CAres)
                && case.orders().is_some_and(|(ours, theirs)| {
                    is_ordered(&ours, Rules::Rfc6724)
                        && [Rules::Rfc6724, Rules::Rfc6724WholePrefixes].iter().any(|&rules| is_ordered(&theirs, rules))
                })
        },
    },
    Explanation {
        what: "order of addresses: not sorted",
        why: "hickory gives the IPv4 addresses as they came, then those of IPv6",
        applies: |case| {
            case.is(Hickory)
                && case.orders().is_some_and(|(ours, theirs)| {
                    is_ordered(&ours, Rules::Rfc6724) && theirs.iter().map(IpAddr::is_ipv6).is_sorted()
                })
        },
    },
    // Aliases.
    Explanation {
        what: "more than 16 aliases",
        why: "msgpump follows 16; they follow what is in one message as far as it goes, and hickory asks on",
        applies: |case| case.is_chain_too_long() && case.we_say(&ServerFailed) && case.theirs.is_ok(),
    },
    Explanation {
        what: "a ring of aliases, or one without an end",
        why: "msgpump says that the server failed, since another may know better; they say that there is nothing, \
              hickory goes on with the search domains",
        applies: |case| {
            let is_ring = case.is_name("ring0") || case.is_name("ring1");
            let is_endless = ["ring-of-1", "ring-of-2", "chain-without-end"].iter().any(|group| case.is_of(group));
            (is_ring || is_endless || case.is_chain_too_long())
                && (case.we_say(&ServerFailed) || case.we_say(&Refused))
                && [NotFound, NoData, Refused, ServerFailed].iter().any(|failure| case.they_say(failure.clone()))
        },
    },
    Explanation {
        what: "an alias to somewhere else",
        why: "the answer ends with an alias: msgpump asks for its target, and says what the server says of that; the \
              C library and c-ares do not ask, hickory goes on with the search domains",
        applies: |case| {
            case.is_name("outside")
                && (case.we_say(&Refused) || case.we_say(&ServerFailed) || case.we_say(&NotFound))
                && [NotFound, NoData, Temporary, Refused, ServerFailed]
                    .iter()
                    .any(|failure| case.they_say(failure.clone()))
        },
    },
    Explanation {
        what: "a chain over several messages",
        why: "msgpump asks for the next name, up to 16 aliases in all; the C library and c-ares take it as no data, \
              hickory asks up to 8 times",
        applies: |case| {
            case.ours.is_ok()
                && (case.is_of("chain-in-pieces") || case.is_of("chain-in-12-pieces") || case.is_in_pieces())
                && [NotFound, NoData, Refused].iter().any(|failure| case.they_say(failure.clone()))
        },
    },
    Explanation {
        what: "an alias to nothing, over several messages",
        why: "msgpump asks for the target and hears that it does not exist, c-ares does not ask",
        applies: |case| case.is(CAres) && case.is_in_pieces() && case.we_say(&NotFound) && case.they_say(NoData),
    },
    Explanation {
        what: "records out of order, or two aliases of one name",
        why: "msgpump follows the names in whatever order the records are; the C library reads them in one pass, and loses all or one family (YADIFA puts the addresses first, PowerDNS what belongs to a DNAME anywhere)",
        applies: |case| {
            case.is(CLibrary)
                && case.ours.is_ok()
                && (case.they_say(NotFound) || case.aspect == Aspect::Addresses)
                && (case.is_of("chain-backwards")
                    || case.is_of("two-aliases")
                    || ["yadifa", "pdns"].contains(&case.server))
        },
    },
    Explanation {
        what: "records that do not belong to the name",
        why: "msgpump takes no address but those of the name at the end of the aliases; c-ares and hickory take \
              addresses of other names from the same message too",
        applies: |case| {
            let is_unrelated = ["unrelated-too", "alias-with-data", "only-unrelated", "dname-alone"];
            (case.is(CAres) || case.is(Hickory))
                && is_unrelated.iter().any(|group| case.is_of(group))
                && case.theirs.is_ok()
                && (case.aspect == Aspect::Addresses || case.we_say(&NoData))
        },
    },
    // What there is not.
    Explanation {
        what: "no data behind an alias, or in a message with other records",
        why: "the C library says not found where a message has records and none that it can use",
        applies: |case| case.is(CLibrary) && case.we_say(&NoData) && case.they_say(NotFound),
    },
    Explanation {
        what: "no data, and then not found",
        why: "the name exists, but not with the search domain appended: msgpump and the C library remember that it \
              exists, hickory says what came last",
        applies: |case| case.is(Hickory) && case.is_searched() && case.we_say(&NoData) && case.they_say(NotFound),
    },
    Explanation {
        what: "a refusal in the middle of a search",
        why: "a server that refuses or fails ends msgpump's search: a host of another domain must not stand in for \
              the one meant. They go on, and say what another candidate had",
        applies: |case| {
            case.is_searched()
                && !case.is_in_our_zone()
                && (case.we_say(&Refused) || case.we_say(&ServerFailed))
                && (case.theirs.is_ok()
                    || [NoData, NotFound, Refused].iter().any(|failure| case.they_say(failure.clone())))
        },
    },
    Explanation {
        what: "a failure, and then not found",
        why: "the server failed for the name itself, and hickory says what it says of the name with the search domain \
              appended",
        applies: |case| case.is(Hickory) && case.is_searched() && case.we_say(&ServerFailed) && case.they_say(NotFound),
    },
    Explanation {
        what: "a server that names others to ask",
        why: "a delegation is no answer to msgpump, which says that the server failed; they say that there is \
              nothing, hickory even finds a host without addresses",
        applies: |case| {
            (case.is_of("referral") || ["sub", "ns.sub", "host.sub"].iter().any(|name| case.is_name(name)))
                && (case.we_say(&ServerFailed) || case.we_say(&NoData))
                && ([NoData, NotFound].iter().any(|failure| case.they_say(failure.clone()))
                    || case.theirs.as_ref().is_ok_and(|found| found.addresses.is_empty()))
        },
    },
    Explanation {
        what: "not found, with an address",
        why: "hickory takes the address of a message that says that the name does not exist",
        applies: |case| {
            case.is(Hickory) && case.is_of("nx-with-address") && case.we_say(&NotFound) && case.theirs.is_ok()
        },
    },
    // Texts.
    Explanation {
        what: "addresses in old forms",
        why: "`127.1` and the like are addresses to the C library (to c-ares `0177` is 177), and names to hickory; to \
              msgpump they are nothing, because programs do not agree on them",
        applies: |case| case.is_of("text") && case.we_say(&Malformed) && case.theirs.is_ok(),
    },
    Explanation {
        what: "texts that are no names",
        why: "msgpump says that a text is malformed (empty labels, spaces, letters outside ASCII, a number at the \
              end) and asks nobody; they ask a server, or say so in other words",
        applies: |case| case.is_of("text") && case.we_say(&Malformed) && case.theirs.is_err(),
    },
    Explanation {
        what: "brackets and zones of IPv6 addresses",
        why: "msgpump takes `[::1]` and `fe80::1%lo`; the C library does not take the one, c-ares and hickory neither",
        applies: |case| case.is_of("text") && case.is_address_in_text() && case.ours.is_ok() && case.theirs.is_err(),
    },
    Explanation {
        what: "characters that no host name has",
        why: "msgpump asks for any characters that a label may have (RFC 2181 section 11); the C library finds no \
              host with them, c-ares and hickory do not ask, hickory not even for an underscore",
        applies: |case| case.has_odd_characters() && (case.they_say(NotFound) || case.they_say(Malformed)),
    },
    Explanation {
        what: "names with a meaning of their own",
        why: "below `localhost` is this machine, below `invalid` and `onion` nothing, `local` is for multicast DNS (RFC \
              6761, 7686, 6762): msgpump asks no server for them, they ask for all or for some",
        applies: |case| {
            let text = case.query.text().to_ascii_lowercase();
            let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
            ["localhost", "invalid", "onion", "local"].contains(&last)
                && (case.ours.is_ok() || case.we_say(&NotFound))
                && case.theirs.is_err()
        },
    },
    Explanation {
        what: "a final dot in front of the hosts file",
        why: "msgpump takes the dot as what it is, the end of a name; they look for it in the file",
        applies: |case| case.is_of("hosts file") && case.query.text().ends_with('.') && case.ours.is_ok(),
    },
    // Names of addresses.
    Explanation {
        what: "the name of a loopback address",
        why: "all of 127.0.0.0/8 is `localhost` to msgpump; they ask a server",
        applies: |case| case.is_of("address") && case.query.text().starts_with("127.") && case.ours.is_ok(),
    },
    Explanation {
        what: "the name of a mapped IPv4 address",
        why: "msgpump and the C library ask for the IPv4 address in it, c-ares and hickory below `ip6.arpa`",
        applies: |case| case.is_of("address") && case.query.text().starts_with("::ffff:") && !case.is(CLibrary),
    },
    Explanation {
        what: "a refusal for the name of an address",
        why: "c-ares says not found whatever the server said",
        applies: |case| {
            case.is(CAres)
                && case.is_of("address")
                && (case.we_say(&Refused) || case.we_say(&ServerFailed))
                && case.they_say(NotFound)
        },
    },
    // The odd server.
    Explanation {
        what: "codes of failure",
        why: "msgpump says that the server failed; c-ares and hickory name the code, the C library takes FORMERR and \
              unknown codes for not found, c-ares unknown codes for no data",
        applies: |case| {
            ["formerr", "notimp", "rcode-11"].iter().any(|group| case.is_of(group))
                && case.we_say(&ServerFailed)
                && case.theirs.is_err()
        },
    },
    Explanation {
        what: "a server that does not know EDNS",
        why: "asked with EDNS by default, msgpump asks again without it where the reply tells that this may help \
              (FORMERR, NOTIMP, BADVERS); c-ares does on FORMERR with the question, the C library and hickory do \
              not use it unless told to",
        applies: |case| case.query.group.starts_with("edns-") && case.ours.is_ok() != case.theirs.is_ok(),
    },
    Explanation {
        what: "truncated also by stream",
        why: "msgpump takes nothing of a truncated answer (RFC 2181 section 9); the C library and c-ares take what is \
              there, hickory has words of its own",
        applies: |case| case.is_of("truncated-always") && case.we_say(&ServerFailed),
    },
    Explanation {
        what: "truncated, and no stream to be had",
        why: "all fail, each in its words",
        applies: |case| case.is_of("truncated-no-stream") && case.we_say(&ServerFailed) && case.theirs.is_err(),
    },
    Explanation {
        what: "datagrams longer than announced",
        why: "msgpump reads a datagram however long it is; hickory as much as it announced, and fails (YADIFA sends 2,434 \
              bytes to who announced nothing)",
        applies: |case| {
            let is_long_at_yadifa =
                case.server == "yadifa" && ["big", "bigsix", "huge"].iter().any(|name| case.is_name(name));
            case.is(Hickory)
                && (case.ours.is_ok() || case.is_chain_too_long())
                && (is_long_at_yadifa && case.theirs.is_err()
                    || case.query.group.starts_with("chain-of-") && matches!(case.theirs, Err(Other(_)))
                    || case.is_of("long-datagram") && matches!(case.theirs, Err(Other(_))))
        },
    },
    Explanation {
        what: "a decoy before the answer",
        why: "a query where a reply should be is the answer to the C library and c-ares, a reply to another question \
              is to hickory, which fails at a query; msgpump waits for the reply to its own question",
        applies: |case| {
            let is_taken_in = match case.peer {
                CLibrary | CAres => case.is_of("query-first"),
                Hickory => case.is_of("wrong-question-first") || case.is_of("query-first"),
            };
            is_taken_in && case.ours.is_ok() && (case.aspect == Aspect::Addresses || case.theirs.is_err())
        },
    },
    Explanation {
        what: "replies without the question, or with two",
        why: "msgpump takes no message as the reply that does not repeat its question alone, and waits until the time \
              is over; they fail at once, or take it",
        applies: |case| {
            ["no-question", "two-questions", "nothing-but-header"].iter().any(|group| case.is_of(group))
                && case.we_say(&TimedOut)
        },
    },
    Explanation {
        what: "miscounted records, bytes behind the last",
        why: "msgpump takes a message that ends between two records, and one with bytes behind them; they take one, \
              the other or neither",
        applies: |case| {
            (case.is_of("counts-too-high") || case.is_of("trailing-garbage"))
                && case.ours.is_ok()
                && case.theirs.is_err()
        },
    },
    Explanation {
        what: "messages against the rules of the wire",
        why: "to msgpump the server failed, and the next one is asked at once; the C library says not found, c-ares \
              that the reply is bad, and hickory waits for another",
        applies: |case| {
            ["short-address", "pointer-loop", "cut-off"].iter().any(|group| case.is_of(group))
                && case.we_say(&ServerFailed)
                && case.theirs.is_err()
        },
    },
    Explanation {
        what: "records of another class",
        why: "msgpump looks past them and has no data; the C library takes them for addresses, hickory fails",
        applies: |case| case.is_of("class-chaos") && case.we_say(&NoData),
    },
];

impl Case<'_> {
    fn is(&self, peer: Peer) -> bool {
        self.peer == peer
    }

    fn is_of(&self, group: &str) -> bool {
        self.query.group == group
    }

    /// Whether the name asked for is this one of the zone.
    fn is_name(&self, name: &str) -> bool {
        self.query.in_zone() == name
    }

    /// The names that both found, without final dots, where they differ in that.
    fn names(&self) -> Option<(String, String)> {
        let bare =
            |name: &Option<String>| name.as_deref().map(|name| name.strip_suffix('.').unwrap_or(name).to_owned());
        let (Aspect::Name, Ok(ours), Ok(theirs)) = (self.aspect, self.ours, self.theirs) else { return None };
        Some((bare(&ours.name)?, bare(&theirs.name)?))
    }

    /// The addresses of both, where only their order differs, without those that have no order: of more than 64 of a
    /// family msgpump puts 64 in order, and for an IPv4 address in an IPv6 record there is no rule.
    fn orders(&self) -> Option<(Vec<IpAddr>, Vec<IpAddr>)> {
        const SORTED_PER_FAMILY: usize = 64;
        let is_mapped = |address: &IpAddr| matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
        let (Aspect::Order, Ok(ours), Ok(theirs)) = (self.aspect, self.ours, self.theirs) else { return None };
        let of_family = |is_v4: bool| ours.addresses.iter().filter(move |address| address.is_ipv4() == is_v4).count();
        let sorted = of_family(true).min(SORTED_PER_FAMILY) + of_family(false).min(SORTED_PER_FAMILY);
        let ours = ours.addresses.iter().take(sorted).copied().filter(|address| !is_mapped(address)).collect();
        Some((ours, theirs.addresses.iter().copied().filter(|address| !is_mapped(address)).collect()))
    }

    fn we_say(&self, failure: &Failure) -> bool {
        self.ours.as_ref().is_err_and(|ours| ours == failure)
    }

    fn they_say(&self, failure: Failure) -> bool {
        self.theirs.as_ref().is_err_and(|theirs| *theirs == failure)
    }

    /// Whether the name may be completed.
    fn is_searched(&self) -> bool {
        matches!(&self.query.asked, Asked::Name(name) if !name.ends_with('.'))
    }

    fn is_in_our_zone(&self) -> bool {
        self.query.text().trim_end_matches('.').to_ascii_lowercase().ends_with(".interop.test")
    }

    fn is_chain_too_long(&self) -> bool {
        self.is_name("far") || self.is_of("chain-of-17") || self.is_of("chain-of-40")
    }

    /// Whether the server gives the chains of the zone in several messages.
    fn is_in_pieces(&self) -> bool {
        ["unbound", "gdnsd", "knot", "dnsmasq"].contains(&self.server)
    }

    fn is_address_in_text(&self) -> bool {
        let text = self.query.text();
        let text = text.trim_start_matches('[').trim_end_matches(']').split('%').next().unwrap_or_default();
        self.is_of("text") && text.parse::<IpAddr>().is_ok()
    }

    fn has_odd_characters(&self) -> bool {
        let has_others = |text: &str| text.chars().any(|c| !(c.is_ascii_alphanumeric() || c == '.' || c == '-'));
        let text = self.query.text();
        has_others(&text) || text.starts_with('-')
    }
}
