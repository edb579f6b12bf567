//! Coarse places of addresses, from a database in MaxMind's format that the operator provides
//! (<https://maxmind.github.io/MaxMind-DB/>), such as GeoLite2 City or DB-IP City Lite.
//!
//! The file is read whole when the server starts, so nobody outside learns who signs in. Whatever
//! it says is untrusted text: at most [`PLACE_CHARS_MAX`] characters of it are kept.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use maxminddb::{Reader, geoip2};

use crate::Error;

const PORT: &str = "places";
/// Most characters of a place.
pub const PLACE_CHARS_MAX: usize = 64;
/// Most bytes of a database: it stays in memory.
pub const DATABASE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Where addresses are, as far as anybody knows.
#[derive(Clone, Default)]
pub struct Places(Option<Arc<Reader<Vec<u8>>>>);

impl Places {
    /// Reads a database.
    ///
    /// # Errors
    /// `Unavailable` when the file can't be read or is over [`DATABASE_BYTES_MAX`], `Corrupt` when
    /// it is not in the format.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let unread = |cause| Error::unavailable(PORT, cause);
        if std::fs::metadata(file).map_err(unread)?.len() > DATABASE_BYTES_MAX {
            return Err(Error::unavailable(PORT, "the database is too large"));
        }
        let bytes = std::fs::read(file).map_err(unread)?;
        let reader = Reader::from_source(bytes).map_err(|it| Error::corrupt(PORT, it))?;
        Ok(Self(Some(Arc::new(reader))))
    }

    /// City and country in English, or one of them; none without a database, and for an address
    /// that it does not know.
    pub fn of(&self, address: IpAddr) -> Option<String> {
        let found = self.0.as_ref()?.lookup(address).ok()?;
        let found = found.decode::<geoip2::City<'_>>().ok()??;
        let parts = [found.city.names.english, found.country.names.english];
        let parts: Vec<&str> = parts.into_iter().flatten().filter(|it| !it.is_empty()).collect();
        let place: String =
            parts.join(", ").chars().filter(|it| !it.is_control()).take(PLACE_CHARS_MAX).collect();
        (!place.is_empty()).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATABASE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/places.mmdb");

    fn of(address: &str) -> Option<String> {
        let places = Places::read(Path::new(DATABASE)).expect("a database");
        places.of(address.parse().expect("an address"))
    }

    #[test]
    fn an_address_is_in_a_city_and_a_country() {
        assert_eq!(of("127.0.0.1").as_deref(), Some("Looptown, Localia"));
        assert_eq!(of("2001:db8::1").as_deref(), Some("Localia"), "a country without a city");
    }

    #[test]
    fn nothing_is_said_of_what_is_not_known() {
        assert_eq!(of("198.51.100.7"), None);
        assert_eq!(Places::default().of("127.0.0.1".parse().expect("an address")), None);
    }

    #[test]
    fn what_a_database_says_is_cut_and_holds_no_control_characters() {
        let place = of("192.0.2.1").expect("a place");
        assert_eq!(place.chars().count(), PLACE_CHARS_MAX);
        assert!(place.starts_with("Ab"), "{place}");
    }

    #[test]
    fn no_database_is_read_from_anything_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("places.mmdb");
        let missing = Places::read(&file).err().expect("a failure");
        assert_eq!(missing.kind, crate::ErrorKind::Unavailable);
        std::fs::write(&file, b"no database").expect("a file");
        let broken = Places::read(&file).err().expect("a failure");
        assert_eq!(broken.kind, crate::ErrorKind::Corrupt);
    }
}
