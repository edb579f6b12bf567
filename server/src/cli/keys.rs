//! `parlance keys`: keeps the keys of a cluster until a signal.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use ports::data_dir::DataDir;
use server::config::Config;
use server::tls;

#[derive(Args)]
pub(crate) struct Keys {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
}

impl Keys {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<()> {
        let token = config.keys_token.context("keys_token is absent: it admits the nodes")?;
        let tls = match (&config.keys_tls_cert, &config.keys_tls_key) {
            (Some(certificate), Some(key)) => Some(tls::server(certificate, key)?),
            _ => None,
        };
        anyhow::ensure!(
            tls.is_some() || self.listen.ip().is_loopback(),
            "keys and their token pass in the clear without keys_tls_cert and keys_tls_key, \
             so that only loopback may be listened on"
        );
        let folder = DataDir::lock(&config.data_dir)?;
        super::moving::stayed(folder.path()).await?;
        let keys = ports::keys::open(folder.path(), Arc::new(ports::entropy::System))?;
        let listener = tokio::net::TcpListener::bind(self.listen).await?;
        let (scheme, address) = (tls.as_ref().map_or("http", |_| "https"), listener.local_addr()?);
        super::progress::say(&format!(
            "Parlance keeps keys at {scheme}://{address} in {}\n  stop it with Ctrl-C",
            folder.path().display()
        ))?;
        let routes = server::keys::routes(keys, token);
        let stop = super::serve::asked_to_stop();
        match tls {
            None => axum::serve(listener, routes).with_graceful_shutdown(stop).await?,
            Some(tls) => {
                let drain = Duration::from_millis(config.drain_ms_max);
                tls::serve(listener, routes, tls, stop, drain).await?;
            }
        }
        Ok(())
    }
}
