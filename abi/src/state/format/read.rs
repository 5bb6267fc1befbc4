//! Bytes into values.
//!
//! Nothing here trusts the bytes: they may come from a file.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, Visitor};

use super::{Error, tag};

pub(super) struct Reader<'de> {
    rest: &'de [u8],
    /// How many levels there may still be.
    depth: usize,
    /// How many elements may still be promised, of all lists and maps together: each takes a byte at least.
    promises: usize,
}

impl<'de> Reader<'de> {
    pub(super) fn new(bytes: &'de [u8], depth: usize) -> Reader<'de> {
        Reader { rest: bytes, depth, promises: bytes.len() }
    }

    /// Nothing may follow the value.
    pub(super) fn end(self) -> Result<(), Error> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(Error::new(format_args!("{} bytes follow the end of the value", self.rest.len())))
    }

    fn take(&mut self, len: usize) -> Result<&'de [u8], Error> {
        let (taken, rest) =
            self.rest.split_at_checked(len).ok_or_else(|| Error::new("the bytes end early"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn peek(&self) -> Result<u8, Error> {
        self.rest.first().copied().ok_or_else(|| Error::new("the bytes end early"))
    }

    fn tag(&mut self) -> Result<u8, Error> {
        let [tag] = self.array()?;
        Ok(tag)
    }

    fn number(&mut self) -> Result<u64, Error> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Error::new("a number is longer than 64 bits"))
    }

    fn bytes(&mut self) -> Result<&'de [u8], Error> {
        let len = self.number()?;
        // A length that does not fit is longer than the bytes that are left.
        self.take(usize::try_from(len).unwrap_or(usize::MAX))
    }

    fn text(&mut self) -> Result<&'de str, Error> {
        std::str::from_utf8(self.bytes()?).map_err(Error::new)
    }

    fn len_hint(&mut self) -> Result<Option<usize>, Error> {
        let len = self.number()?.checked_sub(1);
        // Whoever reads makes room for as many as are promised, before there is one.
        let len = len.map(|len| usize::try_from(len).unwrap_or(usize::MAX).min(self.promises));
        self.promises -= len.unwrap_or(0);
        Ok(len)
    }

    fn deeper<R>(&mut self, read: impl FnOnce(&mut Self) -> Result<R, Error>) -> Result<R, Error> {
        self.depth = self.depth.checked_sub(1).ok_or_else(Error::too_deep)?;
        let value = read(self);
        self.depth += 1;
        value
    }

    /// After the last element that the visitor wanted.
    fn expect_end(&mut self) -> Result<(), Error> {
        if self.peek()? == tag::END {
            return self.tag().map(drop);
        }
        Err(Error::new("there are more elements than the type has room for"))
    }

    /// A value for who said what it expects: whether it was an `Option` does not matter then.
    fn expected<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        if self.peek()? == tag::SOME {
            self.tag()?;
            return self.deeper(|reader| reader.expected(visitor));
        }
        self.deserialize_any(visitor)
    }
}

macro_rules! expected {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.expected(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.tag()? {
            tag::NONE => visitor.visit_none(),
            tag::SOME => self.deeper(|reader| visitor.visit_some(reader)),
            tag::UNIT => visitor.visit_unit(),
            tag::FALSE => visitor.visit_bool(false),
            tag::TRUE => visitor.visit_bool(true),
            tag::UNSIGNED => visitor.visit_u64(self.number()?),
            tag::NEGATIVE => match i64::try_from(self.number()?) {
                Ok(number) => visitor.visit_i64(!number),
                Err(_) => Err(Error::new("a negative number is longer than 64 bits")),
            },
            tag::WIDE_UNSIGNED => visitor.visit_u128(u128::from_le_bytes(self.array()?)),
            tag::WIDE_SIGNED => visitor.visit_i128(i128::from_le_bytes(self.array()?)),
            tag::F32 => visitor.visit_f32(f32::from_le_bytes(self.array()?)),
            tag::F64 => visitor.visit_f64(f64::from_le_bytes(self.array()?)),
            tag::CHAR => {
                let code = u32::from_le_bytes(self.array()?);
                let no = || Error::new(format_args!("{code:#x} is no character"));
                visitor.visit_char(char::from_u32(code).ok_or_else(no)?)
            }
            tag::TEXT => visitor.visit_borrowed_str(self.text()?),
            tag::BYTES => visitor.visit_borrowed_bytes(self.bytes()?),
            tag::LIST => self.deeper(|reader| {
                let hint = reader.len_hint()?;
                let value = visitor.visit_seq(Elements { reader, hint, index: 0 })?;
                reader.expect_end()?;
                Ok(value)
            }),
            tag::MAP => self.deeper(|reader| {
                let hint = reader.len_hint()?;
                let value = visitor.visit_map(Entries { reader, hint, key: &[] })?;
                reader.expect_end()?;
                Ok(value)
            }),
            // What serde makes of variants where the format does not know of them.
            tag::UNIT_VARIANT => visitor.visit_borrowed_str(self.text()?),
            tag::VARIANT => self.deeper(|reader| {
                let name = Some(reader.text()?);
                visitor.visit_map(Only { reader, name })
            }),
            other => Err(Error::new(format_args!("{other} is no value's tag"))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek()? {
            tag::NONE => self.tag().and_then(|_| visitor.visit_none()),
            tag::SOME => {
                self.tag()?;
                self.deeper(|reader| visitor.visit_some(reader))
            }
            // What was written before the field became an `Option`.
            _ => self.deeper(|reader| visitor.visit_some(reader)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deeper(|reader| visitor.visit_newtype_struct(reader))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.expected(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.expected(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.expected(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.expected(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.peek()? {
            tag::SOME => {
                self.tag()?;
                self.deeper(|reader| reader.deserialize_enum(name, variants, visitor))
            }
            tag::TEXT | tag::UNIT_VARIANT => {
                self.tag()?;
                let name = BorrowedStrDeserializer::<Error>::new(self.text()?);
                visitor.visit_enum(name)
            }
            tag::VARIANT => {
                self.tag()?;
                self.deeper(|reader| visitor.visit_enum(Variant { reader }))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    expected! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_seq deserialize_map
        deserialize_identifier
    }
}

/// The elements of a list.
struct Elements<'r, 'de> {
    reader: &'r mut Reader<'de>,
    hint: Option<usize>,
    index: usize,
}

impl<'de> de::SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        if self.reader.peek()? == tag::END {
            return Ok(None);
        }
        let index = self.index;
        self.index += 1;
        let element = seed.deserialize(&mut *self.reader);
        element.map(Some).map_err(|error| error.inside(format_args!("[{index}]")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.hint?.saturating_sub(self.index))
    }
}

/// The keys and values of a map.
struct Entries<'r, 'de> {
    reader: &'r mut Reader<'de>,
    hint: Option<usize>,
    /// The key that was read last, for what is said of its value.
    key: &'de [u8],
}

impl<'de> de::MapAccess<'de> for Entries<'_, 'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        if self.reader.peek()? == tag::END {
            return Ok(None);
        }
        self.key = self.reader.rest;
        let key = seed.deserialize(&mut *self.reader);
        key.map(Some).map_err(|error| error.inside("[a key]"))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let value = seed.deserialize(&mut *self.reader);
        value.map_err(|error| {
            let mut key = Reader::new(self.key, 1);
            match (key.tag(), key.text()) {
                (Ok(tag::TEXT), Ok(name)) => error.inside(name),
                _ => error.inside("[a value]"),
            }
        })
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint
    }
}

/// A variant with a value.
struct Variant<'r, 'de> {
    reader: &'r mut Reader<'de>,
}

impl<'de> de::EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let name = BorrowedStrDeserializer::<Error>::new(self.reader.text()?);
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        de::Deserialize::deserialize(self.reader)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.reader.expected(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.reader.expected(visitor)
    }
}

/// A variant with a value, as a map of that one entry.
struct Only<'r, 'de> {
    reader: &'r mut Reader<'de>,
    name: Option<&'de str>,
}

impl<'de> de::MapAccess<'de> for Only<'_, 'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let name = self.name.take().map(BorrowedStrDeserializer::<Error>::new);
        name.map(|name| seed.deserialize(name)).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(&mut *self.reader)
    }
}
