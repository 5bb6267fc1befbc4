//! Functions in a file two modules down.

use liveswap_macros::hot;

#[hot]
pub(super) fn name() -> &'static str {
    "deeper"
}

pub(super) mod inside {
    use liveswap_macros::hot;

    #[hot]
    pub fn name() -> &'static str {
        "inside"
    }

    #[hot]
    pub(in crate::names) fn visible() -> &'static str {
        private()
    }

    #[hot]
    fn private() -> &'static str {
        "visible"
    }
}

/// A hot function inside another one.
#[hot]
pub(super) fn local() -> u32 {
    #[hot]
    fn three() -> u32 {
        3
    }

    three()
}
