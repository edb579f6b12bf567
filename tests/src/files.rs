//! Files as people upload and load them, by the protocols themselves.

use std::io::Write as _;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chat::files::FileId;
use serde_json::{Value, json};

use crate::waiting::{TOO_LONG, until, within};
use crate::way::{Way, Wire};
use crate::{Answer, Person, Program, Reply, World};

/// What bytes of an upload are sent as.
const BYTES: &str = "application/offset+octet-stream";

/// How long it may take to look into a file: a worker may take 30 seconds, and is given it again.
pub const LOOKING_MAX: Duration = Duration::from_secs(120);

/// SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|it| format!("{it:02x}")).collect()
}

/// What is in the names of all blobs of a file.
pub fn in_blobs(file: &str) -> String {
    file.parse::<FileId>().expect("an id of a file").0.simple().to_string()
}

/// Whether blobs have an address of their own, as they have where nodes share a store.
pub fn store_has_address() -> bool {
    std::env::var_os("PARLANCE_TEST_MODE").is_some_and(|it| it == "cluster")
}

/// A file that programs have made which know nothing of ours.
pub fn fixture(name: &str) -> Vec<u8> {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../media-worker/tests/fixtures");
    std::fs::read(folder.join(name)).expect("a fixture")
}

/// The program that looks into files.
pub fn media_worker() -> std::path::PathBuf {
    let path = Program::target_dir().join("parlance-media-worker");
    assert!(path.exists(), "build {} before this test: cargo build --workspace", path.display());
    path
}

/// What a message was after an edit: the number of that, its text, the contents of its files.
pub type Shown = (String, String, Vec<Vec<u8>>);

impl Person {
    /// Asks at `/files` as this person.
    pub fn at_files(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let bearer = format!("Bearer {}", self.token);
        let headers = [&[("authorization", bearer.as_str())], headers].concat();
        self.client.http.request(method, path, &headers, body).expect("the server answers")
    }

    /// Asks as clients of tus do.
    pub fn by_tus(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let headers = [&[("tus-resumable", "1.0.0")], headers].concat();
        self.at_files(method, path, &headers, body)
    }

    /// Uploads a small file in one request and gives its id.
    pub fn uploads(&self, name: &str, media_type: &str, bytes: &[u8]) -> String {
        let reply = self.tries_to_upload(name, media_type, bytes);
        assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(&reply.body));
        reply.json()["id"].as_str().expect("an id").to_owned()
    }

    /// Tries to upload a small file in one request.
    pub fn tries_to_upload(&self, name: &str, media_type: &str, bytes: &[u8]) -> Reply {
        let name = url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>();
        let kind = [("content-type", media_type)];
        self.at_files("POST", &format!("/files?name={name}"), &kind, bytes)
    }

    /// Tries to begin an upload.
    pub fn tries_to_begin(&self, name: &str, media_type: &str, size: u64) -> Reply {
        let size = size.to_string();
        let coded = |it: &str| STANDARD.encode(it);
        let described = format!("filename {},filetype {}", coded(name), coded(media_type));
        let headers = [("upload-length", size.as_str()), ("upload-metadata", described.as_str())];
        self.by_tus("POST", "/files", &headers, b"")
    }

    /// Begins an upload and gives its id.
    pub fn begins(&self, name: &str, media_type: &str, size: u64) -> String {
        let reply = self.tries_to_begin(name, media_type, size);
        assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(&reply.body));
        let location = reply.header("location").expect("a location");
        location.strip_prefix("/files/").expect("a path").to_owned()
    }

    /// Sends bytes of an upload.
    pub fn patches(&self, file: &str, offset: u64, more: &[(&str, &str)], bytes: &[u8]) -> Reply {
        let offset = offset.to_string();
        let headers = [&[("content-type", BYTES), ("upload-offset", offset.as_str())], more];
        self.by_tus("PATCH", &format!("/files/{file}"), &headers.concat(), bytes)
    }

    /// How far an upload has come; nothing when there is none.
    pub fn offset(&self, file: &str) -> Option<u64> {
        let reply = self.by_tus("HEAD", &format!("/files/{file}"), &[], b"");
        reply.header("upload-offset").map(|it| it.parse().expect("a number"))
    }

    /// Sends some bytes of an upload to a node and breaks the connection, having promised more;
    /// waits until those are kept. A proxy may lose the last of them.
    pub fn is_cut_off(&self, node: &Way, file: &str, offset: u64, promised: u64, bytes: &[u8]) {
        drop(self.stalls(node, file, offset, promised, bytes));
        let end = offset + bytes.len() as u64;
        until("what came is not kept", || self.offset(file) == Some(end));
    }

    /// Sends some bytes of an upload to a node, having promised more, and no more for now.
    pub fn stalls(&self, node: &Way, file: &str, offset: u64, promised: u64, bytes: &[u8]) -> Wire {
        let mut wire = node.connect().expect("a connection");
        let head = format!(
            "PATCH /files/{file} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             tus-resumable: 1.0.0\r\ncontent-type: {BYTES}\r\nupload-offset: {offset}\r\n\
             content-length: {promised}\r\n\r\n",
            node.address, self.token
        );
        wire.write_all(head.as_bytes()).and_then(|()| wire.write_all(bytes)).expect("sent");
        wire
    }

    /// Sends the last bytes of an upload and waits until it is a file: to put a large one together
    /// takes longer than a connection waits for its answer.
    pub fn finishes(&self, file: &str, offset: u64, bytes: &[u8]) {
        let (bearer, offset) = (format!("Bearer {}", self.token), offset.to_string());
        let headers = [
            ("authorization", bearer.as_str()),
            ("tus-resumable", "1.0.0"),
            ("content-type", BYTES),
            ("upload-offset", offset.as_str()),
        ];
        // Whether the answer comes or not, what has become of it is seen.
        let _ = self.client.http.request("PATCH", &format!("/files/{file}"), &headers, bytes);
        let is_file = || self.file(file)["state"] == "UPLOADED";
        within(LOOKING_MAX, || is_file().then_some(()).ok_or_else(|| "it is no file".to_owned()));
    }

    /// What somebody sees of a file of their own.
    pub fn file(&self, file: &str) -> Value {
        let wanted = "id state name mediaType sizeBytes sha256 until url";
        let query = format!("query($id: ID!) {{ file(id: $id) {{ {wanted} }} }}");
        self.asks(&query, json!({ "id": file })).data()["file"].clone()
    }

    /// Waits until a file is not there any more.
    pub fn waits_until_gone(&self, file: &str) {
        until("it is still there", || self.offset(file).is_none());
    }

    /// Sends files, each as a kind, with more of the input; gives the message's id.
    pub fn attaches(&self, conversation: &str, files: &[(&str, &str)], more: Value) -> String {
        let answer = self.tries_to_attach(conversation, files, more);
        let message = &answer.data()["sendAttachments"]["message"];
        message["id"].as_str().expect("an id").to_owned()
    }

    /// Tries to send files.
    pub fn tries_to_attach(
        &self,
        conversation: &str,
        files: &[(&str, &str)],
        more: Value,
    ) -> Answer {
        let attach = |(file, kind): &(&str, &str)| json!({ "fileId": file, "kind": kind });
        let attachments: Vec<_> = files.iter().map(attach).collect();
        let mut input = json!({ "conversationId": conversation, "attachments": attachments });
        let more = more.as_object().cloned().unwrap_or_default();
        input.as_object_mut().expect("an input").extend(more);
        self.tries("sendAttachments", input, "message { id }")
    }

    /// Puts a newer file in the place of one of a message.
    pub fn replaces(&self, at: (&str, &str), file: &str, new: &str) -> Value {
        let fields = "message { id editedAt text }";
        let answer = self.tries_to_replace(at, (file, new), fields);
        answer.data()["replaceAttachment"]["message"].clone()
    }

    /// Tries to put a newer file in the place of one of a message of a conversation.
    pub fn tries_to_replace(
        &self,
        (conversation, message): (&str, &str),
        (file, new): (&str, &str),
        wanted: &str,
    ) -> Answer {
        let input = json!({ "conversationId": conversation, "messageId": message,
            "fileId": file, "newFileId": new });
        self.tries("replaceAttachment", input, wanted)
    }

    /// What somebody sees of what a message said and showed before; nothing where that is kept from
    /// them.
    pub fn history(&self, message: &str) -> Option<Vec<Shown>> {
        let fields = "versions { revision text attachments { file { url } } }";
        let found = self.sees_message(message, fields)["versions"].clone();
        let text = |it: &Value| it.as_str().expect("a text").to_owned();
        let loads = |it: &Value| self.follows(&text(&it["file"]["url"]), &[]).body;
        let version = |it: &Value| {
            let files = it["attachments"].as_array().expect("a list").iter().map(loads);
            (text(&it["revision"]), text(&it["text"]), files.collect())
        };
        Some(found.as_array()?.iter().map(version).collect())
    }

    /// What somebody sees of the files of a message; null when they see none.
    pub fn attached(&self, message: &str) -> Value {
        let fields = "content { ... on Attachments { viewOnce opened \
            attachments { kind file { id name sizeBytes sha256 until url } } } }";
        let query = format!("query($id: ID!) {{ message(id: $id) {{ {fields} }} }}");
        let message = self.asks(&query, json!({ "id": message })).data()["message"].clone();
        message["content"].clone()
    }

    /// Links to the files of a message, as far as somebody is given any.
    pub fn attached_links(&self, message: &str) -> Vec<Option<String>> {
        let found = self.attached(message);
        let all = found["attachments"].as_array().into_iter().flatten();
        all.map(|it| it["file"]["url"].as_str().map(str::to_owned)).collect()
    }

    /// What somebody sees of what is in a file of their own.
    pub fn media(&self, file: &str) -> Value {
        let wanted = "state failure kind mediaType width height frames durationMs hasSound \
                       thumbhash pages entries encrypted syntax cut \
                      waveform tags { title artist album } \
                      variants { name mediaType width height sizeBytes url }";
        let query = format!("query($id: ID!) {{ file(id: $id) {{ media {{ {wanted} }} }} }}");
        self.asks(&query, json!({ "id": file })).data()["file"]["media"].clone()
    }

    /// The same once it was looked into.
    pub fn looked_into(&self, file: &str) -> Value {
        within(LOOKING_MAX, || {
            let media = self.media(file);
            if media["state"] == "PROCESSING" { Err(media.to_string()) } else { Ok(media) }
        })
    }

    /// What somebody's files take: bytes, files and uploads.
    pub fn storage(&self) -> (u64, u64, u64) {
        let query = "{ viewerStorage { usedBytes files uploads } }";
        let found = self.asks(query, json!({})).data()["viewerStorage"].clone();
        let long = |name: &str| crate::long(&found[name]);
        (long("usedBytes"), long("files"), long("uploads"))
    }

    /// A link to a file of one's own.
    pub fn link(&self, file: &str) -> String {
        self.file(file)["url"].as_str().expect("a link").to_owned()
    }

    /// Follows a link, as anybody may.
    pub fn follows(&self, link: &str, headers: &[(&str, &str)]) -> Reply {
        self.client.http.request("GET", link, headers, b"").expect("the server answers")
    }
}

impl World {
    /// How many blobs of a file are stored.
    pub fn blobs_of(&self, file: &str) -> usize {
        let name = in_blobs(file);
        self.blobs().iter().filter(|it| it.contains(&name)).count()
    }

    /// Time passes until nothing is stored of a file.
    pub fn passes_until_gone(&self, file: &str) {
        until("it is kept", || {
            self.passes(Duration::from_secs(2));
            self.blobs_of(file) == 0
        });
    }

    /// Time passes until a file is over for its owner, whatever is stored.
    pub fn passes_until_over(&self, owner: &Person, file: &str) {
        // Five minutes at most, so that their token lasts.
        let mut left = 200;
        within(3 * TOO_LONG, || {
            self.passes(Duration::from_millis(if left > 0 { 1_500 } else { 0 }));
            left = (left - 1).max(0);
            owner.offset(file).map_or(Ok(()), |_| Err("it is still there".to_owned()))
        });
    }

    /// Waits until so many blobs of a file are stored.
    pub fn waits_for_blobs(&self, file: &str, count: usize) {
        self.waits_for_blobs_of(&[file], count);
    }

    /// Waits until so many blobs of some files are stored together.
    pub fn waits_for_blobs_of(&self, files: &[impl AsRef<str>], count: usize) {
        within(TOO_LONG, || {
            let stored: usize = files.iter().map(|it| self.blobs_of(it.as_ref())).sum();
            if stored == count { Ok(()) } else { Err(format!("{stored} blobs")) }
        });
    }
}
