//! The log: JSON lines on standard output, one object per line.
//!
//! Whatever level is asked for, no line may hold a key or what was said. The program's own lines are written with care for that;
//! the libraries' are not: at the lower levels they log requests with their keys, frames of WebSockets, tags of recordings, and
//! whisper.cpp each word. So only their warnings and errors are logged, and what a panic quotes is left out.

mod lines;

use std::fmt;
use std::io::IsTerminal;

use chrono::SecondsFormat;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use lines::Lines;
pub use lines::LogGuard;

use crate::clock::Clock;
use crate::redact::unquoted;

/// Installs the log of the server, with a filter in the syntax of `tracing_subscriber`; an invalid one counts as `info`. Lines are
/// written on a separate thread, so that a slow reader of the log does not delay requests. The guard writes pending lines when it
/// is dropped.
#[must_use]
pub fn init(filter: &str, clock: Clock) -> LogGuard {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let (writer, guard) = Lines::to(std::io::stdout());
    let lines = tracing_subscriber::fmt::layer()
        .event_format(JsonLine(clock))
        .fmt_fields(NoText)
        .with_writer(move || writer.clone())
        .with_ansi(false);
    // A second installation (tests) leaves the first in place.
    let _already_installed =
        tracing_subscriber::registry().with(filter).with(filter_fn(is_harmless)).with(SpanFields).with(lines).try_init();
    // A panic is logged as one JSON line, like everything else.
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(event = "panic", "A thread panicked: {}", unquoted(&panic.to_string()));
    }));
    guard
}

/// Whether a line or span may be logged at all: all of this program, warnings and errors of its libraries.
fn is_harmless(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let is_own = target.strip_prefix("callannotate").is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    is_own || *metadata.level() <= Level::WARN
}

/// Installs the log of the other commands: warnings as text on standard error.
pub fn init_command_line() {
    let filter = EnvFilter::new("callannotate=warn,error");
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal());
    let _already_installed = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// Stores the fields of each span as JSON, for the lines logged within it.
struct SpanFields;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for SpanFields {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }
}

/// Keeps the library from storing each span's fields as text too, which nothing reads.
struct NoText;

impl<'writer> FormatFields<'writer> for NoText {
    fn format_fields<R: RecordFields>(&self, _: Writer<'writer>, _: R) -> fmt::Result {
        Ok(())
    }
}

/// Formats an event as one line of JSON. Every request logs one, so it is written without intermediate values.
struct JsonLine(Clock);

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::with_room();
        fields.put("timestamp", &self.0.now().to_rfc3339_opts(SecondsFormat::Millis, true));
        fields.put("level", event.metadata().level().as_str());
        fields.put("service", "callannotate");
        fields.put("target", event.metadata().target());
        event.record(&mut fields);
        for span in context.event_scope().into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.absorb(outer);
            }
        }
        writeln!(writer, "{{{}}}", fields.text())
    }
}

/// The members of a JSON object, each name once, each followed by a comma.
#[derive(Default)]
struct Fields {
    json: Vec<u8>,
    /// The end of each member in `json`.
    ends: Vec<(&'static str, usize)>,
}

impl Fields {
    /// With capacity for a whole line, so that the buffers rarely grow.
    fn with_room() -> Self {
        Self { json: Vec::with_capacity(512), ends: Vec::with_capacity(16) }
    }

    fn has(&self, name: &str) -> bool {
        self.ends.iter().any(|(known, _)| *known == name)
    }

    fn write(&mut self, value: &(impl Serialize + ?Sized)) {
        // Texts and numbers always serialize, and writing to a vector does not fail.
        let _always_ok = serde_json::to_writer(&mut self.json, value);
    }

    fn put(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) {
        if !self.has(name) {
            self.write(name);
            self.json.push(b':');
            self.write(value);
            self.json.push(b',');
            self.ends.push((name, self.json.len()));
        }
    }

    /// Adds those members of `outer` whose names are not present yet.
    fn absorb(&mut self, outer: &Self) {
        let mut from = 0;
        for (name, end) in &outer.ends {
            if !self.has(name) {
                self.json.extend_from_slice(outer.json.get(from..*end).unwrap_or_default());
                self.ends.push((name, self.json.len()));
            }
            from = *end;
        }
    }

    fn text(&self) -> &str {
        let members = self.json.strip_suffix(b",").unwrap_or(&self.json);
        std::str::from_utf8(members).unwrap_or_default()
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), &format_args!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), &value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), &value);
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), &value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), &value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_each_name_once_and_the_event_before_its_spans() {
        let mut outer = Fields::default();
        outer.put("request_id", "req_1");
        outer.put("job_id", "outer");
        let mut fields = Fields::default();
        fields.put("message", "a \"quoted\"\nline, with a comma,");
        fields.put("job_id", "inner");
        fields.put("share", &f64::NAN);
        fields.absorb(&outer);
        let expected = r#""message":"a \"quoted\"\nline, with a comma,","job_id":"inner","share":null,"request_id":"req_1""#;
        assert_eq!(fields.text(), expected);
    }
}
