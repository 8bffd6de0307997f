//! Calling cargo again.

use std::env;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Error, Result, bail};

use crate::packages::search_path;

/// Runs cargo on the workspace, having said so.
pub(crate) fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Result<()> {
    run(&mut command(args))
}

/// Runs cargo and returns what it wrote to standard output.
pub(crate) fn cargo_output<'a>(args: impl IntoIterator<Item = &'a str>) -> Result<String> {
    let mut command = command(args);
    let line = line(&command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}`: {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{line}`: not UTF-8"))
}

/// Makes the documentation of the workspace's crates; a warning is an error.
pub(crate) fn document_denying_warnings() -> Result<()> {
    let mut command = command(["doc", "--workspace", "--no-deps"]);
    run(command.env("RUSTDOCFLAGS", "--deny warnings"))
}

/// Becomes cargo: a Ctrl-C is then its own affair and nobody returns before it has ended.
///
/// Returns only when that fails.
pub(crate) fn replace<'a>(args: impl IntoIterator<Item = &'a str>) -> Error {
    let mut command = command(args);
    eprintln!("+ {}", line(&command));
    Error::new(command.exec()).context("cannot start cargo")
}

/// The workspace's directory.
pub(crate) fn workspace() -> PathBuf {
    let own = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let own = own.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    own.parent().map(Path::to_owned).unwrap_or(own)
}

fn command<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(workspace());
    if let Ok(path) = env::join_paths(search_path()) {
        command.env("PATH", path);
    }
    command
}

fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    eprintln!("+ {line}");
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}`: {status}");
    }
    Ok(())
}

/// The command as a person would type it.
fn line(command: &Command) -> String {
    let args = command.get_args().map(|arg| arg.to_string_lossy());
    std::iter::once("cargo".into()).chain(args).collect::<Vec<_>>().join(" ")
}
