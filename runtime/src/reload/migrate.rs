//! The step before the swap that makes the new values of states, and what follows it after the swap.

use liveswap_abi::HotCrate;
use liveswap_abi::state::{Carried, Committed, StateTypes};

use super::Owner;
use crate::event::{Event, Refusal, Timings};
use crate::state;

impl Owner {
    /// Makes the new values of all states whose layout is another one in `image`; nothing is changed yet.
    pub(super) fn migrate(&self, image: &'static HotCrate) -> Result<Carried, Refusal> {
        state::carry(self.host.name(), StateTypes::of(image), self.settings.migrate_deadline)
    }

    /// Lets everybody open the states again, after the swap, and drops their former values while the code that made them
    /// is still there.
    pub(super) fn migrated(&self, committed: Committed, timings: &mut Timings) {
        let report = committed.finish();
        timings.paused = report.paused;
        for (state, message) in report.panics {
            let location = format!("the destructor of the former value of state `{state}`");
            self.announcer.tell(&Event::Panicked { message, location });
        }
    }
}
