//! The peers that `make bench` compares the server with, and the load generator with thousands of subscribers.
//!
//! `http_peers peer BODY FOLDER`: a bare axum server with the two measured routes: it answers every job with the bytes
//! of BODY, and writes every recording to FOLDER and flushes it.
//! `http_peers held`: the real server with a diarizer that holds its job, so that only requests use the processor.
//! `http_peers subscribers COUNT EVENTS MILLISECONDS`: starts the latter, follows one job over COUNT WebSockets, triggers EVENTS
//! events MILLISECONDS apart, and prints delays and memory as JSON.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program of its own, which tells its measures on standard output and writes files of its own"
)]

mod held;
mod peer;
mod subscribers;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    // Cargo passes `--bench` to every benchmark.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // The same runtime as the server's.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments[..] {
        ["peer", body, folder] => runtime.block_on(peer::serve(body.as_ref(), folder.as_ref())),
        ["held"] => runtime.block_on(held::serve()),
        ["subscribers", count, events, milliseconds] => {
            let report = runtime.block_on(subscribers::measure(count.parse()?, events.parse()?, milliseconds.parse()?))?;
            println!("{report}");
            Ok(())
        }
        _ => bail!("usage: http_peers peer BODY FOLDER | held | subscribers COUNT EVENTS MILLISECONDS"),
    }
}
