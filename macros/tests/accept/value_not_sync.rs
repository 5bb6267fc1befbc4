use std::sync::atomic::{AtomicU32, Ordering};

use liveswap_macros::hot;

#[hot]
static COUNT: AtomicU32 = AtomicU32::new(1);

#[test]
fn an_atomic_is_shared_by_all_threads() {
    COUNT.with(|count| count.fetch_add(1, Ordering::Relaxed));
    assert_eq!(COUNT.with(|count| count.load(Ordering::Relaxed)), 2);
}
