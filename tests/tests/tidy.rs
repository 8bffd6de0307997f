//! What the source code must be like, whatever it does.

#[path = "tidy/dependencies.rs"]
mod dependencies;

use std::fs;
use std::path::{Path, PathBuf};

/// The most lines that a source file may have.
const MAX_LINES: usize = 400;

/// Crates without IO, clock, threads and logging; and what of them is exempt.
const PURE: [(&str, &[&str]); 4] = [
    ("openflow", &[]),
    ("openflow/capture", &[]),
    ("ovsdb", &["client.rs", "client"]),
    ("topology", &[]),
];

/// What pure code may not name.
const IMPURE: [&str; 14] = [
    "std::fs",
    "std::io::stdin",
    "std::os::unix::net",
    "std::process",
    "std::sync::Mutex",
    "std::sync::RwLock",
    "std::thread",
    "Instant::now",
    "SystemTime::now",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "tokio::",
    "tracing::",
];

/// What reads a clock.
const CLOCKS: [&str; 3] = ["Instant::now", "SystemTime::now", ".elapsed()"];

/// Who may depend on whom, of the workspace's own packages, in builds (not tests).
const IMPORTS: [(&str, &[&str]); 9] = [
    ("openflow", &[]),
    ("openflow/capture", &["openflow"]),
    ("ovsdb", &[]),
    ("proto", &[]),
    ("topology", &["openflow"]),
    ("controller", &["openflow", "ovsdb", "proto", "topology"]),
    ("controller/cli", &["capture", "openflow", "proto"]),
    ("tests/lab", &[]),
    ("tests/sim", &["controller", "openflow", "topology"]),
];

/// The names that the workspace's own packages have in manifests.
const OWN: [&str; 8] =
    ["capture", "openflow", "ovsdb", "proto", "topology", "controller", "lab", "sim"];

#[test]
fn no_source_file_is_too_long() {
    let mut long = Vec::new();
    for file in sources(&workspace()) {
        let lines = read(&file).lines().count();
        if lines > MAX_LINES {
            long.push(format!("{}: {lines} lines", file.display()));
        }
    }
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn pure_crates_do_nothing_but_compute() {
    let mut impure = Vec::new();
    let mut looked_at = 0;
    for (name, exempt) in PURE {
        let root = workspace().join(name).join("src");
        for file in sources(&root) {
            let below = file.strip_prefix(&root).expect("sources of the crate");
            if is_test(below) || exempt.iter().any(|exempt| below.starts_with(exempt)) {
                continue;
            }
            looked_at += 1;
            let text = code(&read(&file));
            let found = IMPURE.iter().filter(|word| text.contains(**word));
            impure.extend(found.map(|word| format!("{}: {word}", file.display())));
        }
    }
    assert_eq!(impure, Vec::<String>::new());
    assert!(looked_at > 50, "only {looked_at} files were found");
}

#[test]
fn crates_import_what_they_may() {
    for (name, allowed) in IMPORTS {
        let manifest = read(&workspace().join(name).join("Cargo.toml"));
        let imports = dependencies(&manifest);
        let own: Vec<_> = imports.iter().filter(|name| OWN.contains(name)).collect();
        let wrong: Vec<_> = own.iter().filter(|name| !allowed.contains(**name)).collect();
        assert_eq!(wrong, Vec::<&&&str>::new(), "{name} may import {allowed:?} of our crates");
    }
}

/// A runtime whose time is paused has one time for everything; tests may look at the real one.
#[test]
fn the_controller_reads_its_clocks_in_one_place() {
    let root = workspace().join("controller/src");
    let (mut elsewhere, mut here) = (Vec::new(), 0);
    for file in sources(&root) {
        let below = file.strip_prefix(&root).expect("sources of the crate");
        let text = code(&read(&file));
        let found = CLOCKS.iter().filter(|word| text.contains(**word));
        if below == Path::new("clock.rs") {
            here += found.count();
        } else if !is_test(below) {
            elsewhere.extend(found.map(|word| format!("{}: {word}", below.display())));
        }
    }
    assert_eq!((elsewhere, here), (Vec::<String>::new(), 2));
}

/// Messages are the session's business; a block alone knows one, the frame that adds a flow.
#[test]
fn the_compiler_knows_flows_and_no_messages() {
    let root = workspace().join("topology/src");
    for file in sources(&root) {
        if is_test(file.strip_prefix(&root).expect("sources of the crate")) {
            continue;
        }
        let text = code(&read(&file));
        assert!(!text.contains("openflow::session"), "{}", file.display());
        let is_frame = file.ends_with("block/flow.rs");
        assert!(is_frame || !text.contains("openflow::message"), "{}", file.display());
    }
}

/// The names of the packages that a manifest's `[dependencies]` names.
fn dependencies(manifest: &str) -> Vec<&str> {
    let lines = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    lines
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|it| !it.is_empty())
        .collect()
}

/// A source file without its comments and without its tests, which come last.
fn code(text: &str) -> String {
    let code = text.lines().take_while(|line| *line != "#[cfg(test)]");
    code.filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn is_test(path: &Path) -> bool {
    path.iter().any(|part| part == "tests" || part == "tests.rs")
}

/// Every `.rs` file below a directory, without what was built.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
        let path = entry.expect("a directory entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(sources(&path));
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn workspace() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("the package is a folder of the workspace").to_owned()
}

#[test]
fn the_checks_see_what_they_look_for() {
    let text = "use std::fs;\n// std::thread\n#[cfg(test)]\nmod tests { use std::process; }\n";
    assert_eq!(code(text), "use std::fs;");
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\nopenflow.workspace = true\n\
                    serde = \"1\"\n\n[dev-dependencies]\nlab.workspace = true\n";
    assert_eq!(dependencies(manifest), ["openflow", "serde"]);
}
