//! What a piece of Rust refers to, read from its tokens: by name, because nothing else is known without the compiler.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::visit::Visit;

use super::Texts;
use super::items::{Item, ItemKind};

/// Methods that so many types have that a call says nothing unless the type is named too.
const COMMON: [&str; 24] = [
    "as_mut", "as_ref", "as_str", "clone", "contains", "default", "extend", "first", "from", "get",
    "get_mut", "insert", "into", "is_empty", "iter", "iter_mut", "last", "len", "map", "new",
    "next", "pop", "push", "remove",
];

/// Traits whose functions are called without being written.
const IMPLICIT: [&str; 24] = [
    "Add",
    "AddAssign",
    "AsRef",
    "Clone",
    "Debug",
    "Default",
    "Deref",
    "DerefMut",
    "Display",
    "Div",
    "Drop",
    "Eq",
    "From",
    "Hash",
    "Index",
    "IndexMut",
    "IntoIterator",
    "Iterator",
    "Mul",
    "Neg",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Sub",
];

/// One way of referring to something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    /// An identifier, wherever it stands but after a dot.
    Named(String),
    /// An identifier before arguments, or in a `use`.
    Called(String),
    /// `.name`
    Method(String),
    /// `owner::name`
    Associated(String, String),
    /// `name!`
    Macro(String),
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub file: PathBuf,
    pub line: usize,
}

/// What is referred to, and where first.
#[derive(Clone, Debug, Default)]
pub(super) struct Uses {
    uses: BTreeMap<Use, Place>,
}

impl Uses {
    /// Of one item.
    pub(super) fn of(tokens: TokenStream) -> Uses {
        let mut uses = Uses::default();
        let mut walk = Walk { file: PathBuf::new(), imports: false, uses: &mut uses };
        walk.stream(tokens);
        uses
    }

    /// Of whole files; files that are not Rust at the moment refer to nothing.
    pub(super) fn of_files(texts: &Texts) -> Uses {
        let mut uses = Uses::default();
        for (file, text) in texts {
            let Ok(parsed) = syn::parse_file(text) else { continue };
            let mut walk = Walk { file: file.clone(), imports: false, uses: &mut uses };
            walk.stream(quote::ToTokens::to_token_stream(&parsed));
            walk.imports = true;
            walk.visit_file(&parsed);
        }
        uses
    }

    pub(super) fn names(&self, name: &str) -> bool {
        self.at(Use::Named(name.to_owned())).is_some()
    }

    /// Where the item seems to be referred to.
    pub(super) fn refer_to(&self, item: &Item) -> Option<&Place> {
        let name = || item.name.clone();
        let Some(owner) = &item.owner else {
            return match item.kind {
                ItemKind::Const | ItemKind::Static => self.at(Use::Named(name())),
                ItemKind::Macro => self.at(Use::Macro(name())),
                _ => self.at(Use::Called(name())),
            };
        };
        let of = |owner: &str| self.at(Use::Associated(owner.to_owned(), name()));
        let through_path = || of(&owner.name).or_else(|| of("Self"));
        let through_trait = || {
            let name = owner.of_trait.as_deref()?;
            of(name).or_else(|| {
                let implicit = IMPLICIT.contains(&name);
                implicit.then(|| self.at(Use::Named(owner.name.clone()))).flatten()
            })
        };
        let as_method = || {
            let known = !COMMON.contains(&item.name.as_str()) || self.names(&owner.name);
            (owner.receiver && known).then(|| self.at(Use::Method(name()))).flatten()
        };
        through_path().or_else(through_trait).or_else(as_method)
    }

    fn at(&self, of: Use) -> Option<&Place> {
        self.uses.get(&of)
    }
}

/// Reads tokens one after the other, groups included.
struct Walk<'a> {
    file: PathBuf,
    /// Whether only `use` declarations are looked at.
    imports: bool,
    uses: &'a mut Uses,
}

impl Walk<'_> {
    fn stream(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (index, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.stream(group.stream()),
                TokenTree::Ident(ident) => {
                    let name = ident.to_string();
                    let line = ident.span().start().line;
                    self.ident(name, line, &tokens[..index], &tokens[index + 1..]);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    fn ident(&mut self, name: String, line: usize, before: &[TokenTree], after: &[TokenTree]) {
        if is_punct(before.last(), '.') {
            return self.push(Use::Method(name), line);
        }
        if let Some(owner) = owner(before) {
            // The last part of a path to a function is a call, or the function as a value.
            self.push(Use::Called(name.clone()), line);
            self.push(Use::Associated(owner, name.clone()), line);
        }
        let is_macro = is_punct(after.first(), '!') && !is_punct(after.get(1), '=');
        if is_macro {
            self.push(Use::Macro(name), line);
            return;
        }
        let turbofish = is_path(after) && is_punct(after.get(2), '<');
        if is_arguments(after.first()) || turbofish {
            self.push(Use::Called(name.clone()), line);
        }
        self.push(Use::Named(name), line);
    }

    fn push(&mut self, of: Use, line: usize) {
        let file = &self.file;
        self.uses.uses.entry(of).or_insert_with(|| Place { file: file.clone(), line });
    }
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_use_name(&mut self, name: &'ast syn::UseName) {
        self.push(Use::Called(name.ident.to_string()), name.ident.span().start().line);
    }

    fn visit_use_rename(&mut self, name: &'ast syn::UseRename) {
        self.push(Use::Called(name.ident.to_string()), name.ident.span().start().line);
    }
}

/// The identifier in `owner::` at the end.
fn owner(before: &[TokenTree]) -> Option<String> {
    let [.., TokenTree::Ident(owner), TokenTree::Punct(first), TokenTree::Punct(second)] = before
    else {
        return None;
    };
    let colons =
        first.as_char() == ':' && first.spacing() == Spacing::Joint && second.as_char() == ':';
    colons.then(|| owner.to_string())
}

fn is_path(after: &[TokenTree]) -> bool {
    is_punct(after.first(), ':') && is_punct(after.get(1), ':')
}

fn is_punct(token: Option<&TokenTree>, expected: char) -> bool {
    matches!(token, Some(TokenTree::Punct(found)) if found.as_char() == expected)
}

fn is_arguments(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis)
}
