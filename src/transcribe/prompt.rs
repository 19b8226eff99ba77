//! The prompt: text that the model sees as if it preceded the recording. Pure.

use super::TranscribeOptions;

/// Longest prompt in bytes. Whisper uses 223 tokens of context, and a token is about four bytes of English.
const LIMIT: usize = 800;

/// The hotwords, then the client's prompt; none when there is neither. When they are too long, the first hotwords and the end of
/// the prompt are kept, since the model is influenced most by what comes last.
#[must_use]
pub fn text(options: &TranscribeOptions) -> Option<String> {
    let mut hotwords = String::new();
    for word in options.hotwords.iter().map(|word| clean(word)).filter(|word| !word.is_empty()) {
        if hotwords.len() + word.len() + 2 > LIMIT / 2 {
            break;
        }
        hotwords += if hotwords.is_empty() { "" } else { ", " };
        hotwords += &word;
    }
    if !hotwords.is_empty() {
        hotwords.push('.');
    }
    let prompt = clean(options.prompt.as_deref().unwrap_or_default());
    let mut from = prompt.len().saturating_sub(LIMIT - hotwords.len() - 1);
    while !prompt.is_char_boundary(from) {
        from += 1;
    }
    let both = [hotwords.as_str(), &prompt[from..]].join(" ").trim().to_owned();
    // In Whisper's text every word starts with a space.
    (!both.is_empty()).then(|| format!(" {both}"))
}

/// One line without control characters; a zero byte would abort the process in a native call.
fn clean(text: &str) -> String {
    text.replace(char::is_control, " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(prompt: &str, hotwords: &[&str]) -> Option<String> {
        let hotwords = hotwords.iter().map(|&word| word.to_owned()).collect();
        text(&TranscribeOptions { prompt: Some(prompt.to_owned()), hotwords, ..TranscribeOptions::default() })
    }

    #[test]
    fn words_come_before_the_text() {
        assert_eq!(prompt("A call.", &["Northwind", " Kowalski\0"]), Some(" Northwind, Kowalski. A call.".to_owned()));
        assert_eq!(prompt("", &["Northwind"]), Some(" Northwind.".to_owned()));
        assert_eq!(prompt("  \n ", &["", " "]), None);
    }

    #[test]
    fn it_is_never_too_long_and_never_cut_inside_a_character() {
        let long = prompt(&"ё".repeat(3000), &["слово"; 500]).unwrap();
        assert!(long.len() <= LIMIT + 1 && long.len() > LIMIT - 10, "{}", long.len());
    }
}
