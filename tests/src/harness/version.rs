//! Versions of the hot crate: its text as it stands in `fixtures`, with some edits.

use std::path::PathBuf;

use super::compile;

/// The text of the hot crate, file by file.
const SOURCES: [(&str, &str); 8] = [
    ("lib.rs", include_str!("../../fixtures/hot/lib.rs")),
    ("blocking.rs", include_str!("../../fixtures/hot/blocking.rs")),
    ("deep.rs", include_str!("../../fixtures/hot/deep.rs")),
    ("leftovers.rs", include_str!("../../fixtures/hot/leftovers.rs")),
    ("numbers.rs", include_str!("../../fixtures/hot/numbers.rs")),
    ("panics.rs", include_str!("../../fixtures/hot/panics.rs")),
    ("shapes.rs", include_str!("../../fixtures/hot/shapes.rs")),
    ("signal.rs", include_str!("../../fixtures/hot/signal.rs")),
];

/// The hot crate after some edits, and how it is compiled.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) files: Vec<(&'static str, String)>,
    pub(crate) crate_name: &'static str,
    /// What `-C metadata` says: crates with other metadata are other crates to the compiler.
    pub(crate) metadata: &'static str,
    pub(crate) edited: bool,
}

/// The text as it stands, which is also what the program is linked with.
pub(crate) fn v1() -> Version {
    Version {
        files: SOURCES.map(|(name, text)| (name, text.to_owned())).to_vec(),
        crate_name: "hot_fixture",
        metadata: "fixture",
        edited: false,
    }
}

/// The second version: everything that tells its version says 2.
pub(crate) fn v2() -> Version {
    v1().numbered("2")
}

/// The third version.
pub(crate) fn v3() -> Version {
    v1().numbered("3")
}

impl Version {
    /// Replaces `from`, which stands in `file` exactly once.
    #[track_caller]
    pub(crate) fn edit(mut self, file: &str, from: &str, to: &str) -> Version {
        let (_, text) = self.files.iter_mut().find(|(name, _)| *name == file).expect(file);
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {file}");
        *text = text.replace(from, to);
        self.edited = true;
        self
    }

    /// Makes everything that tells its version say `number`.
    pub(crate) fn numbered(self, number: &str) -> Version {
        let to = format!("pub const VERSION: u32 = {number};");
        self.edit("lib.rs", "pub const VERSION: u32 = 1;", &to)
    }

    /// Adds a function at the end of the crate's root.
    pub(crate) fn with(self, text: &str) -> Version {
        self.edit("lib.rs", "// end", &format!("{text}\n// end"))
    }

    /// Compiles it as another crate.
    pub(crate) fn named(mut self, name: &'static str, metadata: &'static str) -> Version {
        self.crate_name = name;
        self.metadata = metadata;
        self.edited = true;
        self
    }

    /// The compiled artifact, which is not to be changed.
    pub(crate) fn artifact(&self) -> PathBuf {
        compile::hot_crate(self).join(self.file_name())
    }

    /// The file name that cargo would give the artifact.
    pub(crate) fn file_name(&self) -> String {
        format!("lib{}.so", self.crate_name)
    }

    /// The line, counted from one, in which `text` stands in `file`.
    pub(crate) fn line_of(&self, file: &str, text: &str) -> usize {
        let (_, content) = self.files.iter().find(|(name, _)| *name == file).expect(file);
        1 + content.lines().position(|line| line.contains(text)).expect(text)
    }
}
