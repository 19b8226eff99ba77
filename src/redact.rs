//! Takes out of a message what may come from a recording or a request.
//!
//! Panics of the standard library quote the text that they stumbled over, up to 256 bytes of it: a transcript or a key. What
//! developers need, the place and the kind of the error, is not quoted.

/// A message with everything between quotation marks or backquotes left out; an open quotation is left out to the end.
#[must_use]
pub fn unquoted(message: &str) -> String {
    let mut kept = String::with_capacity(message.len());
    let mut characters = message.chars();
    while let Some(character) = characters.next() {
        kept.push(character);
        if matches!(character, '`' | '"') {
            kept.push('…');
            if characters.any(|other| other == character) {
                kept.push(character);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_panic_quotes_is_left_out() {
        let panic = std::panic::catch_unwind(|| "é spoken words".split_at(std::hint::black_box(1)).0.len()).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains("spoken"), "{message}");
        let kept = unquoted(message);
        assert!(!kept.contains("spoken") && kept.contains("`…`"), "{kept}");
        assert_eq!(unquoted(r#"an `Err` value: Invalid("a key")"#), r#"an `…` value: Invalid("…")"#);
        assert_eq!(unquoted("index 3 of `words"), "index 3 of `…");
        assert_eq!(unquoted("the index is 5"), "the index is 5");
    }
}
