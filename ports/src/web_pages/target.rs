//! Whom a URL names, if it is one that may be asked.

use std::net::IpAddr;

use url::{Host, Url};

use super::{Refused, URL_BYTES_MAX};

/// Whom a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) url: Url,
    pub(super) host: Named,
    pub(super) port: u16,
    pub(super) tls: bool,
}

/// A host in a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    Name(String),
    Address(IpAddr),
}

impl Target {
    /// Reads a URL, as browsers do: decimal, octal, hexadecimal and short forms of an address come
    /// out as the address they mean, names in other scripts as ASCII.
    pub(super) fn read(text: &str, ports: &[u16]) -> Result<Self, Refused> {
        if text.len() > URL_BYTES_MAX {
            return Err(Refused::Url);
        }
        Self::of(Url::parse(text).map_err(|_| Refused::Url)?, ports)
    }

    /// What a redirect of this one means.
    pub(super) fn redirected(&self, to: &str, ports: &[u16]) -> Result<Self, Refused> {
        if to.len() > URL_BYTES_MAX {
            return Err(Refused::Url);
        }
        Self::of(self.url.join(to).map_err(|_| Refused::Url)?, ports)
    }

    fn of(mut url: Url, ports: &[u16]) -> Result<Self, Refused> {
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(Refused::Url),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        let port = url.port_or_known_default().ok_or(Refused::Url)?;
        if !ports.contains(&port) {
            return Err(Refused::Port);
        }
        let host = match url.host().ok_or(Refused::Url)? {
            Host::Domain(it) => Named::Name(it.to_owned()),
            Host::Ipv4(it) => Named::Address(it.into()),
            Host::Ipv6(it) => Named::Address(it.into()),
        };
        // What stands behind `#` is for readers, not for servers.
        url.set_fragment(None);
        if url.as_str().len() > URL_BYTES_MAX {
            return Err(Refused::Url);
        }
        Ok(Self { url, host, port, tls })
    }

    /// What stands in the request's first line.
    pub(super) fn path(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }

    /// The host as it is written in headers, with a port that is not the scheme's own.
    pub(super) fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Target, Refused> {
        Target::read(text, &[80, 443])
    }

    #[test]
    fn every_way_to_write_an_address_is_that_address() {
        for text in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://017700000001/",
            "http://0177.0.0.1/",
            "http://0x7f.0.0.1/",
            "http://0x7F.0x0.0x0.0x1/",
            "http://127.1/",
            "http://127.0.1/",
            "http://127.0.0.1./",
            "http://127.0.0.1:80/",
            "http://%31%32%37.0.0.1/",
            "http://127%2e0%2e0%2e1/",
            "http://１２７.０.０.１/",
            "http://127。0。0。1/",
            "http://①②⑦.⓪.⓪.①/",
            "http:127.0.0.1/",
            "http:/127.0.0.1/",
            "http:\\\\127.0.0.1\\",
            "http:////127.0.0.1/",
            " http://127.0.0.1/ ",
            "HTTP://127.0.0.1",
            "ht\ntp://127.0.\t0.1/",
        ] {
            let host = read(text).map(|it| it.host);
            assert_eq!(host, Ok(Named::Address(IpAddr::from([127, 0, 0, 1]))), "{text:?}");
        }
        let v6 = |text: &str| Ok(Named::Address(text.parse::<IpAddr>().unwrap()));
        for (text, address) in [
            ("http://[::1]/", "::1"),
            ("http://[0:0:0:0:0:0:0:1]/", "::1"),
            ("http://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1"),
            ("http://[::ffff:7f00:1]/", "::ffff:127.0.0.1"),
            ("http://[64:ff9b::7f00:1]/", "64:ff9b::7f00:1"),
            ("http://[FE80::1]/", "fe80::1"),
        ] {
            assert_eq!(read(text).map(|it| it.host), v6(address), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_of_the_web_is_refused() {
        for text in [
            "",
            "/",
            "//example.org/",
            "example.org",
            "http://",
            "http:///",
            "https://:443/",
            "file:///etc/passwd",
            "ftp://example.org/",
            "gopher://127.0.0.1:80/_x",
            "dict://example.org/",
            "data:text/html,x",
            "javascript:alert(1)",
            "ws://example.org/",
            "unix:/run/x.sock",
            "jar:http://example.org/!/",
            "http://[fe80::1%25eth0]/",
            "http://[fe80::1%eth0]/",
            "http://[::1/",
            "http://[127.0.0.1]/",
            "http://256.1.1.1/",
            "http://1.2.3.4.5/",
            "http://0x100000000/",
            "http://exa mple.org/",
            "http://exam%00ple.org/",
            "http://exam%0d%0aple.org/",
            "http://example.org:99999/",
            "http://example.org:x/",
            "http://xn--a/",
        ] {
            assert_eq!(read(text), Err(Refused::Url), "{text:?}");
        }
    }

    #[test]
    fn a_url_without_credentials_on_a_listed_port_is_read() {
        for text in [
            "http://ann@example.org/",
            "http://ann:secret@example.org/",
            "http://:secret@example.org/",
            "http://example.org@127.0.0.1/",
            "http://example.org%40x@127.0.0.1/",
            "http://example.org:80@127.0.0.1/",
            "http://127.0.0.1#@example.org@example.com/@x".replace('#', "%23").as_str(),
        ] {
            assert_eq!(read(text), Err(Refused::Credentials), "{text}");
        }
        for text in [
            "http://example.org:22/",
            "http://example.org:0/",
            "https://example.org:8443/",
            "http://127.0.0.1:6379/",
        ] {
            assert_eq!(read(text), Err(Refused::Port), "{text}");
        }
        let read = read("https://Bücher.Example.:443/a b?c=d e#f").unwrap();
        assert_eq!(read.host, Named::Name("xn--bcher-kva.example.".to_owned()));
        assert_eq!((read.port, read.tls), (443, true));
        assert_eq!(read.path(), "/a%20b?c=d%20e");
        assert_eq!(read.authority(), "xn--bcher-kva.example.");
    }

    #[test]
    fn a_url_has_2048_bytes_as_it_comes_and_as_it_is_sent() {
        let filled = |rest: usize| format!("http://example.org/{}", "x".repeat(rest));
        assert!(read(&filled(2_048 - 19)).is_ok());
        assert_eq!(read(&filled(2_049 - 19)), Err(Refused::Url));
        // Each of these is nine bytes once it is encoded.
        assert_eq!(read(&format!("http://example.org/{}", "€".repeat(300))), Err(Refused::Url));
    }

    #[test]
    fn a_redirect_is_read_where_it_stands_and_checked_like_all() {
        let at = read("https://example.org/a/b").unwrap();
        let to = |text: &str| at.redirected(text, &[80, 443]).map(|it| it.url.to_string());
        assert_eq!(to("c#x"), Ok("https://example.org/a/c".to_owned()));
        assert_eq!(to("//example.com"), Ok("https://example.com/".to_owned()));
        assert_eq!(to("file:///etc/passwd"), Err(Refused::Url));
        assert_eq!(to("//ann@example.com/"), Err(Refused::Credentials));
        assert_eq!(to("http://example.com:25/"), Err(Refused::Port));
        assert_eq!(to(&"x".repeat(2_049)), Err(Refused::Url));
    }
}
