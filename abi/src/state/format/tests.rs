//! What is written comes back, or is refused with its place.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{DEPTH, read, tag, write};

fn bytes<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(value, DEPTH, &mut bytes).unwrap();
    bytes
}

fn through<A: Serialize, B: DeserializeOwned>(value: &A) -> Result<B, String> {
    read(&bytes(value), DEPTH).map_err(|error| error.to_string())
}

fn same<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T) {
    assert_eq!(through::<T, T>(&value).as_ref(), Ok(&value));
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
enum Shape {
    Unit,
    Newtype(Option<()>),
    Tuple(u8, String),
    Struct { side: f32, next: Option<Box<Shape>> },
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Nothing;

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Wrapped(Option<Option<u8>>);

#[test]
fn every_value_of_serde_comes_back() {
    same((true, false, 'ß', '\u{10ffff}', ()));
    same((u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX, 0_u128, u128::from(u64::MAX)));
    same((i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN, i128::MAX, -1_i128));
    same((i64::MAX, -1_i64, 63_i64, 127_u64, 128_u64));
    same((f32::MIN_POSITIVE, f64::INFINITY, -0.0_f64));
    same(vec![Some(String::from("a")), None, Some(String::new())]);
    same([Some(Some(Some(1_u8))), Some(Some(None)), Some(None), None]);
    same([Some(()), None]);
    same((Nothing, Wrapped(None), Wrapped(Some(None)), Wrapped(Some(Some(3)))));
    same(BTreeMap::from([((1_u8, 'a'), vec![1_u32]), ((2, 'b'), vec![])]));
    same(BTreeMap::from([(None, 1_u8), (Some(vec![-1_i8]), 2)]));
    let shapes = [
        Shape::Unit,
        Shape::Newtype(None),
        Shape::Newtype(Some(())),
        Shape::Tuple(7, "seven".into()),
        Shape::Struct { side: 1.5, next: Some(Box::new(Shape::Unit)) },
    ];
    same(shapes.to_vec());
    same(BTreeMap::from([("a".to_owned(), shapes)]));
}

#[test]
fn a_float_keeps_every_bit() {
    for bits in [0x7ff8_0000_0000_0001_u64, 0xfff0_0000_0000_0001, 0x8000_0000_0000_0000, 1] {
        let back: f64 = through(&f64::from_bits(bits)).unwrap();
        assert_eq!(back.to_bits(), bits);
    }
    for bits in [0x7fc0_1234_u32, 0xff80_0001, 0x8000_0000, 1] {
        let back: f32 = through(&f32::from_bits(bits)).unwrap();
        assert_eq!(back.to_bits(), bits);
    }
}

struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_byte_buf(Visitor)
    }
}

#[test]
fn bytes_are_not_a_list() {
    let value = Bytes((0..=255).collect());
    assert_eq!(bytes(&value).len(), 1 + 2 + 256);
    assert_eq!(through::<_, Bytes>(&value).unwrap().0, value.0);
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Old {
    name: String,
    health: u32,
    gone: Vec<u8>,
}

#[test]
fn fields_meet_by_name_with_the_attributes_of_serde() {
    #[derive(Deserialize, PartialEq, Debug)]
    struct New {
        #[serde(default)]
        added: Option<u8>,
        #[serde(default = "seven")]
        more: u8,
        #[serde(alias = "health")]
        hearts: u64,
        #[serde(rename = "name")]
        title: String,
    }
    fn seven() -> u8 {
        7
    }
    let old = Old { name: "Ann".into(), health: 9, gone: vec![1] };
    let new = New { added: None, more: 7, hearts: 9, title: "Ann".into() };
    assert_eq!(through::<_, New>(&old), Ok(new));

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only whether it can be read matters")]
    struct Strict {
        name: String,
        health: u32,
    }
    let error = through::<_, Strict>(&old).unwrap_err();
    assert!(error.contains("unknown field `gone`"), "{error}");
}

#[test]
fn flattened_untagged_and_tagged_types_come_back() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Outer {
        id: i64,
        #[serde(flatten)]
        inner: Inner,
        #[serde(flatten)]
        rest: BTreeMap<String, Shape>,
    }
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Inner {
        shape: Shape,
        nested: Option<Option<char>>,
    }
    let inner = Inner { shape: Shape::Tuple(1, "t".into()), nested: Some(None) };
    let rest = [("a", Shape::Unit), ("b", Shape::Struct { side: f32::INFINITY, next: None })];
    let rest = rest.map(|(name, shape)| (name.to_owned(), shape)).into();
    same(Outer { id: -5, inner, rest });

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    #[serde(untagged)]
    enum Untagged {
        Number(i64),
        Shape(Shape),
        Pair { a: u8, b: Vec<u8> },
    }
    same([Untagged::Number(-3), Untagged::Shape(Shape::Newtype(None))]);
    same(Untagged::Pair { a: 1, b: vec![2] });

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    #[serde(tag = "kind")]
    enum Tagged {
        A { x: u8 },
        B,
    }
    same([Tagged::A { x: 1 }, Tagged::B]);
}

#[test]
fn a_field_may_become_optional_and_back() {
    assert_eq!(through::<_, Option<u8>>(&5_u8), Ok(Some(5)));
    assert_eq!(through::<_, u8>(&Some(5_u8)), Ok(5));
    assert_eq!(through::<_, Shape>(&Some(Shape::Unit)), Ok(Shape::Unit));
    assert_eq!(through::<_, Option<Shape>>(&Shape::Unit), Ok(Some(Shape::Unit)));
    assert!(through::<_, u8>(&None::<u8>).is_err());
}

#[test]
fn what_does_not_fit_is_named_with_its_place() {
    let old = BTreeMap::from([("players".to_owned(), vec![vec![1_i64], vec![1, 2, -3]])]);
    #[derive(Deserialize, Debug)]
    #[allow(dead_code, reason = "only whether it can be read matters")]
    struct World {
        players: Vec<Vec<u8>>,
    }
    let error = through::<_, World>(&old).unwrap_err();
    assert!(error.starts_with("players[1][2]: invalid value: integer `-3`"), "{error}");
    let error = through::<_, Shape>(&("Unit", 1)).unwrap_err();
    assert!(error.contains("invalid type: sequence"), "{error}");
    assert!(through::<_, (u8, u8)>(&(1_u8, 2_u8, 3_u8)).unwrap_err().contains("more elements"));
}

#[test]
fn no_bytes_are_trusted() {
    let whole = bytes(&vec![Shape::Tuple(7, "seven".into()), Shape::Newtype(None)]);
    for len in 0..whole.len() {
        assert!(read::<Vec<Shape>>(&whole[..len], DEPTH).is_err(), "cut after {len} bytes");
    }
    for index in 0..whole.len() {
        for value in 0..=255 {
            let mut changed = whole.clone();
            changed[index] = value;
            // Whatever it says, it neither panics nor allocates what the bytes only promise.
            let _ = read::<Vec<Shape>>(&changed, DEPTH);
        }
    }
    let mut long = whole.clone();
    long.push(0);
    let error = read::<Vec<Shape>>(&long, DEPTH).unwrap_err().to_string();
    assert_eq!(error, "1 bytes follow the end of the value");
}

#[test]
fn what_is_nested_too_deep_is_an_error_on_both_sides() {
    let mut deep = Shape::Unit;
    for _ in 0..DEPTH {
        deep = Shape::Struct { side: 0.0, next: Some(Box::new(deep)) };
    }
    let mut out = Vec::new();
    let error = write(&deep, DEPTH, &mut out).unwrap_err();
    assert!(error.message().contains("nested too deep"), "{error}");
    out.clear();
    write(&deep, DEPTH * 4, &mut out).unwrap();
    let error = read::<Shape>(&out, DEPTH).unwrap_err();
    assert!(error.message().contains("nested too deep"), "{error}");
    assert_eq!(read::<Shape>(&out, DEPTH * 4).unwrap(), deep);
}

/// Lists in lists: how many elements all of them promised.
#[derive(Debug)]
struct Promised(usize);

impl<'de> Deserialize<'de> for Promised {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Promised, D::Error> {
        struct Lists;
        impl<'de> serde::de::Visitor<'de> for Lists {
            type Value = Promised;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("lists")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> Result<Promised, A::Error> {
                let mut all = seq.size_hint().unwrap_or(0);
                while let Some(Promised(inner)) = seq.next_element()? {
                    all += inner;
                }
                Ok(Promised(all))
            }
        }
        deserializer.deserialize_seq(Lists)
    }
}

#[test]
fn nobody_is_promised_more_than_there_can_be() {
    const DEEP: usize = 100;
    // Each says that it has 2^63 elements, and has one.
    let promise = [[0x80; 9].as_slice(), &[1]].concat();
    let begin = [[tag::LIST].as_slice(), &promise].concat();
    let lists = [begin.repeat(DEEP), vec![tag::END; DEEP]].concat();
    let Promised(all) = read(&lists, DEPTH).unwrap();
    assert!(all <= lists.len(), "{all} of {}", lists.len());
    // What was written promises what is there.
    let Promised(all) = read(&bytes(&vec![vec![vec![0_u8; 0]; 3]; 5]), DEPTH).unwrap();
    assert_eq!(all, 5 + 5 * 3);
}
