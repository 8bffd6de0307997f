//! How the tests run.

use proptest::test_runner::Config;
use topology::compile::Compiler;

use super::world::Step;

/// This many cases; more or fewer when `PROPTEST_CASES` says so.
pub(crate) fn cases(cases: u32) -> Config {
    let config = Config { failure_persistence: None, ..Config::default() };
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config,
        None => Config { cases, ..config },
    }
}

/// Tells a compiler what happened.
pub(crate) fn tell(compiler: &mut Compiler, steps: Vec<Step>) {
    for step in steps {
        match step {
            Step::Change(change) => {
                compiler.apply(&change);
            }
            Step::Facts(host, facts) => compiler.set_facts(host, facts),
        }
    }
}
