//! What stands between a decoder and everything else.
//!
//! Three walls, each put up by the process that is to be inside, before it has read a byte:
//! limits on what it uses up (`limits.rs`), a list of the system calls it may make (`calls.rs`),
//! and Landlock, which takes away files, connections and signals (`landlock.rs`).
//! The list alone keeps everything out, since nothing is opened behind it: without it no job is
//! done. Landlock says the same a second time, in another part of the kernel, where that has it.

mod calls;
mod landlock;
mod limits;

pub(crate) use landlock::Landlock;
pub(crate) use limits::close_inherited;

use crate::job::Limits;

/// Which walls are put up: all of them, but where one of them is tried alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    All,
    OnlyCalls,
    OnlyLandlock,
}

/// Puts the walls up around this process, for good. Says how much of Landlock stands.
pub(crate) fn put_up(limits: Limits, wanted: Wanted) -> Result<Landlock, String> {
    limits::put_up(limits).map_err(|it| format!("limits: {it}"))?;
    let landlock = match wanted {
        Wanted::All | Wanted::OnlyLandlock => landlock::put_up(),
        Wanted::OnlyCalls => Landlock::None,
    };
    match wanted {
        Wanted::All | Wanted::OnlyCalls => calls::put_up()?,
        Wanted::OnlyLandlock => (),
    }
    Ok(landlock)
}
