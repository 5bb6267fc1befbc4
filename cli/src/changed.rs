//! What was edited, by name: the items of a source file whose tokens differ.

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens;
use syn::visit::{self, Visit};

/// So many names are shown.
const SHOWN: usize = 3;

/// The names of the items that differ between two texts, in the order of the newer one.
///
/// Comments and layout do not count. Empty where a text is not there or not Rust, or where the same
/// items are only in another order.
pub(crate) fn items(before: Option<&str>, after: Option<&str>) -> Vec<String> {
    let (Some(before), Some(after)) = (before.and_then(parse), after.and_then(parse)) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    for (name, tokens) in &after.items {
        if !before.has(name, tokens) && !names.contains(name) {
            names.push(name.clone());
        }
    }
    for (name, tokens) in &before.items {
        if !after.has(name, tokens) && !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// Names in one line, the rest of them counted.
pub(crate) fn list(names: &[String]) -> String {
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..SHOWN].join(", ")),
    }
}

struct Found {
    items: Vec<(String, String)>,
    /// Some names are those of several items: `use`, and what each of two `impl` blocks has.
    by_name: BTreeMap<String, BTreeSet<String>>,
}

impl Found {
    fn has(&self, name: &str, tokens: &str) -> bool {
        self.by_name.get(name).is_some_and(|all| all.contains(tokens))
    }
}

fn parse(text: &str) -> Option<Found> {
    let file = syn::parse_file(text).ok()?;
    let mut collector = Collector::default();
    collector.visit_file(&file);
    let mut by_name: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, tokens) in &collector.items {
        by_name.entry(name.clone()).or_default().insert(tokens.clone());
    }
    Some(Found { items: collector.items, by_name })
}

/// Walks into modules, traits and impls; a function is one item with everything in it.
#[derive(Default)]
struct Collector {
    items: Vec<(String, String)>,
    within: Vec<String>,
}

impl Collector {
    fn push(&mut self, name: String, tokens: &impl ToTokens) {
        let mut path = self.within.clone();
        path.push(name);
        self.items.push((path.join("::"), tokens.to_token_stream().to_string()));
    }

    fn inside(&mut self, name: String, visit: impl FnOnce(&mut Self)) {
        self.within.push(name);
        visit(self);
        self.within.pop();
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        use syn::Item;
        match item {
            Item::Mod(module) if module.content.is_some() => {
                self.inside(module.ident.to_string(), |inner| visit::visit_item_mod(inner, module));
            }
            Item::Impl(block) => {
                let name = block.self_ty.to_token_stream().to_string().replace(' ', "");
                self.inside(name, |inner| visit::visit_item_impl(inner, block));
            }
            Item::Const(item) => self.push(item.ident.to_string(), item),
            Item::Enum(item) => self.push(item.ident.to_string(), item),
            Item::Fn(item) => self.push(item.sig.ident.to_string(), item),
            Item::Mod(item) => self.push(item.ident.to_string(), item),
            Item::Static(item) => self.push(item.ident.to_string(), item),
            Item::Struct(item) => self.push(item.ident.to_string(), item),
            Item::Trait(item) => self.push(item.ident.to_string(), item),
            Item::Type(item) => self.push(item.ident.to_string(), item),
            Item::Union(item) => self.push(item.ident.to_string(), item),
            Item::Macro(item) => {
                let name = item.ident.as_ref().map_or_else(
                    || item.mac.path.to_token_stream().to_string(),
                    ToString::to_string,
                );
                self.push(format!("{name}!"), item);
            }
            Item::Use(item) => self.push("use".to_owned(), item),
            _ => {}
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.push(item.sig.ident.to_string(), item);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.push(item.ident.to_string(), item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named_and_nothing_else() {
        let before = "
            use std::fmt;
            use std::mem;
            const SPEED: f32 = 1.0;
            pub fn tick(w: &mut World) { w.x += SPEED; }
            fn spawn() {}
            mod inner { fn deep() { 1 } }
            impl World { fn new() -> Self { World } fn old() {} }
            fn gone() {}
        ";
        let table: [(&str, &str, &[&str]); 10] = [
            ("SPEED: f32 = 1.0", "SPEED: f32 = 2.0", &["SPEED"]),
            ("w.x += SPEED", "w.x -= SPEED", &["tick"]),
            ("{ 1 }", "{ 2 }", &["inner::deep"]),
            ("fn old() {}", "fn old() { let _ = 1; }", &["World::old"]),
            ("fn gone() {}", "", &["gone"]),
            ("fn spawn() {}", "fn spawn() {} fn more() {}", &["more"]),
            ("fn spawn() {}", "// why\nfn  spawn( ) {\n}", &[]),
            ("fn gone() {}", "fn gone( {}", &[]),
            ("use std::fmt;", "use std::io;", &["use"]),
            ("use std::fmt;", "", &["use"]),
        ];
        for (old, new, expected) in table {
            let after = before.replace(old, new);
            assert_ne!(before, after, "{old}");
            assert_eq!(items(Some(before), Some(&after)), expected, "{old} -> {new}");
        }
        assert!(items(None, Some(before)).is_empty());
        assert!(items(Some(before), None).is_empty());
    }

    #[test]
    fn many_names_are_counted() {
        let names = |count: usize| -> Vec<String> { (0..count).map(|n| format!("f{n}")).collect() };
        let table = [(0, ""), (1, "f0"), (3, "f0, f1, f2"), (4, "f0, f1, f2 and 1 more")];
        for (count, expected) in table {
            assert_eq!(list(&names(count)), expected);
        }
    }
}
