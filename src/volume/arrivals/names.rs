//! Names as text: a file's name may be any bytes, and a record is JSON. Printable characters stand for themselves, all other
//! bytes as `%XX`.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use data_encoding::HEXLOWER;

use super::Place;

/// Every byte of a place, as text.
pub(super) fn encode(place: &Place) -> String {
    let mut text = String::new();
    if let Some(folder) = &place.folder {
        escape(folder.as_bytes(), &mut text);
        text.push('/');
    }
    escape(place.name.as_bytes(), &mut text);
    text
}

/// The place that a text tells of. None when it is none in `incoming/`, however it came about.
pub(super) fn decode(text: &str) -> Option<Place> {
    let mut parts = text.split('/').map(part);
    let place = match (parts.next()?, parts.next()) {
        (Some(name), None) => Place { folder: None, name },
        (Some(folder), Some(Some(name))) => Place { folder: Some(folder), name },
        (None, _) | (Some(_), Some(None)) => return None,
    };
    parts.next().is_none().then_some(place)
}

fn escape(bytes: &[u8], text: &mut String) {
    let push_byte = |text: &mut String, byte: u8| {
        text.push('%');
        text.push_str(&HEXLOWER.encode(&[byte]));
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
            assert_eq!(encode(&place), text);
            assert_eq!(decode(text), Some(place));
        }
    }

    #[test]
    fn a_text_that_leads_elsewhere_is_no_place() {
        for text in ["", "/", "a/", "/a", "a/b/c", "..", "../a", "a/..", ".", "%2e%2e/a", "a%2fb", "a%00", "%", "%4", "%zz", "%é"]
        {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_name_comes_back(folder in proptest::option::of("[^/\0.]{1,20}"), name in proptest::collection::vec(1_u8..=255, 1..40)) {
            prop_assume!(!name.contains(&b'/') && name != b"." && name != b"..");
            let place = Place::new(folder.map(OsString::from), OsString::from_vec(name));
            prop_assert_eq!(decode(&encode(&place)), Some(place));
        }
    }
}
