//! A conversation as clients see it.

use std::sync::Arc;

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, Object, Result};

use super::{Conversation, ConversationId, Kind};
use crate::accounts::AccountObject;
use crate::attachments::ConversationStorageObject;
use crate::chat_list::ListingObject;
use crate::drafts::{DraftLine, DraftObject};
use crate::edit_policy::{EditPolicyObject, policy_of};
use crate::kernel::Timestamp;
use crate::kernel::graphql::{Outcome, Page, id, outage, scope};
use crate::kernel::time::Long;
use crate::members::{Member, MemberObject, Role, members};
use crate::messages::{MessageObject, Messages, Window, last_live_message, messages};
use crate::pictures::{PictureObject, Subject};
use crate::pins::{PinObject, pinned_messages};
use crate::reactions::allowed_reactions;
use crate::receipts::{ReceiptObject, Unread, receipts_of_others};
use crate::removals::{RemovedMessageObject, removed_messages};
use crate::seen_reactions::unseen_reaction_count;
use crate::threads::{ThreadObject, threads};

/// A conversation.
pub struct ConversationObject {
    pub(super) head: Arc<Conversation>,
    /// What the viewer has not read of it, where a list has counted that for all its entries.
    pub(super) unread: Option<Unread>,
}

impl ConversationObject {
    /// A conversation that the viewer is a member of; in a frame the audience has been checked.
    pub async fn find(context: &Context<'_>, id: ConversationId) -> Result<Option<Self>> {
        let scope = scope(context);
        let reader = &scope.reader;
        if scope.ended_at.is_some() {
            // What the conversation is now lies after the viewer's time in it.
            return Ok(None);
        }
        let found = match scope.is_checked() {
            true => reader.load::<Conversation>(id.to_string()).await,
            false => {
                let viewer = scope.viewer()?.account;
                reader.fetch::<Conversation>(viewer, id.to_string()).await
            }
        };
        let found = found.map_err(outage)?;
        found.iter().for_each(|it| scope.shows(it.seq));
        Ok(found.map(|head| Self { head, unread: None }))
    }

    /// The conversation of a payload, if it can be read already.
    pub async fn readable(
        context: &Context<'_>,
        outcome: &Outcome,
        id: ConversationId,
    ) -> Result<Option<Self>> {
        match outcome.readable {
            true => Self::find(context, id).await,
            false => Ok(None),
        }
    }

    /// Notes that a frame shows something of a conversation as it is now that has no `seq` itself.
    pub async fn note_shown(context: &Context<'_>, id: ConversationId) -> Result<()> {
        let scope = scope(context);
        if scope.is_checked() {
            let now = scope.reader.anew().load::<Conversation>(id.to_string()).await;
            now.map_err(outage)?.iter().for_each(|it| scope.shows(it.seq));
        }
        Ok(())
    }

    async fn unread(&self, context: &Context<'_>) -> Result<Unread> {
        if let Some(unread) = self.unread {
            return Ok(unread);
        }
        let viewer = scope(context).viewer()?.account;
        Unread::load(&scope(context).reader, viewer, self.head.id).await.map_err(outage)
    }
}

/// A group, a direct conversation or one's saved messages.
#[Object(name = "Conversation")]
impl ConversationObject {
    async fn id(&self) -> ID {
        self.head.id.into()
    }

    async fn kind(&self) -> Kind {
        self.head.kind
    }

    /// Title of a group; null for the other kinds and once erased.
    async fn title(&self, context: &Context<'_>) -> Result<Option<String>> {
        match &self.head.title {
            Some(title) => scope(context).reader.open(title).await.map_err(outage),
            None => Ok(None),
        }
    }

    /// Picture of a group; null for the other kinds, where there is nothing to be seen, and until
    /// the image was looked into.
    async fn picture(&self, context: &Context<'_>) -> Result<Option<PictureObject>> {
        if self.head.kind != Kind::Group {
            return Ok(None);
        }
        PictureObject::of(context, Subject::Conversation(self.head.id)).await
    }

    /// The other person of a direct conversation.
    async fn peer(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        if self.head.kind != Kind::Direct {
            return Ok(None);
        }
        let viewer = scope(context).viewer()?.account;
        match self.head.pair.iter().find(|it| **it != viewer) {
            Some(peer) => AccountObject::find(context, *peer).await,
            None => Ok(None),
        }
    }

    /// Whether anyone who knows the id may join.
    async fn open(&self) -> bool {
        self.head.open
    }

    async fn created_at(&self) -> Timestamp {
        self.head.created_at
    }

    async fn member_count(&self) -> i32 {
        i32::try_from(self.head.member_count).unwrap_or(i32::MAX)
    }

    /// `seq` of the last event.
    async fn seq(&self) -> Long {
        Long(self.head.seq)
    }

    /// Number of the last message.
    async fn last_number(&self) -> Long {
        Long(self.head.last_number)
    }

    /// Messages after the read number that are neither the viewer's own nor gone; those in threads
    /// count there.
    async fn unread_count(&self, context: &Context<'_>) -> Result<i32> {
        if let Some(unread) = scope(context).shared_unread() {
            return Ok(unread);
        }
        Ok(i32::try_from(self.unread(context).await?.count).unwrap_or(i32::MAX))
    }

    /// Unread messages outside threads that mention the viewer, alone or with everyone; counted up
    /// to 1,000.
    async fn mention_count(&self, context: &Context<'_>) -> Result<i32> {
        let viewer = scope(context).viewer()?.account;
        let unread = self.unread(context).await?;
        let reader = &scope(context).reader;
        let count = unread.mentions(reader, viewer, self.head.id).await.map_err(outage)?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }

    /// Reactions to the viewer's messages that they have not seen, of the newest 1,000; null for
    /// applications.
    #[graphql(complexity = 50)]
    async fn unseen_reaction_count(&self, context: &Context<'_>) -> Result<Option<i32>> {
        unseen_reaction_count(context, self.head.id).await
    }

    /// Number up to which the viewer has read.
    async fn viewer_read_number(&self, context: &Context<'_>) -> Result<Long> {
        Ok(Long(self.unread(context).await?.read_number))
    }

    /// What the viewer may do here.
    async fn viewer_role(&self, context: &Context<'_>) -> Result<Option<Role>> {
        let id = Member::id(self.head.id, scope(context).viewer()?.account);
        let member = scope(context).reader.load::<Member>(id).await.map_err(outage)?;
        Ok(member.filter(|it| it.active).map(|it| it.role))
    }

    /// The emoji that members may react with; null when all of Unicode's are allowed.
    async fn allowed_reactions(&self, context: &Context<'_>) -> Result<Option<Vec<String>>> {
        allowed_reactions(context, self.head.id).await
    }

    /// For how long messages are edited, and who sees what they said before.
    async fn edit_policy(&self, context: &Context<'_>) -> Result<EditPolicyObject> {
        policy_of(context, self.head.id).await
    }

    /// What the viewer has begun to write here, or in the thread that begins at a message or would;
    /// empty when there is nothing, null where no thread begins and for applications.
    async fn viewer_draft(
        &self,
        context: &Context<'_>,
        thread_id: Option<ID>,
    ) -> Result<Option<DraftObject>> {
        let thread = thread_id.as_ref().map(id).transpose()?;
        DraftObject::find_for_thread(context, DraftLine::new(self.head.id, thread)).await
    }

    /// What the files of its messages take, and may take.
    async fn storage(&self, context: &Context<'_>) -> Result<ConversationStorageObject> {
        ConversationStorageObject::of(scope(context), self.head.id).await
    }

    /// How the viewer keeps it in their chat list; null for applications.
    async fn viewer_listing(&self, context: &Context<'_>) -> Result<Option<ListingObject>> {
        ListingObject::find(context, self.head.id).await
    }

    /// How far the others have read and received, of those who show it and are shown the viewer's;
    /// null in conversations of over 20 members.
    #[graphql(complexity = "20 + 5 * child_complexity")]
    async fn receipts(&self, context: &Context<'_>) -> Result<Option<Vec<ReceiptObject>>> {
        receipts_of_others(context, &self.head).await
    }

    /// What is pinned, at most 100, the message that was pinned last first.
    #[graphql(complexity = "page_complexity(first, last, child_complexity)")]
    async fn pinned_messages(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Result<Connection<String, PinObject>> {
        pinned_messages(context, self.head.id, Page::new(first, last, after, before)?).await
    }

    /// What moderators have removed and can be restored, the first first; null for who does not
    /// manage the group.
    #[graphql(complexity = "page_complexity(first, last, child_complexity)")]
    async fn removed_messages(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Result<Option<Connection<String, RemovedMessageObject>>> {
        removed_messages(context, self.head.id, Page::new(first, last, after, before)?).await
    }

    /// Seconds after which what is sent now is gone for everyone; null when it stays.
    async fn expires_in(&self) -> Option<u32> {
        self.head.expires_in
    }

    /// The newest message outside threads that is not gone for the viewer.
    async fn last_message(&self, context: &Context<'_>) -> Result<Option<MessageObject>> {
        last_live_message(&Window::of(context, &self.head)).await
    }

    /// Messages outside threads by number. `around` centres the page on a number, `aroundDate` on
    /// the first message from then on, `firstUnread` on the first that the viewer has not read.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    #[graphql(complexity = "page_complexity(first, last, child_complexity)")]
    async fn messages(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
        around: Option<Long>,
        around_date: Option<Timestamp>,
        #[graphql(default)] first_unread: bool,
    ) -> Result<Connection<String, MessageObject>> {
        let page = Page::new(first, last, after, before)?;
        let read_number = match first_unread {
            true => Some(self.unread(context).await?.read_number),
            false => None,
        };
        let centre = Messages { around, around_date, read_number };
        messages(&Window::of(context, &self.head), page, centre).await
    }

    /// Threads that hold something, the one that was active last first.
    #[graphql(complexity = "page_complexity(first, last, child_complexity)")]
    async fn threads(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Result<Connection<String, ThreadObject>> {
        threads(context, self.head.id, Page::new(first, last, after, before)?).await
    }

    /// Members: the owner, admins, then by the time they joined.
    #[graphql(complexity = "page_complexity(first, last, child_complexity)")]
    async fn members(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Result<Connection<String, MemberObject>> {
        members(context, self.head.id, Page::new(first, last, after, before)?).await
    }
}

/// Cost of a page: its fields once an entry.
pub(crate) fn page_complexity(first: Option<i32>, last: Option<i32>, child: usize) -> usize {
    let size = first.or(last).unwrap_or(crate::kernel::graphql::PAGE_DEFAULT);
    let size = usize::try_from(size.clamp(1, 1_000_000)).unwrap_or(usize::MAX);
    1 + size.saturating_mul(child) / 4
}
