//! The replaceable form of a function: wrapper, fenced body, description and registration.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, FnArg, Ident, ItemFn, Pat, ReturnType, Safety, Signature, Visibility, parse_quote,
};

use crate::signature;

/// Both forms of the function; abi keeps the one for the build at hand.
pub(crate) fn function(function: &ItemFn) -> TokenStream {
    let active = active(function);
    quote! {
        ::liveswap_abi::__choose! { { #active } { #function } }
    }
}

fn active(function: &ItemFn) -> TokenStream {
    let ItemFn { attrs, vis, sig, block, .. } = function;
    let names = names(sig);
    let wrapper = wrapper_signature(sig, &names);
    let body = Signature { ident: format_ident!("__body"), ..sig.clone() };
    let fenced = fenced_signature(sig, &names);
    let pointer = pointer(sig);
    let lifetimes = &sig.generics;
    let parts = signature::parts(sig);
    let inline = inline(attrs);
    let name = sig.ident.to_string();
    let public = matches!(vis, Visibility::Public(_));
    let text = declaration(sig);
    let (call_body, call_target) = if matches!(sig.safety, Safety::Unsafe(_)) {
        (
            quote!(unsafe { __body(#(#names),*) }),
            quote!(unsafe { (__call.target())(#(#names,)* &mut __panic) }),
        )
    } else {
        (quote!(__body(#(#names),*)), quote!((__call.target())(#(#names,)* &mut __panic)))
    };
    let nested = nested_signature(sig, &names);
    let call_nested = if matches!(sig.safety, Safety::Unsafe(_)) {
        quote!(unsafe { __nested(#(#names),*) })
    } else {
        quote!(__nested(#(#names),*))
    };
    let image = quote!(crate::__hot_crate::CRATE);
    let generated = quote!(#[allow(unsafe_code, unused_unsafe, clippy::all, clippy::pedantic, clippy::restriction)]);

    quote! {
        #(#attrs)*
        #inline
        #vis #wrapper {
            #[allow(clippy::missing_safety_doc)]
            #body #block

            #generated
            #fenced {
                ::liveswap_abi::panic::fence(&#image, __panic, || #call_body)
            }

            #generated
            fn __describe #lifetimes (sink: ::liveswap_abi::signature::Describe<'_>) {
                #[allow(unused_imports)]
                use ::liveswap_abi::signature::{Facts, Unsized as _};
                #(#parts)*
            }

            #generated
            static __FUNCTION: ::liveswap_abi::function::HotFunction<#pointer> =
                ::liveswap_abi::function::HotFunction::<#pointer>::new(
                    ::core::concat!(::core::module_path!(), "::", #name),
                    #public,
                    __fenced,
                    __describe,
                    ::liveswap_abi::__record!(
                        "function=", ::core::module_path!(), "::", #name,
                        "\nsignature=", #text,
                        "\nfile=", ::core::file!(),
                        "\nline=", ::core::concat!(::core::line!()),
                        "\npublic=", ::core::stringify!(#public), "\n",
                    ),
                );

            #generated
            #[::liveswap_abi::__private::linkme::distributed_slice(crate::__hot_crate::FUNCTIONS)]
            #[linkme(crate = ::liveswap_abi::__private::linkme)]
            static __ENTRY: &'static ::liveswap_abi::function::FunctionEntry = __FUNCTION.entry();

            #generated
            #[inline(never)]
            #nested {
                let __call = __FUNCTION.enter_nested(&#image);
                let mut __panic = ::liveswap_abi::panic::PanicSlot::new();
                let __result = #call_target;
                __call.leave();
                __result.into_result(__panic, &#image)
            }

            let Some(__call) = __FUNCTION.enter(crate::__hot_crate::local()) else {
                #generated
                let __result = #call_nested;
                return __result;
            };
            let mut __panic = ::liveswap_abi::panic::PanicSlot::new();
            #generated
            let __result = #call_target;
            __call.leave();
            __result.into_result(__panic, &#image)
        }
    }
}

/// The wrapper is small and its callers are in other crates; inlined there, a call costs what an indirect call costs.
fn inline(attributes: &[Attribute]) -> Option<TokenStream> {
    let decides = ["inline", "cold", "no_mangle", "export_name", "unsafe"];
    let decided = attributes.iter().any(|a| decides.iter().any(|name| a.path().is_ident(name)));
    (!decided).then(|| quote!(#[inline]))
}

/// The names the wrapper's arguments are forwarded by: the user's where a pattern is a plain name.
fn names(signature: &Signature) -> Vec<Ident> {
    let name = |(index, input): (usize, &FnArg)| match input {
        FnArg::Typed(argument) => match &*argument.pat {
            Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
                name.ident.clone()
            }
            _ => format_ident!("__argument_{index}"),
        },
        FnArg::Receiver(_) => format_ident!("__argument_{index}"),
    };
    signature.inputs.iter().enumerate().map(name).collect()
}

/// The user's signature with plain names for patterns and without `mut`, which belong to the body.
fn wrapper_signature(signature: &Signature, names: &[Ident]) -> Signature {
    let mut wrapper = signature.clone();
    for (input, name) in wrapper.inputs.iter_mut().zip(names) {
        if let FnArg::Typed(argument) = input {
            *argument.pat = parse_quote!(#name);
        }
    }
    wrapper
}

/// The signature of the wrapper's slower half, in Rust's own ABI.
fn nested_signature(signature: &Signature, names: &[Ident]) -> Signature {
    let mut nested = wrapper_signature(signature, names);
    nested.ident = format_ident!("__nested");
    nested.abi = None;
    nested
}

/// The wrapper's arguments and a place for a panic, in Rust's own ABI, with the fence's result.
fn fenced_signature(signature: &Signature, names: &[Ident]) -> Signature {
    let mut fenced = nested_signature(signature, names);
    let result = result(signature);
    fenced.ident = format_ident!("__fenced");
    fenced.inputs.push(parse_quote!(__panic: &mut ::liveswap_abi::panic::PanicSlot));
    fenced.output = parse_quote!(-> ::liveswap_abi::panic::Fenced<#result>);
    fenced
}

/// The type of a pointer to the fenced body.
fn pointer(signature: &Signature) -> TokenStream {
    let lifetimes = signature.generics.lifetimes().map(|parameter| &parameter.lifetime);
    let safety = &signature.safety;
    let result = result(signature);
    let types = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(argument) => Some(&argument.ty),
        FnArg::Receiver(_) => None,
    });
    quote!(for<#(#lifetimes),*> #safety fn(#(#types,)* &mut ::liveswap_abi::panic::PanicSlot) -> ::liveswap_abi::panic::Fenced<#result>)
}

fn result(signature: &Signature) -> TokenStream {
    match &signature.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, result) => result.to_token_stream(),
    }
}

/// The signature as a person would write it, on one line.
fn declaration(signature: &Signature) -> String {
    let text = signature.to_token_stream().to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
