//! What has been folded of each partition since its last signed checkpoint.

use std::sync::{Mutex, MutexGuard};

use ports::event_log::signed::{LINKS_MAX, Link};
use ports::event_log::{Fold, Partition};

/// The trails of all partitions; those that are not folded here have none.
pub(crate) struct Trails(Vec<Mutex<Option<Trail>>>);

/// Where a partition's fold stands, and the links of the batches that led there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trail {
    pub(crate) fold: Fold,
    /// The ordinal after which the links begin.
    pub(crate) after: u64,
    /// At most [`LINKS_MAX`].
    pub(crate) links: Vec<Link>,
}

impl Trails {
    pub(crate) fn new(partitions: Partition) -> Self {
        Self((0..partitions).map(|_| Mutex::default()).collect())
    }

    fn of(&self, partition: Partition) -> MutexGuard<'_, Option<Trail>> {
        self.0[usize::from(partition)].lock().expect("no holder of the lock panics")
    }

    /// A fold begins here, or again after a failure.
    pub(crate) fn begin(&self, partition: Partition, fold: &Fold) {
        let mut trail = self.of(partition);
        if trail.as_ref().is_none_or(|it| it.fold.ordinal != fold.ordinal) {
            *trail = Some(Trail { fold: fold.clone(), after: fold.ordinal, links: Vec::new() });
        }
    }

    /// Batches were accepted and saved. More than a checkpoint may tell of are told by none: then
    /// only where the fold stands is vouched for.
    pub(crate) fn extend(&self, partition: Partition, links: &[Link], fold: &Fold) {
        let mut trail = self.of(partition);
        let Some(trail) = trail.as_mut() else { return };
        trail.fold = fold.clone();
        trail.links.extend_from_slice(links);
        if trail.links.len() > LINKS_MAX {
            trail.links.clear();
            trail.after = fold.ordinal;
        }
    }

    /// The partition is folded here no longer.
    pub(crate) fn leave(&self, partition: Partition) {
        *self.of(partition) = None;
    }

    /// The trail as it is now, if the partition is folded here and holds anything.
    pub(crate) fn get(&self, partition: Partition) -> Option<Trail> {
        self.of(partition).clone().filter(|it| it.fold.ordinal > 0)
    }

    /// How many batches wait, and where the fold stands.
    pub(crate) fn waiting(&self, partition: Partition) -> Option<(usize, u64)> {
        self.of(partition).as_ref().map(|it| (it.links.len(), it.fold.ordinal))
    }

    /// What this trail told is vouched for.
    pub(crate) fn cut(&self, partition: Partition, vouched: &Trail) {
        let mut trail = self.of(partition);
        let Some(trail) = trail.as_mut() else { return };
        if trail.after == vouched.after && trail.links.starts_with(&vouched.links) {
            trail.links.drain(..vouched.links.len());
            trail.after = vouched.fold.ordinal;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(ordinal: u64) -> Fold {
        Fold { ordinal, ..Fold::default() }
    }

    #[test]
    fn a_trail_goes_on_from_what_was_vouched_for() {
        let trails = Trails::new(1);
        trails.extend(0, &[[9; 8]], &fold(1));
        assert_eq!(trails.get(0), None, "nobody folds it here");
        trails.begin(0, &fold(0));
        trails.extend(0, &[[1; 8], [2; 8]], &fold(4));
        let vouched = trails.get(0).unwrap();
        trails.extend(0, &[[3; 8]], &fold(5));
        trails.cut(0, &vouched);
        let expected = Trail { fold: fold(5), after: 4, links: vec![[3; 8]] };
        assert_eq!(trails.get(0), Some(expected));
        trails.begin(0, &fold(5));
        assert_eq!(trails.waiting(0), Some((1, 5)), "the same place is no new beginning");
        trails.begin(0, &fold(3));
        assert_eq!(trails.waiting(0), Some((0, 3)));
        trails.leave(0);
        assert_eq!(trails.waiting(0), None);
    }

    #[test]
    fn as_many_links_wait_as_a_checkpoint_may_tell_and_not_one_more() {
        let trails = Trails::new(1);
        trails.begin(0, &fold(0));
        trails.extend(0, &[[1; 8]; LINKS_MAX], &fold(9));
        assert_eq!(trails.waiting(0), Some((LINKS_MAX, 9)));
        trails.extend(0, &[[1; 8]], &fold(10));
        assert_eq!(trails.get(0).map(|it| (it.after, it.links.len())), Some((10, 0)));
    }
}
