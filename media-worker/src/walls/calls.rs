//! The system calls that a decoder may make: those on what it holds already.
//!
//! Nothing here names a file, an address or another process. What isn't listed is answered as a
//! kernel answers that has no such call, which libraries know how to live with.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

/// Free to be called with anything.
const FREE: [i64; 37] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_ftruncate,
    libc::SYS_close,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_membarrier,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_set_robust_list,
    libc::SYS_get_robust_list,
    libc::SYS_rseq,
    libc::SYS_uname,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

pub(super) fn put_up() -> Result<(), String> {
    let program = filter().map_err(|it| format!("system calls: {it}"))?;
    // It begins with taking away what `setuid` programs could give back.
    apply_filter(&program).map_err(|it| format!("system calls: {it}"))
}

fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = FREE.map(|it| (it, Vec::new())).into();
    // Memory is either written or run.
    let executable = libc::PROT_EXEC as u64;
    rules.insert(libc::SYS_mmap, vec![clear(2, executable)?]);
    rules.insert(libc::SYS_mprotect, vec![clear(2, executable)?]);
    // Threads, which share everything, and no processes. The newer call keeps its flags in memory,
    // where no filter can read them, so that one is not there, and the C library takes this.
    let thread = (libc::CLONE_VM | libc::CLONE_THREAD) as u64;
    let thread = condition(0, SeccompCmpOp::MaskedEq(thread), thread)?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![thread])?]);
    // Aborting is a signal to oneself.
    let own = condition(0, SeccompCmpOp::Eq, u64::from(std::process::id()))?;
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![own])?]);
    let other = SeccompAction::Errno(libc::ENOSYS as u32);
    let here = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, other, SeccompAction::Allow, here)?.try_into()
}

fn clear(argument: u8, bits: u64) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(vec![condition(argument, SeccompCmpOp::MaskedEq(bits), 0)?])
}

fn condition(
    argument: u8,
    is: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, is, value)
}
