//! Checks that a file is a well-formed ONNX model: every length in it stays inside its message.
//!
//! The runtime's reader trusts lengths; one that wraps around makes it seek backwards and read forever, which no caller
//! could stop. So the nesting is checked here first. The meaning of the fields is left to the runtime.
//!
//! Sources: the Protocol Buffers encoding guide (wire types) and onnx.proto3 (which fields are messages).

/// Maximum nesting of messages (graphs nest in attributes of nodes); far above any supported model.
const MAX_DEPTH: usize = 24;

/// The message types of a model that contain other messages.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    SequenceType,
    Shape,
    /// Contains only numbers and strings.
    Flat,
}

impl Message {
    /// The message type of a field; `None` if the field is a number, a string or bytes.
    const fn inner(self, field: u64) -> Option<Self> {
        match (self, field) {
            (Self::Model, 7) | (Self::Attribute, 6 | 11) => Some(Self::Graph),
            (Self::Graph, 1) => Some(Self::Node),
            (Self::Node, 5) => Some(Self::Attribute),
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) => Some(Self::Tensor),
            (Self::Graph, 11..=13) => Some(Self::ValueInfo),
            (Self::ValueInfo, 2) | (Self::SequenceType, 1) | (Self::Attribute, 14 | 15) => Some(Self::Type),
            (Self::Type, 1) => Some(Self::TensorType),
            (Self::Type, 4) => Some(Self::SequenceType),
            (Self::TensorType, 2) => Some(Self::Shape),
            (Self::Shape, 1) | (Self::Model, 8 | 14) | (Self::Tensor, 3 | 13) | (Self::Graph, 14 | 16) => Some(Self::Flat),
            _ => None,
        }
    }
}

/// True if the bytes are a model with a version and a graph, and every length fits.
pub(super) fn is_model(bytes: &[u8]) -> bool {
    let mut fields = 0_u64;
    let whole = walk(Message::Model, bytes, 0, &mut |field| fields |= 1 << field.min(63));
    // Field 1 is the version of the format, field 7 the graph.
    whole.is_some() && fields & (1 << 1) != 0 && fields & (1 << 7) != 0
}

fn walk(message: Message, mut bytes: &[u8], depth: usize, seen: &mut dyn FnMut(u64)) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let field = key >> 3;
        seen(field);
        match key & 7 {
            0 => {
                varint(&mut bytes)?;
            }
            1 => bytes = bytes.get(8..)?,
            5 => bytes = bytes.get(4..)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (inside, rest) = bytes.split_at_checked(length)?;
                if let Some(inner) = message.inner(field) {
                    walk(inner, inside, depth + 1, &mut |_| {})?;
                }
                bytes = rest;
            }
            _ => return None,
        }
    }
    Some(())
}

/// Reads a base-128 varint; `None` if it does not end within ten bytes.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for place in 0..10 {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f).checked_shl(7 * place)?;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &[u8] = include_bytes!("../../assets/voiceprint-stats-lda48.onnx");

    #[test]
    fn a_model_is_well_formed_and_a_cut_one_is_not() {
        assert!(is_model(MODEL));
        assert!(!is_model(&MODEL[..MODEL.len() - 1]));
        assert!(!is_model(b""));
        assert!(!is_model(b"RIFF....WAVEfmt "));
        assert!(!is_model(&[0xff; 4096]));
    }

    #[test]
    fn a_length_that_wraps_around_is_found_at_any_depth() {
        let lie = [0x0a, 0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        let in_message = |field: u8, inside: &[u8]| [&[field << 3 | 2, inside.len() as u8], inside].concat();
        let model = |graph: &[u8]| [&[0x08, 0x08], &in_message(7, graph)[..]].concat();
        assert!(is_model(&model(&in_message(1, b""))));
        assert!(!is_model(&model(&in_message(1, &lie))));
        assert!(!is_model(&model(&in_message(1, &in_message(5, &in_message(5, &lie))))));
        assert!(!is_model(&model(&in_message(11, &in_message(2, &in_message(1, &lie))))));
    }
}
