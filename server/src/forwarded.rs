//! Whose address a request counts against: that of the peer, or, behind a proxy that is trusted,
//! the one that the proxy has seen.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Puts the address that counts where the roles look for that of the peer.
pub(crate) async fn see_client(
    State(proxies): State<Arc<[IpNet]>>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let counted = counted(client(&proxies, peer.ip(), request.headers()));
        let counted = SocketAddr::new(counted, peer.port());
        request.extensions_mut().insert(ConnectInfo(counted));
    }
    next.run(request).await
}

/// The address of the client, which is not always that of the peer: proxies write who asked them
/// behind what they were told, so the last entry that is no proxy of ours is the last one that a
/// proxy of ours has seen itself. What stands before it may be invented.
fn client(proxies: &[IpNet], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let peer = peer.to_canonical();
    let trusted = |it: &IpAddr| proxies.iter().any(|net| net.contains(it));
    if !trusted(&peer) {
        return peer;
    }
    // A header that comes several times is one list.
    for header in headers.get_all(FORWARDED_FOR).iter().rev() {
        let Ok(list) = header.to_str() else { return peer };
        for entry in list.rsplit(',') {
            let Some(address) = read(entry.trim()) else { return peer };
            if !trusted(&address) {
                return address;
            }
        }
    }
    peer
}

/// An address, to which some proxies add a port.
fn read(entry: &str) -> Option<IpAddr> {
    let bare = entry.parse::<IpAddr>();
    let address = bare.or_else(|_| entry.parse::<SocketAddr>().map(|it| it.ip())).ok()?;
    Some(address.to_canonical())
}

/// Who has one address of IPv6 has 2^64: they count as one.
fn counted(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(it) => Ipv6Addr::from(u128::from(it) >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, headers: &[&str]) -> String {
        let proxies = ["10.0.0.0/8", "fd00::/8"].map(|it| it.parse::<IpNet>().unwrap());
        let mut map = HeaderMap::new();
        for value in headers {
            map.append(FORWARDED_FOR, value.parse().unwrap());
        }
        counted(client(&proxies, peer.parse().unwrap(), &map)).to_string()
    }

    #[test]
    fn a_trusted_proxy_says_who_asks() {
        assert_eq!(seen("10.0.0.1", &["203.0.113.7"]), "203.0.113.7");
        assert_eq!(seen("10.0.0.1", &["203.0.113.7:4711"]), "203.0.113.7");
        assert_eq!(seen("::ffff:10.0.0.1", &["::ffff:203.0.113.7"]), "203.0.113.7");
        assert_eq!(seen("fd00::1", &["[2001:db8::7]:80"]), "2001:db8::");
    }

    #[test]
    fn what_stands_before_the_last_stranger_is_invented() {
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, 203.0.113.7"]), "203.0.113.7");
        assert_eq!(seen("10.0.0.1", &["nonsense, 203.0.113.7, 10.9.9.9"]), "203.0.113.7");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1", "203.0.113.7, 10.9.9.9"]), "203.0.113.7");
    }

    #[test]
    fn who_is_not_trusted_speaks_for_itself() {
        assert_eq!(seen("192.0.2.1", &["203.0.113.7"]), "192.0.2.1");
        assert_eq!(seen("2001:db8::1", &["203.0.113.7"]), "2001:db8::");
        assert_eq!(seen("::ffff:192.0.2.1", &[]), "192.0.2.1");
    }

    #[test]
    fn a_header_that_says_nothing_leaves_the_peer() {
        for headers in [
            &[][..],
            &[""],
            &["unknown"],
            &["203.0.113.7, nobody"],
            &["10.0.0.2, 10.0.0.3"],
            &["é"],
        ] {
            assert_eq!(seen("10.0.0.1", headers), "10.0.0.1", "{headers:?}");
        }
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_as_one() {
        assert_eq!(seen("2001:db8:1:2::1", &[]), seen("2001:db8:1:2:ffff::9", &[]));
        assert_ne!(seen("2001:db8:1:2::1", &[]), seen("2001:db8:1:3::1", &[]));
    }
}
