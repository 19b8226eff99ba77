//! What a client wrote, as an answer may repeat it: shortened, so that an answer never grows with the request.

use std::io::{self, Write};

use serde_json::Value;

/// Longest value of a client that a message repeats, in characters.
const MAX_SHOWN_CHARS: usize = 40;
/// Size of the longest character in UTF-8, in bytes.
const MAX_CHAR_BYTES: usize = 4;

/// A value as a message may repeat it: at most [`MAX_SHOWN_CHARS`] characters of its JSON. The rest is never written.
pub fn shown(value: &Value) -> String {
    let mut start = Start(Vec::new());
    // Fails when there is enough, which is no error here.
    let _enough = serde_json::to_writer(&mut start, value);
    clipped(&String::from_utf8_lossy(&start.0), MAX_SHOWN_CHARS)
}

/// A text of at most this many characters; a longer one ends with an ellipsis.
pub fn clipped(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Takes the first bytes of a text, one character more than are shown, and then fails.
struct Start(Vec<u8>);

impl Write for Start {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = (MAX_SHOWN_CHARS + 1) * MAX_CHAR_BYTES - self.0.len();
        if room == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        let taken = bytes.len().min(room);
        self.0.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_long_value_is_shown_by_its_start() {
        assert_eq!(shown(&json!("left")), "\"left\"");
        assert_eq!(shown(&json!("ж".repeat(100_000))), format!("\"{}…", "ж".repeat(MAX_SHOWN_CHARS - 1)));
        assert_eq!(shown(&json!(vec![0; 100_000])).chars().count(), MAX_SHOWN_CHARS + 1);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_the_start_of_the_whole(text in "\\PC{0,60}") {
            let whole = json!(text).to_string();
            let shown = shown(&json!(text));
            prop_assert!(shown == whole || whole.starts_with(shown.strip_suffix('…').unwrap()));
            prop_assert!(shown.chars().count() <= MAX_SHOWN_CHARS + 1);
        }
    }
}
