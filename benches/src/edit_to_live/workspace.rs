//! A workspace for one of those that are compared: its own host, and its own copy of the hot crate.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::edit_to_live::hosts::Texts;
use crate::edit_to_live::hot_crate::HotCrate;
use crate::error::Error;

/// A generated workspace.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    hot: HotCrate,
    /// Below which the hot crate's files are.
    sources: PathBuf,
}

impl Workspace {
    /// Writes a workspace called `name` into `directory`. Everything of one run is compiled into one target directory, so
    /// that dependencies are compiled once.
    pub(crate) fn write(
        directory: &Path,
        name: &str,
        target: &Path,
        lock: &Path,
        hot: HotCrate,
        texts: &Texts,
    ) -> Result<Workspace, Error> {
        let root = directory.join(name);
        let members = match texts.hot {
            Some(_) => "\"host\", \"hot\"",
            None => "\"host\"",
        };
        let sources = root.join(if texts.hot.is_some() { "hot/src" } else { "host/src" });
        let workspace = Workspace { root, target: target.to_owned(), hot, sources };
        workspace.put(
            Path::new("Cargo.toml"),
            &format!("[workspace]\nresolver = \"3\"\nmembers = [{members}]\n"),
        )?;
        workspace.put(
            Path::new("host/Cargo.toml"),
            &manifest(&format!("{name}-host"), &texts.host_dependencies),
        )?;
        for (path, text) in &workspace.hot.files {
            let text = match (&texts.hot, path == Path::new("lib.rs")) {
                // The host is the crate itself: what was its root goes before `main`.
                (None, true) => {
                    workspace
                        .put(Path::new("host/src/main.rs"), &format!("{text}\n{}", texts.host))?;
                    continue;
                }
                _ => text,
            };
            let path = workspace.sources.join(path);
            workspace.put(&path, text)?;
        }
        if let Some(more) = &texts.hot {
            workspace.put(Path::new("hot/Cargo.toml"), &manifest(&format!("{name}-hot"), more))?;
            workspace.put(Path::new("host/src/main.rs"), &texts.host)?;
        }
        // The same versions as everything else of the checkout; cargo adds what is missing.
        let own = workspace.root.join("Cargo.lock");
        fs::copy(lock, &own).map_err(file("written", &own))?;
        Ok(workspace)
    }

    /// A cargo that builds here.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        self.command(Path::new(&cargo), arguments)
    }

    /// A program that works here.
    pub(crate) fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        // What cargo tells the programs that it runs is about this program, not about the ones started here.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if is_of_our_own_cargo(&name) {
                command.env_remove(&*name);
            }
        }
        command
    }

    /// Saves the hot crate with `value` as its constant, as editors do; when that was done.
    pub(crate) fn save(&self, value: u64) -> Result<Instant, Error> {
        let path = self.sources.join(self.hot.edited_file());
        let text = self.hot.edited(value).ok_or_else(|| Error::NothingToEdit {
            path: path.clone(),
            what: "its constant".to_owned(),
        })?;
        // Beside all that is watched: nobody sees half a file, and the one that is seen is whole.
        let written = self.root.join("saved");
        fs::write(&written, text).map_err(file("written", &written))?;
        fs::rename(&written, &path).map_err(file("put in place", &path))?;
        Ok(Instant::now())
    }

    /// Where it is.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn put(&self, path: &Path, text: &str) -> Result<(), Error> {
        let path = self.root.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(file("made", parent))?;
        }
        fs::write(&path, text).map_err(file("written", &path))
    }
}

fn manifest(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n{rest}")
}

fn is_of_our_own_cargo(name: &str) -> bool {
    let prefixes =
        ["CARGO_PKG_", "CARGO_BIN_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
    name == "CARGO_MAKEFLAGS"
        || name == "MAKEFLAGS"
        || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// What to do with a failure of the file system.
pub(crate) fn file(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::File { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit_to_live::hot_crate::Which;

    fn write(
        which: Which,
        texts: impl Fn(&HotCrate, &Path) -> Texts,
    ) -> (tempfile::TempDir, Workspace) {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let hot = HotCrate::read(which, checkout).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let texts = texts(&hot, checkout);
        let (target, lock) = (directory.path().join("target"), checkout.join("Cargo.lock"));
        let workspace =
            Workspace::write(directory.path(), "x", &target, &lock, hot, &texts).unwrap();
        (directory, workspace)
    }

    #[test]
    fn a_save_changes_the_constant_and_nothing_else() {
        let (_directory, workspace) =
            write(Which::Deps, |hot, checkout| Texts::liveswap("x", hot, checkout));
        let path = workspace.root().join("hot/src/price.rs");
        let before = fs::read_to_string(&path).unwrap();
        workspace.save(4711).unwrap();
        let after = fs::read_to_string(&path).unwrap();
        let changed: Vec<&str> = before
            .lines()
            .zip(after.lines())
            .filter_map(|(before, after)| (before != after).then_some(after))
            .collect();
        assert_eq!(changed, ["const FEE_CENTS: u64 = 4711;"]);
        assert!(!workspace.root().join("saved").exists());
    }

    #[test]
    fn a_hot_crate_of_its_own_and_one_inside_the_host() {
        let (_directory, workspace) =
            write(Which::Small, |hot, checkout| Texts::liveswap("x", hot, checkout));
        let exists = |path: &str| workspace.root().join(path).is_file();
        assert!(["hot/src/lib.rs", "host/src/main.rs", "Cargo.lock"].into_iter().all(exists));
        let (_directory, workspace) = write(Which::Small, |hot, _| Texts::dx(hot));
        let root = fs::read_to_string(workspace.root().join("host/src/main.rs")).unwrap();
        assert!(root.contains("mod spawn;") && root.contains("fn main()"), "{root}");
        assert!(!workspace.root().join("hot").exists());
        workspace.save(7).unwrap();
    }
}
