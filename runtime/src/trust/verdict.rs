//! What can be said of an artifact without starting a program.

use std::io;
use std::path::Path;

use super::signature::Signature;
use super::{Failure, Owners};
use crate::event::{Difference, Signed};
use crate::file;

/// What is known of a file's trustworthiness without starting a program, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Owner and permissions in words; `None` where the system has none.
    pub owned_by: Option<String>,
    /// Why a program of this user in the artifact's directory would refuse it by [`Trust::Owned`](crate::Trust::Owned); `None` if it takes it.
    pub refused: Option<Difference>,
    /// The signature beside it, not verified: that takes a key.
    pub signature: Option<Signed>,
}

/// Judges the artifact at `path` as a program of this user would that is in the same directory.
///
/// # Errors
///
/// What the system says if it cannot be opened.
pub fn look(path: &Path) -> io::Result<Verdict> {
    let path = std::path::absolute(path)?;
    let owners = Owners::of_program_in(path.parent().unwrap_or(&path));
    let (_, metadata) = file::open_regular(&path)?;
    let refused = match owners.open(&path) {
        Ok(_) => None,
        Err(Failure::Untrusted(difference)) => Some(difference),
        Err(Failure::Open(failure)) => return Err(failure.into()),
    };
    let owned_by = Owners::describe(&metadata);
    let signature = Signature::read(&path).ok().map(Signature::into_signed);
    Ok(Verdict { owned_by, refused, signature })
}

/// Whether programs of this user that are in `directory` may keep their stages there by [`Trust`](crate::Trust)'s rule for directories;
/// if not, why.
///
/// # Errors
///
/// What the system says if one of the directories cannot be looked at.
pub fn look_at_directory(directory: &Path) -> io::Result<Option<Difference>> {
    let owners = Owners::of_program_in(directory);
    match owners.directory(directory) {
        Ok(()) => Ok(None),
        Err(Failure::Untrusted(difference)) => Ok(Some(difference)),
        Err(Failure::Open(failure)) => Err(failure.into()),
    }
}
