//! How each stage went, as published, by the stage's name.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// How a stage went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StageStatus {
    /// The stage ran and succeeded.
    Completed,
    /// It was switched off, or could not run.
    Skipped,
    /// It ran and failed; the rest of the result is valid.
    Failed,
}

/// The report of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StageReport {
    /// How the stage went.
    pub status: StageStatus,
    /// Why it was skipped or failed.
    pub reason: Option<String>,
    /// The model that the stage used.
    pub model: Option<Model>,
    /// Duration of the stage in seconds.
    pub seconds: f64,
    /// Processor time of the whole process during the stage, in seconds.
    pub cpu_seconds: f64,
}

/// The model that a stage used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Model {
    pub name: String,
    pub framework: String,
    pub device: String,
    pub license: Option<String>,
}

/// A value for each stage, by the stage's published name, in the order in which the stages ran: a JSON object.
///
/// The names are text and not the pipeline's own stages, so that a result stays readable when stages come and go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByStage<T>(Vec<(String, T)>);

impl<T> ByStage<T> {
    /// The value of the stage with this published name.
    #[must_use]
    pub fn get(&self, stage: &str) -> Option<&T> {
        self.0.iter().find_map(|(name, value)| (name == stage).then_some(value))
    }

    /// The stages' names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl<T> FromIterator<(String, T)> for ByStage<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(stages: I) -> Self {
        Self(stages.into_iter().collect())
    }
}

impl<T: Serialize> Serialize for ByStage<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ByStage<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrder<T> {
            type Value = ByStage<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object with a field for each stage")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
                let mut stages = Vec::new();
                while let Some(field) = fields.next_entry()? {
                    stages.push(field);
                }
                Ok(ByStage(stages))
            }
        }

        deserializer.deserialize_map(InOrder(PhantomData))
    }
}
