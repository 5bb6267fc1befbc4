//! Lints about what the user wrote, which must not be said again of what the macros write.

use std::env;
use std::path::Path;
use std::sync::LazyLock;

use proc_macro2::TokenStream;
use quote::quote;

/// Lints about the user's types, which have been said where the user wrote them.
///
/// Each is named, because a group cannot be allowed where a crate forbids one of its lints.
pub(crate) fn types_again() -> TokenStream {
    let clippy = clippy(|| {
        quote! {
            #[allow(
                clippy::absolute_paths, clippy::alloc_instead_of_core, clippy::borrowed_box,
                clippy::box_collection, clippy::disallowed_types, clippy::elidable_lifetime_names,
                clippy::linkedlist, clippy::mut_mut, clippy::needless_lifetimes, clippy::option_option,
                clippy::owned_cow, clippy::rc_buffer, clippy::rc_mutex, clippy::redundant_allocation,
                clippy::ref_option, clippy::ref_option_ref, clippy::std_instead_of_alloc,
                clippy::std_instead_of_core, clippy::too_many_arguments,
                clippy::trivially_copy_pass_by_ref, clippy::type_complexity,
                clippy::unnecessary_box_returns, clippy::vec_box
            )]
        }
    });
    quote! {
        #[allow(single_use_lifetimes, unused_lifetimes)]
        #clippy
    }
}

/// Attributes that only Clippy reads, where it is what compiles.
///
/// The compiler knows none of these lints, and takes a seventh of a small hot crate's build to read them all.
pub(crate) fn clippy(attributes: impl FnOnce() -> TokenStream) -> Option<TokenStream> {
    static LISTENS: LazyLock<bool> = LazyLock::new(|| {
        // Cargo's subcommand sets the variable; other build systems start the driver themselves.
        let is_driver =
            |program: &Path| program.file_stem().is_some_and(|name| name == "clippy-driver");
        env::var_os("CLIPPY_ARGS").is_some()
            || env::current_exe().is_ok_and(|program| is_driver(&program))
    });
    LISTENS.then(attributes)
}
