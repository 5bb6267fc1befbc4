//! The host's last link: every archive whole and every symbol exported, so that a shared artifact
//! finds in the running program what it was compiled against.

use std::io;
use std::path::{Path, PathBuf};

use super::{Attempts, Linked, is_compiler_builtins, is_rlib};
use crate::stamp::ArchiveStamp;

pub(super) fn link(
    attempts: &mut Attempts<'_>,
    arguments: &[String],
) -> io::Result<(Linked, PathBuf, i32)> {
    let driver = attempts.driver.to_owned();
    if attempts.try_quietly(&driver, &whole(arguments))? {
        let archives = arguments
            .iter()
            .filter(|argument| is_rlib(argument))
            .map(|argument| ArchiveStamp::of(Path::new(argument)))
            .collect::<io::Result<_>>()?;
        return Ok((Linked::WholeHost { archives }, driver, 0));
    }
    // Some foreign code cannot be linked as a whole (objects that nobody ever pulled in). The
    // program matters more than the kind of its artifacts.
    let code = attempts.try_finally(arguments)?;
    let why = attempts.failed.first().cloned().unwrap_or_default();
    let linked = if code == 0 { Linked::PlainHost { why } } else { Linked::Failed };
    Ok((linked, driver, code))
}

/// The arguments of a link that keeps and exports everything.
fn whole(arguments: &[String]) -> Vec<String> {
    let mut out = Vec::with_capacity(arguments.len() + 64);
    let mut inside = false;
    for argument in arguments {
        let wanted = is_rlib(argument) && !is_compiler_builtins(argument);
        if wanted != inside {
            out.push(if wanted { "-Wl,--whole-archive" } else { "-Wl,--no-whole-archive" }.into());
            inside = wanted;
        }
        if argument != "-Wl,--gc-sections" {
            out.push(argument.clone());
        }
    }
    if inside {
        out.push("-Wl,--no-whole-archive".into());
    }
    out.push("-rdynamic".into());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crates_are_kept_whole() {
        let before = [
            "main.o",
            "/t/liba-1.rlib",
            "/t/libb-2.rlib",
            "-lz",
            "/t/libcompiler_builtins-3.rlib",
            "-Wl,--gc-sections",
            "-o",
            "host",
        ]
        .map(String::from);
        assert_eq!(
            whole(&before),
            [
                "main.o",
                "-Wl,--whole-archive",
                "/t/liba-1.rlib",
                "/t/libb-2.rlib",
                "-Wl,--no-whole-archive",
                "-lz",
                "/t/libcompiler_builtins-3.rlib",
                "-o",
                "host",
                "-rdynamic"
            ]
        );
    }
}
