//! Privacy: what each sees of a person and may do with them, by every way to ask.

use serde_json::{Value, json};
use tests::files::{LOOKING_MAX, fixture, media_worker};
use tests::{Person, World, within};

/// How somebody stands to the person whose privacy it is, in the order of the tables.
const CLASSES: [&str; 6] = ["herself", "contact", "stranger", "blocked", "named", "member"];

const YES: bool = true;
const NO: bool = false;

/// Rules, and whom each class of people they admit.
fn table(named: &Person, group: &str) -> Vec<(Value, [bool; 6])> {
    let everyone = |allow: bool| json!({ "allow": allow, "who": "EVERYONE" });
    let contacts = json!({ "allow": true, "who": "CONTACTS" });
    let accounts =
        |allow: bool| json!({ "allow": allow, "who": "ACCOUNTS", "accountIds": [named.id] });
    let members =
        |allow: bool| json!({ "allow": allow, "who": "MEMBERS", "conversationId": group });
    // Herself, a contact, a stranger, somebody blocked, somebody named, a member.
    vec![
        (json!([everyone(true)]), [YES, YES, YES, NO, YES, YES]),
        (json!([]), [YES, NO, NO, NO, NO, NO]),
        (json!([contacts]), [YES, YES, NO, NO, NO, NO]),
        (json!([accounts(true), contacts]), [YES, YES, NO, NO, YES, NO]),
        (json!([members(true)]), [YES, NO, NO, NO, NO, YES]),
        (json!([accounts(false), everyone(true)]), [YES, YES, YES, NO, NO, YES]),
        (json!([members(false), everyone(true)]), [YES, YES, YES, NO, YES, NO]),
        (json!([everyone(false), accounts(true)]), [YES, NO, NO, NO, NO, NO]),
    ]
}

/// A person with everything to show, and those who look.
struct Cast {
    ann: Person,
    others: [Person; 5],
    /// Where all of them are.
    lobby: String,
    /// The group that rules name.
    group: String,
}

const MAIL: &str = "ann@example.org";
const PHONE: &str = "+4915112345678";

impl Cast {
    fn assemble(world: &World) -> Self {
        let ann = world.person("ann");
        let others = world.people(["carl", "sam", "bob", "nora", "mia"]);
        let [carl, sam, bob, nora, mia] = &others;
        let lobby = ann.creates_group("Lobby", &[carl, sam, bob, nora, mia]);
        let group = ann.creates_group("Friends", &[mia]);
        ann.does("updateProfile", json!({ "bio": "hello" }), "account { id }");
        world.proves(&ann, "email", MAIL);
        world.proves(&ann, "phone", PHONE);
        ann.does("addContact", json!({ "accountId": carl.id }), "");
        ann.does("blockAccount", json!({ "accountId": bob.id }), "");
        tells_whether_she_is_about(&ann, true);
        ann.sends(&lobby, "hello");
        Self { ann, others, lobby, group }
    }

    /// Ann has a picture that is to be seen.
    fn shows_a_picture(&self) {
        let file = self.ann.uploads("cat.png", "image/png", &fixture("base.png"));
        self.ann.does("setPicture", json!({ "fileId": file }), "position");
        within(LOOKING_MAX, || {
            let seen = gets(self, &self.ann, "PHOTO");
            seen.then_some(()).ok_or_else(|| "nothing is to be seen".to_owned())
        });
    }

    fn viewers(&self) -> [&Person; 6] {
        let [carl, sam, bob, nora, mia] = &self.others;
        [&self.ann, carl, sam, bob, nora, mia]
    }

    fn sets(&self, setting: &str, rules: &Value) {
        let input = json!({ "setting": setting, "rules": rules });
        self.ann.does("setPrivacy", input, "privacy { settings { setting } }");
    }
}

fn tells_whether_she_is_about(ann: &Person, online: bool) {
    let query = "mutation($it: Boolean!) { setPresence(input: { online: $it }) { ok } }";
    ann.asks(query, json!({ "it": online })).data();
}

/// Whether somebody gets what a setting is about, asking for it.
fn gets(cast: &Cast, viewer: &Person, setting: &str) -> bool {
    let id = json!({ "id": cast.ann.id });
    let of_account = |field: &str| {
        let query = format!("query($id: ID!) {{ account(id: $id) {{ {field} }} }}");
        let name = field.split(' ').next().expect("a name");
        !viewer.asks(&query, id.clone()).data()["account"][name].is_null()
    };
    let found = |field: &str, value: &str| {
        let query = format!("{{ account({field}: \"{value}\") {{ id }} }}");
        !viewer.asks(&query, json!({})).data()["account"].is_null()
    };
    match setting {
        "BIO" => of_account("bio"),
        "PHOTO" => of_account("picture { thumbhash }"),
        "EMAIL" => of_account("email"),
        "PHONE" => of_account("phone"),
        "FIND_BY_EMAIL" => found("email", MAIL),
        "FIND_BY_PHONE" => found("phone", PHONE),
        "LAST_SEEN" => {
            let query = "query($id: ID!) { presence(accountIds: [$id]) { online lastSeenAt } }";
            let seen = viewer.asks(query, id).data()["presence"][0].clone();
            assert_eq!(seen["online"] == true, seen["lastSeenAt"].is_string());
            seen["online"] == true
        }
        "READ_RECEIPTS" => {
            let receipts = "receipts { account { id } }";
            let receipts = viewer.sees(&cast.lobby, receipts)["receipts"].clone();
            let all = receipts.as_array().expect("receipts").iter();
            all.filter(|it| it["account"]["id"] == json!(cast.ann.id)).count() == 1
        }
        "FORWARDS" => {
            let saved = viewer.opens_direct(viewer);
            let page = "messages(first: 1) { nodes { id } }";
            let messages = viewer.sees(&cast.lobby, page)["messages"]["nodes"].clone();
            let input = json!({ "conversationId": saved, "messageIds": [messages[0]["id"]] });
            let wanted = "messages { forwarded { account { id } } }";
            let arrived = viewer.does("forwardMessages", input, wanted)["messages"][0].clone();
            arrived["forwarded"]["account"]["id"] == json!(cast.ann.id)
        }
        _ => viewer.adds(&viewer.creates_group("New", &[]), &[&cast.ann])["failed"] == json!([]),
    }
}

/// Whether a person is let in who wants to write to somebody for the first time.
fn opens(ann: &Person, viewer: &Person) -> bool {
    let input = json!({ "accountId": ann.id });
    let answer = viewer.tries("openDirect", input, "conversation { id }");
    assert!(matches!(answer.failure(), None | Some("CONVERSATIONS_REFUSED")), "{answer:?}");
    answer.failure().is_none()
}

#[test]
fn whoever_asks_gets_what_the_rules_allow_them() {
    let world = World::with(|it| {
        it.media = true;
        it.media_worker = Some(media_worker());
    });
    let cast = Cast::assemble(&world);
    cast.shows_a_picture();
    let settings = [
        "BIO",
        "PHOTO",
        "EMAIL",
        "PHONE",
        "FIND_BY_EMAIL",
        "FIND_BY_PHONE",
        "LAST_SEEN",
        "GROUP_INVITES",
        "READ_RECEIPTS",
        "FORWARDS",
    ];
    let mut asked = 0;
    for setting in settings {
        for (rules, expected) in table(&cast.others[3], &cast.group) {
            cast.sets(setting, &rules);
            for ((viewer, class), expected) in cast.viewers().iter().zip(CLASSES).zip(expected) {
                // Nobody adds herself, and nobody is another to herself.
                let of_others = ["GROUP_INVITES", "READ_RECEIPTS"].contains(&setting);
                if !of_others || class != "herself" {
                    let found = gets(&cast, viewer, setting);
                    assert_eq!(found, expected, "{setting} {rules} asked by {class}");
                    asked += 1;
                }
            }
        }
    }
    assert_eq!(asked, 10 * 8 * 6 - 2 * 8);
}

#[test]
fn whoever_wants_to_write_for_the_first_time_is_let_in_as_the_rules_allow() {
    let world = World::new();
    for nth in 0..8 {
        // A conversation that has been opened stays open: each row has people of its own.
        let names = ["ann", "carl", "sam", "bob", "nora", "mia"].map(|it| format!("{it}{nth}"));
        let [ann, carl, sam, bob, nora, mia] = world.people(names.each_ref().map(|it| &**it));
        let group = ann.creates_group("Friends", &[&mia]);
        ann.does("addContact", json!({ "accountId": carl.id }), "");
        ann.does("blockAccount", json!({ "accountId": bob.id }), "");
        let (rules, expected) = table(&nora, &group).swap_remove(nth);
        let input = json!({ "setting": "DIRECT_MESSAGES", "rules": rules });
        ann.does("setPrivacy", input, "");
        let found = [&ann, &carl, &sam, &bob, &nora, &mia].map(|it| opens(&ann, it));
        assert_eq!(found, expected, "{rules}");
    }
}

const SELECTION: &str = "eventName seq change { __typename \
    ... on Message { text sender { username bio email phone } } \
    ... on Presence { account { username } online lastSeenAt } }";

/// A feed with a selection of its own.
struct Looking(tests::Socket);

impl Looking {
    fn start(viewer: &Person) -> Self {
        Self(viewer.hears(SELECTION))
    }

    /// Everything up to a message with this text, and presence where that is to be heard: it goes
    /// by another way and may come after.
    fn until(&mut self, text: &str, presence: bool) -> Vec<Value> {
        let mut heard = Vec::new();
        loop {
            let payload = self.0.expect_for("own", "next")["payload"].clone();
            assert!(payload.get("errors").is_none(), "{payload}");
            let frame = payload["data"]["updates"].clone();
            heard.push(frame);
            let has = |what: &dyn Fn(&Value) -> bool| heard.iter().any(what);
            let told = has(&|it| it["eventName"] == "Presence");
            if has(&|it| it["change"]["text"] == text) && (told || !presence) {
                return heard;
            }
        }
    }
}

#[test]
fn frames_show_what_the_rules_allow_their_viewer() {
    let world = World::new();
    let cast = Cast::assemble(&world);
    let mut looking = cast.viewers().map(Looking::start);
    // What passes is not caught up on: whoever hears the second follows.
    for text in ["one", "two"] {
        cast.ann.sends(&cast.lobby, text);
        looking.iter_mut().for_each(|it| drop(it.until(text, false)));
    }
    for (nth, (rules, expected)) in table(&cast.others[3], &cast.group).into_iter().enumerate() {
        for setting in ["BIO", "EMAIL", "PHONE", "LAST_SEEN"] {
            cast.sets(setting, &rules);
        }
        tells_whether_she_is_about(&cast.ann, nth % 2 == 1);
        let text = format!("row {nth}");
        cast.ann.sends(&cast.lobby, &text);
        for ((it, class), expected) in looking.iter_mut().zip(CLASSES).zip(expected) {
            // One's own presence is told to others only.
            let presence = expected && class != "herself";
            let heard = it.until(&text, presence);
            let message = heard.iter().find(|it| it["change"]["text"] == text);
            let sender = &message.expect("a message")["change"]["sender"];
            let why = format!("{rules} seen by {class}: {heard:?}");
            for (field, value) in [("bio", "hello"), ("email", MAIL), ("phone", PHONE)] {
                let value = if expected { json!(value) } else { Value::Null };
                assert_eq!(sender[field], value, "{field} {why}");
            }
            assert_eq!(sender["username"], "ann", "{why}");
            let told = heard.iter().any(|it| it["eventName"] == "Presence");
            assert_eq!(told, presence, "{why}");
        }
    }
}

#[test]
fn whoever_hides_when_they_were_about_does_not_see_it_of_others() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    tells_whether_she_is_about(&ann, true);
    tells_whether_she_is_about(&bob, true);
    let seen = |viewer: &Person, other: &Person| {
        let query = "query($id: ID!) { presence(accountIds: [$id]) \
                     { online lastSeenAt lastSeen } }";
        viewer.asks(query, json!({ "id": other.id })).data()["presence"][0].clone()
    };
    assert!(seen(&bob, &ann)["lastSeenAt"].is_string());
    bob.does("setPrivacy", json!({ "setting": "LAST_SEEN", "rules": [] }), "");
    let coarse = json!({ "online": false, "lastSeenAt": null, "lastSeen": "RECENTLY" });
    assert_eq!((seen(&bob, &ann), seen(&ann, &bob)), (coarse.clone(), coarse));
    world.passes(std::time::Duration::from_secs(8 * 24 * 3_600));
    let [ann, bob] = [ann.on_another_device(), bob.on_another_device()];
    assert_eq!(seen(&bob, &ann)["lastSeen"], "WITHIN_MONTH");
    ann.does("blockAccount", json!({ "accountId": bob.id }), "");
    let nothing = json!({ "online": false, "lastSeenAt": null, "lastSeen": null });
    assert_eq!(seen(&bob, &ann), nothing);
}

#[test]
fn what_is_set_is_read_back_and_told_to_other_devices() {
    let world = World::new();
    let ann = world.person("ann");
    let mut other = ann.on_another_device().subscribes();
    let rules = json!([{ "allow": true, "who": "CONTACTS" }]);
    let input = json!({ "setting": "BIO", "rules": rules });
    ann.does("setPrivacy", input, "");
    assert_eq!(other.next().event(), "PrivacySet");
    let asked =
        "{ privacy { settings { setting rules { allow who accountIds conversationId } } } }";
    let settings = ann.asks(asked, json!({})).data()["privacy"]["settings"].clone();
    let all = settings.as_array().expect("settings");
    assert_eq!(all.len(), 11);
    let bio = all.iter().find(|it| it["setting"] == "BIO").expect("the bio");
    let rule =
        json!([{ "allow": true, "who": "CONTACTS", "accountIds": [], "conversationId": null }]);
    assert_eq!(bio["rules"], rule);
}

/// A conversation that somebody is no member of is one that does not exist.
#[test]
fn nobody_names_a_conversation_that_they_are_no_member_of() {
    let world = World::new();
    let [ann, eve] = world.people(["ann", "eve"]);
    let group = ann.creates_group("Private", &[]);
    let rule = json!([{ "allow": true, "who": "MEMBERS", "conversationId": group }]);
    let input = json!({ "setting": "BIO", "rules": rule });
    assert_eq!(eve.tries("setPrivacy", input, "").code(), "NOT_FOUND");
}
