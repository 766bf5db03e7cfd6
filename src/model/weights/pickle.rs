//! The pickle in a PyTorch checkpoint, read as data: it names tensors and where they lie. Nothing of
//! what a pickle could ask to be run is run; what is not understood is kept as an unknown value.
//!
//! Values live in one list and refer to each other by number, so that neither deep nesting nor
//! shared parts can exhaust the stack or memory: every step adds at most a few numbers.

use std::rc::Rc;

use super::short;
use crate::model::bytes::{ByteReader, EndsEarly};

/// Number of a value.
type Id = usize;

/// More values than the largest published checkpoint has, by far.
const MAX_VALUES: usize = 1_000_000;

#[derive(Debug, Clone)]
enum Value {
    None,
    Number(i64),
    Text(Rc<str>),
    Tuple(Rc<[Id]>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A class or function: its module and name with a dot between.
    Global(Rc<str>),
    /// A call that is not made.
    Call {
        function: Id,
        arguments: Id,
    },
    /// Data beside the pickle.
    Persistent(Id),
    Unknown,
}

/// A tensor as the pickle describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PickledTensor {
    pub(super) name: Rc<str>,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
    /// Name of the storage's class, such as `FloatStorage`.
    pub(super) storage: Rc<str>,
    /// Name of the entry `data/KEY` that holds the storage.
    pub(super) key: Rc<str>,
    /// First element in the storage.
    pub(super) offset: usize,
}

/// What a checkpoint's pickle says.
#[derive(Debug)]
pub(super) struct Pickled {
    /// Under which of the usual keys the tensors were.
    pub(super) key: Option<&'static str>,
    pub(super) tensors: Vec<PickledTensor>,
}

/// Longer names of classes are none. What is named by two texts together could otherwise be as large
/// as both, again and again.
const MAX_CLASS_LEN: usize = 200;

/// Tensors of more dimensions are none.
const MAX_DIMS: usize = 8;

/// Where tensors are looked for, in this order, before the whole is taken for them.
const KEYS: [&str; 3] = ["model", "module", "state_dict"];

/// Reads the tensors that a pickle names.
///
/// # Errors
/// The reason why it cannot be read or holds none.
pub(super) fn read(bytes: &[u8]) -> Result<Pickled, String> {
    let mut machine = Machine::default();
    let root = machine.run(bytes)?;
    for key in KEYS {
        let tensors = machine.entry(root, key).map_or(Ok(Vec::new()), |id| machine.tensors(id))?;
        if !tensors.is_empty() {
            return Ok(Pickled { key: Some(key), tensors });
        }
    }
    let tensors = machine.tensors(root)?;
    if tensors.is_empty() {
        return Err("it names no tensors".to_owned());
    }
    Ok(Pickled { key: None, tensors })
}

#[derive(Default)]
struct Machine {
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: std::collections::HashMap<u32, Id>,
}

/// Why a pickle cannot be read on.
enum Stop {
    EndsEarly,
    Reason(String),
}

impl From<EndsEarly> for Stop {
    fn from(_: EndsEarly) -> Self {
        Self::EndsEarly
    }
}

impl Machine {
    fn run(&mut self, bytes: &[u8]) -> Result<Id, String> {
        let mut reader = ByteReader::new(bytes);
        loop {
            let n_held = self.stack.len().max(self.marks.len()).max(self.memo.len());
            if n_held > MAX_VALUES {
                return Err(format!("it holds more than {MAX_VALUES} values"));
            }
            match self.step(&mut reader) {
                Ok(None) => {}
                Ok(Some(root)) => return Ok(root),
                Err(Stop::EndsEarly) => return Err("its list of tensors is cut off".to_owned()),
                Err(Stop::Reason(reason)) => return Err(reason),
            }
        }
    }

    /// One instruction; the root value at the end.
    fn step(&mut self, reader: &mut ByteReader<'_>) -> Result<Option<Id>, Stop> {
        match reader.u8()? {
            b'.' => return self.pop().map(Some),
            0x80 => _ = reader.u8()?,    // PROTO
            0x95 => _ = reader.take(8)?, // FRAME
            b'(' => self.marks.push(self.stack.len()),
            b'0' => _ = self.pop()?,
            b'1' => _ = self.pop_to_mark()?,
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'N' => self.push(Value::None)?,
            0x88 => self.push(Value::Number(1))?,
            0x89 => self.push(Value::Number(0))?,
            b'K' => {
                let number = i64::from(reader.u8()?);
                self.push(Value::Number(number))?;
            }
            b'M' => {
                let number = i64::from(reader.u16()?);
                self.push(Value::Number(number))?;
            }
            b'J' => {
                let number = i64::from(reader.u32()?.cast_signed());
                self.push(Value::Number(number))?;
            }
            0x8a => self.long(reader)?,
            b'G' => {
                reader.take(8)?;
                self.push(Value::Unknown)?;
            }
            b'X' => {
                let len = reader.u32()? as usize;
                self.text(reader.take(len)?)?;
            }
            0x8c => {
                let len = reader.u8()?.into();
                self.text(reader.take(len)?)?;
            }
            0x8d => {
                let len = reader.length()?;
                self.text(reader.take(len)?)?;
            }
            // Bytes and texts of Python 2: of no use here.
            b'C' | b'U' => {
                let len = reader.u8()?.into();
                reader.take(len)?;
                self.push(Value::Unknown)?;
            }
            b'B' | b'T' => {
                let len = reader.u32()? as usize;
                reader.take(len)?;
                self.push(Value::Unknown)?;
            }
            b')' => self.push(Value::Tuple(Rc::from([])))?,
            0x85 => self.tuple(1)?,
            0x86 => self.tuple(2)?,
            0x87 => self.tuple(3)?,
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Tuple(items.into()))?;
            }
            b']' => self.push(Value::List(Vec::new()))?,
            0x8f => self.push(Value::Unknown)?, // EMPTY_SET
            b'}' => self.push(Value::Dict(Vec::new()))?,
            other => self.change(other, reader)?,
        }
        Ok(None)
    }

    /// Instructions that name, call, remember or fill something.
    fn change(&mut self, instruction: u8, reader: &mut ByteReader<'_>) -> Result<(), Stop> {
        match instruction {
            b'a' => {
                let item = self.pop()?;
                self.fill(&[item])
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.fill(&[key, value])
            }
            // APPENDS, ADDITEMS, SETITEMS
            b'e' | 0x90 | b'u' => {
                let items = self.pop_to_mark()?;
                self.fill(&items)
            }
            b'l' => {
                let items = self.pop_to_mark()?;
                self.push(Value::List(items))
            }
            b'd' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Dict(Vec::new()))?;
                self.fill(&items)
            }
            b'c' => {
                let (module, name) = (line(reader)?, line(reader)?);
                self.global(&module, &name)
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Text(module), Value::Text(name)) =
                    (self.values[module].clone(), self.values[name].clone())
                else {
                    return Err(Stop::Reason("it names a class by no name".to_owned()));
                };
                self.global(&module, &name)
            }
            // REDUCE, NEWOBJ
            b'R' | 0x81 => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.push(match &self.values[function] {
                    Value::Global(name) if &**name == "collections.OrderedDict" => {
                        Value::Dict(Vec::new())
                    }
                    _ => Value::Call { function, arguments },
                })
            }
            // BUILD: attributes of an object, none of which is needed.
            b'b' => self.pop().map(drop),
            b'Q' => {
                let id = self.pop()?;
                self.push(Value::Persistent(id))
            }
            b'q' => {
                let place = reader.u8()?.into();
                self.remember(place)
            }
            b'r' => {
                let place = reader.u32()?;
                self.remember(place)
            }
            0x94 => self.remember(self.memo.len() as u32),
            b'h' => {
                let place = reader.u8()?.into();
                self.recall(place)
            }
            b'j' => {
                let place = reader.u32()?;
                self.recall(place)
            }
            other => Err(Stop::Reason(format!("it holds the unknown instruction {other:#04x}"))),
        }
    }

    fn push(&mut self, value: Value) -> Result<(), Stop> {
        if self.values.len() >= MAX_VALUES {
            return Err(Stop::Reason(format!("it holds more than {MAX_VALUES} values")));
        }
        self.stack.push(self.values.len());
        self.values.push(value);
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<(), Stop> {
        if module.len() + name.len() > MAX_CLASS_LEN {
            return Err(Stop::Reason("it names a class by far too long a name".to_owned()));
        }
        self.push(Value::Global(format!("{module}.{name}").into()))
    }

    fn text(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.push(Value::Text(String::from_utf8_lossy(bytes).into()))
    }

    fn long(&mut self, reader: &mut ByteReader<'_>) -> Result<(), Stop> {
        let len = reader.u8()?.into();
        let bytes = reader.take(len)?;
        let mut number = [0; 8];
        if len > number.len() {
            return self.push(Value::Unknown);
        }
        let sign = bytes.last().is_some_and(|last| *last >= 0x80);
        number.fill(if sign { 0xff } else { 0 });
        number[..len].copy_from_slice(bytes);
        self.push(Value::Number(i64::from_le_bytes(number)))
    }

    fn tuple(&mut self, len: usize) -> Result<(), Stop> {
        let start = self.stack.len().checked_sub(len).filter(|start| *start >= self.floor());
        let items = self.stack.split_off(start.ok_or_else(no_value)?);
        self.push(Value::Tuple(items.into()))
    }

    /// Values below the last mark are not to be taken.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Id, Stop> {
        self.stack[self.floor()..].last().copied().ok_or_else(no_value)
    }

    fn pop(&mut self) -> Result<Id, Stop> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, Stop> {
        let mark = self.marks.pop().ok_or_else(no_value)?;
        Ok(self.stack.split_off(mark))
    }

    /// Adds items to the list, or pairs to the dictionary, on top of the stack.
    fn fill(&mut self, items: &[Id]) -> Result<(), Stop> {
        let top = self.top()?;
        match &mut self.values[top] {
            Value::List(list) => list.extend_from_slice(items),
            Value::Dict(dict) => {
                let (pairs, rest) = items.as_chunks::<2>();
                if !rest.is_empty() {
                    return Err(Stop::Reason("it holds a key without a value".to_owned()));
                }
                dict.extend(pairs.iter().map(|[key, value]| (*key, *value)));
            }
            // An object of a class that is not known here.
            _ => {}
        }
        Ok(())
    }

    fn remember(&mut self, place: u32) -> Result<(), Stop> {
        let top = self.top()?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Result<(), Stop> {
        let id = self.memo.get(&place).ok_or_else(no_value)?;
        self.stack.push(*id);
        Ok(())
    }

    /// The value of a key of a dictionary.
    fn entry(&self, dict: Id, key: &str) -> Option<Id> {
        let Value::Dict(entries) = &self.values[dict] else { return None };
        let is_key = |id: &Id| matches!(&self.values[*id], Value::Text(text) if &**text == key);
        entries.iter().rev().find(|(id, _)| is_key(id)).map(|(_, value)| *value)
    }

    /// The tensors directly in a dictionary.
    fn tensors(&self, dict: Id) -> Result<Vec<PickledTensor>, String> {
        let Value::Dict(entries) = &self.values[dict] else { return Ok(Vec::new()) };
        let mut tensors = Vec::new();
        for (key, value) in entries {
            let (Value::Text(name), Some(arguments)) = (&self.values[*key], self.rebuilt(*value))
            else {
                continue;
            };
            let tensor = self.tensor(name, &arguments);
            let tensor =
                tensor.ok_or_else(|| format!("tensor {} is not described whole", short(name)))?;
            tensors.push(tensor);
        }
        Ok(tensors)
    }

    /// Arguments of the call that would make a tensor, if the value is one.
    fn rebuilt(&self, mut value: Id) -> Option<Rc<[Id]>> {
        // A parameter wraps a tensor, a tensor with a type wraps the call: at most a few times.
        for _ in 0..4 {
            let Value::Call { function, arguments } = &self.values[value] else { return None };
            let Value::Global(name) = &self.values[*function] else { return None };
            let items = self.items(*arguments)?;
            match &**name {
                "torch._utils._rebuild_tensor_v2" => return Some(items),
                "torch._utils._rebuild_parameter" => value = *items.first()?,
                "torch._tensor._rebuild_from_type_v2" => {
                    let inner = items.first()?;
                    let is_plain = matches!(&self.values[*inner], Value::Global(name)
                        if &**name == "torch._utils._rebuild_tensor_v2");
                    return if is_plain { self.items(*items.get(2)?) } else { None };
                }
                _ => return None,
            }
        }
        None
    }

    fn tensor(&self, name: &Rc<str>, arguments: &[Id]) -> Option<PickledTensor> {
        let [storage, offset, shape, strides, ..] = arguments else { return None };
        let Value::Persistent(storage) = self.values[*storage] else { return None };
        let storage = self.items(storage)?;
        let [_, class, key, ..] = &*storage else { return None };
        let (Value::Global(class), Value::Text(key)) = (&self.values[*class], &self.values[*key])
        else {
            return None;
        };
        Some(PickledTensor {
            name: Rc::clone(name),
            shape: self.dims(*shape)?,
            strides: self.dims(*strides)?,
            storage: class.rsplit('.').next()?.into(),
            key: Rc::clone(key),
            offset: self.number(*offset)?,
        })
    }

    fn items(&self, tuple: Id) -> Option<Rc<[Id]>> {
        match &self.values[tuple] {
            Value::Tuple(items) => Some(Rc::clone(items)),
            _ => None,
        }
    }

    fn dims(&self, tuple: Id) -> Option<Vec<usize>> {
        let items = self.items(tuple).filter(|items| items.len() <= MAX_DIMS)?;
        items.iter().map(|id| self.number(*id)).collect()
    }

    fn number(&self, id: Id) -> Option<usize> {
        match self.values[id] {
            Value::Number(number) => usize::try_from(number).ok(),
            _ => None,
        }
    }
}

fn no_value() -> Stop {
    Stop::Reason("it uses a value that it does not have".to_owned())
}

/// Up to the end of a line, without it.
fn line(reader: &mut ByteReader<'_>) -> Result<String, EndsEarly> {
    let mut bytes = Vec::new();
    loop {
        match reader.u8()? {
            b'\n' => return Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned()),
            byte => bytes.push(byte),
        }
    }
}
