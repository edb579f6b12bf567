//! The program that looks into files, played by a shell.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::entropy::System;

/// A program in a folder of its own, which a shell runs.
fn program(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("program");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

fn settings(folder: &Path, text: &str) -> Settings {
    let (program, folder) = (program(folder, text), folder.join("work"));
    Settings { program, folder, at_once: 2, wall: Duration::from_secs(20) }
}

async fn ended(text: &str, wall: Duration) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { wall, ..settings(folder.path(), text) };
    let worker = MediaWorker::open(settings, &System).unwrap();
    let scratch = worker.scratch().unwrap();
    fs::write(scratch.input(), b"input").unwrap();
    worker.run(&scratch, b"{}", Load::Small, &|_| ()).await.unwrap()
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn what_a_program_says_and_how_it_ends_is_told() {
    let said = ended("cat \"$1/input\" \"$1/job.json\"; env | grep -c HOME; exit 3", LONG).await;
    assert_eq!(said, Ended::Itself { code: Some(3), said: b"input{}0\n".to_vec() });
    let killed = ended("kill -9 $$", LONG).await;
    assert_eq!(killed, Ended::Itself { code: None, said: Vec::new() });
    assert_eq!(ended("exec sleep 1000", Duration::from_millis(200)).await, Ended::TooLong);
    let loud = ended("head -c 5000000 /dev/zero", LONG).await;
    let most = usize::try_from(SAID_BYTES_MAX).unwrap();
    assert!(matches!(loud, Ended::Itself { code: Some(0), said } if said.len() == most));
}

#[tokio::test]
async fn folders_are_private_and_go_with_their_jobs_and_their_process() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path(), "exit 0");
    let worker = MediaWorker::open(settings.clone(), &System).unwrap();
    let scratch = worker.scratch().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&worker.folder), mode(&scratch.0)), (0o700, 0o700));
    fs::write(scratch.input(), b"secret").unwrap();
    let at = scratch.0.clone();
    drop(scratch);
    assert!(!at.exists());
    // One that was killed has let go of its lock and left everything.
    let left = settings.folder.join(format!("{PREFIX}dead"));
    fs::create_dir_all(left.join("0")).unwrap();
    fs::write(left.join(LOCK), b"").unwrap();
    let foreign = settings.folder.join("another");
    fs::create_dir_all(&foreign).unwrap();
    let second = MediaWorker::open(settings, &System).unwrap();
    assert!(!left.exists() && foreign.exists() && worker.folder.exists());
    let own = second.folder.clone();
    drop(second);
    assert!(!own.exists());
}

#[tokio::test]
async fn what_does_not_start_or_is_refused_gets_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path(), "exit 4");
    let refused = MediaWorker::open(settings.clone(), &System).unwrap();
    assert!(refused.check().await.is_err() && !refused.works());
    let program = folder.path().join("absent");
    let absent = Settings { program, ..settings.clone() };
    let absent = MediaWorker::open(absent, &System).unwrap();
    assert!(absent.check().await.is_err());
    for (text, tool) in [("exit 0", 1), ("echo '{\"tool\":7,\"kind\":\"other\"}'", 7)] {
        let good = Settings { program: self::program(folder.path(), text), ..settings.clone() };
        let worker = MediaWorker::open(good, &System).unwrap();
        assert!(worker.check().await.is_ok());
        assert_eq!(worker.tool(), tool);
    }
}

#[tokio::test]
async fn how_far_a_program_has_come_is_heard_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let lines = "for it in 1 50 50 7 100 101; do echo \"{\\\"progress\\\":$it}\"; done; echo '{}'";
    let worker = MediaWorker::open(settings(folder.path(), lines), &System).unwrap();
    let scratch = worker.scratch().unwrap();
    let heard = std::sync::Mutex::new(Vec::new());
    let hears = |it| heard.lock().unwrap().push(it);
    let ended = worker.run(&scratch, b"{}", Load::Long, &hears).await.unwrap();
    assert_eq!(ended, Ended::Itself { code: Some(0), said: b"{}\n".to_vec() });
    assert_eq!(*heard.lock().unwrap(), [1, 50, 100]);
}

#[tokio::test]
async fn large_files_leave_a_place_to_small_ones() {
    let folder = tempfile::tempdir().unwrap();
    let worker = MediaWorker::open(settings(folder.path(), "exit 0"), &System).unwrap();
    worker.set_works(true);
    let _large = worker.place(Load::Large).await;
    assert!(tokio::time::timeout(Duration::ZERO, worker.place(Load::Large)).await.is_err());
    // What takes long is in nobody's way, and waits for nobody.
    let _long = worker.place(Load::Long).await;
    assert!(tokio::time::timeout(Duration::ZERO, worker.place(Load::Long)).await.is_err());
    let small = worker.place(Load::Small).await;
    assert!(tokio::time::timeout(Duration::ZERO, worker.place(Load::Small)).await.is_err());
    // Whoever waits for a place gets none of a worker that has failed meanwhile.
    let waits = worker.place(Load::Small);
    tokio::pin!(waits);
    assert!(futures_util::poll!(&mut waits).is_pending());
    worker.fails();
    drop(small);
    assert!(futures_util::poll!(&mut waits).is_pending());
    worker.set_works(true);
    waits.await;
}

#[tokio::test]
async fn a_folder_that_was_tidied_away_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let worker = MediaWorker::open(settings(folder.path(), "exit 0"), &System).unwrap();
    fs::remove_dir_all(&worker.folder).unwrap();
    let scratch = worker.scratch().unwrap();
    let mode = fs::metadata(&worker.folder).unwrap().permissions().mode();
    assert_eq!((scratch.0.is_dir(), mode & 0o777), (true, 0o700));
}
