//! What one file of `src` says of others: the modules it declares, what it imports, and the paths it names.

use super::tokens::{Token, tokens};

/// The segments of a path as it is written, or of a module from the crate's root.
pub type Path = Vec<String>;

/// A name that a `use` brings into a file.
pub struct Import {
    /// The name in this file; `*` for everything in a module.
    pub name: String,
    pub path: Path,
    /// A `pub use` hands a name on; it is no use of it.
    pub handed_on: bool,
}

pub struct Source {
    /// The file below `src`, with slashes.
    pub file: String,
    /// Its module from the crate's root; `lib.rs` has none.
    pub module: Path,
    pub children: Vec<String>,
    pub imports: Vec<Import>,
    /// Every path outside `use` that may lead to another file.
    pub paths: Vec<Path>,
}

impl Source {
    pub fn read(file: &str, text: &str) -> Self {
        let tokens = tokens(text);
        let mut source =
            Self { file: file.to_owned(), module: module_of(file), children: Vec::new(), imports: Vec::new(), paths: Vec::new() };
        let mut at = 0;
        while at < tokens.len() {
            at = source.take(&tokens, at);
        }
        source
    }

    /// Reads what begins at `at`, and says where the next begins.
    fn take(&mut self, tokens: &[Token], at: usize) -> usize {
        match &tokens[at] {
            Token::Word(word) if word == "use" && tokens.get(at + 1) != Some(&Token::Mark('<')) => {
                let handed_on = is_public(tokens, at);
                let mut next = at + 1;
                self.tree(tokens, &mut next, &[], handed_on);
                next
            }
            // A module within a file, as a macro may write one: what it names, the file names.
            Token::Word(word) if word == "mod" && tokens.get(at + 2) == Some(&Token::Mark('{')) => at + 3,
            Token::Word(word) if word == "mod" => {
                let name = tokens[at + 1].word().unwrap_or_default().to_owned();
                assert!(!has_path(tokens, at), "{}: a module in another place (`#[path]`) is not followed", self.file);
                self.children.push(name);
                at + 3
            }
            Token::Word(_) => self.path(tokens, at),
            Token::Text(text) => {
                // A path in an attribute: #[serde(with = "crate::x::y")].
                if ["crate::", "super::", "self::"].iter().any(|start| text.starts_with(start)) {
                    self.paths.push(text.split("::").map(str::to_owned).collect());
                }
                at + 1
            }
            Token::Colons | Token::Mark(_) => at + 1,
        }
    }

    /// One branch of a `use` tree.
    fn tree(&mut self, tokens: &[Token], at: &mut usize, before: &[String], handed_on: bool) {
        let mut path = before.to_vec();
        loop {
            match &tokens[*at] {
                Token::Mark('{') => {
                    *at += 1;
                    while tokens[*at] != Token::Mark('}') {
                        self.tree(tokens, at, &path, handed_on);
                        if tokens[*at] == Token::Mark(',') {
                            *at += 1;
                        }
                    }
                    *at += 1;
                    return;
                }
                Token::Mark('*') => {
                    *at += 1;
                    self.imports.push(Import { name: "*".to_owned(), path, handed_on });
                    return;
                }
                Token::Word(word) if word == "as" => {
                    let name = tokens[*at + 1].word().unwrap_or_default().to_owned();
                    *at += 2;
                    self.imports.push(Import { name, path, handed_on });
                    return;
                }
                Token::Word(word) => {
                    // `{self, ..}` is the module before the brace.
                    if word != "self" || path.is_empty() {
                        path.push(word.clone());
                    }
                    *at += 1;
                }
                Token::Colons => *at += 1,
                Token::Mark(_) | Token::Text(_) => {
                    let name = path.last().cloned().unwrap_or_default();
                    self.imports.push(Import { name, path, handed_on });
                    return;
                }
            }
        }
    }

    fn path(&mut self, tokens: &[Token], at: usize) -> usize {
        let mut path = vec![tokens[at].word().unwrap_or_default().to_owned()];
        let mut next = at + 1;
        while tokens.get(next) == Some(&Token::Colons)
            && let Some(word) = tokens.get(next + 1).and_then(Token::word)
        {
            path.push(word.to_owned());
            next += 2;
        }
        if begins_a_path(tokens, at) && (path.len() > 1 || stands_alone(&path[0], tokens, at)) {
            self.paths.push(path);
        }
        next
    }
}

fn module_of(file: &str) -> Path {
    let mut module: Path = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod") || module == ["lib"] {
        module.pop();
    }
    module
}

/// Whether the `use` at `at` is a `pub use`, of whatever reach.
fn is_public(tokens: &[Token], at: usize) -> bool {
    let before = if at > 0 && tokens[at - 1] == Token::Mark(')') {
        tokens[..at].iter().rposition(|token| *token == Token::Mark('(')).unwrap_or_default()
    } else {
        at
    };
    before > 0 && tokens[before - 1].word() == Some("pub")
}

/// Whether the `mod` at `at` has a `#[path = "..."]` right before it, but for its visibility.
fn has_path(tokens: &[Token], at: usize) -> bool {
    let marker = [Token::Mark('['), Token::Word("path".to_owned()), Token::Mark('=')];
    let attribute = tokens[..at].iter().rposition(|token| *token == Token::Mark(']'));
    attribute.is_some_and(|end| {
        let between = tokens[end + 1..at].iter();
        let is_visibility =
            |token: &Token| token.word().is_some_and(|word| word != "mod") || matches!(token, Token::Mark('(' | ')'));
        end >= 4 && tokens[end - 4..].starts_with(&marker) && between.clone().all(is_visibility)
    })
}

/// Neither a field or method (behind one dot) nor the rest of a path that was read before.
fn begins_a_path(tokens: &[Token], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|index| &tokens[index]);
    let dot = Some(&Token::Mark('.'));
    before(1) != Some(&Token::Colons) && (before(1) != dot || before(2) == dot)
}

/// A word alone is a name from elsewhere only as a type, or as a function or macro that is called.
fn stands_alone(word: &str, tokens: &[Token], at: usize) -> bool {
    let called = matches!(tokens.get(at + 1), Some(Token::Mark('(' | '!')));
    let defined = at > 0 && tokens[at - 1].word() == Some("fn");
    word.starts_with(char::is_uppercase) || (called && !defined)
}
