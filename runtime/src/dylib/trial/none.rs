//! Systems on which no copy of the process is made: everything is loaded untried.

use std::path::Path;
use std::time::Duration;

use crate::initializers::Trial;

/// Tries nothing.
///
/// # Safety
///
/// None is needed here.
pub(crate) unsafe fn load(_: &Path, _: Duration) -> Trial {
    Trial::Passed
}
