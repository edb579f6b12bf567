//! Where an outside system is: one URL, whose scheme says which adapter speaks to it.

use std::collections::BTreeMap;
use std::fmt;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize, Serializer};

use crate::Error;

/// A URL that may hold a password: it is read with it and shown without.
///
/// `scheme://[user:password@]host[:port][,host[:port]…][/path][?option=value&…]`
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Address(String);

/// The parts of an address, decoded.
#[derive(Clone, PartialEq, Eq)]
pub struct Parts {
    pub scheme: String,
    pub user: Option<String>,
    pub password: Option<String>,
    /// One or several hosts, as written.
    pub hosts: String,
    /// Without the slash before it.
    pub path: String,
    pub options: BTreeMap<String, String>,
}

impl Address {
    /// The address as it was given, for a client that parses it itself; never to be logged.
    pub fn secret_text(&self) -> &str {
        &self.0
    }

    /// What stands before `://`.
    pub fn scheme(&self) -> &str {
        self.0.split_once("://").map_or("", |(scheme, _)| scheme)
    }

    /// Takes an address apart.
    ///
    /// # Errors
    /// `Unavailable` when it is not a URL with a host.
    pub fn parts(&self, port: &'static str) -> Result<Parts, Error> {
        let malformed = || Error::unavailable(port, "the address is not a URL with a host");
        let (scheme, rest) = self.0.split_once("://").ok_or_else(malformed)?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let (credentials, hosts) = match authority.rsplit_once('@') {
            Some((credentials, hosts)) => (Some(credentials), hosts),
            None => (None, authority),
        };
        if hosts.is_empty() || scheme.is_empty() {
            return Err(malformed());
        }
        let decoded = |text: &str| {
            let text = percent_decode_str(text).decode_utf8();
            text.map(|it| it.into_owned()).map_err(|_| malformed())
        };
        let (user, password) = match credentials.map(|it| it.split_once(':').unwrap_or((it, ""))) {
            Some((user, password)) => (Some(decoded(user)?), Some(decoded(password)?)),
            None => (None, None),
        };
        let mut options = BTreeMap::new();
        for pair in query.split('&').filter(|it| !it.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(malformed)?;
            options.insert(decoded(name)?, decoded(value)?);
        }
        let (scheme, hosts, path) = (scheme.to_owned(), hosts.to_owned(), decoded(path)?);
        Ok(Parts { scheme, user, password, hosts, path, options })
    }
}

#[cfg(feature = "real")]
impl Parts {
    /// The file of the authorities that TLS trusts instead of the system's, by the option `ca`.
    ///
    /// # Errors
    /// `Unavailable` when the file can't be read, or nothing is encrypted.
    pub(crate) fn ca(&mut self, port: &'static str, tls: bool) -> Result<Option<Vec<u8>>, Error> {
        let Some(file) = self.options.remove("ca") else { return Ok(None) };
        if !tls {
            let scheme = &self.scheme;
            let text = format!("the option ca means nothing to {scheme}://, which has no TLS");
            return Err(Error::unavailable(port, text));
        }
        let read = std::fs::read(&file);
        let unread = |it| Error::unavailable(port, format!("the file {file} of ca: {it}"));
        read.map(Some).map_err(unread)
    }

    /// The beginnings of a client for an address of HTTP, whose only option is `ca`, and what
    /// stands before every path. What is said there is for this address alone: redirects are not
    /// followed, and no proxy is asked.
    ///
    /// # Errors
    /// `Unavailable` when an option is unknown or the file of `ca` holds no authorities.
    pub(crate) fn http(
        &mut self,
        port: &'static str,
    ) -> Result<(reqwest::ClientBuilder, String), Error> {
        let trusted = self.ca(port, self.scheme == "https")?;
        self.read_up(port)?;
        let mut client = reqwest::Client::builder();
        if let Some(trusted) = trusted {
            let trusted = reqwest::Certificate::from_pem_bundle(&trusted);
            client = client.tls_certs_only(trusted.map_err(|it| Error::unavailable(port, it))?);
        }
        let client = client.redirect(reqwest::redirect::Policy::none()).no_proxy();
        Ok((client, format!("{}://{}", self.scheme, self.hosts)))
    }

    /// Whatever option is left over is unknown.
    ///
    /// # Errors
    /// `Unavailable` when there is one.
    pub(crate) fn read_up(&self, port: &'static str) -> Result<(), Error> {
        let Some(unknown) = self.options.keys().next() else { return Ok(()) };
        Err(Error::unavailable(port, format!("the option {unknown} is unknown")))
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else { return f.write_str("***") };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        match authority.rsplit_once('@') {
            Some((_, hosts)) => write!(f, "{scheme}://***@{hosts}{rest}"),
            None => f.write_str(&self.0),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_falls_into_its_parts() {
        let text = "kafka://ann:p%40ss@one:9092,two:9092/lunch?replication=3&minimum=2";
        let parts = Address::from(text).parts("event log").unwrap();
        assert_eq!(parts.scheme, "kafka");
        assert_eq!((parts.user.as_deref(), parts.password.as_deref()), (Some("ann"), Some("p@ss")));
        assert_eq!((parts.hosts.as_str(), parts.path.as_str()), ("one:9092,two:9092", "lunch"));
        assert_eq!(parts.options["replication"], "3");
        let bare = Address::from("redis://cache").parts("cache").unwrap();
        assert_eq!((bare.user, bare.path.as_str(), bare.options.len()), (None, "", 0));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "cache", "://cache", "redis://", "redis://?a=b", "redis://cache?a"] {
            assert!(Address::from(text).parts("cache").is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let address = Address::from("mongodb://ann:secret@db/chat?w=majority");
        assert_eq!(address.to_string(), "mongodb://***@db/chat?w=majority");
        assert_eq!(format!("{address:?}"), address.to_string());
        assert_eq!(Address::from("nonsense:secret").to_string(), "***");
    }
}
