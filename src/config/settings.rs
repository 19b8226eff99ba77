//! Every setting, each defined once: its name, type, default, check, and its description for operators.
//!
//! The columns are explained in `define`. `config/default.yaml`, the tables of `docs/configuration.md` and [`Config`] follow.
#![expect(rustdoc::bare_urls, rustdoc::invalid_html_tags, reason = "the comments are also those of default.yaml, as plain text")]

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::check::{
    by_cosine, days, entries, factor, file_name, filter, fractional_seconds, hosts, interface_language, ip_address, job_language,
    milliseconds, origins, path, proxies, result_names, seconds, share, some_bytes, some_days, some_seconds, threads, whole,
};
use super::define::{self, Setting, Written, settings};
use super::error::ConfigError;
use crate::access::hosts::Hosts;
use crate::access::origins::Origins;
use crate::access::proxies::TrustedProxies;
use crate::audio::time::Millis;
use crate::messages::Language;
use crate::tables;
use crate::volume::ResultNames;

settings! {
    /// The address, the languages and the connections of the server.
    server: ServerSettings {
        /// Address to listen on: an IP address.
        host: String => IpAddr = "0.0.0.0", check: ip_address;
        /// TCP port, 0 to 65535; 0 picks a free one, which the log names.
        port: i64 => u16 = 8000, check: whole(0..=65535, "between 0 and 65535");
        /// Seconds a client may pause while it sends a request before it is answered 408; 1 to 3600.
        idle_timeout ("idle_timeout_seconds"): i64 => Duration = 60, check: seconds(1..=3600, "between 1 and 3600");
        /// Language of messages for people where a client does not ask for one with Accept-Language: en or ru.
        language: String => Language = "en", check: interface_language;
        /// Seconds the head of a request may take, from the connection or the first byte on; then it is closed. 1 to 3600.
        header_timeout ("header_timeout_seconds"): i64 => Duration = 10, check: seconds(1..=3600, "between 1 and 3600");
        /// Seconds a connection may wait for its next request; 1 to 3600.
        keep_alive ("keep_alive_seconds"): i64 => Duration = 75, check: seconds(1..=3600, "between 1 and 3600");
        /// Seconds a client may leave an answer unread before the connection is closed; 1 to 3600.
        write_timeout ("write_timeout_seconds"): i64 => Duration = 60, check: seconds(1..=3600, "between 1 and 3600");
        /// Minimum rate of a body in bytes a second, measured over idle_timeout_seconds; slower ones are answered 408. 0: any rate.
        min_upload_rate ("min_upload_bytes_per_second"): i64 => u64 = 1024,
            check: whole(0..=1_000_000_000, "between 0 (any) and 1000000000");
        /// Most connections at once. When all are taken, the one that has waited longest for a request is closed. 1 to 1000000.
        max_connections: i64 => usize = 4096, check: whole(1..=1_000_000, "between 1 and 1000000");
        /// Most connections of one client address on which a request is answered or a WebSocket is open; one more is answered 429
        /// RATE_LIMITED. Behind a proxy the address is the forwarded one (trusted_proxies). 1 to 1000000.
        max_connections_per_client: i64 => usize = 1024, check: whole(1..=1_000_000, "between 1 and 1000000");
        /// Addresses and networks of proxies whose X-Forwarded-For is trusted, such as [10.0.0.0/8, "::1"] (docs/access.md).
        trusted_proxies: Vec<String> => TrustedProxies = "[]", check: proxies;
        /// Public names under which clients reach the server, such as [calls.example.org]; ".example.org" allows all names below
        /// it, "*" all names. Requests for any other are answered 421. Addresses, names without a dot, the machine's own name, and
        /// names under .local, .lan, .internal, .home.arpa and .localhost are always allowed (docs/access.md).
        allowed_hosts: Vec<String> => Hosts = "[]", check: hosts;
        /// Web pages that may use the interface from a browser, by origin: [https://calls.example.org]. "*" allows all, "null"
        /// pages opened from a file. Empty: pages of the server's own host may, and a page opened from a file may follow a job
        /// whose id it knows (docs/access.md).
        cors_origins: Vec<String> => Origins = "[]", check: origins;
    }
    /// Whether keys are required.
    access: AccessSettings {
        /// Whether requests must carry a key (callannotate keys create). Off: every client that reaches the port may do everything
        /// (docs/access.md).
        enabled: bool = false;
    }
    /// The rate limits of one client.
    rate_limits: RateLimitSettings {
        /// Whether clients are limited: each key, or each address without a key (an IPv6 network of 64 bits counts as one).
        enabled: bool = true;
        /// Recordings one client may send a minute in the long run; 1 to 1000000.
        submissions_per_minute: i64 => u32 = 600, check: whole(1..=1_000_000, "between 1 and 1000000");
        /// Recordings one client may send at once; 1 to 1000000.
        submissions_burst: i64 => u32 = 200, check: whole(1..=1_000_000, "between 1 and 1000000");
        /// All other requests of one client a minute in the long run; 1 to 1000000.
        reads_per_minute: i64 => u32 = 12000, check: whole(1..=1_000_000, "between 1 and 1000000");
        /// All other requests of one client at once; 1 to 1000000.
        reads_burst: i64 => u32 = 2000, check: whole(1..=1_000_000, "between 1 and 1000000");
    }
    /// The location of the volume.
    volume: VolumeSettings {
        /// The folder with everything: recordings, results, models, logs.
        path: String => PathBuf = "volume", check: path, short_name: "VOLUME_PATH";
    }
    /// The use of the volume's disk.
    storage: StorageSettings {
        /// Bytes of the volume's disk that stay free of recordings: room to process accepted ones, and for the log. A recording
        /// that does not fit beside them is answered 503 STORAGE_FULL. 0 to 1000000000000.
        reserve: i64 => u64 = 67108864, check: whole(0..=1_000_000_000_000, "between 0 and 1000000000000");
        /// Part of the disk's other free room that the unfinished uploads of one client (a key, or an address without one) may
        /// take; one more byte is answered 503 STORAGE_FULL. Above 0, up to 1.
        client_share: f64 = 0.9, check: share;
    }
    /// The log and its files.
    logging: LoggingSettings {
        /// error, warn, info, debug, trace, or a tracing filter such as "info,callannotate::worker=debug". Libraries log warnings
        /// and errors at most, because their other lines may hold keys or spoken words.
        level: String = "info", check: filter, short_name: "LOG_LEVEL";
        /// Whether the log is also written to files in logs/ of the volume, besides standard output.
        files: bool = true;
        /// Bytes after which a log file is closed and a new one started; 4096 to 1000000000.
        max_file_bytes: i64 => u64 = 10000000, check: whole(4096..=1_000_000_000, "between 4096 and 1000000000 (bytes)");
        /// Days after which a log file is closed and a new one started; fractions are allowed. Above 0, up to 36500.
        max_file_age: f64 => Duration = 1, check: days;
        /// Bytes that all log files may take; the oldest are deleted first. At least twice max_file_bytes.
        max_total_bytes: i64 => u64 = 100000000, check: whole(i64::MIN..=i64::MAX, "at least twice logging.max_file_bytes");
    }
    /// The limits of a recording.
    files: FileLimits {
        /// Largest recording accepted, in bytes; at least 1024.
        max_bytes ("max_size"): i64 => u64 = 1073741824, check: whole(1024..=i64::MAX, "at least 1024 (bytes)"),
            short_name: "MAX_FILE_SIZE";
        /// Longest recording accepted, in seconds; 1 to 86400.
        max_duration ("max_duration_seconds"): i64 => Millis = 14400, check: milliseconds(1..=86_400, "between 1 and 86400");
        /// Most channels a recording may have; 1 to 64.
        max_channels: i64 => u16 = 16, check: whole(1..=64, "between 1 and 64");
    }
    /// How recordings wait and run.
    queue: QueueSettings {
        /// Most recordings that may wait; one more is answered 503 QUEUE_FULL. 1 to 1000000.
        max_length: i64 => usize = 1000, check: whole(1..=1_000_000, "between 1 and 1000000");
        /// Part of max_length that one client (a key, or an address without one) may take with recordings that it sends and that
        /// wait; one more is answered 429 RATE_LIMITED. Above 0, up to 1.
        client_share: f64 = 0.9, check: share;
        /// Seconds one attempt at a recording may take before it fails with TIMEOUT; 0 means no limit, up to 31536000.
        task_timeout: i64 => Option<Duration> = 0, check: some_seconds(0..=31_536_000, "between 0 (none) and 31536000");
        /// The same in multiples of the recording's length; 0 means no limit, up to 10000. With both settings the longer time
        /// counts.
        task_timeout_factor: f64 => Option<f64> = 0, check: factor;
        /// Seconds between two checks of the queue when nothing wakes the worker, and of incoming/; a file there is taken when it
        /// has not changed for this long. 0.1 to 3600, fractions are allowed.
        poll_interval: f64 => Duration = 5, check: fractional_seconds(0.1..=3600.0, "between 0.1 and 3600"),
            short_name: "QUEUE_POLL_INTERVAL";
        /// How often a recording that the server died on is tried before it fails with CRASHED_REPEATEDLY; 1 to 100.
        max_attempts: i64 => u32 = 3, check: whole(1..=100, "between 1 and 100");
        /// Seconds that a running recording may go on after the first stop signal before it is put back into the queue; 0 to 3600.
        shutdown_grace ("shutdown_grace_seconds"): i64 => Duration = 5, check: seconds(0..=3600, "between 0 and 3600");
    }
    /// The watched folder, and names of results.
    incoming: IncomingSettings {
        /// Whether recordings that are dropped into incoming/ become jobs (docs/folder.md).
        watch: bool = true;
        /// Whether each result is also available under its recording's name, as completed/<name>.json: none, symlink, or copy.
        name_results: String => ResultNames = "none", check: result_names;
    }
    /// How long the files of ended jobs are kept.
    retention: RetentionSettings {
        /// Days after its end that a job keeps its recording; its result stays. Fractions are allowed. 0: for ever; up to 36500.
        recordings_max_age: f64 => Option<Duration> = 0, check: some_days;
        /// Bytes that the recordings of ended jobs may take together; the oldest are deleted first. 0: no limit.
        recordings_max_bytes: i64 => Option<u64> = 0, check: some_bytes;
        /// Days after its end that a job keeps its result; then it is archived, and only its record stays. 0: for ever; up to
        /// 36500.
        results_max_age: f64 => Option<Duration> = 0, check: some_days;
        /// Bytes that results may take together; the oldest are deleted first. 0: no limit.
        results_max_bytes: i64 => Option<u64> = 0, check: some_bytes;
        /// Days after which the record of an archived job is deleted. 0: never; up to 36500.
        forget_after: f64 => Option<Duration> = 0, check: some_days;
        /// Seconds between two checks for what is due; 1 to 86400.
        check_interval: i64 => Duration = 60, check: seconds(1..=86_400, "between 1 and 86400");
    }
    /// The engine that runs the models.
    engine: EngineSettings {
        /// Threads of the models; 0 means one a processor core, at most 8. 0 to 256.
        threads: i64 => usize = 0, check: threads;
        /// Seconds without a sign of life after which the engine counts as stalled: its job fails with TIMEOUT, and the process ends
        /// with code 70, to be started again. The longest silence of a working engine is one encoder pass of the model: half a
        /// minute with a large one. 0 means never, up to 86400 (docs/deployment.md).
        stall_timeout: i64 => Option<Duration> = 300, check: some_seconds(0..=86_400, "between 0 (none) and 86400");
    }
    /// Which models are used.
    models: ModelSettings {
        /// Folders with whisper/, segmentation/, speaker/ and vad/, in the order in which they are searched. A relative path is
        /// relative to the volume. As an environment variable: separated by commas.
        dirs: Vec<String> = "[models]", check: entries;
        /// File name of the Whisper model to use; empty: the best one found (docs/models.md).
        whisper: String => Option<String> = "", check: file_name;
        /// File name of the segmentation model to use; empty: the one found.
        segmentation: String => Option<String> = "", check: file_name;
        /// File name of the speaker model to use; empty: the best one found, else the built-in voiceprint.
        speaker: String => Option<String> = "", check: file_name;
    }
    /// Diarization, and how turns are cleaned up.
    diarization: DiarizationSettings {
        /// Whether jobs without the option `diarize` are diarized.
        enabled: bool = true;
        /// Pauses of one speaker up to this many seconds are part of the turn; 0 to 10, fractions are allowed.
        longest_pause: f64 => Duration = 0.25, check: fractional_seconds(0.0..=10.0, "between 0 and 10");
        /// Turns shorter than this many seconds are dropped, and their words are not transcribed; 0 to 10, fractions are allowed.
        shortest_turn: f64 => Duration = 0.1, check: fractional_seconds(0.0..=10.0, "between 0 and 10");
    }
    /// Language and denoising of transcription.
    transcription: TranscriptionSettings {
        /// Language of jobs without the option `language`: auto, or a code such as ru or en.
        language: String => Option<String> = "auto", check: job_language;
        /// Whether noise is removed (RNNoise) before transcription. docs/audio.md says when it helps.
        denoise: bool = false;
    }
    /// Recognition of enrolled voices.
    recognition: RecognitionSettings {
        /// Whether jobs without the option `recognize` are compared with the enrolled voices in models/embeddings/ of the volume.
        enabled: bool = true;
        /// Minimum cosine similarity, -1 to 1, for a voice to be recognized; 0 means the threshold of the speaker model.
        threshold: f64 => Option<f32> = 0, check: by_cosine;
    }
    /// Lookup in the address book.
    contacts: ContactsSettings {
        /// Whether the speakers of jobs without the option `lookup_contacts` are looked up in the CardDAV address book.
        enabled: bool = false;
    }
}
