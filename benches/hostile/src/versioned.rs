//! Types that look the same in every version and say that they do not.

use liveswap_abi::layout::{Describer, Layout};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{fault, numbers};

/// A part of a state; another one wherever the version's number of its layout is another one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Edition;

// SAFETY: it has no bytes, so code of any version may use those of any other.
unsafe impl Layout for Edition {
    const EXTENT: Option<(usize, usize)> = Some((0, 1));

    fn describe(describer: &mut Describer<'_>) {
        describer.variant("Edition", i128::from(numbers()[1]));
    }
}

impl<'de> Deserialize<'de> for Edition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Edition, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename = "Edition")]
        struct Written;

        match fault::current() {
            fault::number::UNREADABLE_STATE => {
                Err(de::Error::custom("this version cannot read what the one before wrote"))
            }
            fault::number::PANIC_IN_MIGRATION => panic!("{} in its migration", fault::MEANT),
            _ => Written::deserialize(deserializer).map(|Written| Edition),
        }
    }
}

/// An argument; another one in versions with the fault of a changed signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape;

// SAFETY: it has no bytes, so code of any version may use those of any other.
unsafe impl Layout for Shape {
    const EXTENT: Option<(usize, usize)> = Some((0, 1));

    fn describe(describer: &mut Describer<'_>) {
        let is_other = fault::current() == fault::number::SIGNATURE;
        describer.variant("Shape", i128::from(is_other));
    }
}
