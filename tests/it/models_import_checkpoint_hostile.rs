//! PyTorch checkpoints that are damaged, contradict themselves, or want to run something: a one-line error, and no files left behind.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests make their own files, and fail by panicking")]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use callannotate::models::import::TensorType;
use proptest::prelude::{ProptestConfig, any, proptest};
use zip::CompressionMethod;

use crate::models_import::{files_below, import, request};
use crate::toy_checkpoint::{ToyCheckpoint, text};

static TOY: LazyLock<ToyCheckpoint> = LazyLock::new(ToyCheckpoint::segmentation);

fn refusal_of_file(source: &Path) -> String {
    let models = source.with_file_name("models");
    let mut request = request(source, &models, TensorType::Q8_0);
    request.name = Some("toy".to_owned());
    let error = import(&request).unwrap_err().to_string();
    assert!(!error.contains('\n') && error.len() < 500, "{error}");
    assert_eq!(files_below(&models), [] as [&Path; 0], "{error}");
    error
}

/// The error for a modified checkpoint.
fn expect(change: impl FnOnce(&mut ToyCheckpoint), part: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut toy = TOY.clone();
    change(&mut toy);
    toy.write(&folder.path().join("toy.pt"));
    let error = refusal_of_file(&folder.path().join("toy.pt"));
    assert!(error.contains(part), "{error:?} does not say {part:?}");
}

/// The error for a checkpoint with this pickle and no tensors.
fn refusal_of(pickle: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let empty = ToyCheckpoint { tensors: Vec::new(), ..TOY.clone() };
    empty.write_with(&folder.path().join("toy.pt"), pickle);
    refusal_of_file(&folder.path().join("toy.pt"))
}

#[test]
fn a_pickle_that_wants_to_run_something_is_refused_by_name() {
    let calls: [(&[u8], &str); 6] = [
        (b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.", "its pickle wants to run os system"),
        (b"\x80\x02cbuiltins\neval\nX\x01\x00\x00\x001\x85R.", "its pickle wants to run builtins eval"),
        (b"\x80\x02ctorch._utils\n_rebuild_tensor_v3\n)R.", "its pickle wants to run torch._utils _rebuild_tensor_v3"),
        (b"\x80\x02ca\x1b[2J\nb\n.", "its pickle wants to run a\\u{1b}[2J b"),
        // A class by protocol 0 and 1, and a name from the stack.
        (b"\x80\x02(ios\nsystem\n.", "the instruction 0x69"),
        (b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x8c\x06system\x93.", "the protocol 4"),
    ];
    for (pickle, part) in calls {
        let error = refusal_of(pickle);
        assert!(error.starts_with("the PyTorch checkpoint cannot be imported: "), "{error}");
        assert!(error.contains(part), "{error:?} does not say {part:?}");
    }
    // Names that are known do nothing but what a state dict needs.
    let (odd_call, odd_state) = ("calls something that is not part of a state dict", "sets the state of something that has none");
    let known: [(&[u8], &str); 6] = [
        (b"\x80\x02ccollections\nOrderedDict\nK\x01\x85R.", odd_call),
        (b"\x80\x02ctorch\nFloatStorage\n)R.", odd_call),
        (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.", "its pickle has an odd tensor"),
        (b"\x80\x02K\x01)R.", odd_call),
        // The state of a dictionary is dropped, and an empty dictionary is no network.
        (b"\x80\x02ccollections\nOrderedDict\n)\x81K\x01b.", "it is neither pyannote's segmentation nor CAM++"),
        (b"\x80\x02K\x01K\x02b.", odd_state),
    ];
    for (pickle, part) in known {
        let error = refusal_of(pickle);
        assert!(error.contains(part), "{error:?} does not say {part:?}");
    }
}

#[test]
fn a_pickle_that_is_not_a_state_dict_is_refused() {
    let deep = [&b"\x80\x02)"[..], &vec![0x85; 100_000], b"."].concat();
    let wide = [&b"\x80\x02"[..], &vec![b')'; 200_000], b"."].concat();
    let mut long = b"\x80\x02".to_vec();
    text(&mut long, &"x".repeat(600));
    let remembered = [
        &b"\x80\x02)"[..],
        &(0..200_000_u32).flat_map(|place| [&b"r"[..], &place.to_le_bytes()].concat()).collect::<Vec<_>>(),
        b".",
    ]
    .concat();
    let cases: [(&[u8], &str); 17] = [
        (b"", "its pickle ends early"),
        (b"\x80\x02", "its pickle ends early"),
        (b"\x80\x02X\xff\xff\xff\xffab", "its pickle ends early"),
        (b"\x80\x02cos", "its pickle ends early"),
        (b"\x80\x02.", "its pickle ends oddly"),
        (b"\x80\x02}}.", "its pickle ends oddly"),
        (b"\x80\x02K\x01.", "its pickle is not a state dict"),
        (b"\x80\x02}X\x01\x00\x00\x00aK\x01s.", "its pickle is not a state dict"),
        (b"\x80\x02h\x07.", "its pickle refers to nothing"),
        (b"\x80\x02q\x00.", "takes more values than there are"),
        (b"\x80\x02}(u.", "it is neither pyannote's segmentation nor CAM++"),
        (b"\x80\x02}K\x01K\x02s.", "a dictionary with odd keys"),
        (b"\x80\x02}X\x01\x00\x00\x00a}sX\x01\x00\x00\x00a}s.", "its pickle has a twice"),
        (&deep, "its pickle is not a state dict"),
        (&wide, "makes more than 131072 values"),
        (&remembered, "makes more than 131072 values"),
        (&long, "a text of 600 bytes"),
    ];
    for (pickle, part) in cases {
        let error = refusal_of(pickle);
        assert!(error.contains(part), "{error:?} does not say {part:?}");
    }
}

#[test]
fn tensors_that_lie_are_refused() {
    let weight = "linear.1.weight";
    expect(|toy| toy.tensor(weight).shape = vec![64, 256], "numbers are not in a row");
    expect(|toy| toy.tensor(weight).strides = vec![1, 128], "numbers are not in a row");
    expect(|toy| toy.tensor(weight).strides = vec![128], "an odd tensor");
    expect(
        |toy| (toy.tensor(weight).shape, toy.tensor(weight).strides) = (vec![256, 64], vec![64, 1]),
        "has the shape [256, 64]",
    );
    expect(|toy| toy.tensor(weight).shape = vec![129, 128], "larger than its storage");
    expect(|toy| toy.tensor(weight).shape = vec![i32::MAX, 128], "larger than its storage");
    expect(
        |toy| {
            let tensor = toy.tensor(weight);
            (tensor.shape, tensor.strides) = (vec![i32::MAX; 4], vec![1, 1, 1, 1]);
        },
        "numbers are not in a row",
    );
    expect(|toy| toy.tensor(weight).shape = vec![-128, -128], "an odd tensor");
    expect(|toy| toy.tensor(weight).offset = 1, "larger than its storage");
    expect(|toy| toy.tensor(weight).offset = -1, "an odd tensor");
    expect(|toy| toy.tensor(weight).stored = i32::MAX, "has 65536 bytes and not 2147483647 numbers");
    expect(|toy| toy.tensor(weight).stored = -1, "an odd storage");
    expect(|toy| toy.tensor(weight).data.truncate(65_532), "has 65532 bytes and not 16384 numbers");
    expect(|toy| toy.tensor(weight).storage = "../0".to_owned(), "an odd storage");
    expect(|toy| toy.tensor(weight).storage = String::new(), "an odd storage");
    expect(|toy| toy.tensor(weight).storage_type = "LongStorage", "linear.1.weight does not hold float32 numbers");
    expect(|toy| toy.tensor(weight).storage_type = "HalfStorage", "its pickle wants to run torch HalfStorage");
    expect(
        |toy| toy.tensor(weight).data[..4].copy_from_slice(&f32::INFINITY.to_le_bytes()),
        "linear.1.weight holds a number that is not finite",
    );
    expect(|toy| toy.tensors.retain(|tensor| tensor.name != weight), "linear.1.weight is missing");
    expect(|toy| toy.tensor(weight).name = "linear.2.weight".to_owned(), "linear.1.weight is missing");
    let extra = |toy: &mut ToyCheckpoint| {
        let mut extra = toy.tensors[4].clone();
        extra.name = "a\nb".to_owned();
        toy.tensors.push(extra);
    };
    expect(extra, "it has a weight a\\nb that this network does not have");
    expect(
        |toy| {
            let tensor = toy.tensor("sincnet.conv1d.0.filterbank.low_hz_");
            tensor.data = [0.0_f32, 7950.0].iter().chain([&8000.0_f32; 38]).flat_map(|hz| hz.to_le_bytes()).collect();
        },
        "its filters are not finite",
    );
}

#[test]
fn files_that_pytorch_does_not_write_are_refused() {
    expect(|toy| toy.compression = CompressionMethod::Deflated, "it is compressed, which PyTorch never does");
    expect(|toy| toy.byte_order = Some("big"), "its numbers are not little endian");
    expect(|toy| toy.extra = vec![b'0'], "the instruction 0x30");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("toy.pt");
    let twice = [("a/data.pkl", &b"\x80\x02}."[..]), ("b/data.pkl", b"\x80\x02}.")];
    crate::models_import::zip_of(&path, &twice);
    assert!(refusal_of_file(&path).contains("there is more than one data.pkl in it"));
    expect(|toy| toy.tensors[0].data = vec![0; 65 << 20], "bytes, more than any network that is known");
    // An entry that claims 2 GiB in the directory of the archive.
    TOY.write(&path);
    let mut bytes = fs::read(&path).unwrap();
    let entry = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    for size in [20, 24] {
        bytes[entry + size..entry + size + 4].copy_from_slice(&(1_u32 << 31).to_le_bytes());
    }
    fs::write(&path, bytes).unwrap();
    assert!(refusal_of_file(&path).contains("it claims to hold more than its file"));
    // CAM++ by its names, which only its published file may have.
    let mut other = TOY.clone();
    other.tensor("linear.1.weight").name = "xvector.tdnn.linear.weight".to_owned();
    other.tensors.retain(|tensor| !tensor.name.starts_with("sincnet"));
    other.write(&path);
    assert!(refusal_of_file(&path).contains("of CAM++ only the published campplus-zh-en is known"));
}

#[test]
fn a_checkpoint_cut_off_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("toy.pt");
    TOY.write(&path);
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let length = file.metadata().unwrap().len();
    // Without its end, the directory, an archive cannot be read.
    for cut in (1..40).map(|step| length - step * 150).chain((1..40).map(|step| length / 40 * (40 - step))) {
        file.set_len(cut).unwrap();
        refusal_of_file(&path);
    }
    let pickle = TOY.pickle();
    for cut in (0..pickle.len()).step_by(97) {
        assert!(refusal_of(&pickle[..cut]).contains("its pickle ends early"), "cut at {cut}");
    }
}

#[test]
fn a_flipped_byte_in_the_pickle_never_panics() {
    let pickle = TOY.pickle();
    for at in (0..pickle.len()).step_by(13) {
        for mask in [0x01, 0x80] {
            let mut flipped = pickle.clone();
            flipped[at] ^= mask;
            // The files of the numbers are missing, so that it is refused in any case.
            refusal_of(&flipped);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn noise_after_a_good_start_is_refused(noise in proptest::collection::vec(any::<u8>(), 0..400), kept in 0_usize..2000) {
        let mut pickle = TOY.pickle();
        pickle.truncate(kept);
        pickle.extend(noise);
        refusal_of(&pickle);
    }
}
