//! A thousand random edits of a state of ten thousand records.
//!
//! What a value should become is worked out here from the two types and the value alone, with nothing of the format. The
//! edits go through the real desk, the real carrying over, and serde as a derive would use it.

use std::any::TypeId;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess,
};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};

use super::super::format::{read, write};
use super::super::ops::{Failure, StateOps, Value as Raw, boxed, caught};
use super::schema::{Chance, Field, Type};
use super::value::Value;
use super::{carry, desk, generation};

const CHANGES: usize = 1000;
const RECORDS: usize = 10_000;
/// How many changes begin where the one before ended.
const IN_A_ROW: usize = 50;

/// A value with its type, as a derive would write it.
struct Typed<'a>(&'a Type, &'a Value);

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0, self.1) {
            (_, Value::Bool(value)) => serializer.serialize_bool(*value),
            (_, Value::U8(value)) => serializer.serialize_u8(*value),
            (_, Value::I64(value)) => serializer.serialize_i64(*value),
            (_, Value::I128(value)) => serializer.serialize_i128(*value),
            (_, Value::F64(value)) => serializer.serialize_f64(*value),
            (_, Value::Char(value)) => serializer.serialize_char(*value),
            (_, Value::Text(value)) => serializer.serialize_str(value),
            (Type::Optional(ty), Value::Optional(value)) => match value {
                Some(value) => serializer.serialize_some(&Typed(ty, value)),
                None => serializer.serialize_none(),
            },
            (Type::List(ty), Value::List(values)) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| list.serialize_element(&Typed(ty, value)))?;
                list.end()
            }
            (Type::Keyed(key, ty), Value::Keyed(values)) => {
                let mut map = serializer.serialize_map(None)?;
                for (name, value) in values {
                    map.serialize_entry(&Typed(key, name), &Typed(ty, value))?;
                }
                map.end()
            }
            (Type::Struct(fields), Value::Struct(values)) => {
                let mut all = serializer.serialize_struct("Record", fields.len())?;
                for (field, value) in fields.iter().zip(values) {
                    all.serialize_field(field.name, &Typed(&field.ty, value))?;
                }
                all.end()
            }
            (Type::Enum(variants), Value::Enum(index, value)) => {
                let (name, ty) = &variants[*index];
                match (value, ty) {
                    (Some(value), Some(ty)) => serializer.serialize_newtype_variant(
                        "Enum",
                        *index as u32,
                        name,
                        &Typed(ty, value),
                    ),
                    _ => serializer.serialize_unit_variant("Enum", *index as u32, name),
                }
            }
            (ty, value) => panic!("{value:?} is no {ty:?}"),
        }
    }
}

/// A type that reads its values, as a derive would.
#[derive(Clone, Copy)]
struct Reads<'a>(&'a Type);

impl<'de> DeserializeSeed<'de> for Reads<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        use serde::Deserialize;
        Ok(match self.0 {
            Type::Bool => Value::Bool(bool::deserialize(from)?),
            Type::U8 => Value::U8(u8::deserialize(from)?),
            Type::I64 => Value::I64(i64::deserialize(from)?),
            Type::I128 => Value::I128(i128::deserialize(from)?),
            Type::F64 => Value::F64(f64::deserialize(from)?),
            Type::Char => Value::Char(char::deserialize(from)?),
            Type::Text => Value::Text(String::deserialize(from)?),
            Type::Optional(_) => return from.deserialize_option(self),
            Type::List(_) => return from.deserialize_seq(self),
            Type::Keyed(..) => return from.deserialize_map(self),
            Type::Struct(_) => return from.deserialize_struct("Record", &[], self),
            Type::Enum(_) => return from.deserialize_enum("Enum", &[], self),
        })
    }
}

impl<'de> de::Visitor<'de> for Reads<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        match self.0 {
            Type::Optional(_) => Ok(Value::Optional(None)),
            _ => Err(de::Error::invalid_type(de::Unexpected::Option, &self)),
        }
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        let Type::Optional(ty) = self.0 else { panic!("only asked of options") };
        Ok(Value::Optional(Some(Box::new(Reads(ty).deserialize(from)?))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let Type::List(ty) = self.0 else {
            return Err(de::Error::invalid_type(de::Unexpected::Seq, &self));
        };
        let mut values = Vec::new();
        while let Some(value) = from.next_element_seed(Reads(ty))? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let fields = match self.0 {
            Type::Struct(fields) => fields,
            Type::Keyed(key, ty) => {
                let mut values = Vec::new();
                while let Some(entry) = from.next_entry_seed(Reads(key), Reads(ty))? {
                    values.push(entry);
                }
                return Ok(Value::Keyed(values));
            }
            _ => return Err(de::Error::invalid_type(de::Unexpected::Map, &self)),
        };
        let mut values: Vec<Option<Value>> = Vec::with_capacity(fields.len());
        values.resize_with(fields.len(), || None);
        while let Some(index) = from.next_key_seed(Named(fields))? {
            let Some(index) = index else {
                from.next_value::<de::IgnoredAny>()?;
                continue;
            };
            if values[index].is_some() {
                return Err(de::Error::duplicate_field(fields[index].name));
            }
            values[index] = Some(from.next_value_seed(Reads(&fields[index].ty))?);
        }
        let whole = fields.iter().zip(values).map(|(field, value)| match value {
            Some(value) => Ok(value),
            None if field.has_default => Ok(Value::default_of(&field.ty)),
            None if matches!(field.ty, Type::Optional(_)) => Ok(Value::Optional(None)),
            None => Err(de::Error::missing_field(field.name)),
        });
        Ok(Value::Struct(whole.collect::<Result<_, _>>()?))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, from: A) -> Result<Value, A::Error> {
        let Type::Enum(variants) = self.0 else { panic!("only asked of enums") };
        let (name, value) = from.variant::<String>()?;
        let Some(index) = variants.iter().position(|(known, _)| *known == name) else {
            return Err(de::Error::unknown_variant(&name, &[]));
        };
        Ok(Value::Enum(
            index,
            match &variants[index].1 {
                Some(ty) => Some(Box::new(value.newtype_variant_seed(Reads(ty))?)),
                None => value.unit_variant().map(|()| None)?,
            },
        ))
    }
}

/// Which field a name in the data is, if any; read as a derive reads it, without keeping the name.
struct Named<'a>(&'a [Field]);

impl<'de> DeserializeSeed<'de> for Named<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<usize>, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl de::Visitor<'_> for Named<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Option<usize>, E> {
        let names = |field: &Field| field.name == key || field.aliases.contains(&key);
        Ok(self.0.iter().position(names))
    }
}

thread_local! {
    /// The value that was dropped last.
    static ENDED: RefCell<Option<Box<Value>>> = const { RefCell::new(None) };
    /// The record types of the two generations.
    static OLD: RefCell<Rc<Type>> = RefCell::new(Rc::new(Type::Bool));
    static NEW: RefCell<Rc<Type>> = RefCell::new(Rc::new(Type::Bool));
}

fn write_old(value: Raw, depth: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
    let ty = OLD.with_borrow(Rc::clone);
    // SAFETY: values of this test are boxed `Value`s.
    let value = unsafe { value.cast::<Value>().as_ref() };
    caught(|| Ok(write(&Typed(&ty, value), depth, out)?))
}

fn read_new(bytes: &[u8], depth: usize) -> Result<Raw, Failure> {
    struct New(Value);
    impl<'de> de::Deserialize<'de> for New {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<New, D::Error> {
            let ty = NEW.with_borrow(Rc::clone);
            Reads(&ty).deserialize(from).map(New)
        }
    }
    caught(|| Ok(boxed(read::<New>(bytes, depth)?.0)))
}

fn end(value: Raw) -> Result<(), Failure> {
    // SAFETY: as above, and nobody uses it any more.
    let value = unsafe { Box::from_raw(value.cast::<Value>().as_ptr()) };
    // Kept a while, so that what it became can be compared with it without a copy.
    ENDED.set(Some(value));
    Ok(())
}

fn ops() -> &'static StateOps {
    Box::leak(Box::new(StateOps {
        type_id: TypeId::of::<Value>(),
        name: || "Records",
        describe: |describer| describer.node::<u32>(),
        write: |value, depth, out| write_old(value, depth, out),
        read: read_new,
        end: |value| end(value),
    }))
}

/// Which seed to begin with: another one with `LIVESWAP_SEED`.
fn seed() -> u64 {
    std::env::var("LIVESWAP_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122)
}

#[test]
fn a_thousand_changes_of_ten_thousand_records() {
    let first = seed();
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get().min(8));
    let (mut accepted, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        let rounds = || {
            let (mut accepted, mut refused) = (0, 0);
            loop {
                // Relaxed: rounds have nothing to do with each other.
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= (CHANGES / IN_A_ROW) as u64 {
                    return (accepted, refused);
                }
                let (more_accepted, more_refused) = round(first, number);
                accepted += more_accepted;
                refused += more_refused;
            }
        };
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(rounds)).collect();
        for thread in all {
            let counts = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            accepted += counts.0;
            refused += counts.1;
        }
    });
    assert_eq!(accepted + refused, CHANGES, "LIVESWAP_SEED={first}");
    assert!(
        accepted > CHANGES / 4 && refused > CHANGES / 20,
        "LIVESWAP_SEED={first}: {accepted} and {refused}"
    );
}

/// Changes of records of its own, each beginning where the last one ended; how many were accepted, and how many refused.
fn round(first: u64, number: u64) -> (usize, usize) {
    let mut chance = Chance::new(first + number);
    let mut ty = Type::record(&mut chance, if number.is_multiple_of(4) { 2 } else { 1 });
    let list = |ty: &Type| Rc::new(Type::List(Box::new(ty.clone())));
    let records = (0..RECORDS).map(|_| Value::any(&ty, &mut chance)).collect();
    let desk = desk();
    let slot = desk.admit(ops(), boxed(Value::List(records)), None);
    let raw = || desk.lock().entry(slot).unwrap().value;
    // SAFETY: the test's own values, which nobody else has; each is looked at only until the next change.
    let value = || unsafe { raw().cast::<Value>().as_ref() };
    let (mut accepted, mut refused) = (0, 0);
    let mut digest = value().digest();
    for step in 0..IN_A_ROW {
        let mut new = ty.clone();
        (0..=chance.below(3)).for_each(|_| new.edit(&mut chance));
        let (from, to) = (list(&ty), list(&new));
        OLD.set(Rc::clone(&from));
        NEW.set(Rc::clone(&to));
        let what = || format!("LIVESWAP_SEED={}, change {step}:\n{ty:?}\n{new:?}", first + number);
        let before = raw();
        let layout = 2 + u128::from(number) * IN_A_ROW as u128 + step as u128;
        match carry(desk, generation(ops(), layout)) {
            Ok(carried) => {
                drop(carried.commit().finish());
                let old = ENDED.take().expect("the old value was dropped");
                assert!(old.fits(&from, &to), "accepted, and should not have been; {}", what());
                assert!(old.became(&from, &to, value()), "another value; {}", what());
                accepted += 1;
                digest = value().digest();
                ty = new;
            }
            Err(error) => {
                assert!(!value().fits(&from, &to), "{error:?}; {}", what());
                assert_eq!(raw(), before, "{}", what());
                assert_eq!(value().digest(), digest, "changed, though refused; {}", what());
                refused += 1;
            }
        }
    }
    desk.end(slot).unwrap();
    ENDED.take();
    (accepted, refused)
}
