//! Agglomerative clustering in quadratic time, with average linkage or Ward's method. Pure.
//!
//! The nearest-neighbour chain (F. Murtagh, "A survey of recent advances in hierarchical clustering algorithms", 1983)
//! with the Lance-Williams update builds the same tree as the textbook algorithm in O(n²) instead of O(n³) time: an
//! hour of speech has thousands of items.

/// Defines the distance between a merged cluster and another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Linkage {
    /// Mean distance over all pairs of members.
    Average,
    /// Increase of the within-cluster variance; expects squared distances. Prefers clusters of similar size, where
    /// average linkage tends to give one large cluster and a few outliers on noisy data.
    Ward,
}

/// A symmetric matrix of distances between items.
#[derive(Debug, Clone)]
pub(super) struct DistanceMatrix {
    count: usize,
    /// The upper triangle without the diagonal, row by row.
    values: Vec<f32>,
}

impl DistanceMatrix {
    /// Calls `between` once for each pair `(i, j)` with `i < j`; a value that is not finite becomes 2.
    pub(super) fn from_fn(count: usize, mut between: impl FnMut(usize, usize) -> f32) -> Self {
        let mut values = Vec::with_capacity(count * count.saturating_sub(1) / 2);
        for row in 0..count {
            for column in row + 1..count {
                let value = between(row, column);
                values.push(if value.is_finite() { value } else { 2.0 });
            }
        }
        Self { count, values }
    }

    fn place(&self, one: usize, other: usize) -> usize {
        let (row, column) = (one.min(other), one.max(other));
        row * (2 * self.count - row - 1) / 2 + column - row - 1
    }

    fn get(&self, one: usize, other: usize) -> f32 {
        self.values[self.place(one, other)]
    }
}

/// A merge of two clusters at a distance.
#[derive(Debug, Clone, Copy)]
struct Merge {
    /// One member of each cluster.
    members: (usize, usize),
    height: f32,
}

/// All merges, by ascending height.
#[derive(Debug, Clone)]
pub(super) struct Dendrogram {
    leaves: usize,
    merges: Vec<Merge>,
}

impl Dendrogram {
    /// Merges the closest clusters until one is left.
    pub(super) fn new(mut distances: DistanceMatrix, linkage: Linkage) -> Self {
        let leaves = distances.count;
        let mut sizes = vec![1_usize; leaves];
        let mut alive: Vec<usize> = (0..leaves).collect();
        let mut merges = Vec::with_capacity(leaves.saturating_sub(1));
        let mut chain: Vec<usize> = Vec::new();
        while alive.len() > 1 {
            let top = match chain.last() {
                Some(top) => *top,
                None => {
                    chain.push(alive[0]);
                    alive[0]
                }
            };
            let previous = chain.len().checked_sub(2).map(|place| chain[place]);
            let (nearest, height) = nearest_to(top, previous, &alive, &distances);
            if Some(nearest) != previous {
                chain.push(nearest);
                continue;
            }
            chain.truncate(chain.len() - 2);
            merges.push(Merge { members: (top, nearest), height });
            alive.retain(|cluster| *cluster != top);
            let (a, b) = (sizes[nearest] as f32, sizes[top] as f32);
            for other in alive.iter().filter(|other| **other != nearest) {
                let (one, two) = (distances.get(nearest, *other), distances.get(top, *other));
                let joined = match linkage {
                    Linkage::Average => (a * one + b * two) / (a + b),
                    Linkage::Ward => {
                        let c = sizes[*other] as f32;
                        ((a + c) * one + (b + c) * two - c * height) / (a + b + c)
                    }
                };
                let place = distances.place(nearest, *other);
                distances.values[place] = joined;
            }
            sizes[nearest] += sizes[top];
        }
        merges.sort_by(|one, other| one.height.total_cmp(&other.height));
        Self { leaves, merges }
    }

    /// Cluster of each item after all merges up to `height`; clusters are numbered by first occurrence.
    pub(super) fn cut_at(&self, height: f32) -> Vec<usize> {
        self.after(self.merges.partition_point(|merge| merge.height <= height))
    }

    /// Cluster of each item when this many clusters are left, or fewer if there are fewer items.
    pub(super) fn cut_into(&self, clusters: usize) -> Vec<usize> {
        self.after(self.leaves.saturating_sub(clusters.max(1)))
    }

    fn after(&self, merges: usize) -> Vec<usize> {
        let mut parents: Vec<usize> = (0..self.leaves).collect();
        for merge in &self.merges[..merges.min(self.merges.len())] {
            let (one, other) = (root(&mut parents, merge.members.0), root(&mut parents, merge.members.1));
            parents[one] = other;
        }
        let mut names = vec![usize::MAX; self.leaves];
        let mut next = 0;
        (0..self.leaves)
            .map(|leaf| {
                let root = root(&mut parents, leaf);
                if names[root] == usize::MAX {
                    names[root] = next;
                    next += 1;
                }
                names[root]
            })
            .collect()
    }
}

/// The nearest remaining cluster and its distance. Ties go to `preferred`, without which a chain could cycle.
fn nearest_to(cluster: usize, preferred: Option<usize>, alive: &[usize], distances: &DistanceMatrix) -> (usize, f32) {
    let mut nearest = preferred.map_or((cluster, f32::INFINITY), |other| (other, distances.get(cluster, other)));
    for other in alive.iter().filter(|other| **other != cluster) {
        let distance = distances.get(cluster, *other);
        if distance < nearest.1 {
            nearest = (*other, distance);
        }
    }
    nearest
}

fn root(parents: &mut [usize], mut leaf: usize) -> usize {
    while parents[leaf] != leaf {
        parents[leaf] = parents[parents[leaf]];
        leaf = parents[leaf];
    }
    leaf
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points(values: &[f32]) -> DistanceMatrix {
        DistanceMatrix::from_fn(values.len(), |i, j| (values[i] - values[j]).abs())
    }

    /// The textbook algorithm in cubic time.
    fn plain(values: &[f32], groups: usize) -> Vec<usize> {
        let mut clusters: Vec<Vec<usize>> = (0..values.len()).map(|leaf| vec![leaf]).collect();
        while clusters.len() > groups.max(1) {
            let distance = |a: &[usize], b: &[usize]| {
                let sum: f32 = a.iter().flat_map(|i| b.iter().map(|j| (values[*i] - values[*j]).abs())).sum();
                sum / (a.len() * b.len()) as f32
            };
            let mut best = (0, 1, f32::INFINITY);
            for i in 0..clusters.len() {
                for j in i + 1..clusters.len() {
                    let d = distance(&clusters[i], &clusters[j]);
                    if d < best.2 {
                        best = (i, j, d);
                    }
                }
            }
            let gone = clusters.remove(best.1);
            clusters[best.0].extend(gone);
        }
        clusters.sort_by_key(|cluster| cluster.iter().min().copied());
        let of = |leaf: usize| clusters.iter().position(|cluster| cluster.contains(&leaf)).unwrap();
        (0..values.len()).map(of).collect()
    }

    #[test]
    fn two_heaps_are_two_groups() {
        let tree = Dendrogram::new(points(&[0.0, 5.0, 0.1, 5.2, 0.2]), Linkage::Average);
        assert_eq!(tree.cut_at(1.0), [0, 1, 0, 1, 0]);
        assert_eq!(tree.cut_at(9.0), [0, 0, 0, 0, 0]);
        assert_eq!(tree.cut_into(2), [0, 1, 0, 1, 0]);
        assert_eq!(tree.cut_into(99).len(), 5);
    }

    #[test]
    fn nothing_and_one_thing_are_fine() {
        assert!(Dendrogram::new(points(&[]), Linkage::Average).cut_at(1.0).is_empty());
        assert_eq!(Dendrogram::new(points(&[1.0]), Linkage::Average).cut_into(1), [0]);
        assert_eq!(Dendrogram::new(points(&[f32::NAN, 1.0]), Linkage::Average).cut_at(1.0), [0, 1]);
    }

    proptest! {
        #[test]
        fn the_chain_finds_the_tree_of_the_textbook_method(values in prop::collection::hash_set(0_u32..100_000, 1..24), groups in 1_usize..6) {
            // Uneven spacing avoids ties, which the two algorithms may break differently.
            let values: Vec<f32> = values.into_iter().map(|v| (v as f32).powf(1.3)).collect();
            prop_assert_eq!(Dendrogram::new(points(&values), Linkage::Average).cut_into(groups), plain(&values, groups));
        }
    }
}
