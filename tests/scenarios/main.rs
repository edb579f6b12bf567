//! Scenarios: people use every room through the public doors.

mod accounts;
