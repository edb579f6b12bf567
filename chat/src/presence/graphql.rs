//! Telling others that one is typing or about, and asking who is.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use ports::bus::{Announcement as OnBus, Topic};
use ports::cache::Admission;
use ports::documents::{Order, Scan};

use super::hearing::{is_cut_off, shown};
use super::view::Seen;
use super::{
    ASKED_MAX, CONVERSATIONS_MAX, HEARERS_MAX, PresenceObject, PresenceRejection, SEEN_MS,
    TYPING_EVERY_MS, TypingObject,
};
use crate::accounts::AccountId;
use crate::conversations::{Conversation, ConversationId};
use crate::kernel::Timestamp;
use crate::kernel::document::Document;
use crate::kernel::ephemeral::Ephemeral;
use crate::kernel::graphql::{Scope, id, outage, rejected, scope};
use crate::members::Member;
use crate::timeline::Announcement;

/// Memberships looked at to find the conversations that hear of a person.
const MEMBERSHIPS_MAX: usize = 1_000;

fn key(account: AccountId) -> String {
    format!("presence/{account}")
}

async fn seen(scope: &Scope, account: AccountId) -> Result<Option<Seen>> {
    let stored = scope.cache.get(&key(account)).await.map_err(outage)?;
    Ok(stored.and_then(|it| serde_json::from_slice(&it).ok()))
}

/// Tells the members that listen now; nobody is waited for.
pub(crate) async fn tell(scope: &Scope, passing: Ephemeral) -> Result<()> {
    let payload = Announcement::Ephemeral(passing).to_bytes();
    scope.bus.publish(OnBus { topic: Topic::Ephemeral, payload }).await.map_err(outage)
}

/// The conversations of a person that are small enough to hear, the most active first.
async fn hearers(scope: &Scope, account: AccountId) -> Result<Vec<ConversationId>> {
    let prefix = format!("{account}/");
    let name = Member::COLLECTION.name;
    let order = Order::Ascending;
    let scan = Scan::prefix(name, Some("by_account"), &prefix, order, MEMBERSHIPS_MAX);
    let memberships = scope.reader.scan::<Member>(scan).await.map_err(outage)?;
    let ids = memberships.iter().map(|(_, it)| it.conversation_id.to_string());
    let heads = scope.reader.load_many::<Conversation>(ids).await.map_err(outage)?;
    let mut small: Vec<_> = heads
        .into_iter()
        .flatten()
        .filter(|it| (2..=HEARERS_MAX).contains(&it.member_count))
        .collect();
    small.sort_by_key(|it| std::cmp::Reverse(it.active_at));
    Ok(small.into_iter().take(CONVERSATIONS_MAX).map(|it| it.id).collect())
}

/// Reads of this room.
#[derive(Default)]
pub struct PresenceQuery;

#[Object]
impl PresenceQuery {
    /// Whether people are about, in the order asked, at most 100.
    async fn presence(
        &self,
        context: &Context<'_>,
        account_ids: Vec<ID>,
    ) -> Result<Vec<PresenceObject>> {
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        if !(1..=ASKED_MAX).contains(&account_ids.len()) {
            return Err(rejected(PresenceRejection::TooManyAsked));
        }
        let accounts = account_ids.iter().map(id).collect::<Result<Vec<AccountId>>>()?;
        let now = Timestamp(scope.clock.now_ms());
        let shown = shown(&scope.reader, &accounts, viewer).await.map_err(outage)?;
        let mut found = Vec::with_capacity(accounts.len());
        for (account, shown) in accounts.into_iter().zip(shown) {
            found.push(PresenceObject::new(account, seen(scope, account).await?, shown, now));
        }
        Ok(found)
    }
}

#[derive(InputObject)]
struct SetTypingInput {
    conversation_id: ID,
    typing: bool,
}

#[derive(SimpleObject)]
struct SetTypingPayload {
    /// False when others were not told: too soon after the last time, too many members, or one of
    /// a direct conversation has blocked the other.
    ok: bool,
}

#[derive(InputObject)]
struct SetPresenceInput {
    online: bool,
}

#[derive(SimpleObject)]
struct SetPresencePayload {
    ok: bool,
}

/// Changes of this room.
#[derive(Default)]
pub struct PresenceMutation;

#[Object]
impl PresenceMutation {
    /// Tells the other members that the viewer is typing, or has stopped.
    async fn set_typing(
        &self,
        context: &Context<'_>,
        input: SetTypingInput,
    ) -> Result<SetTypingPayload> {
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        let conversation: ConversationId = id(&input.conversation_id)?;
        let head = scope.reader.fetch::<Conversation>(viewer, conversation.to_string()).await;
        let head = head.map_err(outage)?.ok_or_else(|| rejected(PresenceRejection::NotFound))?;
        if is_cut_off(&scope.reader, viewer, &head).await.map_err(outage)? {
            return Ok(SetTypingPayload { ok: false });
        }
        let key = format!("typing/{viewer}/{conversation}/{}", input.typing);
        let taken = scope.cache.take(&key, 1, TYPING_EVERY_MS).await.map_err(outage)?;
        if head.member_count > HEARERS_MAX || taken != Admission::Admitted {
            return Ok(SetTypingPayload { ok: false });
        }
        tell(scope, TypingObject::tell(viewer, conversation, input.typing)).await?;
        Ok(SetTypingPayload { ok: true })
    }

    /// Says that the viewer is about, once a minute, or goes away.
    async fn set_presence(
        &self,
        context: &Context<'_>,
        input: SetPresenceInput,
    ) -> Result<SetPresencePayload> {
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        scope.take(&format!("presence-rate/{viewer}"), 12).await?;
        let before = seen(scope, viewer).await?;
        let now = Timestamp(scope.clock.now_ms());
        let after = Seen { at: now, online: input.online };
        let bytes = serde_json::to_vec(&after).expect("it is plain data");
        scope.cache.put(&key(viewer), bytes.into(), SEEN_MS).await.map_err(outage)?;
        if before.is_none_or(|it| it.online != after.online) {
            for conversation in hearers(scope, viewer).await? {
                tell(scope, PresenceObject::tell(viewer, conversation, after)).await?;
            }
        }
        Ok(SetPresencePayload { ok: true })
    }
}
