//! `parlance serve`: all roles until a signal, then a drain.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use server::config::Config;
use server::{App, Roles, tls};

#[derive(Args)]
pub(crate) struct Serve {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

impl Serve {
    pub(crate) async fn run(self, mut config: Config, roles: Roles) -> anyhow::Result<()> {
        let embedded = config.ports().addresses.embedded();
        anyhow::ensure!(
            roles == Roles::ALL || embedded.is_empty(),
            "roles in processes of their own share no embedded systems, but these are: {}",
            embedded.join(", ")
        );
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        let opened = ports::open(&config.ports()).await?;
        let app = Arc::new(App::start_roles(opened.ports.clone(), &config, roles).await?);
        let tls = match (&config.tls_cert, &config.tls_key) {
            (Some(certificate), Some(key)) => Some(tls::server(certificate, key)?),
            _ => None,
        };
        let listener = TcpListener::bind(config.listen).await?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let ours = format!("{scheme}://{}", listener.local_addr()?);
        super::progress::say(&format!(
            "Parlance serves {ours} from {}\n  explorer  {ours}/graphql\n  \
             commands  {ours}/v1/openapi.json\n  stop it with Ctrl-C",
            config.place()
        ))?;
        if roles.queries {
            match app.setup_token().await {
                Ok(Some(token)) => super::progress::say(&format!(
                    "  set it up  {}/setup#{token}",
                    config.public_url
                ))?,
                Ok(None) => (),
                Err(error) => tracing::warn!(%error, "whether it is set up can't be told now"),
            }
        }
        let draining = Arc::clone(&app);
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let drain = async move {
            asked_to_stop().await;
            tracing::info!("draining");
            draining.drain().await;
            // Whoever waits for the deadline may have finished first.
            let _ = stop.send(());
        };
        let drain_max = Duration::from_millis(config.drain_ms_max);
        if let Some(tls) = tls {
            return Ok(tls::serve(listener, app.routes(), tls, drain, drain_max).await?);
        }
        let deadline = async {
            let stopping = stopped.await.is_ok();
            if !stopping {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(drain_max).await;
        };
        tokio::select! {
            served = plainly(listener, app.routes(), drain) => served?,
            () = deadline => tracing::warn!("requests were still open after the drain"),
        }
        Ok(())
    }
}

/// Serves behind a proxy that speaks TLS, or on one's own machine.
async fn plainly(
    listener: TcpListener,
    routes: Router,
    drain: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    // Frames are joined before they are written: holding back small packets only adds delay.
    let listener = listener.tap_io(|socket| {
        let _ = socket.set_nodelay(true);
    });
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(drain).await
}

pub(super) async fn asked_to_stop() {
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be listened to");
    let mut interrupt = signal(SignalKind::interrupt()).expect("signals can be listened to");
    tokio::select! {
        _ = terminate.recv() => (),
        _ = interrupt.recv() => (),
    }
}
