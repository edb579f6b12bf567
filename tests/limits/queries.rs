//! What a request may ask for: depth, complexity, aliases, directives, sizes and pages.

use serde_json::{Value, json};
use tests::{Answer, Person, World};

fn asks(person: &Person, query: &str) -> Answer {
    person.asks(query, json!({}))
}

/// A query with so many nested fields.
fn nested(depth: usize) -> String {
    let inner = "replyTo { ".repeat(depth - 2) + "id" + &" }".repeat(depth - 2);
    format!("{{ message(id: \"msg_01h455vb4pex5vsknk084sn02q\") {{ {inner} }} }}")
}

#[test]
fn a_query_is_12_deep() {
    let world = World::new();
    let ann = world.person("ann");
    asks(&ann, &nested(12)).data();
    for depth in [13, 24, 100, 400] {
        assert_eq!(asks(&ann, &nested(depth)).code(), "QUERY_TOO_DEEP", "{depth}");
    }
    let spread = "fragment R on Message { replyTo { replyTo { replyTo { replyTo { id } } } } } \
        { message(id: \"msg_01h455vb4pex5vsknk084sn02q\") { replyTo { replyTo { replyTo { replyTo \
        { replyTo { replyTo { replyTo { replyTo { ...R } } } } } } } } } }";
    assert_eq!(asks(&ann, spread).code(), "QUERY_TOO_DEEP");
    let circle = "fragment A on Message { replyTo { ...B } } fragment B on Message { ...A } \
        { message(id: \"msg_01h455vb4pex5vsknk084sn02q\") { ...A } }";
    assert!(["INVALID", "QUERY_TOO_DEEP"].contains(&asks(&ann, circle).code()));
    let unclosed = "{ a".repeat(5_000);
    assert!(["INVALID", "QUERY_TOO_DEEP"].contains(&asks(&ann, &unclosed).code()));
}

#[test]
fn a_query_costs_2500() {
    let world = World::new();
    let ann = world.person("ann");
    let costs = |more: usize| {
        let aliases: String = (0..more).map(|it| format!("p{it}: position ")).collect();
        // A page costs 1 and its fields once an entry, divided by four: 2476, and 19 for the rest.
        let query = format!(
            "{{ conversations(first: 100) {{ edges {{ node {{ \
               messages(first: 100) {{ edges {{ node {{ id }} }} }} \
               members(first: 27) {{ edges {{ node {{ role }} }} }} }} }} }} \
             viewer {{ id username displayName bio registeredAt }} \
             sessions {{ id device openedAt lastActiveAt current }} \
             account(username: \"ann\") {{ id username displayName bio registeredAt }} \
             position {aliases} }}"
        );
        asks(&ann, &query)
    };
    costs(5).data();
    assert_eq!(costs(6).code(), "QUERY_TOO_COMPLEX");
    let bomb = "{ conversations(first: 100) { edges { node { messages(first: 100) { edges { node \
        { versions { text } replyTo { versions { text } } } } } } } } }";
    assert_eq!(asks(&ann, bomb).code(), "QUERY_TOO_COMPLEX");
}

#[test]
fn a_document_has_15_aliases() {
    let world = World::new();
    let ann = world.person("ann");
    let aliased = |count: usize| {
        let aliases: String = (0..count).map(|it| format!("p{it}: position ")).collect();
        format!("{{ {aliases} }}")
    };
    asks(&ann, &aliased(15)).data();
    assert_eq!(asks(&ann, &aliased(16)).code(), "TOO_MANY_ALIASES");
    let spread = format!("fragment P on Query {} {{ ...P }}", aliased(16));
    assert_eq!(asks(&ann, &spread).code(), "TOO_MANY_ALIASES");
}

#[test]
fn signing_in_is_tried_once_a_request() {
    let world = World::new();
    let guess = |at: usize| {
        format!(
            "g{at}: signIn(input: {{ username: \"ann\", password: \"guess {at}\" }}) \
                 {{ accessToken }} "
        )
    };
    let two = format!("mutation {{ {} {} }}", guess(1), guess(2));
    assert_eq!(world.client.ask(None, &two, json!({})).code(), "TOO_MANY_ALIASES");
    let many =
        format!("fragment G on Mutation {{ {} }} mutation {{ ...G ...G {} }}", guess(1), guess(2));
    assert_eq!(world.client.ask(None, &many, json!({})).code(), "TOO_MANY_ALIASES");
}

#[test]
fn a_field_has_5_directives() {
    let world = World::new();
    let ann = world.person("ann");
    let directed = |count: usize| format!("{{ position {} }}", "@include(if: true) ".repeat(count));
    asks(&ann, "{ position @include(if: true) @skip(if: false) }").data();
    // Five are counted as allowed, and then refused for being the same.
    assert_eq!(asks(&ann, &directed(5)).code(), "INVALID");
    assert_eq!(asks(&ann, &directed(6)).code(), "TOO_MANY_DIRECTIVES");
}

#[test]
fn a_query_text_has_16384_bytes() {
    let world = World::new();
    let ann = world.person("ann");
    let padded = |bytes: usize| format!("{{ position }}{}", " ".repeat(bytes - 12));
    asks(&ann, &padded(16_384)).data();
    assert_eq!(asks(&ann, &padded(16_385)).code(), "TOO_LARGE");
}

#[test]
fn a_body_has_262144_bytes() {
    let world = World::new();
    let ann = world.person("ann");
    let padded = |bytes: usize| {
        let mut body = json!({ "query": "{ position }" }).to_string();
        body.extend(std::iter::repeat_n(' ', bytes - body.len()));
        ann.client.post(Some(&ann.token), None, body.as_bytes())
    };
    Answer(padded(262_144).json()).data();
    let refused = padded(262_145);
    assert_eq!((refused.status, Answer(refused.json()).code()), (413, "TOO_LARGE"));
}

#[test]
fn a_request_is_one_operation_in_json() {
    let world = World::new();
    let ann = world.person("ann");
    let posts = |body: &str| {
        let reply = ann.client.post(Some(&ann.token), None, body.as_bytes());
        (reply.status, Answer(reply.json()).code().to_owned())
    };
    let batch = json!([{ "query": "{ position }" }]).to_string();
    for batch in [batch.as_str(), "[]", " [", "\n\t[{}]"] {
        assert_eq!(posts(batch), (400, "BATCH_DISABLED".to_owned()), "{batch}");
    }
    let deep = "[".repeat(100_000);
    let nested = format!("{{\"query\":\"{{ position }}\",\"variables\":{{\"a\":{deep}");
    for body in ["", "{", "null", "\"{ position }\"", "{}", "{\"query\":1}", "\u{feff}{}", &nested]
    {
        assert_eq!(posts(body), (400, "INVALID".to_owned()), "{body:.40}");
    }
    let invalid_utf8 = ann.client.post(Some(&ann.token), None, b"{\"query\":\"\xff\"}");
    assert_eq!(invalid_utf8.status, 400);
    for query in [
        "",
        "{",
        "{ nothing }",
        "query A { position } query B { position }",
        "subscription { updates { seq } }",
        "{ position(a: 1) }",
        "mutation { position }",
    ] {
        assert_eq!(asks(&ann, query).code(), "INVALID", "{query}");
    }
}

#[test]
fn a_page_has_1_to_100_entries() {
    let world = World::new();
    let ([ann], group) = world.group("Lunch", ["ann"]);
    (0..120).for_each(|_| drop(ann.sends(&group, "hello")));
    let page = |list: &str, arguments: &str| {
        let inner = format!("{list}({arguments}) {{ edges {{ cursor }} }}");
        let query = match list {
            "conversations" => format!("{{ {inner} }}"),
            _ => format!("{{ conversation(id: \"{group}\") {{ {inner} }} }}"),
        };
        asks(&ann, &query)
    };
    for list in ["conversations", "messages", "members"] {
        for arguments in ["first: 1", "first: 100", "last: 1", "last: 100"] {
            page(list, arguments).data();
        }
        for arguments in [
            "first: 0",
            "first: -1",
            "first: 101",
            "last: 0",
            "last: 101",
            "first: 2147483647",
            "last: -2147483648",
            "first: 1, last: 1",
        ] {
            let answer = page(list, arguments);
            let code = answer.code();
            assert!(["INVALID", "QUERY_TOO_COMPLEX"].contains(&code), "{list} {arguments}: {code}");
        }
    }
    let edges = |arguments: &str| {
        let answer = page("messages", arguments);
        answer.data()["conversation"]["messages"]["edges"].as_array().map(Vec::len)
    };
    assert_eq!([edges("first: 100"), edges("after: \"0\"")], [Some(100), Some(50)]);
    for cursor in ["x", "", "-1", "9223372036854775808", "18446744073709551615", "1/2"] {
        let answer = page("messages", &format!("first: 1, after: \"{cursor}\""));
        assert_eq!(answer.code(), "INVALID", "{cursor}");
    }
    let far = [
        "first: 1, after: \"9223372036854775807\"",
        "last: 1, before: \"0\"",
        "last: 1, before: \"9223372036854775807\"",
        "first: 5, after: \"9\", before: \"3\"",
        "first: 4, around: \"9223372036854775807\"",
        "first: 4, around: \"0\"",
    ];
    for arguments in far {
        page("messages", arguments).data();
    }
    for list in ["conversations", "members"] {
        for cursor in ["", "~", "\\u0000", "😀", "9/", &"x".repeat(2_000)] {
            page(list, &format!("first: 1, after: \"{cursor}\"")).data();
            page(list, &format!("last: 1, before: \"{cursor}\"")).data();
        }
    }
}

#[test]
fn a_long_is_0_to_2_to_the_63_less_1() {
    let world = World::new();
    let ([ann], group) = world.group("Lunch", ["ann"]);
    ann.sends(&group, "hello");
    let reads = |number: Value| {
        ann.tries("markRead", json!({ "conversationId": group, "number": number }), "position")
    };
    reads(json!("1")).data();
    reads(json!(1)).data();
    reads(json!(0)).data();
    assert_eq!(reads(json!("9223372036854775807")).code(), "RECEIPTS_NUMBER_AHEAD");
    for bad in
        [json!("9223372036854775808"), json!(-1), json!(1.5), json!("1 "), json!(""), json!(true)]
    {
        assert_eq!(reads(bad.clone()).code(), "INVALID", "{bad}");
    }
}

#[test]
fn an_id_of_another_kind_is_invalid() {
    let world = World::new();
    let ann = world.person("ann");
    for id in ["", "1", "conv_", ann.id.as_str(), "{\"$ne\":1}", "conv_zzzzzzzzzzzzzzzzzzzzzzzzzz"]
    {
        let query = "query($id: ID!) { conversation(id: $id) { id } }";
        assert_eq!(ann.asks(query, json!({ "id": id })).code(), "INVALID", "{id}");
    }
}

#[test]
fn tools_read_the_schema_by_types_within_types_and_nothing_else_so_deep() {
    let world = World::new();
    let of_type = |levels: usize| {
        let (open, close) = ("ofType { kind name ".repeat(levels), " }".repeat(levels));
        format!("kind name {open}{close}")
    };
    let asks = |levels: usize, more: &str| {
        let query = format!(
            "query {{ __schema {{ types {{ fields {{ args {{ type {{ {} }} }} }} }} }} \
             {more} }}",
            of_type(levels)
        );
        world.client.ask(None, &query, json!({}))
    };
    // What tools ask of the reference implementation goes nine types deep.
    let told = asks(9, "");
    assert!(told.data()["__schema"]["types"].as_array().is_some_and(|it| it.len() > 50));
    assert_eq!(asks(14, "").data()["__schema"]["types"][0]["kind"], Value::Null);
    assert_eq!(asks(15, "").code(), "QUERY_TOO_DEEP");
    assert_eq!(asks(9, "position").code(), "QUERY_TOO_DEEP");
}

#[test]
fn fragments_that_spread_each_other_come_to_an_end() {
    let world = World::new();
    let asks = |query: &str| world.client.ask(None, query, json!({}));
    let chain = |spreads: usize, length: usize| {
        let one = |at: usize| {
            format!("fragment f{at} on Query {{ {} }} ", format!("...f{} ", at + 1).repeat(spreads))
        };
        let links: String = (0..length).map(one).collect();
        format!("{{ ...f0 }} {links} fragment f{length} on Query {{ position }}")
    };
    assert_eq!(asks(&chain(70, 11)).code(), "QUERY_TOO_COMPLEX");
    assert_eq!(asks(&chain(5_000, 1).replace("...f1 ", "...f1\n")[..]).code(), "TOO_LARGE");
    // 13 to the power of three is 2,197, and 14 to it 2,744.
    asks(&chain(13, 3)).data();
    assert_eq!(asks(&chain(14, 3)).code(), "QUERY_TOO_COMPLEX");
    let circle = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a position }";
    assert_eq!(asks(circle).code(), "QUERY_TOO_DEEP");
}
