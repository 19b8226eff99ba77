//! Finds models by kind in a list of folders.
//!
//! Each folder contains one folder for each kind (`whisper/`, `segmentation/`, `speaker/`, `vad/`). A name from the settings is
//! searched in all folders in turn, and no other model is accepted: a server that silently runs a smaller model than requested is
//! worse than one that reports what is missing. Without a name the first folder with a usable model of the kind wins, and within
//! it the order of `preference`. Hidden and temporary files are ignored; files that look like a model but are not usable are
//! skipped with a reason. Nothing is cached: a model that is added later is found by the next call.

use std::path::{Path, PathBuf};

use super::trials::Trials;
use super::{ModelFile, ModelKind, ModelsOptions, inspect, license, preference};

/// The folders in which models are searched.
#[derive(Debug, Clone)]
pub struct Catalog {
    dirs: Vec<PathBuf>,
    trials: Trials,
}

/// A file that looks like a model but is not usable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    pub kind: ModelKind,
    pub path: PathBuf,
    /// Why it is not usable, in a few words.
    pub reason: String,
}

/// The error when no suitable model was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    pub kind: ModelKind,
    /// The requested name, if any.
    pub wanted: Option<String>,
    /// The folders that were searched.
    pub searched: Vec<PathBuf>,
    /// The names of usable models of this kind with other names.
    pub others: Vec<String>,
    /// The files of this kind that are not usable.
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

/// A file in a models folder, and whether it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogEntry {
    /// The model that is used.
    InUse(ModelFile),
    /// A usable model, but another one takes precedence: why, in a few words.
    NotUsed(ModelFile, String),
    /// The file is not usable.
    PassedOver(PassedOver),
}

impl Catalog {
    /// A catalog of these folders, in order of precedence.
    #[must_use]
    pub fn new(dirs: Vec<PathBuf>) -> Self {
        Self { dirs, trials: Trials::none() }
    }

    /// The same without the models that ended the process before.
    #[must_use]
    pub fn without_harmful(self, trials: Trials) -> Self {
        Self { trials, ..self }
    }

    /// The files that are passed over because they ended the process before, in no particular order.
    #[must_use]
    pub fn harmful(&self) -> Vec<PassedOver> {
        let all = ModelKind::all().flat_map(|kind| self.dirs.iter().map(move |dir| (kind, dir.join(kind.folder()))));
        let files = all.flat_map(|(kind, folder)| candidates(kind, &folder).into_iter().map(move |path| (kind, path)));
        files.filter_map(|(kind, path)| self.trials.passed_over(&path).map(|reason| PassedOver { kind, path, reason })).collect()
    }

    /// The model to use: the one named `preferred` if given, else the best one in the first folder that has any.
    ///
    /// # Errors
    /// [`NotFound`], with the folders searched and the files skipped.
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

    /// Every file that is or looks like a model, in order of kind, folder and preference.
    #[must_use]
    pub fn list(&self, options: &ModelsOptions) -> Vec<CatalogEntry> {
        let mut entries = Vec::new();
        for kind in ModelKind::all() {
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

    /// The usable models of a kind, in order of folder and preference, and the unusable files.
    fn scan(&self, kind: ModelKind) -> (Vec<ModelFile>, Vec<PassedOver>) {
        let (mut models, mut passed_over) = (Vec::new(), Vec::new());
        for dir in &self.dirs {
            let mut here = Vec::new();
            for path in candidates(kind, &dir.join(kind.folder())) {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let harmful = self.trials.passed_over(&path).map_or(Ok(()), Err);
                match harmful.and_then(|()| inspect::inspect(kind, &path)) {
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

/// The index of the model to use.
fn chosen(models: &[ModelFile], preferred: Option<&str>) -> Option<usize> {
    match preferred {
        // A full name takes precedence over a size that several models have.
        Some(name) => {
            let exact = |model: &ModelFile| model.name == name || model.path.file_name().is_some_and(|file| file == name);
            models.iter().position(exact).or_else(|| models.iter().position(|model| preference::is_meant(name, model)))
        }
        None => (!models.is_empty()).then_some(0),
    }
}

/// The files with one of the kind's extensions, sorted; none when there is no such folder.
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
