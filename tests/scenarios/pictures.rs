//! Pictures: what people and groups show of themselves, to whom, and by which links.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tests::files::{LOOKING_MAX, fixture, media_worker};
use tests::{Answer, Person, World, until, within};

fn looking() -> World {
    World::with(|it| {
        it.media = true;
        it.media_worker = Some(media_worker());
    })
}

const FIELDS: &str = "picture { thumbhash sizes { width height mediaType url } }";

/// The picture of a person as another sees it.
fn of(viewer: &Person, person: &Person) -> Value {
    let query = format!("query($id: ID!) {{ account(id: $id) {{ {FIELDS} }} }}");
    viewer.asks(&query, json!({ "id": person.id })).data()["account"]["picture"].clone()
}

/// The picture of a group as somebody sees it.
fn of_group(viewer: &Person, group: &str) -> Value {
    viewer.sees(group, FIELDS)["picture"].clone()
}

/// What is seen, once something is.
fn waits(look: impl Fn() -> Value) -> Value {
    within(LOOKING_MAX, || {
        let seen = look();
        if seen.is_null() { Err("nothing is to be seen".to_owned()) } else { Ok(seen) }
    })
}

fn sets(person: &Person, file: &str) -> Answer {
    person.tries("setPicture", json!({ "fileId": file }), "account { id }")
}

fn sets_of(person: &Person, group: &str, file: &str) -> Answer {
    let input = json!({ "conversationId": group, "fileId": file });
    person.tries("setConversationPicture", input, "conversation { id }")
}

fn links(picture: &Value) -> Vec<String> {
    let sizes = picture["sizes"].as_array().expect("sizes").iter();
    sizes.map(|it| it["url"].as_str().expect("a link").to_owned()).collect()
}

fn status(person: &Person, link: &str) -> u16 {
    person.follows(link, &[]).status
}

/// Waits until a link leads nowhere any more: documents tell a moment later.
fn ends(person: &Person, link: &str) {
    until("it is still seen", || status(person, link) == 404);
}

fn by_ffmpeg(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error"]).args(arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg is needed for this test");
    let mut pipe = child.stdin.take().expect("its input is piped");
    pipe.write_all(input).expect("it reads");
    drop(pipe);
    let ended = child.wait_with_output().expect("it ends");
    assert!(ended.status.success());
    ended.stdout
}

/// A wide picture of a colour, with another at both sides of the square in its middle.
fn framed(middle: &str) -> Vec<u8> {
    let filter = format!("drawbox=x=300:y=0:w=900:h=900:color={middle}:t=fill");
    let made = ["-f", "lavfi", "-i", "color=blue:s=1500x900", "-vf", &filter, "-frames:v", "1"];
    by_ffmpeg(&[&made[..], &["-f", "image2pipe", "-c:v", "png", "-"]].concat(), b"")
}

/// Its pixels, each of three bytes.
fn pixels(picture: &[u8]) -> Vec<[u8; 3]> {
    let raw = ["-i", "-", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"];
    by_ffmpeg(&raw, picture).chunks_exact(3).map(|it| [it[0], it[1], it[2]]).collect()
}

#[test]
fn a_person_shows_a_square_in_some_sizes_until_another_takes_its_place() {
    let world = looking();
    let [ann, bob] = world.people(["ann", "bob"]);
    assert_eq!(of(&bob, &ann), Value::Null);
    let selection = "eventName change { ... on Account { picture { thumbhash } } }";
    let mut phone = ann.on_another_device().hears(selection);
    let red = ann.uploads("red.png", "image/png", &framed("red"));
    sets(&ann, &red).data();
    let seen = waits(|| of(&bob, &ann));
    // Her own devices hear of it, at the latest once it is to be seen.
    let mut heard = Value::Null;
    while heard["change"]["picture"] != json!({ "thumbhash": seen["thumbhash"] }) {
        heard = phone.expect_for("own", "next")["payload"]["data"]["updates"].clone();
    }
    assert!(heard["eventName"].as_str().expect("a name").starts_with("Picture"), "{heard}");
    assert!(seen["thumbhash"].as_str().is_some_and(|it| it.len() > 8));
    let sizes: Vec<_> = seen["sizes"].as_array().expect("sizes").clone();
    let told = |it: &Value| (it["width"].clone(), it["height"].clone());
    let sides = [96, 96, 320, 320, 800, 800].map(|it| (json!(it), json!(it)));
    assert_eq!(sizes.iter().map(told).collect::<Vec<_>>(), sides);
    for it in &sizes {
        let loaded = bob.follows(it["url"].as_str().expect("a link"), &[]);
        assert_eq!(loaded.header("content-type"), it["mediaType"].as_str());
        let cached = loaded.header("cache-control").expect("it is said");
        assert!(cached.starts_with("private, max-age=50"), "{cached}");
        let found = pixels(&loaded.body);
        let side = it["width"].as_u64().expect("a width") as usize;
        assert_eq!(found.len(), side * side);
        assert!(found.iter().all(|[red, green, blue]| *red > 230 && *green < 25 && *blue < 25));
    }
    let kinds: Vec<_> = sizes.iter().filter(|it| it["mediaType"] == "image/webp").collect();
    assert_eq!(kinds.len(), 3);
    // Clients keep what they have loaded by its address.
    assert_eq!(links(&of(&bob, &ann)), links(&seen));
    let photo = ann.uploads("private.jpg", "image/jpeg", &fixture("private.jpg"));
    assert!(ann.looked_into(&photo)["width"].is_number());
    sets(&ann, &photo).data();
    links(&seen).iter().for_each(|it| ends(&bob, it));
    let seen = waits(|| of(&bob, &ann));
    for link in links(&seen) {
        let body = bob.follows(&link, &[]).body;
        for word in ["canary", "exif", "gps"] {
            let says = |it: &[u8]| it.eq_ignore_ascii_case(word.as_bytes());
            assert!(!body.windows(word.len()).any(says), "{word}");
        }
    }
    world.passes_until_gone(&red);
    assert!(world.blobs_of(&photo) > 0);
    ann.on_another_device().does("removePicture", json!({}), "account { picture { thumbhash } }");
    links(&seen).iter().for_each(|it| ends(&bob, it));
    assert_eq!(of(&bob.on_another_device(), &ann), Value::Null);
    world.passes_until_gone(&photo);
}

#[test]
fn a_group_shows_its_picture_to_its_members_who_hear_of_it() {
    let world = looking();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let eve = world.person("eve");
    let selection = "eventName seq change { ... on Conversation { picture { thumbhash \
        sizes { width url } } } }";
    let mut phone = bob.hears(selection);
    let red = ann.uploads("red.png", "image/png", &framed("red"));
    sets_of(&ann, &group, &red).data();
    let mut heard = || phone.expect_for("own", "next")["payload"]["data"]["updates"].clone();
    let first = heard();
    assert_eq!(first["eventName"], "PictureSet");
    // What was made before is told with it.
    let shown = match first["change"]["picture"].is_null() {
        true => heard(),
        false => first,
    };
    let shown = &shown["change"]["picture"];
    assert!(shown["thumbhash"].is_string(), "{shown}");
    // In a frame that all share nobody is given a link.
    assert_eq!(
        (&shown["sizes"][0]["width"], &shown["sizes"][0]["url"]),
        (&json!(96), &json!(null))
    );
    let seen = waits(|| of_group(&bob, &group));
    assert!(links(&seen).iter().all(|it| status(&bob, it) == 200));
    assert_eq!(eve.sees(&group, FIELDS), Value::Null);
    let his = bob.uploads("cat.png", "image/png", &fixture("base.png"));
    assert_eq!(sets_of(&bob, &group, &his).code(), "PICTURES_FORBIDDEN");
    let remove = json!({ "conversationId": group });
    let removes = |who: &Person| who.tries("removeConversationPicture", remove.clone(), "position");
    assert_eq!(removes(&bob).code(), "PICTURES_FORBIDDEN");
    assert_eq!(removes(&eve).code(), "NOT_FOUND");
    let hers = eve.uploads("cat.png", "image/png", &fixture("base.png"));
    assert_eq!(sets_of(&eve, &group, &hers).code(), "NOT_FOUND");
    let direct = ann.opens_direct(&bob);
    assert_eq!(sets_of(&ann, &direct, &red).code(), "PICTURES_NOT_A_GROUP");
    assert_eq!(of_group(&ann, &direct), Value::Null);
    // Who is removed sees it no more, by no link that they had.
    let kept = links(&of_group(&ann, &group));
    ann.removes(&group, &bob).data();
    links(&seen).iter().for_each(|it| ends(&bob, it));
    assert!(kept.iter().all(|it| status(&ann, it) == 200));
    removes(&ann).data();
    kept.iter().for_each(|it| ends(&ann, it));
    assert_eq!(of_group(&ann, &group), Value::Null);
    world.passes_until_gone(&red);
}

#[test]
fn who_may_see_a_picture_its_owner_says_and_links_obey() {
    let world = looking();
    let [ann, bob] = world.people(["ann", "bob"]);
    let file = ann.uploads("cat.png", "image/png", &fixture("base.png"));
    sets(&ann, &file).data();
    let seen = links(&waits(|| of(&bob, &ann)));
    let rules = |allow: bool| {
        let rules = json!([{ "allow": allow, "who": "EVERYONE" }]);
        ann.does("setPrivacy", json!({ "setting": "PHOTO", "rules": rules }), "position");
    };
    rules(false);
    seen.iter().for_each(|it| ends(&bob, it));
    assert_eq!((of(&bob, &ann), of(&ann, &ann)["sizes"].is_array()), (Value::Null, true));
    rules(true);
    assert_eq!(links(&waits(|| of(&bob, &ann))), seen);
    assert!(seen.iter().all(|it| status(&bob, it) == 200));
    ann.does("blockAccount", json!({ "accountId": bob.id }), "");
    seen.iter().for_each(|it| ends(&bob, it));
    assert_eq!(of(&bob, &ann), Value::Null);
}

#[test]
fn a_link_to_a_picture_is_for_one_size_one_session_and_some_hours() {
    let world = looking();
    let [ann, bob] = world.people(["ann", "bob"]);
    let group = ann.creates_group("Lunch", &[&bob]);
    let file = ann.uploads("cat.png", "image/png", &framed("red"));
    sets(&ann, &file).data();
    sets_of(&ann, &group, &file).data();
    let tablet = bob.on_another_device();
    let (own, of_it) = (waits(|| of(&tablet, &ann)), waits(|| of_group(&tablet, &group)));
    let (own, of_it) = (links(&own), links(&of_it));
    assert!(own.iter().chain(&of_it).all(|it| status(&tablet, it) == 200));
    let (small, link) = (own[0].as_str(), of_it[0].as_str());
    let whole = ann.link(&file);
    let name = small.split(['/', '?']).nth(3).expect("a name");
    let forged = [
        small.replace("avatar-96", "avatar-800"),
        small.replace("avatar-96", "96"),
        small.replace(&format!("/{name}?"), "?"),
        small.replace(&bob.id, &ann.id),
        small.replace(&format!("through={}", ann.id), &format!("through={}", bob.id)),
        small.replace(&format!("through={}", ann.id), &format!("through={group}")),
        small.replace(&format!("&through={}", ann.id), ""),
        link.replace(&format!("through={group}"), &format!("through={}", ann.id)),
        small.replace("until=", "until=1"),
        whole.replace('?', &format!("/{name}?")),
    ];
    for it in forged {
        assert!(it != small && it != link && it != whole, "{it}");
        assert_eq!(status(&tablet, &it), 404, "{it}");
    }
    let tag = tablet.follows(small, &[]).header("etag").expect("a tag").to_owned();
    assert_eq!(tablet.follows(small, &[("if-none-match", &tag)]).status, 304);
    world.passes(Duration::from_secs(3 * 3_600 - 60));
    assert_eq!((status(&tablet, small), status(&tablet, link)), (200, 200));
    let phone = bob.on_another_device();
    let later = links(&of(&phone, &ann));
    assert!(later.iter().all(|it| !own.contains(it) && status(&phone, it) == 200));
    phone.does("signOut", json!({}), "sessionId");
    later.iter().for_each(|it| ends(&phone, it));
    world.passes(Duration::from_secs(3 * 3_600 + 60));
    assert!(own.iter().chain(&of_it).all(|it| status(&tablet, it) == 404));
}

#[test]
fn only_images_of_ones_own_are_shown() {
    let world = looking();
    let [ann, eve] = world.people(["ann", "eve"]);
    let group = ann.creates_group("Lunch", &[&eve]);
    let hers = eve.uploads("cat.png", "image/png", &fixture("base.png"));
    assert_eq!(sets(&ann, &hers).code(), "PICTURES_FILE_NOT_FOUND");
    assert_eq!(sets_of(&ann, &group, &hers).code(), "PICTURES_FILE_NOT_FOUND");
    let begun = ann.begins("cat.png", "image/png", 10);
    assert_eq!(sets(&ann, &begun).code(), "PICTURES_FILE_NOT_FOUND");
    let cut = &fixture("private.jpg")[..700];
    let song = fixture("sound.mp3");
    for (name, bytes) in [("cat.png", &b"a text"[..]), ("cut.jpg", cut), ("song", &song)] {
        let file = ann.uploads(name, "image/png", bytes);
        ann.looked_into(&file);
        assert_eq!(sets(&ann, &file).code(), "PICTURES_NOT_A_PICTURE", "{name}");
        assert_eq!(sets_of(&ann, &group, &file).code(), "PICTURES_NOT_A_PICTURE", "{name}");
    }
    assert_eq!((of(&ann, &ann), of_group(&ann, &group)), (Value::Null, Value::Null));
    // What its owner discards is shown no more.
    let cat = ann.uploads("cat.png", "image/png", &fixture("base.png"));
    sets(&ann, &cat).data();
    let seen = waits(|| of(&eve, &ann));
    ann.does("terminateUpload", json!({ "fileId": cat }), "file { id }");
    links(&seen).iter().for_each(|it| ends(&eve, it));
    assert_eq!(of(&eve, &ann), Value::Null);
    world.waits_for_blobs(&cat, 0);
}

#[test]
fn what_nobody_has_looked_into_is_shown_once_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("worker");
    let mut world = World::with(|it| {
        it.media = true;
        it.media_worker = Some(program.clone());
    });
    let [ann, bob] = world.people(["ann", "bob"]);
    let text = bob.uploads("cat.png", "image/png", b"a text");
    let cat = ann.uploads("cat.png", "image/png", &fixture("base.png"));
    sets(&ann, &cat).data();
    sets(&bob, &text).data();
    assert_eq!(of(&bob, &ann), Value::Null);
    std::os::unix::fs::symlink(media_worker(), &program).expect("it is there now");
    world.restarts();
    let seen = waits(|| of(&bob, &ann));
    let sides: Vec<_> = seen["sizes"].as_array().expect("sizes").iter().collect();
    // It is never blown up: the square in the middle has 80 pixels.
    assert!(sides.iter().all(|it| it["width"] == 80 && it["height"] == 80), "{seen}");
    assert_eq!(sides.len(), 2);
    bob.looked_into(&text);
    assert_eq!(of(&ann, &bob), Value::Null);
}

#[test]
fn the_same_file_is_a_picture_and_in_a_message_and_whose_picture_is_not_told() {
    let world = looking();
    let [ann, bob] = world.people(["ann", "bob"]);
    let direct = ann.opens_direct(&bob);
    let photo = fixture("private.jpg");
    let [first, again] = [0, 1].map(|_| ann.uploads("cat.jpg", "image/jpeg", &photo));
    let message = ann.attaches(&direct, &[(&first, "PHOTO")], json!({}));
    // The second holds the contents of the first.
    sets(&ann, &again).data();
    let seen = waits(|| of(&bob, &ann));
    let media = "content { ... on Attachments { attachments { file { media { jobs { kind } \
        variants { name } } } } } }";
    let media = bob.sees_message(&message, media)["content"]["attachments"][0]["file"].clone();
    let names = media["media"]["variants"].as_array().expect("a list").clone();
    assert_eq!(names.len(), 4, "{media}");
    assert!(names.iter().all(|it| !it["name"].as_str().expect("a name").contains("avatar")));
    assert_eq!(media["media"]["jobs"], json!([{ "kind": "PREVIEWS" }]));
    let input = json!({ "messageId": message, "forEveryone": true });
    ann.does("deleteMessage", input, "position");
    world.passes_until_over(&ann, &first);
    // Its contents are there as long as the picture is.
    let ann = ann.on_another_device();
    assert!(links(&seen).iter().all(|it| status(&bob, it) == 200));
    ann.does("removePicture", json!({}), "position");
    world.passes_until_gone(&first);
    assert_eq!(world.blobs_of(&again), 0);
}
