//! The document shows what the code does.

use tradewind_domain::transitions::markdown;

#[test]
fn the_printed_tables_are_those_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/states.md");
    let document = std::fs::read_to_string(path).expect("docs/states.md");
    let (_, rest) = document.split_once("<!-- transitions:begin -->").expect("a begin mark");
    let (block, _) = rest.split_once("<!-- transitions:end -->").expect("an end mark");
    assert!(block.trim() == markdown().trim(), "docs/states.md is old: run `cargo xtask transitions`");
}
