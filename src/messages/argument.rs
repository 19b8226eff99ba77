//! The values that messages contain. Each language formats them in its own way.

/// A value within a message; each language formats it in its own way.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// Inserted as it is. Also selects between the variants of a message.
    Text(String),
    /// A count, which selects the plural form.
    Count(u64),
    /// A size in bytes, shown in the largest suitable unit.
    Bytes(u64),
    /// A duration in seconds, shown in hours, minutes and seconds.
    Seconds(f64),
}

/// The values within a message, by the names that it uses.
pub type Arguments = Vec<(&'static str, Argument)>;
