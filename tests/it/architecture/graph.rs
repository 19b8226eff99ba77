//! Which file uses what another one defines, and the circles that come of it.
//!
//! Declaring a child (`mod child;`) or re-exporting its names (`pub use`) is not a use of it. Importing a re-exported name is a use of
//! the file that defines it.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Path, Source};

/// For each file, the files whose names it uses, with those names.
pub type Uses = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

pub struct Crate {
    by_module: BTreeMap<Path, Source>,
}

impl Crate {
    /// The modules that are compiled into the program: those that `lib.rs` and `main.rs` lead to.
    pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut found: BTreeMap<Path, Source> = files
            .into_iter()
            .map(|(file, text)| Source::read(file, text))
            .map(|source| (source.module.clone(), source))
            .collect();
        let mut by_module = BTreeMap::new();
        let mut open = vec![Path::new(), vec!["main".to_owned()]];
        while let Some(module) = open.pop() {
            if let Some(source) = found.remove(&module) {
                open.extend(source.children.iter().map(|child| joined(&module, child)));
                by_module.insert(module, source);
            }
        }
        Self { by_module }
    }

    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.by_module.values()
    }

    /// A path of `source` from the crate's root; nothing for what is another crate's, or defined in the same file.
    pub fn absolute(&self, source: &Source, path: &[String]) -> Option<Path> {
        self.absolute_within(source, path, 0)
    }

    fn absolute_within(&self, source: &Source, path: &[String], depth: usize) -> Option<Path> {
        assert!(depth < 20, "{}: {path:?} leads to itself", source.file);
        let (first, rest) = path.split_first()?;
        let base = match first.as_str() {
            "crate" | "callannotate" => Path::new(),
            "self" => source.module.clone(),
            "super" => {
                let above = source.module.split_last()?.1.to_vec();
                if rest.first().is_some_and(|next| next == "super") {
                    return self.absolute_within(self.by_module.get(&above)?, rest, depth + 1);
                }
                above
            }
            // What stands in front of `::` is the module, also where one of its functions is imported under the same name.
            name if source.children.contains(first) && !rest.is_empty() => joined(&source.module, name),
            name => {
                let import = source.imports.iter().find(|import| import.name == name && import.path != path[..1])?;
                self.absolute_within(source, &import.path, depth + 1)?
            }
        };
        Some(base.into_iter().chain(rest.iter().cloned()).collect())
    }

    /// The file that defines what a path from the root names, through every name that is handed on, and the name.
    fn defined_in(&self, path: &[String], depth: usize) -> Option<(&Source, String)> {
        assert!(depth < 20, "{path:?} leads to itself");
        let mut module = Path::new();
        for (index, segment) in path.iter().enumerate() {
            let source = self.by_module.get(&module)?;
            let import = source.imports.iter().find(|import| import.name == *segment);
            let deeper = joined(&module, segment);
            // A function may be handed on under the name of its module; only the end of a path can mean it.
            if self.by_module.contains_key(&deeper) && (import.is_none() || index + 1 < path.len()) {
                module = deeper;
                continue;
            }
            if let Some(import) = import {
                // Nothing, if it is a name of another crate.
                let target = self.absolute(source, &import.path)?;
                let further: Path = target.into_iter().chain(path[index + 1..].iter().cloned()).collect();
                return self.defined_in(&further, depth + 1);
            }
            return Some((source, segment.clone()));
        }
        // A module alone: what is used of it stands in another path.
        None
    }

    pub fn uses(&self) -> Uses {
        let mut uses = Uses::new();
        for source in self.sources() {
            let imported = source.imports.iter().filter(|import| !import.handed_on).map(|import| &import.path);
            for path in imported.chain(&source.paths) {
                let target = self.absolute(source, path).and_then(|path| self.defined_in(&path, 0));
                if let Some((target, name)) = target
                    && target.file != source.file
                {
                    uses.entry(source.file.clone()).or_default().entry(target.file.clone()).or_default().insert(name);
                }
            }
        }
        uses
    }

    /// The files with a glob import of a module of this crate, which hides the names used.
    pub fn globs(&self) -> Vec<String> {
        let of_ours = |source: &&Source| {
            source.imports.iter().any(|import| import.name == "*" && self.absolute(source, &import.path).is_some())
        };
        self.sources().filter(of_ours).map(|source| source.file.clone()).collect()
    }
}

fn joined(module: &[String], child: &str) -> Path {
    module.iter().cloned().chain([child.to_owned()]).collect()
}

/// The sets of nodes that all lead to each other, each set and the list in order.
pub fn circles(edges: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<String>> {
    let reach: BTreeMap<&str, BTreeSet<&str>> = edges.keys().map(|node| (node.as_str(), reached(edges, node))).collect();
    let mut found = BTreeSet::new();
    for (node, from_here) in &reach {
        let circle: BTreeSet<String> = from_here
            .iter()
            .filter(|other| reach.get(**other).is_some_and(|back| back.contains(node)))
            .map(|other| (*other).to_owned())
            .collect();
        if !circle.is_empty() {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

fn reached<'a>(edges: &'a BTreeMap<String, BTreeSet<String>>, from: &'a str) -> BTreeSet<&'a str> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut open = vec![from];
    while let Some(node) = open.pop() {
        open.extend(edges.get(node).into_iter().flatten().map(String::as_str).filter(|next| seen.insert(*next)));
    }
    seen
}
