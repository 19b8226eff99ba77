//! Layers of a graph whose weights come from a checkpoint.
//!
//! A batch normalization that follows a convolution is folded into it, in double precision.

use std::io::{Read, Seek};

use super::checkpoint::{Checkpoint, refused};
use super::error::ImportError;
use super::onnx::{Attribute, Graph};

/// Added to variances, as in PyTorch.
const EPSILON: f64 = 1e-5;

/// A graph under construction, and where its weights are.
pub(super) struct Layers<'a, R> {
    pub(super) graph: Graph,
    pub(super) weights: &'a mut Checkpoint<R>,
}

/// The name of a batch normalization.
#[derive(Clone, Copy)]
pub(super) enum Normalization<'a> {
    /// With a learned factor and addend for each channel.
    Affine(&'a str),
    /// Without a learned factor and addend.
    Plain(&'a str),
}

impl<R: Read + Seek> Layers<'_, R> {
    pub(super) fn relu(&mut self, from: &str, to: &str) {
        self.graph.node("Relu", &[from], &[to], &[]);
    }

    /// A tensor as it is.
    pub(super) fn constant(&mut self, name: &str, shape: &[usize]) -> Result<(), ImportError> {
        let values = self.weights.floats(name, shape)?;
        self.graph.floats(name, shape, values);
        Ok(())
    }

    /// A convolution without a bias.
    pub(super) fn convolution(
        &mut self,
        name: &str,
        [from, to]: [&str; 2],
        shape: &[usize],
        attributes: &[Attribute<'_>],
    ) -> Result<(), ImportError> {
        let weight = format!("{name}.weight");
        self.constant(&weight, shape)?;
        self.graph.convolution(&[from, &weight], to, &shape[2..], attributes);
        Ok(())
    }

    /// A convolution of single frames with a bias.
    pub(super) fn linear(&mut self, name: &str, [from, to]: [&str; 2], shape: &[usize; 3]) -> Result<(), ImportError> {
        let [weight, bias] = ["weight", "bias"].map(|part| format!("{name}.{part}"));
        self.constant(&weight, shape)?;
        self.constant(&bias, &shape[..1])?;
        self.graph.convolution(&[from, &weight, &bias], to, &shape[2..], &[]);
        Ok(())
    }

    /// A batch normalization that follows no convolution.
    pub(super) fn normalization(&mut self, name: &str, [from, to]: [&str; 2], channels: usize) -> Result<(), ImportError> {
        let parts = ["weight", "bias", "running_mean", "running_var"].map(|part| format!("{name}.{part}"));
        for part in &parts {
            self.constant(part, &[channels])?;
        }
        let [weight, bias, mean, variance] = &parts;
        let epsilon = [Attribute::Fraction("epsilon", EPSILON as f32)];
        self.graph.node("BatchNormalization", &[from, weight, bias, mean, variance], &[to], &epsilon);
        Ok(())
    }

    /// A convolution without a bias, and the batch normalization after it.
    pub(super) fn folded(
        &mut self,
        (convolution, normalization): (&str, Normalization<'_>),
        [from, to]: [&str; 2],
        shape: &[usize],
        attributes: &[Attribute<'_>],
    ) -> Result<(), ImportError> {
        let scale = self.scale(normalization, shape[0])?;
        let [weight, bias] = ["weight", "bias"].map(|part| format!("{convolution}.{part}"));
        let values = self.weights.floats(&weight, shape)?;
        let of_channel = shape[1..].iter().product();
        let scaled = values
            .chunks(of_channel)
            .zip(&scale)
            .flat_map(|(values, (factor, _))| values.iter().map(move |value| (f64::from(*value) * factor) as f32));
        self.graph.floats(&weight, shape, scaled);
        self.graph.floats(&bias, &shape[..1], scale.iter().map(|(_, addend)| *addend as f32));
        self.graph.convolution(&[from, &weight, &bias], to, &shape[2..], attributes);
        Ok(())
    }

    /// The factor and the addend of each channel that make up a batch normalization.
    fn scale(&mut self, normalization: Normalization<'_>, channels: usize) -> Result<Vec<(f64, f64)>, ImportError> {
        let mut read = |name: &str, part: &str| self.weights.floats(&format!("{name}.{part}"), &[channels]);
        let (name, weight, bias) = match normalization {
            Normalization::Affine(name) => (name, read(name, "weight")?, read(name, "bias")?),
            Normalization::Plain(name) => (name, vec![1.0; channels], vec![0.0; channels]),
        };
        let (mean, variance) = (read(name, "running_mean")?, read(name, "running_var")?);
        if variance.iter().any(|variance| *variance < 0.0) {
            return Err(refused(format!("{name} has a negative variance")));
        }
        let channel = |index: usize| {
            let factor = f64::from(weight[index]) / (f64::from(variance[index]) + EPSILON).sqrt();
            (factor, f64::from(bias[index]) - f64::from(mean[index]) * factor)
        };
        Ok((0..channels).map(channel).collect())
    }
}
