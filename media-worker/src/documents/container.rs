//! Which document a container holds, and its parts, each as far as it may be unpacked.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, Take};

use cfb::CompoundFile;
use zip::ZipReadOptions;
use zip::read::{Config, ZipFile, ZipFileEntry};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

use crate::outcome::{Failure, Kind};
use crate::sniff::Sniffed;

pub(super) const DOCX: &str =
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
pub(super) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
pub(super) const PPTX: &str =
    "application/vnd.openxmlformats-officedocument.presentationml.presentation";
pub(super) const ODT: &str = "application/vnd.oasis.opendocument.text";
pub(super) const ODS: &str = "application/vnd.oasis.opendocument.spreadsheet";
pub(super) const ODP: &str = "application/vnd.oasis.opendocument.presentation";
pub(super) const DOC: &str = "application/msword";
pub(super) const XLS: &str = "application/vnd.ms-excel";
pub(super) const PPT: &str = "application/vnd.ms-powerpoint";
/// Something else that is kept as the old documents are, or a new one behind a password.
pub(super) const OLE: &str = "application/x-ole-storage";

/// Names of a container that are looked at. Documents have some dozens.
const NAMES_MAX: usize = 10_000;

/// What one part may unpack to, and all that are read of a document.
const PART_BYTES_MAX: u64 = 64 << 20;
const PARTS_BYTES_MAX: u64 = 128 << 20;

/// The file as what it holds: an archive that is a document is a document.
pub(crate) fn refined(sniffed: Sniffed, input: &mut File) -> Result<Sniffed, Failure> {
    let known = match sniffed.media_type {
        "application/zip" => Parts::open(input).ok().and_then(|mut it| it.document()),
        OLE => Some(old(input)),
        _ => return Ok(sniffed),
    };
    input.rewind().map_err(Failure::corrupt)?;
    let document = known.map(|media_type| Sniffed { media_type, kind: Kind::Document });
    Ok(document.unwrap_or(sniffed))
}

fn old(input: &File) -> &'static str {
    let Ok(file) = CompoundFile::open(input) else { return OLE };
    let known = [("WordDocument", DOC), ("Workbook", XLS), ("Book", XLS), (PPT_STREAM, PPT)];
    known.iter().find(|it| file.is_stream(it.0)).map_or(OLE, |it| it.1)
}

/// Where PowerPoint keeps what is said.
pub(super) const PPT_STREAM: &str = "PowerPoint Document";

/// The parts of a document that is a ZIP, by name. The first of a name counts.
pub(super) struct Parts<'a> {
    reader: BufReader<&'a File>,
    entries: BTreeMap<String, ZipFileEntry<'static>>,
    /// Bytes that may still be unpacked.
    left: u64,
}

/// A part that is being unpacked.
pub(super) type Part<'a, 'b> = Take<ZipFile<'b, BufReader<&'a File>>>;

impl<'a> Parts<'a> {
    pub(super) fn open(input: &'a File) -> Result<Parts<'a>, ZipError> {
        let mut archive = ZipIterable::try_new(BufReader::new(input), Config::default())?;
        let mut entries = BTreeMap::new();
        for entry in archive.files()?.take(NAMES_MAX) {
            let entry = entry?;
            let Ok(name) = entry.name() else { continue };
            let name = name.into_owned();
            entries.entry(name).or_insert(entry);
        }
        Ok(Parts { reader: BufReader::new(input), entries, left: PARTS_BYTES_MAX })
    }

    /// Which document it is; nothing if it is an archive.
    fn document(&mut self) -> Option<&'static str> {
        if self.entries.contains_key("[Content_Types].xml") {
            let known =
                [("word/document", DOCX), ("xl/workbook", XLSX), ("ppt/presentation", PPTX)];
            let known = known.iter().find(|it| self.named(it.0, ".xml").next().is_some());
            return known.map(|it| it.1);
        }
        let said = self.text("mimetype", 100)?;
        [ODT, ODS, ODP].into_iter().find(|it| *it == said.trim_end())
    }

    /// The names that begin and end so.
    pub(super) fn named<'n>(
        &'n self,
        begins: &'n str,
        ends: &'n str,
    ) -> impl Iterator<Item = &'n str> {
        let from = self.entries.range(begins.to_owned()..).map(|it| it.0.as_str());
        from.take_while(move |it| it.starts_with(begins)).filter(move |it| it.ends_with(ends))
    }

    /// A part, as far as it may be unpacked. It is read once.
    pub(super) fn read(&mut self, name: &str) -> Option<Part<'a, '_>> {
        let entry = self.entries.remove(name)?;
        // What it claims is believed only as far as it makes room for less.
        let most = PART_BYTES_MAX.min(self.left);
        self.left -= most.min(entry.size());
        let part = entry.with_reader(&mut self.reader, ZipReadOptions::new()).ok()?;
        Some(part.take(most))
    }

    /// A part of so many bytes at most.
    pub(super) fn bytes(&mut self, name: &str, most: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read(name)?.take(most + 1).read_to_end(&mut bytes).ok()?;
        Some(bytes).filter(|it| it.len() as u64 <= most)
    }

    fn text(&mut self, name: &str, most: u64) -> Option<String> {
        String::from_utf8(self.bytes(name, most)?).ok()
    }
}
