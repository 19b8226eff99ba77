//! Which web pages may use the interface from a browser, by their origin.

/// The origins whose pages are allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origins {
    /// No origins are configured.
    #[default]
    Unset,
    /// Pages of every origin.
    Any,
    /// Pages of these origins, in lower case.
    Listed(Vec<String>),
}

impl Origins {
    /// Parses the entries of `server.cors_origins`.
    ///
    /// # Errors
    /// The entry that is not an origin.
    pub fn parse<'a>(entries: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut listed = Vec::new();
        let mut any = false;
        for entry in entries {
            match entry {
                "*" => any = true,
                _ if is_origin(entry) => listed.push(entry.to_ascii_lowercase()),
                _ => return Err(entry.to_owned()),
            }
        }
        Ok(match (any, listed.is_empty()) {
            (true, _) => Self::Any,
            (false, true) => Self::Unset,
            (false, false) => Self::Listed(listed),
        })
    }

    /// Whether a page of this origin may change something or open a WebSocket. A page from the same host (`host` is the
    /// request's) is always allowed. Without configured origins every page is, as is every other program.
    pub fn admits(&self, origin: &str, host: Option<&str>) -> bool {
        match self {
            Self::Unset | Self::Any => true,
            Self::Listed(listed) => {
                let own = origin.split_once("://").is_some_and(|(_, authority)| host == Some(authority));
                own || listed.iter().any(|known| known.eq_ignore_ascii_case(origin))
            }
        }
    }
}

/// Whether this is an origin as browsers send it: scheme and host, optionally a port, no path; or `null` for opaque origins.
fn is_origin(text: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@*\"\\".contains(&byte));
    text == "null" || text.split_once("://").is_some_and(|(scheme, authority)| plain(scheme) && plain(authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_admits_its_entries_and_the_own_host() {
        let origins = Origins::parse(["https://calls.example.org", "http://localhost:3000", "null"].into_iter()).unwrap();
        for (origin, host, admitted) in [
            ("https://calls.example.org", Some("api.example.org"), true),
            ("HTTPS://Calls.example.org", None, true),
            ("null", None, true),
            ("https://api.example.org", Some("api.example.org"), true),
            ("http://localhost:3000", None, true),
            ("http://localhost:3001", Some("localhost:8000"), false),
            ("https://calls.example.org.evil.example", None, false),
            ("https://evil.example", Some("api.example.org"), false),
            ("", Some(""), false),
        ] {
            assert_eq!(origins.admits(origin, host), admitted, "{origin} {host:?}");
        }
    }

    #[test]
    fn without_a_list_or_with_a_star_every_page_is_admitted() {
        for entries in [&[][..], &["*"], &["*", "https://calls.example.org"]] {
            assert!(Origins::parse(entries.iter().copied()).unwrap().admits("https://anywhere.example", None));
        }
    }

    #[test]
    fn an_entry_that_is_not_an_origin_is_named() {
        for wrong in ["calls.example.org", "https://calls.example.org/", "https://*.example.org", "https://", "a b://c"] {
            assert_eq!(Origins::parse(std::iter::once(wrong)), Err(wrong.to_owned()));
        }
    }
}
