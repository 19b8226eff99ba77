//! The sizes and the work of the layers of networks: products of matrices, convolutions, pools and recurrent layers.

use super::step::{Call, Outcome};
use super::value::{Known, broadcast, product, signed, size};

fn saturating(factors: impl IntoIterator<Item = u64>) -> u64 {
    factors.into_iter().fold(1, u64::saturating_mul)
}

pub(super) fn matmul(call: &Call<'_>) -> Result<Outcome, String> {
    let (one, other) = (call.input(0)?, call.input(1)?);
    let [rows_of, columns_of] = [one, other].map(Known::rank);
    if rows_of == 0 || columns_of == 0 {
        return Err("a factor of it is a single number".to_owned());
    }
    // A vector counts as a matrix of one row or column, which the result lacks.
    let left = if rows_of == 1 { [&[1], &one.shape[..]].concat() } else { one.shape.clone() };
    let right = if columns_of == 1 { [&other.shape[..], &[1]].concat() } else { other.shape.clone() };
    let (rows, inner) = (left[left.len() - 2], left[left.len() - 1]);
    let (inner_too, columns) = (right[right.len() - 2], right[right.len() - 1]);
    if inner != inner_too {
        return Err(format!("{:?} and {:?} cannot be multiplied", one.shape, other.shape));
    }
    let mut shape = broadcast(&left[..left.len() - 2], &right[..right.len() - 2])?;
    let work = saturating([product(&shape), rows as u64, inner as u64, columns as u64]);
    if rows_of > 1 {
        shape.push(rows);
    }
    if columns_of > 1 {
        shape.push(columns);
    }
    Ok(Outcome { work, ..Outcome::from(Known::of(shape)?) })
}

pub(super) fn gemm(call: &Call<'_>) -> Result<Outcome, String> {
    let matrix = |index: usize, turned: &str| match call.input(index)?.shape[..] {
        [rows, columns] if call.number(turned, 0) == 0 => Ok((rows, columns)),
        [rows, columns] => Ok((columns, rows)),
        _ => Err("a factor of it is no matrix".to_owned()),
    };
    let ((rows, inner), (inner_too, columns)) = (matrix(0, "transA")?, matrix(1, "transB")?);
    if inner != inner_too {
        return Err("its matrices cannot be multiplied".to_owned());
    }
    Ok(Outcome { work: saturating([rows as u64, inner as u64, columns as u64]), ..Known::of(vec![rows, columns])?.into() })
}

/// A convolution's or pool's window along one axis.
struct Window {
    kernel: usize,
    stride: i64,
    dilation: i64,
    pads: (i64, i64),
}

/// The windows along all axes behind batch and channels.
fn windows(call: &Call<'_>, kernel: &[usize]) -> Result<Vec<Window>, String> {
    let axes = kernel.len();
    let each = |name: &str, default: i64, count: usize| match call.list(name) {
        Some(list) if list.len() == count => Ok(list.to_vec()),
        Some(_) => Err(format!("its {name} are not {count}")),
        None => Ok(vec![default; count]),
    };
    let (strides, dilations) = (each("strides", 1, axes)?, each("dilations", 1, axes)?);
    let pads = match call.text("auto_pad") {
        Some("VALID") => vec![0; 2 * axes],
        _ => each("pads", 0, 2 * axes)?,
    };
    if strides.iter().chain(&dilations).any(|number| *number < 1) || pads.iter().any(|number| *number < 0) {
        return Err("its strides, dilations or pads are impossible".to_owned());
    }
    let window = |axis: usize| Window {
        kernel: kernel[axis],
        stride: strides[axis],
        dilation: dilations[axis],
        pads: (pads[axis], pads[axis + axes]),
    };
    Ok((0..axes).map(window).collect())
}

/// The number of places of a window along an axis.
fn places(call: &Call<'_>, length: usize, window: &Window) -> Result<usize, String> {
    if matches!(call.text("auto_pad"), Some("SAME_UPPER" | "SAME_LOWER")) {
        return Ok(length.div_ceil(size(window.stride)?));
    }
    let length = signed(length);
    let kernel = i64::try_from(window.kernel).map_err(|_| "its kernel is too large")?;
    let reach = window.dilation.saturating_mul(kernel - 1).saturating_add(1);
    let padded = length.saturating_add(window.pads.0).saturating_add(window.pads.1);
    let free = padded.saturating_sub(reach);
    let rounds_up = call.number("ceil_mode", 0) != 0;
    // A window that is rounded up may hang over the end, also the first one.
    let hangs_over = rounds_up && free > -window.stride;
    if kernel < 1 || (free < 0 && !hangs_over) {
        return Err(format!("its kernel of {kernel} is larger than its input"));
    }
    let mut places = if free < 0 { 0 } else { free / window.stride + 1 };
    if rounds_up && free % window.stride != 0 && places.saturating_mul(window.stride) < length + window.pads.0 {
        places += 1;
    }
    size(places)
}

pub(super) fn convolution(call: &Call<'_>) -> Result<Outcome, String> {
    let (input, weights) = (call.input(0)?, call.input(1)?);
    if input.rank() < 3 || weights.rank() != input.rank() {
        return Err("its input and its weights do not fit together".to_owned());
    }
    let mut shape = vec![input.shape[0], weights.shape[0]];
    for (axis, window) in windows(call, &weights.shape[2..])?.iter().enumerate() {
        shape.push(places(call, input.shape[axis + 2], window)?);
    }
    let output = Known::of(shape)?;
    let work = output.elements().saturating_mul(product(&weights.shape[1..]));
    Ok(Outcome { work, ..output.into() })
}

pub(super) fn pool(call: &Call<'_>) -> Result<Outcome, String> {
    let input = call.input(0)?;
    let kernel = call.list("kernel_shape").ok_or("it lacks its kernel")?;
    let kernel = kernel.iter().map(|number| size(*number)).collect::<Result<Vec<_>, _>>()?;
    if input.rank() != kernel.len() + 2 {
        return Err("its kernel does not fit its input".to_owned());
    }
    let mut shape = input.shape[..2].to_vec();
    for (axis, window) in windows(call, &kernel)?.iter().enumerate() {
        shape.push(places(call, input.shape[axis + 2], window)?);
    }
    let output = Known::of(shape)?;
    Ok(Outcome { work: output.elements().saturating_mul(product(&kernel)), ..output.into() })
}

pub(super) fn global_pool(call: &Call<'_>) -> Result<Outcome, String> {
    let input = call.input(0)?;
    let shape = input.shape.iter().enumerate().map(|(axis, size)| if axis < 2 { *size } else { 1 });
    Ok(Outcome { work: input.elements(), ..Known::of(shape.collect())?.into() })
}

pub(super) fn lstm(call: &Call<'_>) -> Result<Outcome, String> {
    let (all, last) = recurrent(call, 4)?;
    Ok(Outcome { outputs: [&all.outputs[..], &[last.clone(), last]].concat(), ..all })
}

pub(super) fn gru(call: &Call<'_>) -> Result<Outcome, String> {
    let (all, last) = recurrent(call, 3)?;
    Ok(Outcome { outputs: [&all.outputs[..], &[last]].concat(), ..all })
}

/// The states at all steps, with the work, and the last state.
fn recurrent(call: &Call<'_>, gates: usize) -> Result<(Outcome, Known), String> {
    let (input, weights, states) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let ([steps, batch, width], [directions, rows, _], [_, _, hidden]) =
        (&input.shape[..], &weights.shape[..], &states.shape[..])
    else {
        return Err("its input or its weights have another number of axes than three".to_owned());
    };
    if call.number("layout", 0) != 0 || *rows != hidden.saturating_mul(gates) {
        return Err("its weights do not fit together".to_owned());
    }
    let all = Known::of(vec![*steps, *directions, *batch, *hidden])?;
    let work = saturating([all.elements(), gates as u64, (*width as u64).saturating_add(*hidden as u64)]);
    let scratch = all.elements().saturating_mul(gates as u64);
    let last = Known::of(vec![*directions, *batch, *hidden])?;
    Ok((Outcome { outputs: vec![all], work, scratch }, last))
}
