//! Looks models up: by kind, in a list of folders.
//!
//! Under each folder lies one a kind (`whisper/`, `segmentation/`, `speaker/`, `vad/`). A name in the settings is looked for
//! in all folders in turn, and nothing else will do: a server that silently runs a smaller model than the one asked for is
//! worse than one that says what is missing. Without a name the first folder that has a usable model of the kind wins, and in
//! it the order of `preference`. Hidden and temporary files are not seen; what looks like a model but is not usable is
//! passed over, with a reason. Nothing is cached: a model that was put there since is found by the next call.

use std::path::{Path, PathBuf};

use super::{ModelFile, ModelKind, ModelsOptions, inspect, license, preference};

/// The folders in which models are looked for.
#[derive(Debug, Clone)]
pub struct Catalog {
    dirs: Vec<PathBuf>,
}

/// A file that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// What it would be for.
    pub kind: ModelKind,
    /// The file.
    pub path: PathBuf,
    /// Why, in a few words.
    pub reason: String,
}

/// There is no such model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    /// What was looked for.
    pub kind: ModelKind,
    /// The name, if one was asked for.
    pub wanted: Option<String>,
    /// The folders that were looked into.
    pub searched: Vec<PathBuf>,
    /// Usable models of the kind that do not bear the name.
    pub others: Vec<String>,
    /// What looked like a model.
    pub passed_over: Vec<PassedOver>,
}

impl std::error::Error for NotFound {}

impl std::fmt::Display for NotFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let folders: Vec<_> = self.searched.iter().map(|dir| dir.display().to_string()).collect();
        let kind = self.kind.folder();
        match &self.wanted {
            Some(name) => write!(f, "no {kind} model named {name} in {}", folders.join(", "))?,
            None => write!(f, "no {kind} model in {}", folders.join(", "))?,
        }
        if !self.others.is_empty() {
            write!(f, "; there are {}", self.others.join(", "))?;
        }
        for passed in &self.passed_over {
            let name = passed.path.file_name().unwrap_or_default();
            write!(f, "; {} was passed over ({})", name.display(), passed.reason)?;
        }
        Ok(())
    }
}

/// A file of a folder, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogEntry {
    /// The one that is used.
    InUse(ModelFile),
    /// Usable, but another one goes first: why, in a few words.
    NotUsed(ModelFile, String),
    /// Not usable.
    PassedOver(PassedOver),
}

impl Catalog {
    /// A catalog of these folders, the first first.
    #[must_use]
    pub fn new(dirs: Vec<PathBuf>) -> Self {
        Self { dirs }
    }

    /// The model to use: the one named `preferred` if that is given, else the best in the first folder that has any.
    ///
    /// # Errors
    /// [`NotFound`], with what was searched and what was passed over.
    pub fn find(&self, kind: ModelKind, preferred: Option<&str>) -> Result<ModelFile, NotFound> {
        let (mut models, passed_over) = self.scan(kind);
        match chosen(&models, preferred) {
            Some(index) => Ok(models.swap_remove(index)),
            None => Err(NotFound {
                kind,
                wanted: preferred.map(str::to_owned),
                searched: self.dirs.iter().map(|dir| dir.join(kind.folder())).collect(),
                others: models.into_iter().map(|model| model.name).collect(),
                passed_over,
            }),
        }
    }

    /// Every file that is or looks like a model, in order of kind, folder and preference, with what becomes of it.
    #[must_use]
    pub fn list(&self, options: &ModelsOptions) -> Vec<CatalogEntry> {
        let mut entries = Vec::new();
        for kind in ModelKind::ALL {
            let preferred = options.preferred(kind);
            let (models, passed_over) = self.scan(kind);
            let chosen = chosen(&models, preferred);
            let in_use = chosen.and_then(|index| models.get(index)).cloned();
            for (index, model) in models.into_iter().enumerate() {
                entries.push(match (&in_use, preferred) {
                    (Some(_), _) if chosen == Some(index) => CatalogEntry::InUse(model),
                    (Some(_), Some(name)) => CatalogEntry::NotUsed(model, format!("the settings ask for {name}")),
                    (Some(used), None) if used.dir == model.dir => {
                        CatalogEntry::NotUsed(model, format!("{} goes first", used.name))
                    }
                    (Some(used), None) => CatalogEntry::NotUsed(model, format!("{} goes first", used.dir.display())),
                    (None, name) => CatalogEntry::NotUsed(model, format!("the settings ask for {}", name.unwrap_or_default())),
                });
            }
            entries.extend(passed_over.into_iter().map(CatalogEntry::PassedOver));
        }
        entries
    }

    /// The usable models of a kind, the preferred of each folder first, and what was passed over.
    fn scan(&self, kind: ModelKind) -> (Vec<ModelFile>, Vec<PassedOver>) {
        let (mut models, mut passed_over) = (Vec::new(), Vec::new());
        for dir in &self.dirs {
            let mut here = Vec::new();
            for path in candidates(kind, &dir.join(kind.folder())) {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                match inspect::inspect(kind, &path) {
                    Ok(found) => here.push(ModelFile {
                        kind,
                        license: license::license(kind, &name),
                        name,
                        path,
                        size_bytes: found.size_bytes,
                        dir: dir.clone(),
                        whisper: found.whisper,
                    }),
                    Err(reason) => passed_over.push(PassedOver { kind, path, reason }),
                }
            }
            preference::sort(&mut here);
            models.append(&mut here);
        }
        (models, passed_over)
    }
}

fn chosen(models: &[ModelFile], preferred: Option<&str>) -> Option<usize> {
    match preferred {
        // A full name before a size that several have.
        Some(name) => {
            let exact = |model: &ModelFile| model.name == name || model.path.file_name().is_some_and(|file| file == name);
            models.iter().position(exact).or_else(|| models.iter().position(|model| preference::is_meant(name, model)))
        }
        None => (!models.is_empty()).then_some(0),
    }
}

/// The files that bear the kind's extension. A folder that is not there has none.
fn candidates(kind: ModelKind, folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = folder.read_dir() else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            !hidden && kind.extensions().contains(&extension) && path.is_file()
        })
        .collect();
    paths.sort();
    paths
}
