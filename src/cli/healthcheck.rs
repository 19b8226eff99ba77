//! `callannotate healthcheck`: one request to the server on this machine, so that container images need no curl.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::config::Config;

/// Limit for connecting, and for each read and write.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn run(config: &Config) -> anyhow::Result<()> {
    let host = match config.server.address().ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    let address = SocketAddr::new(host, config.server.address().port());
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT).with_context(|| format!("no server answers at {address}"))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(stream, "GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer).context("the server's answer broke off")?;
    let status = answer.split_whitespace().nth(1).unwrap_or("none");
    if status != "200" {
        bail!("the server is not healthy (status {status})");
    }
    Ok(())
}
