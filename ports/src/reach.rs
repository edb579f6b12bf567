//! Which outside systems do not answer, for those who operate.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, join_all};

use crate::blobs::BlobKey;
use crate::keys::TreeId;
use crate::{Error, Ports};

/// How long a system may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(1);

impl Ports {
    /// The ports whose systems do not answer within a second, as the metric `parlance_port_away`
    /// tells, too.
    pub async fn away(&self) -> Vec<&'static str> {
        let nobody = TreeId { author: [0; 16], stream: [0; 16] };
        let nothing = BlobKey::new("nothing").expect("a key");
        let asked: [(&str, BoxFuture<'_, Result<(), Error>>); 6] = [
            ("event_log", self.event_log.answers().boxed()),
            ("documents", self.documents.checkpoint(0).map(|it| it.map(drop)).boxed()),
            ("cache", self.cache.get("nothing").map(|it| it.map(drop)).boxed()),
            ("bus", self.bus.subscribe().map(|it| it.map(drop)).boxed()),
            ("keys", self.keys.load(nobody).map(|it| it.map(drop)).boxed()),
            ("blobs", async { self.blobs.size(&nothing).await.map(drop) }.boxed()),
        ];
        let answers = asked.map(|(port, answer)| async move {
            let there = matches!(tokio::time::timeout(ANSWER_MAX, answer).await, Ok(Ok(())));
            metrics::gauge!("parlance_port_away", "port" => port).set(if there {
                0.0
            } else {
                1.0
            });
            (!there).then_some(port)
        });
        join_all(answers).await.into_iter().flatten().collect()
    }
}
