//! Check: the signatures of an artifact's hot functions and the types of its hot values, compared with those the host was compiled against.

use std::collections::{BTreeMap, HashMap};

use liveswap_abi::dispatch::Target;
use liveswap_abi::function::FunctionEntry;
use liveswap_abi::value::PLACE;

use crate::event::Difference;

/// A signature: every type in it, by place, name and layout.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Signature(Vec<Part>);

/// One type in a signature.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Part {
    place: String,
    name: String,
    layout: Option<(usize, usize)>,
}

impl Signature {
    /// Asks the image that contains the function.
    #[must_use]
    pub(crate) fn of(entry: &FunctionEntry) -> Signature {
        let mut parts = Vec::new();
        entry.describe(&mut |part| {
            parts.push(Part {
                place: part.place.to_owned(),
                name: part.name.to_owned(),
                layout: part.layout,
            });
        });
        Signature(parts)
    }
}

impl Signature {
    /// What has the signature, in one word.
    pub(crate) fn kind(&self) -> &'static str {
        let is_value = self.0.first().is_some_and(|part| part.place == PLACE);
        if is_value { "value" } else { "function" }
    }

    fn missing(&self, path: &str) -> Difference {
        let kind = self.kind();
        let uses = if kind == "value" { "reads" } else { "calls" };
        Difference {
            item: format!("{kind} `{path}`"),
            expected: format!("the hot {kind} that the program {uses}"),
            found: format!("no hot {kind} of that path"),
            remedy: "put it back, or restart the program".to_owned(),
        }
    }
}

impl Part {
    fn show(&self) -> String {
        match self.layout {
            Some((size, align)) => {
                format!("`{}` (size {size}, align {align})", self.name)
            }
            None => format!("`{}`", self.name),
        }
    }
}

/// The hot functions and values of one image, by path.
pub(crate) type Functions = BTreeMap<&'static str, (&'static FunctionEntry, Signature)>;

/// Lists the functions and values of an image.
///
/// # Errors
///
/// Paths that two of them share: a swap could not tell them apart.
pub(crate) fn list(entries: &[&'static FunctionEntry]) -> Result<Functions, Vec<Difference>> {
    let mut functions = Functions::new();
    let mut doubles = Vec::new();
    for entry in entries {
        let signature = Signature::of(entry);
        if functions.contains_key(entry.path()) {
            let kind = signature.kind();
            doubles.push(Difference {
                item: format!("{kind} `{}`", entry.path()),
                expected: format!("one hot {kind} of that path"),
                found: "two".to_owned(),
                remedy: format!(
                    "hot {kind}s inside functions or `impl` blocks share their module's path: rename one"
                ),
            });
        }
        functions.insert(entry.path(), (entry, signature));
    }
    if doubles.is_empty() { Ok(functions) } else { Err(doubles) }
}

/// Everything in which the artifact's functions do not fit what the host calls.
///
/// Functions that are not public are called by the hot crate only, which comes with its own.
#[must_use]
pub(crate) fn compare(host: &Functions, artifact: &Functions) -> Vec<Difference> {
    host.iter()
        .filter(|(_, (entry, _))| entry.is_public())
        .flat_map(|(path, (_, expected))| match artifact.get(path) {
            Some((_, found)) => differences(path, expected, found),
            None => vec![expected.missing(path)],
        })
        .collect()
}

fn differences(path: &str, expected: &Signature, found: &Signature) -> Vec<Difference> {
    let kind = expected.kind();
    let remedy = match kind {
        "value" => "change it back, or restart the program to take the new type",
        _ => "change it back, or restart the program to take the new signature",
    };
    let places = |signature: &Signature| -> Vec<String> {
        signature.0.iter().map(|part| part.place.clone()).collect()
    };
    if places(expected) != places(found) {
        let show = |signature: &Signature| -> String {
            let outer = signature.0.iter().filter(|part| part.is_outermost());
            let shown: Vec<String> =
                outer.map(|part| format!("{}: {}", part.place, part.show())).collect();
            shown.join(", ")
        };
        return vec![Difference {
            item: format!("{kind} `{path}`"),
            expected: show(expected),
            found: show(found),
            remedy: remedy.to_owned(),
        }];
    }
    expected
        .0
        .iter()
        .zip(&found.0)
        .filter(|(expected, found)| expected != found)
        .map(|(expected, found)| Difference {
            item: match (kind, expected.place.as_str()) {
                (_, PLACE) => format!("{kind} `{path}`"),
                (_, place) => format!("{kind} `{path}`, {place}"),
            },
            expected: expected.show(),
            found: found.show(),
            remedy: remedy.to_owned(),
        })
        .collect()
}

impl Part {
    fn is_outermost(&self) -> bool {
        !["behind", " in ", ", its elements"].iter().any(|inner| self.place.contains(inner))
            && self.place.rsplit_once('.').is_none_or(|(_, index)| index.parse::<u32>().is_err())
    }
}

/// The numbering of functions: one slot for every path and signature that was ever loaded.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    known: HashMap<String, Vec<(Signature, usize)>>,
    paths: Vec<String>,
}

impl Slots {
    /// Numbers the functions of an image and says which of them are new.
    ///
    /// The image must not be published yet.
    pub(crate) fn assign(&mut self, functions: &Functions) -> Vec<String> {
        let mut added = Vec::new();
        for (path, (entry, signature)) in functions {
            let next = self.paths.len();
            let same_path = self.known.entry((*path).to_owned()).or_default();
            let slot =
                same_path.iter().find(|(known, _)| known == signature).map(|(_, slot)| *slot);
            let slot = slot.unwrap_or_else(|| {
                same_path.push((signature.clone(), next));
                self.paths.push((*path).to_owned());
                added.push((*path).to_owned());
                next
            });
            entry.set_slot(slot);
        }
        added
    }

    /// The table's targets for an image with these functions; null where it has none for a slot.
    #[must_use]
    pub(crate) fn targets(&self, functions: &Functions) -> Vec<Target> {
        let mut targets = vec![std::ptr::null(); self.paths.len()];
        for (entry, _) in functions.values() {
            if let Some(target) = targets.get_mut(entry.slot()) {
                *target = entry.own();
            }
        }
        targets
    }

    /// The path of the function in `slot`.
    #[must_use]
    pub(crate) fn path(&self, slot: usize) -> &str {
        self.paths.get(slot).map_or("a hot function", String::as_str)
    }
}
