//! Which local speakers are one person, and how many persons there are.
//!
//! Pure. Average linkage on the distance of the voices minus the votes of overlapping windows, cut where the recording
//! itself says that voices differ. Sources: D. Plaquet and H. Bredin's pyannote.audio pipeline for the order of steps; the
//! votes and the rules for the count are this project's own (docs/models.md tells what they are worth).

use super::SpeakerCount;
use super::linkage::{Dendrogram, Dissimilarities, Linkage};
use super::local::{LocalSpeaker, vote};
use super::segmentation::{SLOTS, Window};
use super::voices::{Calibration, centroids, median, nearest_centroid};
use crate::audio::SAMPLE_RATE;
use crate::voiceprint::dot;

/// Local speakers with less than this alone are not clustered, only assigned.
const ENOUGH_ALONE_SECONDS: f32 = 1.0;
/// A person speaks at least so long, in seconds and as a share of all.
const FEWEST_SECONDS: f32 = 0.8;
const FEWEST_SHARE: f32 = 0.25;
/// With more local speakers than this, an even choice of windows is clustered and the others are assigned: time and memory
/// grow with the square (this many take 18 MB), and an hour has thousands.
const MOST_CLUSTERED: usize = 3000;
/// Pairs of each kind that the distances of a recording are judged by.
const FEWEST_PAIRS: usize = 5;
/// Windows that must show several voices at once before they bound the count from below.
const FEWEST_WITNESSES: usize = 3;

/// The person that each local speaker of each window is, persons numbered from 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Assignment {
    /// Of each window and slot.
    pub(super) persons: Vec<[Option<usize>; SLOTS]>,
    /// How many there are; at least 1 when anything is active.
    pub(super) count: usize,
}

/// Clusters the local speakers of a recording.
pub(super) fn assign(
    windows: &[Window],
    speakers: &[LocalSpeaker],
    calibration: &Calibration,
    count: SpeakerCount,
) -> Assignment {
    let chosen = worth_clustering(speakers);
    let mut persons = vec![[None; SLOTS]; windows.len()];
    if chosen.is_empty() {
        // Too little for a voiceprint anywhere: one person, if anyone speaks at all.
        for speaker in speakers {
            persons[speaker.window][speaker.slot] = Some(0);
        }
        return Assignment { persons, count: usize::from(!speakers.is_empty()) };
    }
    let centres = voices_of(windows, speakers, &chosen, calibration, count);
    let mut first = 0;
    while first < speakers.len() {
        let window = speakers[first].window;
        let end = first + speakers[first..].iter().take_while(|speaker| speaker.window == window).count();
        let known: Vec<&LocalSpeaker> = speakers[first..end].iter().filter(|speaker| speaker.vector.is_some()).collect();
        let scores: Vec<Vec<f32>> = known
            .iter()
            .map(|speaker| centres.iter().map(|centre| dot(centre, speaker.vector.as_deref().unwrap_or_default())).collect())
            .collect();
        for (speaker, person) in known.iter().zip(best_matching(&scores, centres.len())) {
            persons[window][speaker.slot] = person;
        }
        first = end;
    }
    Assignment { persons, count: centres.len() }
}

/// The local speakers with enough speech of their own, at most [`MOST_CLUSTERED`], evenly spread over the windows.
fn worth_clustering(speakers: &[LocalSpeaker]) -> Vec<usize> {
    let known = || speakers.iter().enumerate().filter(|(_, speaker)| speaker.vector.is_some());
    let longest = known().map(|(_, speaker)| speaker.alone_seconds).fold(0.0, f32::max);
    let least = ENOUGH_ALONE_SECONDS.min(longest);
    let all: Vec<usize> = known().filter(|(_, speaker)| speaker.alone_seconds >= least).map(|(index, _)| index).collect();
    let stride = all.len().div_ceil(MOST_CLUSTERED).max(1);
    all.into_iter().filter(|index| speakers[*index].window.is_multiple_of(stride)).collect()
}

/// One centre for each person.
fn voices_of(
    windows: &[Window],
    speakers: &[LocalSpeaker],
    chosen: &[usize],
    calibration: &Calibration,
    count: SpeakerCount,
) -> Vec<Vec<f32>> {
    let vectors: Vec<&[f32]> = chosen.iter().map(|index| speakers[*index].vector.as_deref().unwrap_or_default()).collect();
    let alone: Vec<f32> = chosen.iter().map(|index| speakers[*index].alone_seconds).collect();
    let own: Vec<f32> = chosen.iter().map(|index| speakers[*index].own_seconds).collect();
    let locals: Vec<&LocalSpeaker> = chosen.iter().map(|index| &speakers[*index]).collect();
    let mut same = Vec::new();
    let distances = Dissimilarities::from_fn(chosen.len(), |one, other| {
        let apart = 1.0 - dot(vectors[one], vectors[other]);
        let (a, b) = (locals[one], locals[other]);
        // Chosen are in order of their windows, so windows that share nothing are the far ones.
        let near = windows[b.window].start < windows[a.window].start + super::segmentation::WINDOW;
        let vote = if near { vote(a, b, windows).unwrap_or(0.0) } else { 0.0 };
        if vote > 0.6 && windows[b.window].start - windows[a.window].start >= 5 * SAMPLE_RATE as usize {
            same.push(apart);
        }
        apart - vote
    });
    let tree = Dendrogram::new(distances, Linkage::Average);
    let witnesses = Witnesses::of(&locals);
    let threshold = calibration.threshold(&mut same, &mut witnesses.distances());
    let group = |exactly: Option<usize>| {
        let labels = match exactly {
            Some(count) => cut_into(&tree, &own, count, threshold),
            None => tree.cut_at(threshold),
        };
        dissolve_small(&vectors, &alone, &own, labels, exactly)
    };
    if let Some(exactly) = count.given() {
        return group(Some(exactly));
    }
    let estimated = group(None);
    let at_least = witnesses.at_least(calibration.apart).max(count.min).min(count.max);
    match estimated.len() {
        found if found < at_least => group(Some(at_least)),
        found if found > count.max => group(Some(count.max)),
        _ => estimated,
    }
}

/// Cuts into `count` groups that hold speech; groups too small to be anyone are passed over as outliers, as long as that
/// does not undo merges of voices that are much alike.
fn cut_into(tree: &Dendrogram, own: &[f32], count: usize, threshold: f32) -> Vec<usize> {
    let least = FEWEST_SECONDS.min(0.1 * own.iter().sum::<f32>() / count.max(1) as f32);
    for groups in count..=(count + 12).min(own.len()) {
        if groups > count && tree.height_below(groups).is_none_or(|height| height < 0.7 * threshold) {
            break;
        }
        let labels = tree.cut_into(groups);
        if totals(&labels, own).iter().filter(|total| **total >= least).count() >= count {
            return labels;
        }
    }
    tree.cut_into(count)
}

/// Gives the pieces of groups with too little speech to the nearest other group, smallest group first; with a count given,
/// down to that many. The centres that are left.
fn dissolve_small(
    vectors: &[&[f32]],
    alone: &[f32],
    own: &[f32],
    mut labels: Vec<usize>,
    exactly: Option<usize>,
) -> Vec<Vec<f32>> {
    let mut centres = centroids(vectors, &labels, alone);
    let all: f32 = own.iter().sum();
    while centres.len() > exactly.unwrap_or(1) {
        let totals = totals(&labels, own);
        let Some((smallest, total)) = totals.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1)) else { break };
        if exactly.is_none() && total >= FEWEST_SECONDS.min(FEWEST_SHARE * all) {
            break;
        }
        centres.remove(smallest);
        for (label, vector) in labels.iter_mut().zip(vectors) {
            *label =
                if *label == smallest { nearest_centroid(&centres, vector) } else { *label - usize::from(*label > smallest) };
        }
        centres = centroids(vectors, &labels, alone);
    }
    centres
}

fn totals(labels: &[usize], seconds: &[f32]) -> Vec<f32> {
    let mut totals = vec![0.0; labels.iter().max().map_or(0, |most| most + 1)];
    for (label, seconds) in labels.iter().zip(seconds) {
        totals[*label] += seconds;
    }
    totals
}

/// Windows in which several local speakers are heard, each long enough to be sure of its voice.
struct Witnesses {
    /// Of each window the distance of each two of its local speakers.
    windows: Vec<Vec<f32>>,
}

impl Witnesses {
    fn of(speakers: &[&LocalSpeaker]) -> Self {
        let mut windows = Vec::new();
        for group in speakers.chunk_by(|one, other| one.window == other.window) {
            let sure: Vec<&[f32]> = group
                .iter()
                .filter(|speaker| speaker.alone_seconds >= ENOUGH_ALONE_SECONDS)
                .filter_map(|speaker| speaker.vector.as_deref())
                .collect();
            let mut distances = Vec::new();
            for (index, one) in sure.iter().enumerate() {
                distances.extend(sure[index + 1..].iter().map(|other| 1.0 - dot(one, other)));
            }
            windows.push(distances);
        }
        Self { windows }
    }

    fn distances(&self) -> Vec<f32> {
        self.windows.iter().flatten().copied().collect()
    }

    /// As many persons as enough windows show at once, all of them at least `apart` from each other.
    fn at_least(&self, apart: f32) -> usize {
        let showing = |pairs: usize| {
            self.windows.iter().filter(|d| d.len() >= pairs && d.iter().filter(|d| **d >= apart).count() >= pairs).count()
        };
        // Two speakers make one pair, three make three.
        if showing(3) >= FEWEST_WITNESSES { 3 } else { 1 + usize::from(showing(1) >= FEWEST_WITNESSES) }
    }
}

impl Calibration {
    /// Where to cut: between the distance of pieces that are surely one voice and that of two voices of one window, where the
    /// recording has enough of both; else, and for a part, the fixed threshold.
    fn threshold(&self, same: &mut [f32], different: &mut [f32]) -> f32 {
        if same.len() < FEWEST_PAIRS || different.len() < FEWEST_PAIRS {
            return self.fixed_threshold;
        }
        let (same, different) = (median(same), median(different));
        let adapted = same + self.between * (different - same);
        self.adapted_share * adapted + (1.0 - self.adapted_share) * self.fixed_threshold
    }
}

/// Gives each row its own column so that the sum of scores is highest; rows beyond the columns get none. For up to three rows
/// trying all ways is simpler than the Hungarian method, and fast.
fn best_matching(scores: &[Vec<f32>], columns: usize) -> Vec<Option<usize>> {
    fn search(
        scores: &[Vec<f32>],
        taken: &mut Vec<Option<usize>>,
        columns: usize,
        sum: f32,
        best: &mut (f32, Vec<Option<usize>>),
    ) {
        let row = taken.len();
        if row == scores.len() {
            if sum > best.0 {
                *best = (sum, taken.clone());
            }
            return;
        }
        let skippable = scores.len() - row > columns - taken.iter().flatten().count();
        for column in (0..columns).map(Some).chain(skippable.then_some(None)) {
            if column.is_some() && taken.contains(&column) {
                continue;
            }
            taken.push(column);
            search(scores, taken, columns, sum + column.map_or(0.0, |column| scores[row][column]), best);
            taken.pop();
        }
    }
    let mut best = (f32::NEG_INFINITY, vec![None; scores.len()]);
    search(scores, &mut Vec::new(), columns, 0.0, &mut best);
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_local_speaker_gets_its_own_person() {
        let scores = [vec![0.9, 0.8], vec![0.85, 0.1]];
        assert_eq!(best_matching(&scores, 2), [Some(1), Some(0)]);
        assert_eq!(best_matching(&[vec![0.1], vec![0.9], vec![0.3]], 1), [None, Some(0), None]);
        assert_eq!(best_matching(&[], 2), []);
    }

    #[test]
    fn windows_that_show_two_voices_bound_the_count() {
        let witnesses = |windows: &[&[f32]]| Witnesses { windows: windows.iter().map(|w| w.to_vec()).collect() };
        assert_eq!(witnesses(&[&[0.9], &[0.8], &[0.1]]).at_least(0.5), 1);
        assert_eq!(witnesses(&[&[0.9], &[0.8], &[0.7]]).at_least(0.5), 2);
        assert_eq!(witnesses(&[&[0.9, 0.9, 0.9], &[0.9, 0.9, 0.9], &[0.9, 0.9, 0.9]]).at_least(0.5), 3);
    }

    #[test]
    fn the_threshold_adapts_when_there_is_enough_to_go_by() {
        let calibration = Calibration { fixed_threshold: 0.7, between: 0.8, adapted_share: 1.0, apart: 0.25 };
        assert!((calibration.threshold(&mut [0.1; 5], &mut [0.6; 5]) - 0.5).abs() < 1e-6);
        assert!((calibration.threshold(&mut [0.1; 4], &mut [0.6; 5]) - 0.7).abs() < 1e-6);
    }
}
