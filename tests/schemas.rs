//! Published artefacts follow the code: generated, committed, compared; history stays readable.

use std::path::{Path, PathBuf};

use chat::kernel::schemas::{Numbered, parse, updated};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Whether the artefacts are to be written instead of compared: `make schemas`.
fn blessing() -> bool {
    option_env!("PARLANCE_BLESS").is_some() || std::env::var_os("PARLANCE_BLESS").is_some()
}

fn committed() -> Vec<Numbered> {
    let text =
        std::fs::read_to_string(root().join("schemas/ids.jsonl")).expect("the file is there");
    parse(&text).expect("the committed file is well-formed")
}

/// Compares a file with what it must hold, or writes it.
fn current(path: &str, expected: &str) {
    let file = root().join(path);
    if blessing() {
        std::fs::create_dir_all(file.parent().expect("a file has a folder")).expect("a folder");
        std::fs::write(&file, expected).expect("a written file");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == expected, "{path} is not what the code says: run `make schemas`");
}

#[test]
fn schema_ids_are_current_and_only_appended() {
    let lines: String = updated(&committed())
        .iter()
        .map(|it| serde_json::to_string(it).expect("plain data") + "\n")
        .collect();
    current("schemas/ids.jsonl", &lines);
}
