//! Rust source as words and marks, without comments and without what is compiled for tests only.
//!
//! Knows just enough of the language to find the paths in a file; it never judges them.

use std::iter::Peekable;
use std::str::Chars;

/// One piece of source text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// An identifier, a keyword or a number.
    Word(String),
    /// The `::` between two segments of a path.
    Colons,
    /// The content of a string literal.
    Text(String),
    /// Any other single character.
    Mark(char),
}

impl Token {
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Colons | Self::Text(_) | Self::Mark(_) => None,
        }
    }
}

/// All tokens of a file outside comments and outside items marked `#[cfg(test)]`.
pub fn tokens(text: &str) -> Vec<Token> {
    without_tests(&all(text))
}

fn all(text: &str) -> Vec<Token> {
    let mut characters = text.chars().peekable();
    let mut found = Vec::new();
    while let Some(character) = characters.next() {
        match character {
            '/' if characters.peek() == Some(&'/') => {
                characters.by_ref().find(|next| *next == '\n');
            }
            '/' if characters.peek() == Some(&'*') => block_comment(&mut characters),
            '"' => found.push(Token::Text(quoted(&mut characters))),
            '\'' => lifetime_or_character(&mut characters),
            ':' if characters.next_if_eq(&':').is_some() => found.push(Token::Colons),
            _ if is_word(character) => word(character, &mut characters, &mut found),
            _ if character.is_whitespace() => {}
            _ => found.push(Token::Mark(character)),
        }
    }
    found
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn block_comment(characters: &mut Peekable<Chars>) {
    let mut depth = 0;
    let mut before = '/';
    for character in characters.by_ref() {
        match (before, character) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                before = character;
                continue;
            }
        }
        if depth == 0 {
            return;
        }
        before = ' ';
    }
}

fn quoted(characters: &mut Peekable<Chars>) -> String {
    let mut content = String::new();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => content.extend(characters.next()),
            _ => content.push(character),
        }
    }
    content
}

/// A character literal holds no path, and a lifetime neither: both are passed over.
fn lifetime_or_character(characters: &mut Peekable<Chars>) {
    let mut ahead = characters.clone();
    if characters.peek() == Some(&'\\') {
        characters.nth(1);
        characters.find(|next| *next == '\'');
    } else if ahead.nth(1) == Some('\'') {
        characters.nth(1);
    } else {
        while characters.next_if(|next| is_word(*next)).is_some() {}
    }
}

/// A word, or the raw string or raw identifier that begins with one.
fn word(first: char, characters: &mut Peekable<Chars>, found: &mut Vec<Token>) {
    let mut word = String::from(first);
    while let Some(next) = characters.next_if(|next| is_word(*next)) {
        word.push(next);
    }
    let raw = matches!(word.as_str(), "r" | "br" | "cr");
    if raw && matches!(characters.peek(), Some('"' | '#')) {
        let mut hashes = 0;
        while characters.next_if_eq(&'#').is_some() {
            hashes += 1;
        }
        if characters.next_if_eq(&'"').is_some() {
            found.push(Token::Text(raw_string(hashes, characters)));
        }
        return;
    }
    found.push(Token::Word(word));
}

fn raw_string(hashes: usize, characters: &mut Peekable<Chars>) -> String {
    let end = format!("\"{}", "#".repeat(hashes));
    let mut content = String::new();
    for character in characters.by_ref() {
        content.push(character);
        if content.ends_with(&end) {
            content.truncate(content.len() - end.len());
            break;
        }
    }
    content
}

fn without_tests(all: &[Token]) -> Vec<Token> {
    let marker = ["#", "[", "cfg", "(", "test", ")", "]"].map(|part| match part {
        "cfg" | "test" => Token::Word(part.to_owned()),
        _ => Token::Mark(part.chars().next().unwrap()),
    });
    let mut kept = Vec::new();
    let mut at = 0;
    while at < all.len() {
        if all[at..].starts_with(&marker) {
            at = end_of_item(all, at + marker.len());
        } else {
            kept.push(all[at].clone());
            at += 1;
        }
    }
    kept
}

/// Where the item that begins at `at` ends: behind its semicolon, or behind the brace that closes it.
fn end_of_item(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0;
    while at < tokens.len() {
        match &tokens[at] {
            Token::Mark('{' | '(' | '[') => depth += 1,
            Token::Mark(')' | ']') => depth -= 1,
            Token::Mark('}') => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            Token::Mark(';') if depth == 0 => return at + 1,
            Token::Mark(_) | Token::Word(_) | Token::Colons | Token::Text(_) => {}
        }
        at += 1;
    }
    at
}
