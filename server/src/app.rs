//! All roles of one process, started and joined into one set of routes.

use std::sync::Arc;

use axum::Router;

use chat::kernel::{Door, Keyring, Progress};
use chat::sessions::Tokens;
use ports::{Error, Ports};
use query_api::{Api, Hub, Parts};

use crate::config::Config;
use crate::{health, registry};

/// A running instance.
pub struct App {
    pub ports: Ports,
    pub keyring: Arc<Keyring>,
    pub door: Arc<dyn Door>,
    pub tokens: Arc<Tokens>,
    pub hub: Arc<Hub>,
    pub projection: Arc<projectors::Progress>,
    routes: Router,
}

impl App {
    /// Starts every role on the given ports.
    ///
    /// # Errors
    /// When a port can't be reached.
    pub async fn start(ports: Ports, config: &Config) -> Result<Self, Error> {
        let keyring = Arc::new(Keyring::new(&ports));
        let projection = projectors::start(&ports, &keyring).await?;
        let door: Arc<dyn Door> = command_api::Router::start(&ports, &keyring);
        let seed = keyring.secret("access tokens");
        let refresh = keyring.secret("refresh tokens");
        let tokens = Arc::new(Tokens::new(&config.public_url, &seed, refresh));
        let parts = Parts {
            ports: ports.clone(),
            keyring: Arc::clone(&keyring),
            door: Arc::clone(&door),
            tokens: Arc::clone(&tokens),
            limits: config.limits(),
            socket: config.socket(),
        };
        let hub = Hub::start(parts.clone()).await?;
        let commands = command_api::http::Parts {
            ports: ports.clone(),
            keyring: Arc::clone(&keyring),
            door: Arc::clone(&door),
            progress: Arc::clone(&hub) as Arc<dyn Progress>,
            tokens: Arc::clone(&tokens),
            limits: config.limits(),
        };
        let health = health::Health {
            ports: ports.clone(),
            projection: Arc::clone(&projection),
            lag_max: config.ready_lag_records_max,
            tokens: Arc::clone(&tokens),
        };
        let routes = Router::new()
            .merge(query_api::http::routes(Api::new(parts, Arc::clone(&hub))))
            .merge(command_api::http::routes(commands))
            .merge(registry::routes())
            .merge(health::routes(health));
        Ok(Self { ports, keyring, door, tokens, hub, projection, routes })
    }

    /// Everything that is served.
    pub fn routes(&self) -> Router {
        self.routes.clone()
    }
}
