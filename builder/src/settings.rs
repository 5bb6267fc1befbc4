//! The choices of a build that are not cargo's.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Which kind of artifact is built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KindPolicy {
    /// A shared artifact where the host can serve one, otherwise a standalone one, with the reason.
    #[default]
    Auto,
    /// Always a standalone artifact; the host is then linked as cargo always links it.
    Standalone,
}

/// How much debug information the artifact carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DebugInfo {
    /// None: the fastest, backtraces name functions only.
    None,
    /// Line tables: backtraces of hot code name file and line.
    #[default]
    LineTables,
    /// What the host's profile asks for, for a debugger.
    AsProfile,
}

/// Which linker makes the artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LinkerPolicy {
    /// The one that cargo is configured to use; where none is configured, the fastest present.
    #[default]
    Auto,
    /// What the compiler would call.
    AsConfigured,
    /// This program, called with the arguments of GNU `ld`.
    Program(PathBuf),
}

/// Arguments for the artifact's link, written as for a C compiler (`-Wl,--defsym=a=b`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LinkArgs {
    /// For a shared artifact.
    pub shared: Vec<String>,
    /// For a standalone artifact.
    pub standalone: Vec<String>,
}

/// The choices of a build that are not cargo's.
///
/// ```
/// use liveswap_builder::{DebugInfo, Settings};
///
/// let settings = Settings { debug_info: DebugInfo::None, ..Settings::default() };
/// assert!(settings.color);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Settings {
    /// Which kind of artifact is built.
    pub kind: KindPolicy,
    /// How much debug information the artifact carries.
    pub debug_info: DebugInfo,
    /// Which linker makes the artifact.
    pub linker: LinkerPolicy,
    /// Whether diagnostics are rendered with colors.
    pub color: bool,
    /// The width that diagnostics are rendered for; the compiler's own choice when absent.
    pub diagnostic_width: Option<usize>,
    /// `--cfg` names that are set for artifacts and not for the host's own copy of the hot crate.
    pub cfgs: Vec<String>,
    /// Further compiler arguments for the hot crate.
    pub rustc_args: Vec<String>,
    /// Environment variables for the hot crate's compiler.
    pub env: Vec<(String, String)>,
    /// Further arguments for the artifact's link.
    pub link_args: LinkArgs,
    /// The program that calls [`maybe_run_as_wrapper`](crate::maybe_run_as_wrapper) first thing in
    /// its `main`; the running one when absent.
    pub wrapper: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            kind: KindPolicy::default(),
            debug_info: DebugInfo::default(),
            linker: LinkerPolicy::default(),
            color: true,
            diagnostic_width: None,
            cfgs: vec!["liveswap_artifact".to_owned()],
            rustc_args: Vec::new(),
            env: Vec::new(),
            link_args: LinkArgs::default(),
            wrapper: None,
        }
    }
}
