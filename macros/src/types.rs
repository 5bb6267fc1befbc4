//! A type as its syntax shows it: an expression that asks it, and what stands in it, for its place in a description.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{format_ident, quote};
use syn::{
    BoundLifetimes, GenericArgument, GenericParam, Ident, PathArguments, ReturnType, Type, TypePath,
};

/// An expression for the node of `ty`, in a function that describes itself to `__describer`.
///
/// A type that describes itself needs none of the types that stand in it; one that does not (of another crate, or without
/// the derive) is known by them, and they are asked in their turn.
pub(crate) fn node(ty: &Type) -> TokenStream {
    match ty {
        Type::Paren(inner) => return node(&inner.elem),
        Type::Group(inner) => return node(&inner.elem),
        _ => {}
    }
    let bound = match ty {
        Type::FnPtr(function) => bound(function.lifetimes.as_ref()),
        _ => Vec::new(),
    };
    let inner = parts(ty).into_iter().map(|(label, part)| {
        let part = without_lifetimes(node(part), &bound);
        quote!((#label, #part))
    });
    quote! {{
        let __parts = [#(#inner),*];
        ::liveswap_abi::layout::probe::Probe::<#ty>::node(
            __describer,
            ::liveswap_abi::layout::probe::Extent::<#ty>::OF,
            &__parts,
        )
    }}
}

/// What the expressions of [`node`] need in scope.
pub(crate) fn scope() -> TokenStream {
    quote! {
        #[allow(unused_imports)]
        use ::liveswap_abi::layout::probe::{Opaque as _, Unsized as _};
    }
}

/// Leaves these lifetimes to inference.
pub(crate) fn without_lifetimes(tokens: TokenStream, declared: &[&Ident]) -> TokenStream {
    let mut after_tick = false;
    let token = |token| match token {
        TokenTree::Group(group) => {
            let inner = without_lifetimes(group.stream(), declared);
            let mut replaced = Group::new(group.delimiter(), inner);
            replaced.set_span(group.span());
            TokenTree::Group(replaced)
        }
        TokenTree::Ident(name) if after_tick && declared.contains(&&name) => {
            after_tick = false;
            TokenTree::Ident(format_ident!("_", span = name.span()))
        }
        other => {
            after_tick = matches!(&other, TokenTree::Punct(tick) if tick.as_char() == '\'');
            other
        }
    };
    tokens.into_iter().map(token).collect()
}

fn bound(lifetimes: Option<&BoundLifetimes>) -> Vec<&Ident> {
    let parameters = lifetimes.into_iter().flat_map(|bound| &bound.lifetimes);
    let names = parameters.filter_map(|parameter| match parameter {
        GenericParam::Lifetime(parameter) => Some(&parameter.lifetime.ident),
        _ => None,
    });
    names.collect()
}

/// The types that stand in `ty`, each with how a path leads to it.
fn parts<'a>(ty: &'a Type) -> Vec<(String, &'a Type)> {
    let plain = |part: &'a Type| vec![(String::new(), part)];
    match ty {
        Type::Reference(inner) => plain(&inner.elem),
        Type::Ptr(inner) => plain(&inner.elem),
        Type::Array(inner) => vec![("[]".to_owned(), &*inner.elem)],
        Type::Slice(inner) => vec![("[]".to_owned(), &*inner.elem)],
        Type::Tuple(inner) => {
            let elements = inner.elems.iter().enumerate();
            elements.map(|(index, element)| (format!(".{index}"), element)).collect()
        }
        Type::FnPtr(function) => {
            let arguments = function.inputs.iter().enumerate();
            let mut parts: Vec<_> = arguments
                .map(|(index, argument)| (format!(".argument{index}"), &argument.ty))
                .collect();
            if let ReturnType::Type(_, result) = &function.output {
                parts.push((".result".to_owned(), result));
            }
            parts
        }
        Type::Path(path) => arguments(path),
        _ => Vec::new(),
    }
}

fn arguments(path: &TypePath) -> Vec<(String, &Type)> {
    let Some(last) = path.path.segments.last() else { return Vec::new() };
    let PathArguments::AngleBracketed(list) = &last.arguments else { return Vec::new() };
    let types = list.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) if !looks_like_a_constant(ty) => Some(ty),
        _ => None,
    });
    types.enumerate().map(|(index, ty)| (format!("<{index}>"), ty)).collect()
}

/// `Matrix<ROWS>` parses as a type; only its spelling tells that it is a constant.
fn looks_like_a_constant(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path
        .segments
        .last()
        .is_some_and(|last| last.arguments.is_empty() && screaming(&last.ident))
}

/// A single capital is a type parameter more often than a constant.
fn screaming(ident: &Ident) -> bool {
    let name = ident.to_string();
    name.len() > 1 && !name.contains(|character: char| character.is_lowercase())
}
