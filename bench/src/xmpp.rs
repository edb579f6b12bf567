//! The peer: ejabberd with its archive in PostgreSQL, and the least XMPP that drives it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};
use memchr::{memchr, memmem};

use crate::cpu::Processes;
use crate::dialect::{self, Dialect, Heard};
use crate::line::Dialogue;
use crate::process;
use crate::stage::{Route, SENDERS, Shape, Stage};
use crate::ws::{Cut, FrameKind};

const SCRIPT: &str = include_str!("../peer/ejabberd.sh");
const HOST: &str = "bench.localhost";
const ACCOUNTS: usize = 40;
/// What the script exits with where a package is missing.
const ABSENT: i32 = 3;

/// Both servers, run by a script that stops them when its input closes.
#[derive(Debug)]
pub(crate) struct Ejabberd {
    script: Child,
    address: SocketAddr,
    processes: Processes,
    rooms: usize,
}

impl Ejabberd {
    /// Starts it; none where a package is missing, which the script has said.
    pub(crate) fn start(folder: &Path) -> Result<Option<Self>> {
        let (address, sql) = (process::free_address()?, process::free_address()?);
        let home = folder.join("ejabberd");
        fs::create_dir_all(&home)?;
        let path = home.join("ejabberd.sh");
        fs::write(&path, SCRIPT)?;
        let log = home.join("script.log");
        let mut script = Command::new("sh")
            .arg(&path)
            .arg(&home)
            .args([address.port().to_string(), sql.port().to_string(), ACCOUNTS.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log)?)
            .spawn()
            .context("run sh")?;
        let mut word = String::new();
        let output = script.stdout.take().expect("the output is piped");
        BufReader::new(output).read_line(&mut word)?;
        let Some(pids) = word.strip_prefix("ready ") else {
            let status = script.wait()?;
            if status.code() == Some(ABSENT) {
                return Ok(None);
            }
            bail!("ejabberd does not start ({status}): {}", why(&log, &home));
        };
        let pids: Result<Vec<u32>, _> = pids.split_whitespace().map(str::parse).collect();
        let processes = Processes::new(pids.context("the script names two processes")?);
        Ok(Some(Self { script, address, processes, rooms: 0 }))
    }

    pub(crate) async fn stage(&mut self, shape: Shape) -> Result<Stage> {
        let mut stage = Stage::new(Rc::new(Xmpp), self.processes.clone());
        match shape {
            Shape::Group { online } => self.group(&mut stage, online).await?,
            Shape::Pairs { pairs } => self.pairs(&mut stage, pairs).await?,
        }
        Ok(stage)
    }

    /// A room whose first occupants also send: XMPP lets nobody else.
    async fn group(&mut self, stage: &mut Stage, online: usize) -> Result<()> {
        self.rooms += 1;
        let room = format!("room{}@conference.{HOST}", self.rooms);
        let circle = stage.ledger.borrow_mut().add_circle();
        for number in 0..online {
            let mut dialogue = self.session(number % ACCOUNTS, number).await?;
            let presence = format!(
                "<presence to='{room}/n{number}'><x xmlns='http://jabber.org/protocol/muc'>\
                 <history maxstanzas='0'/></x></presence>"
            );
            dialogue.say(presence.as_bytes()).await?;
            dialogue.until(&Xmpp, "code='110'").await?;
            stage.attach(dialogue, Some(circle));
        }
        stage.routes = (0..SENDERS)
            .map(|line| Route { line, conversation: format!("{room}\ngroupchat"), circle })
            .collect();
        Ok(())
    }

    async fn pairs(&mut self, stage: &mut Stage, pairs: usize) -> Result<()> {
        ensure!(2 * pairs <= ACCOUNTS, "there are accounts for {} pairs", ACCOUNTS / 2);
        for pair in 0..pairs {
            let circle = stage.ledger.borrow_mut().add_circle();
            stage.attach(self.session(2 * pair, pair).await?, Some(circle));
            let line = stage.attach(self.session(2 * pair + 1, pair).await?, None);
            let conversation = format!("u{}@{HOST}/r{pair}\nchat", 2 * pair);
            stage.routes.push(Route { line, conversation, circle });
        }
        Ok(())
    }

    /// Signs in and becomes available.
    async fn session(&self, account: usize, resource: usize) -> Result<Dialogue> {
        let mut dialogue = Dialogue::connect(self.address).await?;
        let stream = format!(
            "<stream:stream to='{HOST}' xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
        );
        dialogue.say(stream.as_bytes()).await?;
        dialogue.until(&Xmpp, "<mechanism>PLAIN<").await?;
        let secret = base64(format!("\0u{account}\0secret").as_bytes());
        let auth = format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>"
        );
        dialogue.say(auth.as_bytes()).await?;
        dialogue.until(&Xmpp, "<success").await?;
        dialogue.say(stream.as_bytes()).await?;
        dialogue.until(&Xmpp, "xmpp-bind").await?;
        let bind = format!(
            "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
             <resource>r{resource}</resource></bind></iq>"
        );
        dialogue.say(bind.as_bytes()).await?;
        dialogue.until(&Xmpp, "<jid>").await?;
        dialogue.say(b"<presence/>").await?;
        Ok(dialogue)
    }
}

impl Drop for Ejabberd {
    fn drop(&mut self) {
        // The script stops both when it reads the end of its input.
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}

fn why(log: &Path, home: &Path) -> String {
    let erlang: PathBuf = home.join("log/erl.log");
    format!("{} {}", process::log_end(log), process::log_end(&erlang))
}

/// XML stanzas over TCP.
#[derive(Debug)]
struct Xmpp;

impl Dialect for Xmpp {
    fn cut(&self, arrived: &[u8]) -> Result<Option<Cut>> {
        cut(arrived)
    }

    fn hear(&self, payload: &[u8]) -> Heard {
        if memmem::find(payload, b"type='error'").is_some() {
            let words = String::from_utf8_lossy(payload).into_owned();
            Heard::Refused(dialect::token_in(payload), words)
        } else if let Some(ping) = ping(payload) {
            Heard::Ping(ping)
        } else {
            dialect::token_in(payload).map_or(Heard::Aside, Heard::Delivery)
        }
    }

    /// The conversation is an address and, on a second line, the type of its messages.
    fn send(&self, conversation: &str, token: u64, text: &str, out: &mut Vec<u8>) {
        let (to, kind) = conversation.split_once('\n').expect("a route names the type");
        let stanza =
            format!("<message to='{to}' type='{kind}' id='m{token}'><body>{text}</body></message>");
        self.frame(stanza.as_bytes(), out);
    }

    fn frame(&self, payload: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(payload);
    }

    fn acknowledges(&self) -> bool {
        false
    }
}

/// The answer to a ping of the server.
fn ping(payload: &[u8]) -> Option<Vec<u8>> {
    memmem::find(payload, b"urn:xmpp:ping")?;
    let text = std::str::from_utf8(payload).ok()?;
    let id = text.split_once(" id='")?.1.split_once('\'')?.0;
    Some(format!("<iq type='result' id='{id}'/>").into_bytes())
}

/// The first whole stanza; the opening of a stream counts as one.
fn cut(arrived: &[u8]) -> Result<Option<Cut>> {
    let mut depth = 0;
    let mut at = 0;
    while let Some(open) = memchr(b'<', &arrived[at..]) {
        let start = at + open;
        let Some(end) = tag_end(&arrived[start..]) else { break };
        let tag = &arrived[start..start + end];
        at = start + end;
        let closes = tag.starts_with(b"</");
        if closes && depth == 0 {
            return Ok(Some(whole(at, FrameKind::Close)));
        }
        if closes {
            depth -= 1;
        } else if tag.starts_with(b"<?") {
            continue;
        } else if tag.starts_with(b"<stream:stream") {
            return Ok(Some(whole(at, FrameKind::Text)));
        } else if !tag.ends_with(b"/>") {
            depth += 1;
        }
        if depth == 0 {
            return Ok(Some(whole(at, FrameKind::Text)));
        }
    }
    ensure!(arrived.len() < 1 << 22, "a stanza does not end");
    Ok(None)
}

fn whole(taken: usize, kind: FrameKind) -> Cut {
    Cut { taken, kind, payload: 0..taken, mask: None }
}

/// The length of the tag at the front; a `>` inside quotes does not end it.
fn tag_end(bytes: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (index, byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(index + 1),
            (None, b'\'' | b'"') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            (None | Some(_), _) => (),
        }
    }
    None
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let padded = chunk.iter().chain([&0; 2]).take(3);
        let word = padded.fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        for digit in 0..4 {
            let sextet = word >> (18 - 6 * digit) & 63;
            out.push(if digit <= chunk.len() { char::from(DIGITS[sextet]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{base64, cut};

    #[test]
    fn stanzas_are_cut_one_by_one() {
        let text = b"<?xml version='1.0'?><stream:stream id='1'><a b='>'><c/>x</a><d/><e>";
        let mut stanzas = Vec::new();
        let mut rest = text.as_slice();
        while let Some(frame) = cut(rest).unwrap() {
            stanzas.push(std::str::from_utf8(&rest[..frame.taken]).unwrap());
            rest = &rest[frame.taken..];
        }
        let opening = "<?xml version='1.0'?><stream:stream id='1'>";
        assert_eq!(stanzas, [opening, "<a b='>'><c/>x</a>", "<d/>"]);
        assert_eq!(rest, b"<e>");
    }

    #[test]
    fn base64_pads() {
        assert_eq!(base64(b"\0u1\0secret"), "AHUxAHNlY3JldA==");
        assert_eq!(base64(b"abc"), "YWJj");
        assert_eq!(base64(b"abcde"), "YWJjZGU=");
    }
}
