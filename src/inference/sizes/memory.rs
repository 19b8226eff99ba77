//! How much memory a run needs at most, in whatever order the runtime takes the operations.
//!
//! At some operations everything before them has ended and nothing after them has begun, whatever the order: all others lead
//! to them or follow from them. Between two of these everything may be in memory at once, and besides it only what is still
//! used later.

/// One operation of a run, in an order in which they can be done.
pub(super) struct Place {
    /// Elements of its outputs, and of what it needs while it runs.
    pub(super) elements: u64,
    /// The first and the last operation that takes an output of it; the number of operations if the caller gets it.
    pub(super) used: (usize, usize),
    /// The last operation that it takes an output of; none if it takes only what is given.
    pub(super) follows: Option<usize>,
}

/// The most elements that are in memory at once.
pub(super) fn peak(places: &[Place]) -> u64 {
    // For each operation: whether all after it follow from it.
    let mut leads = vec![true; places.len()];
    let mut earliest = Some(places.len());
    for (index, place) in places.iter().enumerate().rev() {
        leads[index] = earliest.is_some_and(|earliest| earliest >= index);
        earliest = earliest.min(place.follows);
    }
    let (mut latest, mut live, mut between, mut peak) = (0, Vec::<(usize, u64)>::new(), 0_u64, 0_u64);
    for (index, place) in places.iter().enumerate() {
        // Everything before it is used by then, so that it leads to it.
        let is_end = latest <= index && leads[index];
        latest = latest.max(place.used.0);
        between = between.saturating_add(place.elements);
        live.push((place.used.1, place.elements));
        if is_end || index + 1 == places.len() {
            peak = peak.max(between);
            live.retain(|(last, _)| *last > index);
            between = live.iter().fold(0, |sum: u64, (_, elements)| sum.saturating_add(*elements));
        }
    }
    peak
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(elements: u64, used: (usize, usize), follows: Option<usize>) -> Place {
        Place { elements, used, follows }
    }

    #[test]
    fn a_chain_holds_two_values_at_once() {
        let chain: Vec<Place> = (0..10).map(|n| place(100, (n + 1, n + 1), n.checked_sub(1))).collect();
        assert_eq!(peak(&chain), 200);
    }

    #[test]
    fn a_value_that_is_used_at_the_end_counts_throughout() {
        let mut chain: Vec<Place> = (0..10).map(|n| place(100, (n + 1, n + 1), n.checked_sub(1))).collect();
        chain[0].used = (1, 9);
        assert_eq!(peak(&chain), 300);
    }

    #[test]
    fn branches_that_may_run_side_by_side_all_count() {
        // Ten branches of a large and a small value, and their sum.
        let mut branches: Vec<Place> = Vec::new();
        for branch in 0..10 {
            branches.push(place(100, (2 * branch + 1, 2 * branch + 1), None));
            branches.push(place(1, (20, 20), Some(2 * branch)));
        }
        branches.push(place(1, (21, 21), Some(19)));
        assert_eq!(peak(&branches), 1011);
    }
}
