//! Guarded writes as commands, and what the server answers to them.

use std::collections::HashMap;

use mongodb::bson::raw::{CStr, CString, RawArrayBuf, RawDocumentBuf, cstr};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Bson, Document, RawBinaryRef, rawdoc};

use super::repeat::{DUPLICATE_KEY, Failure};
use crate::documents::{Key, Swap, Write};

/// Updates in one command at most.
const UPDATES_MAX: usize = 1_000;

/// Bytes of one command, about; a server takes 16 MiB.
const BYTES_MAX: usize = 12 << 20;

/// What an update holds beside ids, keys and body, in bytes, about.
const OVERHEAD: usize = 150;

/// How long a write waits to be majority-durable, in milliseconds; then it is repeated.
const DURABLE_MAX_MS: i32 = 10_000;

/// The collection of the marks: documents whose ids are partitions and whose ordinals are offsets.
///
/// A mark waits for the journal, and with it for what stands there before it. MongoDB does so for
/// every majority anyway, unless it is told not to.
pub(super) const MARKS: &str = "checkpoints";

/// A document's fields beside those of its keys.
pub(super) const ID: &CStr = cstr!("_id");
pub(super) const ORDINAL: &CStr = cstr!("o");
pub(super) const BODY: &CStr = cstr!("b");

/// The field of a document's key in an index.
pub(super) fn field(index: &str) -> String {
    format!("k_{index}")
}

/// Writes in rounds: in each a document comes once at most, since the updates of a command have no
/// order. What stands behind a newer one of the same document is left out.
pub(super) fn rounds(writes: Vec<Write>) -> Vec<Vec<Write>> {
    let mut rounds: Vec<Vec<Write>> = Vec::new();
    let mut last: HashMap<Key, (usize, u64)> = HashMap::with_capacity(writes.len());
    for write in writes {
        let round = match last.get(&write.key) {
            Some((_, ordinal)) if *ordinal >= write.ordinal => continue,
            Some((round, _)) => round + 1,
            None => 0,
        };
        last.insert(write.key.clone(), (round, write.ordinal));
        if rounds.len() == round {
            rounds.push(Vec::new());
        }
        rounds[round].push(write);
    }
    rounds
}

/// Writes as they fit into commands.
pub(super) fn chunks(mut writes: &[Write]) -> Vec<&[Write]> {
    let mut chunks = Vec::new();
    while !writes.is_empty() {
        let mut bytes = 0;
        let fitting = writes.iter().take(UPDATES_MAX).take_while(|it| {
            bytes += size(it);
            bytes <= BYTES_MAX
        });
        // A document that is too large is for the server to refuse.
        let (chunk, rest) = writes.split_at(fitting.count().max(1));
        chunks.push(chunk);
        writes = rest;
    }
    chunks
}

fn size(write: &Write) -> usize {
    let keys: usize = write.index_keys.iter().flatten().map(|it| it.len() + OVERHEAD / 4).sum();
    OVERHEAD + 2 * write.key.id.len() + keys + write.body.as_ref().map_or(0, |it| it.len())
}

/// Makes each document, unless there is one of its key.
pub(super) fn make<'a>(
    collection: &str,
    fields: &[CString],
    writes: impl Iterator<Item = &'a Write>,
) -> RawDocumentBuf {
    let mut documents = RawArrayBuf::new();
    writes.for_each(|it| documents.push(replacement(it, fields)));
    rawdoc! {
        "insert": collection,
        "documents": documents,
        "ordered": false,
        "writeConcern": durable(collection),
    }
}

/// Replaces each document that is older; with `upsert` also makes those that are absent.
pub(super) fn replace<'a>(
    collection: &str,
    fields: &[CString],
    writes: impl Iterator<Item = &'a Write>,
    upsert: bool,
) -> RawDocumentBuf {
    let mut updates = RawArrayBuf::new();
    for write in writes {
        let ordinal = signed(write.ordinal);
        let id = write.key.id.as_str();
        updates.push(rawdoc! {
            "q": { ID: id, ORDINAL: { "$lt": ordinal } },
            "u": replacement(write, fields),
            "upsert": upsert,
        });
    }
    rawdoc! {
        "update": collection,
        "updates": updates,
        "ordered": false,
        "writeConcern": durable(collection),
    }
}

/// Puts another body into each document that has its ordinal.
pub(super) fn swap(collection: &str, swaps: &[Swap]) -> RawDocumentBuf {
    let mut updates = RawArrayBuf::new();
    for Swap { id, ordinal, body } in swaps {
        let mut set = RawDocumentBuf::new();
        set.append(BODY, RawBinaryRef { subtype: BinarySubtype::Generic, bytes: body });
        updates.push(rawdoc! {
            "q": { ID: id.as_str(), ORDINAL: signed(*ordinal), BODY: { "$exists": true } },
            "u": { "$set": set },
        });
    }
    rawdoc! {
        "update": collection,
        "updates": updates,
        "ordered": false,
        "writeConcern": durable(collection),
    }
}

fn durable(collection: &str) -> RawDocumentBuf {
    rawdoc! { "w": "majority", "j": collection == MARKS, "wtimeout": DURABLE_MAX_MS }
}

/// A document as it is stored; a removed one is an id and an ordinal.
fn replacement(write: &Write, fields: &[CString]) -> RawDocumentBuf {
    let mut document = RawDocumentBuf::new();
    document.append(ID, write.key.id.as_str());
    document.append(ORDINAL, signed(write.ordinal));
    let Some(body) = &write.body else { return document };
    document.append(BODY, RawBinaryRef { subtype: BinarySubtype::Generic, bytes: body });
    for (field, key) in fields.iter().zip(&write.index_keys) {
        key.iter().for_each(|it| document.append(field, it.as_str()));
    }
    document
}

fn signed(ordinal: u64) -> i64 {
    i64::try_from(ordinal).unwrap_or(i64::MAX)
}

/// What a command did.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// Documents that were replaced or made.
    pub(super) applied: usize,
    /// Places of the updates that found a document which they could neither replace nor make.
    pub(super) standing: Vec<usize>,
}

impl Reply {
    /// Reads an answer.
    ///
    /// # Errors
    /// When an update failed, or when what was done is not majority-durable.
    pub(super) fn read(answer: &Document) -> Result<Self, Failure> {
        let mut standing = Vec::new();
        for error in list(answer, "writeErrors") {
            let (code, at) = (number(error, "code"), number(error, "index"));
            if code != i64::from(DUPLICATE_KEY) {
                return Err(told(error));
            }
            standing.push(usize::try_from(at).unwrap_or_default());
        }
        if let Some(Bson::Document(error)) = answer.get("writeConcernError") {
            return Err(told(error));
        }
        let applied = usize::try_from(number(answer, "n")).unwrap_or_default();
        Ok(Self { applied, standing })
    }
}

fn list<'a>(answer: &'a Document, name: &str) -> impl Iterator<Item = &'a Document> {
    let list = answer.get_array(name).into_iter().flatten();
    list.filter_map(Bson::as_document)
}

fn told(error: &Document) -> Failure {
    let code = i32::try_from(number(error, "code")).unwrap_or_default();
    Failure::told(code, error.get_str("errmsg").unwrap_or_default())
}

/// Servers and their stand-ins write whole numbers in three ways.
fn number(document: &Document, name: &str) -> i64 {
    match document.get(name) {
        Some(Bson::Int32(it)) => i64::from(*it),
        Some(Bson::Int64(it)) => *it,
        Some(Bson::Double(it)) => *it as i64,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    fn write(id: &str, ordinal: u64, bytes: usize) -> Write {
        let key = Key { collection: "things", id: id.to_owned() };
        Write {
            key,
            ordinal,
            index_keys: vec![],
            body: Some(vec![b'x'; bytes].into()),
            first: false,
        }
    }

    #[test]
    fn a_document_comes_once_a_round_and_rises() {
        let writes = [("a", 2), ("b", 1), ("a", 1), ("a", 3), ("b", 1)];
        let rounds = rounds(writes.iter().map(|(id, at)| write(id, *at, 0)).collect());
        let names = |it: &Vec<Write>| -> Vec<(String, u64)> {
            it.iter().map(|it| (it.key.id.clone(), it.ordinal)).collect()
        };
        let named = |id: &str, at| (id.to_owned(), at);
        let rounds: Vec<_> = rounds.iter().map(names).collect();
        assert_eq!(rounds, [vec![named("a", 2), named("b", 1)], vec![named("a", 3)]]);
    }

    #[test]
    fn a_chunk_has_an_end_in_number_and_in_bytes() {
        let sizes =
            |writes: &[Write]| -> Vec<usize> { chunks(writes).iter().map(|it| it.len()).collect() };
        let small: Vec<Write> = (0..2_500).map(|_| write("a", 1, 10)).collect();
        assert_eq!(sizes(&small), [1_000, 1_000, 500]);
        let large: Vec<Write> = (0..5).map(|_| write("a", 1, 5 << 20)).collect();
        assert_eq!(sizes(&large), [2, 2, 1]);
        assert_eq!(sizes(&[write("a", 1, BYTES_MAX * 2), write("b", 1, 1)]), [1, 1]);
        assert_eq!(sizes(&[]), Vec::<usize>::new());
    }

    #[test]
    fn what_a_user_names_is_never_an_operator() {
        let mut write = write("$where", 7, 0);
        write.index_keys = vec![Some("$gt".into())];
        let fields = [CString::try_from(field("by_owner")).unwrap()];
        let command = replace("things", &fields, [write].iter(), true);
        let command = Document::try_from(command).unwrap();
        let update = command.get_array("updates").unwrap()[0].as_document().unwrap();
        assert_eq!(update.get("q"), Some(&doc! { "_id": "$where", "o": { "$lt": 7_i64 } }.into()));
        let stored = update.get_document("u").unwrap();
        assert_eq!(stored.get_str("k_by_owner").unwrap(), "$gt");
    }

    #[test]
    fn an_answer_tells_what_applied_and_what_stands_in_the_way() {
        let standing = doc! { "index": 3, "code": DUPLICATE_KEY };
        let answer = doc! { "n": 4, "writeErrors": [standing] };
        let reply = Reply::read(&answer).unwrap();
        assert_eq!(reply, Reply { applied: 4, standing: vec![3] });
        let error = doc! { "index": 0, "code": 189, "errmsg": "stepped down" };
        Reply::read(&doc! { "n": 4, "writeErrors": [error] }).unwrap_err();
        let error = doc! { "code": 64, "errmsg": "waiting for replication timed out" };
        Reply::read(&doc! { "n": 4, "writeConcernError": error }).unwrap_err();
    }
}
