//! Finds the annotation within a result file that is too large to be held: it is sent alone over WebSocket and in events.

use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;

/// Bytes that are read at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// The place of a value in a JSON object, by its name at the top level, in bytes; `None` if there is none. The text is not checked
/// further: the server wrote it.
pub(super) fn place_of(name: &str, text: impl Read) -> io::Result<Option<Range<u64>>> {
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, text);
    let mut scanner = Scanner::new(name);
    let mut at = 0;
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(None);
        }
        for byte in bytes {
            if let Some(start) = scanner.next(*byte, at) {
                return Ok(Some(start..at));
            }
            at += 1;
        }
        let read = bytes.len();
        reader.consume(read);
    }
}

/// Walks over a text byte by byte.
struct Scanner<'a> {
    name: &'a [u8],
    depth: usize,
    within: Within,
    escaped: bool,
    /// The name of the current field at the top level, as far as it can be the wanted one.
    field: Vec<u8>,
    expects_field: bool,
    /// Where the wanted value starts, once its name was seen.
    start: Option<u64>,
}

/// What the current byte is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Structure,
    /// A text: the name of a field at the top level.
    Field,
    /// A text value, or the name of a field below the top level.
    Text,
}

impl<'a> Scanner<'a> {
    fn new(name: &'a str) -> Self {
        Self {
            name: name.as_bytes(),
            depth: 0,
            within: Within::Structure,
            escaped: false,
            field: Vec::new(),
            expects_field: false,
            start: None,
        }
    }

    /// Takes the byte at this place; returns where the wanted value starts if the byte is the first one behind it.
    fn next(&mut self, byte: u8, at: u64) -> Option<u64> {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.within != Within::Structure => self.escaped = true,
            b'"' if self.within != Within::Structure => self.within = Within::Structure,
            _ if self.within == Within::Field && self.field.len() <= self.name.len() => self.field.push(byte),
            _ if self.within != Within::Structure => {}
            b'"' if self.expects_field && self.depth == 1 => {
                self.within = Within::Field;
                self.field.clear();
            }
            b'"' => self.within = Within::Text,
            b':' if self.depth == 1 => {
                self.expects_field = false;
                self.start = (self.field == self.name).then_some(at + 1);
            }
            b',' | b'}' if self.depth == 1 => {
                if self.start.is_some() {
                    return self.start;
                }
                self.expects_field = byte == b',';
                self.depth -= usize::from(byte == b'}');
            }
            b'{' | b'[' => {
                self.depth += 1;
                self.expects_field = self.depth == 1;
            }
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn found<'a>(name: &str, text: &'a str) -> Option<&'a str> {
        place_of(name, text.as_bytes()).unwrap().map(|place| &text[place.start as usize..place.end as usize])
    }

    #[test]
    fn a_value_is_found_by_its_name_at_the_top_level() {
        for (text, value) in [
            (r#"{"job_id":"1","result":{"result":[1,"}"]}}"#, Some(r#"{"result":[1,"}"]}"#)),
            (r#"{"a":{"result":1},"b":["result",2],"result":3,"c":4}"#, Some("3")),
            (r#"{"a":"result","results":1,"resul":2, "result" : "\"},{" }"#, Some(r#" "\"},{" "#)),
            (r#"{"a":"\\","result":[]}"#, Some("[]")),
            (r#"{"a":1}"#, None),
            (r#"{"result":1"#, None),
            ("", None),
        ] {
            assert_eq!(found("result", text), value, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_value_is_found_whole(text in "\\PC{0,20}", before in "\\PC{0,20}") {
            let value = json!({ "text": text, "list": [text, { "result": before }] });
            let whole = json!({ "before": before, "result": value, "zz": [1] }).to_string();
            let found: Value = serde_json::from_str(found("result", &whole).unwrap()).unwrap();
            prop_assert_eq!(found, value);
        }
    }
}
