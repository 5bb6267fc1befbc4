//! The two hot crates that are edited, copied from this checkout, and how each looks without Liveswap.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Which hot crate is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Which {
    /// The demo's.
    Small,
    /// One that uses `serde_json`, `regex`, `tokio` and `tracing`.
    Deps,
}

/// A hot crate as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HotCrate {
    /// Paths below `src`, and what is in them.
    pub(crate) files: Vec<(PathBuf, String)>,
    /// Its dependencies besides Liveswap, as lines of a manifest.
    pub(crate) dependencies: String,
    place: &'static Place,
}

/// Where a hot crate is, and what of it is edited.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    folder: &'static str,
    dependencies: &'static str,
    /// The file with the constant, below `src`.
    file: &'static str,
    /// What stands before the constant's value.
    before: &'static str,
    /// What stands after it.
    after: &'static str,
    /// The hot function that is called.
    function: &'static str,
    /// Its arguments and its result.
    signature: &'static str,
    /// How it is called, and made a `u64`.
    call: &'static str,
    /// Types in its signature.
    types: &'static [&'static str],
}

const SMALL: Place = Place {
    folder: "reloadable-logic",
    dependencies: "serde = { version = \"1\", features = [\"derive\"] }\n",
    file: "spawn.rs",
    before: "const LIVES: u32 = ",
    after: ";",
    function: "new_world",
    signature: "(seed: u64, columns: u16, rows: u16) -> State<World>",
    call: "HOT::new_world(7, 80, 23).look().map_or(0, |world| u64::from(world.lives))",
    types: &["State", "World"],
};

const DEPS: Place = Place {
    folder: "benches/deps",
    dependencies: "regex = \"1\"
serde = { version = \"1\", features = [\"derive\"] }
serde_json = \"1\"
tokio = { version = \"1\", features = [\"rt\", \"sync\", \"time\"] }
tracing = \"0.1\"
",
    file: "price.rs",
    before: "const FEE_CENTS: u64 = ",
    after: ";",
    function: "price",
    signature: "(weight: u64) -> u64",
    call: "HOT::price(0)",
    types: &[],
};

impl Which {
    fn place(self) -> &'static Place {
        match self {
            Which::Small => &SMALL,
            Which::Deps => &DEPS,
        }
    }

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Which::Small => "small",
            Which::Deps => "deps",
        }
    }
}

impl HotCrate {
    /// Reads it from the checkout.
    pub(crate) fn read(which: Which, checkout: &Path) -> Result<HotCrate, Error> {
        let place = which.place();
        let source = checkout.join(place.folder).join("src");
        let failed = |path: PathBuf| move |source| Error::File { action: "read", path, source };
        let mut files = Vec::new();
        let entries = fs::read_dir(&source).map_err(failed(source.clone()))?;
        for entry in entries {
            let path = entry.map_err(failed(source.clone()))?.path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).map_err(failed(path.clone()))?;
                files.push((path.strip_prefix(&source).unwrap_or(&path).to_owned(), text));
            }
        }
        files.sort();
        let all = HotCrate { files, dependencies: place.dependencies.to_owned(), place };
        all.edited(0).ok_or(Error::NothingToEdit {
            path: source.join(place.file),
            what: format!("{}..{}", place.before, place.after),
        })?;
        Ok(all)
    }

    /// The file with the constant, below `src`.
    pub(crate) fn edited_file(&self) -> &'static str {
        self.place.file
    }

    /// That file with `value` as the constant.
    pub(crate) fn edited(&self, value: u64) -> Option<String> {
        let Place { file, before, after, .. } = self.place;
        let (_, text) = self.files.iter().find(|(path, _)| path == Path::new(file))?;
        let (head, rest) = text.split_once(before)?;
        let (_, tail) = rest.split_once(after)?;
        Some(format!("{head}{before}{value}{after}{tail}"))
    }

    /// The same crate as other tools want it: plain functions, and the one that is called under its own name in the
    /// library if `exported`.
    pub(crate) fn without_liveswap(&self, exported: bool) -> HotCrate {
        let function = exported.then_some(self.place.function);
        let plain = |text: &String| plain(text, function);
        let mut files: Vec<(PathBuf, String)> =
            self.files.iter().map(|(path, text)| (path.clone(), plain(text))).collect();
        if files.iter().any(|(_, text)| text.contains("plain_state::")) {
            let root = files.iter_mut().find(|(path, _)| path == Path::new("lib.rs"));
            if let Some((_, text)) = root {
                *text += "\n/// A value behind a lock.\npub mod plain_state;\n";
            }
            files.push(("plain_state.rs".into(), PLAIN_STATE.to_owned()));
        }
        HotCrate { files, ..self.clone() }
    }

    /// An expression that calls the hot function; `module` is the crate or module it is in.
    pub(crate) fn call(&self, module: &str) -> String {
        self.place.call.replace("HOT", module)
    }

    /// The function's declaration, without its body.
    pub(crate) fn declaration(&self) -> String {
        format!("pub fn {}{};", self.place.function, self.place.signature)
    }

    /// Types in its signature.
    pub(crate) fn types(&self) -> &'static [&'static str] {
        self.place.types
    }
}

/// What a tool without states has in place of `State`: the value behind a lock.
const PLAIN_STATE: &str = include_str!("plain_state.rs");

fn plain(text: &str, exported: Option<&str>) -> String {
    let mut plain = String::new();
    let mut values = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        match line.trim() {
            "#![deny(unsafe_code)]" => {}
            ours if ours.starts_with("liveswap_abi::hot_crate!") => {}
            ours if ours.starts_with("use liveswap_macros::") => {}
            hot if hot.starts_with("#[hot") => {
                let rest = lines.clone();
                let next = rest.clone().next().unwrap_or_default().trim();
                let value = next.strip_prefix("pub static ").and_then(|it| it.split_once(':'));
                values.extend(value.map(|(name, _)| name));
                let function = rest.map(str::trim).find_map(|line| line.strip_prefix("pub fn "));
                let name = function.and_then(|it| it.split_once('(')).map(|(name, _)| name);
                if name.is_some() && name == exported {
                    plain += "#[unsafe(no_mangle)]\n";
                }
            }
            derive if derive.starts_with("#[derive(") => {
                plain +=
                    &line.replace(", Layout", "").replace("Layout, ", "").replace("Layout", "");
                plain += "\n";
            }
            _ => {
                plain += &line.replace("liveswap_abi::state::", "crate::plain_state::");
                plain += "\n";
            }
        }
    }
    values.iter().fold(plain, |plain, name| plain.replace(&format!("{name}.get()"), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkout() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
    }

    #[test]
    fn both_crates_have_their_constant_and_their_function() {
        for which in [Which::Small, Which::Deps] {
            let hot = HotCrate::read(which, checkout()).unwrap();
            let edited = hot.edited(4711).unwrap();
            assert!(edited.contains(&format!("{}4711;", which.place().before)), "{which:?}");
            let declared = hot.declaration();
            let declared = declared.trim_end_matches(';');
            let marked = format!("#[hot]\n#[must_use]\n{declared} {{");
            assert!(hot.files.iter().any(|(_, text)| text.contains(&marked)), "{marked}");
        }
    }

    #[test]
    fn nothing_of_liveswap_is_left_for_others() {
        for which in [Which::Small, Which::Deps] {
            let hot = HotCrate::read(which, checkout()).unwrap();
            let exports = |hot: &HotCrate| {
                let lines = || hot.files.iter().flat_map(|(_, text)| text.lines()).map(str::trim);
                let ours = |line: &&str| {
                    line.starts_with("#[hot")
                        || line.contains("liveswap_") && !line.starts_with("//")
                };
                assert_eq!(lines().find(ours), None, "{which:?}");
                lines().filter(|&line| line == "#[unsafe(no_mangle)]").count()
            };
            assert_eq!(exports(&hot.without_liveswap(true)), 1);
            assert_eq!(exports(&hot.without_liveswap(false)), 0);
            assert!(hot.without_liveswap(true).edited(7).is_some());
        }
    }

    #[test]
    fn what_is_not_of_liveswap_stays() {
        let text = "use liveswap_macros::{Layout, hot};\n#[derive(Clone, Layout)]\nstruct X;\n#[hot]\npub fn a() {}\n\
                    #[hot]\n#[must_use]\npub fn b() -> u8 { 1 }\n";
        let expected = "#[derive(Clone)]\nstruct X;\npub fn a() {}\n#[unsafe(no_mangle)]\n#[must_use]\npub fn b() -> u8 { 1 }\n";
        assert_eq!(plain(text, Some("b")), expected);
        let text = "#[hot]\npub static STEP: f32 = 0.5;\nfn a() -> f32 { STEP.get() + b.get() }\n";
        let expected = "pub static STEP: f32 = 0.5;\nfn a() -> f32 { STEP + b.get() }\n";
        assert_eq!(plain(text, None), expected);
    }

    #[test]
    fn the_dependencies_are_those_of_the_crate_itself() {
        let manifest = fs::read_to_string(checkout().join(DEPS.folder).join("Cargo.toml")).unwrap();
        let (_, listed) = manifest.split_once("[dependencies]").unwrap();
        let listed = listed.split_once("\n[").unwrap().0;
        let names = |lines: &str| -> Vec<String> {
            let names = lines.lines().filter_map(|line| line.split(['.', ' ']).next());
            names
                .filter(|it| !it.is_empty() && !it.contains("liveswap"))
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(names(listed), names(DEPS.dependencies));
    }
}
