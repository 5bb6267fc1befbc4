//! A value of state as it was written, for a function that makes a new value of it.

use std::fmt;

use serde::Deserialize;

use super::format;

/// The former value of a state, as its own code wrote it; what a `#[hot(migrate)]` function is given.
///
/// It can be read as any type that fits, as often as one likes: as a struct of the old shape that stays beside the function,
/// as the new type itself to see whether that would do, or as a tuple or map of a part of it.
///
/// ```
/// use liveswap_abi::state::Saved;
/// use serde::Deserialize;
///
/// struct Player {
///     health: f32,
/// }
///
/// fn player(old: Saved<'_>) -> Result<Player, String> {
///     #[derive(Deserialize)]
///     struct Old {
///         hearts: u8,
///     }
///     let Old { hearts } = old.read()?;
///     Ok(Player { health: f32::from(hearts) / 3.0 })
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Saved<'a> {
    bytes: &'a [u8],
    depth: usize,
}

impl<'a> Saved<'a> {
    pub(super) fn new(bytes: &'a [u8], depth: usize) -> Saved<'a> {
        Saved { bytes, depth }
    }

    /// Reads it as a `T`; fields meet by name, as serde's attributes of `T` say.
    ///
    /// # Errors
    ///
    /// Where and why it does not fit, in words.
    pub fn read<T: Deserialize<'a>>(self) -> Result<T, String> {
        format::read(self.bytes, self.depth).map_err(|error| error.to_string())
    }
}

impl fmt::Debug for Saved<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saved").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}
