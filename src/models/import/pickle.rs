//! Reads the pickle of a PyTorch checkpoint as a list of tensors, without running anything.
//!
//! A pickle is a program for a stack machine that may call any function by name. This reader knows the instructions that
//! `torch.save` writes for a state dict, and the few names that occur there; every other instruction or name is refused. Nothing is
//! ever called: a call of a known name only makes a value of this module. Lists, numbers and the objects of pyannote's settings are
//! [`Value::Inert`]: they can be stored and dropped, and that is all.
//!
//! Source: CPython, `Lib/pickletools.py` (protocol 2); PyTorch, `torch/serialization.py` and `torch/_utils.py`.

use std::collections::BTreeMap;

use super::error::printable;
use super::pickle_values::{Machine, Value, underflow};
use super::state_dict::{Global, Storage, TensorPlace, odd_storage, odd_tensor};

/// The longest pickle that is read, in bytes; the known ones have 7 and 133 kB.
pub(super) const LONGEST: u64 = 4 << 20;
const LONGEST_TEXT: usize = 512;

/// The tensors of the state dict by name; the reason in a few words if the pickle is not one.
pub(super) fn tensors(pickle: &[u8]) -> Result<BTreeMap<String, TensorPlace>, String> {
    let mut machine = Machine::reading(pickle);
    let top = machine.run()?;
    machine.state_dict(top)
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Result<Value, String> {
        loop {
            let [instruction] = self.bytes()?;
            match instruction {
                0x80 => {
                    let [protocol] = self.bytes()?;
                    if protocol != 2 {
                        return Err(format!("its pickle has the protocol {protocol}, and only 2 is read"));
                    }
                }
                b'.' => {
                    return self.stack.pop().filter(|_| self.stack.is_empty()).ok_or_else(|| "its pickle ends oddly".to_owned());
                }
                b'(' => self.push(Value::Mark)?,
                // Nothing, a truth value, a fraction, an empty list.
                b'N' | 0x88 | 0x89 | b']' => self.push(Value::Inert)?,
                b'G' => {
                    let _fraction: [u8; 8] = self.bytes()?;
                    self.push(Value::Inert)?;
                }
                b'K' => {
                    let [number] = self.bytes()?;
                    self.push(Value::Whole(i64::from(number)))?;
                }
                b'M' => {
                    let number = u16::from_le_bytes(self.bytes()?);
                    self.push(Value::Whole(i64::from(number)))?;
                }
                b'J' => {
                    let number = i32::from_le_bytes(self.bytes()?);
                    self.push(Value::Whole(i64::from(number)))?;
                }
                b'X' => self.text()?,
                b'c' => self.global()?,
                b'}' => self.push_dict()?,
                b')' => self.push_tuple(Vec::new())?,
                0x85..=0x87 => {
                    let count = usize::from(instruction - 0x84);
                    let items = self.pop_many(count)?;
                    self.push_tuple(items)?;
                }
                b't' => {
                    let items = self.pop_to_mark()?;
                    self.push_tuple(items)?;
                }
                b'q' | b'r' => {
                    let place = self.memo_place(instruction == b'q')?;
                    let value = *self.stack.last().ok_or_else(underflow)?;
                    self.count()?;
                    self.memo.insert(place, value);
                }
                b'h' | b'j' => {
                    let place = self.memo_place(instruction == b'h')?;
                    let value = *self.memo.get(&place).ok_or_else(|| "its pickle refers to nothing".to_owned())?;
                    self.push(value)?;
                }
                b'R' | 0x81 => self.call()?,
                b'Q' => self.storage()?,
                b's' => {
                    let items = self.pop_many(2)?;
                    self.set_items(&items)?;
                }
                b'u' => {
                    let items = self.pop_to_mark()?;
                    self.set_items(&items)?;
                }
                b'e' => {
                    self.pop_to_mark()?;
                    self.expect_inert()?;
                }
                b'a' => {
                    self.pop()?;
                    self.expect_inert()?;
                }
                b'b' => {
                    // The state of a dictionary is its metadata.
                    self.pop()?;
                    if !matches!(self.stack.last(), Some(Value::Dict(_) | Value::Inert)) {
                        return Err("its pickle sets the state of something that has none".to_owned());
                    }
                }
                other => return Err(format!("its pickle has the instruction 0x{other:02x}, which is not followed")),
            }
        }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn memo_place(&mut self, is_short: bool) -> Result<u32, String> {
        if is_short { self.bytes::<1>().map(|[place]| u32::from(place)) } else { self.bytes().map(u32::from_le_bytes) }
    }

    fn text(&mut self) -> Result<(), String> {
        let length = u32::from_le_bytes(self.bytes()?) as usize;
        let (text, rest) = self.rest.split_at_checked(length).ok_or_else(cut_off)?;
        self.rest = rest;
        let text = std::str::from_utf8(text).map_err(|_| "its pickle has a text that is not UTF-8".to_owned())?;
        if text.len() > LONGEST_TEXT {
            return Err(format!("its pickle has a text of {} bytes", text.len()));
        }
        let index = *self.known_texts.entry(text).or_insert_with(|| {
            self.texts.push(text);
            self.texts.len() - 1
        });
        self.push(Value::Text(index))
    }

    /// A name: two lines, of which the first is the module.
    fn global(&mut self) -> Result<(), String> {
        let mut line = || -> Result<&'a str, String> {
            let end = self.rest.iter().take(LONGEST_TEXT).position(|byte| *byte == b'\n').ok_or_else(cut_off)?;
            let (line, rest) = self.rest.split_at(end);
            self.rest = &rest[1..];
            std::str::from_utf8(line).map_err(|_| "its pickle has a name that is not UTF-8".to_owned())
        };
        let name = format!("{} {}", line()?, line()?);
        self.push(Value::Global(Global::named(&name)?))
    }

    /// What would be a call in Python. Only values of this module come of it.
    fn call(&mut self) -> Result<(), String> {
        let arguments = self.pop()?;
        let callee = self.pop()?;
        let odd = || "its pickle calls something that is not part of a state dict".to_owned();
        let (Value::Global(callee), Value::Tuple(arguments)) = (callee, arguments) else { return Err(odd()) };
        match callee {
            Global::Inert => self.push(Value::Inert),
            Global::OrderedDict if self.tuples[arguments].is_empty() => self.push_dict(),
            Global::RebuildTensor => self.tensor(arguments),
            Global::OrderedDict | Global::Storage(_) => Err(odd()),
        }
    }

    fn tensor(&mut self, arguments: usize) -> Result<(), String> {
        let [Value::Storage(storage), Value::Whole(offset), Value::Tuple(shape), Value::Tuple(strides), ..] =
            self.tuples[arguments][..]
        else {
            return Err(odd_tensor());
        };
        let sizes = |tuple: usize| -> Option<Vec<i64>> {
            self.tuples[tuple].iter().map(|value| if let Value::Whole(size) = value { Some(*size) } else { None }).collect()
        };
        let (shape, strides) = sizes(shape).zip(sizes(strides)).ok_or_else(odd_tensor)?;
        self.tensors.push(self.storages[storage].tensor(offset, &shape, &strides)?);
        self.push(Value::Tensor(self.tensors.len() - 1))
    }

    /// A file of numbers: ("storage", type, name of the file, device, count of numbers).
    fn storage(&mut self) -> Result<(), String> {
        let Value::Tuple(tuple) = self.pop()? else { return Err(odd_storage()) };
        let [Value::Text(kind), Value::Global(Global::Storage(number)), Value::Text(name), Value::Text(_), Value::Whole(count)] =
            self.tuples[tuple][..]
        else {
            return Err(odd_storage());
        };
        if self.texts[kind] != "storage" {
            return Err(odd_storage());
        }
        self.storages.push(Storage::new(number, self.texts[name], count)?);
        self.push(Value::Storage(self.storages.len() - 1))
    }

    fn set_items(&mut self, items: &[Value]) -> Result<(), String> {
        let odd = || "its pickle has a dictionary with odd keys".to_owned();
        let Some(Value::Dict(dict)) = self.stack.last() else { return Err(odd()) };
        for pair in items.chunks(2) {
            let [Value::Text(key), value] = *pair else { return Err(odd()) };
            if self.dicts[*dict].insert(key, value).is_some() {
                return Err(format!("its pickle has {} twice", printable(self.texts[key])));
            }
        }
        Ok(())
    }

    /// The tensors of the dictionary, or of the one in it that is named `state_dict`.
    fn state_dict(&self, top: Value) -> Result<BTreeMap<String, TensorPlace>, String> {
        let none = || "its pickle is not a state dict".to_owned();
        let Value::Dict(mut dict) = top else { return Err(none()) };
        let inner = self.known_texts.get("state_dict").and_then(|key| self.dicts[dict].get(key));
        if let Some(Value::Dict(inner)) = inner {
            dict = *inner;
        }
        let tensor = |(key, value): (&usize, &Value)| match value {
            Value::Tensor(tensor) => Ok((self.texts[*key].to_owned(), self.tensors[*tensor].clone())),
            Value::Mark
            | Value::Whole(_)
            | Value::Text(_)
            | Value::Tuple(_)
            | Value::Dict(_)
            | Value::Global(_)
            | Value::Storage(_)
            | Value::Inert => Err(none()),
        };
        self.dicts[dict].iter().map(tensor).collect()
    }

    fn expect_inert(&self) -> Result<(), String> {
        if matches!(self.stack.last(), Some(Value::Inert)) {
            Ok(())
        } else {
            Err("its pickle adds to something that is no list".to_owned())
        }
    }
}

fn cut_off() -> String {
    "its pickle ends early".to_owned()
}
