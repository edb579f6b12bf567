//! Another master key for the one in use, while keys are made, read and destroyed.
//!
//! 1. The new key is put before the old one in the file; from then on everything is wrapped by it.
//! 2. Page by page, whatever the old one still wraps is wrapped again.
//! 3. The old one is taken out of the file.
//!
//! Each step holds the database's lock for writing; between them others get it. A rotation that was
//! killed anywhere is ended by the next opening of the keys, or by being asked for again. Several
//! processes may take its steps at the same time.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};

use super::master::{Masters, Wrap, unwrap};
use super::reading::{PORT, ROOT, id_bytes, page, stored};
use super::{Secret, TreeId};
use crate::entropy::Entropy;
use crate::sqlite::{self, Durability};
use crate::{Error, ErrorKind};

/// The way through the trees: those up to `after` are wrapped by `newest`.
///
/// It ends at the tree that was the last when it began. Those made since are wrapped by `newest`
/// already; a pass that took them in would never end where many are made.
pub(super) struct Pass {
    newest: Secret,
    after: Option<TreeId>,
    until: TreeId,
    wrapped: u64,
}

impl Pass {
    /// The one that the file asks for.
    pub(super) fn due(wrap: &Wrap) -> Option<Self> {
        wrap.masters.older.map(|_| Self::of(wrap))
    }

    fn of(wrap: &Wrap) -> Self {
        Self { newest: wrap.masters.newest, after: None, until: ROOT, wrapped: 0 }
    }

    /// Puts a new key into the file, unless one is being replaced already.
    fn begin(connection: &mut Connection, wrap: &mut Wrap) -> Result<(Self, bool), Error> {
        let locked = lock(connection)?;
        wrap.renew(&locked)?;
        let Masters { newest, older } = wrap.masters.clone();
        if older.is_none() {
            wrap.replace(Masters { newest: wrap.entropy.bytes(), older: Some(newest) })?;
        }
        Ok((Self::of(wrap), older.is_some()))
    }

    /// Wraps one page again, or ends; whether there is more to do.
    pub(super) fn step(
        &mut self,
        connection: &mut Connection,
        wrap: &mut Wrap,
    ) -> Result<bool, Error> {
        let unknown = |it| Error::new(ErrorKind::Unknown, PORT, it);
        let locked = lock(connection)?;
        wrap.renew(&locked)?;
        if wrap.masters.older.is_none() {
            // Another process was faster.
            return Ok(false);
        }
        if wrap.masters.newest != self.newest {
            *self = Self::of(wrap);
        }
        let mut rows = match self.after {
            None => {
                self.until = last(&locked).map_err(unknown)?;
                let root = stored(&locked, ROOT).map_err(unknown)?;
                root.into_iter().map(|it| (ROOT, it)).collect()
            }
            Some(after) => page(&locked, after).map_err(unknown)?,
        };
        rows.retain(|it| it.0 <= self.until);
        let Some((last, _)) = rows.last() else {
            wrap.replace(Masters { newest: self.newest, older: None })?;
            drop(locked);
            // The journal may still hold what the old key opens.
            connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);").map_err(unknown)?;
            return Ok(false);
        };
        let mut wrapped_now = 0;
        for (id, wrapped) in &rows {
            if unwrap(&self.newest, *id, wrapped).is_some() {
                continue;
            }
            let again = wrap.seal(*id, &wrap.masters.unwrap(*id, wrapped)?);
            locked
                .prepare_cached("UPDATE trees SET wrapped = ?2 WHERE id = ?1")
                .and_then(|mut it| it.execute(params![id_bytes(*id), again]))
                .map_err(unknown)?;
            wrapped_now += 1;
        }
        let last = *last;
        locked.commit().map_err(unknown)?;
        self.after = Some(last);
        self.wrapped += wrapped_now;
        Ok(true)
    }
}

fn last(connection: &Connection) -> Result<TreeId, rusqlite::Error> {
    let text = "SELECT substr(id, 1, 16), substr(id, 17) FROM trees ORDER BY id DESC LIMIT 1";
    let id = |row: &Row<'_>| Ok(TreeId { author: row.get(0)?, stream: row.get(1)? });
    connection.query_row(text, [], id)
}

fn lock(connection: &mut Connection) -> Result<Transaction<'_>, Error> {
    let immediate = TransactionBehavior::Immediate;
    connection.transaction_with_behavior(immediate).map_err(|it| sqlite::translate(PORT, it))
}

/// A rotation of the master key of a folder, also beside the process that has the folder.
pub struct Rotation {
    connection: Connection,
    wrap: Wrap,
    pass: Pass,
    resumed: bool,
}

impl Rotation {
    /// Makes a new master key, or goes on with one that was made before and does not wrap
    /// everything yet.
    ///
    /// # Errors
    /// `Unavailable` when there are no keys or the files can't be used, `Corrupt` when the master
    /// key does not fit them.
    pub fn begin(data_dir: &Path, entropy: Arc<dyn Entropy>) -> Result<Self, Error> {
        let mut wrap = Wrap::open(&data_dir.join("master.key"), false, entropy)?;
        let file = data_dir.join("keys.db");
        if !file.exists() {
            return Err(Error::unavailable(PORT, "there are none in this folder"));
        }
        let mut connection = sqlite::open(PORT, &file, Durability::Full)?;
        let (pass, resumed) = Pass::begin(&mut connection, &mut wrap)?;
        Ok(Self { connection, wrap, pass, resumed })
    }

    /// Whether it goes on with one that was interrupted: the key that it ends with is no newer
    /// than that.
    pub fn resumed(&self) -> bool {
        self.resumed
    }

    /// Wraps at most [`super::PAGE_TREES_MAX`] trees again; `false` when the new key alone is in
    /// the file.
    ///
    /// # Errors
    /// What the files say; the same step can be taken again.
    pub fn step(&mut self) -> Result<bool, Error> {
        self.pass.step(&mut self.connection, &mut self.wrap)
    }

    /// Trees that were wrapped again here.
    pub fn wrapped(&self) -> u64 {
        self.pass.wrapped
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::thread;

    use futures_util::future::join_all;

    use super::super::{Keys, PAGE_TREES_MAX, Tree, open, open_to_read};
    use super::*;
    use crate::entropy::System;

    const PUNCTURED: u64 = 7;

    fn id(author: u8, stream: u16) -> TreeId {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&stream.to_be_bytes());
        TreeId { author: [author; 16], stream: bytes }
    }

    fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn begin(folder: &Path) -> Rotation {
        Rotation::begin(folder, Arc::new(System)).unwrap()
    }

    fn rotate(folder: &Path) {
        let mut rotation = begin(folder);
        while rotation.step().unwrap() {}
    }

    fn opened(folder: &Path) -> Arc<dyn Keys> {
        open(folder, Arc::new(System)).unwrap()
    }

    fn master(folder: &Path) -> Vec<u8> {
        fs::read(folder.join("master.key")).unwrap()
    }

    fn put(folder: &Path, master: &[u8]) {
        fs::write(folder.join("master.key"), master).unwrap();
    }

    /// More trees than a page holds; one leaf of each is destroyed.
    fn filled(folder: &Path) -> Vec<(TreeId, Arc<Tree>)> {
        let keys = opened(folder);
        let ids: Vec<_> = (0..PAGE_TREES_MAX as u16 + 9).map(|it| id(1, it)).collect();
        wait(async {
            join_all(ids.iter().map(|it| keys.create(*it))).await;
            join_all(ids.iter().map(|it| keys.puncture(*it, PUNCTURED))).await;
            let trees = join_all(ids.iter().map(|it| keys.load(*it))).await;
            ids.into_iter().zip(trees.into_iter().map(|it| it.unwrap().unwrap())).collect()
        })
    }

    fn holds(keys: &dyn Keys, trees: &[(TreeId, Arc<Tree>)]) {
        for (id, tree) in trees {
            let found = wait(keys.load(*id)).unwrap().unwrap();
            assert!(found == *tree);
            assert_eq!(found.leaf(PUNCTURED), None);
        }
    }

    /// Trees that a key alone opens.
    fn opened_by(folder: &Path, master: &[u8]) -> usize {
        let master = master.try_into().unwrap();
        let file = Connection::open(folder.join("keys.db")).unwrap();
        let root = stored(&file, ROOT).unwrap().unwrap();
        let (mut after, mut opened) = (ROOT, usize::from(unwrap(&master, ROOT, &root).is_some()));
        loop {
            let rows = page(&file, after).unwrap();
            let Some((last, _)) = rows.last() else { return opened };
            after = *last;
            opened += rows.iter().filter(|it| unwrap(&master, it.0, &it.1).is_some()).count();
        }
    }

    #[test]
    fn a_new_key_alone_opens_everything_and_the_old_one_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let trees = filled(folder);
        let old = master(folder);
        assert_eq!(opened_by(folder, &old), trees.len() + 1);
        let mut rotation = begin(folder);
        while rotation.step().unwrap() {}
        assert_eq!(rotation.wrapped(), trees.len() as u64 + 1);
        let new = master(folder);
        assert_eq!((old.len(), new.len()), (32, 32));
        assert_eq!((opened_by(folder, &old), opened_by(folder, &new)), (0, trees.len() + 1));
        holds(&*opened(folder), &trees);
        put(folder, &old);
        let refused = open(folder, Arc::new(System)).err().map(|it| it.kind);
        assert_eq!(refused, Some(ErrorKind::Corrupt));
        assert_eq!(open_to_read(folder).err().map(|it| it.kind), Some(ErrorKind::Corrupt));
        let refused = Rotation::begin(folder, Arc::new(System)).err().map(|it| it.kind);
        assert_eq!((refused, master(folder)), (Some(ErrorKind::Corrupt), old));
    }

    #[test]
    fn killed_after_any_step_it_is_ended_by_the_next_opening() {
        let mut goes_on = true;
        let mut killed_after = 0;
        while goes_on {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path();
            let trees = filled(folder);
            let (old, secret) = (master(folder), opened(folder).secret("names"));
            let mut rotation = begin(folder);
            for _ in 0..killed_after {
                goes_on = rotation.step().unwrap();
            }
            drop(rotation);
            assert_eq!(master(folder).len(), if goes_on { 64 } else { 32 });
            holds(&*open_to_read(folder).unwrap(), &trees);
            let keys = opened(folder);
            // A step follows each request, if it has not been taken before.
            let made: Vec<_> =
                (0..9).map(|it| (id(2, it), wait(keys.create(id(2, it))).unwrap())).collect();
            let new = master(folder);
            assert_eq!(new.len(), 32);
            let all = trees.len() + made.len() + 1;
            assert_eq!((opened_by(folder, &old), opened_by(folder, &new)), (0, all));
            drop(keys);
            let keys = opened(folder);
            holds(&*keys, &trees);
            assert!(made.iter().all(|(id, it)| wait(keys.load(*id)).unwrap().as_ref() == Some(it)));
            assert_eq!(keys.secret("names"), secret);
            killed_after += 1;
        }
        // Before any step, and after the root, each of three pages, and the end.
        assert_eq!(killed_after, 6);
    }

    #[test]
    fn an_interrupted_rotation_goes_on_when_it_is_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let trees = filled(folder);
        begin(folder).step().unwrap();
        let newest = master(folder)[..32].to_vec();
        let (mut one, mut two) = (begin(folder), begin(folder));
        while one.step().unwrap() & two.step().unwrap() {}
        assert_eq!(master(folder), newest);
        assert_eq!(opened_by(folder, &newest), trees.len() + 1);
    }

    #[test]
    fn trees_are_made_read_and_destroyed_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let trees = filled(folder);
        let (keys, reading) = (opened(folder), open_to_read(folder).unwrap());
        let work = |author: u8| {
            for it in 0..40 {
                let id = id(author, it);
                let made = wait(keys.create(id)).unwrap();
                wait(keys.puncture(id, PUNCTURED)).unwrap();
                for keys in [&keys, &reading] {
                    let found = wait(keys.load(id)).unwrap().unwrap();
                    assert_eq!((found.leaf(PUNCTURED), found.leaf(8)), (None, made.leaf(8)));
                    assert!(!wait(keys.page(Some(id))).unwrap().is_empty());
                }
            }
        };
        // The last tree of all, so that no page is empty.
        wait(keys.create(id(0xff, 0))).unwrap();
        let work = &work;
        thread::scope(|scope| {
            (10..14).for_each(|author| drop(scope.spawn(move || work(author))));
            (0..5).for_each(|_| rotate(folder));
        });
        for keys in [keys, reading, opened(folder)] {
            holds(&*keys, &trees);
            for id in (10..14).flat_map(|author| (0..40).map(move |it| id(author, it))) {
                assert_eq!(wait(keys.load(id)).unwrap().unwrap().leaf(PUNCTURED), None);
            }
        }
        assert_eq!(opened_by(folder, &master(folder)), trees.len() + 4 * 40 + 2);
    }

    #[test]
    fn nothing_is_wrapped_by_a_key_that_is_put_under_a_running_store() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let keys = opened(folder);
        let right = master(folder);
        put(folder, &[5; 32]);
        let refused = wait(keys.create(id(1, 1))).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Corrupt);
        for wrong in [31, 33, 63, 65, 96] {
            put(folder, &vec![5; wrong]);
            assert!(wait(keys.create(id(1, 1))).is_err());
        }
        put(folder, &right);
        wait(keys.create(id(1, 1))).unwrap();
    }

    #[test]
    fn where_no_keys_are_none_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let refused = Rotation::begin(folder.path(), Arc::new(System)).err().map(|it| it.kind);
        assert_eq!(refused, Some(ErrorKind::Unavailable));
        assert!(folder.path().read_dir().unwrap().next().is_none());
    }
}
