//! The settings as they are written: the shape of `config/default.yaml`, and nothing checked but types and names.

use serde::Deserialize;

macro_rules! section {
    ($name:ident { $($field:ident: $kind:ty),* $(,)? }) => {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name { $(pub(super) $field: $kind),* }
    };
}

section!(RawConfig {
    server: RawServer,
    access: RawAccess,
    rate_limits: RawLimits,
    volume: RawVolume,
    storage: RawStorage,
    logging: RawLogging,
    files: RawFiles,
    queue: RawQueue,
    incoming: RawIncoming,
    retention: RawRetention,
    engine: RawEngine,
    models: RawModels,
    diarization: RawDiarization,
    transcription: RawTranscription,
    recognition: RawRecognition,
    contacts: RawSwitch,
});
section!(RawServer {
    host: String,
    port: i64,
    idle_timeout_seconds: i64,
    header_timeout_seconds: i64,
    keep_alive_seconds: i64,
    write_timeout_seconds: i64,
    min_upload_bytes_per_second: i64,
    max_connections: i64,
    trusted_proxies: Vec<String>,
    cors_origins: Vec<String>,
    language: String,
});
section!(RawAccess { enabled: bool });
section!(RawLimits {
    enabled: bool,
    submissions_per_minute: i64,
    submissions_burst: i64,
    reads_per_minute: i64,
    reads_burst: i64,
});
section!(RawVolume { path: String });
section!(RawStorage { reserve: i64 });
section!(RawLogging { level: String, files: bool, max_file_bytes: i64, max_file_age: f64, max_total_bytes: i64 });
section!(RawFiles { max_size: i64, max_duration_seconds: i64, max_channels: i64 });
section!(RawQueue {
    max_length: i64,
    task_timeout: i64,
    task_timeout_factor: f64,
    poll_interval: f64,
    max_attempts: i64,
    shutdown_grace_seconds: i64,
});
section!(RawIncoming { watch: bool, name_results: String });
section!(RawRetention {
    recordings_max_age: f64,
    recordings_max_bytes: i64,
    results_max_age: f64,
    results_max_bytes: i64,
    forget_after: f64,
    check_interval: i64,
});
section!(RawEngine { threads: i64, stall_timeout: i64 });
section!(RawModels { dirs: Vec<String>, whisper: String, segmentation: String, speaker: String });
section!(RawDiarization { enabled: bool, longest_pause: f64, shortest_turn: f64 });
section!(RawSwitch { enabled: bool });
section!(RawTranscription { language: String, denoise: bool });
section!(RawRecognition { enabled: bool, threshold: f64 });
