//! What cannot be hot, each with the token in the way and what to do instead.

use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, Error, FnArg, GenericParam, Ident, Item, ItemFn, Result, ReturnType,
    Signature, Type, TypeImplTrait,
};

use crate::{attributes, lifetimes};

/// Refuses a function whose code no swap could reach or whose meaning the expansion would change.
pub(crate) fn function(function: &ItemFn) -> Result<()> {
    let mut errors = Errors::default();
    qualifiers(&function.sig, &mut errors);
    generics(&function.sig, &mut errors);
    arguments(&function.sig, &mut errors);
    result(&function.sig, &mut errors);
    body(&function.block, &mut errors);
    attributes(&function.attrs, &mut errors);
    rewriting(&function.attrs, &mut errors);
    errors.into_result()
}

/// Everything that is in the way, not only the first.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    pub(crate) fn into_result(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }

    pub(crate) fn push(&mut self, tokens: impl quote::ToTokens, message: &str) {
        let error = Error::new_spanned(tokens, message);
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }
}

fn qualifiers(signature: &Signature, errors: &mut Errors) {
    if let Some(token) = &signature.constness {
        errors.push(
            token,
            "a `const fn` cannot be hot: the compiler evaluates it into its callers, where no swap reaches; remove `const`",
        );
    }
    if let Some(token) = &signature.asyncness {
        errors.push(
            token,
            "an `async fn` cannot be hot: its future would outlive the call; leave it as it is and call hot functions from \
             it",
        );
    }
    if let Some(token) = &signature.variadic {
        errors.push(token, "a variadic function cannot be hot; take a slice instead");
    }
}

fn generics(signature: &Signature, errors: &mut Errors) {
    for parameter in &signature.generics.params {
        match parameter {
            GenericParam::Type(_) | GenericParam::Const(_) => errors.push(
                parameter,
                "a generic function cannot be hot: every caller compiles its own copy, which no swap reaches; make a hot \
                 function for the types you use, or take `&dyn Trait`",
            ),
            GenericParam::Lifetime(lifetime) => {
                if let Some(bound) = lifetime.bounds.first() {
                    errors.push(
                        bound,
                        "a bound between lifetimes cannot be written in the type of a function pointer; use one lifetime for \
                         both",
                    );
                } else if !lifetimes::in_arguments(signature, &lifetime.lifetime.ident) {
                    errors.push(
                        lifetime,
                        "this lifetime is in no argument; remove it and write `'static` where it is used",
                    );
                }
            }
        }
    }
    if let Some(clause) = &signature.generics.where_clause {
        errors.push(
            clause,
            "a hot function cannot have a `where` clause; remove it, there is no type parameter that it could bound",
        );
    }
    if let Some(lifetime) = lifetimes::undeclared(signature) {
        errors.push(
            lifetime,
            "a hot function declares its lifetimes itself; add this one after its name",
        );
    }
}

fn arguments(signature: &Signature, errors: &mut Errors) {
    for input in &signature.inputs {
        match input {
            FnArg::Receiver(receiver) => errors.push(
                receiver,
                "a method cannot be hot yet; make a free function that takes the value (`fn step(this: &mut Type)`) and call \
                 it from the method",
            ),
            FnArg::Typed(argument) => {
                let decides = ["cfg", "cfg_attr"];
                let conditional = argument
                    .attrs
                    .iter()
                    .find(|attribute| decides.iter().any(|name| attribute.path().is_ident(name)));
                if let Some(attribute) = conditional {
                    errors.push(
                        attribute,
                        "`#[cfg]` on an argument changes the signature; put it on two versions of the function",
                    );
                }
                types(&argument.ty, errors);
            }
        }
    }
}

fn result(signature: &Signature, errors: &mut Errors) {
    let ReturnType::Type(_, result) = &signature.output else { return };
    if let Type::Never(never) = &**result {
        errors.push(
            never,
            "a function that never returns cannot be hot: its generation could never be left; return at some point and loop in \
             the caller",
        );
    }
    types(result, errors);
}

/// Types that have no name outside the function or mean something else inside it.
fn types(ty: &Type, errors: &mut Errors) {
    struct Find<'a>(&'a mut Errors);
    impl Visit<'_> for Find<'_> {
        fn visit_type_impl_trait(&mut self, found: &TypeImplTrait) {
            self.0.push(
                found,
                "`impl Trait` cannot be in a hot function's signature: it is another type in every generation; use \
                 `Box<dyn Trait>`, `&dyn Trait` or a named type",
            );
        }
        fn visit_ident(&mut self, ident: &Ident) {
            if ident == "Self" {
                self.0.push(ident, "`Self` cannot be in a hot function's signature; name the type, and move the function out of the `impl` block");
            }
        }
        fn visit_type(&mut self, ty: &Type) {
            if let Type::Infer(infer) = ty {
                self.0.push(
                    infer,
                    "a hot function's signature must name its types; write the type here",
                );
            }
            visit::visit_type(self, ty);
        }
    }
    Find(errors).visit_type(ty);
}

/// `Self` in a body shows that the function stands in an `impl` block, where its own argument list does not.
fn body(block: &Block, errors: &mut Errors) {
    struct Find<'a>(&'a mut Errors);
    impl Visit<'_> for Find<'_> {
        fn visit_ident(&mut self, ident: &Ident) {
            if ident == "Self" {
                self.0.push(
                    ident,
                    "`Self` cannot be in a hot function, which is a free function; name the type, and move the function \
                     out of the `impl` block",
                );
            }
        }
        fn visit_item(&mut self, _: &Item) {}
    }
    Find(errors).visit_block(block);
}

pub(crate) fn attributes(attributes: &[Attribute], errors: &mut Errors) {
    for path in attributes::paths(attributes) {
        let reason = if attributes::names(&path, "track_caller") {
            "`#[track_caller]` has no effect through a dispatch table; pass the location as an argument"
        } else if attributes::names(&path, "target_feature") {
            "`#[target_feature]` cannot be combined with `#[hot]`; call a function that has it from the hot one"
        } else if attributes::names(&path, "naked") {
            "a naked function cannot be hot, because its code is not the compiler's; call it from a hot one"
        } else if attributes::names(&path, "hot") {
            "`#[hot]` stands here already; remove one"
        } else {
            continue;
        };
        errors.push(path, reason);
    }
}

/// A macro below would rewrite what the program calls in place of the body, and no edit of it would be seen.
fn rewriting(attributes: &[Attribute], errors: &mut Errors) {
    let refused = ["hot", "naked", "target_feature", "track_caller"];
    for path in attributes::paths(attributes) {
        let is_refused = refused.iter().any(|name| attributes::names(&path, name));
        if !attributes::is_inert(&path) && !is_refused {
            let reason = "this attribute would be applied to what the program calls, which no swap replaces; put it above \
                          `#[hot]`, and it is part of the body";
            errors.push(path, reason);
        }
    }
}
