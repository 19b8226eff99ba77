//! The vocabulary of a Whisper model, from the files beside it.
//!
//! whisper.cpp needs the 50,257 text tokens as bytes and derives the special ones from their position: for an English-only model
//! the tokens up to and including `<|endoftext|>`, for a multilingual one those before it, of which the last is empty (OpenAI's
//! `gpt2.tiktoken` and `multilingual.tiktoken`). The files contain them in GPT-2's printable alphabet, one character per byte
//! (`bytes_to_unicode` of openai/gpt-2 `encoder.py`).

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::error::{ImportError, printable};

/// The number of tokens in the ggml file, for every Whisper model.
const TEXT_TOKENS: usize = 50_257;
const END_OF_TEXT: &str = "<|endoftext|>";

/// The files that can contain the vocabulary; the first one that exists and fits is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VocabularyFile {
    /// CTranslate2's text file, one token per line.
    Lines,
    /// CTranslate2's JSON list of tokens.
    List,
    /// The format of Hugging Face's `tokenizers`.
    Tokenizer,
}

impl VocabularyFile {
    pub(super) const ALL: [Self; 3] = [Self::List, Self::Lines, Self::Tokenizer];

    /// The name of the file.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lines => "vocabulary.txt",
            Self::List => "vocabulary.json",
            Self::Tokenizer => "tokenizer.json",
        }
    }
}

/// The text tokens as bytes, in order. `size` is the model's number of tokens.
pub(super) fn read(files: &[(VocabularyFile, Vec<u8>)], size: u32, multilingual: bool) -> Result<Vec<Vec<u8>>, ImportError> {
    let mut first_error = None;
    for (file, content) in files {
        let tokens = parse(*file, content).and_then(|tokens| text_tokens(&tokens, size as usize, multilingual));
        match tokens {
            Ok(tokens) => return Ok(tokens),
            Err(reason) => {
                first_error.get_or_insert(format!("{}: {reason}", file.name()));
            }
        }
    }
    let names = VocabularyFile::ALL.map(VocabularyFile::name).join(", ");
    Err(ImportError::Vocabulary(first_error.unwrap_or_else(|| format!("none of {names} lies beside the model"))))
}

fn parse(file: VocabularyFile, content: &[u8]) -> Result<Vec<String>, String> {
    match file {
        VocabularyFile::Lines => {
            let text = std::str::from_utf8(content).map_err(|_| "it is not UTF-8".to_owned())?;
            let text = text.strip_suffix('\n').unwrap_or(text);
            // An empty line is the empty token; `lines` would drop one at the end.
            Ok(text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line).to_owned()).collect())
        }
        VocabularyFile::List => serde_json::from_slice(content).map_err(|error| error.to_string()),
        VocabularyFile::Tokenizer => tokenizer_tokens(content),
    }
}

#[derive(Deserialize)]
struct Tokenizer {
    model: TokenizerModel,
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
}

#[derive(Deserialize)]
struct TokenizerModel {
    vocab: HashMap<String, u32>,
}

#[derive(Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
}

fn tokenizer_tokens(content: &[u8]) -> Result<Vec<String>, String> {
    let tokenizer: Tokenizer = serde_json::from_slice(content).map_err(|error| error.to_string())?;
    let mut by_id: BTreeMap<u32, String> = tokenizer.model.vocab.into_iter().map(|(token, id)| (id, token)).collect();
    by_id.extend(tokenizer.added_tokens.into_iter().map(|token| (token.id, token.content)));
    // Some files omit the empty token, since it is never produced.
    by_id.entry(TEXT_TOKENS as u32 - 1).or_default();
    let mut tokens = Vec::with_capacity(by_id.len());
    for (expected, (id, token)) in by_id.into_iter().enumerate() {
        if usize::try_from(id) != Ok(expected) {
            return Err(format!("no token has the number {expected}"));
        }
        tokens.push(token);
    }
    Ok(tokens)
}

fn text_tokens(tokens: &[String], size: usize, multilingual: bool) -> Result<Vec<Vec<u8>>, String> {
    if tokens.len() > size {
        return Err(format!("it has {} tokens, and the model {size}", tokens.len()));
    }
    let end_of_text = if multilingual { TEXT_TOKENS } else { TEXT_TOKENS - 1 };
    if tokens.get(end_of_text).map(String::as_str) != Some(END_OF_TEXT) {
        return Err(format!("token {end_of_text} is not {END_OF_TEXT}"));
    }
    let alphabet = alphabet();
    let decode = |token: &String| {
        let bytes: Option<Vec<u8>> = token.chars().map(|character| alphabet.get(&character).copied()).collect();
        bytes.ok_or_else(|| format!("{} is not a token of text", printable(token)))
    };
    let mut text = tokens[..end_of_text].iter().map(decode).collect::<Result<Vec<_>, _>>()?;
    if !multilingual {
        text.push(END_OF_TEXT.as_bytes().to_vec());
    }
    Ok(text)
}

/// GPT-2's alphabet: printable Latin-1 characters stand for their own bytes, the characters from U+0100 on for the other bytes.
pub(super) fn alphabet() -> HashMap<char, u8> {
    let mut next = 0x100_u32;
    let mut alphabet = HashMap::with_capacity(256);
    for byte in 0..=u8::MAX {
        let printable = matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
        let character = if printable { Some(char::from(byte)) } else { char::from_u32(next) };
        if !printable {
            next += 1;
        }
        if let Some(character) = character {
            alphabet.insert(character, byte);
        }
    }
    alphabet
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A vocabulary of Whisper's size, with the special tokens in their places.
    fn tokens(multilingual: bool) -> Vec<String> {
        let mut tokens: Vec<String> = (0..TEXT_TOKENS - 1).map(|index| format!("Ġw{index}")).collect();
        if multilingual {
            tokens.push(String::new());
        }
        tokens.push(END_OF_TEXT.to_owned());
        tokens.push("<|startoftranscript|>".to_owned());
        tokens
    }

    fn one(file: VocabularyFile, content: String) -> Vec<(VocabularyFile, Vec<u8>)> {
        vec![(file, content.into_bytes())]
    }

    #[test]
    fn the_three_files_give_the_same_tokens() {
        for (multilingual, size) in [(false, 51_864), (true, 51_865), (true, 51_866)] {
            let tokens = tokens(multilingual);
            let by_id: HashMap<&String, usize> = tokens.iter().zip(0..).collect();
            let files = [
                one(VocabularyFile::Lines, tokens.join("\n")),
                one(VocabularyFile::Lines, tokens.join("\r\n") + "\r\n"),
                one(VocabularyFile::List, serde_json::to_string(&tokens).unwrap()),
                one(VocabularyFile::Tokenizer, serde_json::json!({"model": {"vocab": by_id}}).to_string()),
            ];
            for file in files {
                let text = read(&file, size, multilingual).unwrap();
                assert_eq!(text.len(), TEXT_TOKENS);
                assert_eq!(text[1], b" w1");
                let last: &[u8] = if multilingual { b"" } else { END_OF_TEXT.as_bytes() };
                assert_eq!(text[TEXT_TOKENS - 1], last);
            }
        }
    }

    #[test]
    fn a_tokenizer_may_omit_the_empty_token() {
        let tokens = tokens(true);
        let by_id: HashMap<&String, usize> = tokens.iter().zip(0..).filter(|(token, _)| !token.is_empty()).collect();
        let file = one(VocabularyFile::Tokenizer, serde_json::json!({"model": {"vocab": by_id}}).to_string());
        assert_eq!(read(&file, 51_865, true).unwrap()[TEXT_TOKENS - 1], b"");
    }

    #[test]
    fn a_vocabulary_of_another_model_is_refused() {
        let english = one(VocabularyFile::Lines, tokens(false).join("\n"));
        let multilingual = one(VocabularyFile::Lines, tokens(true).join("\n"));
        assert!(read(&english, 51_865, true).is_err());
        assert!(read(&multilingual, 51_864, false).is_err());
        assert!(read(&one(VocabularyFile::List, "[1".to_owned()), 51_864, false).is_err());
        assert!(read(&one(VocabularyFile::List, "[]".to_owned()), 51_864, false).is_err());
        assert!(read(&[], 51_864, false).is_err());
    }

    #[test]
    fn the_alphabet_covers_every_byte_once() {
        let mut bytes: Vec<u8> = alphabet().into_values().collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..=u8::MAX).collect::<Vec<_>>());
        assert_eq!(alphabet()[&'Ġ'], b' ');
    }
}
