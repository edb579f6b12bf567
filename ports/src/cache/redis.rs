//! The cache on Redis: one key for each, changed by one script, so that it is atomic on one server
//! and on each of a cluster.
//!
//! Times are those of the nodes, whose clocks are kept together by NTP: a value carries its own end
//! and a node compares that with its own clock. Redis counts only until it may collect what has
//! long ended. A failover of Redis may lose what it was told last; for a cache that is allowed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ::redis::{FromRedisValue, Script, cmd};
use async_trait::async_trait;
use bytes::Bytes;

use super::embedded::Embedded;
use super::{Admission, Cache};
use crate::clock::Clock;
use crate::redis::{Link, Place, Question};
use crate::{Address, Error, ErrorKind};

const PORT: &str = "cache";

/// How long a command may take with all that it waits for.
const COMMAND_MAX: Duration = Duration::from_secs(3);

/// How much longer Redis keeps what has ended: more than the nodes' clocks are ever apart.
const SLACK_MS: u64 = 60_000;

/// The latest time that a script can count to.
const TIME_MAX: u64 = (1 << 53) - 1;

/// What stands before a value: what it is and when it ends, in as many digits as [`TIME_MAX`] has.
const HEAD: usize = 1 + 16;

const COUNT: char = 'c';
const BYTES: char = 'b';

/// Answers -1 when one more is admitted, else how long none is.
const TAKE: &str = r"
local now, limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local stored = redis.call('GET', KEYS[1])
if stored and string.sub(stored, 1, 1) == 'c' then
    local ends = tonumber(string.sub(stored, 2, 17))
    if ends > now then
        local count = tonumber(string.sub(stored, 18))
        if count >= limit then return ends - now end
        redis.call('SET', KEYS[1], string.sub(stored, 1, 17) .. (count + 1), 'KEEPTTL')
        return -1
    end
end
if limit == 0 then return window end
redis.call('SET', KEYS[1], ARGV[4] .. '1', 'PX', ARGV[5])
return -1
";

/// Answers 1 when the lease is the holder's, else 0.
const LEASE: &str = r"
local stored = redis.call('GET', KEYS[1])
if stored and tonumber(string.sub(stored, 2, 17)) > tonumber(ARGV[1]) then
    local mine = string.sub(stored, 1, 1) == 'b' and string.sub(stored, 18) == ARGV[3]
    if not mine then return 0 end
end
redis.call('SET', KEYS[1], ARGV[2] .. ARGV[3], 'PX', ARGV[4])
return 1
";

/// Answers 1 when the number is kept, 0 when as large a one is. Numbers are of as many digits, so
/// that text tells which is larger beyond what a script can count to.
const RAISE: &str = r"
local stored = redis.call('GET', KEYS[1])
if stored and tonumber(string.sub(stored, 2, 17)) > tonumber(ARGV[1]) then
    local kept = string.sub(stored, 18)
    if string.rep('0', 20 - #kept) .. kept >= string.rep('0', 20 - #ARGV[3]) .. ARGV[3] then
        return 0
    end
end
redis.call('SET', KEYS[1], ARGV[2] .. ARGV[3], 'PX', ARGV[4])
return 1
";

/// How long nobody is asked again after a count could not be had.
const REST_MS: i64 = 1_000;

struct Redis {
    link: Link,
    prefix: String,
    clock: Arc<dyn Clock>,
    take: Script,
    lease: Script,
    raise: Script,
    /// Counts while the server is away: each node then admits as many as all did.
    near: Embedded,
    /// Until when it counts without asking.
    away_until_ms: AtomicI64,
}

pub(super) async fn connect(
    address: &Address,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Cache>, Error> {
    let place = Place::of(PORT, address)?;
    let link = place.link().await?;
    let (take, lease, raise) = (Script::new(TAKE), Script::new(LEASE), Script::new(RAISE));
    let (prefix, near) = (place.prefix, Embedded::new(Arc::clone(&clock)));
    let away_until_ms = AtomicI64::new(i64::MIN);
    Ok(Arc::new(Redis { link, prefix, clock, take, lease, raise, near, away_until_ms }))
}

impl Redis {
    fn key(&self, key: &str) -> String {
        format!("{}:{key}", self.prefix)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.now_ms()).unwrap_or(0).min(TIME_MAX)
    }

    async fn ask<T: FromRedisValue + Send>(&self, question: Question<'_>) -> Result<T, Error> {
        self.link.ask(COMMAND_MAX, question).await
    }

    async fn take_there(&self, key: &str, limit: u32, window_ms: u64) -> Result<Admission, Error> {
        let mut script = self.take.key(self.key(key));
        script.arg(self.now()).arg(limit).arg(window_ms.min(TIME_MAX));
        script.arg(self.head(COUNT, window_ms)).arg(kept(window_ms));
        let rest: i64 = self.ask(Question::Script(&script)).await?;
        Ok(match u64::try_from(rest) {
            Ok(retry_after_ms) => Admission::Refused { retry_after_ms },
            Err(_) => Admission::Admitted,
        })
    }

    fn head(&self, kind: char, ttl_ms: u64) -> String {
        let ends = self.now().saturating_add(ttl_ms).min(TIME_MAX);
        format!("{kind}{ends:016}")
    }
}

fn kept(ttl_ms: u64) -> u64 {
    // Redis adds the time of day, which must not overflow.
    ttl_ms.saturating_add(SLACK_MS).min(TIME_MAX)
}

#[async_trait]
impl Cache for Redis {
    async fn take(&self, key: &str, limit: u32, window_ms: u64) -> Result<Admission, Error> {
        let now = self.clock.now_ms();
        if self.away_until_ms.load(Ordering::Acquire) <= now {
            match self.take_there(key, limit, window_ms).await {
                Ok(admission) => return Ok(admission),
                Err(error) => {
                    tracing::warn!(%error, "uses are counted here for a while");
                    self.away_until_ms.store(now + REST_MS, Ordering::Release);
                }
            }
        }
        self.near.take(key, limit, window_ms).await
    }

    async fn lease(&self, key: &str, holder: &str, ttl_ms: u64) -> Result<bool, Error> {
        let mut script = self.lease.key(self.key(key));
        script.arg(self.now()).arg(self.head(BYTES, ttl_ms)).arg(holder).arg(kept(ttl_ms));
        self.ask(Question::Script(&script)).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl_ms: u64) -> Result<(), Error> {
        let mut stored = self.head(BYTES, ttl_ms).into_bytes();
        stored.extend_from_slice(&value);
        let mut put = cmd("SET");
        put.arg(self.key(key)).arg(stored).arg("PX").arg(kept(ttl_ms));
        self.ask(Question::Command(&put)).await
    }

    async fn raise(&self, key: &str, number: u64, ttl_ms: u64) -> Result<bool, Error> {
        let mut script = self.raise.key(self.key(key));
        script.arg(self.now()).arg(self.head(BYTES, ttl_ms)).arg(number.to_string());
        script.arg(kept(ttl_ms));
        self.ask(Question::Script(&script)).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let mut get = cmd("GET");
        get.arg(self.key(key));
        let stored: Option<Vec<u8>> = self.ask(Question::Command(&get)).await.map_err(unread)?;
        let Some(stored) = stored else { return Ok(None) };
        let ends = stored.get(1..HEAD).and_then(|it| std::str::from_utf8(it).ok()?.parse().ok());
        let ends: u64 =
            ends.ok_or_else(|| Error::corrupt(PORT, "a value does not tell its end"))?;
        if char::from(stored[0]) != BYTES || ends <= self.now() {
            return Ok(None);
        }
        Ok(Some(Bytes::from(stored).split_off(HEAD)))
    }

    async fn forget(&self, key: &str) -> Result<(), Error> {
        let mut forget = cmd("DEL");
        forget.arg(self.key(key));
        self.ask(Question::Command(&forget)).await
    }
}

/// A read changes nothing, whatever became of it.
fn unread(error: Error) -> Error {
    if error.kind == ErrorKind::Unknown { Error::unavailable(PORT, error) } else { error }
}
