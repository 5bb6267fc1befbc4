//! A `static` that can be replaced: what it cannot be, and the handle that it becomes.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, ItemStatic, Result, StaticMutability, Visibility};

use crate::{attributes, expand, lints, signature};

/// Refuses a `static` whose meaning would change.
pub(crate) fn check(value: &ItemStatic) -> Result<()> {
    if let StaticMutability::Mut(token) = &value.mutability {
        return Err(Error::new_spanned(
            token,
            "a `static mut` cannot be hot: what is written to it would be lost at every swap; remove `mut`, and keep what \
             changes while the program runs in the host's state",
        ));
    }
    let exported = ["no_mangle", "export_name", "link_section", "used", "thread_local"];
    for path in attributes::paths(&value.attrs) {
        if exported.iter().any(|name| attributes::names(&path, name)) {
            return Err(Error::new_spanned(
                path,
                "this attribute would apply to the handle that `#[hot]` makes, not to the value; put it on a `static` that \
                 is not hot",
            ));
        }
        if attributes::names(&path, "hot") {
            return Err(Error::new_spanned(path, "`#[hot]` stands here already; remove one"));
        }
    }
    Ok(())
}

/// Both forms of the handle; abi keeps the one for the build at hand.
pub(crate) fn expand(value: &ItemStatic) -> TokenStream {
    let ItemStatic { attrs, vis, static_token, ident, ty, expr, .. } = value;
    let head = quote!(#(#attrs)* #vis #static_token #ident: ::liveswap_abi::HotValue<#ty>);
    let name = ident.to_string();
    let public = matches!(vis, Visibility::Public(_));
    let text = expand::one_line(&ty.to_token_stream());
    let described = signature::of_value(ty);
    let types_again = lints::types_again();
    let active = quote! {
        #head = {
            use crate::hot_crate as __hot_crate;

            #types_again
            static __VALUE: #ty = #expr;

            #types_again
            fn __describe(__describer: &mut ::liveswap_abi::layout::Describer<'_>) {
                #described
            }

            #[::liveswap_abi::__private::linkme::distributed_slice(__hot_crate::FUNCTIONS)]
            #[linkme(crate = ::liveswap_abi::__private::linkme)]
            static __ENTRY: &'static ::liveswap_abi::function::FunctionEntry = #ident.entry();

            unsafe {
                ::liveswap_abi::HotValue::new(
                    ::core::concat!(::core::module_path!(), "::", #name),
                    #public,
                    &__VALUE,
                    __describe,
                    ::liveswap_abi::__record!(
                        "value=", ::core::module_path!(), "::", #name,
                        "\ntype=", #text,
                        "\nfile=", ::core::file!(),
                        "\nline=", ::core::concat!(::core::line!()),
                        "\npublic=", ::core::stringify!(#public), "\n",
                    ),
                    &__hot_crate::CRATE,
                )
            }
        };
    };
    quote! {
        ::liveswap_abi::__choose! {
            { #active }
            { #head = ::liveswap_abi::HotValue::new(#expr); }
        }
    }
}
