//! The statements that describe a signature's types at load.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{format_ident, quote};
use syn::{
    FnArg, GenericArgument, Ident, Pat, PathArguments, ReturnType, Signature, Type, TypePath,
};

/// One statement for every type in the signature, outermost first.
///
/// Declared lifetimes are left to inference: nothing there implies the bounds between them that the arguments do.
pub(crate) fn parts(signature: &Signature) -> Vec<TokenStream> {
    let declared: Vec<&Ident> =
        signature.generics.lifetimes().map(|parameter| &parameter.lifetime.ident).collect();
    let parts = described(signature);
    parts.into_iter().map(|part| without_lifetimes(part, &declared)).collect()
}

/// The statements that describe the type of a `static`.
pub(crate) fn parts_of_value(ty: &Type) -> Vec<TokenStream> {
    let mut parts = Vec::new();
    walk(ty, "value", &mut parts);
    parts
}

fn without_lifetimes(tokens: TokenStream, declared: &[&Ident]) -> TokenStream {
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

fn described(signature: &Signature) -> Vec<TokenStream> {
    let mut parts = Vec::new();
    for (index, input) in signature.inputs.iter().enumerate() {
        let FnArg::Typed(argument) = input else { continue };
        let place = match &*argument.pat {
            Pat::Ident(name) => format!("argument {index} ({})", name.ident),
            _ => format!("argument {index}"),
        };
        walk(&argument.ty, &place, &mut parts);
    }
    match &signature.output {
        ReturnType::Default => walk(&syn::parse_quote!(()), "result", &mut parts),
        ReturnType::Type(_, result) => walk(result, "result", &mut parts),
    }
    parts
}

/// Describes `ty` and, as far as its syntax shows them, the types that it is made of.
fn walk(ty: &Type, place: &str, parts: &mut Vec<TokenStream>) {
    if let Type::Paren(inner) = ty {
        return walk(&inner.elem, place, parts);
    }
    if let Type::Group(inner) = ty {
        return walk(&inner.elem, place, parts);
    }
    parts.push(quote! {
        ::liveswap_abi::signature::Facts::<#ty>::send(__sink, #place);
    });
    match ty {
        Type::Reference(inner) => {
            let sign = if inner.mutability.is_some() { "&mut" } else { "&" };
            walk(&inner.elem, &format!("{place} behind {sign}"), parts);
        }
        Type::Ptr(inner) => walk(&inner.elem, &format!("{place} behind a pointer"), parts),
        Type::Array(inner) => walk(&inner.elem, &format!("{place}, its elements"), parts),
        Type::Slice(inner) => walk(&inner.elem, &format!("{place}, its elements"), parts),
        Type::Tuple(inner) => {
            for (index, element) in inner.elems.iter().enumerate() {
                walk(element, &format!("{place}.{index}"), parts);
            }
        }
        Type::Path(path) => arguments(path, place, parts),
        _ => {}
    }
}

fn arguments(path: &TypePath, place: &str, parts: &mut Vec<TokenStream>) {
    let Some(last) = path.path.segments.last() else { return };
    let PathArguments::AngleBracketed(list) = &last.arguments else { return };
    for argument in &list.args {
        match argument {
            GenericArgument::Type(ty) if !looks_like_a_constant(ty) => {
                walk(ty, &format!("{place} in {}", last.ident), parts);
            }
            _ => {}
        }
    }
}

/// `Matrix<ROWS>` parses as a type; only its spelling tells that it is a constant.
fn looks_like_a_constant(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path
        .segments
        .last()
        .is_some_and(|last| last.arguments.is_empty() && screaming(&last.ident))
}

fn screaming(ident: &Ident) -> bool {
    !ident.to_string().contains(|character: char| character.is_lowercase())
}
