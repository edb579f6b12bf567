//! Shares of all conversations, so that what is remembered at a time is bounded.

use super::{Oracle, Own};
use crate::conversations::ConversationId;

/// The conversations whose ids end in certain bits; all of them when in none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    bits: u32,
    end: u128,
}

impl Share {
    pub(super) fn has(self, id: ConversationId) -> bool {
        let mask = 1_u128.checked_shl(self.bits).map_or(u128::MAX, |it| it - 1);
        id.0.as_u128() & mask == self.end
    }

    /// By one bit more, of those that are random in every kind of id.
    fn halves(self) -> [Self; 2] {
        let bits = self.bits + 1;
        [self.end, self.end | 1 << self.bits].map(|end| Self { bits, end })
    }
}

impl Oracle {
    /// Forgets half of its share, and again, until it remembers at most so many things or one
    /// conversation; gives back the other halves, each for an oracle of its own.
    pub fn narrow(&mut self, held_max: usize) -> Vec<Share> {
        let mut others = Vec::new();
        while self.held > held_max && self.share.bits < u128::BITS && self.has_several() {
            let [share, other] = self.share.halves();
            self.share = share;
            self.conversations.retain(|id, _| share.has(*id));
            self.people.retain(|(_, id), _| share.has(*id));
            let there: usize = self.conversations.values().map(|it| it.held()).sum();
            self.held = there + self.people.values().map(Own::held).sum::<usize>();
            others.push(other);
        }
        others
    }

    /// Whether it knows of more than one conversation.
    fn has_several(&self) -> bool {
        let mut ids = self.conversations.keys().chain(self.people.keys().map(|it| &it.1));
        let first = ids.next();
        ids.any(|it| Some(it) != first)
    }
}
