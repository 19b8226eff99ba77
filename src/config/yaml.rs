//! Reads the settings file, and checks its YAML before it is turned into values.
//!
//! The parser replaces each alias by a copy of what it stands for, so that a few hundred bytes become more than any memory, and
//! it calls itself for each level of nesting. So the file is read up to a bound, and its events are looked at one by one first:
//! settings need neither depth nor aliases. A file that breaks a bound ends the start with one line.

use std::fs::File;
use std::io::{self, Read};

use yaml_rust2::Event;
use yaml_rust2::parser::Parser;

/// The largest settings file, in bytes; the one with all settings and their descriptions has 20,000.
const MAX_BYTES: u64 = 256 * 1024;
/// Settings are in sections, and some are lists.
const MAX_DEPTH: usize = 8;
/// Keys, values and lists of a file.
const MAX_NODES: usize = 10_000;

/// Reads a settings file.
///
/// # Errors
/// When it cannot be read, is not text, or is too large.
pub(super) fn read(path: &str) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("it is larger than {MAX_BYTES} bytes")));
    }
    Ok(text)
}

/// Checks a settings file.
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn check(text: &str) -> Result<(), String> {
    let mut parser = Parser::new_from_str(text);
    let (mut depth, mut nodes) = (0, 0);
    loop {
        let (event, place) = parser.next_token().map_err(|error| error.to_string())?;
        let wrong = |what: &str| Err(format!("{what} at line {}", place.line()));
        nodes += 1;
        match event {
            Event::StreamEnd => return Ok(()),
            Event::Alias(_) => return wrong("an alias, which settings must not have,"),
            Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth -= 1,
            Event::Nothing | Event::StreamStart | Event::DocumentStart | Event::DocumentEnd | Event::Scalar(..) => {}
        }
        if depth > MAX_DEPTH {
            return wrong("values nested too deeply");
        }
        if nodes > MAX_NODES {
            return wrong("too many values");
        }
    }
}
