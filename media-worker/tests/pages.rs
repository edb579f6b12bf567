//! Pages of text, for what is not painted.

mod worker;

use image::RgbImage;
use serde_json::json;
use worker::pages::{ink, old_talk, seen};
use worker::{Ended, fixture, previews, work};

fn lines(text: &str) -> Ended {
    work(text.as_bytes(), &json!({ "kind": "previews", "name": "a.txt" }))
}

fn text(ended: &Ended) -> String {
    String::from_utf8(ended.read("text.txt")).expect("text")
}

#[test]
fn every_kind_of_document_has_a_picture() {
    let papers = ["letter.docx", "letter.doc", "letter.pdf", "fruit.xlsx", "fruit.xls"];
    let files = papers.map(|it| (it, fixture(it))).into_iter().chain([("talk.ppt", old_talk())]);
    for (name, bytes) in files {
        assert!(ink(&seen(&previews(&bytes), "320.webp")) > 10, "{name}");
    }
    // These bring one along, which may be smaller.
    for name in ["fruit.ods", "talk.odp", "plan.docx", "talk.pptx"] {
        let ended = previews(&fixture(name));
        assert!(ended.names().contains(&"96.webp".to_owned()), "{name}");
    }
}

#[test]
fn a_text_is_shown_as_its_writer_aligned_it() {
    let spread = format!("first{}last\n", "\n".repeat(20));
    let page = seen(&lines(&spread), "1600.jpg");
    assert_eq!((page.width(), page.height()), (1131, 1600), "A4");
    let darkest = |page: &RgbImage, from: u32, to: u32| {
        let rows = page.rows().skip(from as usize).take((to - from) as usize);
        rows.flatten().map(|it| it.0[0]).min().expect("pixels")
    };
    // Twenty lines of 26.6 pixels below each other.
    let (first, last) = (108, 108 + 532);
    assert!(darkest(&page, first, first + 27) < 60 && darkest(&page, last, last + 27) < 60);
    assert!(darkest(&page, 0, first) > 220 && darkest(&page, first + 30, last) > 220);
    assert!(darkest(&page, last + 30, 1600) > 220);
    // Columns stand below each other.
    let page = seen(&lines("a         |\n\tb |\n"), "1600.jpg");
    let bar = |from: u32| {
        let dark = |x: &u32| (from..from + 27).any(|y| page.get_pixel(*x, y).0[0] < 100);
        (200..1131).rev().find(dark).expect("a bar")
    };
    assert_eq!(bar(first), bar(first + 27));
    // Nothing that is said is an order to whoever sets the page.
    let orders =
        "#set page(fill: red)\n#read(\"/etc/passwd\")\n*b* $x$ \\ // `c` <d> @e\n#panic()\n";
    let page = seen(&lines(orders), "1600.jpg");
    assert!(page.pixels().all(|it| it.0[0].abs_diff(it.0[1]) < 8), "black on white");
    assert!(ink(&page) > 5);
    assert_eq!(text(&lines(orders)), orders);
}

#[test]
fn letters_that_there_is_no_glyph_for_are_not_shown_as_boxes() {
    let chinese = "这是一份文件。".repeat(20);
    for text in [&*chinese, "한국어\n", "שלום\n", "   \n"] {
        assert_eq!(lines(text).names(), ["text.txt"]);
    }
    assert!(ink(&seen(&lines("Ελλάδα, Привет\n"), "320.webp")) > 5);
}

#[test]
fn a_text_of_any_length_has_one_page() {
    for long in ["x".repeat(2 << 20), "x\n".repeat(1 << 20), "a\tb\n".repeat(1 << 20)] {
        assert!(ink(&seen(&lines(&long), "320.webp")) > 10);
    }
}
