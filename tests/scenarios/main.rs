//! Scenarios: people use every room through the public doors.

mod accounts;
mod addresses;
mod applications;
mod codes;
mod conversations;
mod devices;
mod factors;
mod feed;
mod instance;
mod lost_factors;
mod members;
mod messages;
mod paging;
mod passkeys;
mod presence;
mod receipts;
mod sessions;
mod sign_in_links;
mod strangers;
