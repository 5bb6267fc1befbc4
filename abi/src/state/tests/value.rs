//! Values as data, and what an edit of their type has to make of them: worked out with nothing of the format.

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

    /// What the value has to become; `None` where it must be refused.
    pub(super) fn expected(&self, from: &Type, to: &Type) -> Option<Value> {
        let integer = match self {
            Value::U8(n) => Some(i128::from(*n)),
            Value::I64(n) => Some(i128::from(*n)),
            Value::I128(n) => Some(*n),
            _ => None,
        };
        match (self, from, to) {
            // An optional value may become one that is not, and the other way round.
            (Value::Optional(inner), Type::Optional(from), Type::Optional(to)) => {
                Some(Value::Optional(match inner {
                    Some(inner) => Some(Box::new(inner.expected(from, to)?)),
                    None => None,
                }))
            }
            (Value::Optional(inner), Type::Optional(from), to) => {
                inner.as_ref()?.expected(from, to)
            }
            (value, from, Type::Optional(to)) => {
                Some(Value::Optional(Some(Box::new(value.expected(from, to)?))))
            }
            (_, _, Type::U8) => Some(Value::U8(integer?.try_into().ok()?)),
            (_, _, Type::I64) => Some(Value::I64(integer?.try_into().ok()?)),
            (_, _, Type::I128) => Some(Value::I128(integer?)),
            (Value::F64(n), _, Type::F64) => Some(Value::F64(*n)),
            (_, _, Type::F64) => Some(Value::F64(integer? as f64)),
            (Value::Bool(b), _, Type::Bool) => Some(Value::Bool(*b)),
            (Value::Char(c), _, Type::Char) => Some(Value::Char(*c)),
            (Value::Text(text), _, Type::Char) => {
                let mut chars = text.chars();
                let only = chars.next()?;
                chars.next().is_none().then_some(Value::Char(only))
            }
            (Value::Text(text), _, Type::Text) => Some(Value::Text(text.clone())),
            (Value::Char(c), _, Type::Text) => Some(Value::Text(c.to_string())),
            (Value::Enum(index, None), Type::Enum(variants), Type::Text) => {
                Some(Value::Text(variants[*index].0.to_owned()))
            }
            (Value::Text(text), _, Type::Enum(variants)) => {
                let index = variants.iter().position(|(name, _)| name == text)?;
                variants[index].1.is_none().then_some(Value::Enum(index, None))
            }
            (Value::List(values), Type::List(from), Type::List(to)) => {
                let values = values.iter().map(|value| value.expected(from, to));
                Some(Value::List(values.collect::<Option<_>>()?))
            }
            (Value::Keyed(values), Type::Keyed(from_key, from), Type::Keyed(to_key, to)) => {
                let entry = |(key, value): &(Value, Value)| {
                    Some((key.expected(from_key, to_key)?, value.expected(from, to)?))
                };
                Some(Value::Keyed(values.iter().map(entry).collect::<Option<_>>()?))
            }
            (Value::Struct(values), Type::Struct(from), Type::Struct(to)) => {
                let field = |field: &Field| field.expected(values, from);
                Some(Value::Struct(to.iter().map(field).collect::<Option<_>>()?))
            }
            (Value::Enum(index, value), Type::Enum(from), Type::Enum(to)) => {
                let (name, from) = &from[*index];
                let index = to.iter().position(|(other, _)| other == name)?;
                let value = match (value, from, &to[index].1) {
                    (None, None, None) => None,
                    (Some(value), Some(from), Some(to)) => {
                        Some(Box::new(value.expected(from, to)?))
                    }
                    _ => return None,
                };
                Some(Value::Enum(index, value))
            }
            // Where neither side of an edit has this pair, and serde's own rules say no.
            _ => None,
        }
    }
}

impl Field {
    fn expected(&self, values: &[Value], from: &[Field]) -> Option<Value> {
        let finds =
            |old: &&(&Field, &Value)| old.0.name == self.name || self.aliases.contains(&old.0.name);
        let pairs: Vec<_> = from.iter().zip(values).collect();
        let mut found = pairs.iter().filter(finds);
        match (found.next(), found.next()) {
            (Some((old, value)), None) => value.expected(&old.ty, &self.ty),
            (None, _) if self.has_default => Some(Value::default_of(&self.ty)),
            (None, _) if matches!(self.ty, Type::Optional(_)) => Some(Value::Optional(None)),
            _ => None,
        }
    }
}
