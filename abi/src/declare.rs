//! The macros that declare a hot crate and choose between the replaceable and the plain form of a function.

/// Whether hot functions can be replaced in this build: debug assertions are on, or the feature `always` is.
pub const ACTIVE: bool = cfg!(any(debug_assertions, feature = "always"));

/// Keeps the first group where hot functions are replaceable, the second where they are left as written.
#[cfg(any(debug_assertions, feature = "always"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __choose {
    ({ $($active:tt)* } { $($inactive:tt)* }) => { $($active)* };
}

/// Keeps the first group where hot functions are replaceable, the second where they are left as written.
#[cfg(not(any(debug_assertions, feature = "always")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __choose {
    ({ $($active:tt)* } { $($inactive:tt)* }) => { $($inactive)* };
}

/// Builds one manifest record as a `&'static [u8]` constant expression.
#[doc(hidden)]
#[macro_export]
macro_rules! __record {
    ($($part:expr),* $(,)?) => {{
        const PARTS: &[&::core::primitive::str] = &[$($part),*];
        #[used]
        #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".liveswap"))]
        #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__liveswap"))]
        static RECORD: [::core::primitive::u8; $crate::manifest::record_len(PARTS)] = $crate::manifest::record(PARTS);
        &RECORD
    }};
}

/// Declares the crate hot; stands once, at the crate's root, and needs no `use`.
///
/// It adds `pub fn hot_crate()`, which is what a host starts its runtime with. In a build whose hot functions are
/// not replaceable that function is all it adds.
///
/// ```
/// liveswap_abi::hot_crate!();
/// # fn main() {
/// assert_eq!(hot_crate().name(), env!("CARGO_CRATE_NAME"));
/// # }
/// ```
#[macro_export]
macro_rules! hot_crate {
    () => {
        $crate::__choose! {
            {
                #[doc(hidden)]
                #[allow(clippy::pub_use)]
                pub mod hot_crate {
                    // A slice is found by its name in the whole program, which may contain several hot crates.
                    $crate::__private::pastey::paste! {
                        #[$crate::__private::linkme::distributed_slice]
                        #[linkme(crate = $crate::__private::linkme)]
                        pub static [<FUNCTIONS_OF_ env!("CARGO_CRATE_NAME"):upper>]:
                            [&'static $crate::function::FunctionEntry];
                        pub use [<FUNCTIONS_OF_ env!("CARGO_CRATE_NAME"):upper>] as FUNCTIONS;

                        #[$crate::__private::linkme::distributed_slice]
                        #[linkme(crate = $crate::__private::linkme)]
                        pub static [<HOOKS_OF_ env!("CARGO_CRATE_NAME"):upper>]:
                            [&'static $crate::hook::HookEntry];
                        pub use [<HOOKS_OF_ env!("CARGO_CRATE_NAME"):upper>] as HOOKS;

                        #[$crate::__private::linkme::distributed_slice]
                        #[linkme(crate = $crate::__private::linkme)]
                        pub static [<MIGRATIONS_OF_ env!("CARGO_CRATE_NAME"):upper>]:
                            [&'static $crate::state::Migration];
                        pub use [<MIGRATIONS_OF_ env!("CARGO_CRATE_NAME"):upper>] as MIGRATIONS;
                    }

                    ::std::thread_local! {
                        static RECORD: $crate::LocalRecord = const { ::core::cell::Cell::new(::core::option::Option::None) };
                        static EXIT: $crate::ThreadExit =
                            const { $crate::ThreadExit::new(&RECORD) };
                    }

                    #[inline(always)]
                    pub fn local() -> ::core::option::Option<$crate::gate::Claim> {
                        RECORD.get()
                    }

                    fn functions() -> &'static [&'static $crate::function::FunctionEntry] {
                        &FUNCTIONS
                    }

                    fn hooks() -> &'static [&'static $crate::hook::HookEntry] {
                        &HOOKS
                    }

                    fn migrations() -> &'static [&'static $crate::state::Migration] {
                        &MIGRATIONS
                    }

                    fn attach(_: &'static $crate::HotCrate) -> ::core::option::Option<$crate::gate::Claim> {
                        $crate::attach(&CRATE, &RECORD, &EXIT)
                    }

                    struct Identity;

                    static MANIFEST: &[u8] = $crate::__record!(
                        "crate=", ::core::env!("CARGO_CRATE_NAME"),
                        "\nformat=", $crate::manifest::FORMAT,
                        "\nversion=", ::core::env!("CARGO_PKG_VERSION"),
                        "\nkind=standalone",
                        "\nseal=", $crate::manifest::NO_SEAL,
                        "\nabi=", $crate::manifest::ABI,
                        "\nrustc=", $crate::manifest::RUSTC,
                        "\ntarget=", $crate::manifest::TARGET,
                        "\ntarget_features=", $crate::manifest::TARGET_FEATURES,
                        "\npanic=", $crate::manifest::PANIC,
                        "\ndebug_assertions=", $crate::manifest::DEBUG_ASSERTIONS,
                        "\n",
                    );

                    #[$crate::__private::linkme::distributed_slice($crate::HOT_CRATES)]
                    #[linkme(crate = $crate::__private::linkme)]
                    static LISTED: &'static $crate::HotCrate = &CRATE;

                    // Not the crate itself: the loader binds an exported name to the program's own, also in an artifact's code.
                    #[unsafe(export_name = ::core::concat!("__liveswap_", ::core::env!("CARGO_CRATE_NAME")))]
                    pub static EXPORTED: &$crate::HotCrate = &CRATE;

                    pub static CRATE: $crate::HotCrate = $crate::HotCrate::new(
                        ::core::env!("CARGO_CRATE_NAME"),
                        true,
                        ::core::any::TypeId::of::<Identity>(),
                        MANIFEST,
                        functions,
                        hooks,
                        migrations,
                        attach,
                    );
                }

                /// This crate, for a runtime to be started with.
                #[must_use]
                pub fn hot_crate() -> &'static $crate::HotCrate {
                    &hot_crate::CRATE
                }
            }
            {
                /// This crate, for a runtime to be started with.
                #[must_use]
                pub fn hot_crate() -> &'static $crate::HotCrate {
                    struct Identity;
                    static CRATE: $crate::HotCrate = $crate::HotCrate::new(
                        ::core::env!("CARGO_CRATE_NAME"),
                        false,
                        ::core::any::TypeId::of::<Identity>(),
                        &[],
                        || &[],
                        || &[],
                        || &[],
                        |_| ::core::option::Option::None,
                    );
                    &CRATE
                }
            }
        }
    };
}
