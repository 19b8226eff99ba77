//! Files whose tables, tags or blocks would fill the memory of a demuxer, sent to a real server and dropped into its folder: each
//! ends as it should, and none needs more than [`BOUND`] above the idle server.

use std::path::Path;

use serde_json::Value;

use super::support::app::DEADLINE;
use super::support::dropping::WATCHED;
use super::support::hostile::*;
use super::support::observed::Observed;

/// Most memory above the idle server, in bytes.
const BOUND: u64 = 128 << 20;

/// A file, and how it ends: what makes no sense is passed over, or the file is refused.
struct Attack {
    name: &'static str,
    end: &'static str,
    bytes: Vec<u8>,
}

const DONE: &str = "completed";
const REFUSED: &str = "INVALID_AUDIO";

fn attack(name: &'static str, end: &'static str, bytes: Vec<u8>) -> Attack {
    Attack { name, end, bytes }
}

/// How a file ends that is sent.
async fn sent(server: &Observed, bytes: &[u8]) -> String {
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
    let part = reqwest::multipart::Part::bytes(bytes.to_vec()).file_name("call");
    let form = reqwest::multipart::Form::new().part("file", part);
    let answer = client.post(format!("{}/api/v1/jobs", server.url)).multipart(form).send().await.unwrap();
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    if status == 201 { ended(server) } else { body["error"]["code"].as_str().unwrap().to_owned() }
}

/// How a file ends that is dropped into the folder.
fn dropped(server: &Observed, volume: &Path, name: &str, bytes: &[u8]) -> String {
    let unfinished = volume.join("unfinished");
    std::fs::write(&unfinished, bytes).unwrap();
    std::fs::rename(unfinished, volume.join("incoming").join(name)).unwrap();
    ended(server)
}

/// How the next job ends.
fn ended(server: &Observed) -> String {
    let event = server.next_of(&["job_completed", "job_failed", "file_set_aside"]).unwrap();
    event["code"].as_str().unwrap_or(DONE).to_owned()
}

/// Sends each file to a server of its own and drops it into its folder, and checks both ends and the memory for both.
#[expect(clippy::print_stdout, reason = "the figures are for reading")]
async fn all_end_within_the_bound(attacks: Vec<Attack>) {
    let mut wrong = Vec::new();
    for Attack { name, end, bytes } in attacks {
        let folder = tempfile::tempdir().unwrap();
        let server = Observed::start(folder.path(), &WATCHED).unwrap();
        let idle = server.peak();
        let by_request = sent(&server, &bytes).await;
        let by_folder = dropped(&server, folder.path(), name, &bytes);
        let growth = server.peak().saturating_sub(idle);
        let line = format!("{name} ({} MiB): {by_request} and {by_folder} with {} MiB", bytes.len() >> 20, growth >> 20);
        println!("{line}");
        if growth > BOUND || by_request != end || by_folder != end {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn tables_of_mp4_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let whole = second_of_a_call(folder.path(), "whole.m4a", &["-c:a", "aac"]);
    let pieces = second_of_a_call(folder.path(), "pieces.mp4", &["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"]);
    all_end_within_the_bound(vec![
        attack("comments", DONE, mp4_with_comments(&whole, 1_000_000)),
        attack("second-moov", DONE, mp4_with_second_moov(&whole, 1_000_000)),
        attack("fragments", REFUSED, mp4_with_fragments(&pieces, 1_000_000)),
        attack("sample", REFUSED, mp4_with_samples(&pieces, 1, 100 << 20)),
        attack("samples", REFUSED, mp4_with_samples(&pieces, 60_000, 1)),
        // The most that is accepted.
        attack("fewer-samples", DONE, mp4_with_samples(&pieces, 30_000, 1)),
    ])
    .await;
}

#[tokio::test]
async fn elements_of_matroska_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let base = second_of_a_call(folder.path(), "base.mka", &["-c:a", "libopus"]);
    all_end_within_the_bound(vec![
        attack("tags", DONE, matroska_with(&base, &empty_tags(5_000_000))),
        attack("block", REFUSED, matroska_with_block(&base, 100 << 20)),
    ])
    .await;
}

#[tokio::test]
async fn chunks_of_caf_and_aiff_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let base = second_of_a_call(folder.path(), "base.aiff", &["-c:a", "pcm_s16be"]);
    all_end_within_the_bound(vec![
        attack("packets", REFUSED, caf_with_packets(8_000_000)),
        // The most that is read; but they are no audio.
        attack("fewer-packets", REFUSED, caf_with_packets(1 << 20)),
        attack("annotations", REFUSED, aiff_with(&base, &annotations(1_500_000))),
    ])
    .await;
}

#[tokio::test]
async fn filters_of_odd_rates_are_bounded() {
    all_end_within_the_bound(vec![
        attack("odd", REFUSED, odd_wav(767_999, 16)),
        // The most that is accepted.
        attack("less-odd", DONE, odd_wav(47_999, 6)),
    ])
    .await;
}

#[tokio::test]
async fn headers_of_ogg_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let base = second_of_a_call(folder.path(), "base.opus", &["-c:a", "libopus"]);
    all_end_within_the_bound(vec![
        attack("comments", DONE, opus_with(&base, &vec![&b"A="[..]; 1_500_000])),
        attack("streams", DONE, opus_with_streams(&base, 400_000)),
        attack("codebooks", REFUSED, vorbis_with_codebooks(16)),
    ])
    .await;
}
