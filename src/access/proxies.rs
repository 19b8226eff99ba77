//! The client's address behind proxies.
//!
//! Each proxy appends the address of its peer to `X-Forwarded-For`; entries that the client itself sent are to the left. So
//! the list is read from the right for as long as the hop that wrote an entry is trusted. RFC 7239's `Forwarded` is not read:
//! the usual proxies do not write it, and would pass on what a client sent.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// The networks of proxies whose `X-Forwarded-For` is trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Parses addresses and networks.
    ///
    /// # Errors
    /// The entry that is neither.
    pub fn parse<'a>(entries: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let network = |entry: &str| entry.parse::<IpNet>().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from));
        entries.map(|entry| network(entry).map_err(|_| entry.to_owned())).collect::<Result<_, _>>().map(Self)
    }

    /// The address of the client: going from the peer backwards through `X-Forwarded-For`, the first address that is not a
    /// trusted proxy. If an entry cannot be parsed, the hop that wrote it.
    pub fn client<'a>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a str>) -> IpAddr {
        let mut hop = peer.to_canonical();
        for entry in forwarded.rev().flat_map(|value| value.rsplit(',')) {
            if !self.trusts(hop) {
                break;
            }
            match read(entry.trim()) {
                Some(before) => hop = before.to_canonical(),
                None => break,
            }
        }
        hop
    }

    /// Whether an address is that of a trusted proxy.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Parses an address as proxies write it: plain, in brackets, or with a port.
fn read(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn client(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let proxies = TrustedProxies::parse(trusted.iter().copied()).unwrap();
        proxies.client(peer.parse().unwrap(), forwarded.iter().copied()).to_string()
    }

    #[test]
    fn only_entries_of_trusted_hops_count() {
        for (trusted, peer, forwarded, expected) in [
            (&[][..], "192.0.2.9", &["198.51.100.1"][..], "192.0.2.9"),
            (&["10.0.0.0/8"], "192.0.2.9", &["198.51.100.1"], "192.0.2.9"),
            (&["10.0.0.0/8"], "10.1.1.1", &[], "10.1.1.1"),
            (&["10.0.0.0/8"], "10.1.1.1", &["198.51.100.1"], "198.51.100.1"),
            // Entries that the client itself sent are to the left.
            (&["10.0.0.0/8"], "10.1.1.1", &["203.0.113.5, 198.51.100.1"], "198.51.100.1"),
            (&["10.0.0.0/8"], "10.1.1.1", &["203.0.113.5", "198.51.100.1, 10.2.2.2"], "198.51.100.1"),
            (&["10.0.0.0/8"], "10.1.1.1", &["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
            (&["10.0.0.0/8"], "10.1.1.1", &["198.51.100.1, nonsense"], "10.1.1.1"),
            (&["10.0.0.0/8"], "10.1.1.1", &["198.51.100.1, , 10.2.2.2"], "10.2.2.2"),
            (&["::1"], "::1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            (&["::1"], "::1", &["[2001:db8::7]"], "2001:db8::7"),
            (&["127.0.0.1"], "::ffff:127.0.0.1", &["198.51.100.1:80"], "198.51.100.1"),
        ] {
            assert_eq!(client(trusted, peer, forwarded), expected, "{trusted:?} {peer} {forwarded:?}");
        }
    }

    #[test]
    fn an_entry_that_is_not_a_network_is_named() {
        assert_eq!(TrustedProxies::parse(["10.0.0.0/8", "10.0.0.0/40"].into_iter()), Err("10.0.0.0/40".to_owned()));
        assert_eq!(TrustedProxies::parse(["proxy.example"].into_iter()), Err("proxy.example".to_owned()));
    }

    proptest! {
        #[test]
        fn an_untrusted_peer_is_the_client_whatever_it_says(peer in any::<u32>(), said in proptest::collection::vec(".*", 0..4)) {
            let proxies = TrustedProxies::parse(["2001:db8::/32"].into_iter()).unwrap();
            let peer = IpAddr::from(peer.to_be_bytes());
            prop_assert_eq!(proxies.client(peer, said.iter().map(String::as_str)), peer);
        }

        #[test]
        fn what_a_client_writes_never_outweighs_what_the_proxy_saw(
            seen in any::<u32>().prop_filter("is no proxy", |seen| seen >> 24 != 10),
            said in proptest::collection::vec("[0-9a-f.:, ]{0,40}", 0..4),
        ) {
            let proxies = TrustedProxies::parse(["10.0.0.0/8"].into_iter()).unwrap();
            let seen = IpAddr::from(seen.to_be_bytes());
            let mut values = said;
            values.push(seen.to_string());
            let peer = IpAddr::from([10, 0, 0, 1]);
            prop_assert_eq!(proxies.client(peer, values.iter().map(String::as_str)), seen);
            let joined = values.join(",");
            prop_assert_eq!(proxies.client(peer, std::iter::once(joined.as_str())), seen);
        }
    }
}
