//! The text of a crate, its edits, and what it is compiled to.

use std::path::{Path, PathBuf};

/// What a fixture is compiled to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// The library that a program links and the artifact of the same text, in one call of the compiler.
    LibraryAndArtifact,
    /// An artifact.
    Artifact,
    /// A program.
    Program,
}

/// The text of a crate, file by file, and how it is compiled.
///
/// ```
/// use liveswap_testkit::process::{Fixture, Output};
///
/// let first = Fixture::new("rules", [("lib.rs", "pub const PERCENT: u32 = 10;\n")]);
/// let second = first.clone().edit("lib.rs", "= 10", "= 20");
/// assert_eq!(second.text("lib.rs"), "pub const PERCENT: u32 = 20;\n");
/// assert_eq!((first.output(), second.output()), (Output::LibraryAndArtifact, Output::Artifact));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixture {
    pub(super) files: Vec<(String, String)>,
    pub(super) crate_name: String,
    pub(super) metadata: String,
    pub(super) output: Output,
    /// Crates that it is compiled against besides those of the toolbox.
    pub(super) links: Vec<(String, PathBuf)>,
    /// Which crates of the toolbox it is compiled against.
    pub(super) uses: Vec<String>,
    /// Options of code generation.
    pub(super) codegen: Vec<String>,
}

impl Fixture {
    /// A library crate of these files, its root `lib.rs`; the first version of a hot crate.
    pub fn new<N: Into<String>, T: Into<String>>(
        crate_name: &str,
        files: impl IntoIterator<Item = (N, T)>,
    ) -> Self {
        Self {
            files: files.into_iter().map(|(name, text)| (name.into(), text.into())).collect(),
            crate_name: crate_name.to_owned(),
            metadata: "fixture".to_owned(),
            output: Output::LibraryAndArtifact,
            links: Vec::new(),
            uses: Vec::new(),
            codegen: Vec::new(),
        }
    }

    /// A program of these files, its root `main.rs`.
    pub fn program<N: Into<String>, T: Into<String>>(
        crate_name: &str,
        files: impl IntoIterator<Item = (N, T)>,
    ) -> Self {
        Self { output: Output::Program, ..Self::new(crate_name, files) }
    }

    /// Compiles it against these crates of the toolbox, by their crate names.
    #[must_use]
    pub fn using<N: Into<String>>(mut self, crates: impl IntoIterator<Item = N>) -> Self {
        self.uses.extend(crates.into_iter().map(Into::into));
        self
    }

    /// Compiles it against a compiled crate.
    #[must_use]
    pub fn linking(mut self, crate_name: &str, library: impl Into<PathBuf>) -> Self {
        self.links.push((crate_name.to_owned(), library.into()));
        self
    }

    /// Replaces `from`, which stands in `file` exactly once; what it is compiled to is an artifact from then on.
    ///
    /// # Panics
    ///
    /// If it does not stand there exactly once.
    #[track_caller]
    #[must_use]
    pub fn edit(mut self, file: &str, from: &str, to: &str) -> Self {
        let found = self.files.iter_mut().find(|(name, _)| name == file);
        let Some((_, text)) = found else { panic!("{file} is not in the fixture") };
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {file}");
        *text = text.replace(from, to);
        self.artifact_only()
    }

    /// Compiles it as another crate: crates of other names or other metadata are other crates to the compiler.
    #[must_use]
    pub fn named(mut self, crate_name: &str, metadata: &str) -> Self {
        crate_name.clone_into(&mut self.crate_name);
        metadata.clone_into(&mut self.metadata);
        self.artifact_only()
    }

    /// Compiles it with other metadata, as cargo does with every version of a package: to the compiler they are different
    /// crates of one name.
    #[must_use]
    pub fn identified(mut self, metadata: &str) -> Self {
        metadata.clone_into(&mut self.metadata);
        self
    }

    /// Compiles it with an option of code generation, as profiles are made of them: `opt-level=2`.
    #[must_use]
    pub fn compiled_with(mut self, option: &str) -> Self {
        self.codegen.push(option.to_owned());
        self
    }

    fn artifact_only(mut self) -> Self {
        if self.output == Output::LibraryAndArtifact {
            self.output = Output::Artifact;
        }
        self
    }

    /// The crate's name.
    #[must_use]
    pub fn crate_name(&self) -> &str {
        &self.crate_name
    }

    /// What it is compiled to.
    #[must_use]
    pub fn output(&self) -> Output {
        self.output
    }

    /// The text of a file.
    ///
    /// # Panics
    ///
    /// If the file is not there.
    #[track_caller]
    #[must_use]
    pub fn text(&self, file: &str) -> &str {
        let found = self.files.iter().find(|(name, _)| name == file);
        found.map_or_else(|| panic!("{file} is not in the fixture"), |(_, text)| text)
    }

    /// The line, counted from one, in which `text` stands in `file` first.
    ///
    /// # Panics
    ///
    /// If it does not.
    #[track_caller]
    #[must_use]
    pub fn line_of(&self, file: &str, text: &str) -> usize {
        let at = self.text(file).lines().position(|line| line.contains(text));
        at.map_or_else(|| panic!("{text:?} is not in {file}"), |line| line + 1)
    }

    /// The file name that cargo would give the artifact.
    #[must_use]
    pub fn file_name(&self) -> String {
        liveswap::locate::file_name(&self.crate_name)
    }

    /// Says that the text is a hot crate's first version or an edit of it, for the name in the cache.
    pub(super) fn kind(&self) -> &'static str {
        if self.output == Output::Program { "host" } else { "hot" }
    }

    pub(super) fn root(&self) -> &'static Path {
        Path::new(if self.output == Output::Program { "src/main.rs" } else { "src/lib.rs" })
    }
}
