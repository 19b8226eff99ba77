//! Texts that go to clients. A small one is whole; a large one is made in pieces while it is sent, each when the client has taken
//! the one before, so that a client that does not read holds one piece and not the text.

use std::io;
use std::pin::Pin;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};

/// Size of the largest text that is held as a whole while it is sent, and about that of a piece of a larger one, in bytes.
pub(crate) const MAX_WHOLE_BYTES: usize = 32 * 1024;

/// The pieces of a text; an error where the text could not be read to its end.
pub(crate) type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// A text for a client.
pub(crate) struct Outgoing {
    start: String,
    /// What stands between start and end, if that is not held as a whole.
    middle: Option<Pieces>,
    end: String,
}

impl Outgoing {
    /// A text that is made in pieces.
    pub(crate) fn pieces(pieces: Pieces) -> Self {
        Self { start: String::new(), middle: Some(pieces), end: String::new() }
    }

    /// A text of parts, which are made one by one; whole if it is small.
    pub(crate) fn of_parts(mut parts: impl Iterator<Item = String> + Send + 'static) -> Self {
        let mut start = String::new();
        while start.len() < MAX_WHOLE_BYTES {
            match parts.next() {
                Some(part) => start.push_str(&part),
                None => return start.into(),
            }
        }
        Self { start, middle: Some(Box::pin(stream::iter(parts.map(|part| Ok(Bytes::from(part)))))), end: String::new() }
    }

    /// This text between two others.
    #[must_use]
    pub(crate) fn between(mut self, before: &str, after: &str) -> Self {
        self.start.insert_str(0, before);
        self.append(after);
        self
    }

    /// Adds a text to the end.
    pub(crate) fn append(&mut self, after: &str) {
        if self.middle.is_some() { &mut self.end } else { &mut self.start }.push_str(after);
    }

    /// Puts another text where this one, which must be whole, has a placeholder.
    ///
    /// # Panics
    /// When the placeholder is missing.
    #[must_use]
    pub(crate) fn fill(self, placeholder: &str, content: Self) -> Self {
        let (before, after) = self.start.split_once(placeholder).expect("the caller wrote the placeholder");
        content.between(before, after)
    }

    /// The text, if it is whole; else its pieces.
    pub(crate) fn split(self) -> Result<String, Pieces> {
        let Some(middle) = self.middle else { return Ok(self.start) };
        let whole = |text: String| stream::iter((!text.is_empty()).then(|| Ok(Bytes::from(text))));
        Err(Box::pin(whole(self.start).chain(middle).chain(whole(self.end))))
    }

    /// The text in pieces; one if it is whole.
    pub(crate) fn into_pieces(self) -> Pieces {
        match self.split() {
            Ok(text) => Box::pin(stream::once(async { Ok(Bytes::from(text)) })),
            Err(pieces) => pieces,
        }
    }

    /// Texts one behind the other, with this between them.
    pub(crate) fn joined(texts: Vec<Self>, separator: &'static str) -> Self {
        let mut start = String::new();
        let mut texts =
            texts.into_iter().enumerate().map(move |(index, text)| if index == 0 { text } else { text.between(separator, "") });
        while let Some(text) = texts.next() {
            match text.split() {
                Ok(whole) => start.push_str(&whole),
                Err(pieces) => {
                    let rest = pieces.chain(stream::iter(texts).flat_map(Self::into_pieces));
                    return Self { start, middle: Some(Box::pin(rest)), end: String::new() };
                }
            }
        }
        start.into()
    }

    /// The text after a change of each of its pieces, which must leave it UTF-8.
    #[must_use]
    pub(crate) fn mapped(self, change: fn(Bytes) -> Bytes) -> Self {
        match self.split() {
            Ok(text) => String::from_utf8_lossy(&change(Bytes::from(text))).into_owned().into(),
            Err(pieces) => Self::pieces(Box::pin(pieces.map(move |piece| piece.map(change)))),
        }
    }

    /// The body of a response.
    pub(crate) fn into_body(self) -> Body {
        match self.split() {
            Ok(text) => Body::from(text),
            Err(pieces) => Body::from_stream(pieces),
        }
    }
}

impl From<String> for Outgoing {
    fn from(text: String) -> Self {
        Self { start: text, middle: None, end: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    async fn whole(outgoing: Outgoing) -> String {
        match outgoing.split() {
            Ok(text) => text,
            Err(pieces) => String::from_utf8(pieces.try_collect::<Vec<_>>().await.unwrap().concat()).unwrap(),
        }
    }

    #[tokio::test]
    async fn a_large_text_is_not_made_at_once() {
        let parts = |size: usize, count: usize| (0..count).map(move |_| "x".repeat(size));
        assert_eq!(whole(Outgoing::of_parts(parts(10, 10))).await.len(), 100);
        let mut made = 0;
        let counted = parts(1024, 1000).inspect(move |_| {
            made += 1;
            assert!(made <= 33, "it is made before it is wanted");
        });
        assert!(Outgoing::of_parts(counted).split().is_err());
        assert_eq!(whole(Outgoing::of_parts(parts(1024, 1000)).between("<", ">")).await.len(), 1_024_002);
    }

    #[tokio::test]
    async fn texts_are_joined_in_their_order() {
        let text = |text: &str| Outgoing::from(text.to_owned());
        let pieces = || Outgoing::pieces(Box::pin(stream::once(async { Ok(Bytes::from("p")) })));
        assert_eq!(whole(Outgoing::joined(vec![], ",")).await, "");
        assert_eq!(whole(Outgoing::joined(vec![text("a"), text("b")], ",")).await, "a,b");
        assert_eq!(whole(Outgoing::joined(vec![text("a"), pieces(), text("b"), pieces()], ",")).await, "a,p,b,p");
    }

    #[tokio::test]
    async fn a_text_is_the_same_whether_it_is_whole_or_in_pieces() {
        let pieces = || Outgoing::pieces(Box::pin(stream::iter(["b", "c"]).map(|text| Ok(Bytes::from(text)))));
        for text in [Outgoing::from("bc".to_owned()), pieces(), pieces().between("", "")] {
            let mut text = Outgoing::from("<a?e>".to_owned()).fill("?", text.between("1", "2"));
            text.append("!");
            assert_eq!(whole(text).await, "<a1bc2e>!");
        }
    }
}
