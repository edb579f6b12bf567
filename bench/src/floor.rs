//! The floor: WebSocket in, JSON parsed, appended and synced in groups, encoded once, fanned out.
//!
//! It knows nobody and forbids nothing, so it bounds what any design can reach on a machine.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::mpsc as from_runtime;
use std::thread;

use anyhow::{Context, Result, bail};
use memchr::memmem;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc as to_runtime;

use crate::outlet::Outlet;
use crate::ws::{self, FrameKind};

#[derive(Debug, Clone, Copy, PartialEq, clap::ValueEnum)]
pub(crate) enum Mode {
    /// The same bytes for every recipient, one write each.
    Shared,
    /// What is pending for a connection goes out in one write.
    Joined,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[arg(long)]
    mode: Mode,
    #[arg(long)]
    listen: SocketAddr,
    /// The file that messages are appended to.
    #[arg(long)]
    log: PathBuf,
}

/// What clients say: `room` and `text` to post, `join` to hear a room.
#[derive(Debug, Deserialize)]
struct Said {
    join: Option<String>,
    room: Option<String>,
    text: Option<String>,
}

#[derive(Debug, Serialize)]
struct Spoken<'a> {
    kind: &'static str,
    room: &'a str,
    seq: u64,
    from: usize,
    text: &'a str,
}

#[derive(Debug)]
struct Post {
    seat: usize,
    room: usize,
    seq: u64,
    text: String,
}

#[derive(Debug, Default)]
struct Room {
    name: String,
    seats: Vec<(usize, Rc<Outlet>)>,
}

#[derive(Debug)]
struct Hub {
    mode: Mode,
    seats: HashMap<usize, Rc<Outlet>>,
    rooms: Vec<Room>,
    names: HashMap<String, usize>,
    seats_ever: usize,
    writer: from_runtime::Sender<Post>,
}

/// Runs until it is killed.
pub(crate) async fn serve(options: Options) -> Result<()> {
    let log = File::options().create(true).append(true).open(&options.log)?;
    let (writer, posts) = from_runtime::channel();
    let (durable, mut batches) = to_runtime::unbounded_channel();
    thread::spawn(move || {
        if let Err(error) = write(log, &posts, &durable) {
            eprintln!("the log is lost: {error:#}");
            std::process::exit(1);
        }
    });
    let hub = Rc::new(RefCell::new(Hub {
        mode: options.mode,
        seats: HashMap::new(),
        rooms: Vec::new(),
        names: HashMap::new(),
        seats_ever: 0,
        writer,
    }));
    let fan = Rc::clone(&hub);
    tokio::task::spawn_local(async move {
        while let Some(mut batch) = batches.recv().await {
            while let Ok(more) = batches.try_recv() {
                batch.extend(more);
            }
            fan.borrow().fan_out(&batch);
        }
    });
    let listener = TcpListener::bind(options.listen).await?;
    let read = Rc::new(RefCell::new(vec![0; 64 * 1024]));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (hub, read) = (Rc::clone(&hub), Rc::clone(&read));
        tokio::task::spawn_local(async move {
            let seat = hub.borrow_mut().seat(stream);
            // However a connection ends, its seat is free.
            let _ = attend(&hub, seat, &read).await;
            hub.borrow_mut().leave(seat);
        });
    }
}

/// Group commit: whatever has come meanwhile shares one sync.
fn write(
    mut log: File,
    posts: &from_runtime::Receiver<Post>,
    durable: &to_runtime::UnboundedSender<Vec<Post>>,
) -> Result<()> {
    let mut seq = 0;
    let mut record = Vec::new();
    while let Ok(first) = posts.recv() {
        let mut batch = vec![first];
        batch.extend(posts.try_iter());
        record.clear();
        for post in &mut batch {
            seq += 1;
            post.seq = seq;
            writeln!(record, "{seq} {} {} {}", post.room, post.seat, post.text)?;
        }
        log.write_all(&record)?;
        log.sync_data()?;
        durable.send(batch).context("the runtime is gone")?;
    }
    Ok(())
}

impl Hub {
    fn seat(&mut self, stream: TcpStream) -> usize {
        self.seats_ever += 1;
        self.seats.insert(self.seats_ever, Outlet::new(Rc::new(stream)));
        self.seats_ever
    }

    fn leave(&mut self, seat: usize) {
        self.seats.remove(&seat);
        self.rooms.iter_mut().for_each(|room| room.seats.retain(|(other, _)| *other != seat));
    }

    fn room(&mut self, name: String) -> usize {
        if let Some(room) = self.names.get(&name) {
            return *room;
        }
        self.rooms.push(Room { name: name.clone(), seats: Vec::new() });
        self.names.insert(name, self.rooms.len() - 1);
        self.rooms.len() - 1
    }

    fn hear(&mut self, seat: usize, payload: &[u8]) -> Result<()> {
        match serde_json::from_slice(payload)? {
            Said { join: Some(name), .. } => {
                let room = self.room(name);
                let outlet = Rc::clone(&self.seats[&seat]);
                let mut answer = Vec::new();
                ws::push(&mut answer, FrameKind::Text, br#"{"kind":"joined"}"#);
                outlet.write(&answer);
                self.rooms[room].seats.push((seat, outlet));
            }
            Said { room: Some(name), text: Some(text), .. } => {
                let room = self.room(name);
                self.writer.send(Post { seat, room, seq: 0, text }).context("no writer")?;
            }
            Said { .. } => bail!("neither joins nor posts"),
        }
        Ok(())
    }

    fn fan_out(&self, batch: &[Post]) {
        let mut frames = Vec::new();
        let mut payload = Vec::new();
        for (index, post) in batch.iter().enumerate() {
            let room = &self.rooms[post.room];
            let (text, from) = (post.text.as_str(), post.seat);
            let spoken = Spoken { kind: "message", room: &room.name, seq: post.seq, from, text };
            payload.clear();
            serde_json::to_writer(&mut payload, &spoken).expect("plain fields serialise");
            ws::push(&mut frames, FrameKind::Text, &payload);
            let next = batch.get(index + 1);
            if self.mode == Mode::Shared || next.is_none_or(|next| next.room != post.room) {
                room.seats.iter().for_each(|(_, seat)| seat.write(&frames));
                frames.clear();
            }
        }
        for post in batch {
            if let Some(sender) = self.seats.get(&post.seat) {
                let mut answer = Vec::new();
                let accepted = format!(r#"{{"kind":"accepted","seq":{}}}"#, post.seq);
                ws::push(&mut answer, FrameKind::Text, accepted.as_bytes());
                sender.write(&answer);
            }
        }
    }
}

async fn attend(hub: &RefCell<Hub>, seat: usize, buffer: &RefCell<Vec<u8>>) -> Result<()> {
    let outlet = Rc::clone(&hub.borrow().seats[&seat]);
    let mut rest = Vec::new();
    let mut upgraded = false;
    loop {
        outlet.stream.readable().await?;
        {
            let mut buffer = buffer.borrow_mut();
            match outlet.stream.try_read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => rest.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            }
        }
        if !upgraded {
            let Some(end) = memmem::find(&rest, b"\r\n\r\n") else { continue };
            rest.drain(..end + 4);
            upgraded = true;
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Accept: {}\r\n\r\n",
                ws::ACCEPT
            );
            outlet.write(answer.as_bytes());
        }
        let mut taken = 0;
        while let Some(frame) = ws::cut(&rest[taken..])? {
            let payload = &mut rest[taken..][frame.payload];
            frame.mask.into_iter().for_each(|mask| ws::unmask(payload, mask));
            match frame.kind {
                FrameKind::Text => hub.borrow_mut().hear(seat, payload)?,
                FrameKind::Ping | FrameKind::Pong => (),
                FrameKind::Close => return Ok(()),
            }
            taken += frame.taken;
        }
        rest.drain(..taken);
        if rest.is_empty() {
            rest = Vec::new();
        }
    }
}
