//! PDFs that strangers send: each ends with a typed answer, within limits.

mod worker;

use std::io::Write;
use std::process::Command;

use worker::{Ended, WORKER, previews};

/// A PDF of these objects, numbered from one; the first is the catalogue.
fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut pdf = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(pdf.len());
        writeln!(pdf, "{} 0 obj", number + 1).expect("it fits");
        pdf.extend(object);
        pdf.extend(b"\nendobj\n");
    }
    let table = pdf.len();
    write!(pdf, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).expect("it fits");
    for place in places {
        writeln!(pdf, "{place:010} 00000 n ").expect("it fits");
    }
    let size = objects.len() + 1;
    write!(pdf, "trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n")
        .expect("it fits");
    pdf
}

fn stream(dictionary: &str, bytes: &[u8]) -> Vec<u8> {
    let mut object = format!("<<{dictionary}/Length {}>>\nstream\n", bytes.len()).into_bytes();
    object.extend(bytes);
    object.extend(b"\nendstream");
    object
}

/// Bytes as zlib keeps them; the largest of them are nothing.
fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut small = Vec::new();
    let mut encoder = flate2::write::ZlibEncoder::new(&mut small, flate2::Compression::fast());
    encoder.write_all(bytes).expect("it fits");
    encoder.finish().expect("it fits");
    small
}

const CATALOG: &[u8] = b"<</Type/Catalog/Pages 2 0 R>>";
const PAGES: &[u8] = b"<</Type/Pages/Kids[3 0 R]/Count 1>>";

/// A PDF of one page with this box, these resources and contents, and what these refer to, from
/// the fifth object on.
fn page(media_box: &str, resources: &str, contents: Vec<u8>, more: &[Vec<u8>]) -> Vec<u8> {
    let page = format!(
        "<</Type/Page/Parent 2 0 R/MediaBox[{media_box}]/Resources<<{resources}>>/Contents 4 0 R>>"
    );
    let mut objects = vec![CATALOG.to_vec(), PAGES.to_vec(), page.into_bytes(), contents];
    objects.extend(more.iter().cloned());
    pdf(&objects)
}

const SQUARE: &str = "0 0 100 100";

/// It is done, or has failed for one of these reasons.
fn ends(what: &str, bytes: &[u8]) -> Ended {
    let ended = previews(bytes);
    if ended.code != 0 {
        let reason = ended.failed();
        assert!(["MEDIA_CORRUPT", "MEDIA_TOO_LARGE", "MEDIA_TIMEOUT"].contains(&reason), "{what}");
    }
    ended
}

#[test]
fn what_refers_to_itself_ends() {
    let kids = |pages: &[u8]| pdf(&[CATALOG.to_vec(), pages.to_vec(), PAGES.to_vec()]);
    ends("pages that hold themselves", &kids(b"<</Type/Pages/Kids[2 0 R 3 0 R]/Count 1>>"));
    ends("pages that hold each other", &kids(b"<</Type/Pages/Kids[3 0 R 3 0 R 3 0 R]/Count 3>>"));
    let form = stream(
        "/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</A 5 0 R>>>>",
        b"/A Do /A Do",
    );
    let ended = ends(
        "a form that paints itself twice",
        &page(SQUARE, "/XObject<</A 5 0 R>>", stream("", b"/A Do"), &[form]),
    );
    assert_eq!(ended.done()["pages"], 1);
    let length = b"<</Length 4 0 R>>\nstream\nx\nendstream".to_vec();
    ends("a stream as long as itself", &page(SQUARE, "", length, &[]));
    let mut table = page(SQUARE, "", stream("", b""), &[]);
    let start = table.windows(5).rposition(|it| it == b"xref\n").expect("a table");
    let start = table[..start].windows(5).rposition(|it| it == b"xref\n").unwrap_or(start);
    let trailer = format!("/Root 1 0 R/Prev {start}>>");
    let at = table.windows(12).rposition(|it| it == b"/Root 1 0 R>").expect("a trailer");
    table.splice(at..at + 13, trailer.bytes());
    ends("a table that is before itself", &table);
}

#[test]
fn what_is_nested_ends() {
    for (open, close) in [("[", "]"), ("<</A ", ">>"), ("(", ")")] {
        let nest = open.repeat(300_000) + &close.repeat(300_000);
        ends(open, &page(SQUARE, &format!("/A {nest}"), stream("", b""), &[]));
        ends(open, &page(SQUARE, "", stream("", nest.as_bytes()), &[]));
    }
    ends("states", &page(SQUARE, "", stream("", &b"q ".repeat(300_000)), &[]));
    ends("clips", &page(SQUARE, "", stream("", &b"0 0 9 9 re W n ".repeat(100_000)), &[]));
    ends("marks", &page(SQUARE, "", stream("", &b"/A BMC ".repeat(300_000)), &[]));
}

#[test]
fn a_page_of_any_size_is_a_preview_of_ours() {
    let boxes = [
        ("0 0 1000000000 1000000000", Some((1600, 1600))),
        ("0 0 1000000 1", Some((1600, 1))),
        ("0 0 10 20", Some((800, 1600))),
        ("0 0 0 0", None),
        ("100 100 -100 -100", None),
        ("0 0 1e38 1e38", None),
        ("a b c d", None),
    ];
    for (media_box, size) in boxes {
        let ended = ends(media_box, &page(media_box, "", stream("", b"0 0 5 5 re f"), &[]));
        let found = (ended.line["width"].as_u64(), ended.line["height"].as_u64());
        if let Some((width, height)) = size {
            assert_eq!(found, (Some(width), Some(height)), "{media_box}");
        }
        assert!(found.0.is_none_or(|it| it <= 1600) && found.1.is_none_or(|it| it <= 1600));
    }
}

#[test]
fn what_unpacks_to_too_much_ends() {
    let nothing = deflated(&vec![b' '; 300 << 20]);
    ends("contents", &page(SQUARE, "", stream("/Filter/FlateDecode", &nothing), &[]));
    let image = |dictionary: &str, bytes: &[u8]| {
        let image = stream(&format!("/Type/XObject/Subtype/Image{dictionary}"), bytes);
        let contents = stream("", b"100 0 0 100 0 0 cm /A Do");
        page(SQUARE, "/XObject<</A 5 0 R>>", contents, &[image])
    };
    let sides = "/Width 30000/Height 30000/ColorSpace/DeviceRGB/BitsPerComponent 8";
    ends("an image", &image(&format!("{sides}/Filter/FlateDecode"), &nothing));
    // A page of bits that claims 4 thousand million of each side, and a picture that does.
    let mut bits = b"\0\0\0\0\x30\0\x01\0\0\0\x13".to_vec();
    bits.extend([0xFF; 8]);
    bits.extend([0; 11]);
    ends(
        "JBIG2",
        &image(
            "/Width 9/Height 9/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/JBIG2Decode",
            &bits,
        ),
    );
    let mut waves = b"\xff\x4f\xff\x51\0\x29\0\0".to_vec();
    waves.extend([0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0]);
    waves.extend([0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0]);
    waves.extend(b"\0\x01\x07\x01\x01\xff\x52\0\x0c\0\0\0\x01\0\x05\x04\x04\0\x01\xff\xd9");
    ends("JPEG 2000", &image("/Width 9/Height 9/Filter/JPXDecode", &waves));
}

#[test]
fn what_paints_without_end_ends() {
    let tile = stream(
        "/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 1 1]/XStep 0.0001\
            /YStep 0.0001/Resources<<>>",
        b"0 0 1 1 re f",
    );
    let contents = stream("", b"/Pattern cs /P scn 0 0 100 100 re f");
    ends("tiles", &page(SQUARE, "/Pattern<</P 5 0 R>>", contents, &[tile]));
    let shade =
        b"<</ShadingType 1/ColorSpace/DeviceRGB/Domain[0 1e9 0 1e9]/Function<</FunctionType 2\
        /N 1e9/Domain[0 1]/C0[0 0 0]/C1[1 1 1]>>>>";
    ends("shades", &page(SQUARE, "/Shading<</S 5 0 R>>", stream("", b"/S sh"), &[shade.to_vec()]));
    let dashes = b"[0.00001] 0 d 0 0 m 100000000 100000000 l S";
    ends("dashes", &page(SQUARE, "", stream("", dashes), &[]));
    // Forms that paint the next ten times each.
    let forms: Vec<_> = (0..12)
        .map(|it| {
            let next = format!(
                "/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</A {} 0 R>>>>",
                it + 6
            );
            stream(&next, &b"/A Do ".repeat(10))
        })
        .collect();
    ends("forms", &page(SQUARE, "/XObject<</A 5 0 R>>", stream("", b"/A Do"), &forms));
}

#[test]
fn what_can_not_be_painted_is_still_read() {
    let tile = stream(
        "/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 1 1]/XStep 0.0001\
            /YStep 0.0001/Resources<<>>",
        b"0 0 1 1 re f",
    );
    let resources =
        "/Pattern<</P 5 0 R>>/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>";
    let says = "BT /F 9 Tf (before) Tj ET ";
    let contents = format!("{says}/Pattern cs /P scn 0 0 100 100 re f");
    let ended = previews(&page(SQUARE, resources, stream("", contents.as_bytes()), &[tile]));
    assert_eq!(
        (ended.done()["pages"].as_u64(), ended.read("text.txt")),
        (Some(1), b"before".into())
    );
}

#[test]
fn as_many_pages_as_are_read_and_one_more() {
    let book = |many: usize| {
        let kids: String = (0..many).map(|it| format!("{} 0 R ", it + 4)).collect();
        let pages = format!("<</Type/Pages/Kids[{kids}]/Count {many}/MediaBox[0 0 9 9]>>");
        let font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_vec();
        let mut objects = vec![CATALOG.to_vec(), pages.into_bytes(), font];
        objects.extend((0..many).map(|it| {
            let contents = many + 4 + it;
            let page = format!(
                "<</Type/Page/Parent 2 0 R/Resources<</Font<</F 3 0 R>>>>/Contents {contents} 0 R>>"
            );
            page.into_bytes()
        }));
        objects
            .extend((0..many).map(|it| stream("", format!("BT /F 1 Tf ({it}) Tj ET").as_bytes())));
        let ended = previews(&pdf(&objects));
        let text = String::from_utf8(ended.read("text.txt")).expect("text");
        let read = text.split_whitespace().count();
        (ended.done()["pages"].as_u64(), read, ended.done().get("cut").is_some())
    };
    assert_eq!(book(500), (Some(500), 500, false));
    assert_eq!(book(501), (Some(501), 500, true));
}

#[test]
fn a_pdf_has_at_most_a_quarter_of_a_gibibyte() {
    let reason = |length| {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("job.json"), r#"{"kind":"previews"}"#).expect("room");
        let path = folder.path().join("input");
        std::fs::write(&path, b"%PDF-1.7\n").expect("it is written");
        let input = std::fs::File::options().write(true).open(&path).expect("it is there");
        input.set_len(length).expect("a hole");
        let ended = Command::new(WORKER).arg(folder.path()).output().expect("it starts");
        let line: serde_json::Value = serde_json::from_slice(&ended.stdout).expect("a line");
        line["failed"]["reason"].clone()
    };
    assert_eq!(reason(256 << 20), "MEDIA_CORRUPT");
    assert_eq!(reason((256 << 20) + 1), "MEDIA_TOO_LARGE");
}

#[test]
fn what_is_no_pdf_is_broken() {
    for broken in [&b"%PDF-1.7\n"[..], b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\n"] {
        assert_eq!(previews(broken).failed(), "MEDIA_CORRUPT");
    }
}
