//! Tells what one line of the log says, without knowing the lines around it.

use jiff::civil::Time;
use serde::Serialize;

/// What a readable line reports; names are as typed, texts as they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Message { nick: String, text: String },
    Action { nick: String, text: String },
    Join { nick: String, ident: String },
    Part { nick: String, ident: String },
    Quit { nick: String, ident: String, lost: bool },
    Kick { nick: String },
    Rename { from: String, to: String },
    Notice,
    Service,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Blank,
    Unreadable(Reason),
    Readable { time: Time, entry: Entry },
}

/// Why a line says nothing to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The line does not begin with `[hh:mm:ss] `.
    NoTime,
    /// The line begins with a time that no clock shows.
    NoSuchTime,
    /// The line has a time, then a form that this log is not known to use.
    UnknownForm,
}

pub(super) fn parse(line: &str) -> Line {
    if line.trim().is_empty() {
        return Line::Blank;
    }
    let Some((stamp, rest)) = line.strip_prefix('[').and_then(|it| it.split_once(']')) else {
        return Line::Unreadable(Reason::NoTime);
    };
    let Some(digits) = stamp_digits(stamp) else {
        return Line::Unreadable(Reason::NoTime);
    };
    let Some(time) = clock_time(digits) else {
        return Line::Unreadable(Reason::NoSuchTime);
    };
    match rest.strip_prefix(' ').and_then(entry) {
        Some(entry) => Line::Readable { time, entry },
        None => Line::Unreadable(Reason::UnknownForm),
    }
}

fn stamp_digits(stamp: &str) -> Option<[i8; 3]> {
    let mut parts = stamp.split(':').map(|part| {
        let two_digits = part.len() == 2 && part.bytes().all(|it| it.is_ascii_digit());
        if two_digits { part.parse().ok() } else { None }
    });
    let digits = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(digits)
}

fn clock_time([hour, minute, second]: [i8; 3]) -> Option<Time> {
    // A leap second is shown as 60, which no civil time can hold.
    Time::new(hour, minute, if second == 60 { 59 } else { second }, 0).ok()
}

fn entry(rest: &str) -> Option<Entry> {
    if let Some(change) = rest.strip_prefix("*** ") {
        return channel_entry(change);
    }
    if let Some(said) = rest.strip_prefix('<') {
        let (nick, text) = said.split_once('>')?;
        let text = text.strip_prefix(' ').unwrap_or(text).to_owned();
        return Some(Entry::Message { nick: nick_of(nick)?, text });
    }
    if let Some(done) = rest.strip_prefix("* ") {
        let (nick, text) = done.split_once(' ').unwrap_or((done, ""));
        return Some(Entry::Action { nick: nick_of(nick)?, text: text.to_owned() });
    }
    let (nick, _) = rest.strip_prefix('-')?.split_once("- ")?;
    nick_of(nick).map(|_| Entry::Notice)
}

fn channel_entry(change: &str) -> Option<Entry> {
    if let Some(who) = change.strip_prefix("Joins: ") {
        let (nick, ident, _) = mask(who)?;
        return Some(Entry::Join { nick, ident });
    }
    if let Some(who) = change.strip_prefix("Parts: ") {
        let (nick, ident, _) = mask(who)?;
        return Some(Entry::Part { nick, ident });
    }
    if let Some(who) = change.strip_prefix("Quits: ") {
        let (nick, ident, reason) = mask(who)?;
        // Clients that say good-bye are marked by the server with `Quit`.
        let lost = !reason.is_empty() && !reason.starts_with("Quit:") && reason != "Client Quit";
        return Some(Entry::Quit { nick, ident, lost });
    }
    let (who, what) = change.split_once(' ')?;
    let nick = nick_of(who)?;
    if let Some(to) = what.strip_prefix("is now known as ") {
        return Some(Entry::Rename { from: nick, to: nick_of(to.trim_end())? });
    }
    if what.starts_with("was kicked by ") {
        return Some(Entry::Kick { nick });
    }
    let of_channel = what.starts_with("sets mode: ") || what.starts_with("changes topic to ");
    of_channel.then_some(Entry::Service)
}

/// Splits `nick (ident@host) (reason)`; a missing reason is empty.
fn mask(who: &str) -> Option<(String, String, &str)> {
    let (nick, rest) = who.split_once(" (")?;
    let (ident, rest) = rest.split_once('@')?;
    let (_, rest) = rest.split_once(')')?;
    let reason = rest.trim().strip_prefix('(').unwrap_or_default();
    // A leading tilde only says that the ident was not verified.
    let ident = ident.strip_prefix('~').unwrap_or(ident);
    Some((nick_of(nick)?, ident.to_owned(), reason.strip_suffix(')').unwrap_or(reason)))
}

fn nick_of(text: &str) -> Option<String> {
    let nick = !text.is_empty() && !text.contains(char::is_whitespace);
    nick.then(|| text.to_owned())
}
