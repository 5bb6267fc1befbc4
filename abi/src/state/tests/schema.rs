//! Types as data, and what an edit makes of one.

/// A source of chance whose seed can be printed.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    pub(super) fn bits(&mut self) -> u64 {
        (self.below(1 << 32) as u64) << 32 | self.below(1 << 32) as u64
    }
}

/// A type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Type {
    Bool,
    U8,
    I64,
    I128,
    F64,
    Char,
    Text,
    Optional(Box<Type>),
    List(Box<Type>),
    Keyed(Box<Type>, Box<Type>),
    Struct(Vec<Field>),
    Enum(Vec<(&'static str, Option<Type>)>),
}

/// A field of a struct, with the attributes that decide whether and how it is found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) aliases: Vec<&'static str>,
    pub(super) has_default: bool,
    pub(super) ty: Type,
}

/// Names, all of one kind, so that edits meet each other.
pub(super) const NAMES: [&str; 8] =
    ["alpha", "beta", "gamma", "delta", "eps", "zeta", "eta", "theta"];

impl Type {
    pub(super) fn any(chance: &mut Chance, depth: usize) -> Type {
        match chance.below(if depth == 0 { 7 } else { 12 }) {
            0 => Type::Bool,
            1 => Type::U8,
            2 => Type::I64,
            3 => Type::I128,
            4 => Type::F64,
            5 => Type::Char,
            6 => Type::Text,
            7 => Type::Optional(Box::new(Type::any(chance, depth - 1))),
            8 => Type::List(Box::new(Type::any(chance, depth - 1))),
            9 => {
                let key = if chance.below(2) == 0 { Type::I64 } else { Type::Char };
                Type::Keyed(Box::new(key), Box::new(Type::any(chance, depth - 1)))
            }
            10 => Type::record(chance, depth - 1),
            _ => {
                let count = 1 + chance.below(3);
                let variant = |chance: &mut Chance, name| {
                    let ty = (chance.below(2) == 0).then(|| Type::any(chance, depth - 1));
                    (name, ty)
                };
                Type::Enum(NAMES[..count].iter().map(|name| variant(chance, *name)).collect())
            }
        }
    }

    pub(super) fn record(chance: &mut Chance, depth: usize) -> Type {
        let count = 1 + chance.below(3);
        let fields = NAMES[..count].iter();
        Type::Struct(fields.map(|name| Field::any(chance, name, depth)).collect())
    }

    /// One edit somewhere in it.
    pub(super) fn edit(&mut self, chance: &mut Chance) {
        match self {
            Type::Struct(fields) => edit_fields(fields, chance),
            Type::Enum(variants) => match chance.below(3) {
                0 => {
                    if let Some(name) = free(chance, variants.iter().map(|(name, _)| *name)) {
                        let place = chance.below(variants.len() + 1);
                        variants.insert(place, (name, None));
                    }
                }
                1 if variants.len() > 1 => {
                    variants.remove(chance.below(variants.len()));
                }
                _ => {
                    let index = chance.below(variants.len());
                    if let (_, Some(ty)) = &mut variants[index] {
                        ty.edit(chance);
                    }
                }
            },
            Type::Optional(inner) | Type::List(inner) | Type::Keyed(_, inner) => inner.edit(chance),
            Type::U8 => *self = Type::I64,
            Type::I64 => *self = [Type::I128, Type::U8, Type::Text][chance.below(3)].clone(),
            plain => *plain = Type::Optional(Box::new(plain.clone())),
        }
    }
}

impl Field {
    fn any(chance: &mut Chance, name: &'static str, depth: usize) -> Field {
        let ty = Type::any(chance, depth);
        Field { name, aliases: Vec::new(), has_default: chance.below(2) == 0, ty }
    }
}

fn edit_fields(fields: &mut Vec<Field>, chance: &mut Chance) {
    let index = chance.below(fields.len());
    let names = fields.iter().flat_map(|field| field.aliases.iter().copied().chain([field.name]));
    let name = free(chance, names);
    match (chance.below(8), name) {
        // Added, twice as often as removed with care.
        (0 | 1, Some(name)) if fields.len() < 5 => {
            let mut field = Field::any(chance, name, 1);
            field.has_default = chance.below(4) > 0;
            fields.insert(index, field);
        }
        (2, _) if fields.len() > 1 => {
            fields.remove(index);
        }
        // Renamed, mostly with an alias.
        (3, Some(name)) => {
            let old = std::mem::replace(&mut fields[index].name, name);
            fields[index].aliases = if chance.below(4) > 0 { vec![old] } else { Vec::new() };
        }
        (4, _) => fields.rotate_left(index),
        // Made anew: another type under the same name.
        (5, _) => fields[index].ty = Type::any(chance, 1),
        _ => fields[index].ty.edit(chance),
    }
}

fn free(chance: &mut Chance, taken: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let taken: Vec<&str> = taken.collect();
    let free: Vec<_> = NAMES.into_iter().filter(|name| !taken.contains(name)).collect();
    (!free.is_empty()).then(|| free[chance.below(free.len())])
}
