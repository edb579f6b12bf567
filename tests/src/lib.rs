//! The test kit: people who use the product through its public doors, and nothing else.

mod authority;
pub mod bridge;
pub mod canary;
mod device;
mod dice;
pub mod files;
mod http;
mod listening;
mod nodes;
mod person;
mod processes;
mod program;
mod provider;
mod proxy;
pub mod servers;
pub mod site;
mod socket;
mod stand;
mod waiting;
mod way;
mod world;

pub use authority::Authority;
pub use device::Device;
pub use dice::Dice;
pub use http::{Http, Reply};
pub use person::{Answer, Client, PASSWORD, Person, Sent, fresh_id, id_at, long};
pub use processes::Processes;
pub use program::{Follower, Program};
pub use provider::{Provider, Relay, Said};
pub use proxy::Proxy;
pub use socket::{Feed, Frame, Heard, Socket, UPDATES};
pub use stand::{Node, Place, Plan, Stand};
pub use waiting::{TOO_LONG, found, until, within};
pub use way::{Way, Wire};
pub use world::{World, code_in, files_under};

/// Runs jobs at the same time and gives their results in order.
pub fn at_once<T: Send>(jobs: impl IntoIterator<Item = impl FnOnce() -> T + Send>) -> Vec<T> {
    std::thread::scope(|scope| {
        let running: Vec<_> = jobs.into_iter().map(|it| scope.spawn(it)).collect();
        running.into_iter().map(|it| it.join().expect("the job did not fail")).collect()
    })
}
