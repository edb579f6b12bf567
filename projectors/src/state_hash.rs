//! One hash over all documents: equal hashes, equal read models.

use std::collections::BTreeMap;
use std::sync::Arc;

use ports::Error;
use ports::documents::{Documents, Order, Scan};
use ports::keys::crypto;

/// Documents read at once.
const PAGE: usize = 1_000;

/// SHA-256 (keyed with nothing) over the documents of each collection, by name, in hexadecimal.
///
/// # Errors
/// When the documents can't be read.
pub async fn state_hash(
    documents: &Arc<dyn Documents>,
) -> Result<BTreeMap<&'static str, String>, Error> {
    let collections: Vec<_> = chat::PROJECTIONS.iter().map(|it| it.collection).collect();
    documents.declare(&collections).await?;
    documents.index().await?;
    let mut hashes = BTreeMap::new();
    for collection in collections {
        let mut hash = [0; 32];
        let mut from = String::new();
        loop {
            let scan = Scan {
                collection: collection.name,
                index: None,
                from: from.clone(),
                to: "~".to_owned(),
                order: Order::Ascending,
                limit: PAGE,
            };
            let found = documents.scan(scan).await?;
            let Some(last) = found.last() else { break };
            from = format!("{} ", last.id);
            for it in &found {
                let body = it.stored.body.as_deref().unwrap_or_default();
                let present = [u8::from(it.stored.body.is_some())];
                let id = it.id.as_bytes();
                let lengths = [(id.len() as u64).to_be_bytes(), (body.len() as u64).to_be_bytes()];
                let ordinal = it.stored.ordinal.to_be_bytes();
                hash =
                    crypto::mac(&hash, &[&lengths[0], id, &ordinal, &present, &lengths[1], body]);
            }
        }
        let text: String = hash.iter().map(|it| format!("{it:02x}")).collect();
        hashes.insert(collection.name, text);
    }
    Ok(hashes)
}
