//! Which addresses may be called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which addresses requests may go to. Addresses where clouds keep their credentials
/// (link-local ones and a few others), multicast, unspecified, documentation and other
/// special ranges are forbidden under every policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressPolicy {
    /// Only what is reachable from anywhere in the Internet.
    #[default]
    PublicOnly,
    /// Also this machine itself: a sandbox on a laptop, and tests.
    AllowLoopback,
    /// Also this machine and private networks: RFC 1918, shared address space
    /// (100.64.0.0/10) and unique local IPv6. For gateways whose partners are inside.
    AllowPrivate,
}

impl AddressPolicy {
    /// Whether `address` may be dialled.
    #[must_use]
    pub fn allows(self, address: IpAddr) -> bool {
        match reach(address) {
            Reach::Public => true,
            Reach::Loopback => self != AddressPolicy::PublicOnly,
            Reach::Private => self == AddressPolicy::AllowPrivate,
            Reach::Special => false,
        }
    }
}

/// From where an address can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Public,
    Loopback,
    Private,
    Special,
}

fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

/// Where clouds keep their credentials besides 169.254.0.0/16, in ranges that are public or
/// private otherwise: Alibaba, Azure.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16)];

/// The same for IPv6: Google, Oracle. Amazon has all of fd00:ec2::/32.
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
];

/// The IANA special-purpose registry for IPv4, and what clouds make of it.
fn reach_v4(address: Ipv4Addr) -> Reach {
    if METADATA_V4.contains(&address) {
        return Reach::Special;
    }
    match address.octets() {
        [127, ..] => Reach::Loopback,
        [10, ..] | [192, 168, ..] => Reach::Private,
        [172, b, ..] if (16..32).contains(&b) => Reach::Private,
        [100, b, ..] if (64..128).contains(&b) => Reach::Private,
        // This network, link-local, protocol assignments, documentation (three), 6to4
        // relays, benchmarks, then multicast, reserved and broadcast.
        [0, ..] | [169, 254, ..] | [192, 0, 0, _] => Reach::Special,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Reach::Special,
        [192, 88, 99, _] | [198, 18..=19, ..] | [224..=255, ..] => Reach::Special,
        _ => Reach::Public,
    }
}

/// The IANA special-purpose registry for IPv6. Forms that carry an IPv4 address are
/// judged by it where the network delivers to it.
fn reach_v6(address: Ipv6Addr) -> Reach {
    if address == Ipv6Addr::LOCALHOST {
        return Reach::Loopback;
    }
    if let Some(mapped) = address.to_ipv4_mapped() {
        return reach_v4(mapped);
    }
    if METADATA_V6.contains(&address) {
        return Reach::Special;
    }
    match address.segments() {
        [0xfd00, 0x0ec2, ..] => Reach::Special,
        // NAT64: such a network has no other way to the IPv4 Internet.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            reach_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
        }
        [0xfc00..=0xfdff, ..] => Reach::Private,
        // Protocol assignments with Teredo, documentation (two), 6to4.
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Reach::Special,
        [0x2002, ..] => Reach::Special,
        // Global unicast. All else is unspecified, local, multicast or not assigned.
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Special,
    }
}

#[cfg(test)]
mod tests {
    use super::{AddressPolicy, Reach, reach};

    #[test]
    fn every_range_and_its_neighbours() {
        let check = |expected: Reach, addresses: &[&str]| {
            for address in addresses {
                let parsed = address.parse().unwrap();
                assert_eq!(reach(parsed), expected, "{address}");
                assert_eq!(AddressPolicy::PublicOnly.allows(parsed), expected == Reach::Public);
                assert_eq!(
                    AddressPolicy::AllowLoopback.allows(parsed),
                    matches!(expected, Reach::Public | Reach::Loopback)
                );
                assert_eq!(AddressPolicy::AllowPrivate.allows(parsed), expected != Reach::Special);
            }
        };
        check(Reach::Loopback, &["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"]);
        check(Reach::Private, &["10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1"]);
        check(Reach::Private, &["100.64.0.0", "100.127.255.255", "fc00::1", "fdff::1"]);
        check(Reach::Private, &["::ffff:10.0.0.1", "::ffff:192.168.1.1", "64:ff9b::10.0.0.1"]);
        check(Reach::Special, &["0.0.0.0", "0.1.2.3", "169.254.169.254", "192.0.0.1", "192.0.2.1"]);
        check(
            Reach::Special,
            &["198.51.100.7", "203.0.113.7", "192.88.99.1", "198.18.0.1", "198.19.255.255"],
        );
        check(Reach::Special, &["224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"]);
        check(Reach::Special, &["::", "::7f00:1", "fe80::1", "fec0::1", "ff02::1", "100::1", "5f00::1"]);
        check(Reach::Special, &["2001::1", "2001:1ff::1", "2001:db8::1", "3fff::1", "3fff:fff::1"]);
        check(Reach::Special, &["2002:7f00:1::", "64:ff9b:1::7f00:1", "64:ff9b::169.254.169.254"]);
        check(Reach::Special, &["::ffff:0.0.0.0", "::ffff:169.254.169.254", "4000::1", "1fff::1"]);
        check(Reach::Special, &["100.100.100.200", "::ffff:100.100.100.200", "168.63.129.16"]);
        check(Reach::Special, &["fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:c1::a9fe:a9fe"]);
        check(
            Reach::Private,
            &["100.100.100.199", "100.100.100.201", "fd00:ec1::1", "fd20:ce::1", "fd00::1"],
        );
        check(Reach::Public, &["168.63.129.15", "168.63.129.17"]);
        check(Reach::Public, &["1.1.1.1", "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0"]);
        check(Reach::Public, &["100.63.255.255", "100.128.0.0", "192.167.255.255", "223.255.255.255"]);
        check(
            Reach::Public,
            &["2001:200::1", "2606:4700::1111", "3ffe::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"],
        );
    }
}
