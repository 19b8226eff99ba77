//! temp
use super::*;
pub fn diarize_channels(
    d: &mut dyn Diarize,
    ctx: &JobContext,
    s: &[(Option<u16>, &Audio)],
    c: SpeakerCount,
) -> Result<Diarization, DiarizeError> {
    let mut out = Diarization::default();
    for (ch, a) in s {
        let n = out.speakers.len();
        let mut f = d.diarize(ctx, a, if ch.is_some() { SpeakerCount { min: 1, max: 1 } } else { c })?;
        for sp in &mut f.speakers {
            sp.channel = *ch;
        }
        out.speakers.extend(f.speakers);
        out.turns.extend(f.turns.into_iter().map(|t| SpeechTurn { speaker: SpeakerIndex(t.speaker.0 + n), ..t }));
    }
    out.turns.sort_by_key(|t| t.span);
    Ok(out)
}
