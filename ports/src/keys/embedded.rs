//! Key trees in one SQLite file, each wrapped by the master key, which is a file beside it.

use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::oneshot;

use super::{Keys, Secret, Tree, TreeId, crypto};
use crate::data_dir::write_durably;
use crate::entropy::Entropy;
use crate::sqlite::{self, Durability, Readers};
use crate::{Error, ErrorKind};

const PORT: &str = "keys";

/// Id of the row that holds the root of the instance's secrets.
const ROOT: TreeId = TreeId { author: [0; 16], stream: [0; 16] };

/// Requests in one commit at most.
const COMMIT_REQUESTS_MAX: usize = 256;

pub(super) struct Embedded {
    wrap: Wrap,
    root: Secret,
    readers: Readers,
    requests: Mutex<mpsc::Sender<Request>>,
}

#[derive(Clone)]
struct Wrap {
    master: Secret,
    entropy: Arc<dyn Entropy>,
}

struct Request {
    id: TreeId,
    change: Change,
    done: oneshot::Sender<Result<Arc<Tree>, Error>>,
}

#[derive(Clone, Copy)]
enum Change {
    Create,
    Puncture(u64),
}

impl Embedded {
    pub(super) fn open(
        file: &Path,
        master_file: &Path,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, Error> {
        let fresh = !file.exists();
        let wrap = Wrap { master: master(master_file, fresh, entropy.as_ref())?, entropy };
        let mut connection = sqlite::open(PORT, file, Durability::Full)?;
        connection
            .execute_batch(
                "CREATE TABLE IF NOT EXISTS trees (id BLOB PRIMARY KEY, wrapped BLOB NOT NULL);",
            )
            .map_err(|it| sqlite::translate(PORT, it))?;
        let root = change(&mut connection, &wrap, &[(ROOT, Change::Create)])?
            .pop()
            .and_then(|it| it.leaf(0))
            .ok_or_else(|| Error::corrupt(PORT, "the root of the secrets is gone"))?;
        let readers = Readers::open(PORT, file)?;
        let (requests, queue) = mpsc::channel();
        let writer = wrap.clone();
        thread::Builder::new()
            .name("keys".into())
            .spawn(move || write_all(connection, &writer, &queue))
            .map_err(|it| Error::unavailable(PORT, it))?;
        Ok(Self { wrap, root, readers, requests: Mutex::new(requests) })
    }

    async fn request(&self, id: TreeId, change: Change) -> Result<Arc<Tree>, Error> {
        let (done, answer) = oneshot::channel();
        let ended = || Error::unavailable(PORT, "the keys' thread has ended");
        self.requests
            .lock()
            .expect("sending does not panic")
            .send(Request { id, change, done })
            .map_err(|_| ended())?;
        answer.await.unwrap_or_else(|_| Err(ended()))
    }
}

#[async_trait]
impl Keys for Embedded {
    async fn load(&self, id: TreeId) -> Result<Option<Arc<Tree>>, Error> {
        let wrapped = self.readers.with(|connection| stored(connection, id))?;
        wrapped.map(|it| self.wrap.open(id, &it).map(Arc::new)).transpose()
    }

    async fn create(&self, id: TreeId) -> Result<Arc<Tree>, Error> {
        match self.load(id).await? {
            Some(tree) => Ok(tree),
            None => self.request(id, Change::Create).await,
        }
    }

    async fn puncture(&self, id: TreeId, leaf: u64) -> Result<(), Error> {
        self.request(id, Change::Puncture(leaf)).await.map(drop)
    }

    fn root(&self) -> Secret {
        self.root
    }
}

impl Wrap {
    fn seal(&self, id: TreeId, tree: &Tree) -> Vec<u8> {
        crypto::seal(&self.master, self.entropy.bytes(), &id_bytes(id), &tree.to_bytes())
    }

    fn open(&self, id: TreeId, wrapped: &[u8]) -> Result<Tree, Error> {
        crypto::unseal(&self.master, &id_bytes(id), wrapped)
            .and_then(|it| Tree::from_bytes(&it))
            .ok_or_else(|| Error::corrupt(PORT, "a key tree does not open under the master key"))
    }
}

fn id_bytes(id: TreeId) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&id.author);
    bytes[16..].copy_from_slice(&id.stream);
    bytes
}

/// Reads the master key, or makes it when the instance is new. A missing key of an old instance
/// is not made again: that would hide that everything it sealed is lost.
fn master(file: &Path, fresh: bool, entropy: &dyn Entropy) -> Result<Secret, Error> {
    match std::fs::read(file) {
        Ok(bytes) => bytes
            .try_into()
            .map_err(|_| Error::corrupt(PORT, "the master key does not have 32 bytes")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && fresh => {
            let master = entropy.bytes::<32>();
            write_durably(file, &master)?;
            Ok(master)
        }
        Err(error) => Err(Error::unavailable(PORT, error)),
    }
}

fn stored(connection: &Connection, id: TreeId) -> Result<Option<Vec<u8>>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT wrapped FROM trees WHERE id = ?1")?
        .query_row(params![id_bytes(id)], |row| row.get(0))
        .optional()
}

fn write_all(mut connection: Connection, wrap: &Wrap, queue: &mpsc::Receiver<Request>) {
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        group.extend(queue.try_iter().take(COMMIT_REQUESTS_MAX - 1));
        let changes: Vec<_> = group.iter().map(|it| (it.id, it.change)).collect();
        let outcome = change(&mut connection, wrap, &changes);
        for (at, request) in group.into_iter().enumerate() {
            let answer = match &outcome {
                Ok(trees) => Ok(Arc::clone(&trees[at])),
                Err(error) => Err(Error::new(error.kind, PORT, error.to_string())),
            };
            // A caller that has gone away asks again.
            let _ = request.done.send(answer);
        }
    }
}

fn change(
    connection: &mut Connection,
    wrap: &Wrap,
    changes: &[(TreeId, Change)],
) -> Result<Vec<Arc<Tree>>, Error> {
    let unknown = |it| Error::new(ErrorKind::Unknown, PORT, it);
    let immediate = rusqlite::TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(immediate).map_err(unknown)?;
    let mut trees = Vec::with_capacity(changes.len());
    let mut punctured = false;
    for (id, change) in changes {
        let old = stored(&transaction, *id).map_err(unknown)?;
        let old = old.map(|it| wrap.open(*id, &it)).transpose()?;
        let tree = match (old, change) {
            (Some(tree), Change::Create) => tree,
            (None, Change::Create) => Tree::new(wrap.entropy.bytes()),
            (Some(mut tree), Change::Puncture(leaf)) => {
                tree.puncture(*leaf);
                punctured = true;
                tree
            }
            (None, Change::Puncture(_)) => {
                return Err(Error::corrupt(PORT, "a leaf of a tree that was never made"));
            }
        };
        transaction
            .prepare_cached(
                "INSERT INTO trees (id, wrapped) VALUES (?1, ?2)
                 ON CONFLICT (id) DO UPDATE SET wrapped = excluded.wrapped",
            )
            .and_then(|mut it| it.execute(params![id_bytes(*id), wrap.seal(*id, &tree)]))
            .map_err(unknown)?;
        trees.push(Arc::new(tree));
    }
    transaction.commit().map_err(unknown)?;
    if punctured {
        // The journal still holds the page with the destroyed key; cutting it off removes that.
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);").map_err(unknown)?;
    }
    Ok(trees)
}
