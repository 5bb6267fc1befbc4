//! The files that cargo's builds leave, as far as a capture has to touch them.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use crate::error::Error;

/// The file that the compiler wrote: cargo links some of them to a place without `deps`.
pub(crate) fn compiled_file(library: &Path) -> PathBuf {
    let inside = library.parent().map(|parent| parent.join("deps"));
    match (inside, library.file_name()) {
        (Some(inside), Some(name)) if inside.join(name).is_file() => inside.join(name),
        _ => library.to_owned(),
    }
}

/// What the compiler and cargo wrote for an executable: the file, and links to it.
pub(crate) fn executables(executable: &Path, crate_name: &str) -> Vec<PathBuf> {
    let directory = executable.parent().unwrap_or(Path::new(""));
    let mut found = outputs_of(directory, crate_name);
    found.extend(outputs_of(&directory.join("deps"), crate_name));
    found
}

/// Removes a file that may be gone already.
pub(crate) fn remove(file: &Path) -> Result<(), Error> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::file("remove", file)(error))
        }
        _ => Ok(()),
    }
}

/// Executables of a crate as the compiler and cargo name them.
fn outputs_of(directory: &Path, crate_name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let is_output = |path: &PathBuf| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
        let name = stem.replace('-', "_");
        let rest = name.strip_prefix(crate_name);
        let hash =
            |it: &str| it.len() == 17 && it[1..].bytes().all(|byte| byte.is_ascii_hexdigit());
        path.extension().is_none_or(|it| it == env::consts::EXE_EXTENSION)
            && rest.is_some_and(|rest| rest.is_empty() || hash(rest))
            && path.is_file()
    };
    entries.map(|entry| entry.path()).filter(is_output).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outputs_of_one_crate_are_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        fs::create_dir(path("deps")).expect("created");
        let hash = "0123456789abcdef";
        let outputs = ["my-app".to_owned(), format!("deps/my_app-{hash}")];
        let others = [
            format!("deps/my_app-{hash}.d"),
            format!("deps/libmy_app-{hash}.rlib"),
            format!("deps/my_app_tests-{hash}"),
            "my-app-2".to_owned(),
        ];
        for name in outputs.iter().chain(&others) {
            fs::write(path(name), "").expect("written");
        }
        let mut found = executables(&path("my-app"), "my_app");
        found.sort();
        let mut expected = outputs.map(|name| path(&name));
        expected.sort();
        assert_eq!(found, expected);
        found.iter().for_each(|file| remove(file).expect("removed"));
        remove(&found[0]).expect("gone is as good as removed");
    }
}
