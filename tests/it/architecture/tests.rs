//! The reading of sources, on small made-up crates: what is a circle, and what only looks like one.

use std::collections::BTreeSet;

use super::graph::{Crate, circles};

/// The circles of a crate whose `lib.rs` declares the modules `a` and `b`, besides the files given.
fn circles_of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let root = ("lib.rs", "pub mod a;\npub mod b;\n");
    let read = Crate::read([root].into_iter().chain(files.iter().copied()));
    let edges = read.uses().into_iter().map(|(file, used)| (file, used.into_keys().collect())).collect();
    circles(&edges).into_iter().map(|circle: BTreeSet<String>| circle.into_iter().collect()).collect()
}

const NONE: [Vec<String>; 0] = [];

#[test]
fn two_files_that_import_each_other_are_a_circle() {
    let by_use = [("a.rs", "use crate::b::B;\npub struct A(B);"), ("b.rs", "use crate::a::A;\npub struct B(Box<A>);")];
    let by_path = [("a.rs", "pub fn a() { crate::b::b() }"), ("b.rs", "use super::a;\npub fn b() { a::a() }")];
    let in_a_group = [("a.rs", "use crate::{b::{self as other}};\nfn a() { other::b() }"), ("b.rs", "fn b() { crate::a::a() }")];
    let in_an_attribute = [("a.rs", "#[serde(with = \"crate::b::text\")]\nstruct A;"), ("b.rs", "use crate::a::A;\n")];
    for files in [by_use, by_path, in_a_group, in_an_attribute] {
        assert_eq!(circles_of(&files), [["a.rs", "b.rs"]], "{files:?}");
    }
}

#[test]
fn a_circle_of_three_is_found_whole() {
    let files = [
        ("a.rs", "use crate::b::B;\npub struct A;"),
        ("b.rs", "mod c;\nuse c::C;\npub struct B;"),
        ("b/c.rs", "use crate::a::A;\npub struct C;"),
    ];
    assert_eq!(circles_of(&files), [["a.rs", "b.rs", "b/c.rs"]]);
}

#[test]
fn a_parent_and_a_child_that_use_each_other_are_a_circle() {
    let child = ("a/child.rs", "use super::Limit;\npub fn run(limit: Limit) {}");
    let parent = ("a/mod.rs", "mod child;\npub struct Limit;\npub fn all() { child::run(Limit) }");
    assert_eq!(circles_of(&[parent, child]), [["a/child.rs", "a/mod.rs"]]);
    let handing_on_and_using = ("a/mod.rs", "mod child;\npub use child::run;\npub struct Limit;\npub fn all() { run(Limit) }");
    assert_eq!(circles_of(&[handing_on_and_using, child]), [["a/child.rs", "a/mod.rs"]]);
}

#[test]
fn declaring_a_child_or_handing_on_its_names_is_no_circle() {
    let parent = ("a/mod.rs", "mod child;\npub(crate) use child::run;\npub struct Limit;");
    let child = ("a/child.rs", "use super::Limit;\npub fn run(limit: Limit) {}");
    assert_eq!(circles_of(&[parent, child]), NONE);
}

#[test]
fn a_name_that_was_handed_on_belongs_to_the_file_that_defines_it() {
    let parent = ("a/mod.rs", "mod one;\nmod two;\npub use one::One;\npub use two::Two;");
    let one = ("a/one.rs", "use super::Two;\npub struct One;");
    let two = ("a/two.rs", "use crate::a::One;\npub struct Two;");
    assert_eq!(circles_of(&[parent, one, two]), [["a/one.rs", "a/two.rs"]]);
    let innocent = ("a/two.rs", "pub struct Two;");
    assert_eq!(circles_of(&[parent, one, innocent]), NONE);
}

#[test]
fn comments_texts_and_unit_tests_are_no_imports() {
    let files = [
        ("a.rs", "use crate::b::B;\npub struct A<'a>(&'a B, char);\nconst X: char = '\"';"),
        (
            "b.rs",
            "/// See crate::a::A.\n/* use crate::a::A; */\npub struct B;\nconst T: &str = \"see crate::a::A\";\nconst R: &str = r#\"\"crate::a::A\"#;\n\
             #[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n#[cfg(test)]\nuse crate::a::A;\n",
        ),
    ];
    assert_eq!(circles_of(&files), NONE);
}

#[test]
fn files_that_only_tests_compile_are_not_read() {
    let files = [
        ("a.rs", "use crate::b::B;\npub struct A;"),
        ("b.rs", "pub struct B;\n#[cfg(test)]\nmod tests;"),
        ("b/tests.rs", "use crate::a::A;"),
    ];
    assert_eq!(circles_of(&files), NONE);
}

#[test]
fn a_glob_of_our_own_is_reported() {
    let read = Crate::read([("lib.rs", "mod a;\nmod b;"), ("a.rs", "use crate::b::*;"), ("b.rs", "use std::fmt::*;")]);
    assert_eq!(read.globs(), ["a.rs"]);
}
