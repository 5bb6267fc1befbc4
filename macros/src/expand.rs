//! The replaceable form of a function: wrapper, fenced body, description and registration.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, FnArg, Ident, ItemFn, Pat, ReturnType, Safety, Signature, Type, Visibility,
    parse_quote,
};

use crate::{attributes, lifetimes, lints, signature};

/// Both forms of the function; abi keeps the one for the build at hand.
pub(crate) fn function(function: &ItemFn) -> TokenStream {
    if lifetimes::are_ambiguous(&function.sig) {
        return function.to_token_stream();
    }
    let active = active(function);
    quote! {
        ::liveswap_abi::__choose! { { #active } { #function } }
    }
}

fn active(function: &ItemFn) -> TokenStream {
    let ItemFn { attrs, vis, sig, block, .. } = function;
    let names = names(sig);
    let wrapper = wrapper(sig, &names);
    let body = Signature { ident: format_ident!("__body"), abi: None, ..sig.clone() };
    let fenced = fenced(sig);
    let nested = nested(sig);
    let describe = describe(sig);
    let statics = statics(sig, vis);
    let inline = inline(attrs);
    let kept = kept(vis);
    let body_again = lints::clippy(|| {
        quote! {
            #[allow(
                clippy::elidable_lifetime_names, clippy::fn_params_excessive_bools,
                clippy::missing_const_for_fn, clippy::needless_lifetimes,
                clippy::single_call_fn, clippy::too_many_arguments, clippy::too_many_lines
            )]
        }
    });
    let nested_call = if matches!(sig.safety, Safety::Unsafe(_)) {
        quote!(unsafe { __nested(#(#names),*) })
    } else {
        quote!(__nested(#(#names),*))
    };
    // The call is in an `unsafe` block for `finish`, and for unsafe functions also for the body.
    let inside = quote! {
        use crate::hot_crate as __hot_crate;

        #body_again
        #kept
        #body #block
        #fenced
        #nested
        #describe
        #statics

        return match __FUNCTION.enter(__hot_crate::local()) {
            ::core::option::Option::Some(__call) => unsafe {
                let __panic = ::liveswap_abi::panic::PanicSlot::new();
                let __result = (__call.target())(#(#names,)* __panic.out());
                __call.finish(__result, __panic, &__hot_crate::CRATE)
            },
            ::core::option::Option::None => #nested_call,
        };
    };
    // Between the user's own braces, so that lints about the function as a whole know it for the user's.
    let mut inside = Group::new(Delimiter::Brace, inside);
    inside.set_span(block.brace_token.span.join());
    quote! {
        #(#attrs)*
        #inline
        #vis #wrapper #inside
    }
}

/// The wrapper is small and its callers are in other crates; inlined there, a call costs what an indirect call costs.
fn inline(attributes: &[Attribute]) -> Option<TokenStream> {
    let decides = ["inline", "cold", "no_mangle", "export_name"];
    let decided = attributes::paths(attributes)
        .any(|path| decides.iter().any(|name| attributes::names(&path, name)));
    (!decided).then(|| quote!(#[inline]))
}

/// Lints that leave a public function's signature alone because changing it would break callers, and that would judge its
/// body's for being private.
fn kept(visibility: &Visibility) -> Option<TokenStream> {
    if !matches!(visibility, Visibility::Public(_)) {
        return None;
    }
    lints::clippy(|| {
        quote! {
            #[allow(
                clippy::box_collection, clippy::large_types_passed_by_value, clippy::linkedlist,
                clippy::needless_pass_by_ref_mut, clippy::option_option, clippy::owned_cow,
                clippy::rc_buffer, clippy::rc_mutex, clippy::redundant_allocation, clippy::ref_option,
                clippy::trivially_copy_pass_by_ref, clippy::unnecessary_box_returns,
                clippy::unnecessary_wraps, clippy::vec_box
            )]
        }
    })
}

/// The names the wrapper's arguments are forwarded by: the user's where a pattern is a plain name.
///
/// Names that begin with an underscore are not used as far as lints know, and those with two are the expansion's own.
fn names(signature: &Signature) -> Vec<Ident> {
    let name = |(index, argument)| match plain_name(argument) {
        Some(name) if !name.to_string().starts_with('_') => name.clone(),
        _ => place(index),
    };
    signature.inputs.iter().enumerate().map(name).collect()
}

fn plain_name(argument: &FnArg) -> Option<&Ident> {
    let FnArg::Typed(argument) = argument else { return None };
    let Pat::Ident(name) = &*argument.pat else { return None };
    (name.by_ref.is_none() && name.subpat.is_none()).then_some(&name.ident)
}

fn place(index: usize) -> Ident {
    format_ident!("__argument_{index}")
}

/// The user's signature with plain names for patterns and without `mut`, which belong to the body.
fn wrapper(signature: &Signature, names: &[Ident]) -> Signature {
    let mut wrapper = signature.clone();
    for (input, name) in wrapper.inputs.iter_mut().zip(names) {
        if let FnArg::Typed(argument) = input {
            *argument.pat = parse_quote!(#name);
        }
    }
    wrapper
}

/// The body behind the panic fence, which is what a table points to, in Rust's own ABI.
fn fenced(signature: &Signature) -> TokenStream {
    let safety = &signature.safety;
    let lifetimes = &signature.generics;
    let (types, result) = (types(signature), result(signature));
    let places: Vec<Ident> = (0..signature.inputs.len()).map(place).collect();
    let call = if matches!(safety, Safety::Unsafe(_)) {
        quote!(unsafe { __body(#(#places),*) })
    } else {
        quote!(__body(#(#places),*))
    };
    let types_again = lints::types_again();
    quote! {
        #types_again
        #safety fn __fenced #lifetimes (
            #(#places: #types,)*
            __out: ::liveswap_abi::panic::PanicOut,
        ) -> ::liveswap_abi::panic::Fenced<#result> {
            unsafe {
                ::liveswap_abi::panic::fence(&__hot_crate::CRATE, &__FUNCTION, __out, move || #call)
            }
        }
    }
}

/// The call where `enter` finds none to begin: it has the arguments only, so that nothing else of it is kept at hand in
/// loops that the wrapper is inlined into.
fn nested(signature: &Signature) -> TokenStream {
    let safety = &signature.safety;
    let lifetimes = &signature.generics;
    let (types, result) = (types(signature), result(signature));
    let places: Vec<Ident> = (0..signature.inputs.len()).map(place).collect();
    let types_again = lints::types_again();
    quote! {
        #types_again
        #[inline(never)]
        #safety fn __nested #lifetimes (#(#places: #types),*) -> #result {
            unsafe {
                __FUNCTION.call_nested(
                    __hot_crate::local(),
                    &__hot_crate::CRATE,
                    move |__target, __out| __target(#(#places,)* __out),
                )
            }
        }
    }
}

fn describe(signature: &Signature) -> TokenStream {
    let described = signature::of_function(signature);
    let types_again = lints::types_again();
    quote! {
        #types_again
        fn __describe(__describer: &mut ::liveswap_abi::layout::Describer<'_>) {
            #described
        }
    }
}

/// What the image lists of the function.
fn statics(signature: &Signature, visibility: &Visibility) -> TokenStream {
    let lifetimes = signature.generics.lifetimes().map(|parameter| &parameter.lifetime);
    let safety = &signature.safety;
    let (types, result) = (types(signature), result(signature));
    let name = signature.ident.to_string();
    let public = matches!(visibility, Visibility::Public(_));
    let text = declaration(signature);
    let types_again = lints::types_again();
    let lifetimes: Vec<_> = lifetimes.collect();
    quote! {
        #types_again
        type __Exact = for<#(#lifetimes),*> #safety fn(#(#types),*) -> #result;

        #types_again
        static __FUNCTION: ::liveswap_abi::function::HotFunction<
            for<#(#lifetimes),*> #safety fn(
                #(#types,)* ::liveswap_abi::panic::PanicOut
            ) -> ::liveswap_abi::panic::Fenced<#result>
        > = unsafe {
            ::liveswap_abi::function::HotFunction::new(
                ::core::concat!(::core::module_path!(), "::", #name),
                #public,
                __fenced,
                ::liveswap_abi::function::ExactType::of::<__Exact>(),
                __describe,
                ::liveswap_abi::__record!(
                    "function=", ::core::module_path!(), "::", #name,
                    "\nsignature=", #text,
                    "\nfile=", ::core::file!(),
                    "\nline=", ::core::concat!(::core::line!()),
                    "\npublic=", ::core::stringify!(#public), "\n",
                ),
            )
        };

        #[::liveswap_abi::__private::linkme::distributed_slice(__hot_crate::FUNCTIONS)]
        #[linkme(crate = ::liveswap_abi::__private::linkme)]
        static __ENTRY: &'static ::liveswap_abi::function::FunctionEntry = __FUNCTION.entry();
    }
}

fn types(signature: &Signature) -> Vec<&Type> {
    let inputs = signature.inputs.iter();
    inputs
        .filter_map(|input| match input {
            FnArg::Typed(argument) => Some(&*argument.ty),
            FnArg::Receiver(_) => None,
        })
        .collect()
}

fn result(signature: &Signature) -> TokenStream {
    match &signature.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, result) => result.to_token_stream(),
    }
}

/// The signature as a person would write it, on one line.
fn declaration(signature: &Signature) -> String {
    one_line(&signature.to_token_stream())
}

/// Tokens as a person would write them, on one line.
pub(crate) fn one_line(tokens: &TokenStream) -> String {
    let text = tokens.to_string();
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let spaces = [
        (" ::", "::"),
        (":: ", "::"),
        (" :", ":"),
        ("& ", "&"),
        ("* ", "*"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        (",)", ")"),
        (" ;", ";"),
        ("> (", ">("),
        ("->(", "-> ("),
    ];
    for (written, meant) in spaces {
        text = text.replace(written, meant);
    }
    text
}
