//! From a file to a demuxer that reads it.
//!
//! The demuxer is chosen by what the file is, not tried in turn, and it sees the bytes from where the audio begins; what
//! is known to lie in headers is put right before. Decodes nothing.

use std::fs::File;
use std::io;

use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::default::formats as readers;

pub(super) use super::sniff::Container;
use super::sniff::{self, Sniffed};
use super::source::{ReadPosition, Source};
use super::wave::{self, Content, WaveError};
use super::{DecodeError, codecs, flac, mp4, trim};

/// A file with its demuxer.
pub(super) struct Opened {
    pub(super) container: Container,
    pub(super) demuxer: Box<dyn FormatReader>,
    /// Samples a channel, where the header says it and the file is long enough.
    pub(super) exact_frames: Option<u64>,
    pub(super) read: ReadPosition,
    pub(super) total_bytes: u64,
    tracks: Vec<mp4::TrackFacts>,
    itunes_edit: Option<mp4::Edit>,
}

impl Opened {
    /// Which part of a track is to be heard, where the demuxer does not tell.
    pub(super) fn edit(&self, track: u32) -> Option<mp4::Edit> {
        let listed = self.tracks.iter().find(|facts| facts.id == track).and_then(|facts| facts.edit);
        listed.or(self.itunes_edit)
    }

    /// The codec of an audio track that the demuxer does not know.
    pub(super) fn unsupported_codec(&self) -> Option<String> {
        self.tracks.iter().find(|facts| facts.is_audio).map(|facts| codecs::name_of_sample_entry(facts.codec))
    }
}

/// Opens a file by what is in it.
pub(super) fn open(mut file: File) -> Result<Opened, DecodeError> {
    let length = file.metadata().map_err(DecodeError::Read)?.len();
    let (container, start) = match sniff::sniff(&mut file, length).map_err(DecodeError::Read)? {
        Sniffed::Container(container, start) => (container, start),
        Sniffed::Unsupported(format) => return Err(DecodeError::Unsupported { format: format.to_owned() }),
        Sniffed::Empty => return Err(DecodeError::Empty),
    };
    let mut exact_frames = None;
    let mut tracks = Vec::new();
    let mut inner = container;
    let source = match container {
        Container::Wave => {
            let wave = wave::read(&mut file, start, length).map_err(wave_error)?;
            let header = match wave.content {
                Content::Samples { header, frames } => {
                    exact_frames = Some(frames);
                    header
                }
                Content::Mpeg => {
                    inner = Container::Mpeg;
                    Vec::new()
                }
                Content::Unsupported(format) => return Err(DecodeError::Unsupported { format }),
            };
            if wave.length == 0 {
                return Err(DecodeError::Empty);
            }
            Source::new(file, header, wave.start, wave.length)
        }
        Container::Flac => {
            let found = flac::read(&mut file, start, length).map_err(DecodeError::Read)?;
            let broken = || DecodeError::Invalid { reason: "the flac file has no stream information".to_owned() };
            let (header, audio) = found.ok_or_else(broken)?;
            Source::new(file, header, audio, length.saturating_sub(audio))
        }
        Container::Mp4 => {
            let found = mp4::read_tracks(&mut file, start, length).map_err(DecodeError::Read)?;
            let too_large = || DecodeError::Invalid { reason: "its tables are larger than any recording needs".to_owned() };
            tracks = found.ok_or_else(too_large)?;
            Source::new(file, Vec::new(), start, length - start)
        }
        Container::Mpeg | Container::Ogg | Container::Aiff | Container::Caf | Container::Matroska | Container::Adts => {
            Source::new(file, Vec::new(), start, length - start)
        }
    };
    let (read, total_bytes) = (source.read_position(), source.total());
    let mut demuxer = demuxer(inner, source).map_err(|error| cannot_open(container, &tracks, error))?;
    let itunes_edit =
        (container == Container::Mp4).then(|| rate(&*demuxer)).flatten().and_then(|rate| trim::itunes_edit(&mut *demuxer, rate));
    Ok(Opened { container, demuxer, exact_frames, read, total_bytes, tracks, itunes_edit })
}

fn rate(demuxer: &dyn FormatReader) -> Option<u32> {
    demuxer.first_track(TrackType::Audio)?.codec_params.as_ref()?.audio()?.sample_rate
}

fn demuxer(container: Container, source: Source) -> Result<Box<dyn FormatReader>, Error> {
    let stream = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
    let options = FormatOptions::default();
    Ok(match container {
        Container::Wave => Box::new(readers::WavReader::try_new(stream, options)?),
        Container::Mpeg => Box::new(readers::MpaReader::try_new(stream, options)?),
        Container::Flac => Box::new(readers::FlacReader::try_new(stream, options)?),
        Container::Ogg => Box::new(readers::OggReader::try_new(stream, options)?),
        Container::Mp4 => Box::new(readers::IsoMp4Reader::try_new(stream, options)?),
        Container::Aiff => Box::new(readers::AiffReader::try_new(stream, options)?),
        Container::Caf => Box::new(readers::CafReader::try_new(stream, options)?),
        Container::Matroska => Box::new(readers::MkvReader::try_new(stream, options)?),
        Container::Adts => Box::new(readers::AdtsReader::try_new(stream, options)?),
    })
}

fn cannot_open(container: Container, tracks: &[mp4::TrackFacts], error: Error) -> DecodeError {
    if let Error::IoError(error) = error {
        return if is_end_or_nonsense(&error) {
            DecodeError::Invalid { reason: format!("the {} file is cut off or its structure is broken", container.name()) }
        } else {
            DecodeError::Read(error)
        };
    }
    if let (Error::Unsupported(_), Some(facts)) = (&error, tracks.iter().find(|facts| facts.is_audio))
        && &facts.codec != b"mp4a"
    {
        return DecodeError::Unsupported { format: codecs::name_of_sample_entry(facts.codec) };
    }
    DecodeError::Invalid { reason: error.to_string() }
}

fn wave_error(error: WaveError) -> DecodeError {
    match error {
        WaveError::Read(error) => DecodeError::Read(error),
        WaveError::Missing(_) | WaveError::Impossible(_) => DecodeError::Invalid { reason: error.to_string() },
    }
}

/// Whether a read failed because of the file's content, not because of the disk.
pub(super) fn is_end_or_nonsense(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | InvalidInput | InvalidData | Other)
}
