//! Checks that a file is a well-formed ONNX model of bounded structure, before the runtime's reader sees it.
//!
//! The reader trusts lengths (one that wraps around makes it seek backwards and read for ever), nests as deep as the file does,
//! and makes some hundred bytes of memory from two of the file. So the file is walked here first, without keeping anything:
//! every length stays inside its message, and depth, messages, fields and numbers are counted. Graphs within graphs are
//! refused, since only control flow has them. The meaning of the fields is left to the runtime and to [`super::permitted`].
//!
//! Sources: the Protocol Buffers encoding guide (wire types) and onnx.proto3 (which fields are messages).

/// Maximum nesting of messages; the deepest of a graph without subgraphs is 7, types of sequences may nest.
const MAX_DEPTH: usize = 16;
/// Messages of a model: nodes, attributes, constants, values, dimensions. The reader needs up to 500 bytes for one.
const MAX_MESSAGES: u32 = 200_000;
/// Fields of all messages.
const MAX_FIELDS: u32 = 2_000_000;
/// Numbers in constants that are written as variable-length integers, of which each byte may become eight in memory.
const MAX_NUMBERS: usize = 4_000_000;

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
            (Self::Model, 7) => Some(Self::Graph),
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

/// Why a file is refused, in a few words.
pub(super) type Refusal = &'static str;

const DAMAGED: Refusal = "the file is damaged or of another kind";

/// Checks the structure of a model: it has a version and one graph, every length fits, and nothing is too deep or too many.
///
/// # Errors
/// The reason why it is refused.
pub(super) fn check(bytes: &[u8]) -> Result<(), Refusal> {
    let mut walk = Walk::default();
    walk.message(Message::Model, bytes, 0)?;
    if walk.has_version && walk.graphs == 1 { Ok(()) } else { Err(DAMAGED) }
}

/// What was counted so far.
#[derive(Default)]
struct Walk {
    messages: u32,
    fields: u32,
    numbers: usize,
    graphs: u32,
    has_version: bool,
}

impl Walk {
    fn message(&mut self, message: Message, mut bytes: &[u8], depth: usize) -> Result<(), Refusal> {
        self.messages += 1;
        if depth > MAX_DEPTH || self.messages > MAX_MESSAGES {
            return Err("it is nested too deeply, or has too many parts");
        }
        while !bytes.is_empty() {
            self.fields += 1;
            if self.fields > MAX_FIELDS {
                return Err("it has too many parts");
            }
            let key = varint(&mut bytes).ok_or(DAMAGED)?;
            let field = key >> 3;
            match key & 7 {
                0 => {
                    varint(&mut bytes).ok_or(DAMAGED)?;
                }
                1 => bytes = bytes.get(8..).ok_or(DAMAGED)?,
                5 => bytes = bytes.get(4..).ok_or(DAMAGED)?,
                2 => {
                    let length = varint(&mut bytes).and_then(|length| usize::try_from(length).ok()).ok_or(DAMAGED)?;
                    let (inside, rest) = bytes.split_at_checked(length).ok_or(DAMAGED)?;
                    self.inside(message, field, inside, depth)?;
                    bytes = rest;
                }
                // Groups, which no version of the format has.
                _ => return Err(DAMAGED),
            }
            if matches!(message, Message::Model) {
                self.has_version |= field == 1;
                self.graphs += u32::from(field == 7);
            }
        }
        Ok(())
    }

    /// What a field with a length holds.
    fn inside(&mut self, message: Message, field: u64, inside: &[u8], depth: usize) -> Result<(), Refusal> {
        match (message, field) {
            (Message::Attribute, 6 | 11) => return Err("it has control flow (graphs within its graph)"),
            (Message::Tensor, 5 | 7) => {
                self.numbers += inside.iter().filter(|byte| **byte & 0x80 == 0).count();
                if self.numbers > MAX_NUMBERS {
                    return Err("it has too many numbers that are not stored as raw data");
                }
            }
            _ => {}
        }
        match message.inner(field) {
            Some(inner) => self.message(inner, inside, depth + 1),
            None => Ok(()),
        }
    }
}

/// The model without what its graph declares about the values within it: the runtime would believe wrong declarations, and
/// finds out right ones by itself. Only for bytes that [`check`] accepted; none if there is nothing to leave out.
pub(super) fn without_declared_values(bytes: &[u8]) -> Option<Vec<u8>> {
    const GRAPH: u64 = 7;
    const VALUE_INFO: u64 = 13;
    let (_, graph) = fields(bytes).find(|(key, _)| key >> 3 == GRAPH)?;
    if !fields(graph.1).any(|(key, _)| key >> 3 == VALUE_INFO) {
        return None;
    }
    let kept: Vec<&[u8]> = fields(graph.1).filter(|(key, _)| key >> 3 != VALUE_INFO).map(|(_, (whole, _))| whole).collect();
    let mut model = Vec::with_capacity(bytes.len());
    for (key, (whole, _)) in fields(bytes) {
        if key >> 3 == GRAPH {
            put_varint(&mut model, key);
            put_varint(&mut model, kept.iter().map(|field| field.len() as u64).sum());
            model.extend(kept.concat());
        } else {
            model.extend_from_slice(whole);
        }
    }
    Some(model)
}

/// The fields of a message: the key, and the bytes of the whole field and of what it holds.
fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u64, (&[u8], &[u8]))> {
    std::iter::from_fn(move || {
        let from = bytes;
        let key = varint(&mut bytes)?;
        let before = bytes;
        let inside = match key & 7 {
            0 => {
                varint(&mut bytes)?;
                before
            }
            1 => bytes.split_off(..8)?,
            5 => bytes.split_off(..4)?,
            _ => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                bytes.split_off(..length)?
            }
        };
        Some((key, (&from[..from.len() - bytes.len()], inside)))
    })
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
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

    fn in_message(field: u8, inside: &[u8]) -> Vec<u8> {
        let mut bytes = vec![field << 3 | 2];
        put_varint(&mut bytes, inside.len() as u64);
        bytes.extend_from_slice(inside);
        bytes
    }

    fn model(graph: &[u8]) -> Vec<u8> {
        [&[0x08, 0x08], &in_message(7, graph)[..]].concat()
    }

    #[test]
    fn a_model_is_well_formed_and_a_cut_one_is_not() {
        assert_eq!(check(MODEL), Ok(()));
        for bytes in [&MODEL[..MODEL.len() - 1], b"", b"RIFF....WAVEfmt ", &[0xff; 4096], &model(b"")[2..]] {
            assert_eq!(check(bytes), Err(DAMAGED));
        }
        assert_eq!(check(&[&model(b"")[..], &model(b"")[2..]].concat()), Err(DAMAGED));
    }

    #[test]
    fn a_length_that_wraps_around_is_found_at_any_depth() {
        let lie = [0x0a, 0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(check(&model(&in_message(1, b""))), Ok(()));
        assert_eq!(check(&model(&in_message(1, &lie))), Err(DAMAGED));
        assert_eq!(check(&model(&in_message(1, &in_message(5, &in_message(5, &lie))))), Err(DAMAGED));
        assert_eq!(check(&model(&in_message(11, &in_message(2, &in_message(1, &lie))))), Err(DAMAGED));
        // A group.
        assert_eq!(check(&model(&[0x0b, 0x0c])), Err(DAMAGED));
    }

    #[test]
    fn nesting_parts_and_numbers_are_bounded() {
        let types = |levels: usize| (0..levels).fold(Vec::new(), |inner, _| in_message(4, &in_message(1, &inner)));
        assert_eq!(check(&model(&in_message(11, &in_message(2, &types(5))))), Ok(()));
        assert!(check(&model(&in_message(11, &in_message(2, &types(2000))))).is_err());
        assert!(check(&model(&[0x0a, 0x00].repeat(300_000))).is_err());
        assert!(check(&model(&in_message(5, &in_message(7, &vec![1; MAX_NUMBERS + 1])))).is_err());
        assert!(check(&model(&in_message(1, &in_message(5, &in_message(6, b""))))).is_err());
        // Unknown fields count as well.
        assert!(check(&model(&[0xa0, 0x01, 0x00].repeat(MAX_FIELDS as usize + 1))).is_err());
    }

    #[test]
    fn declared_values_are_left_out_and_nothing_else() {
        assert_eq!(without_declared_values(MODEL), None);
        let (node, declared) = (in_message(1, b"\x0a\x01a"), in_message(13, b"\x0a\x01b"));
        let with = model(&[&declared[..], &node, &declared, &node].concat());
        assert_eq!(without_declared_values(&with), Some(model(&[&node[..], &node].concat())));
    }
}
