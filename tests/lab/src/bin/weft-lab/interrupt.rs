//! Ending in good order when the user has had enough.

use std::process;
use std::thread;

use anyhow::Result;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// From now on, Ctrl-C (or SIGTERM, or the terminal's end) removes the labs of this process and
/// ends it.
pub(crate) fn remove_labs_on_interrupt() -> Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::spawn(move || {
        let Some(signal) = signals.forever().next() else { return };
        if let Err(error) = lab::remove_own() {
            eprintln!("weft-lab: {error:#}");
        }
        // As a shell reports a process that a signal ended.
        process::exit(128 + signal);
    });
    Ok(())
}

/// This program, as a user can call it again.
pub(crate) fn own_path() -> String {
    std::env::args().next().unwrap_or_else(|| "weft-lab".to_owned())
}
