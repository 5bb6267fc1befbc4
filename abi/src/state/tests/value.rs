//! Values as data, and what an edit of their type has to make of them: worked out with nothing of the format.

use std::cell::RefCell;
use std::rc::Rc;

use super::schema::{Chance, Field, Type};

#[derive(Debug, Clone)]
pub(super) enum Value {
    Bool(bool),
    U8(u8),
    I64(i64),
    I128(i128),
    F64(f64),
    Char(char),
    Text(String),
    Optional(Option<Box<Value>>),
    List(Vec<Value>),
    Keyed(Vec<(Value, Value)>),
    Struct(Vec<Value>),
    Enum(usize, Option<Box<Value>>),
}

/// Floats by their bits, so that NaNs have to come back as well.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        use Value::*;
        match (self, other) {
            (Bool(a), Bool(b)) => a == b,
            (U8(a), U8(b)) => a == b,
            (I64(a), I64(b)) => a == b,
            (I128(a), I128(b)) => a == b,
            (F64(a), F64(b)) => a.to_bits() == b.to_bits(),
            (Char(a), Char(b)) => a == b,
            (Text(a), Text(b)) => a == b,
            (Optional(a), Optional(b)) => a == b,
            (List(a), List(b)) | (Struct(a), Struct(b)) => a == b,
            (Keyed(a), Keyed(b)) => a == b,
            (Enum(a, x), Enum(b, y)) => (a, x) == (b, y),
            _ => false,
        }
    }
}

impl Value {
    pub(super) fn any(ty: &Type, chance: &mut Chance) -> Value {
        match ty {
            Type::Bool => Value::Bool(chance.below(2) == 0),
            Type::U8 => Value::U8(chance.bits() as u8),
            // Small, negative and huge ones.
            Type::I64 => Value::I64((chance.bits() as i64) >> chance.below(64)),
            Type::I128 => Value::I128(i128::from(chance.bits() as i64) << chance.below(64)),
            Type::F64 => Value::F64(f64::from_bits(chance.bits())),
            Type::Char => Value::Char(char::from_u32(chance.below(0xd800) as u32).unwrap()),
            Type::Text => Value::Text("ab".repeat(chance.below(4))),
            Type::Optional(ty) => {
                Value::Optional((chance.below(3) > 0).then(|| Box::new(Value::any(ty, chance))))
            }
            Type::List(ty) => {
                Value::List((0..chance.below(3)).map(|_| Value::any(ty, chance)).collect())
            }
            Type::Keyed(key, ty) => {
                let count = chance.below(3);
                let entry = |_| (Value::any(key, chance), Value::any(ty, chance));
                Value::Keyed((0..count).map(entry).collect())
            }
            Type::Struct(fields) => {
                Value::Struct(fields.iter().map(|field| Value::any(&field.ty, chance)).collect())
            }
            Type::Enum(variants) => {
                let index = chance.below(variants.len());
                let ty = variants[index].1.as_ref();
                Value::Enum(index, ty.map(|ty| Box::new(Value::any(ty, chance))))
            }
        }
    }

    pub(super) fn default_of(ty: &Type) -> Value {
        match ty {
            Type::Bool => Value::Bool(false),
            Type::U8 => Value::U8(0),
            Type::I64 => Value::I64(0),
            Type::I128 => Value::I128(0),
            Type::F64 => Value::F64(0.0),
            Type::Char => Value::Char('\0'),
            Type::Text => Value::Text(String::new()),
            Type::Optional(_) => Value::Optional(None),
            Type::List(_) => Value::List(Vec::new()),
            Type::Keyed(..) => Value::Keyed(Vec::new()),
            Type::Struct(fields) => {
                Value::Struct(fields.iter().map(|field| Value::default_of(&field.ty)).collect())
            }
            Type::Enum(variants) => {
                Value::Enum(0, variants[0].1.as_ref().map(|ty| Box::new(Value::default_of(ty))))
            }
        }
    }

    /// Whether it can become a value of another type; if not, the change must be refused.
    pub(super) fn fits(&self, from: &Type, to: &Type) -> bool {
        Walk::default().is(self, from, to, None)
    }

    /// Whether `found` is what the value has to become.
    pub(super) fn became(&self, from: &Type, to: &Type, found: &Value) -> bool {
        Walk::default().is(self, from, to, Some(found))
    }

    /// A number that another value hardly has.
    pub(super) fn digest(&self) -> u64 {
        self.mixed(0)
    }

    fn mixed(&self, so_far: u64) -> u64 {
        let mix = |so_far: u64, more: u64| {
            (so_far ^ more).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
        };
        match self {
            Value::Bool(b) => mix(so_far, 1 + u64::from(*b)),
            Value::U8(n) => mix(so_far, 3 + u64::from(*n)),
            Value::I64(n) => mix(so_far, *n as u64),
            Value::I128(n) => mix(mix(so_far, *n as u64), (*n >> 64) as u64),
            Value::F64(n) => mix(so_far, n.to_bits()),
            Value::Char(c) => mix(so_far, u64::from(*c)),
            Value::Text(text) => {
                text.bytes().fold(mix(so_far, 5), |so_far, byte| mix(so_far, u64::from(byte)))
            }
            Value::Optional(None) => mix(so_far, 7),
            Value::Optional(Some(value)) => value.mixed(mix(so_far, 11)),
            Value::List(values) | Value::Struct(values) => {
                let so_far = mix(so_far, 13 + values.len() as u64);
                values.iter().fold(so_far, |so_far, value| value.mixed(so_far))
            }
            Value::Keyed(values) => {
                let so_far = mix(so_far, 17 + values.len() as u64);
                values.iter().fold(so_far, |so_far, (key, value)| value.mixed(key.mixed(so_far)))
            }
            Value::Enum(index, value) => {
                let so_far = mix(so_far, 19 + *index as u64);
                value.as_ref().map_or(so_far, |value| value.mixed(so_far))
            }
        }
    }
}

/// What a field of the new type is made of.
#[derive(Clone, Copy)]
enum Source {
    /// The field at this place in the old one.
    Old(usize),
    Default,
    /// Options may be missing.
    Nothing,
    /// Missing, or there twice.
    Refused,
}

impl Source {
    fn of(field: &Field, from: &[Field]) -> Source {
        let finds = |old: &Field| old.name == field.name || field.aliases.contains(&old.name);
        let mut found = (0..from.len()).filter(|index| finds(&from[*index]));
        match (found.next(), found.next()) {
            (Some(index), None) => Source::Old(index),
            (None, _) if field.has_default => Source::Default,
            (None, _) if matches!(field.ty, Type::Optional(_)) => Source::Nothing,
            _ => Source::Refused,
        }
    }
}

/// Compares values with what they became, or have to.
#[derive(Default)]
struct Walk {
    /// Where the fields of structs come from, by the addresses of the two types: worked out once for all records.
    plans: RefCell<Vec<Plan>>,
}

type Plan = (*const Type, *const Type, Rc<[Source]>);

impl Walk {
    fn plan(&self, from: &Type, to: &Type) -> Option<Rc<[Source]>> {
        let (Type::Struct(old), Type::Struct(new)) = (from, to) else { return None };
        let mut plans = self.plans.borrow_mut();
        let is = |plan: &&Plan| std::ptr::eq(plan.0, from) && std::ptr::eq(plan.1, to);
        if let Some((_, _, plan)) = plans.iter().find(is) {
            return Some(Rc::clone(plan));
        }
        let plan: Rc<[Source]> = new.iter().map(|field| Source::of(field, old)).collect();
        plans.push((from, to, Rc::clone(&plan)));
        Some(plan)
    }

    /// Whether `value` can become one of type `to`, and that is `found` where something was found.
    fn is(&self, value: &Value, from: &Type, to: &Type, found: Option<&Value>) -> bool {
        let equals = |expected: Value| found.is_none_or(|found| *found == expected);
        let integer = match value {
            Value::U8(n) => Some(i128::from(*n)),
            Value::I64(n) => Some(i128::from(*n)),
            Value::I128(n) => Some(*n),
            _ => None,
        };
        match (value, from, to) {
            // An optional value may become one that is not, and the other way round.
            (Value::Optional(inner), Type::Optional(from), Type::Optional(to)) => {
                match (inner, found) {
                    (None, found) => found.is_none_or(|found| *found == Value::Optional(None)),
                    (Some(inner), None) => self.is(inner, from, to, None),
                    (Some(inner), Some(Value::Optional(Some(found)))) => {
                        self.is(inner, from, to, Some(found))
                    }
                    _ => false,
                }
            }
            (Value::Optional(inner), Type::Optional(from), to) => {
                inner.as_ref().is_some_and(|inner| self.is(inner, from, to, found))
            }
            (value, from, Type::Optional(to)) => match found {
                None => self.is(value, from, to, None),
                Some(Value::Optional(Some(found))) => self.is(value, from, to, Some(found)),
                Some(_) => false,
            },
            (_, _, Type::U8) => {
                integer.and_then(|n| n.try_into().ok()).is_some_and(|n| equals(Value::U8(n)))
            }
            (_, _, Type::I64) => {
                integer.and_then(|n| n.try_into().ok()).is_some_and(|n| equals(Value::I64(n)))
            }
            (_, _, Type::I128) => integer.is_some_and(|n| equals(Value::I128(n))),
            (Value::F64(n), _, Type::F64) => equals(Value::F64(*n)),
            (_, _, Type::F64) => integer.is_some_and(|n| equals(Value::F64(n as f64))),
            (Value::Bool(b), _, Type::Bool) => equals(Value::Bool(*b)),
            (Value::Char(c), _, Type::Char) => equals(Value::Char(*c)),
            (Value::Text(text), _, Type::Char) => {
                let mut chars = text.chars();
                let only = chars.next().filter(|_| chars.next().is_none());
                only.is_some_and(|only| equals(Value::Char(only)))
            }
            (Value::Text(_), _, Type::Text) => found.is_none_or(|found| found == value),
            (Value::Char(c), _, Type::Text) => equals(Value::Text(c.to_string())),
            (Value::Enum(index, None), Type::Enum(variants), Type::Text) => {
                equals(Value::Text(variants[*index].0.to_owned()))
            }
            (Value::Text(text), _, Type::Enum(variants)) => {
                let index = variants.iter().position(|(name, _)| name == text);
                let index = index.filter(|index| variants[*index].1.is_none());
                index.is_some_and(|index| equals(Value::Enum(index, None)))
            }
            (Value::List(values), Type::List(from), Type::List(to)) => match found {
                None => values.iter().all(|value| self.is(value, from, to, None)),
                Some(Value::List(found)) => {
                    let mut pairs = values.iter().zip(found);
                    values.len() == found.len()
                        && pairs.all(|(value, found)| self.is(value, from, to, Some(found)))
                }
                Some(_) => false,
            },
            (Value::Keyed(values), Type::Keyed(from_key, from), Type::Keyed(to_key, to)) => {
                let entry = |(key, value): &(Value, Value), found: Option<&(Value, Value)>| {
                    self.is(key, from_key, to_key, found.map(|found| &found.0))
                        && self.is(value, from, to, found.map(|found| &found.1))
                };
                match found {
                    None => values.iter().all(|value| entry(value, None)),
                    Some(Value::Keyed(found)) => {
                        let mut pairs = values.iter().zip(found);
                        values.len() == found.len()
                            && pairs.all(|(value, found)| entry(value, Some(found)))
                    }
                    Some(_) => false,
                }
            }
            (Value::Struct(values), Type::Struct(old), Type::Struct(new)) => {
                let found = match found {
                    None => None,
                    Some(Value::Struct(found)) if found.len() == new.len() => Some(found),
                    Some(_) => return false,
                };
                let Some(plan) = self.plan(from, to) else { return false };
                new.iter().zip(plan.iter()).enumerate().all(|(place, (field, source))| {
                    let found = found.map(|found| &found[place]);
                    let equals = |expected: Value| found.is_none_or(|found| *found == expected);
                    match source {
                        Source::Old(index) => {
                            self.is(&values[*index], &old[*index].ty, &field.ty, found)
                        }
                        Source::Default => equals(Value::default_of(&field.ty)),
                        Source::Nothing => equals(Value::Optional(None)),
                        Source::Refused => false,
                    }
                })
            }
            (Value::Enum(index, value), Type::Enum(from), Type::Enum(to)) => {
                let (name, from) = &from[*index];
                let Some(index) = to.iter().position(|(other, _)| other == name) else {
                    return false;
                };
                match (value, from, &to[index].1, found) {
                    (None, None, None, found) => {
                        found.is_none_or(|found| *found == Value::Enum(index, None))
                    }
                    (Some(value), Some(from), Some(to), None) => self.is(value, from, to, None),
                    (Some(value), Some(from), Some(to), Some(Value::Enum(place, Some(found)))) => {
                        *place == index && self.is(value, from, to, Some(found))
                    }
                    _ => false,
                }
            }
            // Where neither side of an edit has this pair, and serde's own rules say no.
            _ => false,
        }
    }
}

#[test]
fn a_walk_tells_values_apart() {
    let field = |name, ty| Field { name, aliases: Vec::new(), has_default: true, ty };
    let old = Type::Struct(vec![field("alpha", Type::I64), field("beta", Type::Text)]);
    let new = Type::Struct(vec![field("beta", Type::Text), field("gamma", Type::U8)]);
    let text = |text: &str| Value::Text(text.to_owned());
    let value = Value::Struct(vec![Value::I64(-1), text("b")]);
    let became = |values: Vec<Value>| value.became(&old, &new, &Value::Struct(values));
    assert!(value.fits(&old, &new));
    assert!(became(vec![text("b"), Value::U8(0)]));
    assert!(!became(vec![text("c"), Value::U8(0)]), "another text");
    assert!(!became(vec![text("b"), Value::U8(1)]), "another default");
    assert!(!became(vec![text("b")]), "a field less");
    assert!(!value.became(&old, &new, &text("b")), "another kind");
    let small = Type::Struct(vec![field("alpha", Type::U8)]);
    assert!(!value.fits(&old, &small), "a negative number has no place there");
    let other = Value::Struct(vec![Value::I64(-1), text("c")]);
    assert_eq!(value.digest(), value.clone().digest());
    assert_ne!(value.digest(), other.digest());
}
