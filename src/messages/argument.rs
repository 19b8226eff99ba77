//! The values that messages contain. Each language formats them in its own way.

/// A value that a message speaks of; each language writes it in its own way.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// As it is. Also picks between the variants of a message.
    Text(String),
    /// A count, with the plural that goes with it.
    Count(u64),
    /// A size, in bytes: shown in the largest unit that leaves a short number.
    Bytes(u64),
    /// A length of time, in seconds: shown in hours, minutes and seconds.
    Seconds(f64),
}

/// The values that a message speaks of, by the names that it uses.
pub type Arguments = Vec<(&'static str, Argument)>;
