//! The real program as a child process, to be killed and started again.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// `parlance serve`, running.
pub struct Program {
    child: Child,
    /// Kept open: a program whose output goes nowhere ends.
    _out: BufReader<ChildStdout>,
    pub address: SocketAddr,
}

/// Options under which no rate is reached.
const RATES: [&str; 5] = [
    "PARLANCE_RATE_PER_ACCOUNT",
    "PARLANCE_RATE_PER_IP",
    "PARLANCE_RATE_PER_SOCKET",
    "PARLANCE_RATE_REGISTER",
    "PARLANCE_RATE_SIGN_IN",
];

impl Program {
    /// The folder of the profile that this test was built in: the program is built beside it.
    pub fn target_dir() -> PathBuf {
        let test = std::env::current_exe().expect("a test is a file");
        let deps = test.parent().expect("a file is in a folder");
        deps.parent().expect("tests are in target/<profile>/deps").to_owned()
    }

    fn command() -> Command {
        let path = Self::target_dir().join("parlance");
        assert!(path.exists(), "build {} before this test: cargo build -p server", path.display());
        let mut command = Command::new(path);
        // What is meant for the test is not an option of the program.
        let meant = std::env::vars_os().map(|(name, _)| name);
        meant.filter(|it| it.to_string_lossy().starts_with("PARLANCE_")).for_each(|it| {
            command.env_remove(it);
        });
        RATES.iter().for_each(|it| {
            command.env(it, "1000000");
        });
        command.env("PARLANCE_LOG_FILTER", "error");
        command
    }

    /// Serves a folder on any free port, or on the one that it served on before.
    pub fn serve(data_dir: &Path, port: u16) -> Self {
        Self::start("serve", data_dir, port, &[])
    }

    /// Starts a command that serves, with options in the environment.
    pub fn start(name: &str, data_dir: &Path, port: u16, options: &[(&str, String)]) -> Self {
        let mut command = Self::command();
        command.args([name, "--listen", &format!("127.0.0.1:{port}"), "--data-dir"]);
        command.arg(data_dir).envs(options.iter().map(|(name, value)| (name, value)));
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the program starts");
        let mut out = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut first = String::new();
        out.read_line(&mut first).expect("it says where it serves");
        let address = first.split("http://").nth(1).and_then(|it| it.split(' ').next());
        let address = address.and_then(|it| it.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address in {first}"));
        Self { child, _out: out, address }
    }

    /// Asks it to end and waits until it has.
    pub fn terminate(mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(asked.expect("kill runs").success());
        assert!(self.child.wait().expect("a child can be waited for").success());
    }

    /// Runs another command to its end.
    pub fn run(data_dir: &Path, arguments: &[&str]) -> Output {
        let output = Self::command().arg("--data-dir").arg(data_dir).args(arguments).output();
        let output = output.expect("the program starts");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        output
    }

    /// Starts another command that goes on, to read what it prints.
    pub fn follow(data_dir: &Path, arguments: &[&str]) -> Follower {
        let mut command = Self::command();
        command.arg("--data-dir").arg(data_dir).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("its output is piped"));
        Follower { child, out }
    }

    /// Kills it as the kernel does, without a farewell.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        self.child.wait().expect("a child can be waited for");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
    }
}

/// A command that goes on; it ends with its test.
pub struct Follower {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Follower {
    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("it prints a line");
        assert!(!line.is_empty(), "it has ended");
        line
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
