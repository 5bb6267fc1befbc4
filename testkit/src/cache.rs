//! Artifacts by what they were made of: the same sources are compiled once, in this run of the tests and the next.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How many artifacts are kept of one hot crate as one program links it.
const MOST: usize = 96;
/// And how many bytes.
const MOST_BYTES: u64 = 512 << 20;

/// The artifacts of one hot crate.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    directory: PathBuf,
}

/// An artifact in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub artifact: PathBuf,
    pub digest: String,
}

/// What is noted beside an artifact.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    digest: String,
    /// Files that decide about it and are not in its key, with their digests.
    outside: BTreeMap<PathBuf, Option<String>>,
}

impl Cache {
    pub(crate) fn open(directory: PathBuf) -> Result<Self, Error> {
        fs::create_dir_all(&directory).map_err(Error::file("create", &directory))?;
        Ok(Self { directory })
    }

    /// The artifact of these inputs, if everything else that it was made of is as it was.
    pub(crate) fn find(&self, key: &str) -> Option<Kept> {
        let (artifact, note) = (self.artifact(key), self.note(key));
        let Note { digest, outside } = serde_json::from_slice(&fs::read(&note).ok()?).ok()?;
        if !artifact.is_file() || outside.iter().any(|(path, then)| digest_of(path) != *then) {
            return None;
        }
        // What is used is removed last. Where the time cannot be set, it is only removed earlier.
        let _ =
            File::options().write(true).open(&note).map(|it| it.set_modified(SystemTime::now()));
        Some(Kept { artifact, digest })
    }

    /// Keeps a copy of an artifact.
    pub(crate) fn keep(
        &self,
        key: &str,
        artifact: &Path,
        digest: String,
        outside: impl Iterator<Item = PathBuf>,
    ) -> Result<Kept, Error> {
        let to = self.artifact(key);
        let aside = self.directory.join(format!("{key}.{}.part", std::process::id()));
        fs::copy(artifact, &aside).map_err(Error::file("copy", artifact))?;
        fs::rename(&aside, &to).map_err(Error::file("write", &to))?;
        let outside = outside.map(|path| (path.clone(), digest_of(&path))).collect();
        let note = Note { digest, outside };
        let text = serde_json::to_vec(&note).unwrap_or_default();
        fs::write(&aside, text).map_err(Error::file("write", &aside))?;
        let path = self.note(key);
        fs::rename(&aside, &path).map_err(Error::file("write", &path))?;
        self.bound(MOST, MOST_BYTES);
        Ok(Kept { artifact: to, digest: note.digest })
    }

    /// Removes what was not used for longest. An artifact that another process is about to use is built again there.
    fn bound(&self, most: usize, most_bytes: u64) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        let mut notes: Vec<(SystemTime, PathBuf)> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|it| it == "json"))
            .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
            .collect();
        notes.sort_by(|a, b| b.cmp(a));
        let mut bytes = 0;
        for (index, (_, note)) in notes.iter().enumerate() {
            let artifact = note.with_extension("artifact");
            bytes += fs::metadata(&artifact).map_or(0, |it| it.len());
            if index >= most || bytes > most_bytes && index > 0 {
                let _ = fs::remove_file(note);
                let _ = fs::remove_file(artifact);
            }
        }
    }

    fn artifact(&self, key: &str) -> PathBuf {
        self.directory.join(format!("{key}.artifact"))
    }

    fn note(&self, key: &str) -> PathBuf {
        self.directory.join(format!("{key}.json"))
    }
}

/// The digest of a file; nothing if it is not there.
fn digest_of(path: &Path) -> Option<String> {
    Some(blake3::hash(&fs::read(path).ok()?).to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_is_found_until_something_it_was_made_of_changes() {
        let directory = tempfile::tempdir().expect("a directory");
        let cache = Cache::open(directory.path().join("cache")).expect("opened");
        let (artifact, included) = (directory.path().join("x.so"), directory.path().join("text"));
        fs::write(&artifact, "code").expect("written");
        fs::write(&included, "one").expect("written");
        assert_eq!(cache.find("key"), None);
        let outside = || [included.clone()].into_iter();
        let kept = cache.keep("key", &artifact, "digest".to_owned(), outside()).expect("kept");
        assert_eq!(cache.find("key"), Some(kept.clone()));
        assert_eq!(fs::read_to_string(&kept.artifact).expect("there"), "code");
        fs::write(&included, "two").expect("written");
        assert_eq!(cache.find("key"), None);
        fs::write(&included, "one").expect("written");
        assert_eq!(cache.find("key"), Some(kept));
        fs::remove_file(&included).expect("removed");
        assert_eq!(cache.find("key"), None);
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let directory = tempfile::tempdir().expect("a directory");
        let cache = Cache::open(directory.path().join("cache")).expect("opened");
        let artifact = directory.path().join("x.so");
        fs::write(&artifact, [0; 100]).expect("written");
        for (age, key) in [(3, "a"), (2, "b"), (1, "c")] {
            let digest = key.to_owned();
            cache.keep(key, &artifact, digest, std::iter::empty()).expect("kept");
            let then = SystemTime::now() - std::time::Duration::from_secs(age * 1000);
            let note = File::options().write(true).open(cache.note(key)).expect("there");
            note.set_modified(then).expect("dated");
        }
        assert!(cache.find("a").is_some(), "now it is the one used last");
        cache.bound(2, u64::MAX);
        assert!(cache.find("b").is_none());
        assert!(cache.find("a").is_some() && cache.find("c").is_some());
        cache.bound(2, 150);
        assert!(cache.find("c").is_some(), "found last, so used last");
        assert!(cache.find("a").is_none());
    }
}
