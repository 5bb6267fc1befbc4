//! Which linker makes the artifact.
//!
//! What a person configured is used as it is configured. Where nothing is configured, the linker
//! is called directly, the fastest present first. Measured on a shared artifact of 126 objects (and
//! on a standalone one with its dependencies' debug information), in ms: wild 7 (78), the
//! compiler's own lld 12 (100), GNU ld 33, mold 29 (112), lld through the C compiler 21 (109).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::args::RustcArgs;
use crate::link::DEFAULT_DRIVER;
use crate::link::direct::Direct;
use crate::settings::LinkerPolicy;
use crate::toolchain::Toolchain;

/// How an artifact's link is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Linker {
    /// The compiler calls what it would call; nothing about the link can be changed or timed.
    Untouched { program: PathBuf },
    /// The wrapper stands in for this driver, and may call a linker in its place.
    Wrapped { driver: PathBuf, direct: Option<Direct> },
}

impl Linker {
    /// Chooses the linker for the hot crate's captured call.
    pub(crate) fn choose(policy: &LinkerPolicy, args: &RustcArgs, toolchain: &Toolchain) -> Self {
        let driver = PathBuf::from(args.codegen("linker").unwrap_or(DEFAULT_DRIVER));
        let target = args.value("--target").unwrap_or(&toolchain.host_triple);
        if !cfg!(target_os = "linux") || is_bare_linker(&driver) || !target.contains("-linux-") {
            return Self::Untouched { program: driver };
        }
        let native = target == toolchain.host_triple && target.ends_with("-gnu");
        let direct = match policy {
            LinkerPolicy::Program(program) => find_direct(program.clone(), &driver),
            LinkerPolicy::AsConfigured => None,
            LinkerPolicy::Auto if is_configured(args) || !native => None,
            LinkerPolicy::Auto => {
                let wild = on_path("wild").and_then(|program| find_direct(program, &driver));
                wild.or_else(|| find_direct(rust_lld(toolchain)?, &driver))
            }
        };
        Self::Wrapped { driver, direct }
    }
}

/// Whether a linker is called with its own arguments, not with those of a C compiler. The compiler
/// knows that by its name, and would no longer know it by the wrapper's.
pub(crate) fn is_bare_linker(program: &Path) -> bool {
    let stem = program.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
    matches!(stem, "ld" | "lld" | "rust-lld" | "mold" | "wild" | "wasm-ld") || {
        let name = program.file_name().and_then(|name| name.to_str()).unwrap_or("");
        name.starts_with("ld.") || name.ends_with("-ld")
    }
}

/// Whether cargo's configuration or the flags say anything about linkers.
fn is_configured(args: &RustcArgs) -> bool {
    let chooses = |argument: &str| {
        ["-fuse-ld", "--ld-path", "-B", "-flto", "-T"].iter().any(|it| argument.starts_with(it))
    };
    args.codegen("linker").is_some()
        || args.codegen("linker-flavor").is_some()
        || args.codegen("linker-features").is_some()
        || args.codegen("link-self-contained").is_some()
        || args.codegens("link-arg").any(chooses)
        || args.codegens("link-args").any(|list| list.split_whitespace().any(chooses))
}

fn find_direct(program: PathBuf, driver: &Path) -> Option<Direct> {
    let name = program.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
    let (first, small): (&[&str], &[&str]) = match name {
        "rust-lld" | "lld" => (&["-flavor", "gnu"], &["--threads=1"]),
        "ld.lld" => (&[], &["--threads=1"]),
        // For so little work, threads and the process that hides its end cost more than they give.
        "wild" => (&[], &["--no-fork", "--threads=1"]),
        _ => (&[], &[]),
    };
    let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
    let mut direct = Direct::find(program, owned(first), driver)?;
    direct.small = owned(small);
    Some(direct)
}

fn rust_lld(toolchain: &Toolchain) -> Option<PathBuf> {
    let path =
        toolchain.sysroot.join("lib/rustlib").join(&toolchain.host_triple).join("bin/rust-lld");
    path.is_file().then_some(path)
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linkers_are_told_from_compilers_by_name() {
        for bare in ["rust-lld", "/usr/bin/ld.lld", "ld", "/usr/bin/mold", "x86_64-linux-gnu-ld"] {
            assert!(is_bare_linker(bare.as_ref()), "{bare}");
        }
        for driver in ["cc", "clang", "/usr/bin/gcc-12", "x86_64-linux-gnu-gcc", "zig-cc"] {
            assert!(!is_bare_linker(driver.as_ref()), "{driver}");
        }
    }

    #[test]
    fn what_a_person_configured_is_seen() {
        let configured: [&[&str]; 4] = [
            &["-Clinker=clang"],
            &["-C", "link-arg=-fuse-ld=mold"],
            &["-C", "link-args=-s -fuse-ld=mold"],
            &["-Clinker-flavor=gnu-lld-cc"],
        ];
        for arguments in configured {
            assert!(is_configured(&RustcArgs::parse(arguments.iter().copied())), "{arguments:?}");
        }
        let other = RustcArgs::parse(["-Clink-arg=-Wl,-z,now", "-Copt-level=1"]);
        assert!(!is_configured(&other));
    }
}
