//! How long texts may be, how many people and when a client id is good.

use serde_json::{Value, json};
use tests::{Person, World, fresh_id, id_at};

fn registers(world: &World, change: impl FnOnce(&mut Value)) -> tests::Answer {
    let mut input = json!({
        "clientId": fresh_id(), "username": "somebody", "displayName": "Somebody",
        "password": "correct horse", "device": "",
    });
    change(&mut input);
    world.client.change(None, "register", input, "account { id username displayName }")
}

#[test]
fn a_username_has_3_to_32_letters_digits_or_underscores() {
    let world = World::new();
    let long = format!("a{}", "_9".repeat(15)) + "z";
    assert_eq!(long.len(), 32);
    for name in ["abc", &long] {
        let made = registers(&world, |it| it["username"] = json!(name));
        assert_eq!(made.data()["register"]["account"]["username"], name);
    }
    let over = format!("{long}z");
    for name in ["", "ab", &over, "9abc", "_abc", "a b c", "a-b-c", "ábc", "abc\n", "аbс"] {
        let refused = registers(&world, |it| it["username"] = json!(name));
        assert_eq!(refused.code(), "ACCOUNTS_USERNAME_INVALID", "{name:?}");
    }
}

#[test]
fn a_display_name_has_1_to_64_characters() {
    let world = World::new();
    let ann = world.person("ann");
    let tries = |name: &str| ann.tries("updateProfile", json!({ "displayName": name }), "position");
    for name in ["A", &"😀".repeat(64), "  trimmed  "] {
        tries(name).data();
    }
    for name in ["", "   ", &"a".repeat(65), &"😀".repeat(65), "a\u{7}b", "a\nb"] {
        assert_eq!(tries(name).code(), "ACCOUNTS_DISPLAY_NAME_INVALID", "{name:?}");
        let refused = registers(&world, |it| it["displayName"] = json!(name));
        assert_eq!(refused.code(), "ACCOUNTS_DISPLAY_NAME_INVALID", "{name:?}");
    }
}

#[test]
fn a_bio_has_at_most_140_characters() {
    let world = World::new();
    let ann = world.person("ann");
    let tries = |bio: &str| ann.tries("updateProfile", json!({ "bio": bio }), "account { bio }");
    for bio in ["", "two\nlines", &"😀".repeat(140)] {
        assert_eq!(tries(bio).data()["updateProfile"]["account"]["bio"], bio);
    }
    for bio in ["a\u{0}b", &"😀".repeat(141)] {
        assert_eq!(tries(bio).code(), "ACCOUNTS_BIO_INVALID");
    }
}

#[test]
fn a_password_has_8_to_128_characters() {
    let world = World::new();
    let long: String = "four random words 😀 ".chars().cycle().take(128).collect();
    for (at, password) in ["xK7#qP2v", &long].into_iter().enumerate() {
        let name = format!("somebody{at}");
        let made = Person::registers(&world.client, &fresh_id(), &name, password);
        made.data();
        Person::signs_in(&world.client, &name, password).data();
    }
    for password in ["", "7letter", &"a".repeat(129)] {
        let refused = Person::registers(&world.client, &fresh_id(), "nobody", password);
        assert_eq!(refused.code(), "ACCOUNTS_PASSWORD_INVALID", "{password:?}");
    }
    Person::registers(&world.client, &fresh_id(), "nobody", "correct horse").data();
}

#[test]
fn a_device_name_has_at_most_64_characters_and_a_refused_one_registers_nobody() {
    let world = World::new();
    let long = "😀".repeat(64);
    let refused = registers(&world, |it| it["device"] = json!(format!("{long}a")));
    assert_eq!(refused.code(), "SESSIONS_DEVICE_INVALID");
    registers(&world, |it| it["device"] = json!(long)).data();
    let signs_in = |device: &str| {
        let input =
            json!({ "username": "somebody", "password": "correct horse", "device": device });
        world.client.change(None, "signIn", input, "accessToken")
    };
    signs_in(&long).data();
    assert_eq!(signs_in(&format!("{long}a")).code(), "SESSIONS_DEVICE_INVALID");
}

#[test]
fn a_title_has_1_to_128_characters() {
    let world = World::new();
    let ann = world.person("ann");
    let creates = |title: &str| ann.tries("createGroup", json!({ "title": title }), "position");
    let group = ann.creates_group("Lunch", &[]);
    let renames = |title: &str| {
        let input = json!({ "conversationId": group, "title": title });
        ann.tries("renameGroup", input, "position")
    };
    for title in ["A", &"😀".repeat(128)] {
        creates(title).data();
        renames(title).data();
    }
    for title in ["", " ", &"a".repeat(129), "a\tb"] {
        assert_eq!(creates(title).code(), "CONVERSATIONS_TITLE_INVALID", "{title:?}");
        assert_eq!(renames(title).code(), "CONVERSATIONS_TITLE_INVALID", "{title:?}");
    }
}

#[test]
fn a_message_has_1_to_16384_bytes() {
    let world = World::new();
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let tries = |text: &str| ann.tries_to_send(&saved, &fresh_id(), text);
    let most = "é".repeat(8_192);
    let first = ann.sends(&saved, &most);
    assert_eq!(ann.sees_message(&first.id, "text")["text"], json!(most));
    let edit = json!({ "messageId": first.id, "text": format!("{most}a") });
    assert_eq!(ann.tries("editMessage", edit, "position").code(), "MESSAGES_TOO_LONG");
    assert_eq!(tries(&format!("{most}a")).code(), "MESSAGES_TOO_LONG");
    for text in ["", "  \n ", "<u></u>", "&#32;", "> ", "# "] {
        let answer = tries(text);
        let Some(code) = answer.failure() else {
            let last = ann.sees(&saved, "lastMessage { text }")["lastMessage"]["text"].clone();
            let last = last.as_str().expect("a message has text");
            assert!(last != most && !last.trim().is_empty(), "{text:?} was sent as nothing");
            continue;
        };
        assert_eq!(code, "MESSAGES_EMPTY", "{text:?}");
    }
    for text in ["a\u{0}", "a\u{1b}[31m", "a\r\nb", "\u{85}"] {
        assert_eq!(tries(text).code(), "MESSAGES_TEXT_INVALID", "{text:?}");
    }
}

#[test]
fn the_densest_formatting_of_the_longest_text_is_sent() {
    let world = World::new();
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let long = |it: &str| it.repeat(16_384 / it.len());
    let texts = [
        "**a** ",
        "*a*`b`",
        "[a](tel:1) ",
        "||a|| ",
        "> ",
        "* ",
        "*_",
        "[[",
        "@ann ",
        "```\n",
        "<u>",
        "http://a ",
        "&amp;",
        "1. a\n",
        "\\*",
    ];
    for text in texts {
        let answer = ann.tries_to_send(&saved, &fresh_id(), &long(text));
        assert!(
            [None, Some("MESSAGES_EMPTY")].contains(&answer.failure()),
            "{text:?}: {}",
            answer.0
        );
    }
    let sent = ann.sends(&saved, &long("**a** "));
    let entities = ann.sees_message(&sent.id, "entities { kind }")["entities"].clone();
    assert_eq!(entities.as_array().map(Vec::len), Some(1_000));
}

#[test]
fn a_message_mentions_at_most_50_names() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let others = |count: usize| (0..count).map(|it| format!("@nobody{it} ")).collect::<String>();
    ann.sends(&group, &(others(49) + "@bob"));
    assert_eq!(bob.sees(&group, "mentionCount")["mentionCount"], 1);
    ann.sends(&group, &(others(50) + "@bob"));
    assert_eq!(bob.sees(&group, "mentionCount")["mentionCount"], 1);
    // Everyone is no name that is looked for.
    ann.sends(&group, &(others(50) + "@everyone @bob"));
    assert_eq!(bob.sees(&group, "mentionCount")["mentionCount"], 2);
    ann.sends(&group, &("@everyone ".to_owned() + &others(49) + "@bob"));
    assert_eq!(bob.sees(&group, "mentionCount")["mentionCount"], 3);
}

#[test]
fn at_most_500_are_added_at_once() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let nobody = |at: usize| format!("acc_{at:026}");
    let ids = |count: usize| (0..count).map(nobody).collect::<Vec<_>>();
    let adds = |ids: &[String]| {
        let input = json!({ "conversationId": group, "accountIds": ids });
        ann.tries("addMembers", input, "added failed { code }")
    };
    let added = adds(&ids(500));
    assert_eq!(added.data()["addMembers"]["failed"].as_array().map(Vec::len), Some(500));
    assert_eq!(adds(&ids(501)).code(), "MEMBERS_TOO_MANY_AT_ONCE");
    assert_eq!(adds(&[]).code(), "MEMBERS_TOO_MANY_AT_ONCE");
    let creates = |ids: Vec<String>| {
        let input = json!({ "title": "Lunch", "memberIds": ids });
        ann.tries("createGroup", input, "conversation { memberCount }")
    };
    let made = creates(vec![bob.id.clone(); 500]);
    assert_eq!(made.data()["createGroup"]["conversation"]["memberCount"], 2);
    assert_eq!(creates(vec![bob.id.clone(); 501]).code(), "CONVERSATIONS_TOO_MANY_FOUNDERS");
    assert_eq!(creates(ids(1)).code(), "CONVERSATIONS_ACCOUNT_NOT_FOUND");
}

#[test]
fn a_client_id_is_a_uuid_of_version_7_at_most_5_minutes_ahead() {
    let world = World::new();
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let now = world.now_ms();
    for good in [id_at(now + 299_000), id_at(now), id_at(1), fresh_id().to_uppercase()] {
        ann.tries_to_send(&saved, &good, "hello").data();
    }
    let version_4 = "c0ffee00-0000-4000-8000-000000000000";
    let max = "ffffffff-ffff-7fff-bfff-ffffffffffff";
    for bad in
        [id_at(now + 330_000).as_str(), version_4, max, "", "1", "msg_00000000000000000000000000"]
    {
        assert_eq!(ann.tries_to_send(&saved, bad, "hello").code(), "INVALID", "{bad}");
        let registered = Person::registers(&world.client, bad, "bob", "correct horse");
        assert_eq!(registered.code(), "INVALID", "{bad}");
    }
    assert_eq!(ann.all_messages(&saved).len(), 4);
}

#[test]
fn a_claimed_time_lies_in_the_past() {
    let world = World::new();
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let tries = |at: &str| {
        let input = json!({ "conversationId": saved, "text": "hello", "sentAt": at });
        ann.tries("sendMessage", input, "message { sentAt }")
    };
    let past = tries("1999-12-31T23:59:59Z");
    assert_eq!(past.data()["sendMessage"]["message"]["sentAt"], "1999-12-31T23:59:59Z");
    assert_eq!(tries("2999-01-01T00:00:00Z").code(), "MESSAGES_SENT_AT_INVALID");
    for bad in ["yesterday", "", "1969-12-31T23:59:59Z", "12024-01-01T00:00:00Z"] {
        assert_eq!(tries(bad).code(), "INVALID", "{bad}");
    }
}

#[test]
fn a_group_allows_100_emoji_and_a_reaction_is_one() {
    let world = World::new();
    let ([ann], group) = world.group("Lunch", ["ann"]);
    let message = ann.sends(&group, "hello").id;
    let limits = |count: usize| {
        let emoji = ('\u{1f600}'..='\u{1f64f}').chain('\u{1f680}'..).take(count);
        let allowed: Vec<String> = emoji.map(String::from).collect();
        ann.tries("limitReactions", json!({ "conversationId": group, "allowed": allowed }), "")
    };
    limits(100).data();
    assert_eq!(limits(101).code(), "REACTIONS_TOO_MANY_ALLOWED");
    ann.tries("limitReactions", json!({ "conversationId": group }), "").data();
    let reacts = |emoji: &str| {
        let input = json!({ "messageId": message, "emoji": emoji });
        ann.tries("addReaction", input, "message { reactions { emoji } }")
    };
    // The longest that there is: 35 bytes, 10 characters.
    let longest = "👩🏻‍❤️‍💋‍👩🏻";
    assert_eq!(longest.len(), 35);
    let given = reacts(longest);
    assert_eq!(given.data()["addReaction"]["message"]["reactions"], json!([{ "emoji": longest }]));
    for longer in [&format!("{longest}\u{fe0e}"), &longest.repeat(2), &longest.repeat(1_000)] {
        assert_eq!(reacts(longer).code(), "REACTIONS_EMOJI_INVALID");
    }
}

#[test]
fn a_policy_of_edits_ends_within_a_year_or_never() {
    let world = World::new();
    let ([ann], group) = world.group("Lunch", ["ann"]);
    let tries = |minutes: Value| {
        let input = json!({ "conversationId": group, "minutes": minutes, "historyVisible": true });
        ann.tries("setEditPolicy", input, "position")
    };
    for allowed in [json!(0), json!(1), json!(525_600), json!(null)] {
        tries(allowed).data();
    }
    assert_eq!(tries(json!(525_601)).code(), "EDIT_POLICY_TOO_LONG");
    assert_eq!(tries(json!(-1)).code(), "INVALID");
}
