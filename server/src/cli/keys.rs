//! `parlance keys`: keeps the keys of a cluster until a signal.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;

use ports::data_dir::DataDir;
use server::config::Config;

#[derive(Args)]
pub(crate) struct Keys {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
}

impl Keys {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<()> {
        let token = config.keys_token.context("keys_token is absent: it admits the nodes")?;
        let folder = DataDir::lock(&config.data_dir)?;
        super::moving::stayed(folder.path()).await?;
        let keys = ports::keys::open(folder.path(), Arc::new(ports::entropy::System))?;
        let listener = tokio::net::TcpListener::bind(self.listen).await?;
        let address = listener.local_addr()?;
        super::progress::say(&format!(
            "Parlance keeps keys at http://{address} in {}\n  stop it with Ctrl-C",
            folder.path().display()
        ))?;
        let routes = server::keys::routes(keys, token);
        let stop = super::serve::asked_to_stop();
        axum::serve(listener, routes).with_graceful_shutdown(stop).await?;
        Ok(())
    }
}
