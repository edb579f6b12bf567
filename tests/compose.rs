//! What `docker-compose.yml` and its image promise, as far as it can be told without an engine: the
//! program knows every option, nothing but the proxy is reached from outside, all of it is bounded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use server::config::Config;
use tests::Program;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|it| panic!("{path}: {it}"))
}

/// The file with the values that `prepare.sh` made in a folder.
fn composed(folder: &Path) -> Value {
    let prepared = Command::new("sh")
        .arg(root().join("deploy/compose/prepare.sh"))
        .arg(folder)
        .output()
        .expect("a shell");
    assert!(prepared.status.success(), "{}", String::from_utf8_lossy(&prepared.stderr));
    let values = std::fs::read_to_string(folder.join(".env")).expect("it makes the values");
    let values = values.lines().filter_map(|it| it.split_once('='));
    let mut text = read("docker-compose.yml");
    for (name, value) in values {
        assert!(!value.is_empty(), "{name} has no value");
        for written in [format!("${{{name}:?}}"), format!("${{{name}:-{value}}}")] {
            text = text.replace(&written, value);
        }
    }
    assert!(!text.contains("${"), "a value is asked for that nobody makes");
    serde_saphyr::from_str(&text).expect("it is YAML")
}

fn services(file: &Value) -> Vec<(&String, &Value)> {
    file["services"].as_object().expect("services").iter().collect()
}

fn is_ours(service: &Value) -> bool {
    service["image"].as_str().is_some_and(|it| it.starts_with("parlance:"))
}

fn words(value: &Value) -> Vec<&str> {
    let words = value.as_array().into_iter().flatten();
    words.map(|it| it.as_str().expect("words")).collect()
}

/// A span such as `20s`, in milliseconds.
fn ms(span: &Value) -> u64 {
    let seconds = span.as_str().and_then(|it| it.strip_suffix('s')).expect("seconds");
    seconds.parse::<u64>().expect("a number") * 1_000
}

#[test]
fn the_program_knows_every_option_and_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = composed(folder.path());
    let image: Vec<(String, String)> = read("deploy/Dockerfile")
        .lines()
        .filter_map(|it| it.strip_prefix("ENV "))
        .flat_map(|it| it.split(' ').map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|it| it.split_once('=').map(|(name, value)| (name.into(), value.into())))
        .collect();
    assert!(image.iter().all(|(name, _)| name.starts_with("PARLANCE_")));
    let mut roles = BTreeMap::<String, usize>::new();
    for (name, service) in services(&file).into_iter().filter(|it| is_ours(it.1)) {
        let own = service["environment"].as_object().expect("an environment");
        let own = own.iter().map(|(name, it)| (name.clone(), it.as_str().expect("text").into()));
        let options: Vec<(String, String)> = image.iter().cloned().chain(own).collect();
        let options: Vec<_> =
            options.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let shown = Program::run_with(folder.path(), &options, &["config"]).stdout;
        let shown = String::from_utf8(shown).expect("text");
        let words = words(&service["command"]);
        Program::run(folder.path(), &[words[0], "--help"]);
        if words[0] != "keys" {
            assert!(shown.contains("profile = \"production\""), "{name} may be embedded");
            let peers = format!("peer_url = \"http://{name}:7070\"");
            assert!(shown.contains(&peers), "{name} is reached by another name");
        }
        *roles.entry(words[0].to_owned()).or_default() += 1;
    }
    let expected = [("command-api", 2), ("keys", 1), ("projectors", 1), ("query-api", 2)];
    assert_eq!(roles, expected.map(|(name, count)| (name.to_owned(), count)).into());
}

#[test]
fn nothing_but_the_proxy_is_reached_from_outside() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = composed(folder.path());
    for (name, network) in file["networks"].as_object().expect("networks") {
        assert_eq!(network["internal"] == true, name != "outside", "{name}");
    }
    for (name, service) in services(&file) {
        let networks = words(&service["networks"]);
        let outside = service.get("ports").is_some() || networks.contains(&"outside");
        assert_eq!(outside, name == "nginx", "{name} is reached from outside");
        assert!(name != "nginx" || networks == ["outside", "front"], "{networks:?}");
        let stores = ["kafka", "mongo", "redis", "blobs"].iter().any(|it| name.starts_with(it));
        assert!(!stores || networks == ["stores"], "{name} is in {networks:?}");
    }
    let proxies = &file["x-node-environment"]["PARLANCE_TRUSTED_PROXIES"];
    let front = file["networks"]["front"]["ipam"]["config"][0]["subnet"].as_str();
    assert!(proxies.as_str().expect("networks").contains(front.expect("a network")));
}

#[test]
fn everything_is_pinned_bounded_and_looked_after() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = composed(folder.path());
    let volumes = file["volumes"].as_object().expect("volumes");
    for (name, service) in services(&file) {
        let image = service["image"].as_str().expect("an image");
        let tag = image.split_once(':').map_or("", |(_, tag)| tag);
        assert!(tag.matches('.').count() == 2, "{image} is not pinned");
        let limits = &service["deploy"]["resources"]["limits"];
        let bounded = ["cpus", "memory", "pids"].iter().all(|it| limits.get(it).is_some());
        assert!(bounded, "{name} is not bounded");
        for volume in words(&service["volumes"]).iter().filter_map(|it| it.split_once(':')) {
            let named = volumes.contains_key(volume.0);
            assert!(named || root().join(volume.0).is_file(), "{name}: {} is absent", volume.0);
        }
        for secret in words(&service["secrets"]) {
            let place = file["secrets"][secret]["file"].as_str().expect("a file");
            let place = place.strip_prefix("deploy/compose/").expect("a file of prepare.sh");
            assert!(folder.path().join(place).is_file(), "{place} is not made");
        }
        if name == "mongo-setup" {
            assert_eq!(service["restart"], "on-failure");
            continue;
        }
        assert_eq!(service["restart"], "unless-stopped", "{name}");
        assert!(service["healthcheck"].get("test").is_some(), "{name} is not looked after");
        if is_ours(service) && name != "keys" {
            let drain = service["environment"]["PARLANCE_DRAIN_MS_MAX"].as_str();
            let drain: u64 = drain.and_then(|it| it.parse().ok()).expect("a number");
            assert!(ms(&service["stop_grace_period"]) >= drain + 6_000, "{name}");
        }
    }
    assert_eq!(Config::default().drain_ms_max, 10_000);
    let built = read("deploy/Dockerfile");
    let rust = read("rust-toolchain.toml");
    let rust = rust.split('"').nth(1).expect("a version");
    assert!(built.contains(&format!("FROM rust:{rust}-")), "the image is built by another Rust");
    assert!(built.contains("\nUSER 10001"), "the image runs as root");
}

#[test]
fn the_image_looks_into_files_in_memory() {
    let built = read("deploy/Dockerfile");
    let shipped = "/build/target/release/parlance-media-worker /usr/local/bin/";
    assert!(built.contains(shipped), "the program is not beside the other");
    let folder = tempfile::tempdir().expect("a folder");
    let file = composed(folder.path());
    for (name, service) in services(&file).into_iter().filter(|it| is_ours(it.1)) {
        // What lies in the clear there is written to no disk.
        let folds = words(&service["command"])[0] == "projectors";
        let in_memory = words(&service["tmpfs"]).iter().any(|it| it.starts_with("/tmp:"));
        assert_eq!(in_memory, folds, "{name}");
    }
}

#[test]
fn nginx_takes_its_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    composed(folder.path());
    let here = |name: &str| folder.path().join(name).display().to_string();
    // Names of containers are resolved where those are, by an nginx that can do so while it runs.
    let main = read("deploy/compose/nginx.conf")
        .replace("/run/nginx.pid", &here("nginx.pid"))
        .replace(" resolve ", " ")
        .replace("listen 80 ", "listen 127.0.0.1:8081 ");
    let main = ["command-api-1", "command-api-2", "query-api-1", "query-api-2"]
        .iter()
        .fold(main, |it, node| it.replace(node, "127.0.0.1"));
    let listen = read("deploy/compose/parlance-listen.conf")
        .replace("listen 443", "listen 127.0.0.1:8443")
        .replace("/run/secrets", &here("secrets"));
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text);
    write("nginx.conf", main).expect("a written file");
    write("parlance-listen.conf", listen).expect("a written file");
    write("parlance.conf", read("deploy/nginx/parlance.conf")).expect("a written file");
    let told = Command::new("nginx").arg("-t").arg("-c").arg(here("nginx.conf")).output();
    let told = told.expect("nginx");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
}
