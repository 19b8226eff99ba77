//! Under which names the server answers, against DNS rebinding: a web page on a public name that its owner points at this
//! server's address has the same origin as the server's own pages. It can be recognized only by the name.
//!
//! Names that only this network gives out are always right: addresses, names without a dot, the machine's own name, and the
//! private suffixes. A public name has to be listed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Suffixes under which nobody can register a public name: RFC 6761 (`localhost`), RFC 6762 (`local`), RFC 8375
/// (`home.arpa`), reserved by ICANN (`internal`), and usual in networks (`lan`).
const PRIVATE_SUFFIXES: [&str; 5] = [".localhost", ".local", ".lan", ".internal", ".home.arpa"];
/// Length of the longest name in the DNS, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// The names of the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts {
    any: bool,
    /// Names in lower case; one that begins with a dot stands for all names below it.
    names: Vec<String>,
}

impl Hosts {
    /// Parses the entries of `server.allowed_hosts`.
    ///
    /// # Errors
    /// The entry that is neither a name nor `*`.
    pub fn parse<'a>(entries: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut hosts = Self::default();
        for entry in entries {
            match entry {
                "*" => hosts.any = true,
                _ if is_name(entry.strip_prefix('.').unwrap_or(entry)) => hosts.names.push(normal(entry)),
                _ => return Err(entry.to_owned()),
            }
        }
        Ok(hosts)
    }

    /// Adds the name of the machine.
    #[must_use]
    pub fn with(mut self, own_name: &str) -> Self {
        if is_name(own_name) {
            self.names.push(normal(own_name));
        }
        self
    }

    /// Whether this is a name of the server.
    pub fn admit(&self, host: &Host) -> bool {
        let name = match host {
            Host::Address(_) => return true,
            Host::Name(name) => name,
        };
        let below = |suffix: &str| name.strip_suffix(suffix).is_some_and(|rest| !rest.is_empty());
        let known = |entry: &String| if entry.starts_with('.') { below(entry) } else { entry == name };
        self.any || !name.contains('.') || PRIVATE_SUFFIXES.into_iter().any(below) || self.names.iter().any(known)
    }
}

/// The host of a request or of a web page, without its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    Address(IpAddr),
    /// In lower case, without the dot of the root.
    Name(String),
}

impl Host {
    /// Reads a host with an optional port, as `Host` and `Origin` have it (RFC 9110, section 7.2); `None` if it is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']')?;
            let no_port = port.is_empty();
            return (no_port || port.strip_prefix(':').is_some_and(is_port))
                .then(|| address.parse::<Ipv6Addr>().ok().map(|address| Self::Address(address.into())))?;
        }
        let (name, port) = text.split_once(':').unwrap_or((text, ""));
        if !is_port(port) || !is_name(name) {
            return None;
        }
        Some(name.parse::<Ipv4Addr>().map_or_else(|_| Self::Name(normal(name)), |address| Self::Address(address.into())))
    }

    /// Whether both are the same machine, as far as the names tell: equal, or both this machine itself.
    pub fn is_same(&self, other: &Self) -> bool {
        self == other || (self.is_loopback() && other.is_loopback())
    }

    fn is_loopback(&self) -> bool {
        match self {
            Self::Address(address) => address.to_canonical().is_loopback(),
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }
}

/// Whether this can be a port; it may be missing.
fn is_port(text: &str) -> bool {
    text.is_empty() || text.parse::<u16>().is_ok_and(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether this can be a name in an address (RFC 3986, `reg-name`).
fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte);
    (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(allowed)
}

fn normal(name: &str) -> String {
    // `localhost.` and `calls.example.org.` are the same names with the root.
    let rooted = name.strip_suffix('.').filter(|name| name.contains('.') || *name == "localhost");
    rooted.unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn admits(hosts: &Hosts, host: &str) -> bool {
        hosts.admit(&Host::parse(host).unwrap_or_else(|| panic!("{host} is malformed")))
    }

    #[test]
    fn what_a_network_gives_out_itself_is_admitted_and_a_public_name_is_not() {
        let hosts = Hosts::default().with("Recorder.example.net");
        for host in [
            "127.0.0.1",
            "192.0.2.1:8000",
            "[::1]",
            "[2001:db8::1]:8000",
            "localhost",
            "LOCALHOST:8000",
            "localhost.",
            "app.localhost",
            "recorder",
            "call_annotate:8000",
            "recorder.local",
            "nas.office.lan",
            "host.docker.internal",
            "annotate.calls.svc.cluster.local:8000",
            "pi.home.arpa",
            "recorder.example.net",
        ] {
            assert!(admits(&hosts, host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8000",
            "evil.example.",
            "ai.",
            "127.0.0.1.evil.example",
            "local.evil.example",
            "evillocal.example",
            ".local",
            "127.1",
            "other.example.net",
        ] {
            assert!(!admits(&hosts, host), "{host}");
        }
    }

    #[test]
    fn listed_names_are_added() {
        let hosts = Hosts::parse(["Calls.example.org", ".example.com"].into_iter()).unwrap();
        for (host, admitted) in [
            ("calls.example.org", true),
            ("CALLS.example.org.:443", true),
            ("a.calls.example.org", false),
            ("a.example.com", true),
            ("a.b.example.com", true),
            ("example.com", false),
            ("evilexample.com", false),
            ("192.0.2.1", true),
        ] {
            assert_eq!(admits(&hosts, host), admitted, "{host}");
        }
        assert!(admits(&Hosts::parse(std::iter::once("*")).unwrap(), "evil.example"));
        for wrong in ["https://calls.example.org", "calls.example.org:443", "a b", "*.example.org/", "."] {
            assert_eq!(Hosts::parse(std::iter::once(wrong)), Err(wrong.to_owned()));
        }
    }

    #[test]
    fn a_malformed_host_is_none() {
        for text in
            ["", ":80", "a:b", "a:99999", "a:+1", "a b", "a/b", "a@b", "[::1", "[::1]x", "[1.2.3.4]", "[::1]:x", "a:1:2", "я"]
        {
            assert_eq!(Host::parse(text), None, "{text}");
        }
        assert_eq!(Host::parse("a:"), Some(Host::Name("a".to_owned())));
    }

    #[test]
    fn this_machine_has_several_names() {
        let host = |text| Host::parse(text).unwrap();
        assert!(host("localhost").is_same(&host("127.0.0.1:80")) && host("[::1]").is_same(&host("app.localhost")));
        assert!(host("calls.lan:1").is_same(&host("Calls.lan:2")));
        assert!(!host("calls.lan").is_same(&host("localhost")) && !host("10.0.0.1").is_same(&host("10.0.0.2")));
    }

    proptest! {
        #[test]
        fn any_text_is_a_host_or_none(text in "\\PC{0,40}") {
            if let Some(Host::Name(name)) = Host::parse(&text) {
                prop_assert!(Host::parse(&name) == Some(Host::Name(name.clone())), "{name}");
            }
        }
    }
}
