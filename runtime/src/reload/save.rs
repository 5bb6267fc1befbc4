//! Saving the named states because the `cargo liveswap` that started the program is about to end it.

use std::thread::Builder;

use liveswap_abi::state::STACK;

use super::Owner;
use crate::state;
use crate::wire::NotSaved;

const THREAD: &str = "liveswap-save";

impl Owner {
    /// Saves them on a thread of its own, because somebody may have one open for as long as it likes; the answer is sent
    /// when all are written.
    pub(super) fn save_states(&mut self) {
        if self.saving.as_ref().is_some_and(|thread| !thread.is_finished()) {
            // Its answer is the answer to this question, too.
            return;
        }
        if let Some(former) = self.saving.take() {
            // A panic of the thread has been shown where it happened.
            let _ = former.join();
        }
        let announcer = self.announcer.clone();
        let thread = Builder::new().name(THREAD.to_owned()).stack_size(STACK).spawn(move || {
            let saved = state::save();
            let failed = saved.failures.into_iter().map(|(name, why)| NotSaved { name, why });
            announcer.tell_saved(saved.files.into_keys().collect(), failed.collect());
        });
        match thread {
            Ok(thread) => self.saving = Some(thread),
            Err(error) => {
                let why = format!("the thread `{THREAD}` could not be started: {error}");
                let failed = NotSaved { name: "*".to_owned(), why };
                self.announcer.tell_saved(Vec::new(), vec![failed]);
            }
        }
    }
}
