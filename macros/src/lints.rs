//! Lints about what the user wrote, which must not be said again of what the macros write.

use proc_macro2::TokenStream;
use quote::quote;

/// Lints about the user's types, which have been said where the user wrote them.
///
/// Each is named, because a group cannot be allowed where a crate forbids one of its lints.
pub(crate) fn types_again() -> TokenStream {
    quote! {
        #[allow(
            single_use_lifetimes, unused_lifetimes, clippy::absolute_paths, clippy::alloc_instead_of_core,
            clippy::borrowed_box, clippy::box_collection, clippy::disallowed_types,
            clippy::elidable_lifetime_names, clippy::linkedlist, clippy::mut_mut,
            clippy::needless_lifetimes, clippy::option_option, clippy::owned_cow, clippy::rc_buffer,
            clippy::rc_mutex, clippy::redundant_allocation, clippy::ref_option, clippy::ref_option_ref,
            clippy::std_instead_of_alloc, clippy::std_instead_of_core, clippy::too_many_arguments,
            clippy::trivially_copy_pass_by_ref, clippy::type_complexity, clippy::unnecessary_box_returns,
            clippy::vec_box
        )]
    }
}
