//! Edits that cannot take effect in the program that runs, found by comparing sources.
//!
//! A hot function is reached through the table, so its new body is called. Everything else that the host itself uses
//! of the hot crate was compiled into it: constants, inline and generic functions, functions that are not hot, and whatever
//! those are made of. What the host uses is read from its sources by name. So an edit may be named that would have
//! done no harm, where two things share a name; and one is missed that the host reaches by another name (`use a as b`, code
//! that a macro makes), or by a method of a common name such as `len` on a value whose type it never names.

mod items;
#[cfg(test)]
mod tests;
mod uses;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

pub use items::ItemKind;
use items::{ByName, Item};
use uses::{Place, Uses};

/// Sources by path.
pub type Texts = BTreeMap<PathBuf, String>;

/// An edit that the running program does not see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithoutEffect {
    /// The edited item, with its modules and its type: `palette::BASE`, `World::new`.
    pub item: String,
    /// What it is.
    pub kind: ItemKind,
    /// The item through which it reached the program, where it is not used there itself.
    pub through: Option<String>,
    /// Where the program uses it: a file and a line, or the file alone where the line is not known.
    pub used_at: String,
}

impl WithoutEffect {
    /// What to do for the edit to be seen.
    #[must_use]
    pub fn remedy(&self) -> String {
        if let Some(through) = &self.through {
            return format!(
                "let the program call a `#[hot]` function in place of `{through}`, or restart it"
            );
        }
        let instead = match self.kind {
            ItemKind::Const => "return it from a `#[hot]` function",
            ItemKind::Static => "read it in a `#[hot]` function",
            ItemKind::Function | ItemKind::Inline => "mark it `#[hot]`",
            ItemKind::Generic | ItemKind::ConstFunction | ItemKind::Method => {
                "move what changes into a `#[hot]` function that it calls"
            }
            ItemKind::Macro => "let it expand to a call of a `#[hot]` function",
        };
        format!("{instead}, or restart the program")
    }

    /// Why the program does not see the edit.
    #[must_use]
    pub fn why(&self) -> String {
        let WithoutEffect { item: _, kind, through, used_at } = self;
        let what = match kind {
            ItemKind::Const => "a constant",
            ItemKind::Static => "a static of which the program has its own",
            ItemKind::Function => "a function that is not hot",
            ItemKind::Generic => "a generic function",
            ItemKind::Inline => "an inline function",
            ItemKind::ConstFunction => "a const function",
            ItemKind::Method => "a method, which is not hot",
            ItemKind::Macro => "a macro",
        };
        let through = through.as_ref().map_or_else(String::new, |it| format!("through `{it}`, "));
        format!("{what}, and the program goes on with the old one ({through}{used_at})")
    }
}

impl fmt::Display for WithoutEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is {}: {}", self.item, self.why(), self.remedy())
    }
}

/// The sources that the running program was built of, and the hot crate's as they were last seen.
#[derive(Debug)]
pub struct Effects {
    /// What the program uses itself, with the place, and the item through which it does.
    frozen: Vec<Frozen>,
    last: Vec<Item>,
}

#[derive(Debug)]
struct Frozen {
    item: Item,
    through: Option<String>,
    used_at: Place,
}

impl Effects {
    /// Compares later edits with the sources of a program that has just been built: its own, and the hot crate's.
    #[must_use]
    pub fn new(host: &Texts, hot_crate: &Texts) -> Effects {
        let items = items::of(hot_crate);
        Effects { frozen: frozen(&Uses::of_files(host), &items), last: items }
    }

    /// The edits from the sources seen last to these that the program does not see.
    ///
    /// An item that is again what the program was built of is not among them.
    pub fn edited(&mut self, hot_crate: &Texts) -> Vec<WithoutEffect> {
        let items = items::of(hot_crate);
        let (before, after) = (ByName::new(&self.last), ByName::new(&items));
        let unseen = |frozen: &&Frozen| {
            let now = after.tokens(&frozen.item);
            !now.is_empty()
                && !now.contains(&frozen.item.tokens.as_str())
                && now != before.tokens(&frozen.item)
        };
        let named = self.frozen.iter().filter(unseen).map(Frozen::name).collect();
        self.last = items;
        named
    }
}

impl Frozen {
    fn name(&self) -> WithoutEffect {
        let Place { file, line } = &self.used_at;
        WithoutEffect {
            item: self.item.shown.clone(),
            kind: self.item.kind,
            through: self.through.clone(),
            used_at: format!("{}:{line}", file.display()),
        }
    }
}

/// What the program uses without the table in between: what it names itself, and whatever that is made of.
fn frozen(host: &Uses, items: &[Item]) -> Vec<Frozen> {
    let mut found: Vec<Frozen> = Vec::new();
    let mut waiting: Vec<&Item> = items.iter().filter(|item| !item.hot).collect();
    waiting.retain(|item| match host.refer_to(item).filter(|_| item.public) {
        Some(place) => {
            found.push(Frozen { item: (*item).clone(), through: None, used_at: place.clone() });
            false
        }
        None => true,
    });
    let mut next = 0;
    while let Some(Frozen { item, through, used_at }) = found.get(next) {
        let (uses, used_at) = (item.uses.clone(), used_at.clone());
        let through = through.clone().unwrap_or_else(|| item.shown.clone());
        waiting.retain(|item| {
            let reached = uses.refer_to(item).is_some();
            if reached {
                let (item, used_at) = ((*item).clone(), used_at.clone());
                found.push(Frozen { item, through: Some(through.clone()), used_at });
            }
            !reached
        });
        next += 1;
    }
    found
}
