//! Any bytes as a file that the server reads back from its volume; the first byte chooses the kind of file.
#![no_main]

use callannotate::checkpoints::Checkpoints;
use callannotate::document::fuzzing as document;
use callannotate::inbox::fuzzing as inbox;
use callannotate::volume::fuzzing as volume;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((kind, bytes)) = data.split_first() else { return };
    match kind {
        b'c' => drop(Checkpoints::new(volume::checkpoints(bytes), Box::new(|_| Ok(())))),
        b'j' => volume::record(bytes),
        b'k' => volume::keys(bytes),
        b'n' => volume::notes(bytes),
        b'r' => document::result(bytes),
        b's' => inbox::sidecar(bytes),
        b't' => volume::speed(bytes),
        _ => {
            if let Ok(text) = std::str::from_utf8(bytes) {
                volume::place(text);
            }
        }
    }
});
