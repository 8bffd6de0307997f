//! Compiles the `.proto` files without a `protoc`: `protox` is a compiler in Rust.

use std::error::Error;
use std::path::{Path, PathBuf};

use prost::Message as _;

/// Where imports are looked up: this folder, so that they read `weft/v1/….proto`.
const ROOT: &str = ".";
const FILES: &str = "weft/v1";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={FILES}");

    let descriptors = protox::compile(files()?, [ROOT])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("weft.v1.bin"), descriptors.encode_to_vec())?;

    let mut config = prost_build::Config::new();
    config.btree_map(["."]).enable_type_names();
    tonic_prost_build::configure().compile_fds_with_config(descriptors, config)?;
    Ok(())
}

/// The `.proto` files, sorted: the descriptor set must not depend on the order
/// in which the file system lists them.
fn files() -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(Path::new(FILES))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
