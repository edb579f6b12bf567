//! Browsers: what they may run, who may frame us, and whose pages may ask.

use serde_json::json;
use tests::{Reply, World};

fn get(world: &World, path: &str) -> Reply {
    world.client.http.get(path)
}

/// What a page of another origin is told when it asks whether it may ask.
fn preflight(world: &World, origin: &str) -> Reply {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    world.client.http.request("OPTIONS", "/graphql", &headers, b"").expect("an answer")
}

#[test]
fn every_answer_says_what_browsers_may_do_with_it() {
    let world = World::new();
    let post =
        world.client.post(None, None, json!({ "query": "{ position }" }).to_string().as_bytes());
    let mut answers = vec![("POST /graphql", post)];
    for path in ["/", "/graphql", "/setup", "/setup.js", "/healthz", "/nothing", "/subjects"] {
        answers.push((path, get(&world, path)));
    }
    for (path, answer) in &answers {
        let header = |name: &str| answer.header(name).unwrap_or_else(|| panic!("{path}: {name}"));
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
    }
}

#[test]
fn our_pages_run_our_own_scripts_and_nothing_is_written_into_them() {
    let world = World::new();
    for page in ["/setup", "/reset", "/sign-in", "/keep-factor"] {
        let answer = get(&world, page);
        let policy = answer.header("content-security-policy").expect("a policy").to_owned();
        assert!(policy.contains("script-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let html = String::from_utf8(answer.body).expect("a text");
        for tag in html.split('<').filter(|it| it.starts_with("script")) {
            let source = tag.split("src=\"").nth(1).and_then(|it| it.split('"').next());
            let script = get(&world, source.expect("no script stands in the page itself"));
            let kind = script.header("content-type").expect("a type");
            assert!(kind.starts_with("text/javascript"), "{kind}");
            let text = String::from_utf8(script.body.clone()).expect("a text");
            for import in text.lines().filter_map(|it| it.split("from \"").nth(1)) {
                let path = import.trim_end_matches("\";");
                assert_eq!(get(&world, path).status, 200, "{path}");
            }
        }
        assert!(!html.contains(" onclick") && !html.contains("javascript:"), "{page}");
    }
}

#[test]
fn passwords_are_masked_and_may_be_filled_in() {
    let world = World::new();
    for page in ["/setup", "/reset"] {
        let html = String::from_utf8(get(&world, page).body).expect("a text");
        let fields = html.split('<').filter(|it| it.starts_with("input") && it.contains("assword"));
        let fields: Vec<_> = fields.collect();
        assert_eq!(fields.len(), 1, "{page}");
        assert!(fields[0].contains("type=\"password\""), "{page}");
        assert!(fields[0].contains("autocomplete=\"new-password\""), "{page}");
        assert!(!html.contains("onpaste"), "{page}");
    }
}

#[test]
fn pages_of_other_sites_ask_when_they_are_listed_and_not_otherwise() {
    let listed = "https://app.example";
    let world = World::with(|it| it.cors_origins = vec![listed.to_owned()]);
    let allowed = |origin: &str| {
        let answer = preflight(&world, origin);
        answer.header("access-control-allow-origin").map(str::to_owned)
    };
    assert_eq!(allowed(listed).as_deref(), Some(listed));
    for other in
        ["https://evil.example", "https://app.example.evil.example", "http://app.example", "null"]
    {
        assert_eq!(allowed(other), None, "{other}");
    }
    let answer = preflight(&world, listed);
    assert_eq!(answer.header("access-control-allow-credentials"), None, "nothing is in cookies");
    let closed = World::new();
    assert_eq!(preflight(&closed, listed).header("access-control-allow-origin"), None);
}
