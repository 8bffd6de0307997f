//! Where what is built with Weft comes from, and under which terms it may be passed on.

use std::process::Command;

use serde_json::Value;

/// The only place that packages of others come from.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Licences under which a part of a program may be passed on with one under Apache-2.0.
const LICENCES: [&str; 6] =
    ["Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "Unicode-3.0", "Zlib"];

#[test]
fn what_others_wrote_is_from_crates_io_and_may_be_passed_on() {
    let packages = packages();
    let others: Vec<_> = packages.iter().filter(|package| !package["source"].is_null()).collect();
    assert!(others.len() > 50, "only {} packages were found", others.len());
    let is_right = |package: &Value| {
        package["source"] == CRATES_IO && package["license"].as_str().is_some_and(may_be_passed_on)
    };
    let wrong = others.into_iter().filter(|package| !is_right(package)).map(|package| {
        let [name, source, license] = ["name", "source", "license"].map(|key| &package[key]);
        format!("{name} from {source} under {license}")
    });
    assert_eq!(wrong.collect::<Vec<_>>(), Vec::<String>::new());
}

/// Everything that the workspace's packages are built from, with their tests and benches.
fn packages() -> Vec<Value> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &target])
        .output()
        .expect("cargo runs this test");
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let mut metadata: Value = serde_json::from_slice(&metadata.stdout).expect("it is JSON");
    match metadata["packages"].take() {
        Value::Array(packages) => packages,
        other => panic!("packages are an array, not {other}"),
    }
}

/// Whether an SPDX expression leaves a choice that [`LICENCES`] has. Where `AND` stands beside `OR`
/// without brackets, it refuses too much rather than too little.
fn may_be_passed_on(license: &str) -> bool {
    let license = license.replace(['(', ')'], "").replace('/', " OR ");
    license
        .split(" AND ")
        .all(|part| part.split(" OR ").any(|licence| LICENCES.contains(&licence.trim())))
}

#[test]
fn licences_are_read() {
    for allowed in ["MIT", "MIT/Apache-2.0", "GPL-2.0 OR MIT", "(MIT OR GPL-2.0) AND Unicode-3.0"] {
        assert!(may_be_passed_on(allowed), "{allowed}");
    }
    for refused in ["", "GPL-2.0-only", "MIT AND GPL-2.0-only", "(MIT OR Zlib) AND SSPL-1.0"] {
        assert!(!may_be_passed_on(refused), "{refused}");
    }
}
