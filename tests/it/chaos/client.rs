//! A client that remembers every answer, and repeats a request that got none.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::sending::answer;

/// The maximum number of unfinished jobs of a client: the server always has work, but never a long queue.
const UNDER_WAY: usize = 3;

/// A seeded random number generator, so that a run can be repeated.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// The final state that a job must reach, according to the answers that its client got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Completed,
    Cancelled,
    /// Cancelled while it ran, which may have been too late.
    Stopped,
    Deleted,
}

/// How a recording is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Rest,
    WebSocket,
    Incoming,
    Folder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Make,
    Cancel,
    Retry,
    Delete,
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) name: String,
    way: Way,
    pub(super) recording: usize,
    /// Known once the server has answered the upload.
    id: String,
    end: End,
    /// Whether the job was seen finished, after which it must not change unless a client changes it.
    seen: bool,
}

/// The server died before it answered.
pub(super) struct Gone;

pub struct Client {
    number: usize,
    dice: Dice,
    pub(super) incoming: PathBuf,
    pub(super) recordings: Vec<Vec<u8>>,
    pub(super) http: reqwest::Client,
    pub(super) jobs: Vec<Job>,
    /// The unanswered request, and whether it was sent before.
    pending: Option<(usize, Wish, bool)>,
    repeated: usize,
}

impl Client {
    pub fn new(number: usize, seed: u64, volume: &Path, recordings: &[Vec<u8>]) -> Self {
        Self {
            number,
            dice: Dice::new(seed),
            incoming: volume.join("incoming"),
            recordings: recordings.to_vec(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            jobs: Vec::new(),
            pending: None,
            repeated: 0,
        }
    }

    /// How many requests it had to repeat.
    pub fn repeated(&self) -> usize {
        self.repeated
    }

    /// The expected final state of each of its jobs.
    pub fn ends(&self) -> impl Iterator<Item = (&str, End)> {
        self.jobs.iter().map(|job| (job.name.as_str(), job.end))
    }

    /// Sends requests until the server dies.
    pub async fn work(&mut self, address: &str) {
        while self.step(address).await.is_ok() {}
    }

    /// Repeats the unanswered request, and waits until every job has finished.
    pub async fn settle(&mut self, address: &str) {
        assert!(self.fulfil(address).await.is_ok(), "the server is gone");
        for index in 0..self.jobs.len() {
            while self.jobs[index].end != End::Deleted && !self.jobs[index].seen {
                assert!(self.look(address, index).await.is_ok(), "the server is gone");
            }
        }
    }

    /// Annotates a recording and returns the result.
    pub async fn annotated(&mut self, address: &str, recording: usize) -> Value {
        self.begin(recording, Way::Rest);
        self.settle(address).await;
        let job = self.jobs.last().expect("one was just begun");
        self.result(address, job).await
    }

    /// Lists every job that differs from its expected state or result.
    pub async fn check(&mut self, address: &str, expected: &[Value]) -> Vec<String> {
        let mut wrong = Vec::new();
        for index in 0..self.jobs.len() {
            let job = &self.jobs[index];
            let response = self.http.get(format!("http://{address}/api/v1/jobs/{}", job.id)).send().await.unwrap();
            if job.end == End::Deleted {
                if response.status() != 404 {
                    wrong.push(format!("{} was deleted and came back", job.name));
                }
                continue;
            }
            let body: Value = response.json().await.unwrap();
            let is_right = match job.end {
                End::Completed => body["status"] == "completed",
                End::Cancelled => body["status"] == "cancelled",
                End::Stopped | End::Deleted => false,
            };
            if !is_right {
                wrong.push(format!("{} has to be {:?}: {body}", job.name, job.end));
            } else if job.end == End::Completed && self.result(address, job).await != expected[job.recording] {
                wrong.push(format!("{} has another result", job.name));
            }
        }
        wrong
    }

    fn begin(&mut self, recording: usize, way: Way) {
        let name = format!("{}-{}", self.number, self.jobs.len());
        self.jobs.push(Job { name, way, recording, id: String::new(), end: End::Completed, seen: false });
        self.pending = Some((self.jobs.len() - 1, Wish::Make, false));
    }

    async fn step(&mut self, address: &str) -> Result<(), Gone> {
        self.fulfil(address).await?;
        let under_way: Vec<usize> = self.with(|job| job.end != End::Deleted && !job.seen);
        if under_way.len() < UNDER_WAY {
            let way = [Way::Rest, Way::WebSocket, Way::Incoming, Way::Folder][self.dice.below(4)];
            let recording = self.dice.below(self.recordings.len());
            self.begin(recording, way);
            return self.fulfil(address).await;
        }
        let chosen = under_way[self.dice.below(under_way.len())];
        let wish = match self.dice.below(12) {
            0..2 => Some((chosen, Wish::Cancel)),
            2 => Some((chosen, Wish::Delete)),
            3 => self.one_of(|job| job.seen && job.end == End::Completed).map(|ended| (ended, Wish::Delete)),
            4..6 => self.one_of(|job| job.seen && job.end == End::Cancelled).map(|ended| (ended, Wish::Retry)),
            _ => None,
        };
        match wish {
            Some((index, wish)) => self.pending = Some((index, wish, false)),
            None => self.look(address, chosen).await?,
        }
        Ok(())
    }

    fn with(&self, fits: impl Fn(&Job) -> bool) -> Vec<usize> {
        self.jobs.iter().enumerate().filter(|(_, job)| fits(job)).map(|(index, _)| index).collect()
    }

    fn one_of(&mut self, fits: impl Fn(&Job) -> bool) -> Option<usize> {
        let found = self.with(fits);
        if found.is_empty() { None } else { Some(found[self.dice.below(found.len())]) }
    }

    /// Returns a job's state at its next change, or after one second.
    async fn look(&mut self, address: &str, index: usize) -> Result<(), Gone> {
        let job = &mut self.jobs[index];
        let request = self.http.get(format!("http://{address}/api/v1/jobs/{}?wait=1", job.id));
        let (status, body) = answer(request).await?;
        assert_eq!(status, 200, "{}: {body}", job.name);
        match (body["status"].as_str(), job.end) {
            (Some("queued" | "processing"), _) => return Ok(()),
            (Some("completed"), End::Completed | End::Stopped) => job.end = End::Completed,
            (Some("cancelled"), End::Cancelled | End::Stopped) => job.end = End::Cancelled,
            (_, end) => panic!("{} has to be {end:?}: {body}", job.name),
        }
        job.seen = true;
        Ok(())
    }

    async fn result(&self, address: &str, job: &Job) -> Value {
        let request = self.http.get(format!("http://{address}/api/v1/jobs/{}/result", job.id));
        let mut body: Value = request.send().await.unwrap().json().await.unwrap();
        let parts = ["speakers", "segments", "transcription", "statistics"];
        Value::Object(parts.map(|part| (part.to_owned(), body["result"][part].take())).into_iter().collect())
    }

    /// Repeats the request until it is answered.
    async fn fulfil(&mut self, address: &str) -> Result<(), Gone> {
        let Some((index, wish, again)) = self.pending.take() else { return Ok(()) };
        // If the server dies here, the request is repeated.
        self.pending = Some((index, wish, true));
        self.repeated += usize::from(again);
        match wish {
            Wish::Make => {
                let id = match self.jobs[index].way {
                    Way::Rest => self.send(address, index).await?,
                    Way::WebSocket => self.send_over_websocket(address, index).await?,
                    Way::Incoming => self.hand_over(address, index, again).await?,
                    Way::Folder => self.lay_down(address, index, again).await?,
                };
                self.jobs[index].id = id;
            }
            Wish::Cancel => {
                let (status, body) = answer(self.http.post(self.url(address, index, "/cancel"))).await?;
                let job = &mut self.jobs[index];
                match status {
                    200 => (job.end, job.seen) = (End::Cancelled, true),
                    202 => job.end = End::Stopped,
                    // It has finished already; the next look shows its state.
                    409 => {}
                    _ => panic!("{} is not cancelled: {status} {body}", job.name),
                }
            }
            Wish::Retry => {
                let (status, body) = answer(self.http.post(self.url(address, index, "/retry"))).await?;
                let job = &mut self.jobs[index];
                // A repeated retry may find the job finished.
                assert!(status == 202 || again && status == 409, "{} is not tried again: {status} {body}", job.name);
                (job.end, job.seen) = (End::Completed, false);
            }
            Wish::Delete => {
                let (status, body) = answer(self.http.delete(self.url(address, index, ""))).await?;
                let job = &mut self.jobs[index];
                assert!(status == 204 || again && status == 404, "{} is not deleted: {status} {body}", job.name);
                job.end = End::Deleted;
            }
        }
        self.pending = None;
        Ok(())
    }

    fn url(&self, address: &str, index: usize, what: &str) -> String {
        format!("http://{address}/api/v1/jobs/{}{what}", self.jobs[index].id)
    }
}
