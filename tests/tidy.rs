//! The rules of the house that a program can check.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Crates whose sources are looked at.
const CRATES: [&str; 9] = [
    "ports",
    "chat",
    "command-api",
    "projectors",
    "query-api",
    "server",
    "media-worker",
    "tests",
    "bench",
];

fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source is text");
                let name = path.strip_prefix(root()).expect("it lies in the repository");
                found.push((name.to_str().expect("text").to_owned(), text));
            }
        }
    }
    found.sort();
    found
}

fn all() -> Vec<(String, String)> {
    CRATES.iter().flat_map(|it| sources(it)).collect()
}

fn none(broken: Vec<String>, rule: &str) {
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut broken = Vec::new();
    for (name, text) in all() {
        if text.lines().count() > 400 {
            broken.push(format!("{name} has more than 400 lines"));
        }
        if !text.starts_with("//! ") {
            broken.push(format!("{name} does not begin with a sentence"));
        }
        let wide = text.lines().position(|it| it.chars().count() > 100);
        broken.extend(wide.map(|it| format!("{name}:{} is over 100 columns", it + 1)));
    }
    none(broken, "a file has at most 400 lines of 100 columns and begins with a sentence");
}

/// A room's six files, and the few others with their reasons.
const ROOM_FILES: [&str; 6] = ["mod", "events", "decide", "view", "graphql", "tests"];
const MORE_FILES: [(&str, &str); 114] = [
    ("audit/told", "what each event tells, too long to stand beside the document"),
    ("addresses/asked", "mail that anybody may ask for, in two rooms so that nobody is found out"),
    ("audit/groups", "what the events of groups tell, too long to stand beside the others"),
    ("messages/html", "how a message is written as HTML"),
    ("messages/objects", "what is shown, too long to stand beside the changes"),
    ("audit/export", "the same entries as lines, outside GraphQL"),
    ("applications/access", "what scopes there are and what each reaches"),
    ("applications/asked", "a request for authorization, looked at before anybody is asked"),
    ("applications/endpoints", "what applications ask us over HTTP"),
    ("applications/known", "which application asks, by what it can prove"),
    ("applications/told", "what applications are told of people and of us"),
    ("applications/objects", "what is shown, too long to stand beside the changes"),
    ("applications/registration", "registering, by staff or by itself"),
    ("applications/reply", "the errors of OAuth by name"),
    ("identities/ceremony", "going to a provider and coming back"),
    ("identities/holder", "a saga over two streams"),
    ("identities/id_token", "what providers sign, looked at"),
    ("passkeys/ceremony", "what devices sign, looked at"),
    ("sessions/second", "what is asked for beside a password, for every way to sign in"),
    ("sessions/confirm", "proving oneself once more, which sensitive changes of other rooms ask"),
    ("sessions/objects", "what is shown, too long to stand beside the changes"),
    ("accounts/password", "hashing is neither a rule nor a document"),
    ("accounts/names", "what a username may be and what it looks like"),
    ("accounts/rename", "a saga over three streams"),
    ("accounts/claims", "the commands of the saga's other stream"),
    ("accounts/register", "a saga over two streams"),
    ("chat_list/badge", "a function of many documents"),
    ("conversations/objects", "what is shown, too long to stand beside the changes"),
    ("conversations/chats", "the chat list, too long to stand beside the objects"),
    ("devices/codes", "what a device shows and comes back with"),
    ("factors/codes", "what a person types, looked at"),
    ("factors/held", "taking a proof once, in every way to sign in"),
    ("factors/shown", "how requests of other rooms show a second factor"),
    ("factors/sent", "codes that are sent: commands, too long to stand beside the others"),
    ("instance/admit", "who may register, asked by the saga of registering"),
    ("instance/objects", "what is shown, too long to stand beside the changes"),
    ("instance/suspend", "commands over accounts, too long to stand beside the others"),
    ("previews/link", "what is read when a page is looked up, which is no decision"),
    ("previews/page", "what pages say in HTML and oEmbed, which is neither a rule nor a document"),
    ("polls/end", "closing by itself, which nobody asks for"),
    ("removals/beside", "the law of what other rooms keep, too long to stand beside the others"),
    ("removals/end", "what happens when the time to restore is over, which nobody asks for"),
    ("removals/many", "commands over many messages, too long to stand beside the others"),
    ("attachments/end", "what becomes of the files of what is gone, which nobody asks for"),
    ("attachments/held", "the law of what versions hold, too long to stand beside the others"),
    ("attachments/once", "the law of what is opened once, too long to stand beside the others"),
    ("attachments/open", "what is opened once, too long to stand beside sending"),
    ("messages/mention", "whom messages name, too long to stand beside the messages"),
    ("messages/entity", "what a text is parsed to, too long to stand beside parsing"),
    ("pictures/end", "what is told and released, which nobody asks for"),
    ("stickers/end", "what becomes of a picture's file, which nobody asks for"),
    ("stickers/named", "how texts and reactions name custom emoji"),
    ("stickers/objects", "what is shown, too long to stand beside the changes"),
    ("stickers/packs", "commands over whole packs, too long to stand beside the others"),
    ("stickers/recount", "the law over random histories, too long to stand beside the others"),
    ("stickers/send", "what goes to a conversation, not to the maker's stream"),
    ("files/part_list", "the list of the parts that contents stay in"),
    ("files/listed", "the law of such contents"),
    ("files/read", "how contents and variants are opened, for links and for the worker"),
    ("files/contents", "how contents are sealed, which is neither a rule nor a document"),
    ("files/end", "ending by itself, which nobody asks for"),
    ("files/kept", "under which keys blobs lie, and what parts come to"),
    ("files/progress", "what passes while bytes come, which is neither a rule nor a document"),
    ("files/repeated", "the law of contents that come again, too long to stand beside the others"),
    ("files/link", "what is signed for whoever may see a file, and who it is good for"),
    ("attachments/storage", "what the files of a conversation take, which is counted and bounded"),
    ("attachments/replace", "a newer version of a file, too long to stand beside sending"),
    ("attachments/replaced", "the law of versions, too long to stand beside the others"),
    ("messages/editing", "what every edit goes through, in one place"),
    ("messages/versions", "what a message was before, too long to stand beside what it is"),
    ("attachments/ready", "that there is more of a file, which nobody asks for"),
    ("media/ask", "what is asked for and told beside doing jobs, over two streams"),
    ("media/asked", "the law of what is asked for, too long to stand beside that of jobs"),
    ("media/jobs", "what jobs there are, by names that a later version may add to"),
    ("media/played", "what was made as links lead to it, which reads and opens documents"),
    ("media/progress", "what passes while a job goes on, which is neither a rule nor a document"),
    ("media/said", "the law of what workers say, too long to stand beside that of jobs"),
    ("media/told", "what workers say, looked at, which is neither a rule nor a document"),
    ("expiry/read", "what is done when something was read, over two streams"),
    ("locations/end", "ending by itself, which nobody asks for"),
    ("schedule/fire", "what is done when a time has come, over two streams"),
    (
        "schedule/held",
        "the law of what scheduled messages hold, too long to stand beside the other",
    ),
    ("schedule/steps", "the commands by which the server does it"),
    ("sessions/tokens", "what is signed"),
    ("sessions/sign_in", "opening a session, for every way to prove oneself"),
    ("sessions/proof", "the one place where a token becomes a viewer"),
    ("messages/bare", "what is found in text without markup"),
    ("messages/format", "markdown to entities"),
    ("messages/pages", "pages of messages, too long to stand beside the objects"),
    ("messages/said", "what a text says and whom it mentions, for sending and editing"),
    ("messages/quote", "what an answer shows of another message, in one place"),
    ("messages/corpus", "what the markdown rules are tested on"),
    ("messages/gone", "counting what is gone by blocks"),
    ("messages/mentioned", "counting mentions, of one person and of everyone"),
    ("messages/content", "what messages hold that other rooms send"),
    ("messages/sending", "what every kind of message goes through, in one place"),
    ("threads/counted", "the law of counts, too long to stand beside the others"),
    ("threads/numbers", "counting what is in a thread by blocks"),
    ("threads/objects", "what is shown, too long to stand beside the changes"),
    ("threads/unread", "a function of several documents"),
    ("outbox/templates", "what messages say, and in which languages"),
    ("polls/asked", "the law of what can be asked, too long to stand beside the others"),
    ("polls/counted", "the law of ballots, too long to stand beside the others"),
    ("polls/objects", "what is shown, too long to stand beside the changes"),
    ("locations/live", "commands over time, too long to stand beside the others"),
    ("locations/objects", "what is shown and what passes, too long to stand beside the changes"),
    ("contact_cards/vcard", "the form that address books read"),
    ("presence/hearing", "who is shown whose presence, asked by queries and fan-out"),
    ("privacy/sight", "asking the rules of many people at once, for every reader"),
    ("reactions/counted", "the law of counts, too long to stand beside the others"),
    ("reactions/emoji", "what an emoji is, which is neither a rule nor a document"),
    ("receipts/others", "who is shown whose receipts, asked by queries and fan-out"),
    ("receipts/unread", "a function of several documents"),
    ("seen_reactions/unseen", "a function of several documents"),
];

fn rooms() -> Vec<String> {
    let table = std::fs::read_to_string(root().join("chat/src/lib.rs")).expect("the table");
    let rooms = table.lines().filter(|it| it.starts_with("    ") && it.ends_with(" {"));
    let rooms = rooms.map(|it| it.trim().trim_end_matches(" {").to_owned());
    rooms.filter(|it| it.chars().all(|it| it.is_ascii_lowercase() || it == '_')).collect()
}

#[test]
fn a_room_has_six_files() {
    let mut broken = Vec::new();
    for room in rooms() {
        for (name, _) in sources(&format!("chat/src/{room}")) {
            let file = name.rsplit('/').next().map(|it| it.trim_end_matches(".rs"));
            let file = file.expect("a path has a last part");
            let place = format!("{room}/{file}");
            if !ROOM_FILES.contains(&file) && !MORE_FILES.iter().any(|it| it.0 == place) {
                broken.push(name);
            }
        }
    }
    none(broken, "a file of a room has one of six names, or a reason in this test");
}

const BANNED: [&str; 11] = [
    "Manager",
    "Service",
    "Helper",
    "Handler",
    "Processor",
    "Util",
    "Common",
    "Impl",
    "Info",
    "Item",
    "Base",
];

#[test]
fn names_are_not_empty_words() {
    let mut broken = Vec::new();
    for (name, text) in all() {
        for line in text.lines().map(str::trim) {
            let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
            let keywords = ["struct ", "enum ", "trait ", "mod "];
            let Some(rest) = keywords.iter().find_map(|it| line.strip_prefix(it)) else {
                continue;
            };
            let word: String = rest.chars().take_while(|it| it.is_alphanumeric()).collect();
            if BANNED.iter().any(|it| word.ends_with(it) || word == it.to_lowercase()) {
                broken.push(format!("{name}: {word}"));
            }
        }
    }
    none(broken, "a name says what a thing is");
}

#[test]
fn rules_and_folds_can_not_wait() {
    let mut broken = Vec::new();
    for room in rooms() {
        for (name, text) in sources(&format!("chat/src/{room}")) {
            let sync = name.ends_with("/decide.rs")
                || name.ends_with("/events.rs")
                || name.ends_with("/view.rs");
            if sync && !room.starts_with("presence") && text.contains("async ") {
                broken.push(name);
            }
        }
    }
    none(broken, "deciding and folding is synchronous, so that it can reach nothing outside");
}

/// What only an adapter may name.
const ADAPTERS: [&str; 6] =
    ["rusqlite", "embedded::", "rdkafka", "mongodb::", "redis::", "reqwest"];

#[test]
fn nobody_outside_ports_names_an_adapter() {
    let outside = CRATES.iter().filter(|it| **it != "ports" && **it != "bench" && **it != "tests");
    let named = outside
        .flat_map(|it| sources(it))
        .filter(|(_, text)| ADAPTERS.iter().any(|it| text.contains(it)));
    none(named.map(|(name, _)| name).collect(), "adapters are chosen in `ports`");
}

/// What a role may know of rooms: ids, who may see an event, what is unread, who is asking, what
/// is exported, what is to be sent outside, how files are sealed, and what is made of them.
const KNOWN_TO_ROLES: [&str; 12] = [
    "accounts::AccountId",
    "applications::{self",
    "audit::export",
    "conversations::ConversationId",
    "files::",
    "media::",
    "members::Stint",
    "outbox::",
    "previews::",
    "receipts::Unread",
    "sessions::Tokens",
    "sessions::proof",
];

#[test]
fn roles_contain_no_feature() {
    let mut broken = Vec::new();
    for role in ["command-api", "projectors", "query-api"] {
        for (name, text) in sources(&format!("{role}/src")) {
            let product = text.split("#[cfg(test)]").next().unwrap_or_default();
            for room in rooms() {
                for (at, _) in product.match_indices(&format!("chat::{room}::")) {
                    let path = &product[at + "chat::".len()..];
                    if !KNOWN_TO_ROLES.iter().any(|it| path.starts_with(it)) {
                        let path = path.split(';').next().unwrap_or_default();
                        broken.push(format!("{name}: {path}"));
                    }
                }
            }
        }
    }
    none(broken, "a role is a loop without features");
}

#[test]
fn only_the_configuration_reads_the_environment() {
    let product = CRATES.iter().filter(|it| !["tests", "bench"].contains(it));
    let readers = product.flat_map(|it| sources(&format!("{it}/src"))).filter(|(name, text)| {
        name != "server/src/config.rs" && (text.contains("env::var") || text.contains("Env::"))
    });
    none(readers.map(|(name, _)| name).collect(), "the environment is read in one place");
}

#[test]
fn crates_depend_in_one_direction() {
    let line = ["ports", "chat", "command-api", "projectors", "query-api", "server", "tests"];
    let mut broken = Vec::new();
    for (at, name) in line.iter().enumerate() {
        let manifest = std::fs::read_to_string(root().join(name).join("Cargo.toml"));
        let manifest = manifest.expect("a crate has a manifest");
        let roles = ["command-api", "projectors", "query-api"];
        for later in &line[at + 1..] {
            if manifest.contains(&format!("\n{later}.workspace")) {
                broken.push(format!("{name} depends on {later}"));
            }
        }
        for other in roles.iter().filter(|it| roles.contains(name) && *it != name) {
            if manifest.contains(&format!("\n{other}.workspace")) {
                broken.push(format!("{name} depends on {other}"));
            }
        }
    }
    none(broken, "crates depend on those before them, and roles not on each other");
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let mut names: Vec<String> = std::fs::read_dir(root().join("docs/adr"))
        .expect("a folder")
        .map(|it| it.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    for (number, name) in (1..).zip(&names) {
        assert!(name.starts_with(&format!("{number:04}-")), "{name} is not number {number}");
    }
}

#[test]
fn the_architecture_fits_on_300_lines() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("it is there");
    assert!(text.lines().count() <= 300);
}

#[test]
fn what_is_left_to_do_has_a_number() {
    let mark = ["TO", "DO"].concat();
    let broken = all().into_iter().filter(|(_, text)| {
        text.match_indices(&mark).any(|(at, it)| !text[at + it.len()..].starts_with("(#"))
    });
    none(broken.map(|(name, _)| name).collect(), "what is left to do is an issue");
}
