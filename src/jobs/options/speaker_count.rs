//! The kind of the option `speakers`: a number of speakers, or bounds of it.

use serde_json::{Value, json};

use super::define::Kind;
use super::values::SpeakerRange;
use crate::checks::{Checks, FailedCheck, Mistake, values};

/// The number of speakers, or bounds of it, from 1 to `max`.
pub(super) struct SpeakerCount {
    pub(super) max: u64,
}

impl Kind for SpeakerCount {
    type Value = Option<SpeakerRange>;

    fn read(&self, field: &str, value: &Value, checks: &mut Checks) -> Option<SpeakerRange> {
        let Some(object) = value.as_object() else {
            checks.push(FailedCheck::new(field, Mistake::NotASpeakerCount { max: self.max }));
            return None;
        };
        let allowed = ["count", "min", "max"];
        if let Some(name) = object.keys().find(|name| !allowed.contains(&name.as_str())) {
            checks.push(FailedCheck::new(format!("{field}.{name}"), Mistake::Unknown { allowed: allowed.to_vec() }));
            return None;
        }
        let [count, min, max] = allowed.map(|name| {
            let found = object.get(name).filter(|value| !value.is_null())?;
            values::whole_up_to(&format!("{field}.{name}"), found, self.max, checks)
        });
        if count.is_some() && (min.is_some() || max.is_some()) {
            checks.push(FailedCheck::new(field, Mistake::CountAndLimits));
            return None;
        }
        let (lowest, highest) = (count.or(min).unwrap_or(1), count.or(max).unwrap_or(self.max));
        if lowest > highest {
            checks.push(FailedCheck::new(field, Mistake::MinOverMax { min: lowest, max: highest }));
            return None;
        }
        let is_known = count.or(min).or(max).is_some();
        is_known.then_some(SpeakerRange { min: lowest as usize, max: highest as usize })
    }

    fn record(&self, value: &Option<SpeakerRange>) -> Value {
        json!(value.map(|range| (range.min, range.max)))
    }

    /// An impossible range counts as absent.
    fn parse_record(&self, recorded: Value) -> serde_json::Result<Option<SpeakerRange>> {
        let bounds: Option<(usize, usize)> = serde_json::from_value(recorded)?;
        Ok(bounds.filter(|(min, max)| 1 <= *min && min <= max).map(|(min, max)| SpeakerRange { min, max }))
    }

    fn request_schema(&self) -> Value {
        let number = json!({ "type": ["integer", "null"], "minimum": 1, "maximum": self.max });
        json!({ "anyOf": [
            { "type": "null" },
            { "type": "object", "properties": { "count": number }, "additionalProperties": false },
            { "type": "object", "properties": { "min": number, "max": number }, "additionalProperties": false },
        ] })
    }

    fn effective_schema(&self, description: &str) -> Value {
        let range = json!({ "$ref": "#/components/schemas/SpeakerRange", "description": description });
        json!({ "oneOf": [range, { "type": "null" }] })
    }

    fn can_be_null(&self) -> bool {
        true
    }

    fn limits(&self) -> String {
        format!("`{{\"count\": n}}` or `{{\"min\": n, \"max\": n}}`, from 1 to {}.", self.max)
    }

    #[cfg(test)]
    fn sample(&self) -> Value {
        json!({ "min": 2, "max": 3 })
    }
}
