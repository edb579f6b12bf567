//! The law of what pages say.

use super::*;

const AT: &str = "https://news.example/a/b?c=d";

fn read(html: &str) -> Option<Preview> {
    read_page("https://t.example/x", AT, html).preview
}

#[test]
fn open_graph_says_what_a_page_is() {
    let html = r#"<!doctype html><html><head><title>Own</title>
        <meta property="og:title" content="Bread &amp; butter">
        <meta property="og:title" content="Second">
        <META NAME='OG:Description' CONTENT=' Two
          lines '>
        <meta property="og:site_name" content="News">
        <meta property="og:image" content="/i.png">
        <meta property="og:url" content="https://news.example/a">
        <link rel="canonical" href="/canonical">
        </head><body>"#;
    let expected = Preview {
        url: "https://t.example/x".to_owned(),
        canonical_url: "https://news.example/canonical".to_owned(),
        title: "Bread & butter".to_owned(),
        description: Some("Two lines".to_owned()),
        site_name: Some("News".to_owned()),
        image_url: Some("https://news.example/i.png".to_owned()),
    };
    assert_eq!(read(html), Some(expected));
}

#[test]
fn without_it_the_pages_own_title_and_description_count() {
    let html = "<title>A <b>title</title><meta name=description content=d><svg><title>no";
    let read = read(html).unwrap();
    assert_eq!((read.title.as_str(), read.description.as_deref()), ("A <b>title", Some("d")));
    assert_eq!((read.canonical_url.as_str(), read.site_name, read.image_url), (AT, None, None));
}

#[test]
fn what_only_looks_like_tags_says_nothing() {
    for html in [
        "",
        "plain text",
        "<script>'<title>x</title>'</script>",
        "<style><title>x</title></style>",
        "<!-- <title>x</title> -->",
        "<textarea><title>x</title></textarea>",
        "<title>  </title>",
        "<title>\u{202e}\u{1}\u{200f}</title>",
        "<meta property=og:title>",
    ] {
        assert_eq!(read(html), None, "{html}");
    }
}

#[test]
fn words_are_cut_and_hold_nothing_that_moves_others() {
    let of = |count: usize| format!("<title>{}</title>", "ü".repeat(count));
    assert_eq!(read(&of(200)).unwrap().title, "ü".repeat(200));
    assert_eq!(read(&of(201)).unwrap().title, format!("{}…", "ü".repeat(199)));
    assert_eq!(read(&of(1_000_000)).unwrap().title.chars().count(), 200);
    let of = |count: usize| {
        format!("<title>x</title><meta name=description content={}>", "y".repeat(count))
    };
    assert_eq!(read(&of(500)).unwrap().description.unwrap().len(), 500);
    let cut = read(&of(501)).unwrap().description.unwrap();
    assert_eq!((cut.chars().count(), cut.ends_with('…')), (500, true));
    let site = |count: usize| {
        let site = "z".repeat(count);
        format!("<title>x</title><meta property=og:site_name content={site}>")
    };
    assert_eq!(read(&site(101)).unwrap().site_name.unwrap().chars().count(), 100);
    let html = "<title>a\u{202e}b\u{7}\u{2066} c\u{a0}\r\n d</title>";
    assert_eq!(read(html).unwrap().title, "ab c d");
}

#[test]
fn urls_of_a_page_are_of_the_web_and_its_own() {
    let with = |name: &str, url: &str| {
        let html = format!("<title>x</title><meta property=og:{name} content='{url}'>");
        read(&html).unwrap()
    };
    for url in [
        "javascript:alert(1)",
        "data:image/png,x",
        "file:///etc/passwd",
        "https://ann@img.example/",
        &format!("https://img.example/{}", "x".repeat(2_048)),
    ] {
        assert_eq!(with("image", url).image_url, None, "{url}");
        assert_eq!(with("url", url).canonical_url, AT, "{url}");
    }
    assert_eq!(with("image", "//img.example/i").image_url.unwrap(), "https://img.example/i");
    // Nobody passes for another site.
    assert_eq!(with("url", "https://bank.example/").canonical_url, AT);
}

#[test]
fn oembed_is_asked_where_open_graph_has_no_title() {
    let link = "<link rel=alternate type=application/json+oembed href=/oembed?x=1>";
    let read = |html: &str| read_page("l", AT, html);
    let named = Some("https://news.example/oembed?x=1".to_owned());
    assert_eq!(read(link).oembed, named);
    assert_eq!(read(&format!("<meta property=og:title content=x>{link}")).oembed, None);
    let json = r#"{ "title": "T", "provider_name": "P", "thumbnail_url": "/t", "html": 7 }"#;
    let embedded = read_oembed("l", AT, json, None).unwrap();
    assert_eq!((embedded.title.as_str(), embedded.site_name.as_deref()), ("T", Some("P")));
    assert_eq!(embedded.image_url.as_deref(), Some("https://news.example/t"));
    let own = read("<title>Own</title>").preview;
    assert_eq!(read_oembed("l", AT, json, own.clone()).unwrap().title, "T");
    for json in ["", "[]", "{}", "null", r#"{ "title": 7 }"#, r#"{ "title": "" }"#] {
        assert_eq!(read_oembed("l", AT, json, own.clone()), own, "{json}");
        assert_eq!(read_oembed("l", AT, json, None), None, "{json}");
    }
}

/// Tags with as many attributes, none twice, as fit into so many bytes each.
fn many_attributes(tags: usize, bytes: usize) -> String {
    let names = (0..).map(|it: u32| format!("a{it:x} ")).scan(0, |all, it| {
        *all += it.len();
        (*all < bytes).then_some(it)
    });
    format!("<div {}>", names.collect::<String>()).repeat(tags)
}

#[test]
fn what_stands_before_something_endless_counts() {
    let title = "<title>x</title>";
    for html in [format!("{title}<!--{}", "x".repeat(1 << 20)), title.repeat(60_000)] {
        assert_eq!(read(&html).unwrap().title, "x");
    }
    let long = |bytes: usize| format!("<link href='data:,{}'>{title}", "x".repeat(bytes));
    assert_eq!(read(&long(50 << 10)).unwrap().title, "x");
    assert_eq!(read(&long(80 << 10)), None);
}

#[test]
fn a_hostile_page_costs_no_more_than_its_bytes() {
    for html in [
        "<div>".repeat(200_000),
        "<a ".repeat(300_000),
        "<meta ".repeat(170_000),
        many_attributes(1, 1 << 20),
        many_attributes(1, 1 << 20).replace("00 ", "00\" "),
        many_attributes(16, 60 << 10),
        many_attributes(256, 4 << 10),
        "&amp;".repeat(200_000),
        "<!--".repeat(250_000),
        "<script>".repeat(120_000),
        "<script></script>".repeat(60_000),
        "\0".repeat(1 << 20),
    ] {
        let started = ports::clock::Stopwatch::start();
        assert_eq!(read(&html), None);
        assert!(started.seconds() < 10.0, "{}", &html[..20]);
    }
}
