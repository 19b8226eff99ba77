//! Which web pages may use the interface from a browser, by their origin.

use super::hosts::Host;

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

/// What a web page may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// As much as any other program.
    Free,
    /// A page with an opaque origin, such as one opened from a file, may only follow a job whose id it knows. Any web page can get
    /// an opaque origin, with a sandboxed frame, but only a page of the user knows the id.
    Nameless,
    /// A page of a foreign origin may do nothing.
    Foreign,
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

    /// What a page of this origin may do beside reading; `host` is the request's. Without configured origins the pages of the
    /// server's own machine are free, whatever their port; with them, only those of the same host and port are beside the
    /// listed ones.
    pub fn judge(&self, origin: &str, host: Option<&str>) -> Page {
        match self {
            Self::Any => Page::Free,
            Self::Unset if is_nameless(origin) => Page::Nameless,
            Self::Unset => {
                let page = authority(origin).and_then(Host::parse);
                let own = page.zip(host.and_then(Host::parse)).is_some_and(|(page, host)| page.is_same(&host));
                if own { Page::Free } else { Page::Foreign }
            }
            Self::Listed(listed) => {
                let own = origin.split_once("://").is_some_and(|(_, authority)| host == Some(authority));
                if own || listed.iter().any(|known| known.eq_ignore_ascii_case(origin)) { Page::Free } else { Page::Foreign }
            }
        }
    }

    /// What a page may do of which only the relation to this server is known (`Sec-Fetch-Site`): browsers leave out `Origin`
    /// where they take a request for harmless.
    pub fn judge_site(&self, site: &str) -> Page {
        match self {
            Self::Any => Page::Free,
            Self::Unset | Self::Listed(_) if matches!(site, "same-origin" | "none") => Page::Free,
            Self::Unset | Self::Listed(_) => Page::Foreign,
        }
    }
}

/// Host and port of a web page's origin.
fn authority(origin: &str) -> Option<&str> {
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))
}

/// Whether an origin is opaque: `null`, or what some browsers send for a page opened from a file.
fn is_nameless(origin: &str) -> bool {
    matches!(origin, "null" | "file://")
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
            let expected = if admitted { Page::Free } else { Page::Foreign };
            assert_eq!(origins.judge(origin, host), expected, "{origin} {host:?}");
        }
    }

    #[test]
    fn with_a_star_every_page_is_admitted() {
        for entries in [&["*"][..], &["*", "https://calls.example.org"]] {
            let origins = Origins::parse(entries.iter().copied()).unwrap();
            assert_eq!(origins.judge("https://anywhere.example", None), Page::Free);
            assert_eq!(origins.judge_site("cross-site"), Page::Free);
        }
    }

    #[test]
    fn without_a_list_the_pages_of_the_own_machine_are_free_and_those_without_an_origin_nameless() {
        let origins = Origins::parse(std::iter::empty()).unwrap();
        for (origin, host, expected) in [
            ("http://localhost:3000", Some("localhost:8000"), Page::Free),
            ("http://localhost:3000", Some("127.0.0.1:8000"), Page::Free),
            ("http://recorder.lan", Some("Recorder.lan:8000"), Page::Free),
            ("https://calls.example.org", Some("calls.example.org"), Page::Free),
            ("null", Some("localhost:8000"), Page::Nameless),
            ("file://", Some("localhost:8000"), Page::Nameless),
            ("https://evil.example", Some("localhost:8000"), Page::Foreign),
            ("http://localhost.evil.example", Some("localhost:8000"), Page::Foreign),
            ("http://192.0.2.7", Some("192.0.2.8"), Page::Foreign),
            ("http://localhost:3000", None, Page::Foreign),
            ("app://localhost", Some("localhost:8000"), Page::Foreign),
            ("", Some("localhost:8000"), Page::Foreign),
            ("file://evil.example", Some("localhost:8000"), Page::Foreign),
        ] {
            assert_eq!(origins.judge(origin, host), expected, "{origin} {host:?}");
        }
        for (site, expected) in
            [("same-origin", Page::Free), ("none", Page::Free), ("same-site", Page::Foreign), ("cross-site", Page::Foreign)]
        {
            assert_eq!(origins.judge_site(site), expected, "{site}");
        }
    }

    #[test]
    fn an_entry_that_is_not_an_origin_is_named() {
        for wrong in ["calls.example.org", "https://calls.example.org/", "https://*.example.org", "https://", "a b://c"] {
            assert_eq!(Origins::parse(std::iter::once(wrong)), Err(wrong.to_owned()));
        }
    }
}
