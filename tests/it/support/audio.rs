//! Small recordings generated in memory.

/// The 44-byte header of a PCM WAV file with this number of sample bytes.
pub fn wav_header(rate: u32, channels: u16, bits: u16, bytes: u32) -> Vec<u8> {
    let block = channels * bits / 8;
    let mut header = Vec::new();
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&(36 + bytes).to_le_bytes());
    header.extend_from_slice(b"WAVEfmt ");
    header.extend_from_slice(&16u32.to_le_bytes());
    header.extend_from_slice(&1u16.to_le_bytes());
    header.extend_from_slice(&channels.to_le_bytes());
    header.extend_from_slice(&rate.to_le_bytes());
    header.extend_from_slice(&(rate * u32::from(block)).to_le_bytes());
    header.extend_from_slice(&block.to_le_bytes());
    header.extend_from_slice(&bits.to_le_bytes());
    header.extend_from_slice(b"data");
    header.extend_from_slice(&bytes.to_le_bytes());
    header
}

/// A 16-bit PCM WAV file.
pub fn wav(rate: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
    let mut file = wav_header(rate, channels, 16, u32::try_from(samples.len() * 2).unwrap());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

/// A quiet tone at 8 kHz of this length in milliseconds, as a WAV file.
pub fn tone(milliseconds: u32) -> Vec<u8> {
    let samples: Vec<i16> = (0..milliseconds * 8).map(|index| ((f64::from(index) * 0.345).sin() * 3000.0) as i16).collect();
    wav(8000, 1, &samples)
}
