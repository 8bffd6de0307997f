//! Waiting for a condition instead of for a time.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long it pauses between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks at `condition` until it is true.
///
/// # Errors
///
/// When it is still false after `timeout`; the error says `what` was waited for.
pub fn wait_until(
    what: &str,
    timeout: Duration,
    mut condition: impl FnMut() -> bool,
) -> Result<()> {
    wait_for(what, timeout, || condition().then_some(()))
}

/// Asks `attempt` until it has an answer.
///
/// # Errors
///
/// When there is still none after `timeout`; the error says `what` was waited for.
pub fn wait_for<T>(
    what: &str,
    timeout: Duration,
    mut attempt: impl FnMut() -> Option<T>,
) -> Result<T> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(answer) = attempt() {
            return Ok(answer);
        }
        if Instant::now() >= deadline {
            bail!("waited {timeout:?} for {what} in vain");
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_as_soon_as_the_condition_holds() {
        let mut looks = 0;
        wait_until("the third look", Duration::from_secs(60), || {
            looks += 1;
            looks == 3
        })
        .unwrap();
        assert_eq!(looks, 3);
    }

    #[test]
    fn a_condition_that_never_holds_is_named() {
        let error = wait_until("rain", Duration::ZERO, || false).unwrap_err();
        assert!(error.to_string().contains("rain"), "{error}");
    }
}
