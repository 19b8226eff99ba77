//! Word and character error rates: the words or characters of a reference that were replaced, deleted or inserted.
//!
//! Texts are compared as words in lower case, composed, without punctuation (an apostrophe inside a word stays) and with `ё` as
//! `е`. Numbers are not spelled out, and no other normalisation is applied.

use std::collections::BTreeMap;

/// A piece of a reference or of a transcript.
#[derive(Debug, Clone)]
pub struct Spoken {
    pub speaker: String,
    pub start: f64,
    pub text: String,
}

/// The errors and the number of words, or of characters, in the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    pub errors: usize,
    pub words: usize,
}

impl Score {
    pub fn percent(self) -> f64 {
        100.0 * self.errors as f64 / self.words.max(1) as f64
    }
}

/// The word error rate of all words in order of time, regardless of speaker (WER).
pub fn plain(reference: &[Spoken], found: &[Spoken]) -> Score {
    score(&words_of(reference), &words_of(found))
}

/// The character error rate of all words in order of time, regardless of speaker (CER). Spaces between words do not count.
pub fn characters(reference: &[Spoken], found: &[Spoken]) -> Score {
    let [reference, found] = [reference, found].map(|items| words_of(items).concat().chars().collect::<Vec<_>>());
    Score { errors: distance(&reference, &found), words: reference.len() }
}

/// The word error rate per speaker with the best matching of speakers; unmatched speakers count in full (cpWER).
pub fn concatenated(reference: &[Spoken], found: &[Spoken]) -> Score {
    let (mut reference, mut found) = (by_speaker(reference), by_speaker(found));
    let count = reference.len().max(found.len());
    let words = reference.iter().map(Vec::len).sum();
    reference.resize(count, Vec::new());
    found.resize(count, Vec::new());
    let costs: Vec<Vec<usize>> = reference.iter().map(|said| found.iter().map(|heard| distance(said, heard)).collect()).collect();
    Score { errors: cheapest(&costs, &mut vec![false; count], 0), words }
}

/// The word error rate per channel, if every reference speaker has a channel: the speakers found are merged into the
/// channel where they fit best.
pub fn per_channel(reference: &[Spoken], found: &[Spoken]) -> Score {
    let said = by_speaker(reference);
    let mut speakers: Vec<&str> = found.iter().map(|item| item.speaker.as_str()).collect();
    speakers.sort_unstable();
    speakers.dedup();
    let ways = said.len().pow(u32::try_from(speakers.len()).unwrap());
    let errors = (0..ways).map(|way| {
        let channel_of = |name: &str| {
            let index = speakers.iter().position(|speaker| *speaker == name).unwrap();
            way / said.len().pow(u32::try_from(index).unwrap()) % said.len()
        };
        let heard =
            |channel| words_of(&found.iter().filter(|item| channel_of(&item.speaker) == channel).cloned().collect::<Vec<_>>());
        said.iter().enumerate().map(|(channel, said)| distance(said, &heard(channel))).sum::<usize>()
    });
    Score { errors: errors.min().unwrap_or(0), words: said.iter().map(Vec::len).sum() }
}

/// The word error rate of a single text.
pub fn of_text(reference: &str, found: &str) -> Score {
    score(&normalised(reference), &normalised(found))
}

fn score(reference: &[String], found: &[String]) -> Score {
    Score { errors: distance(reference, found), words: reference.len() }
}

fn words_of(items: &[Spoken]) -> Vec<String> {
    let mut items: Vec<&Spoken> = items.iter().collect();
    items.sort_by(|a, b| a.start.total_cmp(&b.start));
    items.iter().flat_map(|item| normalised(&item.text)).collect()
}

fn by_speaker(items: &[Spoken]) -> Vec<Vec<String>> {
    let mut speakers: BTreeMap<&str, Vec<Spoken>> = BTreeMap::new();
    for item in items {
        speakers.entry(&item.speaker).or_default().push(item.clone());
    }
    speakers.values().map(|items| words_of(items)).collect()
}

/// The minimum total cost of assigning each row to a different column.
fn cheapest(costs: &[Vec<usize>], taken: &mut Vec<bool>, row: usize) -> usize {
    let Some(row_costs) = costs.get(row) else { return 0 };
    let mut best = usize::MAX;
    for (column, cost) in row_costs.iter().enumerate() {
        if !taken[column] {
            taken[column] = true;
            best = best.min(cost + cheapest(costs, taken, row + 1));
            taken[column] = false;
        }
    }
    best
}

fn normalised(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.to_lowercase().replace(['’', 'ʼ'], "'").replace('ё', "е").chars().collect();
    let is_inside = |index: usize| {
        let word = |index: Option<usize>| index.and_then(|index| characters.get(index)).is_some_and(|c| c.is_alphanumeric());
        word(index.checked_sub(1)) && word(Some(index + 1))
    };
    let kept: String = characters
        .iter()
        .enumerate()
        .map(|(index, &c)| if c.is_alphanumeric() || (c == '\'' && is_inside(index)) { c } else { ' ' })
        .collect();
    kept.split_whitespace().map(str::to_owned).collect()
}

fn distance<T: PartialEq>(reference: &[T], found: &[T]) -> usize {
    let mut row: Vec<usize> = (0..=found.len()).collect();
    for (index, said) in reference.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, heard) in found.iter().enumerate() {
            let replaced = diagonal + usize::from(said != heard);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[found.len()]
}

mod tests {
    use super::*;

    fn spoken(items: &[(&str, &str)]) -> Vec<Spoken> {
        let item = |(index, (speaker, text)): (usize, &(&str, &str))| Spoken {
            speaker: (*speaker).to_owned(),
            start: index as f64,
            text: (*text).to_owned(),
        };
        items.iter().enumerate().map(item).collect()
    }

    #[test]
    fn characters_are_compared_without_spaces_case_and_punctuation() {
        let score = characters(&spoken(&[("a", "Всё, до 8"), ("b", "хорошо")]), &spoken(&[("a", "все до восьми хорошо")]));
        // "8" became "восьми".
        assert_eq!(score, Score { errors: 6, words: 12 });
    }

    #[test]
    fn replaced_lost_and_invented_words_are_errors() {
        assert_eq!(of_text("It's 10:30, isn’t it?", "its 10 30 isn't it it"), Score { errors: 2, words: 5 });
        assert_eq!(of_text("Всё хорошо", "все хорошо"), Score { errors: 0, words: 2 });
        assert_eq!(of_text("a b c", ""), Score { errors: 3, words: 3 });
    }

    #[test]
    fn words_of_the_wrong_speaker_count_twice() {
        let reference = spoken(&[("A", "one two"), ("B", "three four")]);
        let found = spoken(&[("x", "one two three"), ("y", "four")]);
        assert_eq!(plain(&reference, &found).errors, 0);
        assert_eq!(concatenated(&reference, &found), Score { errors: 2, words: 4 });
        let split = spoken(&[("x", "one two"), ("y", "three"), ("z", "four")]);
        assert_eq!(concatenated(&reference, &split).errors, 2);
        assert_eq!(per_channel(&reference, &split).errors, 0);
    }
}
