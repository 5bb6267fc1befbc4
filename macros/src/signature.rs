//! The statements that describe a signature at load: arguments with their names, result, lifetimes.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{FnArg, Ident, Pat, ReturnType, Signature, Type};

use crate::{lifetimes, types};

/// The statements that describe a function.
///
/// Declared lifetimes are left to inference: nothing there implies the bounds between them that the arguments do.
pub(crate) fn of_function(signature: &Signature) -> TokenStream {
    let declared: Vec<&Ident> =
        signature.generics.lifetimes().map(|parameter| &parameter.lifetime.ident).collect();
    let arguments = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    });
    let arguments = arguments.map(|argument| {
        let mut names = Vec::new();
        bound_by(&argument.pat, "", &mut names);
        let names = names.into_iter().map(|(place, name)| quote!((#place, #name)));
        let (node, is_lent) = (types::node(&argument.ty), lifetimes::is_lent(&argument.ty));
        quote! {
            let __node = #node;
            __describer.argument(&[#(#names),*], __node, #is_lent);
        }
    });
    let result = match &signature.output {
        ReturnType::Default => types::node(&syn::parse_quote!(())),
        ReturnType::Type(_, result) => types::node(result),
    };
    let (scope, lifetimes) = (types::scope(), lifetimes::relations(signature));
    let statements = quote! {
        #scope
        #(#arguments)*
        let __node = #result;
        __describer.result(__node);
        __describer.lifetimes(#lifetimes);
    };
    types::without_lifetimes(statements, &declared)
}

/// The statements that describe the type of a `static`.
pub(crate) fn of_value(ty: &Type) -> TokenStream {
    let (scope, node) = (types::scope(), types::node(ty));
    quote! {
        #scope
        let __node = #node;
        __describer.value(__node);
    }
}

/// The names that a pattern binds by position; a struct's fields are told apart by their own names instead.
fn bound_by(pattern: &Pat, place: &str, names: &mut Vec<(String, String)>) {
    let mut inner = |patterns: &mut dyn Iterator<Item = &Pat>| {
        for (index, pattern) in patterns.enumerate() {
            bound_by(pattern, &format!("{place}.{index}"), names);
        }
    };
    match pattern {
        Pat::Ident(name) => names.push((place.to_owned(), name.ident.to_string())),
        Pat::Reference(pattern) => bound_by(&pattern.pat, place, names),
        Pat::Paren(pattern) => bound_by(&pattern.pat, place, names),
        Pat::Tuple(pattern) => inner(&mut pattern.elems.iter()),
        Pat::TupleStruct(pattern) => inner(&mut pattern.elems.iter()),
        Pat::Slice(pattern) => inner(&mut pattern.elems.iter()),
        _ => {}
    }
}
