//! Running a program to its end, with errors that say which one and what it said.

use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// Runs `command` to its end and returns what it wrote to standard output.
///
/// # Errors
///
/// When it cannot be started or does not exit with 0; the error names the command and carries
/// what it wrote to standard error.
pub fn run(command: &mut Command) -> Result<String> {
    let output = output(command)?;
    if !output.status.success() {
        bail!(
            "{}: {}: {}{}",
            line(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim(),
            String::from_utf8_lossy(&output.stdout).trim(),
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("{}: not UTF-8", line(command)))
}

/// Runs `command` to its end, whatever its exit status.
///
/// # Errors
///
/// When it cannot be started.
pub fn output(command: &mut Command) -> Result<Output> {
    command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", line(command)))
}

/// The command as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_returned() {
        assert_eq!(run(Command::new("echo").arg("a b")).unwrap(), "a b\n");
    }

    #[test]
    fn an_error_names_the_command_and_what_it_said() {
        let error = run(Command::new("sh").args(["-c", "echo why >&2; exit 3"])).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("sh -c") && text.contains("why") && text.contains('3'), "{text}");
    }
}
