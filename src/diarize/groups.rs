//! Groups of stretches on their way to persons: joined by their centres, cleaned, and the scraps given away. Pure.
//!
//! The centre of many stretches is a far better voiceprint than any of them: two groups of ten seconds of one person are nearly
//! always within 0.1, while two of their stretches are 0.3 apart. So the number of persons is decided by centres, and the shorter
//! a group, the further it has to be from the others to be someone.

use super::voices::{Rules, centroids, nearest_centroid};
use crate::voiceprint::dot;

/// A person speaks at least so long, in seconds and as a share of all.
const FEWEST_SECONDS: f32 = 0.8;
const FEWEST_SHARE: f32 = 0.25;
/// Groups nearer than this share of what makes them one person are joined though fewer are left than there should be.
const SURELY_ONE: f32 = 0.55;
/// Times that stretches and centres are found from each other.
const ROUNDS: usize = 2;
/// A second of speech that is given to a person of its own must be so much less like its group: if it is wrong, it is lost.
const RISK_PER_SECOND: f32 = 0.4;
/// How much the neighbours of a stretch count against its own voice when it is given to a group.
const NEIGHBOURS: f32 = 0.1;

/// Stretches and the group of each. Groups are numbered without gaps.
#[derive(Debug)]
pub(super) struct Groups<'a> {
    pub(super) vectors: &'a [&'a [f32]],
    pub(super) seconds: &'a [f32],
    /// Of each stretch those that windows see with it, with their votes.
    pub(super) links: &'a [Vec<(usize, f32)>],
    pub(super) rules: Rules,
    pub(super) labels: Vec<usize>,
}

/// Two groups that may be one person.
struct Pair {
    one: usize,
    other: usize,
    /// Below 1, they are.
    nearness: f32,
    /// Seconds of the shorter of the two.
    shorter: f32,
}

impl Pair {
    /// What is lost when two people become one: what the shorter of them says, if they are two.
    fn loss(&self) -> f32 {
        (self.nearness - 1.0) * self.shorter
    }
}

impl Groups<'_> {
    pub(super) fn count(&self) -> usize {
        self.labels.iter().max().map_or(0, |most| most + 1)
    }

    pub(super) fn centres(&self) -> Vec<Vec<f32>> {
        centroids(self.vectors, &self.labels, self.seconds)
    }

    fn totals(&self) -> Vec<f32> {
        let mut totals = vec![0.0; self.count()];
        for (label, seconds) in self.labels.iter().zip(self.seconds) {
            totals[*label] += seconds;
        }
        totals
    }

    /// Gives the stretches of groups with too little speech to the nearest other group, smallest group first, as long as more
    /// than `fewest` are left.
    pub(super) fn dissolve_small(&mut self, fewest: usize) {
        let all: f32 = self.seconds.iter().sum();
        while self.count() > fewest.max(1) {
            let totals = self.totals();
            let Some((smallest, total)) = totals.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1)) else { break };
            if total >= FEWEST_SECONDS.min(FEWEST_SHARE * all) {
                break;
            }
            let mut centres = self.centres();
            centres.remove(smallest);
            for (label, vector) in self.labels.iter_mut().zip(self.vectors) {
                let rest = *label - usize::from(*label > smallest);
                *label = if *label == smallest { nearest_centroid(&centres, vector) } else { rest };
            }
        }
    }

    /// Joins the two groups that are most likely one person, again and again, until all are persons of their own; then on to `max`
    /// so that the least speech is given to somebody else. Where there are fewer than `min`, groups that are surely one person are
    /// joined still, and the stretches least like their group are persons of their own instead: who is not heard among the others
    /// says little, and half of someone's speech is a worse guess.
    pub(super) fn join(&mut self, min: usize, max: usize) {
        loop {
            let pairs = self.pairs();
            let Some(closest) = pairs.iter().min_by(|a, b| a.nearness.total_cmp(&b.nearness)) else { break };
            let one_person = if self.count() <= min { SURELY_ONE } else { 1.0 };
            let &Pair { one, other, .. } = if closest.nearness < one_person {
                closest
            } else if self.count() > max {
                pairs.iter().min_by(|a, b| a.loss().total_cmp(&b.loss())).unwrap_or(closest)
            } else {
                break;
            };
            for label in &mut self.labels {
                if *label == other {
                    *label = one;
                }
                *label -= usize::from(*label > other);
            }
            self.settle();
        }
        while self.count() < min {
            let Some(stretch) = self.least_alike() else { break };
            self.labels[stretch] = self.count();
        }
    }

    /// Each two groups.
    fn pairs(&self) -> Vec<Pair> {
        let (centres, totals, votes) = (self.centres(), self.totals(), self.votes());
        let pair = |one: usize, other: usize| {
            let shorter = totals[one].min(totals[other]);
            let unsure = self.rules.per_second / shorter.max(0.1);
            let (sum, count) = votes[one * centres.len() + other];
            let vote = if count > 0 { sum / count as f32 } else { 0.0 };
            let distance = 1.0 - dot(&centres[one], &centres[other]) - self.rules.group_links * vote;
            Pair { one, other, nearness: distance / (self.rules.apart + unsure), shorter }
        };
        (0..centres.len())
            .flat_map(|one| (one + 1..centres.len()).map(move |other| (one, other)))
            .map(|(one, other)| pair(one, other))
            .collect()
    }

    /// The stretch that is least like its group, short ones being less sure and long ones a greater loss; none when all are alone.
    fn least_alike(&self) -> Option<usize> {
        let centres = self.centres();
        let mut sizes = vec![0_usize; centres.len()];
        for label in &self.labels {
            sizes[*label] += 1;
        }
        let distance = |stretch: &usize| {
            let seconds = self.seconds[*stretch];
            let unsure = self.rules.per_second / (2.0 * seconds.max(0.1));
            1.0 - dot(&centres[self.labels[*stretch]], self.vectors[*stretch]) - unsure - RISK_PER_SECOND * seconds
        };
        let among = (0..self.labels.len()).filter(|stretch| sizes[self.labels[*stretch]] > 1);
        among.max_by(|a, b| distance(a).total_cmp(&distance(b)))
    }

    /// Of each two groups the sum of the votes of their stretches, and how many there are.
    fn votes(&self) -> Vec<(f32, usize)> {
        let groups = self.count();
        let mut votes = vec![(0.0, 0); groups * groups];
        for (stretch, links) in self.links.iter().enumerate() {
            for (other, vote) in links {
                let cell = &mut votes[self.labels[stretch] * groups + self.labels[*other]];
                *cell = (cell.0 + vote, cell.1 + 1);
            }
        }
        votes
    }

    /// Gives each stretch to the group it is most like, and finds the centres anew; never so that a group loses all.
    pub(super) fn settle(&mut self) {
        for _ in 0..ROUNDS {
            let centres = self.centres();
            let mut filled = vec![false; centres.len()];
            let mut better = Vec::with_capacity(self.labels.len());
            let mut votes = vec![0.0; centres.len()];
            for (vector, links) in self.vectors.iter().zip(self.links) {
                votes.fill(0.0);
                for (other, vote) in links {
                    votes[self.labels[*other]] += vote;
                }
                let share = NEIGHBOURS / links.len().max(1) as f32;
                let score = |group: &usize| dot(&centres[*group], vector) + share * votes[*group];
                let best = (0..centres.len()).max_by(|a, b| score(a).total_cmp(&score(b)).then(b.cmp(a))).unwrap_or(0);
                filled[best] = true;
                better.push(best);
            }
            if better == self.labels || filled.contains(&false) {
                break;
            }
            self.labels = better;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::voices::Calibration;
    use super::*;
    use crate::voiceprint::FeatureKind;

    const EAST: &[f32] = &[1.0, 0.0];
    const NEAR_EAST: &[f32] = &[0.98, 0.199];
    const NORTH: &[f32] = &[0.0, 1.0];

    fn groups<'a>(vectors: &'a [&'a [f32]], seconds: &'a [f32], links: &'a [Vec<(usize, f32)>], labels: &[usize]) -> Groups<'a> {
        let rules = Calibration::of(FeatureKind::Mel40).rules(&mut [], &mut []);
        Groups { vectors, seconds, links, rules, labels: labels.to_vec() }
    }

    fn unlinked(count: usize) -> Vec<Vec<(usize, f32)>> {
        vec![Vec::new(); count]
    }

    #[test]
    fn groups_of_one_voice_are_joined_and_others_are_not() {
        let links = unlinked(3);
        let mut found = groups(&[EAST, NEAR_EAST, NORTH], &[9.0, 9.0, 9.0], &links, &[0, 1, 2]);
        found.join(1, 9);
        assert_eq!(found.labels, [0, 0, 1]);
    }

    #[test]
    fn the_bounds_of_the_count_are_kept() {
        let links = unlinked(3);
        let mut found = groups(&[EAST, NEAR_EAST, NORTH], &[9.0, 9.0, 9.0], &links, &[0, 1, 2]);
        found.join(3, 9);
        assert_eq!(found.count(), 3);
        found.join(1, 1);
        assert_eq!(found.count(), 1);
    }

    #[test]
    fn where_fewer_persons_are_wanted_than_heard_the_least_speech_goes_to_another() {
        let (halfway, south): (&[f32], &[f32]) = (&[0.6, 0.8], &[0.0, -1.0]);
        let (vectors, links) = ([EAST, halfway, south], unlinked(3));
        let mut found = groups(&vectors, &[30.0, 30.0, 3.0], &links, &[0, 1, 2]);
        found.join(2, 2);
        assert_eq!(found.labels, [0, 1, 0]);
    }

    #[test]
    fn where_more_persons_are_wanted_than_heard_the_oddest_stretch_is_one_and_no_voice_is_halved() {
        let odd: &[f32] = &[0.866, 0.5];
        let (vectors, links) = ([EAST, EAST, odd, EAST, EAST], unlinked(5));
        let mut found = groups(&vectors, &[5.0, 5.0, 5.0, 5.0, 5.0], &links, &[0, 0, 0, 1, 1]);
        found.join(2, 2);
        assert_eq!(found.labels, [0, 0, 1, 0, 0]);
    }

    #[test]
    fn of_stretches_equally_odd_the_shorter_is_the_person() {
        let odd: &[f32] = &[0.0, 1.0];
        let (vectors, links) = ([EAST, odd, EAST, odd, EAST], unlinked(5));
        let mut found = groups(&vectors, &[30.0, 2.0, 30.0, 1.0, 30.0], &links, &[0, 0, 0, 0, 0]);
        found.join(2, 2);
        assert_eq!(found.labels, [0, 0, 0, 1, 0]);
    }

    #[test]
    fn a_short_group_has_to_be_further_away() {
        let halfway: &[f32] = &[0.6, 0.8];
        let links = unlinked(2);
        for (seconds, persons) in [(9.0, 2), (2.0, 1)] {
            let (vectors, lengths) = ([EAST, halfway], [9.0, seconds]);
            let mut found = groups(&vectors, &lengths, &links, &[0, 1]);
            found.join(1, 9);
            assert_eq!(found.count(), persons, "{seconds} s");
        }
    }

    #[test]
    fn scraps_go_to_the_nearest() {
        let links = unlinked(3);
        let mut found = groups(&[EAST, NORTH, NEAR_EAST], &[9.0, 9.0, 0.3], &links, &[0, 1, 2]);
        found.dissolve_small(1);
        assert_eq!(found.labels, [0, 1, 0]);
    }

    #[test]
    fn a_stretch_moves_to_the_voice_it_is_like_but_no_group_is_emptied() {
        let links = unlinked(4);
        let mut found = groups(&[EAST, NORTH, NORTH, NEAR_EAST], &[5.0, 5.0, 5.0, 0.1], &links, &[0, 1, 1, 1]);
        found.settle();
        assert_eq!(found.labels, [0, 1, 1, 0]);
        let mut alone = groups(&[EAST, EAST, NORTH, NORTH], &[5.0; 4], &links, &[0, 1, 2, 2]);
        alone.settle();
        assert_eq!(alone.count(), 3);
    }
}
