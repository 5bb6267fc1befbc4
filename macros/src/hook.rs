//! Functions that the runtime calls around a swap: what they may look like, and how they are listed.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{format_ident, quote};
use syn::{ItemFn, Result, ReturnType, Safety, Signature, Type};

use crate::check::{self, Errors};
use crate::role::Role;

/// Refuses a function that nobody could call without knowing more than its name.
pub(crate) fn check(function: &ItemFn, role: Role) -> Result<()> {
    let mut errors = Errors::default();
    let signature = &function.sig;
    if let Some(token) = &signature.asyncness {
        errors.push(
            token,
            "the runtime calls this function on a plain thread, where nobody polls a future; remove `async`",
        );
    }
    if let Safety::Unsafe(token) = &signature.safety {
        errors.push(
            token,
            "the runtime calls this function and can promise nothing; remove `unsafe` and keep what it needs inside",
        );
    }
    if let Some(abi) = &signature.abi {
        errors.push(abi, "the runtime calls this function as a Rust function; remove `extern`");
    }
    if let Some(parameter) = signature.generics.params.first() {
        errors.push(
            parameter,
            "the runtime calls this function and would not know what to put for a parameter; remove it",
        );
    }
    if let Some(argument) = signature.inputs.first() {
        errors.push(
            argument,
            "the runtime calls this function without arguments; remove them, and keep what it needs in a `static`",
        );
    }
    match (&signature.output, role) {
        (ReturnType::Default, Role::SelfCheck) => errors.push(
            &signature.ident,
            "a self-check answers with `Result<(), String>`; add `-> Result<(), String>` and end with `Ok(())`",
        ),
        (ReturnType::Type(_, result), Role::OnLoad | Role::OnRetire) if !is_unit(result) => {
            errors.push(
                result,
                "nobody reads what this function returns: nothing can refuse a swap any more when it runs; remove the \
                 result, or make it a `#[hot(self_check)]`",
            );
        }
        _ => {}
    }
    check::attributes(&function.attrs, &mut errors);
    errors.into_result()
}

fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// Both forms of the function, neither of which the user has to call; abi keeps the one for the build at hand.
pub(crate) fn function(function: &ItemFn, hook: &str) -> TokenStream {
    let active = active(function, hook);
    quote! {
        ::liveswap_abi::__choose! { { #active } { #[allow(dead_code)] #function } }
    }
}

/// The function, which stays what it is, with its entry in the image's list inside it.
fn active(function: &ItemFn, hook: &str) -> TokenStream {
    let ItemFn { attrs, vis, sig, block, .. } = function;
    let body = Signature { ident: format_ident!("__body"), ..sig.clone() };
    let name = sig.ident.to_string();
    let role = format_ident!("{hook}");
    let run = match &sig.output {
        ReturnType::Type(_, result) if hook == "SelfCheck" => quote!(self_check::<#result>),
        _ => quote!(plain),
    };
    let inside = quote! {
        use crate::hot_crate as __hot_crate;

        #[allow(clippy::missing_const_for_fn, clippy::single_call_fn, clippy::too_many_lines, clippy::unnecessary_wraps)]
        #body #block

        static __HOOK: ::liveswap_abi::hook::HookEntry = ::liveswap_abi::hook::HookEntry::new(
            ::core::concat!(::core::module_path!(), "::", #name),
            ::liveswap_abi::hook::Role::#role,
            || ::liveswap_abi::hook::#run(__body),
        );

        #[::liveswap_abi::__private::linkme::distributed_slice(__hot_crate::HOOKS)]
        #[linkme(crate = ::liveswap_abi::__private::linkme)]
        static __ENTRY: &'static ::liveswap_abi::hook::HookEntry = &__HOOK;

        __body()
    };
    let mut inside = Group::new(Delimiter::Brace, inside);
    inside.set_span(block.brace_token.span.join());
    quote! {
        #[allow(dead_code)]
        #(#attrs)*
        #vis #sig #inside
    }
}
