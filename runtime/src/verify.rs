//! Verify: what an artifact says of itself, compared with the host before any of its code can run.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use liveswap_abi::manifest::{self, Malformed};
use object::read::{ReadCache, ReadRef};
use object::{Object, ObjectSection};

use crate::event::{Difference, Kind};

/// An artifact's manifest, as its file or a loaded crate has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// What the crate's record says, by key.
    fields: BTreeMap<String, String>,
    /// The hot functions, sorted by path.
    pub functions: Vec<FunctionRecord>,
    /// The hot values, sorted by path.
    pub values: Vec<ValueRecord>,
}

/// What the manifest says of one hot function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct FunctionRecord {
    /// Its path, beginning with the crate's name.
    pub path: String,
    /// Its declaration, as in the source but on one line.
    pub signature: String,
    /// The file it is in, as the compiler was told it.
    pub file: String,
    /// The line its attribute is on.
    pub line: u32,
    /// Whether code outside the hot crate can name it.
    pub public: bool,
}

/// What the manifest says of one hot `static`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ValueRecord {
    /// Its path, beginning with the crate's name.
    pub path: String,
    /// Its type, as in the source but on one line.
    pub type_name: String,
    /// The file it is in, as the compiler was told it.
    pub file: String,
    /// The line its attribute is on.
    pub line: u32,
    /// Whether code outside the hot crate can name it.
    pub public: bool,
}

/// Why a manifest could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The file could not be opened or is not an image of a known format.
    #[error("it cannot be read as a dynamic library: {0}")]
    Image(String),
    /// The section is not there.
    #[error("it has no manifest section `{}`", manifest::SECTION)]
    Missing,
    /// A record is broken.
    #[error("its manifest is broken: {0}")]
    Malformed(#[from] Malformed),
    /// What is said takes more room than the file itself.
    #[error("its manifest says more than any artifact has to say")]
    TooMuch,
    /// The crate's own record is missing or there are two.
    #[error("its manifest has {0} crate records instead of one")]
    CrateRecords(usize),
}

/// More lines than that, no record has.
const MOST_LINES: usize = 64;

impl Manifest {
    /// Reads the manifest of the library at `path` without loading it.
    ///
    /// # Errors
    ///
    /// [`ManifestError`], which says what is missing.
    pub fn read(path: &Path) -> Result<Manifest, ManifestError> {
        Manifest::with(path, |_| true)
    }

    /// Reads what the artifact at `path` says of itself as a whole, without its functions and values, of which there
    /// may be thousands.
    ///
    /// # Errors
    ///
    /// [`ManifestError`], which says what is missing.
    pub(crate) fn read_crate(path: &Path) -> Result<Manifest, ManifestError> {
        Manifest::with(path, |record| record.starts_with("crate="))
    }

    /// Like [`read`](Manifest::read), of a library in memory.
    ///
    /// Takes no more memory than the bytes themselves, whatever they are.
    ///
    /// # Errors
    ///
    /// [`ManifestError`], which says what is missing.
    pub fn of_bytes(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        Manifest::of(bytes, |_| true)
    }

    fn with(path: &Path, wants: impl Fn(&str) -> bool) -> Result<Manifest, ManifestError> {
        let file = File::open(path).map_err(|error| ManifestError::Image(error.to_string()))?;
        Manifest::of(&ReadCache::new(file), wants)
    }

    fn of<'data, R: ReadRef<'data>>(
        data: R,
        wants: impl Fn(&str) -> bool,
    ) -> Result<Manifest, ManifestError> {
        let image =
            object::File::parse(data).map_err(|error| ManifestError::Image(error.to_string()))?;
        let section = image
            .sections()
            .find(|section| section.name().is_ok_and(is_manifest))
            .ok_or(ManifestError::Missing)?;
        let bytes = section.data().map_err(|error| ManifestError::Image(error.to_string()))?;
        let records = manifest::records(bytes);
        let room = data.len().map_or(0, |len| usize::try_from(len).unwrap_or(usize::MAX));
        Manifest::from_records(
            records.filter(|record| record.as_ref().map_or(true, |it| wants(it))),
            room,
        )
    }

    /// Reads the record that a crate in this process carries.
    ///
    /// # Errors
    ///
    /// [`ManifestError`], which the macros that write the record give no occasion for.
    pub fn of_record(record: &[u8]) -> Result<Manifest, ManifestError> {
        Manifest::from_records(manifest::records(record), usize::MAX)
    }

    /// What a program says that was not linked with the crate: what it was itself compiled with.
    pub(crate) fn of_this_program(&self) -> Manifest {
        let own = |key: &str| {
            Some(match key {
                "format" => manifest::FORMAT,
                "abi" => manifest::ABI,
                "rustc" => manifest::RUSTC,
                "target" => manifest::TARGET,
                "target_features" => manifest::TARGET_FEATURES,
                "panic" => manifest::PANIC,
                "debug_assertions" => manifest::DEBUG_ASSERTIONS,
                _ => return None,
            })
        };
        let keys = MUST_MATCH.iter().map(|(key, ..)| *key);
        let value = |key| own(key).unwrap_or_else(|| self.field(key)).to_owned();
        let fields = keys.map(|key| (key.to_owned(), value(key))).collect();
        Manifest { fields, ..Manifest::default() }
    }

    fn from_records<'a>(
        records: impl Iterator<Item = Result<&'a str, Malformed>>,
        mut room: usize,
    ) -> Result<Manifest, ManifestError> {
        let mut manifest = Manifest::default();
        let mut crates = 0;
        for text in records {
            let text = text?;
            // Twice the place in a list that grows, and the text.
            let takes = 2 * size_of::<FunctionRecord>() + text.len();
            room = room.checked_sub(takes).ok_or(ManifestError::TooMuch)?;
            if text.lines().nth(MOST_LINES).is_some() {
                return Err(ManifestError::TooMuch);
            }
            let fields: BTreeMap<&str, &str> = text.lines().filter_map(field).collect();
            let field = |key: &str| (*fields.get(key).unwrap_or(&"")).to_owned();
            let (file, line) = (field("file"), field("line").parse().unwrap_or(0));
            let public = field("public") == "true";
            if fields.contains_key("crate") {
                crates += 1;
                let owned = |(key, value): (&&str, &&str)| ((*key).to_owned(), (*value).to_owned());
                manifest.fields = fields.iter().map(owned).collect();
            } else if let Some(path) = fields.get("function") {
                let (path, signature) = ((*path).to_owned(), field("signature"));
                let function = FunctionRecord { path, signature, file, line, public };
                manifest.functions.push(function);
            } else if let Some(path) = fields.get("value") {
                let (path, type_name) = ((*path).to_owned(), field("type"));
                manifest.values.push(ValueRecord { path, type_name, file, line, public });
            }
        }
        if crates != 1 {
            return Err(ManifestError::CrateRecords(crates));
        }
        manifest.functions.sort();
        manifest.values.sort();
        Ok(manifest)
    }

    /// What the crate's record says under `key`; empty where it says nothing.
    #[must_use]
    pub fn field(&self, key: &str) -> &str {
        self.fields.get(key).map_or("", String::as_str)
    }

    /// The crate's record, key by key.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Which kind of artifact it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        if self.field("kind") == "shared" { Kind::Shared } else { Kind::Standalone }
    }
}

/// A line of a record. A builder that changes a value keeps the record's length with spaces.
fn field(line: &str) -> Option<(&str, &str)> {
    line.split_once('=').map(|(key, value)| (key, value.trim_end()))
}

/// PE images cut section names to eight bytes.
fn is_manifest(name: &str) -> bool {
    let wanted = manifest::SECTION.rsplit(',').next().unwrap_or(manifest::SECTION);
    name == wanted || (name.len() == 8 && wanted.starts_with(name))
}

/// The keys that must be equal on both sides, what they are, and what to do where they are not.
const MUST_MATCH: &[(&str, &str, &str)] = &[
    ("crate", "crate", "point the artifact path at this crate's own library"),
    ("format", "manifest format", "build host and artifact with the same version of liveswap"),
    ("abi", "liveswap-abi", "build host and artifact with the same version of liveswap"),
    ("rustc", "compiler", "build both with the same toolchain, then restart the program"),
    ("target", "target", "build the artifact with the host's --target"),
    ("target_features", "target features", "build the artifact with the host's RUSTFLAGS"),
    ("panic", "panic strategy", "build the artifact with the host's profile"),
    ("debug_assertions", "debug assertions", "build the artifact with the host's profile"),
    ("version", "crate version", "restart the program to take the new version"),
];

/// Everything in which `artifact` does not fit `host`, by what the manifests say.
#[must_use]
pub fn compare(host: &Manifest, artifact: &Manifest) -> Vec<Difference> {
    MUST_MATCH
        .iter()
        .filter(|(key, ..)| host.field(key) != artifact.field(key))
        .map(|&(key, item, remedy)| Difference {
            item: item.to_owned(),
            expected: quoted(host.field(key)),
            found: quoted(artifact.field(key)),
            remedy: remedy.to_owned(),
        })
        .collect()
}

fn quoted(value: &str) -> String {
    if value.is_empty() { "nothing".to_owned() } else { format!("`{value}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(texts: &[&str]) -> Result<Manifest, ManifestError> {
        Manifest::from_records(texts.iter().map(|text| Ok(*text)), usize::MAX)
    }

    const HOST: &str = "crate=game\nformat=1\nabi=a\nrustc=rustc 1.95.0\ntarget=t\npanic=unwind\n\
                        debug_assertions=true\nversion=0.1.0\nkind=standalone\n";

    #[test]
    fn records_become_fields_and_functions() {
        let tick =
            "function=game::tick\nsignature=fn tick(x: u32)\nfile=src/a.rs\nline=7\npublic=true\n";
        let speed = "value=game::SPEED\ntype=[f32; 2]\nfile=src/b.rs\nline=3\npublic=false\n";
        let read = manifest(&[tick, speed, HOST, "function=game::a\n"]).unwrap();
        assert_eq!(read.field("crate"), "game");
        assert_eq!(read.kind(), Kind::Standalone);
        let paths: Vec<_> = read.functions.iter().map(|f| (f.path.as_str(), f.line)).collect();
        assert_eq!(paths, [("game::a", 0), ("game::tick", 7)]);
        assert!(read.functions[1].public);
        let value = &read.values[0];
        assert_eq!((value.path.as_str(), value.type_name.as_str()), ("game::SPEED", "[f32; 2]"));
        assert_eq!((value.file.as_str(), value.line, value.public), ("src/b.rs", 3, false));
    }

    #[test]
    fn a_value_that_was_made_shorter_is_read_without_its_padding() {
        let shared = HOST.replace("kind=standalone", "kind=shared    ");
        let read = manifest(&[&shared]).unwrap();
        assert_eq!((read.kind(), read.field("kind")), (Kind::Shared, "shared"));
    }

    #[test]
    fn a_manifest_needs_exactly_one_crate_record() {
        assert!(matches!(manifest(&[]), Err(ManifestError::CrateRecords(0))));
        assert!(matches!(manifest(&[HOST, HOST]), Err(ManifestError::CrateRecords(2))));
    }

    #[test]
    fn every_difference_is_named_with_both_values() {
        let host = manifest(&[HOST]).unwrap();
        assert_eq!(compare(&host, &host), []);
        for (key, from, to) in [
            ("crate", "crate=game", "crate=other"),
            ("compiler", "rustc 1.95.0", "rustc 1.96.0"),
            ("panic strategy", "panic=unwind", "panic=abort"),
            ("debug assertions", "debug_assertions=true", "debug_assertions=false"),
            ("manifest format", "format=1", "format=2"),
            ("liveswap-abi", "abi=a", "abi=b"),
            ("target", "target=t", "target=u"),
            ("crate version", "version=0.1.0", "version=0.2.0"),
        ] {
            let artifact = manifest(&[&HOST.replace(from, to)]).unwrap();
            let found = compare(&host, &artifact);
            assert_eq!(found.len(), 1, "{key}");
            assert_eq!(found[0].item, key);
            let values = (from.rsplit('=').next().unwrap(), to.rsplit('=').next().unwrap());
            assert_eq!(found[0].expected, format!("`{}`", values.0));
            assert_eq!(found[0].found, format!("`{}`", values.1));
            assert!(!found[0].remedy.is_empty());
        }
    }

    #[test]
    fn a_program_without_the_crate_takes_only_what_fits_itself() {
        let artifact = manifest(&[HOST]).unwrap();
        let program = artifact.of_this_program();
        assert_eq!((program.field("crate"), program.field("version")), ("game", "0.1.0"));
        assert_eq!(program.field("rustc"), manifest::RUSTC);
        let items: Vec<_> = compare(&program, &artifact).into_iter().map(|one| one.item).collect();
        for item in ["compiler", "liveswap-abi", "target"] {
            assert!(items.iter().any(|found| found == item), "{item} in {items:?}");
        }
    }

    #[test]
    fn a_file_without_a_manifest_says_so() {
        let path = std::env::current_exe().unwrap();
        assert!(matches!(Manifest::read(&path), Err(ManifestError::Missing)));
        let dir = tempfile::tempdir().unwrap();
        let text = dir.path().join("text");
        std::fs::write(&text, "no image").unwrap();
        assert!(matches!(Manifest::read(&text), Err(ManifestError::Image(_))));
    }
}
