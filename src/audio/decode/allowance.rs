//! How much a demuxer may read to open a file and to find a packet, which bounds the memory that it needs for either.

use super::sniff::Container;

/// Bytes of a packet that is decoded; a FLAC frame of 8 channels with 65,535 samples of 24 bits has a third.
pub(super) const MAX_PACKET: usize = 4 << 20;

/// Bytes that a demuxer may read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    /// Until it knows the tracks.
    pub(super) beginning: u64,
    /// From one packet to the next.
    pub(super) packet: u64,
}

impl Allowance {
    pub(super) fn of(container: Container) -> Self {
        let mib = |beginning: u64, packet: u64| Self { beginning: beginning << 20, packet: packet << 20 };
        match container {
            // Packets of video are read, too; and the end of a FLAC frame is searched for, and may be found behind damage.
            Container::Matroska | Container::Flac => mib(4, 16),
            // The tables were measured before.
            Container::Mp4 => mib(48, 16),
            Container::Caf => mib(8, 8),
            Container::Wave | Container::Aiff | Container::Wave64 | Container::Au | Container::Gsm | Container::Headerless => {
                mib(4, 8)
            }
            // The frames and pages of these are small, and what is between them is passed over without being kept.
            Container::Mpeg | Container::Adts | Container::Ogg => Self { beginning: u64::MAX, packet: u64::MAX },
        }
    }
}
