//! Clients: programs of others follow the feed and read the events.
