//! How people keep their conversations while everything breaks.

use chat::chat_list::{
    ArchiveConversation, MarkUnread, MuteConversation, PinConversation, UnarchiveConversation,
    UnmuteConversation, UnpinConversation,
};
use chat::conversations::ConversationId;
use chat::kernel::Timestamp;
use chat::kernel::time::Long;
use chat::seen_reactions::MarkReactionsSeen;

use crate::people::Person;

impl Person {
    /// Mutes, marks, archives or pins a conversation, takes that back, or looks at reactions.
    pub(crate) async fn keep(&self, conversation_id: ConversationId) {
        let (sim, dice) = (&self.world.sim, &self.world.sim.dice);
        match dice.below(8) {
            0 => {
                let ms = i64::try_from(dice.between(5_000, 20_000)).expect("it is small");
                let until = dice.happens(5_000).then(|| Timestamp(sim.time_ms() + ms));
                self.ask(None, MuteConversation { conversation_id, until }).await
            }
            1 => self.ask(None, UnmuteConversation { conversation_id }).await,
            2 => self.ask(None, MarkUnread { conversation_id }).await,
            3 => self.ask(None, ArchiveConversation { conversation_id }).await,
            4 => self.ask(None, UnarchiveConversation { conversation_id }).await,
            5 => self.ask(None, PinConversation { conversation_id }).await,
            6 => self.ask(None, UnpinConversation { conversation_id }).await,
            _ => {
                let seq = Long(dice.between(1, 30));
                self.ask(None, MarkReactionsSeen { conversation_id, seq }).await
            }
        };
    }
}
