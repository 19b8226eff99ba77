//! Identifies a file and opens it with the right demuxer.
//!
//! The demuxer is selected by the file's content instead of by trial, and sees the bytes from where the audio begins,
//! with known header defects corrected and without metadata, whose size nothing limits. Decodes nothing.

use std::fs::File;
use std::io;

use symphonia::core::codecs::audio::well_known as id;
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions};
use symphonia::default::formats as readers;

use super::allowance::Allowance;
use super::caf::CafError;
use super::file_section::FileSection;
use super::fixed_frames::{FixedFrames, FrameShape};
use super::ogg::OggPages;
use super::plausible::{self, Verdict};
use super::read_meter::ReadMeter;
pub(super) use super::sniff::Container;
use super::sniff::{self, Kind, Sniffed};
use super::wave::{self, Content, Wave, WaveError, w64};
use super::{DecodeError, aiff, au, caf, codecs, flac, gsm, matroska, mp4};
use crate::media::{Coding, Headerless, SourceInfo};

/// A file opened with its demuxer.
pub(super) struct Opened {
    pub(super) container: Container,
    /// How the samples are read, if there is no container.
    pub(super) headerless: Option<Headerless>,
    pub(super) demuxer: Box<dyn FormatReader>,
    /// Samples per channel, if the header states them and the file is long enough.
    pub(super) exact_frames: Option<u64>,
    pub(super) meter: ReadMeter,
    /// Bytes that the demuxer may read for a packet.
    pub(super) packet_allowance: u64,
    pub(super) total_bytes: u64,
    tracks: Vec<mp4::TrackFacts>,
    itunes_edit: Option<mp4::Edit>,
}

impl Opened {
    /// The part of a track to play, where the demuxer does not report it.
    pub(super) fn edit(&self, track: u32) -> Option<mp4::Edit> {
        let listed = self.tracks.iter().find(|facts| facts.id == track).and_then(|facts| facts.edit);
        listed.or(self.itunes_edit)
    }

    /// Name of the codec of an audio track that the demuxer does not know.
    pub(super) fn unsupported_codec(&self) -> Option<String> {
        self.tracks.first().map(|facts| codecs::name_of_sample_entry(facts.codec))
    }
}

/// What is known about a file before it is opened.
#[derive(Debug, Clone, Copy)]
pub(super) enum Knowledge<'a> {
    /// What the client declared, if anything.
    Declared(Option<Headerless>),
    /// What an earlier look at the file has found.
    Identified(&'a SourceInfo),
}

/// The section of a file to read, and how.
struct Part {
    source: Box<dyn MediaSource>,
    meter: ReadMeter,
    total_bytes: u64,
    reader: Reader,
    exact_frames: Option<u64>,
}

impl Part {
    fn new(source: FileSection, reader: Reader, exact_frames: Option<u64>) -> Self {
        let (meter, total_bytes) = (source.meter(), source.total());
        Self { source: Box::new(source), meter, total_bytes, reader, exact_frames }
    }

    fn of(container: Container, source: FileSection) -> Self {
        Self::new(source, Reader::Of(container), None)
    }
}

/// Selects the demuxer for a section.
enum Reader {
    /// The demuxer of this container.
    Of(Container),
    /// The demuxer for fixed-size frames.
    FixedFrames(FrameShape),
}

/// Opens a file according to its content, or else to the declared format. A file that was identified before is opened as what it
/// was identified as.
pub(super) fn open(mut file: File, knowledge: Knowledge<'_>) -> Result<Opened, DecodeError> {
    let length = file.metadata().map_err(DecodeError::Read)?.len();
    let (container, start, declared) = match knowledge {
        Knowledge::Identified(source) => {
            let (Some(container), true) = (Container::of(source.format), length > 0) else { return Err(DecodeError::Empty) };
            let start = sniff::start_of(container, &mut file, length).map_err(DecodeError::Read)?;
            (container, start, source.headerless)
        }
        Knowledge::Declared(declared) => match identify(&mut file, length, declared)? {
            Kind::Container(container, start) => (container, start, declared),
            Kind::Unsupported(format) => return Err(DecodeError::Unsupported { format: format.to_owned() }),
        },
    };
    let (mut tracks, mut comment) = (Vec::new(), None);
    let part = match (container, declared) {
        (Container::Wave, _) => wave_part(file, |file| wave::read(file, start, length))?,
        (Container::Wave64, _) => wave_part(file, |file| w64::read(file, length))?,
        (Container::Au, _) => au_part(file, length)?,
        (Container::Gsm, _) => frames_part(file, start, length - start, gsm::FRAMES)?,
        (Container::Headerless, Some(declared)) => frames_part(file, 0, length, shape_of(declared))?,
        (Container::Flac, _) => {
            let found = flac::read(&mut file, start, length).map_err(DecodeError::Read)?;
            let (header, audio) = found.ok_or_else(|| invalid("the flac file has no stream information"))?;
            Part::of(container, FileSection::new(file, header, audio, length.saturating_sub(audio)))
        }
        (Container::Mp4, _) => {
            let movie = mp4::read(&mut file, start, length).map_err(boxes_error)?;
            (tracks, comment) = (movie.tracks, movie.comment);
            Part::of(container, FileSection::new(file, Vec::new(), start, movie.length).renamed(movie.renames))
        }
        (Container::Aiff, _) => {
            let found = aiff::read(&mut file, start, length).map_err(DecodeError::Read)?.map_err(invalid)?;
            Part::of(container, FileSection::new(file, found.header, found.start, found.length))
        }
        (Container::Caf, _) => {
            let found = caf::read(&mut file, start, length).map_err(caf_error)?;
            Part::of(container, FileSection::new(file, found.header, found.start, found.length))
        }
        (Container::Matroska, _) => {
            let found = matroska::read(&mut file, start, length).map_err(DecodeError::Read)?.map_err(invalid)?;
            Part::of(container, FileSection::new(file, found.header, found.start, found.length))
        }
        (Container::Ogg, _) => {
            let pages = OggPages::new(file, start);
            let (meter, reader) = (pages.meter(), Reader::Of(container));
            Part { source: Box::new(pages), meter, total_bytes: length - start, reader, exact_frames: None }
        }
        (Container::Mpeg | Container::Adts | Container::Headerless, _) => {
            Part::of(container, FileSection::new(file, Vec::new(), start, length - start))
        }
    };
    let Part { source, meter, total_bytes, reader, exact_frames } = part;
    let allowance = Allowance::of(container);
    meter.allow(allowance.beginning);
    let demuxer = demuxer(&reader, source);
    if meter.exceeded() {
        return Err(DecodeError::too_large());
    }
    let demuxer = demuxer.map_err(|error| cannot_open(container, &tracks, error))?;
    let itunes_edit = comment.and_then(|comment| mp4::gapless(&comment, rate(&*demuxer)?));
    let headerless = declared.filter(|_| container == Container::Headerless);
    let packet_allowance = allowance.packet;
    Ok(Opened { container, headerless, demuxer, exact_frames, meter, packet_allowance, total_bytes, tracks, itunes_edit })
}

/// Identifies a file. A header takes precedence over the declaration; where the bytes prove little, the declaration is
/// checked against the content.
fn identify(file: &mut File, length: u64, declared: Option<Headerless>) -> Result<Kind, DecodeError> {
    let (found, declared) = match (sniff::sniff(file, length).map_err(DecodeError::Read)?, declared) {
        (Sniffed::Empty, _) => return Err(DecodeError::Empty),
        (Sniffed::Certain(kind), _) | (Sniffed::Doubtful(kind), None) => return Ok(kind),
        (Sniffed::Doubtful(kind), Some(declared)) => (kind, declared),
    };
    let codec = declared.coding.codec();
    match plausible::judge(file, length, declared).map_err(DecodeError::Read)? {
        Verdict::Sound => Ok(Kind::Container(Container::Headerless, 0)),
        Verdict::Other(coding) => {
            Err(DecodeError::Invalid { reason: format!("it is said to be {codec} without a header, but sounds like {coding}") })
        }
        Verdict::Noise if found == Kind::Unsupported(sniff::UNKNOWN) => {
            Err(DecodeError::Invalid { reason: format!("it is said to be {codec} without a header, but is no sound") })
        }
        Verdict::Noise => Ok(found),
    }
}

fn wave_part(mut file: File, read: impl FnOnce(&mut File) -> Result<Wave, WaveError>) -> Result<Part, DecodeError> {
    let wave = read(&mut file).map_err(wave_error)?;
    if wave.length == 0 && !matches!(wave.content, Content::Unsupported(_)) {
        return Err(DecodeError::Empty);
    }
    let (header, reader, exact_frames) = match wave.content {
        Content::Samples { header, frames } => (header, Reader::Of(Container::Wave), Some(frames)),
        Content::Gsm { shape, frames } => (Vec::new(), Reader::FixedFrames(shape), Some(frames)),
        Content::Mpeg => (Vec::new(), Reader::Of(Container::Mpeg), None),
        Content::Unsupported(format) => return Err(DecodeError::Unsupported { format }),
    };
    Ok(Part::new(FileSection::new(file, header, wave.start, wave.length), reader, exact_frames))
}

fn au_part(mut file: File, length: u64) -> Result<Part, DecodeError> {
    let found = au::read(&mut file, length).map_err(DecodeError::Read)?;
    let found = found.ok_or_else(|| invalid("the header of the au file is impossible"))?;
    let shape = found.content.map_err(|format| DecodeError::Unsupported { format })?;
    frames_part(file, found.start, found.length, shape)
}

/// All complete frames within `length` bytes from `start`.
fn frames_part(file: File, start: u64, length: u64, shape: FrameShape) -> Result<Part, DecodeError> {
    let frames = length / u64::from(shape.bytes);
    if frames == 0 {
        return Err(DecodeError::Empty);
    }
    let source = FileSection::new(file, Vec::new(), start, frames * u64::from(shape.bytes));
    Ok(Part::new(source, Reader::FixedFrames(shape), Some(frames * u64::from(shape.samples))))
}

fn shape_of(declared: Headerless) -> FrameShape {
    let codec = match declared.coding {
        Coding::Alaw => id::CODEC_ID_PCM_ALAW,
        Coding::Mulaw => id::CODEC_ID_PCM_MULAW,
        Coding::Linear => id::CODEC_ID_PCM_S16BE,
    };
    FrameShape::of_samples(codec, declared.rate, declared.channels, declared.coding.bytes() as u32)
}

fn rate(demuxer: &dyn FormatReader) -> Option<u32> {
    demuxer.first_track(TrackType::Audio)?.codec_params.as_ref()?.audio()?.sample_rate
}

fn demuxer(reader: &Reader, source: Box<dyn MediaSource>) -> Result<Box<dyn FormatReader>, Error> {
    let stream = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
    let options = FormatOptions::default();
    let container = match reader {
        Reader::Of(container) => container,
        Reader::FixedFrames(shape) => return Ok(Box::new(FixedFrames::new(stream, *shape))),
    };
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
        // These are read as frames, or through a WAV header.
        Container::Wave64 | Container::Au | Container::Gsm | Container::Headerless => {
            return Err(Error::Unsupported("a container that is nothing but frames"));
        }
    })
}

fn cannot_open(container: Container, tracks: &[mp4::TrackFacts], error: Error) -> DecodeError {
    if let Error::IoError(error) = error {
        return if is_end_or_nonsense(&error) {
            DecodeError::Invalid {
                reason: format!("the {} file is cut off or its structure is broken", container.format("").name()),
            }
        } else {
            DecodeError::Read(error)
        };
    }
    if let (Error::Unsupported(_), Some(facts)) = (&error, tracks.first())
        && &facts.codec != b"mp4a"
    {
        return DecodeError::Unsupported { format: codecs::name_of_sample_entry(facts.codec) };
    }
    DecodeError::Invalid { reason: error.to_string() }
}

fn invalid(reason: &str) -> DecodeError {
    DecodeError::Invalid { reason: reason.to_owned() }
}

fn boxes_error(error: mp4::BoxesError) -> DecodeError {
    match error {
        mp4::BoxesError::Read(error) => DecodeError::Read(error),
        mp4::BoxesError::TooLarge => invalid(&error.to_string()),
    }
}

fn caf_error(error: CafError) -> DecodeError {
    match error {
        CafError::Read(error) => DecodeError::Read(error),
        CafError::Missing(_) | CafError::Impossible(_) | CafError::TooLarge => invalid(&error.to_string()),
    }
}

fn wave_error(error: WaveError) -> DecodeError {
    match error {
        WaveError::Read(error) => DecodeError::Read(error),
        WaveError::Missing(_) | WaveError::Impossible(_) => invalid(&error.to_string()),
    }
}

/// True if a read failed because of the file's content, not because of the disk.
pub(super) fn is_end_or_nonsense(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | InvalidInput | InvalidData | Other)
}
