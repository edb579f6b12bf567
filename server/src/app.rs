//! The roles of one process, started and joined into one set of routes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::middleware;

use chat::instance::{Instance, setup_token};
use chat::kernel::graphql::Limits;
use chat::kernel::{Door, Keyring, Progress, Reader, StreamId};
use chat::sessions::Tokens;
use command_api::Commands;
use ports::media_worker::MediaWorker;
use ports::{Error, Ports};
use query_api::{Api, Hub, Parts};

use crate::config::Config;
use crate::node::{Node, Roles};
use crate::{browser, checkpoints, forwarded, health, registry};

/// How long an owner may take to finish what is in flight when it ends.
const HAND_OVER_MAX: Duration = Duration::from_secs(6);

/// A running instance, or a node of one.
pub struct App {
    pub ports: Ports,
    pub keyring: Arc<Keyring>,
    pub door: Arc<dyn Door>,
    pub tokens: Arc<Tokens>,
    pub projection: Arc<projectors::Progress>,
    vouching: Arc<projectors::Vouching>,
    hub: Option<Arc<Hub>>,
    node: Option<Node>,
    draining: Arc<AtomicBool>,
    routes: Router,
}

impl App {
    /// Starts every role on the given ports.
    ///
    /// # Errors
    /// When a port can't be reached.
    pub async fn start(ports: Ports, config: &Config) -> Result<Self, Error> {
        Self::start_roles(ports, config, Roles::ALL).await
    }

    /// Starts some roles, beside other nodes where the log is shared.
    ///
    /// # Errors
    /// When a port can't be reached.
    pub async fn start_roles(ports: Ports, config: &Config, roles: Roles) -> Result<Self, Error> {
        health::record();
        let keyring = Arc::new(Keyring::new(&ports));
        let node = config.event_log.is_some().then(|| Node::join(&ports, config, roles));
        let node = node.transpose()?;
        let door = open_door(&ports, &keyring, &config.limits(), node.as_ref())?;
        let media = if roles.projections { open_media(&ports, config) } else { None };
        let acting = acting(&ports, &keyring, &door, media.clone());
        let projection = start_projections(acting, config, node.as_ref()).await?;
        let vouching = projectors::Vouching::new(&ports, &keyring, &projection);
        vouching.start();
        if config.pack_after_seconds > 0 {
            let after = Duration::from_secs(config.pack_after_seconds.into());
            let (ports, progress) = (ports.clone(), Arc::clone(&projection));
            projectors::Packing { ports, progress, after }.start();
        }
        let seed = keyring.secret("access tokens");
        let refresh = keyring.secret("refresh tokens");
        let tokens = Arc::new(Tokens::new(&config.public_url, seed, refresh));
        let draining = Arc::new(AtomicBool::new(false));
        let mut routes = Router::new().merge(registry::routes()).merge(checkpoints::routes(&ports));
        routes = routes.merge(health::routes(health::Health {
            ports: ports.clone(),
            projection: Arc::clone(&projection),
            lag_max: config.ready_lag_records_max,
            media,
            tokens: Arc::clone(&tokens),
            draining: Arc::clone(&draining),
        }));
        let intake = config.intake().map_err(|it| Error::unavailable("files", it))?;
        let parts = Parts {
            ports: ports.clone(),
            keyring: Arc::clone(&keyring),
            door: Arc::clone(&door),
            tokens: Arc::clone(&tokens),
            limits: config.limits(),
            ways: config.ways(),
            socket: config.socket(),
            origins: config.cors_origins.iter().map(|it| it.as_str().into()).collect(),
            open_applications: config.oauth_registration,
            intake: Arc::new(intake),
        };
        let reads = roles.queries || roles.commands;
        let hub = if reads { Some(Hub::start(parts.clone()).await?) } else { None };
        if let Some(hub) = hub.as_ref().filter(|_| roles.queries) {
            let api = Api::new(parts, Arc::clone(hub));
            routes = routes.merge(query_api::oauth::routes(Arc::clone(&api)));
            routes = routes.merge(query_api::export::routes(Arc::clone(&api)));
            routes = routes.merge(query_api::files::routes(Arc::clone(&api)));
            routes = routes.merge(query_api::http::routes(api));
        }
        if let Some(hub) = hub.as_ref().filter(|_| roles.commands) {
            routes = routes.merge(command_api::http::routes(command_api::http::Parts {
                ports: ports.clone(),
                keyring: Arc::clone(&keyring),
                door: Arc::clone(&door),
                progress: Arc::clone(hub) as Arc<dyn Progress>,
                tokens: Arc::clone(&tokens),
                limits: config.limits(),
            }));
        }
        let proxies = Arc::from(config.trusted_proxies.as_slice());
        let see_client = middleware::from_fn_with_state(proxies, forwarded::see_client);
        routes = routes.merge(browser::pages());
        let tell = middleware::from_fn_with_state(browser::Told::new(config), browser::tell);
        routes = routes.layer(browser::cors(config));
        routes = routes.layer(middleware::from_fn(query_api::files::announce));
        routes = routes.layer(tell).layer(see_client);
        Ok(Self { ports, keyring, door, tokens, projection, vouching, hub, node, draining, routes })
    }

    /// What makes the first owner; nothing once there is one.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn setup_token(&self) -> Result<Option<String>, Error> {
        let documents = Arc::clone(&self.ports.documents);
        let reader = Reader::new(documents, Arc::clone(&self.keyring));
        let instance = reader.load::<Instance>(Instance::ID.to_owned()).await;
        let owned = instance?.is_some_and(|it| it.owners() > 0);
        Ok((!owned).then(|| setup_token(&self.keyring.secret("setup"))))
    }

    /// Everything that is served.
    pub fn routes(&self) -> Router {
        self.routes.clone()
    }

    /// Gives away what falls to this node and sends its sockets elsewhere: not ready from now on,
    /// while requests that still come are answered. Resolves when nothing is owned here any more.
    pub async fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.hub.iter().for_each(|it| it.drain());
        self.vouching.finish().await;
        let Some(node) = &self.node else { return };
        match tokio::time::timeout(HAND_OVER_MAX, node.leave()).await {
            Ok(()) => tracing::info!("partitions are handed over"),
            Err(_) => tracing::warn!("partitions are left without a hand-over"),
        }
    }
}

/// What acting needs.
fn acting(
    ports: &Ports,
    keyring: &Arc<Keyring>,
    door: &Arc<dyn Door>,
    media: Option<Arc<MediaWorker>>,
) -> projectors::Acting {
    let (keyring, door) = (Arc::clone(keyring), Arc::clone(door));
    projectors::Acting { ports: ports.clone(), keyring, door, media }
}

/// Opens what looks into files. The rest goes on without it, and the files wait.
fn open_media(ports: &Ports, config: &Config) -> Option<Arc<MediaWorker>> {
    let opened = MediaWorker::open(config.media()?, &*ports.entropy);
    let worker = opened.inspect_err(|error| tracing::warn!(%error, "no file is looked into"));
    let worker = worker.ok()?;
    worker.watch();
    Some(worker)
}

/// Starts the projections, or those that fall to this node.
async fn start_projections(
    acting: projectors::Acting,
    config: &Config,
    node: Option<&Node>,
) -> Result<Arc<projectors::Progress>, Error> {
    let (ports, keyring) = (&acting.ports.clone(), &Arc::clone(&acting.keyring));
    let (Some(node), Some(log)) = (node, &config.event_log) else {
        let progress = projectors::start(ports, keyring).await?;
        acting.start(&progress);
        return Ok(progress);
    };
    let Some(roster) = &node.projections else {
        projectors::declare(ports).await?;
        return Ok(projectors::Progress::of_others(ports));
    };
    let identity = ports.event_log.identity();
    let publication = ports::publication::connect(log, StreamId::KINDS, &identity).await?;
    projectors::start_shared(ports, keyring, Arc::clone(roster), publication, acting).await
}

/// The door to the partitions: those of this process, or of all nodes.
fn open_door(
    ports: &Ports,
    keyring: &Arc<Keyring>,
    limits: &Limits,
    node: Option<&Node>,
) -> Result<Arc<dyn Door>, Error> {
    let Some(node) = node else { return Ok(command_api::Router::start(ports, keyring, limits)) };
    let commands = Commands::start(ports, keyring, limits, &node.me, node.commands.as_ref())?;
    let listener = node.listener.try_clone().and_then(tokio::net::TcpListener::from_std);
    let listener = listener.map_err(|it| Error::unavailable("peers", it))?;
    let routes = command_api::peer_routes(&commands, keyring);
    ports::spawn("peers", async move {
        // It serves until the process ends.
        let _ = axum::serve(listener, routes).await;
    });
    Ok(commands)
}
