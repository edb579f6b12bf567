//! Names, as the machine resolves them.

use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::{Names, PLACES};

/// The machine's resolver, which can't be told to stop: so that those who gave up do not leave ever
/// more questions behind, as many are open as pages may be.
pub(super) struct System {
    places: Arc<Semaphore>,
}

impl Default for System {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)) }
    }
}

#[async_trait]
impl Names for System {
    async fn addresses(&self, name: &str) -> Vec<IpAddr> {
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return Vec::new() };
        let name = name.to_owned();
        let asked = tokio::task::spawn_blocking(move || {
            // Given back when it is answered, however long ago its asker has left.
            let _place = place;
            let found = (name.as_str(), 0).to_socket_addrs();
            found.map(|it| it.map(|it| it.ip()).collect()).unwrap_or_default()
        });
        asked.await.unwrap_or_default()
    }
}
