//! Which addresses may be asked: those of the public internet, and what an operator allows.
//!
//! The lists are IANA's registries of special-purpose addresses, and the addresses at which clouds
//! serve metadata. Of IPv6 only the space of global unicast may be asked at all, so forms that
//! carry another address (mapped `::ffff:`, compatible `::`, NAT64 `64:ff9b::`) are outside it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(first: u16, second: u16, third: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0), length)
}

/// IPv4 that is not of the public internet.
const NOT_PUBLIC_V4: [Ipv4Net; 19] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    // Azure's metadata, though the address is public.
    v4(168, 63, 129, 16, 32),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 31, 196, 0, 24),
    v4(192, 52, 193, 0, 24),
    // Relays of 6to4.
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(192, 175, 48, 0, 24),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// Global unicast.
const GLOBAL: Ipv6Net = v6(0x2000, 0, 0, 3);

/// Global unicast that is not of the public internet, or carries another address.
const NOT_PUBLIC_V6: [Ipv6Net; 6] = [
    // Protocols, among them Teredo.
    v6(0x2001, 0, 0, 23),
    v6(0x2001, 0x0db8, 0, 32),
    // 6to4.
    v6(0x2002, 0, 0, 16),
    v6(0x2620, 0x004f, 0x8000, 48),
    v6(0x3ffe, 0, 0, 16),
    v6(0x3fff, 0, 0, 20),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    !NOT_PUBLIC_V4.iter().any(|it| it.contains(&address))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [.., fifth, sixth, _, _] = address.segments();
    // ISATAP carries an address of IPv4 under any prefix.
    let isatap = sixth == 0x5efe && (fifth == 0 || fifth == 0x0200);
    GLOBAL.contains(&address) && !NOT_PUBLIC_V6.iter().any(|it| it.contains(&address)) && !isatap
}

/// Whether an address is of the public internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => is_public_v4(it),
        IpAddr::V6(it) => is_public_v6(it),
    }
}

/// Whether an address may be asked. A network of IPv4 allows no form of IPv6 that carries it.
pub(super) fn may_be_asked(address: IpAddr, allow: &[IpNet]) -> bool {
    is_public(address) || allow.iter().any(|it| it.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn each_network_ends_where_the_registries_say() {
        // The last address before, the first and the last within, the first behind.
        for (before, first, last, behind) in [
            ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
            ("100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"),
            ("126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"),
            ("168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17"),
            ("169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"),
            ("172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"),
            ("191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"),
            ("192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"),
            ("192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"),
            ("192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"),
            ("198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"),
            ("198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"),
            ("203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"),
            ("2000:ffff::", "2001::", "2001:1ff:ffff::", "2001:200::"),
            ("2001:db7:ffff::", "2001:db8::", "2001:db8:ffff::", "2001:db9::"),
            ("2001:ffff::", "2002::", "2002:ffff::", "2003::"),
            ("2620:4f:7fff::", "2620:4f:8000::", "2620:4f:8000:ffff::", "2620:4f:8001::"),
            ("3ffd:ffff::", "3ffe::", "3ffe:ffff::", "3fff:1000::"),
        ] {
            assert!(public(before), "{before}");
            assert!(!public(first), "{first}");
            assert!(!public(last), "{last}");
            assert!(public(behind), "{behind}");
        }
        assert!(!public("0.0.0.0") && !public("0.255.255.255") && public("1.0.0.0"));
        assert!(public("223.255.255.255") && !public("224.0.0.0") && !public("239.255.255.255"));
        assert!(!public("240.0.0.0") && !public("255.255.255.255"));
        assert!(!public("3fff::") && !public("3fff:fff:ffff::"));
        assert!(!public("1fff:ffff::") && public("2000::") && !public("4000::"));
    }

    #[test]
    fn no_form_of_ipv6_that_carries_another_address_is_public() {
        for text in [
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::127.0.0.1",
            "100::1",
            "2001::1",
            "2001:0:7f00:1::",
            "2002:7f00:1::",
            "2002:808:808::",
            "2a00:1450::5efe:127.0.0.1",
            "2a00:1450::200:5efe:127.0.0.1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ] {
            assert!(!public(text), "{text}");
        }
        for text in ["2606:4700::1111", "2a00:1450:4001::200e", "2001:4860:4860::8888"] {
            assert!(public(text), "{text}");
        }
    }

    #[test]
    fn what_an_operator_allows_is_allowed_in_that_form_only() {
        let allow = ["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let may = |text: &str| may_be_asked(text.parse().unwrap(), &allow);
        assert!(may("10.1.2.3") && may("fd12::1") && may("8.8.8.8"));
        assert!(!may("10.2.0.0") && !may("::ffff:10.1.2.3") && !may("64:ff9b::10.1.2.3"));
        assert!(!may("2002:a01:203::") && !may("fc00::1"));
    }
}
