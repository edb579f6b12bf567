//! Scenarios: people use every room through the public doors.

mod accounts;
mod addresses;
mod applications;
mod audit;
mod codes;
mod contacts;
mod conversations;
mod devices;
mod factors;
mod feed;
mod identities;
mod instance;
mod lost_factors;
mod members;
mod messages;
mod paging;
mod passkeys;
mod presence;
mod privacy;
mod reactions;
mod receipts;
mod sessions;
mod sign_in_links;
mod strangers;
mod usernames;
