//! Artifacts of crates that the program was not linked with: what stands in for the crate that is not there.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use liveswap_abi::{ACTIVE, HotCrate};

use crate::error::Error;
use crate::refuse;
use crate::verify::Manifest;

/// An artifact that is to be opened.
#[derive(Debug, Clone)]
pub(crate) struct Plugin {
    pub(crate) path: PathBuf,
    pub(crate) host: &'static HotCrate,
    /// What this program would say of itself if it were linked with the crate.
    pub(crate) manifest: Manifest,
}

impl Plugin {
    /// Reads which crate the artifact is of; nothing of it is loaded.
    ///
    /// # Errors
    ///
    /// [`Error::ArtifactOpen`], [`Error::Open`] where it says nothing of itself, and [`Error::Inactive`].
    pub(crate) fn at(path: &Path) -> Result<Plugin, Error> {
        let unreadable = |source| Error::ArtifactOpen { path: path.to_owned(), source };
        let path = std::path::absolute(path).map_err(unreadable)?;
        File::open(&path).map_err(unreadable)?;
        let manifest = Manifest::read(&path).map_err(|error| {
            let refusal = refuse::no_manifest(&error);
            Error::Open { path: path.clone(), refusal }
        })?;
        let host = host_of(manifest.field("crate"));
        if !ACTIVE {
            return Err(Error::Inactive { hot_crate: host.name() });
        }
        Ok(Plugin { path, host, manifest: manifest.of_this_program() })
    }
}

/// The record of a crate without code in this program; one a name, for as long as the process lives.
fn host_of(name: &str) -> &'static HotCrate {
    static HOSTS: Mutex<BTreeMap<String, &'static HotCrate>> = Mutex::new(BTreeMap::new());
    let mut hosts = HOSTS.lock().unwrap_or_else(PoisonError::into_inner);
    hosts.entry(name.to_owned()).or_insert_with(|| {
        let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
        Box::leak(Box::new(HotCrate::without_code(name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_record() {
        assert!(std::ptr::eq(host_of("a_plugin"), host_of("a_plugin")));
        assert!(!std::ptr::eq(host_of("a_plugin"), host_of("another")));
        assert_eq!(host_of("another").name(), "another");
    }

    #[test]
    fn what_is_no_artifact_is_refused_before_anything_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("libplugin.so");
        assert!(matches!(Plugin::at(&path), Err(Error::ArtifactOpen { .. })));
        std::fs::write(&path, "no image").unwrap();
        let error = Plugin::at(&path).unwrap_err().to_string();
        let expected = format!(
            "open: `{}` cannot be used: refused at verify: the artifact: a manifest -> it cannot be read as a \
             dynamic library",
            path.display()
        );
        assert!(error.starts_with(&expected), "{error}");
    }
}
