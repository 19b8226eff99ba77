//! The values that the pickle of a checkpoint makes, and the stack they are on.
//!
//! Values refer to each other by index into arenas, so that nothing here recurses, however deep the values nest. What an instruction
//! adds is counted, and the count is limited: so is the memory.

use std::collections::{BTreeMap, HashMap};

use super::state_dict::{Global, Storage, TensorPlace};

/// The most values on the stack and in the memo in all; CAM++ needs 27,000.
const MOST_VALUES: usize = 1 << 17;

/// A value on the stack. Indices refer to the arenas of [`Machine`].
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    Mark,
    Whole(i64),
    Text(usize),
    Tuple(usize),
    Dict(usize),
    Global(Global),
    Storage(usize),
    Tensor(usize),
    Inert,
}

/// What a pickle has made so far, and what of it is still to be read.
#[derive(Default)]
pub(super) struct Machine<'a> {
    pub(super) rest: &'a [u8],
    pub(super) stack: Vec<Value>,
    pub(super) memo: HashMap<u32, Value>,
    /// How many values have been pushed or remembered so far.
    made: usize,
    pub(super) texts: Vec<&'a str>,
    pub(super) tuples: Vec<Vec<Value>>,
    pub(super) dicts: Vec<BTreeMap<usize, Value>>,
    pub(super) storages: Vec<Storage>,
    pub(super) tensors: Vec<TensorPlace>,
    /// The index in `texts` of each distinct text.
    pub(super) known_texts: HashMap<&'a str, usize>,
}

impl<'a> Machine<'a> {
    pub(super) fn reading(pickle: &'a [u8]) -> Self {
        Self { rest: pickle, ..Self::default() }
    }

    pub(super) fn push_dict(&mut self) -> Result<(), String> {
        self.dicts.push(BTreeMap::new());
        self.push(Value::Dict(self.dicts.len() - 1))
    }

    pub(super) fn push_tuple(&mut self, items: Vec<Value>) -> Result<(), String> {
        self.tuples.push(items);
        self.push(Value::Tuple(self.tuples.len() - 1))
    }

    pub(super) fn push(&mut self, value: Value) -> Result<(), String> {
        self.count()?;
        self.stack.push(value);
        Ok(())
    }

    pub(super) fn count(&mut self) -> Result<(), String> {
        self.made += 1;
        if self.made > MOST_VALUES { Err(format!("its pickle makes more than {MOST_VALUES} values")) } else { Ok(()) }
    }

    /// The last value, which must not be a mark.
    pub(super) fn pop(&mut self) -> Result<Value, String> {
        self.stack.pop().filter(|value| !matches!(value, Value::Mark)).ok_or_else(underflow)
    }

    pub(super) fn pop_many(&mut self, count: usize) -> Result<Vec<Value>, String> {
        let start = self.stack.len().checked_sub(count).ok_or_else(underflow)?;
        let items = self.stack.split_off(start);
        if items.iter().any(|value| matches!(value, Value::Mark)) { Err(underflow()) } else { Ok(items) }
    }

    pub(super) fn pop_to_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.stack.iter().rposition(|value| matches!(value, Value::Mark)).ok_or_else(underflow)?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(items)
    }
}

pub(super) fn underflow() -> String {
    "its pickle takes more values than there are".to_owned()
}
