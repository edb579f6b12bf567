//! The master key is replaced while people write, and the old one is of no use afterwards.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tests::{Client, Http, Person, Program};

use crate::{at, messages, refused, run};

fn master(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("master.key")).expect("a master key")
}

#[test]
fn the_master_key_is_replaced_while_people_write() {
    let place = tempfile::tempdir().expect("a folder");
    let data = place.path().join("data");
    let server = Program::serve(&data, 0);
    let client = std::sync::Arc::new(Client::new(Http::new(server.address)));
    let (ann, ben) = (Person::register(&client, "ann"), Person::register(&client, "ben"));
    let group = ann.creates_group("harbour", &[&ben]);
    let old = master(&data);

    let over = AtomicBool::new(false);
    let sent = thread::scope(|scope| {
        // Whatever is not answered well ends the test.
        let writes = |person: &Person| {
            let mut sent = 0;
            while !over.load(Ordering::Acquire) || sent == 0 {
                person.deletes(&person.sends(&group, "deleted").id);
                person.sends(&group, "kept");
                person.sends(&person.creates_group("keys are made", &[]), "kept");
                sent += 1;
            }
            sent
        };
        let writers = [&ann, &ben].map(|it| scope.spawn(move || writes(it)));
        for _ in 0..3 {
            let told = run(&data, &[], &["rotate-master-key"]);
            assert!(told.contains("is new"), "{told}");
        }
        over.store(true, Ordering::Release);
        writers.into_iter().map(|it| it.join().expect("all went well")).sum::<u64>()
    });
    let new = master(&data);
    assert!(new.len() == 32 && new != old);
    let seen = messages(&ann, &group);
    assert_eq!(seen.iter().filter(|it| it["text"] == "kept").count() as u64, sent);
    server.kill();

    std::fs::write(data.join("master.key"), &old).expect("the old key");
    let complaint = refused(&data, &[], &["serve", "--listen", "127.0.0.1:0"]);
    assert!(complaint.contains("does not open under the master key"), "{complaint}");
    std::fs::write(data.join("master.key"), &new).expect("the new key");

    // Nothing is running now, and it is replaced all the same.
    run(&data, &[], &["rotate-master-key"]);
    assert_ne!(master(&data), new);
    let server = Program::serve(&data, 0);
    let ben = at(&ben, &server);
    ben.sends(&group, "and on");
    assert_eq!(messages(&ben, &group)[1..], seen[..]);
    server.terminate();
}
