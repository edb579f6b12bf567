//! Documents: pages, text and pictures, beside what other programs say and paint.

mod worker;

use std::io::{Cursor, Read, Write};

use image::RgbaImage;
use serde_json::json;
use worker::{Ended, convert, fixture, previews, work};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

const LETTER: [&str; 4] = [
    "Grüße aus Wien",
    "The quick brown fox jumps over the lazy dog & more.",
    "Apples 12 Pears 7",
    "On the second page: 日本 Ελλάδα.",
];

fn text(ended: &Ended) -> String {
    assert_eq!(ended.done()["kind"], "document");
    String::from_utf8(ended.read("text.txt")).expect("text")
}

/// The words of a text, whatever stands between them.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The mean difference of two pictures, a channel, of 255.
fn difference(one: &RgbaImage, other: &RgbaImage) -> f64 {
    // A side may be rounded otherwise.
    let (width, height) = one.dimensions();
    assert!(width.abs_diff(other.width()) <= 1 && height.abs_diff(other.height()) <= 1);
    let other = image::imageops::resize(other, width, height, image::imageops::Triangle);
    let pairs = one.as_raw().iter().zip(other.as_raw());
    let sum: f64 = pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    sum / one.as_raw().len() as f64
}

fn stored() -> SimpleFileOptions {
    SimpleFileOptions::default()
}

/// A ZIP of parts.
fn zip(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, stored()).expect("it fits");
        zip.write_all(bytes).expect("it fits");
    }
    zip.finish().expect("it fits").into_inner()
}

/// A document of Word that consists of this XML.
fn docx(body: &[u8]) -> Vec<u8> {
    zip(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", body)])
}

#[test]
fn every_letter_says_the_same() {
    let pages = [
        ("letter.pdf", "application/pdf", Some(2)),
        ("letter.odt", "application/vnd.oasis.opendocument.text", Some(2)),
        (
            "letter.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Some(2),
        ),
        ("letter.doc", "application/msword", None),
    ];
    for (name, media_type, pages) in pages {
        let ended = previews(&fixture(name));
        assert_eq!(ended.done()["media_type"], media_type);
        assert_eq!(ended.done().get("pages"), pages.map(|it| json!(it)).as_ref(), "{name}");
        assert_eq!(words(&text(&ended)), LETTER.join(" "), "{name}");
        assert_eq!(ended.done().get("cut"), None);
    }
    let said = text(&previews(&fixture("letter.doc")));
    assert!(said.contains("\nApples\t12\nPears\t7\n"), "a line a row: {said}");
}

#[test]
fn a_pdf_says_what_another_program_reads() {
    for name in ["letter", "poster"] {
        let read = String::from_utf8(fixture(&format!("{name}.words.txt"))).expect("text");
        let ended = previews(&fixture(&format!("{name}.pdf")));
        assert_eq!(words(&text(&ended)), words(&read));
        assert_eq!(ended.done()["pages"], 2);
    }
}

#[test]
fn a_pdf_looks_as_another_program_paints_it() {
    for (name, width, height) in [("letter", 1131, 1600), ("poster", 1600, 1200)] {
        let ended = previews(&fixture(&format!("{name}.pdf")));
        assert_eq!(
            (&ended.done()["width"], &ended.done()["height"]),
            (&json!(width), &json!(height))
        );
        assert!(ended.done()["thumbhash"].is_string());
        let other =
            image::load_from_memory(&fixture(&format!("{name}-320.png"))).expect("a picture");
        for made in ["320.webp", "320.jpg"] {
            // Fonts that aren't in the file are others there.
            let difference = difference(&ended.picture(made), &other.to_rgba8());
            assert!(difference < 4.0, "{name} as {made}: {difference}");
        }
        assert_eq!(ended.names().len(), 9, "a text, and four sizes twice");
    }
    let poster = previews(&fixture("poster.pdf")).picture("320.webp");
    let colours = [(40, 40, [192, 48, 32]), (280, 40, [32, 160, 64]), (40, 220, [32, 64, 192])];
    for (x, y, colour) in colours {
        let found = poster.get_pixel(x, y).0;
        assert!(colour.iter().zip(found).all(|(a, b)| b.abs_diff(*a) < 12), "{x} {y}: {found:?}");
    }
}

#[test]
fn what_has_a_password_is_sealed_and_what_has_an_empty_one_is_not() {
    let sealed = previews(&fixture("poster-sealed.pdf"));
    assert_eq!(sealed.done()["encrypted"], true);
    assert_eq!(sealed.done()["kind"], "document");
    assert!(sealed.names().is_empty());
    let open = previews(&fixture("poster-open.pdf"));
    assert_eq!(open.done().get("encrypted"), None);
    assert!(text(&open).contains("Poster of Helvetica"));
}

#[test]
fn tables_are_read_a_line_a_row() {
    for name in ["fruit.ods", "fruit.xls", "fruit.xlsx"] {
        let ended = previews(&fixture(name));
        assert_eq!(text(&ended), "fruit\nFruit\tCount\nÄpfel\t12\nPears\t7.5", "{name}");
        assert_eq!(ended.done()["pages"], 1, "{name}");
    }
    let ended = previews(&fixture("costs.xlsx"));
    assert_eq!(ended.done()["pages"], 2);
    assert_eq!(text(&ended), "Costs\nNotes\nRent\t1200\nnothing yet");
}

#[test]
fn slides_are_read_in_their_order() {
    let mut old = ZipArchive::new(Cursor::new(fixture("talk.ppt.zip"))).expect("an archive");
    let mut ppt = Vec::new();
    old.by_name("talk.ppt").expect("it is there").read_to_end(&mut ppt).expect("it is whole");
    let slide = |it: u32| format!("Slide number {it} Point of {it} And more");
    let expected = (1..12).map(slide).collect::<Vec<_>>().join(" ");
    let types = [
        (fixture("talk.pptx"), "openxmlformats-officedocument.presentationml.presentation"),
        (fixture("talk.odp"), "oasis.opendocument.presentation"),
        (ppt, "ms-powerpoint"),
    ];
    for (bytes, media_type) in types {
        let ended = previews(&bytes);
        assert_eq!(ended.done()["media_type"], format!("application/vnd.{media_type}"));
        assert_eq!(ended.done()["pages"], 11, "{media_type}");
        assert_eq!(words(&text(&ended)), expected, "{media_type}");
    }
}

#[test]
fn a_picture_that_a_document_brings_along_is_its_preview() {
    for (name, inside) in [
        ("plan.docx", "docProps/thumbnail.jpeg"),
        ("talk.pptx", "docProps/thumbnail.jpeg"),
        ("letter.odt", "Thumbnails/thumbnail.png"),
    ] {
        let bytes = fixture(name);
        let mut parts = ZipArchive::new(Cursor::new(&bytes)).expect("an archive");
        let mut picture = Vec::new();
        parts.by_name(inside).expect("it is there").read_to_end(&mut picture).expect("it is whole");
        let picture = image::load_from_memory(&picture).expect("a picture").to_rgba8();
        let ended = previews(&bytes);
        let largest = ended.names().iter().find(|it| it.ends_with(".webp")).cloned();
        let shown = ended.picture(&largest.expect("a preview"));
        assert!(difference(&shown, &picture) < 4.0, "{name}");
    }
    // A picture that is none is as if it were not there, and the text is shown.
    let broken = [
        ("[Content_Types].xml", &b"<Types/>"[..]),
        ("word/document.xml", b"<w:t>x</w:t>"),
        ("docProps/thumbnail.jpeg", b"\xff\xd8\xff\xe0broken"),
    ];
    assert_eq!(previews(&zip(&broken)).names().len(), 9);
    assert_eq!(previews(&docx(b"<w:t> </w:t>")).names(), ["text.txt"], "nothing is said");
}

#[test]
fn an_archive_is_a_document_only_if_it_holds_one() {
    let kind = |parts: &[(&str, &[u8])]| previews(&zip(parts)).done()["kind"].clone();
    assert_eq!(kind(&[("word/document.xml", b"<a/>")]), "archive");
    assert_eq!(kind(&[("[Content_Types].xml", b"<a/>"), ("x", b"")]), "archive");
    assert_eq!(kind(&[("mimetype", b"application/vnd.oasis.opendocument.text-not")]), "archive");
    // However many others come first.
    let names: Vec<String> = (0..50).map(|it| format!("custom/{it}.bin")).collect();
    let mut parts: Vec<(&str, &[u8])> = names.iter().map(|it| (it.as_str(), &b"x"[..])).collect();
    parts.extend([("[Content_Types].xml", &b"<a/>"[..]), ("word/document.xml", b"<a/>")]);
    assert_eq!(kind(&parts), "document");
}

#[test]
fn a_document_opens_nothing_and_grows_no_further() {
    let laughs = b"<!DOCTYPE a [<!ENTITY b \"haha\"><!ENTITY c \"&b;&b;&b;&b;\">\
        <!ENTITY d SYSTEM \"file:///etc/passwd\">]>\
        <w:p><w:t>one&c;&d;&#x74;wo &amp; three</w:t></w:p>";
    assert_eq!(text(&previews(&docx(laughs))), "onetwo & three");
    // 200 MiB of nothing in 200 KiB, of which a part is unpacked.
    let mut bomb = b"<w:p><w:t>before".to_vec();
    bomb.resize(200 << 20, b' ');
    let ended = previews(&docx(&bomb));
    assert!(text(&ended).starts_with("before"));
    assert_eq!(ended.done()["cut"], true);
    // Elements in elements, which nobody follows down.
    let deep = "<a>".repeat(2_000_000) + "<w:t>deep</w:t>";
    assert_eq!(text(&previews(&docx(deep.as_bytes()))), "deep");
}

#[test]
fn a_text_of_a_document_is_kept_as_far_as_a_mebibyte() {
    let kept = |length: usize| {
        let ended = previews(&docx(format!("<w:t>{}</w:t>", "x".repeat(length)).as_bytes()));
        (text(&ended).len(), ended.done().get("cut").is_some())
    };
    assert_eq!(kept(1 << 20), (1 << 20, false));
    assert_eq!(kept((1 << 20) + 1), (1 << 20, true));
}

#[test]
fn a_cell_that_says_much_is_not_said_a_million_times() {
    let shared = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(1 << 20));
    let cells = "<c t=\"s\"><v>0</v></c>".repeat(1_000_000);
    let sheet = format!("<worksheet><row>{cells}</row></worksheet>");
    let ended = previews(&zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", b"<workbook><sheets><sheet name=\"a\"/></sheets></workbook>"),
        ("xl/sharedStrings.xml", shared.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ]));
    assert_eq!(ended.done()["cut"], true);
    assert_eq!(text(&ended).len(), 1 << 20);
}

#[test]
fn what_is_sealed_in_the_old_way_is_said_to_be() {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).expect("it fits");
    file.create_stream("EncryptedPackage").expect("it fits");
    let bytes = file.into_inner().into_inner();
    let ended = previews(&bytes);
    assert_eq!(
        (&ended.done()["kind"], &ended.done()["encrypted"]),
        (&json!("document"), &json!(true))
    );
    assert!(ended.names().is_empty());
}

#[test]
fn a_document_is_nothing_else() {
    for name in ["poster.pdf", "letter.docx", "letter.doc"] {
        assert_eq!(convert(&fixture(name), "png").failed(), "MEDIA_UNSUPPORTED");
        let avatar = work(&fixture(name), &json!({ "kind": "avatar" }));
        assert_eq!(avatar.failed(), "MEDIA_UNSUPPORTED");
    }
}
