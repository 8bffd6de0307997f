//! The pipeline, defined as data: every table, register and sort of flow.
//!
//! The compiler takes table numbers, priorities and registers from here and [`check`] refuses a
//! flow that the definition does not allow; `PIPELINE.md` is generated from it.

mod check;
mod detail;
mod register;
mod table;

pub use check::{Violation, check};
pub use detail::{Detail, DetailSpec, Verdict};
pub use register::{Origin, Register};
pub use table::{Table, TableNames, TableSpec, table_names};
