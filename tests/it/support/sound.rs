//! Sound files made by ffmpeg and sox, and the comparison of decoded audio with the original.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a program; if it is missing, the test fails and says what to install.
pub(crate) fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("cannot run {program} ({error}): install the packages `ffmpeg` and `sox`"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Calls ffmpeg to write `to` from `from`.
pub(crate) fn ffmpeg(from: &Path, arguments: &[&str], to: &Path) {
    let mut all = vec!["-nostdin", "-v", "error", "-y", "-i", text(from)];
    all.extend(arguments);
    all.push(text(to));
    run("ffmpeg", &all);
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("the paths of the tests are plain text")
}

/// A recording of this repository.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calls").join(name)
}

/// Reads headerless 32-bit floats.
pub(crate) fn read_floats(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).expect("ffmpeg has just written it");
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().expect("chunks of four"))).collect()
}

/// The delay of `signal` behind `reference`, in samples, and their correlation there. Only delays up to `most` are tried.
pub(crate) fn alignment(reference: &[f32], signal: &[f32], most: i32) -> (i32, f32) {
    let at = |delay: i32| {
        let (skip_signal, skip_reference) = (delay.max(0) as usize, (-delay).max(0) as usize);
        let pairs = reference.iter().skip(skip_reference).zip(signal.iter().skip(skip_signal));
        let (mut product, mut first, mut second) = (0.0_f64, 1e-12_f64, 1e-12_f64);
        for (&x, &y) in pairs {
            let (x, y) = (f64::from(x), f64::from(y));
            product += x * y;
            first += x * x;
            second += y * y;
        }
        (product / (first * second).sqrt()) as f32
    };
    let best = (-most..=most).max_by(|&a, &b| at(a).abs().total_cmp(&at(b).abs())).unwrap_or(0);
    (best, at(best))
}
