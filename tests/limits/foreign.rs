//! Ids of others, in every place of the schema that takes an id: the answer is the one for an id
//! that does not exist. The places are read from the schema, so that a new one is tried by itself,
//! or fails here until it is said what kind of id it takes.

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, Type, TypeDefinition, TypeKind, TypeSystemDefinition,
};
use serde_json::{Map, Value, json};
use tests::bridge::{Bridge, text};
use tests::{Answer, Device, Person, World, fresh_id};

/// The definitions of the schema.
struct Schema(Vec<TypeDefinition>);

impl Schema {
    fn read() -> Self {
        let document = parse_schema(query_api::sdl()).expect("our own schema");
        let types = document.definitions.into_iter().filter_map(|it| match it {
            TypeSystemDefinition::Type(it) => Some(it.node),
            TypeSystemDefinition::Schema(_) | TypeSystemDefinition::Directive(_) => None,
        });
        Self(types.collect())
    }

    fn kind(&self, name: &str) -> Option<&TypeKind> {
        self.0.iter().find(|it| it.name.node == name).map(|it| &it.kind)
    }

    fn fields(&self, name: &str) -> Vec<Field> {
        let Some(TypeKind::Object(object)) = self.kind(name) else { panic!("{name} is no object") };
        let fields = object.fields.iter().map(|it| Field {
            name: it.node.name.node.to_string(),
            shows: named(&it.node.ty.node.base).to_owned(),
            takes: it
                .node
                .arguments
                .iter()
                .map(|it| (it.node.name.node.to_string(), it.node.ty.node.clone()))
                .collect(),
        });
        fields.collect()
    }

    fn inputs(&self, name: &str) -> Vec<(String, Type)> {
        let Some(TypeKind::InputObject(input)) = self.kind(name) else { return Vec::new() };
        let fields = input.fields.iter();
        fields.map(|it| (it.node.name.node.to_string(), it.node.ty.node.clone())).collect()
    }

    /// Something of a type that is not looked at before the id is.
    fn anything(&self, wanted: &Type) -> Value {
        if let BaseType::List(_) = wanted.base {
            return json!([]);
        }
        match (named(&wanted.base), self.kind(named(&wanted.base))) {
            (_, Some(TypeKind::Enum(it))) => json!(it.values[0].node.value.node.as_str()),
            ("Int", _) => json!(1),
            ("Boolean", _) => json!(true),
            ("Long", _) => json!("1"),
            ("DateTime", _) => json!("2030-01-01T00:00:00Z"),
            // A place on the null island, where numbers are all that is asked for.
            (_, Some(TypeKind::InputObject(_))) => {
                let inputs = self.inputs(named(&wanted.base)).into_iter();
                let needed = inputs.filter(|it| !it.1.nullable);
                needed.map(|it| (it.0, self.anything(&it.1))).collect::<Map<_, _>>().into()
            }
            ("Float", _) => json!(1.0),
            _ => json!("x"),
        }
    }
}

/// A field at the root of the schema.
struct Field {
    name: String,
    shows: String,
    takes: Vec<(String, Type)>,
}

fn named(base: &BaseType) -> &str {
    match base {
        BaseType::Named(it) => it.as_str(),
        BaseType::List(it) => named(&it.base),
    }
}

/// Ann's things, by the name of the place that takes their ids.
struct Things(Map<String, Value>);

impl Things {
    fn of(world: &World, owner: &Person, ann: &Person) -> Self {
        let group = ann.creates_group("Private", &[]);
        let message = ann.sends(&group, "a secret").id;
        let mut device = Device::at(&world.config.public_url);
        let begun =
            ann.asks("mutation { beginPasskeyRegistration { ceremony options } }", json!({}));
        let begun = &begun.data()["beginPasskeyRegistration"];
        let response = device.makes(begun["options"].as_str().expect("options"));
        let made = json!({ "name": "x", "ceremony": begun["ceremony"], "response": response });
        let passkey = ann.does("addPasskey", made, "passkey { id }");
        let sessions = ann.asks("{ sessions { id } }", json!({}));
        let proposed = json!({ "email": "ann@example.org" });
        let address = ann.does("proposeAddress", proposed, "addressId");
        let invited = owner.does("invitePeople", json!({ "uses": 1 }), "invitation { id }");
        let at = chat::kernel::Timestamp(world.now_ms() + 3_600_000).rfc3339();
        let scheduled = json!({ "conversationId": group, "text": "a secret", "at": at });
        let scheduled = ann.does("scheduleMessage", scheduled, "scheduled { id }");
        let file = ann.uploads("secret.txt", "text/plain", b"a secret");
        let pack = json!({ "kind": "EMOJI", "title": "a secret" });
        let pack = ann.does("createStickerPack", pack, "pack { id }");
        let application = Bridge::registered(world, owner, false).id;
        let things = [
            ("conversationId", group.clone()),
            ("conversationIds", group.clone()),
            ("Query.conversation.id", group),
            ("messageId", message.clone()),
            ("messageIds", message.clone()),
            ("replyTo", message.clone()),
            ("threadId", message.clone()),
            ("Query.message.id", message),
            ("fileId", file.clone()),
            ("newFileId", file.clone()),
            ("packId", text(&pack["pack"]["id"])),
            ("Query.file.id", file),
            ("scheduledId", text(&scheduled["scheduled"]["id"])),
            ("passkeyId", text(&passkey["passkey"]["id"])),
            ("sessionId", text(&sessions.data()["sessions"][0]["id"])),
            ("addressId", text(&address["addressId"])),
            ("invitationId", text(&invited["invitation"]["id"])),
            ("applicationId", application),
            ("actorId", ann.id.clone()),
            ("targetId", ann.id.clone()),
        ];
        Self(things.into_iter().map(|(name, id)| (name.to_owned(), json!(id))).collect())
    }

    fn find(&self, root: &str, field: &str, argument: &str) -> Option<&Value> {
        let whole = format!("{root}.{field}.{argument}");
        self.0.get(&whole).or_else(|| self.0.get(argument))
    }
}

/// Whether an account exists is told to whoever has signed in.
const PUBLIC: [&str; 3] = ["accountId", "accountIds", "memberIds"];

/// Whoever knows the id of a pack of stickers may look at it, have it at hand and send of it.
const OF_PACKS: [&str; 4] =
    ["stickerPack", "installStickerPack", "uninstallStickerPack", "sendSticker"];

/// An id of the same kind that nothing has.
fn missing(id: &Value) -> Value {
    let kind = id.as_str().and_then(|it| it.split_once('_')).expect("an id has a kind").0;
    let none = chat::messages::MessageId(uuid::Uuid::parse_str(&fresh_id()).expect("an id"));
    let letters = none.to_string();
    json!(format!("{kind}_{}", letters.split_once('_').expect("a kind").1))
}

/// A place of the schema that takes an id.
struct Place<'a> {
    schema: &'a Schema,
    things: &'a Things,
    root: &'a str,
    field: &'a Field,
    name: String,
}

impl Field {
    /// What it takes, or what its one input holds.
    fn places(&self, schema: &Schema) -> Vec<(String, Type)> {
        let input = self.takes.iter().find(|it| it.0 == "input");
        input.map_or_else(|| self.takes.clone(), |it| schema.inputs(named(&it.1.base)))
    }
}

impl Place<'_> {
    /// What is given beside the id that is tried.
    fn beside(&self, name: &str, wanted: &Type, asker: &Person) -> Value {
        if name == "clientId" {
            return json!(fresh_id());
        }
        if PUBLIC.contains(&name) {
            let one = json!(asker.id);
            return if matches!(wanted.base, BaseType::List(_)) { json!([one]) } else { one };
        }
        match self.things.find(self.root, &self.field.name, name) {
            Some(it) if !wanted.nullable => it.clone(),
            Some(_) => Value::Null,
            None => self.schema.anything(wanted),
        }
    }

    /// Asks for somebody with an id in this place.
    fn asks(&self, asker: &Person, id: &Value) -> Answer {
        let Field { name, shows, takes } = self.field;
        let mut given = Map::new();
        for (place, wanted) in self.field.places(self.schema) {
            let own = place == self.name;
            let value = if own { id.clone() } else { self.beside(&place, &wanted, asker) };
            given.insert(place, value);
        }
        let as_input = takes.iter().any(|it| it.0 == "input");
        let given = if as_input { json!({ "input": given }) } else { json!(given) };
        let is_object = matches!(self.schema.kind(shows), Some(TypeKind::Object(_)));
        let shows = if is_object { "{ __typename }" } else { "" };
        let declared: Vec<_> = takes.iter().map(|it| format!("${}: {}", it.0, it.1)).collect();
        let passed: Vec<_> = takes.iter().map(|it| format!("{0}: ${0}", it.0)).collect();
        let (declared, passed) = (declared.join(", "), passed.join(", "));
        let kind = self.root.to_lowercase();
        asker.asks(&format!("{kind}({declared}) {{ {name}({passed}) {shows} }}"), given)
    }

    /// Tries an id of somebody else's, and one that nothing has.
    fn is_tried(&self, asker: &Person) {
        let (root, field, name) = (self.root, &self.field.name, &self.name);
        let foreign = self.things.find(root, field, name);
        let foreign = foreign.unwrap_or_else(|| panic!("say whose id {root}.{field}.{name} takes"));
        let theirs = self.asks(asker, foreign);
        assert_eq!(theirs, self.asks(asker, &missing(foreign)), "{root}.{field}.{name}");
        assert_ne!(theirs.failure(), Some("INVALID"), "{root}.{field}: {theirs:?}");
        let done = root == "Mutation" && !theirs.0["data"][field].is_null();
        assert!(!done, "{root}.{field}.{name} did something");
    }
}

#[test]
fn an_id_of_somebody_elses_is_answered_like_one_that_does_not_exist() {
    let world = World::new();
    let owner = world.owner("owner");
    let [ann, eve] = world.people(["ann", "eve"]);
    let (schema, things) = (Schema::read(), Things::of(&world, &owner, &ann));
    let mut tried = 0;
    for root in ["Query", "Mutation"] {
        for field in schema.fields(root).iter().filter(|it| it.name != "account") {
            for (name, wanted) in field.places(&schema) {
                let of_pack = name == "packId" || name == "id";
                let public = PUBLIC.contains(&name.as_str())
                    || name == "clientId"
                    || (of_pack && OF_PACKS.contains(&field.name.as_str()));
                if named(&wanted.base) == "ID" && !public {
                    let (schema, things) = (&schema, &things);
                    Place { schema, things, root, field, name }.is_tried(&eve);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried >= 22, "{tried} places");
}
