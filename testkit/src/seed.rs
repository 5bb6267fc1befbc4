//! A target directory that begins with what cargo built already, so that no dependency is compiled again.
//!
//! Libraries are hard links: the compiler and cargo never write into one but replace it. What they do write into
//! (fingerprints, lists of sources, what build scripts made) is copied, with its times.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::copy;
use crate::error::Error;
use crate::project::BuiltIn;

/// Fills `target` with what was built, without the hot crate's own package.
pub(crate) fn seed(built: &BuiltIn, hot_package: &str, target: &Path) -> Result<(), Error> {
    copy::remove(target)?;
    fs::create_dir_all(target).map_err(Error::file("create", target))?;
    for name in ["CACHEDIR.TAG", ".rustc_info.json"] {
        let _ = copy_with_time(&built.target.join(name), &target.join(name));
    }
    // What runs while building is built for the machine itself.
    let mut profiles = vec![PathBuf::from(&built.profile)];
    profiles.extend(built.triple.as_ref().map(|triple| Path::new(triple).join(&built.profile)));
    for profile in profiles {
        let (from, to) = (built.target.join(&profile), target.join(&profile));
        if !from.is_dir() {
            continue;
        }
        // Fingerprints first: those of crates that are built meanwhile are missed, not taken without the crate.
        let is_hot = |name: &str| is_of(name, hot_package);
        tree(&from.join(".fingerprint"), &to.join(".fingerprint"), &is_hot, &|_| Taken::Copied)?;
        let hot_crate = hot_package.replace('-', "_");
        let is_hot = |name: &str| {
            let stem = name.split('.').next().unwrap_or(name);
            let stem = stem.strip_prefix("lib").unwrap_or(stem);
            stem == hot_crate || is_of(stem, &hot_crate)
        };
        tree(&from.join("deps"), &to.join("deps"), &is_hot, &of_deps)?;
        tree(&from.join("build"), &to.join("build"), &|_| false, &of_build)?;
    }
    Ok(())
}

/// Whether a name is this one with cargo's hash.
fn is_of(name: &str, package: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(name, hash)| name == package && hash.len() == 16)
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Linked,
    Copied,
    Not,
}

fn of_deps(path: &Path) -> Taken {
    match path.extension().and_then(|it| it.to_str()) {
        Some("rlib" | "rmeta" | "so" | "dylib" | "dll" | "lib") => Taken::Linked,
        Some("d") => Taken::Copied,
        // Programs and objects; nothing is made of them.
        _ => Taken::Not,
    }
}

fn of_build(path: &Path) -> Taken {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with("build-script-") || name.starts_with("build_script_") {
        return if path.extension().is_some_and(|it| it == "d") {
            Taken::Copied
        } else {
            Taken::Linked
        };
    }
    Taken::Copied
}

fn tree(
    from: &Path,
    to: &Path,
    is_left_out: &dyn Fn(&str) -> bool,
    taken: &dyn Fn(&Path) -> Taken,
) -> Result<(), Error> {
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::file("read", from)(error)),
    };
    fs::create_dir_all(to).map_err(Error::file("create", to))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        if is_left_out(&name.to_string_lossy()) {
            continue;
        }
        let (path, target) = (entry.path(), to.join(&name));
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            tree(&path, &target, &|_| false, taken)?;
            continue;
        }
        let done = match taken(&path) {
            Taken::Linked => {
                fs::hard_link(&path, &target).or_else(|_| copy_with_time(&path, &target))
            }
            Taken::Copied => copy_with_time(&path, &target),
            Taken::Not => Ok(()),
        };
        match done {
            // A build that runs meanwhile replaces files.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done.map_err(Error::file("copy", &path))?,
        }
    }
    Ok(())
}

fn copy_with_time(from: &Path, to: &Path) -> io::Result<()> {
    let modified = fs::metadata(from)?.modified()?;
    fs::copy(from, to)?;
    File::options().write(true).open(to)?.set_modified(modified)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_taken_and_the_hot_crate_is_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let built = BuiltIn {
            target: directory.path().join("a"),
            profile: "debug".to_owned(),
            triple: None,
        };
        for path in [
            ".fingerprint/dep-0123456789abcdef/lib-dep",
            ".fingerprint/hot-crate-0123456789abcdef/lib-hot_crate",
            ".fingerprint/hot-crate-macros-0123456789abcdef/lib-hot_crate_macros",
            "deps/libdep-0123456789abcdef.rlib",
            "deps/dep-0123456789abcdef.d",
            "deps/libhot_crate-0123456789abcdef.rlib",
            "deps/libhot_crate.so",
            "deps/some_test-0123456789abcdef",
            "build/dep-0123456789abcdef/build-script-build",
            "build/dep-0123456789abcdef/out/made.rs",
        ] {
            let path = built.target.join("debug").join(path);
            fs::create_dir_all(path.parent().expect("it has one")).expect("created");
            fs::write(path, "text").expect("written");
        }
        let target = directory.path().join("b");
        seed(&built, "hot-crate", &target).expect("seeded");
        let debug = target.join("debug");
        for path in [
            ".fingerprint/dep-0123456789abcdef/lib-dep",
            ".fingerprint/hot-crate-macros-0123456789abcdef/lib-hot_crate_macros",
            "deps/libdep-0123456789abcdef.rlib",
            "deps/dep-0123456789abcdef.d",
            "build/dep-0123456789abcdef/build-script-build",
            "build/dep-0123456789abcdef/out/made.rs",
        ] {
            assert!(debug.join(path).is_file(), "{path}");
        }
        for path in [
            ".fingerprint/hot-crate-0123456789abcdef",
            "deps/libhot_crate-0123456789abcdef.rlib",
            "deps/libhot_crate.so",
            "deps/some_test-0123456789abcdef",
        ] {
            assert!(!debug.join(path).exists(), "{path}");
        }
        // Written into, and the original stays.
        fs::write(debug.join("deps/dep-0123456789abcdef.d"), "other").expect("written");
        let original = built.target.join("debug/deps/dep-0123456789abcdef.d");
        assert_eq!(fs::read_to_string(original).expect("there"), "text");
    }
}
