//! The host's record of a hot crate that the host was not linked with.
//!
//! It has no functions, so its generation 0 is an empty table, and no thread-locals of its own: the records of a thread are in
//! one list here, which is looked through at every call from outside.

use std::any::TypeId;
use std::cell::RefCell;

use crate::gate::Claim;
use crate::hot_crate::HotCrate;

thread_local! {
    static RECORDS: Records = const { Records(RefCell::new(Vec::new())) };
}

/// The records of one thread, given back when it ends.
struct Records(RefCell<Vec<(&'static HotCrate, Claim)>>);

impl HotCrate {
    /// The record of the crate `name`, whose code comes from artifacts only.
    #[must_use]
    pub fn without_code(name: &'static str) -> HotCrate {
        struct NoIdentity;
        HotCrate::new(
            name,
            crate::ACTIVE,
            TypeId::of::<NoIdentity>(),
            &[],
            || &[],
            || &[],
            || &[],
            attach,
        )
    }
}

/// Finds or claims the calling thread's record; `None` while the thread's locals are being destroyed.
fn attach(host: &'static HotCrate) -> Option<Claim> {
    let find_or_claim = |records: &Records| {
        let mut records = records.0.borrow_mut();
        let known = records.iter().find(|(known, _)| std::ptr::eq(*known, host));
        if let Some((_, claim)) = known {
            return *claim;
        }
        let claim = host.gate().claim();
        claim.set_name(std::thread::current().name().unwrap_or_default());
        records.push((host, claim));
        claim
    };
    RECORDS.try_with(find_or_claim).ok()
}

impl Drop for Records {
    fn drop(&mut self) {
        for (_, claim) in self.0.get_mut().drain(..) {
            claim.release();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::Dispatch;

    fn crate_without_code(name: &'static str) -> &'static HotCrate {
        Box::leak(Box::new(HotCrate::without_code(name)))
    }

    fn publish(host: &'static HotCrate, number: u64) -> &'static Dispatch {
        let table: &'static Dispatch = Box::leak(Dispatch::new(number, Vec::new()));
        host.gate().swap(table).1.expect("the fence works where tests run");
        table
    }

    #[test]
    fn each_crate_has_its_own_record_of_a_thread() {
        let [one, other] = ["one", "other"].map(crate_without_code);
        let (first, _) = (publish(one, 1), publish(other, 7));
        let pin = one.pin();
        publish(one, 2);
        publish(other, 8);
        assert_eq!((pin.generation(), other.pin().generation()), (1, 8));
        assert!(one.gate().is_held(first));
        assert_eq!(one.pin().generation(), 1, "the outermost pin decides, on one record");
        drop(pin);
        assert!(!one.gate().is_held(first));
    }

    #[test]
    fn a_record_is_given_back_when_its_thread_ends() {
        let host = crate_without_code("short");
        let table = publish(host, 1);
        for _ in 0..3 {
            std::thread::spawn(move || drop(host.pin())).join().expect("it only pins");
        }
        publish(host, 2);
        assert!(!host.gate().is_held(table));
        assert_eq!(host.gate().holds(table), []);
    }
}
