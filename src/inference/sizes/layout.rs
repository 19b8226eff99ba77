//! The sizes of operations that rearrange, repeat or make values: most of what can be far larger than its inputs.

use super::step::{Call, Outcome};
use super::value::{Known, broadcast, product, resolved, signed, size};

pub(super) fn transpose(call: &Call<'_>) -> Result<Outcome, String> {
    let input = call.input(0)?;
    let reversed: Vec<i64> = (0..signed(input.rank())).rev().collect();
    let order = call.list("perm").unwrap_or(&reversed);
    if order.len() != input.rank() {
        return Err("its order has another number of axes than its input".to_owned());
    }
    let shape = order.iter().map(|axis| input.axis(*axis).map(|axis| input.shape[axis])).collect::<Result<Vec<_>, _>>()?;
    let output = Known::of(shape)?;
    // A repeated axis could make it larger.
    if output.elements() != input.elements() {
        return Err("its order repeats an axis".to_owned());
    }
    Ok(output.into())
}

/// A value with the same elements in another shape.
fn reshaped(input: &Known, shape: Vec<usize>) -> Result<Outcome, String> {
    let output = Known::of(shape)?;
    if output.elements() != input.elements() {
        return Err(format!("{:?} cannot be made {:?}", input.shape, output.shape));
    }
    Ok(output.with(input.numbers.clone()).into())
}

pub(super) fn reshape(call: &Call<'_>) -> Result<Outcome, String> {
    let input = call.input(0)?;
    let wanted = call.numbers(1)?;
    let keeps_zero = call.number("allowzero", 0) != 0;
    let mut shape = Vec::with_capacity(wanted.len());
    for (place, number) in wanted.iter().enumerate() {
        shape.push(match *number {
            -1 => 1,
            0 if !keeps_zero => *input.shape.get(place).ok_or("it copies a size that its input lacks")?,
            number => size(number)?,
        });
    }
    if let Some(free) = wanted.iter().position(|number| *number == -1) {
        let others = product(&shape);
        let left = input.elements().checked_div(others).unwrap_or(0);
        shape[free] = usize::try_from(left).map_err(|_| "a size of it is too large")?;
    }
    reshaped(input, shape)
}

pub(super) fn flatten(call: &Call<'_>) -> Result<Outcome, String> {
    let input = call.input(0)?;
    let axis = match call.number("axis", 1) {
        axis if axis == signed(input.rank()) => input.rank(),
        axis => input.axis(axis)?,
    };
    let (outer, inner) = (product(&input.shape[..axis]), product(&input.shape[axis..]));
    let number = |size: u64| usize::try_from(size).map_err(|_| "a size of it is too large".to_owned());
    reshaped(input, vec![number(outer)?, number(inner)?])
}

pub(super) fn squeeze(call: &Call<'_>) -> Result<Outcome, String> {
    let input = call.input(0)?;
    let axes = match call.list_or_input("axes", 1)? {
        Some(axes) => axes.iter().map(|axis| input.axis(*axis)).collect::<Result<Vec<_>, _>>()?,
        None => (0..input.rank()).filter(|axis| input.shape[*axis] == 1).collect(),
    };
    let kept = (0..input.rank()).filter(|axis| !axes.contains(axis)).map(|axis| input.shape[axis]);
    reshaped(input, kept.collect())
}

pub(super) fn unsqueeze(call: &Call<'_>) -> Result<Outcome, String> {
    let input = call.input(0)?;
    let axes = call.list_or_input("axes", 1)?.ok_or("it lacks its axes")?;
    let rank = input.rank() + axes.len();
    let axes = axes.iter().map(|axis| resolved(*axis, rank)).collect::<Result<Vec<_>, _>>()?;
    let mut sizes = input.shape.iter();
    let shape = (0..rank).map(|axis| if axes.contains(&axis) { 1 } else { sizes.next().copied().unwrap_or(1) });
    reshaped(input, shape.collect())
}

pub(super) fn concat(call: &Call<'_>) -> Result<Outcome, String> {
    let inputs: Vec<&Known> = (0..call.inputs.len()).map(|index| call.input(index)).collect::<Result<_, _>>()?;
    let first = *inputs.first().ok_or("it has no input")?;
    let axis = first.axis(call.number("axis", 0))?;
    let mut shape = first.shape.clone();
    for input in &inputs[1..] {
        let fits =
            input.rank() == shape.len() && (0..shape.len()).all(|place| place == axis || input.shape[place] == shape[place]);
        if !fits {
            return Err(format!("{:?} and {:?} cannot be joined", first.shape, input.shape));
        }
        shape[axis] = shape[axis].saturating_add(input.shape[axis]);
    }
    let output = Known::of(shape)?;
    let numbers = if output.rank() == 1 {
        inputs.iter().map(|input| input.numbers.clone()).collect::<Option<Vec<_>>>().map(|numbers| numbers.concat())
    } else {
        None
    };
    Ok(output.with(numbers).into())
}

pub(super) fn split(call: &Call<'_>) -> Result<Outcome, String> {
    let input = call.input(0)?;
    let axis = input.axis(call.number("axis", 0))?;
    let whole = input.shape[axis];
    let parts = call.step.outputs.len().max(1);
    let sizes: Vec<usize> = match call.list_or_input("split", 1)? {
        Some(sizes) => sizes.iter().map(|number| size(*number)).collect::<Result<_, _>>()?,
        None => {
            let each = whole.div_ceil(parts);
            (0..parts).map(|part| each.min(whole.saturating_sub(part * each))).collect()
        }
    };
    if sizes.iter().fold(0, |sum: usize, size| sum.saturating_add(*size)) != whole {
        return Err("its parts are not its input".to_owned());
    }
    let part = |size: usize| {
        let mut shape = input.shape.clone();
        shape[axis] = size;
        Known::of(shape)
    };
    Ok(Outcome::several(sizes.into_iter().map(part).collect::<Result<_, _>>()?))
}

pub(super) fn slice(call: &Call<'_>) -> Result<Outcome, String> {
    let input = call.input(0)?;
    let (starts, ends) = (
        call.list_or_input("starts", 1)?.ok_or("it lacks its starts")?,
        call.list_or_input("ends", 2)?.ok_or("it lacks its ends")?,
    );
    let all: Vec<i64> = (0..signed(starts.len())).collect();
    let axes = call.list_or_input("axes", 3)?.unwrap_or(&all);
    let ones = vec![1; starts.len()];
    let steps = if call.optional(4).is_some() { call.numbers(4)? } else { &ones };
    if ends.len() != starts.len() || axes.len() != starts.len() || steps.len() != starts.len() {
        return Err("its starts, ends, axes and steps are not equally many".to_owned());
    }
    let mut shape = input.shape.clone();
    let mut taken: Option<Vec<usize>> = None;
    for place in 0..starts.len() {
        let axis = input.axis(axes[place])?;
        let (length, step) = (signed(input.shape[axis]), steps[place]);
        // Where a slice may start and end: one before the first element when it runs backwards.
        let (lowest, highest) = if step > 0 { (0, length) } else { (-1, length - 1) };
        let within = |number: i64| {
            let number = if number < 0 { number.saturating_add(length) } else { number };
            number.clamp(lowest, highest)
        };
        let (start, end) = (within(starts[place]), within(ends[place]));
        let count = match step {
            0 => return Err("a step of it is 0".to_owned()),
            step if step > 0 => (end - start).max(0) as u64 / step.unsigned_abs() + u64::from((end - start).max(0) % step != 0),
            step => ((start - end).max(0) as u64).div_ceil(step.unsigned_abs()),
        };
        shape[axis] = usize::try_from(count).map_err(|_| "a size of it is too large")?;
        if input.rank() == 1 && step > 0 {
            taken = Some(
                (0..shape[axis])
                    .filter_map(|n| usize::try_from(start.saturating_add(signed(n).saturating_mul(step))).ok())
                    .collect(),
            );
        }
    }
    let numbers = match (&input.numbers, taken) {
        (Some(numbers), Some(taken)) => taken.into_iter().map(|place| numbers.get(place).copied()).collect(),
        _ => None,
    };
    Ok(Known::of(shape)?.with(numbers).into())
}

pub(super) fn gather(call: &Call<'_>) -> Result<Outcome, String> {
    let (input, indices) = (call.input(0)?, call.input(1)?);
    let axis = input.axis(call.number("axis", 0))?;
    let shape = [&input.shape[..axis], &indices.shape, &input.shape[axis + 1..]].concat();
    let numbers = match (&input.numbers, &indices.numbers) {
        (Some(numbers), Some(indices)) if input.rank() == 1 => indices
            .iter()
            .map(|index| resolved(*index, numbers.len()).ok().and_then(|index| numbers.get(index).copied()))
            .collect::<Option<Vec<_>>>(),
        _ => None,
    };
    Ok(Known::of(shape)?.with(numbers).into())
}

pub(super) fn expand(call: &Call<'_>) -> Result<Outcome, String> {
    let input = call.input(0)?;
    let target = call.numbers(1)?.iter().map(|number| size(*number)).collect::<Result<Vec<_>, _>>()?;
    Ok(Known::of(broadcast(&input.shape, &target)?)?.into())
}

pub(super) fn tile(call: &Call<'_>) -> Result<Outcome, String> {
    let input = call.input(0)?;
    let repeats = call.numbers(1)?;
    if repeats.len() != input.rank() {
        return Err("its repeats are not as many as its input's axes".to_owned());
    }
    let repeated = |(length, repeats): (&usize, &i64)| Ok::<_, String>(length.saturating_mul(size(*repeats)?));
    Ok(Known::of(input.shape.iter().zip(repeats).map(repeated).collect::<Result<_, _>>()?)?.into())
}

pub(super) fn pad(call: &Call<'_>) -> Result<Outcome, String> {
    let input = call.input(0)?;
    let pads = call.list_or_input("pads", 1)?.ok_or("it lacks its pads")?;
    let all: Vec<i64> = (0..signed(input.rank())).collect();
    let axes = if call.optional(3).is_some() { call.numbers(3)? } else { &all };
    if pads.len() != 2 * axes.len() {
        return Err("its pads are not two for each axis".to_owned());
    }
    let mut shape = input.shape.clone();
    for (place, axis) in axes.iter().enumerate() {
        let axis = input.axis(*axis)?;
        shape[axis] = size(signed(shape[axis]).saturating_add(pads[place]).saturating_add(pads[place + axes.len()]))?;
    }
    Ok(Known::of(shape)?.into())
}

pub(super) fn shape(call: &Call<'_>) -> Result<Outcome, String> {
    let input = call.input(0)?;
    let rank = signed(input.rank());
    let within = |number: i64| usize::try_from(if number < 0 { number + rank } else { number }.clamp(0, rank)).unwrap_or(0);
    let (start, end) = (within(call.number("start", 0)), within(call.number("end", rank)));
    let sizes = input.shape.get(start..end).unwrap_or_default();
    Ok(Known::list(sizes.iter().map(|size| signed(*size)).collect()).into())
}

pub(super) fn count(call: &Call<'_>) -> Result<Outcome, String> {
    let elements = i64::try_from(call.input(0)?.elements()).unwrap_or(i64::MAX);
    Ok(Known::of(Vec::new())?.with(Some(vec![elements])).into())
}

pub(super) fn constant_of_shape(call: &Call<'_>) -> Result<Outcome, String> {
    let shape = call.numbers(0)?.iter().map(|number| size(*number)).collect::<Result<Vec<_>, _>>()?;
    let output = Known::of(shape)?;
    let value = call.tensor("value").and_then(|value| value.numbers.as_ref()).and_then(|numbers| numbers.first().copied());
    let count = usize::try_from(output.elements()).unwrap_or(usize::MAX);
    let numbers = value.filter(|_| count <= 1024).map(|value| vec![value; count]);
    Ok(output.with(numbers).into())
}

pub(super) fn range(call: &Call<'_>) -> Result<Outcome, String> {
    let scalar = |index: usize| call.numbers(index)?.first().copied().ok_or_else(|| "it lacks a number".to_owned());
    let (start, limit, step) = (scalar(0)?, scalar(1)?, scalar(2)?);
    if step == 0 {
        return Err("its step is 0".to_owned());
    }
    let distance = if step > 0 { limit - start } else { start - limit }.max(0).unsigned_abs();
    let count = distance.div_ceil(step.unsigned_abs());
    let numbers = (count <= 1024).then(|| (0..count.cast_signed()).map(|place| start + place * step).collect());
    Ok(Known::of(vec![usize::try_from(count).map_err(|_| "it is too long")?])?.with(numbers).into())
}
