//! Places of files in `incoming/`, and their names as text: a name may be any bytes, and a record is JSON. Printable characters
//! are kept, all other bytes are written as `%XX`.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Length of a file's name at most, in bytes.
pub(super) const MAX_NAME_BYTES: usize = 255;

/// The place of a file: in `incoming/`, or in a folder of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    folder: Option<OsString>,
    name: OsString,
}

impl Place {
    /// In `incoming/` itself, or in this folder of it.
    pub fn new(folder: Option<OsString>, name: OsString) -> Self {
        Self { folder, name }
    }

    /// The folder in `incoming/`; none for `incoming/` itself.
    pub fn folder(&self) -> Option<&OsStr> {
        self.folder.as_deref()
    }

    /// The file's own name.
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// Another file in the same folder.
    pub(super) fn beside(&self, name: OsString) -> Self {
        Self { folder: self.folder.clone(), name }
    }

    /// The place as text that keeps every byte of its names.
    pub(super) fn encode(&self) -> String {
        let mut text = String::new();
        if let Some(folder) = &self.folder {
            escape(folder.as_bytes(), &mut text);
            text.push('/');
        }
        escape(self.name.as_bytes(), &mut text);
        text
    }

    /// The place that a text encodes; none if it would be outside `incoming/`.
    pub(super) fn decode(text: &str) -> Option<Self> {
        let mut parts = text.split('/').map(part);
        let place = match (parts.next()?, parts.next()) {
            (Some(name), None) => Self { folder: None, name },
            (Some(folder), Some(Some(name))) => Self { folder: Some(folder), name },
            (None, _) | (Some(_), Some(None)) => return None,
        };
        parts.next().is_none().then_some(place)
    }

    /// The path of the file, given that of `incoming/`.
    pub(super) fn path(&self, incoming: &Path) -> PathBuf {
        match &self.folder {
            Some(folder) => incoming.join(folder).join(&self.name),
            None => incoming.join(&self.name),
        }
    }
}

fn escape(bytes: &[u8], text: &mut String) {
    let push_byte = |text: &mut String, byte: u8| {
        // Writing to a String cannot fail.
        let _always_ok = write!(text, "%{byte:02x}");
    };
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character == '%' || character == '/' || character.is_control() {
                let mut buffer = [0; 4];
                character.encode_utf8(&mut buffer).bytes().for_each(|byte| push_byte(text, byte));
            } else {
                text.push(character);
            }
        }
        chunk.invalid().iter().for_each(|byte| push_byte(text, *byte));
    }
}

fn part(text: &str) -> Option<OsString> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'%' {
            let (digits, after) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    let climbs = bytes.is_empty() || bytes == b"." || bytes == b".." || bytes.iter().any(|byte| matches!(byte, b'/' | 0));
    (!climbs).then(|| OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(folder: Option<&[u8]>, name: &[u8]) -> Place {
        Place::new(folder.map(|folder| OsString::from_vec(folder.to_vec())), OsString::from_vec(name.to_vec()))
    }

    #[test]
    fn names_stay_readable_and_keep_every_byte() {
        for (place, text) in [
            (place(None, "Звонок 5 (копия).wav".as_bytes()), "Звонок 5 (копия).wav"),
            (place(Some(b"shop"), b"100%.wav"), "shop/100%25.wav"),
            (place(None, b"-a\n\\b\xff.wav"), "-a%0a\\b%ff.wav"),
        ] {
            assert_eq!(place.encode(), text);
            assert_eq!(Place::decode(text), Some(place));
        }
    }

    #[test]
    fn a_text_that_leads_elsewhere_is_no_place() {
        for text in ["", "/", "a/", "/a", "a/b/c", "..", "../a", "a/..", ".", "%2e%2e/a", "a%2fb", "a%00", "%", "%4", "%zz", "%é"]
        {
            assert_eq!(Place::decode(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_name_comes_back(folder in proptest::option::of("[^/\0.]{1,20}"), name in proptest::collection::vec(1_u8..=255, 1..40)) {
            prop_assume!(!name.contains(&b'/') && name != b"." && name != b"..");
            let place = Place::new(folder.map(OsString::from), OsString::from_vec(name));
            prop_assert_eq!(Place::decode(&place.encode()), Some(place));
        }
    }
}
