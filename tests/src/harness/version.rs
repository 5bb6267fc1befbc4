//! Versions of the hot crate: its text as it stands in `fixtures`, with some edits, and the program linked with it.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use liveswap_testkit::process::{Fixture, Toolbox};

/// The text of the hot crate, file by file.
const SOURCES: [(&str, &str); 14] = [
    ("lib.rs", include_str!("../../fixtures/hot/lib.rs")),
    ("blocking.rs", include_str!("../../fixtures/hot/blocking.rs")),
    ("deep.rs", include_str!("../../fixtures/hot/deep.rs")),
    ("escapes.rs", include_str!("../../fixtures/hot/escapes.rs")),
    ("layouts.rs", include_str!("../../fixtures/hot/layouts.rs")),
    ("leases.rs", include_str!("../../fixtures/hot/leases.rs")),
    ("leftovers.rs", include_str!("../../fixtures/hot/leftovers.rs")),
    ("numbers.rs", include_str!("../../fixtures/hot/numbers.rs")),
    ("panics.rs", include_str!("../../fixtures/hot/panics.rs")),
    ("shapes.rs", include_str!("../../fixtures/hot/shapes.rs")),
    ("signal.rs", include_str!("../../fixtures/hot/signal.rs")),
    ("state.rs", include_str!("../../fixtures/hot/state.rs")),
    ("strays.rs", include_str!("../../fixtures/hot/strays.rs")),
    ("values.rs", include_str!("../../fixtures/hot/values.rs")),
];

/// The text of the program.
const HOST_SOURCES: [(&str, &str); 16] = [
    ("main.rs", include_str!("../../fixtures/host/main.rs")),
    ("calls.rs", include_str!("../../fixtures/host/calls.rs")),
    ("clock.rs", include_str!("../../fixtures/host/clock.rs")),
    ("commands.rs", include_str!("../../fixtures/host/commands.rs")),
    ("executor.rs", include_str!("../../fixtures/host/executor.rs")),
    ("kept.rs", include_str!("../../fixtures/host/kept.rs")),
    ("leases.rs", include_str!("../../fixtures/host/leases.rs")),
    ("log.rs", include_str!("../../fixtures/host/log.rs")),
    ("lookup.rs", include_str!("../../fixtures/host/lookup.rs")),
    ("panics.rs", include_str!("../../fixtures/host/panics.rs")),
    ("setup.rs", include_str!("../../fixtures/host/setup.rs")),
    ("state.rs", include_str!("../../fixtures/host/state.rs")),
    ("steps.rs", include_str!("../../fixtures/host/steps.rs")),
    ("storm.rs", include_str!("../../fixtures/host/storm.rs")),
    ("strays.rs", include_str!("../../fixtures/host/strays.rs")),
    ("workers.rs", include_str!("../../fixtures/host/workers.rs")),
];

static TOOLS: LazyLock<Result<Toolbox, String>> = LazyLock::new(|| {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let packages = ["liveswap", "liveswap-abi", "liveswap-macros", "serde", "tracing"];
    Toolbox::new(workspace, &packages).map_err(|error| error.to_string())
});

/// What compiling a fixture needs.
///
/// # Panics
///
/// In every test alike, with cargo's own words, if our crates do not compile.
fn tools() -> &'static Toolbox {
    TOOLS.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

/// The hot crate after some edits.
#[derive(Debug, Clone)]
pub(crate) struct Version(Fixture);

/// The text as it stands, which is also what the program is linked with.
pub(crate) fn v1() -> Version {
    let fixture = Fixture::new("hot_fixture", SOURCES);
    Version(fixture.using(["liveswap_abi", "liveswap_macros", "serde"]))
}

/// The second version: everything that tells its version says 2.
pub(crate) fn v2() -> Version {
    v1().numbered("2")
}

/// The third version.
pub(crate) fn v3() -> Version {
    v1().numbered("3")
}

/// The text as it stands with more at the end of the crate's root, as a program can be linked with it.
pub(crate) fn first_with(text: &str) -> Version {
    let sources = SOURCES.map(|(name, source)| match name {
        "lib.rs" => (name, source.replace("// end", &format!("{text}\n// end"))),
        _ => (name, source.to_owned()),
    });
    Version(Fixture::new("hot_fixture", sources).using([
        "liveswap_abi",
        "liveswap_macros",
        "serde",
    ]))
}

/// A hot crate of this text, with which no program is linked.
pub(crate) fn unlinked(crate_name: &str, text: &str) -> Version {
    let fixture = Fixture::new(crate_name, [("lib.rs", text)]).named(crate_name, "plugin");
    Version(fixture.using(["liveswap_abi", "liveswap_macros"]))
}

/// A crate of this text that hot crates are compiled against, as another `build` of it for each of those.
pub(crate) fn dependency(crate_name: &str, build: &str, text: &str) -> PathBuf {
    let fixture = Fixture::new(crate_name, [("lib.rs", text)]).identified(build);
    tools().compile(&fixture).unwrap().join(format!("lib{crate_name}.rlib"))
}

/// The program that is linked with the first version.
pub(crate) fn host() -> PathBuf {
    host_with(&v1())
}

/// The program that is linked with this version, which is not an edited one.
pub(crate) fn host_with(version: &Version) -> PathBuf {
    host_linking(version, &[])
}

/// The program that is linked with this version, which is compiled against these crates.
pub(crate) fn host_linking(version: &Version, dependencies: &[(&str, &Path)]) -> PathBuf {
    let linked = tools().compile(&version.0).unwrap().join("libhot_fixture.rlib");
    let mut host = Fixture::program("host", HOST_SOURCES).using(["liveswap", "tracing"]);
    for (name, library) in dependencies {
        host = host.linking(name, *library);
    }
    tools().compile(&host.linking("hot_fixture", linked)).unwrap().join("host")
}

/// The library that the program is linked with.
pub(crate) fn library() -> PathBuf {
    tools().compile(&v1().0).unwrap().join("libhot_fixture.rlib")
}

/// A dynamic library of the same compiler that is no artifact.
pub(crate) fn macros_library() -> PathBuf {
    tools().library("liveswap_macros").unwrap().to_owned()
}

impl Version {
    /// Replaces `from`, which stands in `file` exactly once.
    #[track_caller]
    pub(crate) fn edit(self, file: &str, from: &str, to: &str) -> Version {
        Version(self.0.edit(file, from, to))
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

    /// Compiles it against a compiled crate.
    pub(crate) fn linking(self, crate_name: &str, library: &Path) -> Version {
        Version(self.0.linking(crate_name, library))
    }

    /// Compiles it with an option of code generation.
    pub(crate) fn compiled_with(self, option: &str) -> Version {
        Version(self.0.compiled_with(option))
    }

    /// Compiles it as another crate.
    pub(crate) fn named(self, name: &str, metadata: &str) -> Version {
        Version(self.0.named(name, metadata))
    }

    /// The compiled artifact, which is not to be changed.
    #[track_caller]
    pub(crate) fn artifact(&self) -> PathBuf {
        tools().artifact(&self.0).unwrap()
    }

    /// The crate's name.
    pub(crate) fn crate_name(&self) -> &str {
        self.0.crate_name()
    }

    /// The file name that cargo would give the artifact.
    pub(crate) fn file_name(&self) -> String {
        self.0.file_name()
    }

    /// The line, counted from one, in which `text` stands in `file`.
    #[track_caller]
    pub(crate) fn line_of(&self, file: &str, text: &str) -> usize {
        self.0.line_of(file, text)
    }
}
