//! The log: JSON lines on standard output, one object a line, in the seed's form.

use std::fmt;
use std::io::IsTerminal;

use chrono::SecondsFormat;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, span};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Scope};
use tracing_subscriber::util::SubscriberInitExt;

use crate::clock::Clock;

/// Installs the log of the server.
pub fn init(filter: &str, clock: Clock) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer().event_format(JsonLine(clock)).with_ansi(false);
    // A second installation (tests) leaves the first in place.
    let _already_installed = tracing_subscriber::registry().with(filter).with(SpanFields).with(lines).try_init();
    // A panic is part of the log, as one line like everything else.
    std::panic::set_hook(Box::new(|panic| tracing::error!(event = "panic", "A thread panicked: {panic}")));
}

/// Installs the log of the command line: warnings on standard error.
pub fn init_command_line() {
    let filter = EnvFilter::new("callannotate=warn,error");
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal());
    let _already_installed = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// Keeps the fields of each span as JSON, for the lines written within it.
struct SpanFields;

struct Kept(Map<String, Value>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for SpanFields {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(Kept(fields.0));
        }
    }
}

/// One event as one line of JSON.
struct JsonLine(Clock);

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), Value::String(self.0.now().to_rfc3339_opts(SecondsFormat::Millis, true)));
        line.insert("level".to_owned(), Value::String(event.metadata().level().to_string()));
        line.insert("service".to_owned(), Value::String("callannotate".to_owned()));
        line.insert("target".to_owned(), Value::String(event.metadata().target().to_owned()));
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            if let Some(Kept(fields)) = span.extensions().get::<Kept>() {
                line.extend(fields.clone());
            }
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        line.extend(fields.0);
        writeln!(writer, "{}", Value::Object(line))
    }
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), Value::String(format!("{value:?}")));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), Value::String(value.to_owned()));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}
