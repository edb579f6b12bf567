//! Which walls stand here, as a program behind them finds them: it tries to get out.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::Duration;

use rustix::mount::MountFlags;
use rustix::process::{Pid, getppid, test_kill_process};
use serde::{Deserialize, Serialize};

use crate::exit;
use crate::job::Job;
use crate::outer::{Said, own_path, run_inside};
use crate::walls::{self, Landlock, Wanted};

/// What was found behind some walls: whether each way out is shut.
#[derive(Debug, Deserialize, Serialize)]
struct Found {
    landlock: Landlock,
    shut: BTreeMap<String, bool>,
}

/// What `--check` prints.
#[derive(Debug, Serialize)]
struct Report {
    /// Whether jobs are done on this machine.
    stands: bool,
    landlock: Landlock,
    /// Behind all walls.
    shut: BTreeMap<String, bool>,
    behind_calls_alone: BTreeMap<String, bool>,
    behind_landlock_alone: BTreeMap<String, bool>,
}

/// Asks a process behind each of the walls, and behind all.
pub(crate) fn check() -> ExitCode {
    let report = ask("all").and_then(|all| {
        let calls = ask("calls")?;
        let landlock = ask("landlock")?;
        Ok(Report {
            stands: all.shut.values().all(|it| *it),
            landlock: all.landlock,
            shut: all.shut,
            behind_calls_alone: calls.shut,
            behind_landlock_alone: landlock.shut,
        })
    });
    match report {
        Ok(report) => {
            let text = serde_json::to_string_pretty(&report).expect("a report is plain");
            let said = writeln!(io::stdout(), "{text}");
            let refused = ExitCode::from(exit::REFUSED);
            if said.is_ok() && report.stands { ExitCode::SUCCESS } else { refused }
        }
        Err(detail) => {
            eprintln!("no wall stands: {detail}");
            ExitCode::from(exit::REFUSED)
        }
    }
}

fn ask(which: &str) -> Result<Found, String> {
    let mut command = Command::new(own_path().map_err(|it| it.to_string())?);
    command.args(["--inside", "--check", which]);
    let limits = Job::Avatar.limits();
    let ended = run_inside(command, limits, Said::Last).map_err(|it| it.to_string())?;
    if ended.code() != Some(0) {
        return Err(format!("{which}: {}", String::from_utf8_lossy(&ended.said)));
    }
    serde_json::from_slice(&ended.said).map_err(|it| format!("{which}: {it}"))
}

/// Runs inside: tries every way out.
pub(crate) fn inside(which: &str) -> ExitCode {
    let wanted = match which {
        "all" => Wanted::All,
        "calls" => Wanted::OnlyCalls,
        "landlock" => Wanted::OnlyLandlock,
        _ => return ExitCode::from(exit::ASKED_WRONGLY),
    };
    // Somebody to talk to, who is there for sure, from before the walls.
    let listening = TcpListener::bind("127.0.0.1:0").and_then(|it| Ok((it.local_addr()?, it)));
    let Ok((address, _listener)) = listening else {
        return ExitCode::from(exit::ASKED_WRONGLY);
    };
    let Some(parent) = getppid() else { return ExitCode::from(exit::ASKED_WRONGLY) };
    let landlock = match walls::put_up(Job::Avatar.limits(), wanted) {
        Ok(landlock) => landlock,
        Err(detail) => {
            // The pipe is open or nobody listens.
            let _ = write!(io::stdout(), "{detail}");
            return ExitCode::from(exit::REFUSED);
        }
    };
    let shut = ways_out(address, parent).into_iter().map(|(name, open)| (name.to_owned(), !open));
    let found = Found { landlock, shut: shut.collect() };
    match serde_json::to_writer(io::stdout(), &found) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Every way out, and whether it is open.
fn ways_out(address: SocketAddr, parent: Pid) -> Vec<(&'static str, bool)> {
    let writing = || OpenOptions::new().create(true).append(true).open("/tmp/parlance-got-out");
    let connecting = || TcpStream::connect_timeout(&address, Duration::from_secs(1));
    vec![
        ("reading a file", File::open("/etc/passwd").is_ok()),
        ("reading about itself", File::open("/proc/self/environ").is_ok()),
        ("listing a folder", std::fs::read_dir("/").is_ok()),
        ("writing a file", writing().is_ok()),
        ("connecting", connecting().is_ok()),
        ("listening", TcpListener::bind("127.0.0.1:0").is_ok()),
        ("a datagram", UdpSocket::bind("127.0.0.1:0").is_ok()),
        ("a local socket", UnixDatagram::unbound().is_ok()),
        ("starting a program", Command::new("/bin/true").status().is_ok()),
        ("becoming a program", becomes_a_program()),
        ("another process", forks()),
        ("tracing", traces(parent)),
        ("a signal", test_kill_process(parent).is_ok()),
        (
            "mounting",
            rustix::mount::mount("none", "/tmp", "tmpfs", MountFlags::empty(), None).is_ok(),
        ),
        ("memory to run", maps_executable_memory()),
    ]
}

/// Becomes a program that isn't one: the wall answers before the kernel looks at it.
fn becomes_a_program() -> bool {
    let error = Command::new("/proc/version").exec();
    // Past the walls it would be found to be no program, or not executable.
    let shut = [Some(libc::ENOSYS), Some(libc::EPERM)];
    let walled =
        error.kind() == io::ErrorKind::PermissionDenied && File::open("/proc/version").is_err();
    !shut.contains(&error.raw_os_error()) && !walled
}

#[expect(unsafe_code, reason = "there is no safe way to fork, and this one only leaves")]
fn forks() -> bool {
    // SAFETY: the process that begins, if it does, leaves at once and touches nothing.
    unsafe {
        match libc::fork() {
            -1 => false,
            0 => libc::_exit(0),
            _ => true,
        }
    }
}

#[expect(unsafe_code, reason = "there is no safe way to trace")]
fn traces(parent: Pid) -> bool {
    // SAFETY: this way of tracing neither stops the other nor touches memory here, and ends with
    // this process.
    let traced = unsafe { libc::ptrace(libc::PTRACE_SEIZE, parent.as_raw_pid(), 0, 0) };
    traced == 0
}

#[expect(unsafe_code, reason = "there is no safe way to ask for memory that is run")]
fn maps_executable_memory() -> bool {
    let rights = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new page at an address that the kernel picks; nothing points into it.
    let page = unsafe { libc::mmap(std::ptr::null_mut(), 4096, rights, kind, -1, 0) };
    page != libc::MAP_FAILED
}
