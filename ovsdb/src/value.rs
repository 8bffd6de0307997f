//! Values of columns and their JSON notation: RFC 7047 §5.1.
//!
//! A [`Datum`] is what one column of one row holds. The notation cannot tell a scalar from a set
//! with one element (`5` is both), so neither does [`Datum`]: both are a [`Datum::Set`] of one.

mod atom;
mod datum;
mod error;

pub use atom::{Atom, AtomicType, InvalidUuidName, Real, UuidName};
pub use datum::Datum;
pub use error::ValueError;

pub(crate) use atom::parse_uuid;
pub(crate) use error::excerpt;

#[cfg(test)]
mod tests;
