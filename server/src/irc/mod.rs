//! Reads a folder of public IRC logs into a plan that an import can follow.
//!
//! A folder holds one file a day, named `…_YYYYMMDD.log.txt`, in British local time.
//! The same files always give the same people, steps and ids, so an import can be repeated.
//!
//! *Members.* On IRC, joins and quits only say who is connected.
//! A person becomes a member at the first join, message or action.
//! A part or a kick, of any of the person's connections, is leaving; the next join, message or
//! action is joining again.
//! A quit is absence, and a join by a member is presence: neither is a step.
//! Whoever speaks without being a member gets a join just before, from the same line.
//!
//! *Lurkers.* Whoever never says anything gets no account and no step.
//!
//! *People.* Nicks that differ only in case are one, as they are to the server.
//! A rename makes two nicks one person, unless any two of their nicks were *seen together*:
//! both connected for longer than twenty minutes, or for less if both spoke meanwhile.
//! What overlaps for less is a ghost, a broken connection that the server still lists.
//! The most frequent renames are followed first, then the earliest.
//! Without a rename, `nick`, `nick_`, `nick|away` and their like are one person only if one of
//! them appeared while a connection of the other was such a ghost, from the same ident.
//! An end of a connection that the log missed is taken to be at its last line.
//! Whatever is said under a nick is said by that nick's person.
//!
//! *Texts.* Messages become Markdown that shows what was typed; actions become one emphasised run.
//! URLs stay as typed, between angle brackets where a sign in them would need escaping.
//! Codes for colour and weight and trailing space are taken out, and bytes that are not UTF-8
//! are replaced.
//! A text of which nothing is left is no step.
//! Notices of programs, modes and topics are left out.
//!
//! *Times.* In the hour that clocks repeat, a line is in the first pass unless that would put it
//! before the line above it.
//! Any other line whose clock goes back keeps its own time; steps are always in line order.

mod clock;
mod lines;
mod markdown;
mod people;
mod plan;
mod presence;
mod report;
#[cfg(test)]
mod tests;

pub use lines::Reason;
pub use people::Person;
pub use plan::{Error, Plan, Source, Step, read};
pub use report::{Example, Fate, Kind, NotUtf8, Report, Skipped};
