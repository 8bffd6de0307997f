//! How the tests run.

use proptest::test_runner::Config;

/// This many cases; more or fewer when `PROPTEST_CASES` says so.
pub(crate) fn cases(cases: u32) -> Config {
    let config = Config { failure_persistence: None, ..Config::default() };
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config,
        None => Config { cases, ..config },
    }
}
