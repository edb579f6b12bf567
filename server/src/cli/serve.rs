//! `parlance serve`: all roles until a signal, then a drain.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use server::config::Config;
use server::{App, Roles};

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
        let listener = tokio::net::TcpListener::bind(config.listen).await?;
        let address = listener.local_addr()?;
        // Frames are joined before they are written: holding back small packets only adds delay.
        let listener = listener.tap_io(|socket| {
            let _ = socket.set_nodelay(true);
        });
        super::progress::say(&format!(
            "Parlance serves http://{address} from {}\n  explorer  http://{address}/graphql\n  \
             commands  http://{address}/v1/openapi.json\n  stop it with Ctrl-C",
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
        let service = app.routes().into_make_service_with_connect_info::<SocketAddr>();
        let serving = axum::serve(listener, service).with_graceful_shutdown(drain);
        let deadline = async {
            let stopping = stopped.await.is_ok();
            if !stopping {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(Duration::from_millis(config.drain_ms_max)).await;
        };
        tokio::select! {
            served = async { serving.await } => served?,
            () = deadline => tracing::warn!("requests were still open after the drain"),
        }
        Ok(())
    }
}

pub(super) async fn asked_to_stop() {
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be listened to");
    let mut interrupt = signal(SignalKind::interrupt()).expect("signals can be listened to");
    tokio::select! {
        _ = terminate.recv() => (),
        _ = interrupt.recv() => (),
    }
}
