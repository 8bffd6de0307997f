//! `PIPELINE.md` says what the pipeline's definition says.

#[path = "../examples/pipeline/document.rs"]
mod document;
#[path = "../examples/pipeline/sample.rs"]
mod sample;
#[path = "../examples/pipeline/walk.rs"]
mod walk;

#[test]
fn pipeline_md_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../PIPELINE.md");
    let found = std::fs::read_to_string(path).expect("PIPELINE.md is in the repository's root");
    let wanted = document::markdown();
    let line = wanted.lines().zip(found.lines()).position(|(wanted, found)| wanted != found);
    assert!(
        wanted == found,
        "PIPELINE.md is stale from line {}: cargo run -p weft-topology --example pipeline > PIPELINE.md",
        line.map_or(1 + wanted.lines().count().min(found.lines().count()), |line| line + 1),
    );
}
