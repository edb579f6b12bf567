//! Scenarios: people use every room through the public doors.

mod accounts;
mod conversations;
mod feed;
mod members;
mod messages;
mod paging;
mod presence;
mod receipts;
mod sessions;
mod strangers;
