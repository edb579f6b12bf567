//! Limits: each is kept, and one past it is refused with the documented code.

mod applications;
mod browsers;
mod contents;
mod crossing;
mod described;
mod files;
mod foreign;
mod guesses;
mod places;
mod providers;
mod queries;
mod rates;
mod removals;
mod rest;
mod sockets;
mod threads;
mod tokens;
mod web_pages;
mod words;
