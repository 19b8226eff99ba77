//! Generates the list of message catalogues in `assets/messages`, so that a language is added by adding a file.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let folder = Path::new(&root).join("assets/messages");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut paths = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ftl"));
    paths.sort();
    let mut list = String::from("&[\n");
    for path in &paths {
        // The path becomes a Rust string literal, which must be UTF-8.
        let file = path.to_str().ok_or_else(|| io::Error::other(format!("{} is not UTF-8", path.display())))?;
        let tag = path.file_stem().unwrap_or_default().to_string_lossy();
        // Writing to a string cannot fail.
        let _infallible = writeln!(list, "    ({tag:?}, include_str!({file:?})),");
    }
    list.push_str("]\n");
    #[expect(clippy::disallowed_methods, reason = "this runs when the program is built")]
    fs::write(Path::new(&out).join("catalogues.rs"), list)
}
