//! Versions of a file in a row.

use std::vec::IntoIter;

use crate::error::Error;
use crate::lab::Lab;
use crate::outcome::Swap;

/// Versions that are swapped in one after the other as the iterator goes on; made by
/// [`Lab::versions`](crate::Lab::versions).
#[must_use = "a version is swapped in when it is asked for"]
#[derive(Debug)]
pub struct Versions<'lab, T, F> {
    lab: &'lab Lab,
    file: String,
    text: String,
    rest: IntoIter<T>,
    change: F,
}

impl<'lab, T, F> Versions<'lab, T, F> {
    pub(crate) fn new(lab: &'lab Lab, file: String, text: String, all: Vec<T>, change: F) -> Self {
        Self { lab, file, text, rest: all.into_iter(), change }
    }
}

impl<T, F: FnMut(&str, &T) -> String> Iterator for Versions<'_, T, F> {
    type Item = Result<(T, Swap), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let version = self.rest.next()?;
        let text = (self.change)(&self.text, &version);
        let swap = self.lab.write(&self.file, &text).and_then(Lab::swap);
        Some(swap.map(|swap| (version, swap)))
    }
}
