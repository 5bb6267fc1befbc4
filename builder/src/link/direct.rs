//! Calling the linker itself in place of the C compiler that would call it.
//!
//! The compiler's arguments for a shared library are few and known; where all of them are
//! understood, two processes and a search through the C compiler's own settings are spared.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

/// A linker that takes the arguments of GNU `ld`, and what the C compiler would add to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Direct {
    pub program: PathBuf,
    /// Arguments that come first, such as lld's flavor.
    pub first: Vec<String>,
    /// Arguments for inputs of a few megabytes.
    pub small: Vec<String>,
    /// Start files, in the order of the C compiler.
    pub begin: Vec<PathBuf>,
    /// End files.
    pub end: Vec<PathBuf>,
    /// Where the C compiler's libraries are.
    pub search: Vec<PathBuf>,
}

impl Direct {
    /// Asks the C compiler for its start files and library directories.
    ///
    /// `None` where it does not name them, or where this machine's format is not known here.
    pub(crate) fn find(program: PathBuf, first: Vec<String>, driver: &Path) -> Option<Self> {
        let emulation = match std::env::consts::ARCH {
            "x86_64" => "elf_x86_64",
            "aarch64" => "aarch64linux",
            _ => return None,
        };
        let file = |name: &str| {
            let path = PathBuf::from(ask(driver, &format!("-print-file-name={name}"))?);
            // A file that is not found is named without a directory.
            path.is_absolute().then_some(path)
        };
        let search = ask(driver, "-print-search-dirs")?
            .lines()
            .find_map(|line| line.strip_prefix("libraries: ="))?
            .split(':')
            .map(PathBuf::from)
            .filter(|directory| directory.is_dir())
            .filter_map(|directory| directory.canonicalize().ok())
            .collect::<Vec<_>>();
        let mut unique: Vec<PathBuf> = Vec::with_capacity(search.len());
        for directory in search {
            if !unique.contains(&directory) {
                unique.push(directory);
            }
        }
        let mut first = first;
        first.extend(["-m".into(), emulation.into(), "--hash-style=gnu".into()]);
        Some(Self {
            program,
            first,
            small: Vec::new(),
            begin: vec![file("crti.o")?, file("crtbeginS.o")?],
            end: vec![file("crtendS.o")?, file("crtn.o")?],
            search: unique,
        })
    }

    /// The linker's arguments for a C compiler's; `None` when one of them is not understood.
    pub(crate) fn translate(&self, arguments: &[String], small: bool) -> Option<Vec<String>> {
        let text = |path: &PathBuf| path.to_str().map(str::to_owned);
        let mut out = self.first.clone();
        if small {
            out.extend(self.small.iter().cloned());
        }
        for begin in &self.begin {
            out.push(text(begin)?);
        }
        let mut shared = false;
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            if let Some(list) = argument.strip_prefix("-Wl,") {
                out.extend(list.split(',').map(str::to_owned));
            } else if argument == "-Xlinker" {
                out.push(arguments.next()?.clone());
            } else if matches!(argument.as_str(), "-o" | "-L" | "-l") {
                out.push(argument.clone());
                out.push(arguments.next()?.clone());
            } else if argument == "-shared" {
                shared = true;
                out.push(argument.clone());
            } else if argument.starts_with("-L") || argument.starts_with("-l") {
                out.push(argument.clone());
            } else if argument.starts_with("-B") || argument.starts_with("-fuse-ld=") {
                // They choose the linker, and it is chosen.
            } else if matches!(argument.as_str(), "-m64" | "-nodefaultlibs") {
                // No default library is added here at all, and `first` names the machine.
            } else if argument.starts_with('-') {
                return None;
            } else {
                out.push(argument.clone());
            }
        }
        for directory in &self.search {
            out.push(format!("-L{}", text(directory)?));
        }
        for end in &self.end {
            out.push(text(end)?);
        }
        shared.then_some(out)
    }
}

fn ask(driver: &Path, question: &str) -> Option<String> {
    let output = Command::new(driver).arg(question).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct() -> Direct {
        Direct {
            program: "ld".into(),
            first: vec!["-m".into(), "elf_x86_64".into()],
            small: vec!["--threads=1".into()],
            begin: vec!["/c/crti.o".into()],
            end: vec!["/c/crtn.o".into()],
            search: vec!["/c".into()],
        }
    }

    fn list(arguments: &[&str]) -> Vec<String> {
        arguments.iter().map(|&argument| argument.to_owned()).collect()
    }

    #[test]
    fn the_compilers_arguments_become_the_linkers() {
        let translated = direct().translate(
            &list(&[
                "-Wl,--version-script=/t/list",
                "-m64",
                "/t/a.o",
                "-L",
                "/t",
                "-B/gcc-ld",
                "-fuse-ld=lld",
                "-Wl,-z,relro,-z,now",
                "-lc",
                "-o",
                "/t/a.so",
                "-shared",
                "-nodefaultlibs",
            ]),
            true,
        );
        let expected = "-m elf_x86_64 --threads=1 /c/crti.o --version-script=/t/list /t/a.o -L /t \
                        -z relro -z now -lc -o /t/a.so -shared -L/c /c/crtn.o";
        assert_eq!(translated.expect("understood").join(" "), expected);
    }

    #[test]
    fn what_is_not_understood_is_left_to_the_c_compiler() {
        assert_eq!(direct().translate(&list(&["-shared", "-flto=thin"]), false), None);
        assert_eq!(direct().translate(&list(&["a.o", "-pie"]), false), None);
        assert_eq!(direct().translate(&list(&["a.o"]), false), None, "not a shared library");
    }
}
