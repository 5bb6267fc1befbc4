//! Values into bytes.

use serde::ser::{self, Serialize};

use super::{Error, tag};

pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// How many levels there may still be.
    depth: usize,
}

/// A list or a map whose elements are being written.
pub(super) struct Elements<'w, 'a> {
    writer: &'w mut Writer<'a>,
    written: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, depth: usize) -> Writer<'a> {
        Writer { out, depth }
    }

    fn tag(&mut self, tag: u8) {
        self.out.push(tag);
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.out.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }

    fn fixed<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) {
        self.tag(tag);
        self.out.extend_from_slice(&bytes);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    fn deeper<R>(&mut self, write: impl FnOnce(&mut Self) -> Result<R, Error>) -> Result<R, Error> {
        self.depth = self.depth.checked_sub(1).ok_or_else(Error::too_deep)?;
        let written = write(self);
        self.depth += 1;
        written
    }

    fn elements(&mut self, tag: u8, len: Option<usize>) -> Result<Elements<'_, 'a>, Error> {
        self.depth = self.depth.checked_sub(1).ok_or_else(Error::too_deep)?;
        self.tag(tag);
        self.number(len.map_or(0, |len| len as u64 + 1));
        Ok(Elements { writer: self, written: 0 })
    }

    fn variant(&mut self, tag: u8, name: &str) {
        self.tag(tag);
        self.bytes(name.as_bytes());
    }

    fn unsigned(&mut self, value: u64) {
        self.tag(tag::UNSIGNED);
        self.number(value);
    }

    fn signed(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.unsigned(value),
            Err(_) => {
                self.tag(tag::NEGATIVE);
                // `!value` is `-1 - value`, which is not negative here.
                self.number(!value as u64);
            }
        }
    }
}

macro_rules! integers {
    ($($method:ident $type:ty => $write:ident)*) => {$(
        fn $method(self, value: $type) -> Result<(), Error> {
            self.$write(value.into());
            Ok(())
        }
    )*};
}

impl<'w, 'a> ser::Serializer for &'w mut Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Elements<'w, 'a>;
    type SerializeTuple = Elements<'w, 'a>;
    type SerializeTupleStruct = Elements<'w, 'a>;
    type SerializeTupleVariant = Elements<'w, 'a>;
    type SerializeMap = Elements<'w, 'a>;
    type SerializeStruct = Elements<'w, 'a>;
    type SerializeStructVariant = Elements<'w, 'a>;

    fn is_human_readable(&self) -> bool {
        false
    }

    integers! {
        serialize_u8 u8 => unsigned
        serialize_u16 u16 => unsigned
        serialize_u32 u32 => unsigned
        serialize_u64 u64 => unsigned
        serialize_i8 i8 => signed
        serialize_i16 i16 => signed
        serialize_i32 i32 => signed
        serialize_i64 i64 => signed
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        match u64::try_from(value) {
            Ok(value) => self.unsigned(value),
            Err(_) => self.fixed(tag::WIDE_UNSIGNED, value.to_le_bytes()),
        }
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        match i64::try_from(value) {
            Ok(value) => self.signed(value),
            Err(_) => self.fixed(tag::WIDE_SIGNED, value.to_le_bytes()),
        }
        Ok(())
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.tag(if value { tag::TRUE } else { tag::FALSE });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.fixed(tag::F32, value.to_le_bytes());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.fixed(tag::F64, value.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.fixed(tag::CHAR, u32::from(value).to_le_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.tag(tag::TEXT);
        self.bytes(value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.tag(tag::BYTES);
        self.bytes(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.tag(tag::NONE);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.tag(tag::SOME);
        self.deeper(|writer| value.serialize(writer))
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.tag(tag::UNIT);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.variant(tag::UNIT_VARIANT, variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.deeper(|writer| value.serialize(writer))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.variant(tag::VARIANT, variant);
        self.deeper(|writer| value.serialize(writer)).map_err(|error| error.inside(variant))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Elements<'w, 'a>, Error> {
        self.elements(tag::LIST, len)
    }

    fn serialize_tuple(self, len: usize) -> Result<Elements<'w, 'a>, Error> {
        self.elements(tag::LIST, Some(len))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<Elements<'w, 'a>, Error> {
        self.elements(tag::LIST, Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Elements<'w, 'a>, Error> {
        self.variant(tag::VARIANT, variant);
        self.elements(tag::LIST, Some(len))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Elements<'w, 'a>, Error> {
        self.elements(tag::MAP, len)
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Elements<'w, 'a>, Error> {
        self.elements(tag::MAP, Some(len))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Elements<'w, 'a>, Error> {
        self.variant(tag::VARIANT, variant);
        self.elements(tag::MAP, Some(len))
    }
}

impl Elements<'_, '_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let index = self.written;
        self.written += 1;
        value.serialize(&mut *self.writer).map_err(|error| error.inside(format_args!("[{index}]")))
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Error> {
        self.writer.tag(tag::TEXT);
        self.writer.bytes(key.as_bytes());
        value.serialize(&mut *self.writer).map_err(|error| error.inside(key))
    }

    fn finish(self) {
        self.writer.depth += 1;
        self.writer.tag(tag::END);
    }
}

macro_rules! lists {
    ($($trait:ident $method:ident)*) => {$(
        impl ser::$trait for Elements<'_, '_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

lists! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

macro_rules! structs {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Elements<'_, '_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.field(key, value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

structs!(SerializeStruct SerializeStructVariant);

impl ser::SerializeMap for Elements<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        key.serialize(&mut *self.writer).map_err(|error| error.inside("[a key]"))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.element(value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}
