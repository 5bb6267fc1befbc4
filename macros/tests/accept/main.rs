//! The passing twin of every refusal: what its message says to do instead, and that it works.

#![allow(clippy::unwrap_used)]

liveswap_abi::hot_crate!();

mod async_fn;
mod cfg_on_an_argument;
mod const_fn;
mod const_parameter;
mod generic_type;
mod hook_signature;
mod impl_trait_argument;
mod impl_trait_result;
mod inferred_type;
mod layout_not_described;
mod layout_of_a_union;
mod lifetime_ambiguous;
mod lifetime_bound;
mod lifetime_in_no_argument;
mod lifetime_not_declared;
mod method;
mod migrate_result;
mod migrate_signature;
mod naked;
mod never;
mod no_hot_crate;
mod on_a_block;
mod on_a_constant;
mod on_a_declaration;
mod on_a_module;
mod on_a_type;
mod on_another_item;
mod rewritten_below;
mod self_check_result;
mod self_in_body;
mod self_in_signature;
mod target_feature;
mod track_caller;
mod twice;
mod value_exported;
mod value_kept;
mod value_mutable;
mod value_not_copy;
mod value_not_sync;
mod value_twice;
mod variadic;
mod where_clause;
mod with_arguments;
