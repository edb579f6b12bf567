//! Connections to Redis, alone or as a cluster: bounded in time, made again by themselves.

use std::future::Future;
use std::time::Duration;

use ::redis::aio::{
    AsyncPushSender, ConnectionLike, ConnectionManager, ConnectionManagerConfig,
    MultiplexedConnection,
};
use ::redis::cluster::{ClusterClient, ClusterClientBuilder};
use ::redis::cluster_async::ClusterConnection;
use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, FromRedisValue,
    IntoConnectionInfo, Pipeline, ProtocolVersion, RedisConnectionInfo, RedisError, RedisFuture,
    RedisResult, ScriptInvocation, TlsCertificates, Value,
};

use crate::{Address, Error, ErrorKind};

/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// Commands that may wait to be written.
const WAITING_MAX: usize = 1_024;

/// How often a cluster's client asks once more, where its map of the cluster was old.
const CLUSTER_RETRIES: u32 = 3;

/// Prefix of an instance whose address names none.
const PREFIX: &str = "parlance";

const PORT: u16 = 6_379;

/// What an address says: `redis://[user:password@]host[:port][/prefix]`, with `rediss` for TLS
/// and `redis+cluster` for several hosts of one cluster. The path is what the names of all keys
/// and channels begin with, so that instances can share a server. The option `ca` is a file of the
/// authorities that TLS trusts instead of the system's.
pub(crate) struct Place {
    port: &'static str,
    nodes: Vec<ConnectionInfo>,
    cluster: bool,
    trusted: Option<TlsCertificates>,
    pub(crate) prefix: String,
}

impl Place {
    pub(crate) fn of(port: &'static str, address: &Address) -> Result<Self, Error> {
        let mut parts = address.parts(port)?;
        let tls = parts.scheme.starts_with("rediss");
        let trusted = parts.ca(port, tls)?;
        let trusted = trusted.map(|it| TlsCertificates { client_tls: None, root_cert: Some(it) });
        parts.read_up(port)?;
        let mut login = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
        if let Some(user) = parts.user.filter(|it| !it.is_empty()) {
            login = login.set_username(user);
        }
        if let Some(password) = parts.password.filter(|it| !it.is_empty()) {
            login = login.set_password(password);
        }
        let cluster = parts.scheme.ends_with("+cluster");
        let nodes = parts.hosts.split(',').map(|host| {
            let node = node(port, host, tls)?.into_connection_info();
            node.map(|it| it.set_redis_settings(login.clone())).map_err(|it| translate(port, &it))
        });
        let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        if nodes.len() > 1 && !cluster {
            return Err(Error::unavailable(port, "several hosts are a redis+cluster:// address"));
        }
        let prefix = if parts.path.is_empty() { PREFIX.to_owned() } else { parts.path };
        Ok(Self { port, nodes, cluster, trusted, prefix })
    }

    /// A connection for commands, which is made again whenever it is lost.
    pub(crate) async fn link(&self) -> Result<Link, Error> {
        let wires = if self.cluster {
            let client = self.cluster().build().map_err(|it| self.unreachable(&it))?;
            let connection = within(CONNECT_MAX, client.get_async_connection()).await;
            Wires::Cluster(connection.map_err(|it| self.unreachable(&it))?)
        } else {
            // A command does not wait for a server that is away: the next one tries again.
            let config = ConnectionManagerConfig::new()
                .set_number_of_retries(0)
                .set_connection_timeout(Some(CONNECT_MAX))
                .set_response_timeout(Some(ANSWER_MAX))
                .set_pipeline_buffer_size(WAITING_MAX);
            let client = self.client().map_err(|it| self.unreachable(&it))?;
            let connection = ConnectionManager::new_with_config(client, config).await;
            Wires::One(connection.map_err(|it| self.unreachable(&it))?)
        };
        Ok(Link { port: self.port, wires })
    }

    /// A connection for subscriptions, which ends when it is lost.
    pub(crate) async fn ear(&self, heard: impl AsyncPushSender) -> Result<Ear, Error> {
        if self.cluster {
            let client = self.cluster().push_sender(heard).build();
            let client = client.map_err(|it| self.unreachable(&it))?;
            let connection = within(CONNECT_MAX, client.get_async_connection()).await;
            return Ok(Ear::Cluster(connection.map_err(|it| self.unreachable(&it))?));
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_MAX))
            .set_response_timeout(Some(ANSWER_MAX))
            .set_push_sender(heard);
        let client = self.client().map_err(|it| self.unreachable(&it))?;
        let connection = client.get_multiplexed_async_connection_with_config(&config).await;
        Ok(Ear::One(connection.map_err(|it| self.unreachable(&it))?))
    }

    fn client(&self) -> RedisResult<Client> {
        let node = self.nodes[0].clone();
        match &self.trusted {
            Some(trusted) => Client::build_with_tls(node, trusted.clone()),
            None => Client::open(node),
        }
    }

    fn cluster(&self) -> ClusterClientBuilder {
        let mut builder = ClusterClient::builder(self.nodes.clone());
        if let Some(trusted) = &self.trusted {
            builder = builder.certs(trusted.clone());
        }
        builder
            .use_protocol(ProtocolVersion::RESP3)
            .connection_timeout(CONNECT_MAX)
            .response_timeout(ANSWER_MAX)
            .overall_response_timeout(Some(CONNECT_MAX + ANSWER_MAX))
            .retries(CLUSTER_RETRIES)
            .min_retry_wait(10)
            .max_retry_wait(250)
    }

    fn unreachable(&self, error: &RedisError) -> Error {
        Error::unavailable(self.port, error.to_string())
    }
}

fn node(port: &'static str, host: &str, tls: bool) -> Result<ConnectionAddr, Error> {
    let malformed = || Error::unavailable(port, "the address has a host without a proper port");
    let (host, number) = match host.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((_, number)) if number.ends_with(']') => (host, PORT),
        Some((host, number)) => (host, number.parse().map_err(|_| malformed())?),
        None => (host, PORT),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    if host.is_empty() {
        return Err(malformed());
    }
    Ok(if tls {
        ConnectionAddr::TcpTls { host, port: number, insecure: false, tls_params: None }
    } else {
        ConnectionAddr::Tcp(host, number)
    })
}

async fn within<T>(
    limit: Duration,
    future: impl Future<Output = RedisResult<T>>,
) -> RedisResult<T> {
    tokio::time::timeout(limit, Box::pin(future)).await.unwrap_or_else(|_| {
        Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time").into())
    })
}

/// Nothing happened where nothing was sent or the server refused; else it may have.
fn translate(port: &'static str, error: &RedisError) -> Error {
    let sent = error.is_io_error() && !error.is_connection_refusal();
    let kind = if sent { ErrorKind::Unknown } else { ErrorKind::Unavailable };
    Error::new(kind, port, error.to_string())
}

/// A connection for commands, shared by all who clone it.
#[derive(Clone)]
pub(crate) struct Link {
    port: &'static str,
    wires: Wires,
}

#[derive(Clone)]
enum Wires {
    One(ConnectionManager),
    Cluster(ClusterConnection),
}

/// What a server is asked.
#[derive(Clone, Copy)]
pub(crate) enum Question<'a> {
    Command(&'a Cmd),
    /// A script, which is sent in full only to a server that does not know it.
    Script(&'a ScriptInvocation<'a>),
}

impl Link {
    /// Asks, within a time.
    ///
    /// # Errors
    /// `Unavailable` when nothing happened, `Unknown` when it may have.
    pub(crate) async fn ask<T: FromRedisValue + Send>(
        &self,
        limit: Duration,
        question: Question<'_>,
    ) -> Result<T, Error> {
        let mut wires = self.wires.clone();
        let twice = async {
            match wires.ask(question).await {
                // Told by an attempt to connect that may be long past; nothing was sent.
                Err(error) if error.is_connection_refusal() => wires.ask(question).await,
                outcome => outcome,
            }
        };
        within(limit, twice).await.map_err(|it| translate(self.port, &it))
    }
}

impl Wires {
    async fn ask<T: FromRedisValue>(&mut self, question: Question<'_>) -> RedisResult<T> {
        match question {
            Question::Command(command) => command.query_async(self).await,
            Question::Script(script) => script.invoke_async(self).await,
        }
    }
}

impl ConnectionLike for Wires {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(it) => it.req_packed_command(command),
            Self::Cluster(it) => it.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(it) => it.req_packed_commands(pipeline, offset, count),
            Self::Cluster(it) => it.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        0
    }
}

/// A connection for subscriptions.
pub(crate) enum Ear {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Ear {
    /// Subscribes to a sharded channel.
    pub(crate) async fn listen(&mut self, channel: &str) -> RedisResult<()> {
        match self {
            Self::One(it) => {
                ::redis::cmd("SSUBSCRIBE").arg(channel).query_async::<Value>(it).await.map(drop)
            }
            Self::Cluster(it) => it.ssubscribe(channel).await,
        }
    }

    /// Whether the server, or each of a cluster, still answers.
    pub(crate) async fn answers(&mut self) -> bool {
        let ping = ::redis::cmd("PING");
        let answer = match self {
            Self::One(it) => ping.query_async::<Value>(it).await,
            Self::Cluster(it) => ping.query_async::<Value>(it).await,
        };
        answer.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<Place, Error> {
        Place::of("cache", &Address::from(text))
    }

    #[test]
    fn an_address_names_servers_and_a_prefix() {
        let one = place("redis://ann:p%40ss@cache/lunch").unwrap();
        assert_eq!((one.cluster, one.prefix.as_str()), (false, "lunch"));
        assert_eq!(one.nodes[0].addr().to_string(), "cache:6379");
        let login = one.nodes[0].redis_settings();
        assert_eq!((login.username(), login.password()), (Some("ann"), Some("p@ss")));
        let many = place("rediss+cluster://:secret@one:7000,[::1]:7001").unwrap();
        assert_eq!((many.cluster, many.prefix.as_str()), (true, "parlance"));
        let shown = many.nodes.iter().map(|it| it.addr().to_string()).collect::<Vec<_>>();
        assert_eq!(shown, ["one:7000", "::1:7001"]);
        assert!(matches!(many.nodes[0].addr(), ConnectionAddr::TcpTls { insecure: false, .. }));
        assert_eq!(many.nodes[1].redis_settings().username(), None);
    }

    #[test]
    fn what_names_no_server_is_refused() {
        for text in [
            "redis://one:7000,two:7000",
            "redis://one:port",
            "redis://:7000",
            "redis://one?color=red",
            "redis://one?ca=/etc/ca.pem",
            "rediss://one?ca=/nowhere",
        ] {
            assert!(place(text).is_err(), "{text}");
        }
    }
}
