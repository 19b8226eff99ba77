//! Clients at different addresses of the loopback network, which the server tells apart.

use std::net::Ipv4Addr;

use tokio::net::{TcpSocket, TcpStream};

use super::app::{DEADLINE, TestApp};

/// A connection from 127.0.0.`last`.
pub async fn connect_from(app: &TestApp, last: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into()).unwrap();
    socket.connect(app.address.parse().unwrap()).await.unwrap()
}

/// A client at 127.0.0.`last`, with connections of its own.
pub fn client_at(last: u8) -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().timeout(DEADLINE);
    builder.local_address(Some(Ipv4Addr::new(127, 0, 0, last).into())).build().unwrap()
}
