//! Key trees in one SQLite file, each wrapped by the master key, which is a file beside it.
//!
//! Others may write it too: a rotation of the master key is a process of its own.

use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;

use async_trait::async_trait;
use futures_util::future::join_all;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::oneshot;

use super::master::Wrap;
use super::reading::{PORT, ROOT, Reading, id_bytes, stored};
use super::rotation::Pass;
use super::{Keys, PAGE_TREES_MAX, Secret, Tree, TreeId};
use crate::entropy::Entropy;
use crate::sqlite::{self, Durability};
use crate::{Error, ErrorKind};

/// Requests in one commit at most.
const COMMIT_REQUESTS_MAX: usize = 256;

pub(super) struct Embedded {
    reading: Reading,
    root: Mutex<Secret>,
    requests: Mutex<mpsc::Sender<Request>>,
}

struct Request {
    id: TreeId,
    change: Change,
    done: oneshot::Sender<Result<Arc<Tree>, Error>>,
}

#[derive(Clone)]
enum Change {
    Create,
    Puncture(u64),
    /// Another root, where there are no trees.
    Adopt(Secret),
    /// A copy of the tree from elsewhere.
    Merge(Arc<Tree>),
}

impl Embedded {
    pub(super) fn open(
        file: &Path,
        master_file: &Path,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, Error> {
        let fresh = !file.exists();
        let mut wrap = Wrap::open(master_file, fresh, entropy)?;
        let mut connection = sqlite::open(PORT, file, Durability::Full)?;
        connection
            .execute_batch(
                "CREATE TABLE IF NOT EXISTS trees (id BLOB PRIMARY KEY, wrapped BLOB NOT NULL);",
            )
            .map_err(|it| sqlite::translate(PORT, it))?;
        change(&mut connection, &mut wrap, &[(ROOT, Change::Create)])?;
        let reading = Reading::open(file, master_file)?;
        let (requests, queue) = mpsc::channel();
        thread::Builder::new()
            .name("keys".into())
            .spawn(move || write_all(connection, wrap, &queue))
            .map_err(|it| Error::unavailable(PORT, it))?;
        let root = Mutex::new(reading.root());
        Ok(Self { reading, root, requests: Mutex::new(requests) })
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
        self.reading.tree(id)
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
        *self.root.lock().expect("no holder of the lock panics")
    }

    async fn page(&self, after: Option<TreeId>) -> Result<Vec<(TreeId, Arc<Tree>)>, Error> {
        self.reading.trees(after.unwrap_or(ROOT))
    }

    async fn adopt(&self, root: Secret) -> Result<(), Error> {
        self.request(ROOT, Change::Adopt(root)).await?;
        *self.root.lock().expect("no holder of the lock panics") = root;
        Ok(())
    }

    async fn merge(&self, trees: Vec<(TreeId, Arc<Tree>)>) -> Result<(), Error> {
        if trees.len() > PAGE_TREES_MAX || trees.iter().any(|it| it.0 == ROOT) {
            return Err(Error::unavailable(PORT, "these trees are not a page of another store"));
        }
        let merges = trees.into_iter().map(|(id, tree)| self.request(id, Change::Merge(tree)));
        join_all(merges).await.into_iter().try_for_each(|it| it.map(drop))
    }
}

fn write_all(mut connection: Connection, mut wrap: Wrap, queue: &mpsc::Receiver<Request>) {
    let mut pass = Pass::due(&wrap);
    loop {
        // What a killed rotation has left is done between requests.
        let first = match pass {
            Some(_) => match queue.try_recv() {
                Ok(first) => Some(first),
                Err(mpsc::TryRecvError::Empty) => None,
                Err(mpsc::TryRecvError::Disconnected) => return,
            },
            None => match queue.recv() {
                Ok(first) => Some(first),
                Err(mpsc::RecvError) => return,
            },
        };
        if let Some(first) = first {
            write_group(&mut connection, &mut wrap, first, queue);
        }
        pass = pass.and_then(|it| next(it, &mut connection, &mut wrap));
    }
}

/// Takes a step of a rotation; none when it is over.
fn next(mut pass: Pass, connection: &mut Connection, wrap: &mut Wrap) -> Option<Pass> {
    match pass.step(connection, wrap) {
        Ok(true) => Some(pass),
        Ok(false) => {
            tracing::info!("the master key's rotation, which was interrupted, has ended");
            None
        }
        Err(error) => {
            tracing::warn!(%error, "the master key's rotation waits for the next start");
            None
        }
    }
}

/// Carries out a request with those that wait behind it, in one commit.
fn write_group(
    connection: &mut Connection,
    wrap: &mut Wrap,
    first: Request,
    queue: &mpsc::Receiver<Request>,
) {
    let mut group = vec![first];
    group.extend(queue.try_iter().take(COMMIT_REQUESTS_MAX - 1));
    let changes: Vec<_> = group.iter().map(|it| (it.id, it.change.clone())).collect();
    match change(connection, wrap, &changes) {
        Ok(trees) => group.into_iter().zip(trees).for_each(|(it, tree)| it.answer(Ok(tree))),
        // What is refused to one is not refused to those beside it.
        Err(_) if group.len() > 1 => group.into_iter().zip(changes).for_each(|(it, alone)| {
            let trees = change(connection, wrap, &[alone]);
            it.answer(trees.map(|it| Arc::clone(&it[0])));
        }),
        Err(error) => group.into_iter().for_each(|it| {
            it.answer(Err(Error::new(error.kind, PORT, error.to_string())));
        }),
    }
}

impl Request {
    fn answer(self, answer: Result<Arc<Tree>, Error>) {
        // A caller that has gone away asks again.
        let _ = self.done.send(answer);
    }
}

fn change(
    connection: &mut Connection,
    wrap: &mut Wrap,
    changes: &[(TreeId, Change)],
) -> Result<Vec<Arc<Tree>>, Error> {
    let unknown = |it| Error::new(ErrorKind::Unknown, PORT, it);
    let immediate = rusqlite::TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(immediate).map_err(unknown)?;
    wrap.renew(&transaction)?;
    let mut trees = Vec::with_capacity(changes.len());
    let mut punctured = false;
    for (id, change) in changes {
        let old = stored(&transaction, *id).map_err(unknown)?;
        let old = old.map(|it| wrap.masters.unwrap(*id, &it)).transpose()?;
        punctured |= !matches!(change, Change::Create);
        let tree = match (old, change) {
            (Some(tree), Change::Create) => tree,
            (None, Change::Create) => Tree::new(wrap.entropy.bytes()),
            (Some(mut tree), Change::Puncture(leaf)) => {
                tree.puncture(*leaf);
                tree
            }
            (None, Change::Puncture(_)) => {
                return Err(Error::corrupt(PORT, "a leaf of a tree that was never made"));
            }
            (old, Change::Adopt(root)) => adopted(&transaction, old, *root)?,
            (None, Change::Merge(copy)) => Tree::clone(copy),
            (Some(tree), Change::Merge(copy)) => tree.intersect(copy).ok_or_else(|| {
                Error::new(ErrorKind::Conflict, PORT, "a tree here is another one than its copy")
            })?,
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

/// The tree that holds a root from elsewhere; one that sealed something is never replaced.
fn adopted(connection: &Connection, old: Option<Tree>, root: Secret) -> Result<Tree, Error> {
    if let Some(same) = old.filter(|it| it.leaf(0) == Some(root)) {
        return Ok(same);
    }
    let others = connection
        .query_row("SELECT 1 FROM trees WHERE id <> ?1", params![id_bytes(ROOT)], |_| Ok(()))
        .optional()
        .map_err(|it| Error::unknown(PORT, it))?;
    match others {
        None => Ok(Tree::of_leaf(0, root)),
        Some(()) => {
            Err(Error::new(ErrorKind::Conflict, PORT, "these are the keys of another instance"))
        }
    }
}
