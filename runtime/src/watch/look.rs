//! One look at the artifact: which file it is now, and whether it is whole.

use std::io;
use std::path::Path;

use super::extent::{self, Format};
use crate::error::Unfinished;
use crate::file::{self, FileIdentity, OpenFailure};

/// What one look at the artifact found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Which file has the name, and its length and time; `None` when it is not a readable file.
    pub identity: Option<FileIdentity>,
    /// How many names the file has. A file that is created with more than one was linked there
    /// when it already existed.
    pub links: u64,
    /// Its format when it is whole, otherwise what is missing.
    ///
    /// Who knows more about artifacts than their extent may turn `Ok` into
    /// [`Unfinished::Lacks`] before handing the look on.
    pub shape: Result<Format, Unfinished>,
}

impl Look {
    /// Looks at `path`; `None` when nothing has that name.
    ///
    /// Never blocks on what it finds, and reads no more than headers.
    pub fn at(path: &Path) -> Option<Look> {
        match file::open_regular(path) {
            Ok((file, metadata)) => Some(Look {
                identity: Some(FileIdentity::of(&metadata)),
                links: file::links(&metadata),
                shape: extent::of_file(&file),
            }),
            Err(OpenFailure::NotAFile(found)) => Some(Look::failed(Unfinished::NotAFile { found })),
            Err(OpenFailure::Io(error)) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => None,
                _ => Some(Look::failed(Unfinished::Unreadable { why: error.to_string() })),
            },
        }
    }

    /// Whether the file is whole.
    pub fn is_complete(&self) -> bool {
        self.shape.is_ok()
    }

    /// Whether nothing happened to the content between the two looks, as far as it can be told
    /// from outside. Names may have come and gone.
    pub fn same_content(&self, other: &Look) -> bool {
        self.identity == other.identity && self.shape == other.shape
    }

    fn failed(why: Unfinished) -> Look {
        Look { identity: None, links: 1, shape: Err(why) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn nothing_a_directory_a_text_and_a_library_look_different() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("artifact");
        assert_eq!(Look::at(&path), None);
        assert_eq!(Look::at(&path.join("below")), None);

        fs::create_dir(&path).unwrap();
        let look = Look::at(&path).unwrap();
        assert_eq!(look.shape, Err(Unfinished::NotAFile { found: "a directory" }));
        fs::remove_dir(&path).unwrap();

        fs::write(&path, "a text that is long enough").unwrap();
        let text = Look::at(&path).unwrap();
        assert!(!text.is_complete());
        assert_eq!(Look::at(&path), Some(text));

        fs::copy(std::env::current_exe().unwrap(), &path).unwrap();
        assert!(Look::at(&path).unwrap().is_complete());
    }

    #[cfg(unix)]
    #[test]
    fn a_linked_file_has_two_names() {
        let dir = tempfile::tempdir().unwrap();
        let [built, artifact] = ["built", "artifact"].map(|name| dir.path().join(name));
        fs::write(&built, "x").unwrap();
        assert_eq!(Look::at(&built).unwrap().links, 1);
        fs::hard_link(&built, &artifact).unwrap();
        assert_eq!(Look::at(&artifact).unwrap().links, 2);
    }
}
