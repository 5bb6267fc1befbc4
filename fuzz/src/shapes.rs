//! Types whose values are read: together they have everything that serde knows.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

/// What a program might keep.
#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "values are only read")]
pub(crate) struct World {
    name: String,
    #[serde(default)]
    age: u64,
    at: [f32; 3],
    shapes: Vec<Shape>,
    by_name: BTreeMap<String, Shape>,
    by_number: HashMap<u32, Option<Box<World>>>,
    #[serde(default, alias = "renamed")]
    marks: Option<Vec<(u8, char)>>,
    nested: Option<Option<()>>,
}

/// Every kind of variant, and of number.
#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "values are only read")]
pub(crate) enum Shape {
    Nothing,
    Number(i128),
    Both(u128, f64),
    Fields {
        small: i8,
        flag: bool,
        #[serde(default)]
        text: String,
    },
    Wrapped(Wrapped),
}

/// A newtype.
#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "values are only read")]
pub(crate) struct Wrapped(i64);

/// As deep as it likes to be.
#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "values are only read")]
pub(crate) enum Tree {
    Leaf(u8),
    Text(String),
    Branches(Vec<Tree>),
    Named(BTreeMap<String, Tree>),
}
