//! Any bytes as an ONNX model: refused with a reason, or loaded and run within the bounds that are derived beforehand.
#![no_main]

use callannotate::inference::{Lanes, Session};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(session) = Session::from_bytes(data.to_vec(), &Lanes::new(1)) else { return };
    for input in session.inputs() {
        let shape: Vec<usize> = input.shape.iter().map(|size| size.unwrap_or(3)).collect();
        let elements = shape.iter().fold(1_usize, |product, size| product.saturating_mul(*size));
        if elements > 1 << 16 {
            continue;
        }
        let values = vec![0.25; elements];
        for output in session.outputs() {
            // It may fail; it may not take more memory or time than is allowed.
            let _answer = session.run(0, (input.name.as_str(), &shape[..], &values[..]), &output.name);
        }
    }
});
