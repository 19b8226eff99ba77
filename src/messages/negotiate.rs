//! Language negotiation by `Accept-Language` (RFC 9110, section 12.5.4; matching as in RFC 4647).

use super::Language;

/// Maximum number of ranges considered per request; browsers send about five.
const MAX_RANGES: usize = 32;

/// One language range with its weight in thousandths; a weight of 0 excludes the range.
struct Range<'a> {
    tag: &'a str,
    weight: u16,
}

/// The language that the client prefers. Malformed ranges are ignored; without a match it is the default.
pub fn negotiate(accepted: &str, default: Language) -> Language {
    let mut ranges: Vec<Range<'_>> = accepted.split(',').take(MAX_RANGES).filter_map(range).collect();
    // A stable sort: of two ranges with equal weight, the first wins.
    ranges.sort_by_key(|range| std::cmp::Reverse(range.weight));
    let unwanted = |language: Language| {
        ranges.iter().any(|range| range.weight == 0 && range.tag != "*" && matches(range.tag, language.tag()))
    };
    let named = |language: Language| ranges.iter().any(|range| range.tag != "*" && matches(range.tag, language.tag()));
    for range in ranges.iter().filter(|range| range.weight > 0) {
        let found = if range.tag == "*" {
            // `*` matches any language without a range of its own.
            std::iter::once(default).chain(Language::all()).find(|language| !named(*language))
        } else {
            look_up(range.tag).filter(|language| !unwanted(*language))
        };
        if let Some(language) = found {
            return language;
        }
    }
    if unwanted(default) { Language::all().find(|language| !unwanted(*language)).unwrap_or(default) } else { default }
}

fn range(text: &str) -> Option<Range<'_>> {
    let mut parts = text.split(';').map(str::trim);
    let tag = parts.next().unwrap_or_default();
    let plain = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if tag != "*" && !tag.split('-').all(plain) {
        return None;
    }
    let weight = match parts.next() {
        None => 1000,
        Some(parameter) => weight(parameter)?,
    };
    Some(Range { tag, weight })
}

/// Parses `q=0.8` to thousandths.
fn weight(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    let value = value.trim();
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    let digits = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    if !name.trim().eq_ignore_ascii_case("q") || !digits {
        return None;
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

/// The language of a range: by lookup (`ru-RU` finds `ru`), else one that is more specific (`pt` finds `pt-BR`).
fn look_up(range: &str) -> Option<Language> {
    let mut shorter = range;
    loop {
        if let Some(language) = Language::find(shorter) {
            return Some(language);
        }
        match shorter.rsplit_once('-') {
            Some((start, _)) => shorter = start,
            None => return Language::all().find(|language| matches(shorter, language.tag())),
        }
    }
}

/// Whether a range matches a tag (RFC 4647, section 3.3.1).
fn matches(range: &str, tag: &str) -> bool {
    match tag.get(..range.len()) {
        Some(start) => start.eq_ignore_ascii_case(range) && matches!(tag.as_bytes().get(range.len()), None | Some(b'-')),
        None => false,
    }
}
