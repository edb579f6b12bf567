//! What a decoder may use up, and what it gives away beforehand.

use rustix::io::Result;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};

use crate::job::Limits;

/// Its inputs, outputs and pipes, and none to spare.
const FILES_OPEN_MAX: u64 = 64;

/// There is no limit of processes: the kernel counts those of all programs of the user, so any
/// number would be too small for a server or too large here. The list of calls lets none begin.
pub(super) fn put_up(limits: Limits) -> Result<()> {
    // Who started it is to be alive as long as it is.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    set(Resource::Core, 0, 0)?;
    set(Resource::Nofile, FILES_OPEN_MAX, FILES_OPEN_MAX)?;
    set(Resource::Fsize, limits.file_bytes, limits.file_bytes)?;
    // The soft limit says what it died of.
    set(Resource::Cpu, limits.cpu_s, limits.cpu_s + 1)?;
    set(Resource::As, limits.memory_bytes, limits.memory_bytes)
}

fn set(resource: Resource, soft: u64, hard: u64) -> Result<()> {
    setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) })
}

/// Whatever the starter has left open goes no further. The first thing that is done inside.
#[expect(unsafe_code, reason = "there is no safe way to name descriptors that others opened")]
pub(crate) fn close_inherited() -> Result<()> {
    // SAFETY: nothing was opened in this process yet that is past the three of every program.
    let closed = unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
    if closed == 0 { Ok(()) } else { Err(rustix::io::Errno::NOSYS) }
}
