//! Functions that make the new value of a state: what they may look like, and how they are listed.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{format_ident, quote};
use syn::{FnArg, ItemFn, Result, ReturnType, Safety, Signature};

use crate::check::{self, Errors};

/// Refuses a function that a swap could not call with a saved value.
pub(crate) fn check(function: &ItemFn) -> Result<()> {
    let mut errors = Errors::default();
    let signature = &function.sig;
    if let Some(token) = &signature.asyncness {
        errors.push(token, "a swap waits for the new value and polls no future; remove `async`");
    }
    if let Safety::Unsafe(token) = &signature.safety {
        errors.push(token, "a swap calls this function and can promise nothing; remove `unsafe`");
    }
    if let Some(abi) = &signature.abi {
        errors.push(abi, "a swap calls this function as a Rust function; remove `extern`");
    }
    if let Some(parameter) = signature.generics.params.first() {
        errors.push(
            parameter,
            "a swap calls this function and would not know what to put for a parameter; write `Saved<'_>` for the \
             argument",
        );
    }
    let arguments: Vec<&FnArg> = signature.inputs.iter().collect();
    match arguments[..] {
        [_] => {}
        [] => errors.push(
            &signature.ident,
            "a migration makes the new value of the former one; take it as `old: Saved<'_>`",
        ),
        [_, second, ..] => errors.push(
            second,
            "a migration is given the former value and nothing else; keep one argument, `old: Saved<'_>`",
        ),
    }
    if matches!(signature.output, ReturnType::Default) {
        errors.push(
            &signature.ident,
            "a migration answers with the new value or why there is none; add `-> Result<TheType, String>`",
        );
    }
    check::attributes(&function.attrs, &mut errors);
    errors.into_result()
}

/// Both forms of the function, neither of which the user has to call; abi keeps the one for the build at hand.
pub(crate) fn function(function: &ItemFn) -> TokenStream {
    let active = active(function);
    quote! {
        ::liveswap_abi::__choose! { { #active } { #[allow(dead_code)] #function } }
    }
}

/// The function, which stays what it is, with its entry in the image's list inside it.
fn active(function: &ItemFn) -> TokenStream {
    let ItemFn { attrs, vis, sig, block, .. } = function;
    let body = Signature { ident: format_ident!("__body"), ..sig.clone() };
    let name = sig.ident.to_string();
    let mut forwarded = sig.clone();
    if let Some(FnArg::Typed(argument)) = forwarded.inputs.first_mut() {
        *argument.pat = syn::parse_quote!(__old);
    }
    let result = match &sig.output {
        ReturnType::Type(_, result) => quote!(#result),
        ReturnType::Default => quote!(()),
    };
    let inside = quote! {
        use crate::hot_crate as __hot_crate;

        #[allow(clippy::missing_const_for_fn, clippy::single_call_fn, clippy::too_many_lines, clippy::unnecessary_wraps)]
        #body #block

        static __MIGRATION: ::liveswap_abi::state::Migration = ::liveswap_abi::state::Migration::new::<#result>(
            ::core::concat!(::core::module_path!(), "::", #name),
            |__bytes, __depth| ::liveswap_abi::state::migrated::<#result>(__body, __bytes, __depth),
        );

        #[::liveswap_abi::__private::linkme::distributed_slice(__hot_crate::MIGRATIONS)]
        #[linkme(crate = ::liveswap_abi::__private::linkme)]
        static __ENTRY: &'static ::liveswap_abi::state::Migration = &__MIGRATION;

        __body(__old)
    };
    let mut inside = Group::new(Delimiter::Brace, inside);
    inside.set_span(block.brace_token.span.join());
    quote! {
        #[allow(dead_code)]
        #(#attrs)*
        #vis #forwarded #inside
    }
}
