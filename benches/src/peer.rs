//! hot-lib-reloader 0.8.2 with `bench-peer`, as its documentation shows it, except for what makes it faster: a `cdylib`,
//! and the shortest debounce that leaves a processor to others (with 0 its watcher spins, and everything gets slower).

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::artifact::Artifact;
use crate::error::Error;

static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();

/// The peer's library, which has been loaded once.
#[derive(Debug)]
pub(crate) struct Peer {
    artifact: Artifact,
}

impl Peer {
    /// Puts the library in place and has the peer load and watch it.
    ///
    /// Once in a process: the peer keeps its loader in a static.
    pub(crate) fn start() -> Result<Peer, Error> {
        let artifact = Artifact::of("bench-peer", &bench_peer::MARKER, 1)?;
        artifact.appear(1)?;
        let path = artifact.path();
        let _ = DIRECTORY.set(path.parent().unwrap_or(path).to_owned());
        match version() {
            1 => Ok(Peer { artifact }),
            found => Err(Error::WrongVersion { step: "peer", expected: 1, found }),
        }
    }

    /// Its library.
    pub(crate) fn artifact(&self) -> &Artifact {
        &self.artifact
    }
}

fn directory() -> &'static Path {
    DIRECTORY.get().map_or(Path::new("."), PathBuf::as_path)
}

/// A call through the generated wrapper.
#[inline(always)]
pub(crate) fn step(state: u64) -> u64 {
    generated::bench_peer_step(state)
}

/// The version that answers a call through the generated wrapper.
pub(crate) fn version() -> u64 {
    generated::bench_peer_version()
}

#[hot_lib_reloader::hot_module(
    dylib = "bench_peer",
    lib_dir = super::directory(),
    file_watch_debounce = 1
)]
mod generated {
    #[hot_functions]
    extern "Rust" {
        pub fn bench_peer_step(state: u64) -> u64;
        pub fn bench_peer_version() -> u64;
    }
}
