//! Scripted stages: they hold at a named point, fail, panic, or return a fixed result.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use callannotate::audio::Audio;
use callannotate::audio::time::{Millis, TimeSpan};
use callannotate::capabilities::ModelInfo;
use callannotate::context::JobContext;
use callannotate::diarize::{
    Diarization, Diarize, DiarizeError, DiarizedSpeaker, SpeakerCount, SpeakerIndex, SpeechTurn, TurnProbability,
};
use callannotate::jobs::stage::Stage;
use callannotate::transcribe::{Language, Signal, Transcribe, TranscribeError, TranscribeOptions, Transcript, Word};

/// What a stage does with a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    Succeed,
    Fail,
    Panic,
    /// Waits until released, polling the stop signal as an engine does.
    Hold,
    /// Waits until released without polling the stop signal, like a native call that hangs.
    Block,
}

#[derive(Default)]
struct State {
    diarize: Option<Act>,
    transcribe: Option<Act>,
    reached: Vec<Stage>,
    released: usize,
}

/// The test's handle to the scripted stages.
#[derive(Clone, Default)]
pub struct Script(Arc<(Mutex<State>, Condvar)>);

impl Script {
    pub fn set(&self, stage: Stage, act: Act) {
        let mut state = self.0.0.lock().unwrap();
        match stage {
            Stage::Diarization => state.diarize = Some(act),
            Stage::Transcription => state.transcribe = Some(act),
            Stage::Validation | Stage::Preprocessing | Stage::Recognition | Stage::CarddavLookup | Stage::Annotation => {
                panic!("{stage:?} is not scripted")
            }
        }
    }

    /// Releases this number of held stages.
    pub fn release(&self, count: usize) {
        self.0.0.lock().unwrap().released += count;
        self.0.1.notify_all();
    }

    /// The stages reached so far.
    pub fn stages(&self) -> Vec<Stage> {
        self.0.0.lock().unwrap().reached.clone()
    }

    /// Waits until this number of stages was reached in total.
    pub async fn reached(&self, count: usize) {
        let script = self.clone();
        let arrived = tokio::task::spawn_blocking(move || {
            let state = script.0.0.lock().unwrap();
            let (state, timeout) =
                script.0.1.wait_timeout_while(state, Duration::from_secs(20), |state| state.reached.len() < count).unwrap();
            assert!(!timeout.timed_out(), "waited for {count} stages, but only {:?} were reached", state.reached);
        });
        arrived.await.unwrap();
    }

    fn play(&self, ctx: &JobContext, stage: Stage) -> Result<bool, callannotate::stop::Stopped> {
        let mut state = self.0.0.lock().unwrap();
        let act = if stage == Stage::Diarization { state.diarize } else { state.transcribe }.unwrap_or(Act::Succeed);
        state.reached.push(stage);
        self.0.1.notify_all();
        match act {
            Act::Succeed => Ok(true),
            Act::Fail => Ok(false),
            Act::Panic => {
                drop(state);
                panic!("scripted")
            }
            Act::Hold => {
                ctx.report(stage, 50);
                while state.released == 0 {
                    ctx.check()?;
                    state = self.0.1.wait_timeout(state, Duration::from_millis(5)).unwrap().0;
                }
                state.released -= 1;
                Ok(true)
            }
            Act::Block => {
                while state.released == 0 {
                    state = self.0.1.wait(state).unwrap();
                }
                state.released -= 1;
                Ok(true)
            }
        }
    }

    pub fn diarizer(&self) -> Box<dyn Diarize> {
        Box::new(ScriptedDiarizer(self.clone()))
    }

    pub fn transcriber(&self) -> Box<dyn Transcribe> {
        Box::new(ScriptedTranscriber(self.clone()))
    }
}

fn model(name: &str) -> ModelInfo {
    ModelInfo { name: name.to_owned(), framework: "scripted", device: "cpu", license: None }
}

fn span(start: u64, end: u64) -> TimeSpan {
    TimeSpan::new(Millis(start), Millis(end)).unwrap()
}

struct ScriptedDiarizer(Script);

impl Diarize for ScriptedDiarizer {
    /// One speaker from 0 to 0.4 s, another from 0.5 s to 0.9 s.
    fn diarize(&mut self, ctx: &JobContext, _: &Audio, _: SpeakerCount) -> Result<Diarization, DiarizeError> {
        if !self.0.play(ctx, Stage::Diarization)? {
            return Err(DiarizeError::Model("scripted".to_owned()));
        }
        let speaker = || DiarizedSpeaker { channel: None, speech: Millis(400), voiceprint: None };
        let turn = |index, start, end| SpeechTurn {
            span: span(start, end),
            speaker: SpeakerIndex(index),
            confidence: 0.9,
            probability: TurnProbability::default(),
        };
        Ok(Diarization { speakers: vec![speaker(), speaker()], turns: vec![turn(0, 0, 400), turn(1, 500, 900)] })
    }

    fn models(&self) -> Vec<ModelInfo> {
        vec![model("scripted-diarizer")]
    }
}

struct ScriptedTranscriber(Script);

impl Transcribe for ScriptedTranscriber {
    /// "Hello there." at 0.1 s and "Hi." at 0.6 s.
    fn transcribe(
        &mut self,
        ctx: &JobContext,
        signals: &[Signal<'_>],
        _: &TranscribeOptions,
    ) -> Result<Vec<Transcript>, TranscribeError> {
        if !self.0.play(ctx, Stage::Transcription)? {
            return Err(TranscribeError::Engine("scripted".to_owned()));
        }
        let word = |text: &str, start, end, starts_phrase| Word {
            text: text.to_owned(),
            span: span(start, end),
            confidence: 0.8,
            starts_phrase,
        };
        let words = vec![word("Hello", 100, 200, true), word("there.", 220, 350, false), word("Hi.", 600, 800, true)];
        let language = Some(Language { code: "en".to_owned(), confidence: 1.0 });
        Ok(signals
            .iter()
            .map(|_| Transcript { language: language.clone(), words: words.clone(), warnings: Vec::new() })
            .collect())
    }

    fn can_speak(&self, language: &str) -> bool {
        language == "en"
    }

    fn languages(&self) -> Vec<String> {
        vec!["en".to_owned()]
    }

    fn model(&self) -> ModelInfo {
        model("scripted-transcriber")
    }
}
