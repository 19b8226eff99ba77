//! An upper bound for the framework: a constant answer, and a recording written and flushed once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Path as Segment, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use multer::Multipart;
use serde_json::json;
use tokio::io::AsyncWriteExt;

struct Peer {
    body: Bytes,
    folder: PathBuf,
    written: AtomicU64,
}

/// Serves on a free port and prints its number.
pub(crate) async fn serve(body: &Path, folder: &Path) -> Result<()> {
    let body = Bytes::from(std::fs::read(body).with_context(|| format!("cannot read {}", body.display()))?);
    let peer = Arc::new(Peer { body, folder: folder.to_path_buf(), written: AtomicU64::new(0) });
    let router =
        Router::new().route("/api/v1/jobs/{job_id}", get(get_job)).route("/api/v1/jobs", post(create_job)).with_state(peer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", json!({ "event": "listening", "address": listener.local_addr()?.to_string() }));
    Ok(axum::serve(listener, router).await?)
}

async fn get_job(State(peer): State<Arc<Peer>>, Segment(_): Segment<String>) -> Response {
    ([(CONTENT_TYPE, "application/json")], peer.body.clone()).into_response()
}

async fn create_job(State(peer): State<Arc<Peer>>, headers: HeaderMap, request: Request) -> Response {
    match take_in(&peer, &headers, request).await {
        Ok(()) => (StatusCode::CREATED, [(CONTENT_TYPE, "application/json")], peer.body.clone()).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

async fn take_in(peer: &Peer, headers: &HeaderMap, request: Request) -> Result<()> {
    let content_type = headers.get(CONTENT_TYPE).context("no content type")?.to_str()?;
    let mut multipart = Multipart::new(request.into_body().into_data_stream(), multer::parse_boundary(content_type)?);
    while let Some(mut field) = multipart.next_field().await? {
        if field.name() != Some("file") {
            continue;
        }
        let path = peer.folder.join(peer.written.fetch_add(1, Ordering::Relaxed).to_string());
        let mut file = tokio::fs::File::create(path).await?;
        while let Some(chunk) = field.chunk().await? {
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        file.sync_all().await?;
    }
    Ok(())
}
