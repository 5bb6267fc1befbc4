//! From the root to a file, one directory at a time, each judged while it is open.
//!
//! Every step opens a name in the directory that was judged before it, and follows no link by itself, so it does not
//! matter what becomes of the names meanwhile: what is opened at the end is in the directories that were judged.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, readlinkat, statat};
use rustix::io::Errno;

use super::{Kind, Owners, below};
use crate::file;
use crate::trust::Failure;

/// As many links as the system follows.
const LINKS: usize = 40;

/// A directory that can be passed need not be readable.
#[cfg(any(target_os = "linux", target_os = "android"))]
const PASS: OFlags = OFlags::PATH;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const PASS: OFlags = OFlags::RDONLY;

/// A name in a directory that was judged.
#[derive(Debug)]
pub(super) struct Place {
    directory: Passed,
    name: OsString,
}

/// A directory that was judged, and its path without links.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) file: File,
    pub(super) path: PathBuf,
}

impl Place {
    /// Goes to the directory that `path` names a file in.
    pub(super) fn of(path: &Path, owners: &Owners) -> Result<Place, Failure> {
        let absolute = std::path::absolute(path)?;
        let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
            return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
        };
        Ok(Place { directory: enter(parent, owners)?, name: name.to_owned() })
    }

    /// Opens the file, and judges what was opened.
    pub(super) fn open(&self, owners: &Owners) -> Result<(File, Metadata), Failure> {
        let path = below(&self.directory.path, &self.name);
        let (file, metadata) = file::open_regular_by(&path, || {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = openat(&self.directory.file, &self.name, flags, Mode::empty())?;
            Ok(File::from(file))
        })?;
        owners.judge(&file, &metadata, &path, Kind::File)?;
        Ok((file, metadata))
    }
}

/// Goes to `directory` and judges every directory and every link on the way.
pub(super) fn enter(directory: &Path, owners: &Owners) -> Result<Passed, Failure> {
    let absolute = std::path::absolute(directory)?;
    let mut walk = Walk { owners, passed: vec![root(owners)?], ahead: VecDeque::new(), links: 0 };
    walk.plan(&absolute);
    while let Some(name) = walk.ahead.pop_front() {
        walk.step(&name)?;
    }
    walk.passed.pop().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound).into())
}

struct Walk<'a> {
    owners: &'a Owners,
    /// From the root; never empty.
    passed: Vec<Passed>,
    /// What is still to go, with `..` for one directory back.
    ahead: VecDeque<OsString>,
    links: usize,
}

impl Walk<'_> {
    /// Puts the parts of `path` before what is still to go; from the root, if that is where it begins.
    fn plan(&mut self, path: &Path) {
        if path.has_root() {
            self.passed.truncate(1);
        }
        for component in path.components().rev() {
            match component {
                Component::Normal(name) => self.ahead.push_front(name.to_owned()),
                Component::ParentDir => self.ahead.push_front(OsString::from("..")),
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
    }

    fn step(&mut self, name: &OsStr) -> Result<(), Failure> {
        if name == ".." {
            // Above the root is the root.
            if self.passed.len() > 1 {
                self.passed.pop();
            }
            return Ok(());
        }
        let Some(here) = self.passed.last() else { return Ok(()) };
        let path = below(&here.path, name);
        let flags = PASS | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(&here.file, name, flags, Mode::empty()) {
            Ok(file) => {
                let passed = judged(file.into(), path, self.owners)?;
                self.passed.push(passed);
                Ok(())
            }
            Err(Errno::NOTDIR | Errno::LOOP) => {
                let Ok(target) = readlinkat(&here.file, name, Vec::new()) else {
                    return Err(io::Error::from(io::ErrorKind::NotADirectory).into());
                };
                let link =
                    statat(&here.file, name, AtFlags::SYMLINK_NOFOLLOW).map_err(io::Error::from)?;
                self.owners.judge_link(&path, link.st_uid)?;
                self.links += 1;
                if self.links > LINKS {
                    return Err(io::Error::from(Errno::LOOP).into());
                }
                self.plan(&PathBuf::from(OsString::from_vec(target.into_bytes())));
                Ok(())
            }
            Err(error) => Err(io::Error::from(error).into()),
        }
    }
}

fn root(owners: &Owners) -> Result<Passed, Failure> {
    let flags = PASS | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let file = openat(CWD, "/", flags, Mode::empty()).map_err(io::Error::from)?;
    judged(file.into(), PathBuf::from("/"), owners)
}

fn judged(file: File, path: PathBuf, owners: &Owners) -> Result<Passed, Failure> {
    let metadata = file.metadata()?;
    owners.judge(&file, &metadata, &path, Kind::Directory)?;
    Ok(Passed { file, path })
}
