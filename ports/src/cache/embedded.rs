//! The cache inside one process: a map whose ended entries are swept as it grows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Admission, Cache};
use crate::Error;
use crate::clock::Clock;

/// Entries after which ended ones are looked for.
const SWEEP_AT: usize = 16_384;

pub(super) struct Embedded {
    clock: Arc<dyn Clock>,
    entries: Mutex<Entries>,
}

struct Entries {
    by_key: HashMap<String, Entry>,
    sweep_at: usize,
}

struct Entry {
    ends_at_ms: i64,
    value: Value,
}

enum Value {
    Count(u32),
    Bytes(Bytes),
}

impl Embedded {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let entries = Entries { by_key: HashMap::new(), sweep_at: SWEEP_AT };
        Self { clock, entries: Mutex::new(entries) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<String, Entry>, i64) -> T) -> T {
        let now = self.clock.now_ms();
        let mut entries = self.entries.lock().expect("no holder of the lock panics");
        if entries.by_key.len() >= entries.sweep_at {
            entries.by_key.retain(|_, it| it.ends_at_ms > now);
            entries.sweep_at = SWEEP_AT.max(entries.by_key.len() * 2);
        }
        act(&mut entries.by_key, now)
    }
}

fn end(now: i64, ttl_ms: u64) -> i64 {
    now.saturating_add(i64::try_from(ttl_ms).unwrap_or(i64::MAX))
}

#[async_trait]
impl Cache for Embedded {
    async fn take(&self, key: &str, limit: u32, window_ms: u64) -> Result<Admission, Error> {
        Ok(self.with(|entries, now| {
            if let Some(entry) = entries.get_mut(key)
                && entry.ends_at_ms > now
                && let Value::Count(count) = &mut entry.value
            {
                if *count < limit {
                    *count += 1;
                    return Admission::Admitted;
                }
                let left = u64::try_from(entry.ends_at_ms - now).unwrap_or(0);
                return Admission::Refused { retry_after_ms: left };
            }
            if limit == 0 {
                return Admission::Refused { retry_after_ms: window_ms };
            }
            let entry = Entry { ends_at_ms: end(now, window_ms), value: Value::Count(1) };
            entries.insert(key.to_owned(), entry);
            Admission::Admitted
        }))
    }

    async fn lease(&self, key: &str, holder: &str, ttl_ms: u64) -> Result<bool, Error> {
        Ok(self.with(|entries, now| {
            let held_by_other = entries.get(key).is_some_and(|entry| {
                entry.ends_at_ms > now
                    && !matches!(&entry.value, Value::Bytes(it) if it == holder.as_bytes())
            });
            if !held_by_other {
                let value = Value::Bytes(Bytes::copy_from_slice(holder.as_bytes()));
                entries.insert(key.to_owned(), Entry { ends_at_ms: end(now, ttl_ms), value });
            }
            !held_by_other
        }))
    }

    async fn put(&self, key: &str, value: Bytes, ttl_ms: u64) -> Result<(), Error> {
        self.with(|entries, now| {
            let entry = Entry { ends_at_ms: end(now, ttl_ms), value: Value::Bytes(value) };
            entries.insert(key.to_owned(), entry);
        });
        Ok(())
    }

    async fn raise(&self, key: &str, number: u64, ttl_ms: u64) -> Result<bool, Error> {
        Ok(self.with(|entries, now| {
            let kept = entries.get(key).filter(|it| it.ends_at_ms > now);
            let kept = kept.and_then(|it| match &it.value {
                Value::Bytes(it) => std::str::from_utf8(it).ok()?.parse::<u64>().ok(),
                Value::Count(_) => None,
            });
            let raised = kept.is_none_or(|it| it < number);
            if raised {
                let value = Value::Bytes(number.to_string().into());
                entries.insert(key.to_owned(), Entry { ends_at_ms: end(now, ttl_ms), value });
            }
            raised
        }))
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        Ok(self.with(|entries, now| match entries.get(key) {
            Some(Entry { ends_at_ms, value: Value::Bytes(it) }) if *ends_at_ms > now => {
                Some(it.clone())
            }
            Some(_) | None => None,
        }))
    }

    async fn forget(&self, key: &str) -> Result<(), Error> {
        self.with(|entries, _| entries.remove(key));
        Ok(())
    }
}
