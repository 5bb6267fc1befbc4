//! What a signature does with its lifetimes.

use std::collections::HashSet;

use syn::visit::{self, Visit};
use syn::{
    BoundLifetimes, Expr, FnArg, Ident, Lifetime, ParenthesizedGenericArguments, ReturnType,
    Signature, Type, TypeFnPtr, TypeReference,
};

/// Whether a lifetime parameter stands in an argument's type.
pub(crate) fn in_arguments(signature: &Signature, name: &Ident) -> bool {
    struct Find<'a>(&'a Ident, bool);
    impl Visit<'_> for Find<'_> {
        fn visit_lifetime(&mut self, lifetime: &Lifetime) {
            self.1 |= lifetime.ident == *self.0;
        }
    }
    let mut find = Find(name, false);
    argument_types(signature).for_each(|ty| find.visit_type(ty));
    find.1
}

/// The first lifetime that neither the function declares nor the language.
pub(crate) fn undeclared(signature: &Signature) -> Option<Lifetime> {
    let mut found = Found::default();
    argument_types(signature).chain(result_type(signature)).for_each(|ty| found.visit_type(ty));
    let mut declared: Vec<&Ident> =
        signature.generics.lifetimes().map(|parameter| &parameter.lifetime.ident).collect();
    declared.extend(&found.bound);
    found.named.into_iter().find(|lifetime| !declared.contains(&&lifetime.ident))
}

/// Whether the compiler refuses the signature because the result's lifetime could be that of several arguments.
///
/// It says so best of the function as the user wrote it, and only once.
pub(crate) fn are_ambiguous(signature: &Signature) -> bool {
    let (mut arguments, mut result) = (Found::default(), Found::default());
    argument_types(signature).for_each(|ty| arguments.visit_type(ty));
    result_type(signature).into_iter().for_each(|ty| result.visit_type(ty));
    let named: HashSet<_> = arguments.named.iter().map(|lifetime| &lifetime.ident).collect();
    result.elided > 0 && arguments.elided + named.len() > 1
}

/// Whether a type is a reference whose lifetime is that of the call, whatever else the signature says.
///
/// One with a name may be as long as `'static`, by bounds that types imply, and one behind an alias does not show.
pub(crate) fn is_lent(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => {
            reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident == "_")
        }
        Type::Paren(inner) => is_lent(&inner.elem),
        Type::Group(inner) => is_lent(&inner.elem),
        _ => false,
    }
}

/// Which lifetimes of a signature are the same, in one text for all ways to write that: `0 1 -> 0` for a function of two
/// references whose result borrows from the first.
///
/// A program was compiled to keep alive what the result borrows from, so this may not change under it.
pub(crate) fn relations(signature: &Signature) -> String {
    let (mut arguments, mut result) = (InOrder::default(), InOrder::default());
    argument_types(signature).for_each(|ty| arguments.visit_type(ty));
    result_type(signature).into_iter().for_each(|ty| result.visit_type(ty));
    // An elided lifetime of an argument is one of its own; of the result, the only one that the arguments have.
    let mut known: Vec<Option<String>> = Vec::new();
    let mut shown = |name: Option<String>| {
        if name.as_deref() == Some("static") {
            return "static".to_owned();
        }
        let same = known.iter().position(|known| name.is_some() && *known == name);
        let number = same.unwrap_or_else(|| {
            known.push(name);
            known.len() - 1
        });
        number.to_string()
    };
    let mut text: Vec<String> = arguments.0.into_iter().map(&mut shown).collect();
    let only = text.iter().all(|other| *other == text[0]).then(|| text.first().cloned());
    text.push("->".to_owned());
    text.extend(result.0.into_iter().map(|name| match (name, &only) {
        (None, Some(Some(only))) => only.clone(),
        (None, _) => "_".to_owned(),
        (name, _) => shown(name),
    }));
    text.join(" ")
}

/// Every lifetime that a type shows, in order; `None` for an elided one.
#[derive(Default)]
struct InOrder(Vec<Option<String>>);

impl Visit<'_> for InOrder {
    fn visit_lifetime(&mut self, lifetime: &Lifetime) {
        self.0.push((lifetime.ident != "_").then(|| lifetime.ident.to_string()));
    }

    fn visit_type_reference(&mut self, reference: &TypeReference) {
        if reference.lifetime.is_none() {
            self.0.push(None);
        }
        visit::visit_type_reference(self, reference);
    }

    fn visit_type_fn_ptr(&mut self, _: &TypeFnPtr) {}

    fn visit_parenthesized_generic_arguments(&mut self, _: &ParenthesizedGenericArguments) {}

    fn visit_expr(&mut self, _: &Expr) {}
}

fn argument_types(signature: &Signature) -> impl Iterator<Item = &Type> {
    signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(argument) => Some(&*argument.ty),
        FnArg::Receiver(_) => None,
    })
}

fn result_type(signature: &Signature) -> Option<&Type> {
    match &signature.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(ty),
    }
}

/// The lifetimes that a type shows, without those of function types in it, which are inferred by themselves.
#[derive(Default)]
struct Found {
    named: Vec<Lifetime>,
    bound: Vec<Ident>,
    elided: usize,
}

impl Visit<'_> for Found {
    fn visit_lifetime(&mut self, lifetime: &Lifetime) {
        if lifetime.ident == "_" {
            self.elided += 1;
        } else if lifetime.ident != "static" {
            self.named.push(lifetime.clone());
        }
    }

    fn visit_type_reference(&mut self, reference: &TypeReference) {
        self.elided += usize::from(reference.lifetime.is_none());
        visit::visit_type_reference(self, reference);
    }

    fn visit_bound_lifetimes(&mut self, bound: &BoundLifetimes) {
        self.bound.extend(bound.lifetimes.iter().filter_map(|parameter| match parameter {
            syn::GenericParam::Lifetime(parameter) => Some(parameter.lifetime.ident.clone()),
            _ => None,
        }));
    }

    fn visit_type_fn_ptr(&mut self, _: &TypeFnPtr) {}

    fn visit_parenthesized_generic_arguments(&mut self, _: &ParenthesizedGenericArguments) {}

    fn visit_expr(&mut self, _: &Expr) {}
}
