//! Prints `PIPELINE.md`, which is generated from the pipeline's definition:
//!
//! ```text
//! cargo run -p weft-topology --example pipeline > PIPELINE.md
//! ```

mod document;
mod sample;
mod walk;

fn main() -> std::io::Result<()> {
    use std::io::Write;

    std::io::stdout().lock().write_all(document::markdown().as_bytes())
}
