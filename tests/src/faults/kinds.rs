//! What stands in the artifact's place is no artifact: another kind of file, another kind of content, or too much of it.

use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use super::tool;
use crate::harness::{Program, host, library, v3};
use crate::refuse::{Expected, bytes, refuses, refuses_with};

fn unfinished<'a>(found: &'a str) -> Expected<'a> {
    Expected {
        step: "settle",
        item: "`ARTIFACT`",
        expected: "a whole artifact",
        found,
        remedy: "build it again",
    }
}

/// Has `make` make something beside the artifact and renames it over it.
fn made(make: impl FnOnce(&Path)) -> impl FnOnce(&Path) {
    |to| {
        let aside = to.with_extension("part");
        make(&aside);
        fs::rename(aside, to).unwrap();
    }
}

#[test]
fn an_artifact_cut_short() {
    let whole = fs::read(v3().artifact()).unwrap();
    let found = "it is cut short: with the section headers it needs ..";
    refuses(&unfinished(found), bytes(&whole[..whole.len() / 2]));
}

#[test]
fn an_empty_file() {
    let found = "it is cut short: with its first header it needs 16 bytes, it has 0";
    refuses(&unfinished(found), bytes(b""));
}

#[test]
fn a_text() {
    let found = "it is not a dynamic library: ..";
    refuses(&unfinished(found), bytes(b"error: could not compile `hot-fixture`\n"));
}

#[test]
fn a_static_archive() {
    let found = "it is not a dynamic library: it looks like a file of kind Archive";
    refuses(&unfinished(found), bytes(&fs::read(library()).unwrap()));
}

#[test]
fn an_object_file() {
    let found = "it is not a dynamic library: an ELF file without segments, perhaps an object file";
    refuses(
        &unfinished(found),
        made(|to| {
            let source = to.with_extension("rs");
            fs::write(&source, "pub fn f() {}\n").unwrap();
            let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
            let emit = format!("obj={}", to.display());
            tool(Command::new(rustc).args(["--crate-type=lib", "--emit", &emit]).arg(&source));
        }),
    );
}

#[test]
fn a_directory() {
    refuses(&unfinished("it is not a regular file but a directory"), |to| {
        fs::remove_file(to).unwrap();
        fs::create_dir(to).unwrap();
    });
}

#[test]
fn a_fifo() {
    refuses(
        &unfinished("it is not a regular file but a FIFO"),
        made(|to| tool(Command::new("mkfifo").arg(to))),
    );
}

#[test]
fn a_socket() {
    refuses(
        &unfinished("it is not a regular file but a socket"),
        made(|to| {
            // The address of a socket is short. Its file stays where it is when the listener goes.
            let directory = tempfile::tempdir().unwrap();
            let short = directory.path().join("s");
            let listener = UnixListener::bind(&short).unwrap();
            if fs::rename(&short, to).is_err() {
                drop(listener);
                UnixListener::bind(to).unwrap();
            }
            assert!(fs::symlink_metadata(to).unwrap().file_type().is_socket());
        }),
    );
}

#[test]
fn a_device() {
    let directory = tempfile::tempdir().unwrap();
    let trial =
        Command::new("mknod").arg(directory.path().join("null")).args(["c", "1", "3"]).output();
    if !trial.is_ok_and(|trial| trial.status.success()) {
        eprintln!("not shown here: this user may not make devices; `file.rs` tries /dev/null");
        return;
    }
    refuses(
        &unfinished("it is not a regular file but a device"),
        made(|to| tool(Command::new("mknod").arg(to).args(["c", "1", "3"]))),
    );
}

#[test]
fn a_symbolic_link_to_a_good_artifact() {
    refuses(
        &unfinished("it is not a regular file but a symbolic link"),
        made(|to| symlink(v3().artifact(), to).unwrap()),
    );
}

#[test]
fn an_artifact_over_the_limit() {
    let mut larger = fs::read(v3().artifact()).unwrap();
    let limit = larger.len();
    larger.push(0);
    let expected = too_large(limit + 1, limit);
    let limited = |program: Program| program.arg("--limit", &limit.to_string());
    refuses_with(limited, &expected.as_expected(), bytes(&larger));
}

/// It takes no space on the disk, and must take none in memory and no time to read.
#[test]
fn four_gigabytes_of_nothing_after_an_artifact() {
    let expected = too_large(4 << 30, 1 << 30);
    refuses(
        &expected.as_expected(),
        made(|to| {
            fs::copy(v3().artifact(), to).unwrap();
            File::options().write(true).open(to).unwrap().set_len(4 << 30).unwrap();
        }),
    );
}

#[test]
fn four_gigabytes_of_nothing_at_all() {
    refuses(
        &unfinished("it is not a dynamic library: it begins with zeros"),
        made(|to| File::create(to).unwrap().set_len(4 << 30).unwrap()),
    );
}

/// The program itself has the manifest of the crate that it is linked with.
#[test]
fn a_program() {
    let expected = Expected {
        step: "verify",
        item: "the artifact's structure",
        expected: "a library that the system's loader can read",
        found: "it is a program, which names an interpreter",
        remedy: "build it again; ..",
    };
    refuses(&expected, bytes(&fs::read(host()).unwrap()));
}

#[test]
fn another_processor() {
    let mut foreign = fs::read(v3().artifact()).unwrap();
    // `e_machine`: MIPS, which runs nothing that these tests run on.
    foreign[18..20].copy_from_slice(&8_u16.to_ne_bytes());
    let expected = Expected {
        step: "verify",
        item: "the artifact's structure",
        expected: "a library that the system's loader can read",
        found: "it is for another processor: its machine is 8, this program's is ..",
        remedy: "build it again; ..",
    };
    refuses(&expected, bytes(&foreign));
}

#[test]
fn another_class() {
    let expected = Expected {
        step: "verify",
        item: "the artifact's structure",
        expected: "a library that the system's loader can read",
        found: "it is for another processor: it is a 32-bit image, this program is a 64-bit one",
        remedy: "build it again; ..",
    };
    refuses(&expected, bytes(&library_of_32_bits()));
}

/// A whole dynamic library for i386: a header, one segment, and what it must say to a loader.
fn library_of_32_bits() -> Vec<u8> {
    let word = |value: u32| value.to_le_bytes();
    let half = |value: u16| value.to_le_bytes();
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend([half(3), half(3)].concat());
    file.extend([word(1), word(0), word(52), word(0), word(0)].concat());
    file.extend([half(52), half(32), half(1), half(40), half(0), half(0)].concat());
    file.extend([1, 0, 0, 0, 84, 84, 5, 0x1000].map(word).concat());
    file
}

struct TooLarge {
    found: String,
}

fn too_large(len: usize, limit: usize) -> TooLarge {
    TooLarge { found: format!("{len} bytes, over the limit of {limit}") }
}

impl TooLarge {
    fn as_expected(&self) -> Expected<'_> {
        Expected {
            step: "stage",
            item: "`ARTIFACT`",
            expected: "an artifact within the limit",
            found: &self.found,
            remedy: "raise the limit, or build it again",
        }
    }
}
