//! A document's JSON together with what was made of it, so that it is read once.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

/// JSON of a document. Clones share it, and share what the first of them has read it as.
#[derive(Clone)]
pub struct Body(Arc<Shared>);

struct Shared {
    json: Bytes,
    read: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Body {
    /// A body that has been made of a value, which need not be read again.
    pub fn of<T: Clone + Send + Sync + 'static>(json: Bytes, value: T) -> Self {
        let read = OnceLock::from(Box::new(value) as Box<dyn Any + Send + Sync>);
        Self(Arc::new(Shared { json, read }))
    }

    /// What it says: read by `read`, or as it was read before. `None` when it can't be read.
    pub fn value<T: Clone + Send + Sync + 'static>(
        &self,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Option<T> {
        let known = self.0.read.get().and_then(|it| it.downcast_ref::<T>());
        if let Some(known) = known {
            return Some(known.clone());
        }
        let value = read(&self.0.json)?;
        // Somebody else may have been first, with the same.
        let _ = self.0.read.set(Box::new(value.clone()));
        Some(value)
    }
}

impl From<Bytes> for Body {
    fn from(json: Bytes) -> Self {
        Self(Arc::new(Shared { json, read: OnceLock::new() }))
    }
}

impl From<Vec<u8>> for Body {
    fn from(json: Vec<u8>) -> Self {
        Bytes::from(json).into()
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.json
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.0.json == other.0.json
    }
}

impl Eq for Body {}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.json.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(json: &[u8]) -> Option<usize> {
        Some(json.len())
    }

    #[test]
    fn a_body_is_read_once_whoever_holds_it() {
        let body = Body::from(b"12".to_vec());
        assert_eq!(body.value(length), Some(2));
        let again = body.clone().value(|_| -> Option<usize> { panic!("it is read again") });
        assert_eq!(again, Some(2));
    }

    #[test]
    fn what_it_was_made_of_is_not_read() {
        let body = Body::of(Bytes::from_static(b"12"), 12_u8);
        assert_eq!(body.value(|_| -> Option<u8> { panic!("it is read") }), Some(12));
        assert_eq!(body.value(length), Some(2), "another type is read for itself");
    }

    #[test]
    fn what_cannot_be_read_stays_unread() {
        let body = Body::from(b"12".to_vec());
        assert_eq!(body.value(|_| None::<usize>), None);
        assert_eq!(body.value(length), Some(2));
    }
}
