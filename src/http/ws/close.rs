//! How a session ends: the close codes (RFC 6455, section 7.4; from 4000 on our own) and their reasons.

/// A close code and its reason.
pub(crate) type Close = (u16, &'static str);

/// Everything was sent, or the client has disconnected.
pub(super) const DONE: u16 = 1000;
/// The client sends too many messages.
pub(super) const TOO_MANY: u16 = 1008;
/// A message is too large.
pub(super) const TOO_LARGE: u16 = 1009;
pub(super) const FAILED: u16 = 1011;
/// The server is stopping.
pub(super) const RESTART: u16 = 1012;
/// The client does not read, or does not answer heartbeats; or its connection is needed for another client.
pub(super) const SLOW: u16 = 1013;
/// The key is missing, wrong or revoked.
pub(super) const UNAUTHORIZED: u16 = 4401;
/// The key lacks a scope.
pub(super) const FORBIDDEN: u16 = 4403;

/// The connection is needed for another client.
pub(super) const CROWDED: Close = (SLOW, "the connection is needed for another client; connect again later");
/// The key of the session was revoked.
pub(super) const REVOKED: Close = (UNAUTHORIZED, "the key was revoked");

/// The client has disconnected or closes the session.
pub(super) const GOODBYE: Close = (DONE, "goodbye");
