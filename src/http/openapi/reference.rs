//! References between the parts of the document, and its text.

use serde_json::{Value, json};

/// A reference to a component.
pub(crate) fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

/// A document as it is published: JSON with a line break at its end.
pub(crate) fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
