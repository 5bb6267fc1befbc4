//! Values of hot code that the program keeps, each of which goes on with the code that made it.

use liveswap_abi::{Lease, lease};
use liveswap_macros::hot;

use crate::course::Course;
use crate::leftovers::Parting;
use crate::{advance, numbers};

/// What tells, for as long as it is kept, which version made it.
pub trait Witness: Send {
    /// A result that tells which version computed it, as that of [`stamp`](crate::stamp) does.
    ///
    /// Hot functions are called on the way, and their results counted where they are wrong.
    fn testify(&mut self, state: u64) -> u64;
}

/// Calls hot functions when it is dropped.
struct Sworn {
    parting: Parting,
    /// On the heap, and written by the version that made it.
    oath: String,
}

impl Witness for Sworn {
    fn testify(&mut self, state: u64) -> u64 {
        self.parting.call(state);
        let is_whole = self.oath == oath();
        advance(state) ^ if is_whole { numbers()[0] } else { u64::MAX }
    }
}

/// A witness of the version that is called.
#[hot]
pub fn witness(course: &'static Course) -> Lease<dyn Witness> {
    lease!(Sworn { parting: Parting::on(course), oath: oath() } => dyn Witness)
}

fn oath() -> String {
    format!("version {}, and no other", numbers()[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_tells_its_version_and_is_under_way_until_it_is_dropped() {
        let course: &'static Course = Box::leak(Box::default());
        let mut witness = witness(course);
        assert_eq!(crate::version_of(7, witness.testify(7)), crate::version());
        assert_eq!(course.under_way(), 1);
        let (calls, _) = course.calls_and_wrong();
        drop(witness);
        assert_eq!(course.under_way(), 0);
        assert!(course.calls_and_wrong().0 > calls, "its destructor calls");
    }
}
