//! A client for the Open vSwitch database: RFC 7047 with the extensions of `ovsdb-server(7)`.
//!
//! | module | what it is |
//! |---|---|
//! | [`value`] | atoms, sets and maps, and their JSON notation |
//! | [`jsonrpc`] | the byte stream split into JSON texts, and JSON-RPC 1.0 messages |
//! | [`schema`] | the columns that a server has, checked against those that are used |
//! | [`replica`] | typed copy of the tables, columns and rows that Weft reads |
//! | [`transact`] | operations of a transaction, and their results |
//! | [`session`] | one connection as a state machine: input, time and requests in; bytes and events out |
//! | [`client`] | the session on a tokio stream, and dialling with back-off |
//!
//! All but [`client`] does no IO, reads no clock and spawns nothing; without the feature `client`
//! that is the whole crate. What comes from the peer is checked in full: anything malformed ends
//! the session with an error that says what and where, and changes nothing.

#[cfg(feature = "client")]
pub mod client;
pub mod jsonrpc;
pub mod replica;
pub mod schema;
pub mod session;
pub mod transact;
pub mod value;

pub use uuid::Uuid;

/// Name of the database that Open vSwitch keeps its configuration in.
pub const DATABASE: &str = "Open_vSwitch";
