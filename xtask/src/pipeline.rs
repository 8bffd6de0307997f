//! PIPELINE.md, which is made from the pipeline's definition.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::cargo::{cargo_output, workspace};

/// Writes the file anew.
pub(crate) fn write() -> Result<()> {
    let path = path();
    fs::write(&path, text()?).with_context(|| format!("cannot write {}", path.display()))
}

/// Checks that the file is as it would be written.
pub(crate) fn check() -> Result<()> {
    let path = path();
    let found =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    if found != text()? {
        bail!("PIPELINE.md is stale: `cargo xtask pipeline` writes it anew");
    }
    Ok(())
}

fn text() -> Result<String> {
    cargo_output(["run", "--quiet", "--package", "weft-topology", "--example", "pipeline"])
}

fn path() -> PathBuf {
    workspace().join("PIPELINE.md")
}
