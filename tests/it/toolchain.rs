//! One version of Rust, in all the places that name it.

use std::path::Path;

/// The text between two others in a file of the repository.
fn between(file: &str, before: &str, after: &str) -> String {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let found = text.split_once(before).and_then(|(_, rest)| rest.split_once(after));
    found.unwrap_or_else(|| panic!("{file} has no {before:?}")).0.to_owned()
}

#[test]
fn the_pinned_toolchain_is_the_one_that_every_page_and_build_names() {
    let pinned = between("rust-toolchain.toml", "channel = \"", "\"");
    let minor = pinned.rsplit_once('.').unwrap().0;
    assert_eq!(between("Cargo.toml", "rust-version = \"", "\""), minor);
    assert_eq!(between("README.md", "and Rust ", " or newer"), minor);
    assert_eq!(between("Makefile", "install it (", " or newer)"), minor);
    assert_eq!(between("docs/deployment.md", "needs Rust ", ","), minor);
    assert_eq!(between("docker/Dockerfile", "FROM rust:", "-bookworm"), pinned);
}
