//! Any bytes as what `models import` is given: a model, a wheel or a zip. It is refused, and nothing is left behind.
#![no_main]

use std::sync::LazyLock;

use callannotate::models::import::{ImportRequest, TensorType, import};

/// The folder of models, and that of the source.
static FOLDERS: LazyLock<[tempfile::TempDir; 2]> =
    LazyLock::new(|| [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder can be made")));

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [models, sources] = &*FOLDERS;
    let source = sources.path().join("model.bin");
    std::fs::write(&source, data).expect("a temporary file can be written");
    let request = ImportRequest {
        sources: vec![source],
        tensor_type: TensorType::default(),
        models_dir: models.path().to_owned(),
        name: None,
    };
    if let Err(reason) = import(&request, &mut |_| {}) {
        assert!(!reason.to_string().contains('\n'), "a reason is one line");
    }
    let files = |kind| models.path().join(kind).read_dir().map_or(0, Iterator::count);
    let left: usize = ["whisper", "segmentation", "speaker"].map(files).iter().sum();
    assert_eq!(left, 0, "something was left behind");
});
