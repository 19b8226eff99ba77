//! tmp
#![allow(clippy::all, clippy::pedantic, clippy::unwrap_used, clippy::disallowed_methods, reason = "tmp")]
fn main() {
    for f in std::env::args().skip(1) {
        let b = std::fs::read(&f).unwrap();
        let x: Vec<f32> = b.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).clamp(-1.0, 1.0)).collect();
        for (tag, gain) in [
            ("0", 1.0f32),
            ("n", {
                let mut r: Vec<f32> = x.chunks(256).map(|c| (c.iter().map(|v| v * v).sum::<f32>() / 256.0).sqrt()).collect();
                r.sort_by(f32::total_cmp);
                0.1 / r[r.len() * 95 / 100].max(1e-5)
            }),
        ] {
            let mut d = earshot::Detector::default_boxed();
            let s: Vec<u8> = x
                .chunks_exact(256)
                .flat_map(|c| {
                    let c: Vec<f32> = c.iter().map(|v| (v * gain).clamp(-1.0, 1.0)).collect();
                    d.predict_f32(&c).to_le_bytes()
                })
                .collect();
            std::fs::write(format!("/tmp/diar/vad/{}.{tag}", std::path::Path::new(&f).file_stem().unwrap().to_str().unwrap()), s)
                .unwrap();
        }
    }
}
