//! From tokens to the function or `static` that `#[hot]` stands on.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::buffer::Cursor;
use syn::parse::{ParseStream, Parser};
use syn::{
    Attribute, Block, Error, Expr, FnModifiers, Item, ItemFn, ItemStatic, Result, Signature, Stmt,
    Visibility, braced, token,
};

/// What the attribute stands on.
pub(crate) enum Hot {
    Function(Box<ItemFn>),
    Value(ItemStatic),
}

/// The function or `static` under the attribute.
pub(crate) fn item(arguments: TokenStream, item: TokenStream) -> Result<Hot> {
    if !arguments.is_empty() {
        return Err(Error::new_spanned(
            arguments,
            "`#[hot]` takes no arguments; write `#[hot]` alone",
        ));
    }
    if let Ok(function) = function.parse2(item.clone()) {
        return Ok(Hot::Function(Box::new(function)));
    }
    match syn::parse2::<Item>(item)? {
        Item::Fn(function) => Ok(Hot::Function(Box::new(function))),
        Item::Static(value) => Ok(Hot::Value(value)),
        other => Err(refusal(&other)),
    }
}

/// A function whose body is left as it is unless `check` must look into it: the compiler parses it anyway, and parsing
/// it here too is slow in a build of this crate that is not optimized, which is the usual one.
fn function(input: ParseStream<'_>) -> Result<ItemFn> {
    let mut attrs = input.call(Attribute::parse_outer)?;
    let vis: Visibility = input.parse()?;
    let sig: Signature = input.parse()?;
    if !input.peek(token::Brace) {
        return Err(input.error("a body"));
    }
    let body;
    let brace_token = braced!(body in input);
    attrs.extend(body.call(Attribute::parse_inner)?);
    let stmts = if names_self(body.cursor()) {
        body.call(Block::parse_within)?
    } else {
        vec![Stmt::Expr(Expr::Verbatim(body.parse()?), None)]
    };
    let modifiers = FnModifiers::default();
    Ok(ItemFn { attrs, vis, modifiers, sig, block: Box::new(Block { brace_token, stmts }) })
}

/// Whether `Self` is among the tokens.
fn names_self(mut rest: Cursor<'_>) -> bool {
    while let Some((token, next)) = rest.token_tree() {
        let found = match token {
            TokenTree::Ident(ident) => ident == "Self",
            TokenTree::Group(group) => {
                rest.group(group.delimiter()).is_some_and(|(inside, ..)| names_self(inside))
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        };
        if found {
            return true;
        }
        rest = next;
    }
    false
}

/// Says of an item that is no function where the attribute goes instead.
fn refusal(item: &Item) -> Error {
    let (token, message): (&dyn ToTokens, &str) = match item {
        Item::Struct(item) => (&item.struct_token, TYPE),
        Item::Enum(item) => (&item.enum_token, TYPE),
        Item::Union(item) => (&item.union_token, TYPE),
        Item::Type(item) => (&item.type_token, TYPE),
        Item::Impl(item) => (&item.impl_token, BLOCK),
        Item::Trait(item) => (&item.trait_token, BLOCK),
        Item::Const(item) => (&item.const_token, CONSTANT),
        Item::Mod(item) => (
            &item.mod_token,
            "a module cannot be hot as a whole; put `#[hot]` on the functions in it that you want to change",
        ),
        Item::Verbatim(tokens) => (
            tokens,
            "a declaration has no code to swap; put `#[hot]` on a free function with a body",
        ),
        other => (
            other,
            "`#[hot]` goes on a free function or a `static`; put it on those that you want to change",
        ),
    };
    Error::new_spanned(token, message)
}

const TYPE: &str = "a type cannot be hot: values of it live on through a swap; put `#[hot]` on the functions that work \
                    with it";

const BLOCK: &str = "methods cannot be hot yet; move the code you want to change to free functions, put `#[hot]` on those \
                     and call them from the methods";

const CONSTANT: &str = "a constant cannot be hot: the compiler copies its value into every user, where no swap reaches; make it a \
                        `static`, which is read with `get()`, or return it from a hot function";
