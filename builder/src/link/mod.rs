//! Standing in for the linker: the host's last link and the artifact's.
//!
//! The compiler is told to call the wrapper as its linker. The builder leaves a [`Plan`] beside
//! the output; the wrapper follows it, runs the real linker, and leaves a [`Report`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant, SystemTime};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::record::{read_json, write_json};
use crate::stamp::ArchiveStamp;

pub(crate) mod artifact;
pub(crate) mod direct;
pub(crate) mod host;

/// Longer command lines are passed in a file, as the compiler does.
const LONGEST_COMMAND: usize = 96 * 1024;

/// What the wrapper does when it is called as a linker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The linker that the compiler would have called; usually a C compiler.
    pub driver: PathBuf,
    /// Where the report goes.
    pub report: PathBuf,
    pub job: Job,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Job {
    /// The host: keep everything and export it.
    Host,
    /// The artifact: leave out what the host has.
    Artifact(Box<artifact::Links>),
}

/// What came out of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Linked {
    /// The host exports everything; these are its archives.
    WholeHost { archives: Vec<ArchiveStamp> },
    /// The host was linked as always, because the whole link failed with this text.
    PlainHost { why: String },
    /// An artifact with only what the host lacks: these archives.
    Shared { kept: Vec<PathBuf> },
    /// An artifact with everything, and why it is not a shared one, if that was tried.
    Standalone { missing: Vec<String> },
    /// Nothing; the linker's own words are in the compiler's diagnostics.
    Failed,
}

/// What the wrapper tells the builder about one link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub linked: Linked,
    /// The output file.
    pub output: Option<PathBuf>,
    /// The program that made the output.
    pub linker: PathBuf,
    /// When the compiler was done and the link began.
    pub started: SystemTime,
    /// How long all attempts took.
    pub took: Duration,
    /// Attempts that failed before the one that counts.
    pub failed_attempts: Vec<String>,
}

impl Plan {
    /// The plan for a host whose configured linker is this; none means the compiler's default.
    pub(crate) fn for_host(configured: Option<&str>, report: &Path) -> Self {
        Self {
            driver: configured.unwrap_or(DEFAULT_DRIVER).into(),
            report: report.to_owned(),
            job: Job::Host,
        }
    }
}

/// What the compiler calls on Unix-like systems when no linker is configured.
pub(crate) const DEFAULT_DRIVER: &str = "cc";

/// The linker side of [`maybe_run_as_wrapper`](crate::maybe_run_as_wrapper).
pub(crate) fn stand_in_for_linker(plan: &Path, arguments: Vec<OsString>) -> io::Result<i32> {
    let plan: Plan = read_json(plan)?;
    let started = SystemTime::now();
    let clock = Instant::now();
    let beside = plan.report.parent().unwrap_or(Path::new("."));
    let mut attempts = Attempts { driver: &plan.driver, beside, failed: Vec::new() };
    let arguments = match readable(&arguments)? {
        Some(arguments) => arguments,
        // Arguments that are not text are passed on as they are; the builder then sees no report.
        None => {
            return Ok(Command::new(&plan.driver).args(arguments).status()?.code().unwrap_or(1));
        }
    };
    let (linked, linker, code) = match &plan.job {
        Job::Host => host::link(&mut attempts, &arguments)?,
        Job::Artifact(links) => artifact::link(&mut attempts, links, &arguments)?,
    };
    let report = Report {
        linked,
        output: output_of(&arguments).map(Path::to_owned),
        linker,
        started,
        took: clock.elapsed(),
        failed_attempts: attempts.failed,
    };
    write_json(&plan.report, &report)?;
    Ok(code)
}

/// Runs linkers, remembering what failed on the way to what works.
pub(crate) struct Attempts<'a> {
    pub driver: &'a Path,
    /// Where long command lines are written.
    pub beside: &'a Path,
    pub failed: Vec<String>,
}

impl Attempts<'_> {
    /// Runs a linker whose failure has an answer: its words are kept and not shown.
    pub(crate) fn try_quietly(&mut self, program: &Path, arguments: &[String]) -> io::Result<bool> {
        match run(program, arguments, self.beside) {
            Ok(output) if output.status.success() => Ok(true),
            Ok(output) => {
                let words = String::from_utf8_lossy(&output.stderr);
                self.failed.push(format!("{}: {}", program.display(), words.trim()));
                Ok(false)
            }
            Err(error) => {
                self.failed.push(format!("{}: {error}", program.display()));
                Ok(false)
            }
        }
    }

    /// Runs the linker whose failure is the answer: its words go to the compiler.
    pub(crate) fn try_finally(&mut self, arguments: &[String]) -> io::Result<i32> {
        let output = run(self.driver, arguments, self.beside)?;
        io::Write::write_all(&mut io::stdout(), &output.stdout)?;
        io::Write::write_all(&mut io::stderr(), &output.stderr)?;
        Ok(output.status.code().unwrap_or(1))
    }
}

fn run(program: &Path, arguments: &[String], beside: &Path) -> io::Result<Output> {
    let mut command = Command::new(program);
    if arguments.iter().map(|argument| argument.len() + 1).sum::<usize>() < LONGEST_COMMAND {
        return command.args(arguments).output();
    }
    // Of a host's link, in a directory that stays: named so that one of a dead process is known there.
    let file = beside.join(format!("arguments.{}.new", std::process::id()));
    let mut text = String::new();
    for argument in arguments {
        for character in argument.chars() {
            if matches!(character, '\\' | ' ' | '"' | '\'') {
                text.push('\\');
            }
            text.push(character);
        }
        text.push('\n');
    }
    crate::record::write_whole(&file, text.as_bytes())?;
    let output = command.arg(format!("@{}", file.display())).output();
    let _ = fs::remove_file(&file);
    output
}

/// The arguments as text, with the compiler's argument file put in place.
fn readable(arguments: &[OsString]) -> io::Result<Option<Vec<String>>> {
    let mut out = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let Some(argument) = argument.to_str() else { return Ok(None) };
        match argument.strip_prefix('@') {
            Some(file) => out.extend(fs::read_to_string(file)?.lines().map(unescape)),
            None => out.push(argument.to_owned()),
        }
    }
    Ok(Some(out))
}

fn unescape(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        out.push(match character {
            '\\' => characters.next().unwrap_or('\\'),
            other => other,
        });
    }
    out
}

/// The file that these arguments make.
pub(crate) fn output_of(arguments: &[String]) -> Option<&Path> {
    let at = arguments.iter().position(|argument| argument == "-o")?;
    arguments.get(at + 1).map(Path::new)
}

/// Whether an argument is a compiled crate.
pub(crate) fn is_rlib(argument: &str) -> bool {
    !argument.starts_with('-') && argument.ends_with(".rlib")
}

/// Whether an argument is the crate of arithmetic helpers, whose symbols every image keeps for
/// itself.
pub(crate) fn is_compiler_builtins(argument: &str) -> bool {
    Path::new(argument)
        .file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.starts_with("libcompiler_builtins-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argument_files_of_the_compiler_are_read() {
        assert_eq!(unescape(r"/a\ b\\c"), r"/a b\c");
    }

    #[test]
    fn crates_are_told_from_options() {
        assert!(is_rlib("/t/libserde-1.rlib"));
        assert!(!is_rlib("-Wl,x.rlib"));
        assert!(is_compiler_builtins("/t/libcompiler_builtins-27cf.rlib"));
        assert!(!is_compiler_builtins("/t/libcompiler-27cf.rlib"));
    }
}
