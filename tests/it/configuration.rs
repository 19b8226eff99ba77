//! Settings: the file, the environment, and the errors for invalid values.

use std::collections::HashMap;
use std::process::Command;

use callannotate::access::origins::Origins;
use callannotate::config::Config;

fn load(pairs: &[(&str, &str)]) -> Result<Config, String> {
    let environment: HashMap<String, String> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::load(&environment).map_err(|error| error.to_string())
}

#[test]
fn without_any_setting_the_built_in_file_holds() {
    let config = load(&[]).unwrap();
    assert_eq!(config.server.address().to_string(), "0.0.0.0:8000");
    assert_eq!(config.server.language.tag(), "en");
    assert_eq!(config.files.max_bytes, 1_073_741_824);
    assert_eq!(config.queue.poll_interval.as_secs(), 5);
    assert_eq!(config.models().dirs, [std::path::Path::new("volume/models")]);
    assert!(!config.transcription.denoise);
}

#[test]
fn the_short_names_of_the_specification_work() {
    let config =
        load(&[("VOLUME_PATH", "/app/volume"), ("LOG_LEVEL", "WARN"), ("MAX_FILE_SIZE", "2048"), ("QUEUE_POLL_INTERVAL", "7")])
            .unwrap();
    assert_eq!(config.volume.path, std::path::Path::new("/app/volume"));
    assert_eq!(config.logging.level, "WARN");
    assert_eq!(config.files.max_bytes, 2048);
    assert_eq!(config.queue.poll_interval.as_secs(), 7);
}

#[test]
fn every_setting_can_be_named_in_the_environment() {
    let config = load(&[
        ("CALLANNOTATE__SERVER__PORT", "0"),
        ("CALLANNOTATE__MODELS__DIRS", "models,/usr/share/callannotate/models"),
        ("CALLANNOTATE__RECOGNITION__THRESHOLD", "0.5"),
        ("CALLANNOTATE__QUEUE__MAX_ATTEMPTS", "9"),
        ("CALLANNOTATE__TRANSCRIPTION__DENOISE", "true"),
        ("VOLUME_PATH", "/v"),
    ])
    .unwrap();
    assert_eq!(config.server.address().port(), 0);
    assert_eq!(config.models().dirs, [std::path::Path::new("/v/models"), std::path::Path::new("/usr/share/callannotate/models")]);
    assert_eq!(config.recognition.threshold, Some(0.5));
    assert!(config.transcription.denoise);
    assert_eq!(config.queue.max_attempts, 9);
}

#[test]
fn an_impossible_setting_is_named_in_one_line_with_what_is_allowed() {
    for (name, value, parts) in [
        ("CALLANNOTATE__SERVER__PORT", "70000", ["server.port", "70000", "65535"]),
        ("CALLANNOTATE__SERVER__HOST", "nowhere", ["server.host", "nowhere", "IP address"]),
        ("MAX_FILE_SIZE", "12", ["files.max_size", "12", "1024"]),
        ("LOG_LEVEL", "loud=very=much", ["logging.level", "loud", "trace"]),
        ("CALLANNOTATE__SERVER__PORTT", "1", ["portt", "unknown field", "port"]),
        ("CALLANNOTATE__TRANSCRIPTION__LANGUAGE", "Russian", ["transcription.language", "russian", "ISO 639-1"]),
        ("CALLANNOTATE__DIARIZATION__LONGEST_PAUSE", "11", ["diarization.longest_pause", "11", "between 0 and 10"]),
        ("CALLANNOTATE__TRANSCRIPTION__DENOISE", "loud", ["transcription.denoise", "loud", "boolean"]),
        ("CALLANNOTATE__SERVER__LANGUAGE", "xx", ["server.language", "xx", "en, "]),
        ("MAX_FILE_SIZE", "lots", ["files.max_size", "lots", "integer"]),
    ] {
        let error = load(&[(name, value)]).unwrap_err();
        assert!(!error.contains('\n'), "{error}");
        for part in parts {
            assert!(error.contains(part), "{error:?} does not say {part:?}");
        }
    }
}

#[test]
fn a_file_overrides_the_defaults_and_the_environment_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.yaml");
    std::fs::write(&path, "queue:\n  max_length: 7\n  max_attempts: 2\n").unwrap();
    let config = load(&[("CONFIG_PATH", path.to_str().unwrap()), ("CALLANNOTATE__QUEUE__MAX_ATTEMPTS", "4")]).unwrap();
    assert_eq!((config.queue.max_length, config.queue.max_attempts), (7, 4));
}

#[test]
fn the_program_ends_with_one_line_about_a_bad_setting() {
    let output = Command::new(env!("CARGO_BIN_EXE_callannotate")).arg("serve").env("MAX_FILE_SIZE", "-5").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(error, "callannotate: setting files.max_size is -5, but must be at least 1024 (bytes)\n");
}

/// The settings of the built-in file in order, with their defaults as written there.
fn written() -> Vec<(String, String)> {
    let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/default.yaml")).unwrap();
    let mut section = String::new();
    let mut settings = Vec::new();
    for line in file.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        let (name, value) = line.split_once(':').unwrap();
        match name.strip_prefix("  ") {
            None => name.clone_into(&mut section),
            Some(name) => settings.push((format!("{section}.{name}"), value.trim().to_owned())),
        }
    }
    settings
}

#[test]
fn the_documentation_lists_every_setting_with_its_default() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md")).unwrap();
    let listed: Vec<(String, String)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | `"))
        .filter(|(name, _)| name.contains('.'))
        .map(|(name, rest)| (name.to_owned(), rest.split('`').next().unwrap_or_default().to_owned()))
        .collect();
    assert_eq!(listed, written());
}

#[test]
fn lists_are_separated_by_commas_in_the_environment_and_their_entries_are_checked() {
    let config =
        load(&[("CALLANNOTATE__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1"), ("CALLANNOTATE__SERVER__CORS_ORIGINS", "")]);
    let server = config.unwrap().server;
    assert_eq!(server.trusted_proxies.client("::1".parse().unwrap(), ["192.0.2.1"].into_iter()).to_string(), "192.0.2.1");
    assert_eq!(server.cors_origins, Origins::Unset);
    for (name, value, part) in [
        ("CALLANNOTATE__SERVER__TRUSTED_PROXIES", "10.0.0.0/8,proxy", "server.trusted_proxies is \"proxy\""),
        ("CALLANNOTATE__SERVER__CORS_ORIGINS", "calls.example.org", "server.cors_origins is \"calls.example.org\""),
        ("CALLANNOTATE__SERVER__ALLOWED_HOSTS", "https://a.example", "server.allowed_hosts is \"https://a.example\""),
        ("CALLANNOTATE__RATE_LIMITS__READS_BURST", "0", "rate_limits.reads_burst is 0"),
    ] {
        let error = load(&[(name, value)]).unwrap_err();
        assert!(error.contains(part) && !error.contains('\n'), "{error}");
    }
}
