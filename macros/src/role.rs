//! What the attribute's arguments make of a function: one to be replaced, or one that the runtime calls around a swap.

use proc_macro2::{Ident, TokenStream};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Error, Meta, Result, Token};

/// What `#[hot]` and its argument say of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// `#[hot]` alone: calls of it go to the newest generation.
    Function,
    /// `#[hot(self_check)]`
    SelfCheck,
    /// `#[hot(on_load)]`
    OnLoad,
    /// `#[hot(on_retire)]`
    OnRetire,
    /// `#[hot(migrate)]`
    Migrate,
}

const KNOWN: [(&str, Role); 4] = [
    ("self_check", Role::SelfCheck),
    ("on_load", Role::OnLoad),
    ("on_retire", Role::OnRetire),
    ("migrate", Role::Migrate),
];

impl Role {
    /// Reads the attribute's arguments.
    pub(crate) fn of(arguments: TokenStream) -> Result<Role> {
        if arguments.is_empty() {
            return Ok(Role::Function);
        }
        let list = Punctuated::<Meta, Token![,]>::parse_terminated;
        let unreadable = |_| Error::new_spanned(&arguments, format!("expected {}", known()));
        let arguments = list.parse2(arguments.clone()).map_err(unreadable)?;
        let mut roles = arguments.iter().map(one);
        let role = roles.next().unwrap_or(Ok(Role::Function))?;
        match arguments.iter().nth(1) {
            None => Ok(role),
            Some(second) => Err(Error::new_spanned(
                second,
                "a hot function has one role; make a function of its own for this one",
            )),
        }
    }

    /// The name of the variant of `liveswap_abi::hook::Role`, for a function that the runtime calls.
    pub(crate) fn hook(self) -> Option<&'static str> {
        match self {
            Role::Function | Role::Migrate => None,
            Role::SelfCheck => Some("SelfCheck"),
            Role::OnLoad => Some("OnLoad"),
            Role::OnRetire => Some("OnRetire"),
        }
    }
}

fn one(argument: &Meta) -> Result<Role> {
    let name = argument.path().get_ident().map(Ident::to_string).unwrap_or_default();
    let Some((name, role)) = KNOWN.into_iter().find(|(known, _)| *known == name) else {
        let message = format!("`#[hot]` does not know this argument; it knows {}", known());
        return Err(Error::new_spanned(argument, message));
    };
    match argument {
        Meta::Path(_) => Ok(role),
        _ => Err(Error::new_spanned(
            argument,
            format!("`{name}` takes no value; write `#[hot({name})]`"),
        )),
    }
}

fn known() -> String {
    let names: Vec<String> = KNOWN.iter().map(|(name, _)| format!("`{name}`")).collect();
    format!(
        "{}, each for a function that the runtime calls around a swap; `#[hot]` alone makes a function replaceable",
        names.join(", ")
    )
}
