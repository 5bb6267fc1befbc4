//! The items of a crate's sources, as far as they are compiled into whoever uses them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Attribute, Visibility};

use super::Texts;
use super::uses::Uses;

/// What an item is, as far as it decides how an edit of it could take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ItemKind {
    /// A `const`, also one in an `impl`.
    Const,
    /// A `static`.
    Static,
    /// A function that is neither generic nor `#[inline]` nor `const`.
    Function,
    /// A generic function, or one that takes `impl Trait`.
    Generic,
    /// A function marked `#[inline]`.
    Inline,
    /// A `const fn`.
    ConstFunction,
    /// A function of an `impl` or a `trait`.
    Method,
    /// A `macro_rules!`.
    Macro,
}

/// One item.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub file: PathBuf,
    /// With the modules and the type that it stands in: `inner::World::new`.
    pub shown: String,
    pub name: String,
    /// The type or trait that it belongs to.
    pub owner: Option<Owner>,
    pub kind: ItemKind,
    pub hot: bool,
    /// Whether another crate can name it.
    pub public: bool,
    /// What it says, its documentation left out.
    pub tokens: String,
    /// What it refers to.
    pub uses: Uses,
}

/// The type or trait that a function belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub name: String,
    /// The trait that is implemented.
    pub of_trait: Option<String>,
    /// Whether the function is called as `value.name()`.
    pub receiver: bool,
}

/// The items of several files; files that are not Rust at the moment have none.
pub(super) fn of(texts: &Texts) -> Vec<Item> {
    let mut items = Vec::new();
    for (file, text) in texts {
        let Ok(parsed) = syn::parse_file(text) else { continue };
        let mut collector = Collector { file, within: Vec::new(), block: None, items: &mut items };
        collector.visit_file(&parsed);
    }
    items
}

/// What items say, by what tells them apart from one version of the sources to the next.
pub(super) struct ByName<'a> {
    here: BTreeMap<(PathBuf, String), Vec<&'a str>>,
    anywhere: BTreeMap<String, Vec<&'a str>>,
}

impl<'a> ByName<'a> {
    pub(super) fn new(items: &'a [Item]) -> ByName<'a> {
        let mut names = ByName { here: BTreeMap::new(), anywhere: BTreeMap::new() };
        for item in items {
            names
                .here
                .entry((item.file.clone(), item.shown.clone()))
                .or_default()
                .push(&item.tokens);
            names.anywhere.entry(item.shown.clone()).or_default().push(&item.tokens);
        }
        names
    }

    /// What the item says in this version: several where it is there under several `cfg`s, nothing where it is gone.
    ///
    /// An item whose file was renamed is found where it is now, if it is the only one of its name.
    pub(super) fn tokens(&self, item: &Item) -> &[&'a str] {
        let here = self.here.get(&(item.file.clone(), item.shown.clone()));
        let moved = || self.anywhere.get(&item.shown).filter(|found| found.len() == 1);
        here.or_else(moved).map_or(&[], Vec::as_slice)
    }
}

struct Collector<'a> {
    file: &'a Path,
    within: Vec<String>,
    /// The `impl` or `trait` that is walked through: its type, and the trait that is implemented.
    block: Option<(String, Option<String>)>,
    items: &'a mut Vec<Item>,
}

impl Collector<'_> {
    fn push(
        &mut self,
        ident: &syn::Ident,
        kind: ItemKind,
        public: bool,
        receiver: bool,
        attributes: &[Attribute],
        item: &impl ToTokens,
    ) {
        let documentation: String = attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident("doc"))
            .map(|attribute| attribute.to_token_stream().to_string())
            .fold(String::new(), |all, one| all + &one + " ");
        let stream = item.to_token_stream();
        let all = stream.to_string();
        let tokens = all.strip_prefix(&documentation).unwrap_or(&all).to_owned();
        let owner = self.block.clone().map(|(name, of_trait)| Owner { name, of_trait, receiver });
        let name = ident.to_string();
        let mut path = self.within.clone();
        path.extend(owner.as_ref().map(|owner| owner.name.clone()));
        path.push(name.clone());
        self.items.push(Item {
            file: self.file.to_owned(),
            shown: path.join("::"),
            name,
            owner,
            kind,
            hot: is_hot(attributes),
            public,
            tokens,
            uses: Uses::of(stream),
        });
    }

    fn in_block(&mut self, block: (String, Option<String>), walk: impl FnOnce(&mut Self)) {
        let outer = self.block.replace(block);
        walk(self);
        self.block = outer;
    }
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        use syn::Item as It;
        match item {
            It::Mod(module) if !is_test(&module.attrs) => {
                self.within.push(module.ident.to_string());
                visit::visit_item_mod(self, module);
                self.within.pop();
            }
            It::Impl(block) => {
                let of_trait = block.trait_.as_ref().and_then(|(path, _)| last_name(path));
                let block_of = (type_name(&block.self_ty), of_trait);
                self.in_block(block_of, |inner| visit::visit_item_impl(inner, block));
            }
            It::Trait(block) => {
                let name = block.ident.to_string();
                let of = (name.clone(), Some(name));
                self.in_block(of, |inner| visit::visit_item_trait(inner, block));
            }
            It::Const(it) => {
                let public = is_public(&it.vis);
                self.push(&it.ident, ItemKind::Const, public, false, &it.attrs, it);
            }
            It::Static(it) => {
                let public = is_public(&it.vis);
                self.push(&it.ident, ItemKind::Static, public, false, &it.attrs, it);
            }
            It::Fn(it) if !is_test(&it.attrs) => {
                let kind = function_kind(&it.sig, &it.attrs);
                self.push(&it.sig.ident, kind, is_public(&it.vis), false, &it.attrs, it);
            }
            It::Macro(it) => {
                if let Some(ident) = &it.ident {
                    let exported = it.attrs.iter().any(|it| it.path().is_ident("macro_export"));
                    self.push(ident, ItemKind::Macro, exported, false, &it.attrs, it);
                }
            }
            _ => {}
        }
    }

    fn visit_impl_item_fn(&mut self, it: &'ast syn::ImplItemFn) {
        // Whoever has the value can call what a trait gives it.
        let of_trait = self.block.as_ref().is_some_and(|(_, of_trait)| of_trait.is_some());
        let public = of_trait || is_public(&it.vis);
        let receiver = it.sig.receiver().is_some();
        self.push(&it.sig.ident, ItemKind::Method, public, receiver, &it.attrs, it);
    }

    fn visit_impl_item_const(&mut self, it: &'ast syn::ImplItemConst) {
        let of_trait = self.block.as_ref().is_some_and(|(_, of_trait)| of_trait.is_some());
        let public = of_trait || is_public(&it.vis);
        self.push(&it.ident, ItemKind::Const, public, false, &it.attrs, it);
    }

    fn visit_trait_item_fn(&mut self, it: &'ast syn::TraitItemFn) {
        if it.default.is_some() {
            let receiver = it.sig.receiver().is_some();
            self.push(&it.sig.ident, ItemKind::Method, true, receiver, &it.attrs, it);
        }
    }
}

fn function_kind(signature: &syn::Signature, attributes: &[Attribute]) -> ItemKind {
    let takes_impl = |input: &syn::FnArg| match input {
        syn::FnArg::Typed(argument) => matches!(*argument.ty, syn::Type::ImplTrait(_)),
        syn::FnArg::Receiver(_) => false,
    };
    let generic = signature.generics.type_params().next().is_some()
        || signature.generics.const_params().next().is_some()
        || signature.inputs.iter().any(takes_impl);
    if signature.constness.is_some() {
        ItemKind::ConstFunction
    } else if generic {
        ItemKind::Generic
    } else if attributes.iter().any(|attribute| attribute.path().is_ident("inline")) {
        ItemKind::Inline
    } else {
        ItemKind::Function
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// `#[hot]`, `#[liveswap_macros::hot(..)]`, and either of them in a `cfg_attr`.
fn is_hot(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        path.segments.last().is_some_and(|last| last.ident == "hot")
            || (path.is_ident("cfg_attr") && Uses::of(attribute.to_token_stream()).names("hot"))
    })
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        path.is_ident("test")
            || (path.is_ident("cfg") && Uses::of(attribute.to_token_stream()).names("test"))
    })
}

fn last_name(path: &syn::Path) -> Option<String> {
    path.segments.last().map(|last| last.ident.to_string())
}

/// The name of a type without its arguments, and of what a reference refers to.
fn type_name(of: &syn::Type) -> String {
    match of {
        syn::Type::Path(path) => last_name(&path.path).unwrap_or_default(),
        syn::Type::Reference(reference) => type_name(&reference.elem),
        other => other.to_token_stream().to_string(),
    }
}
