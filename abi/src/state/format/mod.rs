//! The format in which values of state are written by one version of a type and read by another.
//!
//! It describes itself, so that fields meet by name and a reader can skip what it does not know, and it tells apart
//! whatever serde tells apart: `None` from `Some(None)` and from `()`, a float's bits, characters, bytes, integers of 128
//! bits, keys of any type. (CBOR, MessagePack and the like keep one null for all of the first three.)
//!
//! A value is a tag and what follows it; numbers of undetermined length are LEB128, others little-endian.
//!
//! | tag | followed by |
//! |---|---|
//! | `NONE`, `UNIT`, `FALSE`, `TRUE` | nothing |
//! | `SOME` | a value |
//! | `UNSIGNED` | a number |
//! | `NEGATIVE` | a number `n`, which means `-1 - n` |
//! | `WIDE_UNSIGNED`, `WIDE_SIGNED` | 16 bytes |
//! | `F32`, `F64`, `CHAR` | 4, 8 and 4 bytes |
//! | `TEXT`, `BYTES` | a number of bytes, and those |
//! | `LIST`, `MAP` | one more than the number of elements, or 0 where it was not known; elements, or keys and values; `END` |
//! | `UNIT_VARIANT` | the variant's name as in `TEXT` |
//! | `VARIANT` | the same, and a value |
//!
//! Structs are maps with their fields' names, tuples are lists, newtypes are what they wrap.

mod read;
mod tag;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;

use serde::{Deserialize, Serialize, de, ser};

/// How deep values may be nested where a thread's stack is of the usual size.
pub(crate) const DEPTH: usize = 128;

/// Why a value could not be written or read: where in it, and what was wrong there.
#[derive(Debug)]
pub(crate) struct Error(Box<Place>);

#[derive(Debug)]
struct Place {
    /// Innermost first.
    path: Vec<String>,
    message: String,
}

/// Appends `value` to `out`.
///
/// # Errors
///
/// What the value's `Serialize` says, and values nested deeper than `depth`.
pub(crate) fn write<T: Serialize + ?Sized>(
    value: &T,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    value.serialize(&mut write::Writer::new(out, depth))
}

/// Reads the value that `bytes` are.
///
/// # Errors
///
/// What the type's `Deserialize` says, bytes that end early or mean nothing, and values nested deeper than `depth`.
pub(crate) fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8], depth: usize) -> Result<T, Error> {
    let mut reader = read::Reader::new(bytes, depth);
    let value = T::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

impl Error {
    fn new(message: impl fmt::Display) -> Error {
        Error(Box::new(Place { path: Vec::new(), message: message.to_string() }))
    }

    fn too_deep() -> Error {
        Error::new("it is nested too deep to be carried over")
    }

    /// The same error, said of the field or element `name` of a larger value.
    fn inside(mut self, name: impl fmt::Display) -> Error {
        self.0.path.push(name.to_string());
        self
    }

    /// Where in the value: `players[3].health`; empty for the value itself.
    pub(crate) fn path(&self) -> String {
        let mut text = String::new();
        for name in self.0.path.iter().rev() {
            if !name.starts_with('[') && !text.is_empty() {
                text.push('.');
            }
            text.push_str(name);
        }
        text
    }

    /// What is wrong there.
    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path();
        if path.is_empty() {
            f.write_str(self.message())
        } else {
            write!(f, "{path}: {}", self.message())
        }
    }
}

impl std::error::Error for Error {}

impl ser::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Error {
        Error::new(message)
    }
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Error {
        Error::new(message)
    }
}
