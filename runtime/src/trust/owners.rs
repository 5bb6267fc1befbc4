//! Who is trusted, and what of a file or directory says that nobody else could have written to it.

mod group;
mod walk;

use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User, geteuid};

use super::{Failure, difference};
use crate::event::Difference;
use walk::Place;

const ROOT: u32 = 0;
const OTHERS_WRITE: u32 = 0o002;
const GROUP_WRITES: u32 = 0o020;
const STICKY: u32 = 0o1000;
const OTHERS: u32 = 0o077;

/// Who may have written what is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owners {
    user: u32,
    /// Owners of files: the user, root, and whoever owns the running program.
    of_files: Vec<u32>,
    /// Owners of directories: those, and whoever could have put another program in the running one's place.
    of_directories: Vec<u32>,
}

/// What a file's owner and permissions are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    /// On the way to something that is judged itself.
    Directory,
    /// A directory to which others may not even add something.
    Closed,
}

/// What counts of a file or directory.
#[derive(Debug, Clone, Copy)]
struct Facts {
    kind: Kind,
    owner: u32,
    group: u32,
    mode: u32,
}

impl Owners {
    /// Those whom this process trusts already by running its program.
    pub(super) fn of_this_process() -> Owners {
        let program = std::env::current_exe().and_then(fs::canonicalize);
        let Ok(program) = program else { return Owners::new(geteuid().as_raw(), &[], &[]) };
        let file: Vec<u32> = owner(&program).into_iter().collect();
        let above: Vec<u32> = program.ancestors().skip(1).filter_map(owner).collect();
        Owners::new(geteuid().as_raw(), &file, &above)
    }

    /// Those whom a program of this user trusts that is in `directory`.
    pub(super) fn of_program_in(directory: &Path) -> Owners {
        let directory = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        let above: Vec<u32> = directory.ancestors().filter_map(owner).collect();
        Owners::new(geteuid().as_raw(), &[], &above)
    }

    fn new(user: u32, of_program: &[u32], above_program: &[u32]) -> Owners {
        let mut of_files = vec![user, ROOT];
        of_files.extend(of_program);
        of_files.sort_unstable();
        of_files.dedup();
        let mut of_directories = of_files.clone();
        of_directories.extend(above_program);
        of_directories.sort_unstable();
        of_directories.dedup();
        Owners { user, of_files, of_directories }
    }

    /// Opens the file at `path`, if nobody else can have written it or put it there.
    pub(super) fn open(&self, path: &Path) -> Result<(File, Metadata), Failure> {
        Place::of(path, self)?.open(self)
    }

    /// Whether nobody else can write to `directory` or replace it.
    pub(super) fn directory(&self, directory: &Path) -> Result<(), Failure> {
        let passed = walk::enter(directory, self)?;
        let metadata = passed.file.metadata()?;
        // The sticky bit is good enough for what is on the way, not where others are not to add anything.
        Ok(self.judge(&passed.file, &metadata, &passed.path, Kind::Closed)?)
    }

    /// Whether only this user can enter `directory`, which is no link.
    pub(super) fn private(&self, directory: &Path) -> Result<(), Failure> {
        self.directory(directory)?;
        let metadata = fs::symlink_metadata(directory)?;
        let mode = metadata.mode() & 0o7777;
        if !metadata.is_dir() || metadata.uid() != self.user || mode & OTHERS != 0 {
            let what = if metadata.is_dir() { "a directory" } else { "something else" };
            return Err(difference(
                format!("directory of the stages `{}`", directory.display()),
                format!("a directory of {} with mode 0700", user(self.user)),
                format!("{what} of {} with mode {mode:04o}", user(metadata.uid())),
                "choose another place with `stage_dir`, on a file system that keeps permissions"
                    .to_owned(),
            )
            .into());
        }
        Ok(())
    }

    /// Owner, group and permissions.
    pub(super) fn facts(metadata: &Metadata) -> Option<[u32; 3]> {
        Some([metadata.uid(), metadata.gid(), metadata.mode() & 0o7777])
    }

    /// Owner and permissions in words.
    pub(super) fn describe(metadata: &Metadata) -> Option<String> {
        let mode = metadata.mode() & 0o7777;
        let (owner, group) = (user(metadata.uid()), group::shown(metadata.gid()));
        Some(format!("{owner}, group {group}, mode {mode:04o}"))
    }

    /// Judges an open file or directory, whose path is `path`.
    fn judge(
        &self,
        file: &File,
        metadata: &Metadata,
        path: &Path,
        kind: Kind,
    ) -> Result<(), Difference> {
        let mode = metadata.mode();
        let facts =
            Facts { kind, owner: metadata.uid(), group: metadata.gid(), mode: mode & 0o7777 };
        let whose = |group, owners: &[u32]| group::writers(file, group, owners);
        self.find(&facts, path, whose)
    }

    /// The rule; `group_writers` is asked who may write by a group besides `owners`, where somebody does.
    fn find(
        &self,
        facts: &Facts,
        path: &Path,
        group_writers: impl FnOnce(u32, &[u32]) -> Option<String>,
    ) -> Result<(), Difference> {
        let Facts { kind, owner, group, mode } = *facts;
        let shown = path.display();
        let (what, owners) = match kind {
            Kind::File => (format!("`{shown}`"), &self.of_files),
            Kind::Directory | Kind::Closed => {
                (format!("the directory `{shown}`"), &self.of_directories)
            }
        };
        if !owners.contains(&owner) {
            return Err(self.foreign(&what, path, owner, owners));
        }
        // With the sticky bit, as of /tmp, others may add names and cannot take over those that are there.
        if kind == Kind::Directory && mode & STICKY != 0 {
            return Ok(());
        }
        let (found, who) = if mode & OTHERS_WRITE != 0 {
            (format!("mode {mode:04o}: everybody may"), "go-w")
        } else if mode & GROUP_WRITES != 0
            && let Some(writers) = group_writers(group, owners)
        {
            (format!("mode {mode:04o}: {writers} may"), "g-w")
        } else {
            return Ok(());
        };
        let remedy = match kind {
            Kind::File => {
                format!("`chmod {who} {shown}`, and build with a umask that leaves it so")
            }
            Kind::Directory | Kind::Closed => format!("`chmod {who} {shown}`, and save again"),
        };
        let expected = "nobody else may write".to_owned();
        Err(difference(format!("permissions of {what}"), expected, found, remedy))
    }

    fn foreign(&self, what: &str, path: &Path, owner: u32, owners: &[u32]) -> Difference {
        let others = owners.iter().filter(|uid| **uid != self.user).map(|uid| user(*uid));
        let owners: Vec<String> = std::iter::once(user(self.user)).chain(others).collect();
        difference(
            format!("owner of {what}"),
            owners.join(" or "),
            user(owner),
            format!(
                "give it to the user who runs the program (`chown {} {}`), build as that user, or have artifacts of others \
                 signed and set `Builder::trust(Trust::signed(..)?)`",
                self.user,
                path.display()
            ),
        )
    }

    /// Judges who made the symbolic link at `path`.
    fn judge_link(&self, path: &Path, owner: u32) -> Result<(), Difference> {
        if self.of_directories.contains(&owner) {
            return Ok(());
        }
        let what = format!("the symbolic link `{}`", path.display());
        Err(self.foreign(&what, path, owner, &self.of_directories))
    }
}

fn owner(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|metadata| metadata.uid())
}

/// A user by number, and by name where there is one.
fn user(uid: u32) -> String {
    match name(uid) {
        Some(name) => format!("{name} ({uid})"),
        None => format!("uid {uid}"),
    }
}

fn name(uid: u32) -> Option<String> {
    Some(User::from_uid(Uid::from_raw(uid)).ok()??.name)
}

/// A path as far as it was followed.
fn below(directory: &Path, name: &std::ffi::OsStr) -> PathBuf {
    directory.join(name)
}

#[cfg(test)]
mod tests;
