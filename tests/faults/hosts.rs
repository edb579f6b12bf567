//! Hosts of the run's own: a network and mounts that nobody else sees, and beside it the network
//! of one far node that can be cut off.

use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, ExitCode};

/// Where everything is but the brokers and the far node.
pub(crate) const NEAR: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 1));
/// Where the brokers are.
pub(crate) const BROKERS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 9));
/// Where the far node is.
pub(crate) const FAR: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 2));
/// How a program is started there.
pub(crate) const AT_FAR: &[&str] = &["ip", "netns", "exec", "far"];

/// What tells this program that it runs in there already.
const INSIDE: &str = "TEST_FAULTS_INSIDE";

/// Runs `inside` in namespaces that end with it; they take root.
pub(crate) fn enter(inside: impl FnOnce() -> ExitCode) -> ExitCode {
    if std::env::var_os(INSIDE).is_some() {
        build();
        return inside();
    }
    let me = std::env::current_exe().expect("a test is a file");
    let mut again = Command::new("unshare");
    again.args(["--net", "--mount", "--propagation", "private"]).arg(me);
    let status = again.args(std::env::args_os().skip(1)).env(INSIDE, "1").status();
    let status = status.expect("unshare, of util-linux, starts this program again");
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn build() {
    run("ip link set lo up");
    // Names of networks are files; these are nobody else's.
    run("mkdir -p /run/netns");
    run("mount -t tmpfs tmpfs /run/netns");
    run("ip netns add far");
    run("ip link add near0 type veth peer name far0");
    run("ip link set far0 netns far");
    run(&format!("ip addr add {NEAR}/24 dev near0"));
    run(&format!("ip addr add {BROKERS}/24 dev near0"));
    run("ip link set near0 up");
    run("ip -n far link set lo up");
    run(&format!("ip -n far addr add {FAR}/24 dev far0"));
    run("ip -n far link set far0 up");
}

/// Loses whatever the far node sends to the brokers.
pub(crate) fn cut() {
    run(&format!("ip -n far route add blackhole {BROKERS}/32"));
}

/// Ends the cut.
pub(crate) fn mend() {
    run(&format!("ip -n far route del blackhole {BROKERS}/32"));
}

/// Runs a command to its end.
pub(crate) fn run(words: &str) {
    let mut words = words.split(' ');
    let mut command = Command::new(words.next().expect("a program"));
    let output = command.args(words).output().expect("the program starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
