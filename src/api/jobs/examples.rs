//! One example of each important body, made from the specification's own call. A test holds them against their schemas.

use serde_json::{Value, json};

use crate::jobs::options::{JobOptions, SpeakerRange};

pub(crate) const JOB: &str = "550e8400-e29b-41d4-a716-446655440000";

/// The examples, by the name of their schema.
pub(super) fn all() -> [(&'static str, Value); 3] {
    [
        ("Job", job()),
        ("JobList", json!({ "data": [job()], "meta": { "pagination": { "limit": 20, "next_cursor": null, "next_url": null } } })),
        ("JobResult", result()),
    ]
}

/// The progress of the example job.
pub(crate) fn progress() -> Value {
    json!({
        "percentage": 45, "current_stage": "diarization", "stage_progress": 78,
        "stages_completed": ["validation", "preprocessing"],
        "stages_remaining": ["transcription", "recognition", "carddav_lookup", "annotation"],
        "estimated_completion": "2026-11-20T18:06:00.000Z",
    })
}

fn job() -> Value {
    json!({
        "job_id": JOB, "status": "processing", "progress": progress(),
        "created_at": "2026-11-20T18:00:00.000Z", "started_at": "2026-11-20T18:00:01.000Z", "completed_at": null,
        "estimated_completion": "2026-11-20T18:06:00.000Z", "estimated_duration": 300.0,
        "file_info": {
            "filename": "call.wav", "size": 1_048_576, "format": "wav", "codec": "pcm_s16le", "duration": 65.5,
            "sample_rate": 8000, "channels": 1,
            "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        },
        "metadata": { "description": "Interview recording", "priority": 5 },
        "options": JobOptions { speakers: Some(SpeakerRange { min: 2, max: 2 }), ..JobOptions::default() },
        "priority": 5, "attempts": 1, "last_seq": 7,
        "progress_url": format!("/api/v1/jobs/{JOB}"),
        "result_url": format!("/api/v1/jobs/{JOB}/result"),
        "events_url": format!("/api/v1/jobs/{JOB}/events"),
        "audio_url": format!("/api/v1/jobs/{JOB}/audio"),
        "websocket_url": format!("/ws/{JOB}"),
    })
}

fn result() -> Value {
    let words = json!([
        { "word": "Добро", "start_time": 0.0, "end_time": 0.4, "confidence": 0.89, "speaker_id": "speaker_01" },
        { "word": "пожаловать.", "start_time": 0.42, "end_time": 1.1, "confidence": 0.89, "speaker_id": "speaker_01" },
    ]);
    let segment = json!({
        "id": 1, "speaker_id": "speaker_01", "channel": null, "start_time": 0.0, "end_time": 1.1,
        "text": "Добро пожаловать.", "confidence": 0.89, "language": "ru", "overlap": false, "words": words,
    });
    let model = json!({ "name": "ggml-small", "framework": "whisper.cpp", "device": "cpu", "license": "MIT" });
    let stage = json!({ "status": "completed", "reason": null, "model": null, "seconds": 0.2, "cpu_seconds": 0.2 });
    let transcription = json!({ "status": "completed", "reason": null, "model": model, "seconds": 3.1, "cpu_seconds": 6.0 });
    json!({
        "job_id": JOB, "status": "completed", "completed_at": "2026-11-20T18:05:30.000Z", "processing_time": 330.0,
        "result": {
            "speakers": [{
                "speaker_id": "speaker_01", "identified_as": "Иван Петров", "confidence": 0.92,
                "voice_embedding_source": "models/embeddings/ivan.vec", "carddav_search_performed": false,
                "label": "Иван Петров", "channel": null, "role": null, "total_duration": 1.1, "contact": null,
                "candidates": [{ "name": "Иван Петров", "score": 0.92 }], "segments": [segment.clone()],
            }],
            "segments": [segment],
            "turns": [{ "speaker_id": "speaker_01", "channel": null, "start_time": 0.0, "end_time": 1.1, "confidence": 0.95 }],
            "metadata": {
                "total_duration": 120.5, "speaker_count": 1, "word_count": 2, "confidence_average": 0.89,
                "processing_stages": { "diarization": "completed", "transcription": "completed" },
                "language": "ru", "language_confidence": 0.99,
                "audio": {
                    "format": "wav", "codec": "pcm_s16le", "sample_rate": 8000, "channels": 1, "duration": 120.5,
                    "size_bytes": 1_928_044, "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                },
                "warnings": [],
            },
            "transcription": { "full_text": "[Иван Петров]: Добро пожаловать.", "language": "ru", "confidence": 0.89 },
            "statistics": {
                "speaker_count": 1, "segment_count": 1, "word_count": 2, "speech_seconds": 1.1, "silence_seconds": 119.4,
                "overlap_seconds": 0.0,
            },
            "processing": { "diarization": stage, "transcription": transcription },
        },
    })
}
