//! The rules of this room, one sentence each.
