//! The real program as a child process, to be killed and started again.

use std::fs::File;
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
const RATES: [&str; 6] = [
    "PARLANCE_RATE_CODES",
    "PARLANCE_RATE_PER_ACCOUNT",
    "PARLANCE_RATE_PER_IP",
    "PARLANCE_RATE_PER_SOCKET",
    "PARLANCE_RATE_REGISTER",
    "PARLANCE_RATE_SIGN_IN",
];

impl Program {
    /// The folder of the profile that this test was built in: the program is built beside it.
    pub fn target_dir() -> PathBuf {
        let own = std::env::current_exe().expect("a test is a file");
        let folder = own.parent().expect("a file is in a folder");
        // Tests are in target/<profile>/deps, programs above.
        if folder.ends_with("deps") { folder.join("..") } else { folder.to_owned() }
    }

    /// The program: the one that `TEST_PROGRAM` names, or the one that was built beside this.
    fn path() -> PathBuf {
        std::env::var_os("TEST_PROGRAM")
            .map_or_else(|| Self::target_dir().join("parlance"), PathBuf::from)
    }

    fn command() -> Command {
        let path = Self::path();
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
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Self::started(Self::serving(Self::command(), name, data_dir, address, options), None)
    }

    /// Starts a command that serves on a host of its own, where a program runs by way of the
    /// words of `at`; what it complains of is added to a file.
    pub fn start_at(
        at: &[&str],
        (name, address): (&str, SocketAddr),
        data_dir: &Path,
        options: &[(&str, String)],
        complaints: &Path,
    ) -> Self {
        let command = wrapped(at, Self::command());
        let mut command = Self::serving(command, name, data_dir, address, options);
        let file = File::options().create(true).append(true).open(complaints).expect("a file");
        command.stderr(file);
        Self::started(command, Some(complaints))
    }

    fn serving(
        mut command: Command,
        name: &str,
        data_dir: &Path,
        address: SocketAddr,
        options: &[(&str, String)],
    ) -> Command {
        command.args([name, "--listen", &address.to_string(), "--data-dir"]).arg(data_dir);
        command.envs(options.iter().map(|(name, value)| (name, value)));
        command.stdout(Stdio::piped());
        command
    }

    fn started(mut command: Command, complaints: Option<&Path>) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let mut out = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut first = String::new();
        out.read_line(&mut first).expect("it says where it serves");
        let address = first.split("://").nth(1).and_then(|it| it.split(' ').next());
        let address = address.and_then(|it| it.parse().ok());
        let address = address.unwrap_or_else(|| {
            let told = complaints.and_then(|it| std::fs::read_to_string(it).ok());
            panic!("no address in {first:?}: {}", told.unwrap_or_default())
        });
        Self { child, _out: out, address }
    }

    /// Asks it to end and waits until it has.
    pub fn terminate(mut self) {
        self.signal("TERM");
        assert!(self.child.wait().expect("a child can be waited for").success());
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Runs another command to its end, well or not, with options in the environment.
    pub fn attempt(data_dir: &Path, options: &[(&str, String)], arguments: &[&str]) -> Output {
        let mut command = Self::command();
        command.envs(options.iter().map(|(name, value)| (name, value)));
        command.arg("--data-dir").arg(data_dir).args(arguments);
        command.output().expect("the program starts")
    }

    /// Runs another command to its end.
    pub fn run(data_dir: &Path, arguments: &[&str]) -> Output {
        Self::run_with(data_dir, &[], arguments)
    }

    /// Runs another command to its end, with options in the environment.
    pub fn run_with(data_dir: &Path, options: &[(&str, String)], arguments: &[&str]) -> Output {
        let output = Self::attempt(data_dir, options, arguments);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        output
    }

    /// Runs a command that is refused, and gives what it complains of.
    pub fn refused(data_dir: &Path, arguments: &[&str], options: &[(&str, &str)]) -> String {
        let mut command = Self::command();
        command.arg("--data-dir").arg(data_dir).args(arguments).envs(options.iter().copied());
        let output = command.output().expect("the program starts");
        assert!(!output.status.success(), "{arguments:?} is not refused");
        String::from_utf8(output.stderr).expect("a complaint is text")
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

/// The same command by way of other words, as `ip netns exec far` is.
fn wrapped(at: &[&str], command: Command) -> Command {
    let [program, arguments @ ..] = at else { return command };
    let mut other = Command::new(program);
    other.args(arguments).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    other
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
