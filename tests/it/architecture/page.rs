//! The table of imports in `docs/architecture.md`: the same as the one that the test checks, so that readers see the rules in force.

use std::path::Path;

use super::IMPORTS;

const BEGIN: &str = "<!-- generated: imports -->\n";
const END: &str = "<!-- end -->";

#[test]
fn the_page_shows_the_table_of_imports() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page marks the beginning of the table");
    let (shown, after) = rest.split_once(END).expect("the page marks the end of the table");
    let table = table();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert!(shown == table, "the page shows another table; to write it: UPDATE_DOCS=1 cargo test --test it architecture::");
}

/// The rows in the order of [`IMPORTS`]; modules without imports share the last row.
fn table() -> String {
    let (without, with): (Vec<_>, Vec<_>) = IMPORTS.iter().partition(|(_, allowed)| allowed.is_empty());
    let width = with.iter().map(|(module, _)| module.len()).max().unwrap_or_default();
    let mut rows: Vec<String> =
        with.iter().map(|(module, allowed)| format!("{module:width$} -> {}", allowed.join(", "))).collect();
    let without: Vec<&str> = without.iter().map(|(module, _)| *module).collect();
    rows.push(format!("{} -> no other module", without.join(", ")));
    format!("\n```text\n{}\n```\n\n", rows.join("\n"))
}
