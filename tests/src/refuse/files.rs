//! Libraries that are no artifact, and artifacts that say of themselves that they do not fit.

use std::fs;

use super::{Expected, bytes, refuses, refuses_version};
use crate::harness::{macros_library, rename_over, v3};

#[test]
fn a_library_without_a_manifest() {
    let expected = Expected {
        step: "verify",
        item: "the artifact",
        expected: "a manifest",
        found: "it has no manifest section `.liveswap`",
        remedy: "put `liveswap_abi::hot_crate!()` at the root of the crate and build it with debug assertions or \
                 liveswap-abi's feature `always`",
    };
    refuses(&expected, |to| rename_over(&macros_library(), to));
}

#[test]
fn another_crate() {
    let other = v3().named("other_fixture", "fixture");
    let expected = Expected {
        step: "verify",
        item: "crate",
        expected: "`hot_fixture`",
        found: "`other_fixture`",
        remedy: "point the artifact path at this crate's own library",
    };
    refuses_version(&other, &expected);
}

#[test]
fn another_version_of_the_package() {
    let expected = Expected {
        step: "verify",
        item: "crate version",
        expected: "`0.1.0`",
        found: "`0.2.0`",
        remedy: "restart the program to take the new version",
    };
    said_otherwise("\nversion=0.1.0\n", "\nversion=0.2.0\n", &expected);
}

#[test]
fn another_compiler() {
    let compiler = said("rustc");
    let other = compiler.replacen("rustc 1.", "rustc 9.", 1);
    let expected = Expected {
        step: "verify",
        item: "compiler",
        expected: &format!("`{compiler}`"),
        found: &format!("`{other}`"),
        remedy: "build both with the same toolchain, then restart the program",
    };
    said_otherwise(&format!("\nrustc={compiler}\n"), &format!("\nrustc={other}\n"), &expected);
}

#[test]
fn a_profile_with_another_panic_strategy() {
    let expected = Expected {
        step: "verify",
        item: "panic strategy",
        expected: "`unwind`",
        found: "`abort`",
        remedy: "build the artifact with the host's profile",
    };
    // An empty line makes up for the shorter word.
    said_otherwise("\npanic=unwind\n", "\npanic=abort\n\n", &expected);
}

#[test]
fn another_abi() {
    let abi = said("abi");
    let other = abi.replacen('0', "7", 1);
    let expected = Expected {
        step: "verify",
        item: "liveswap-abi",
        expected: &format!("`{abi}`"),
        found: &format!("`{other}`"),
        remedy: "build host and artifact with the same version of liveswap",
    };
    said_otherwise(&format!("\nabi={abi}\n"), &format!("\nabi={other}\n"), &expected);
}

#[test]
fn another_target() {
    let target = said("target");
    let other = target.replace("linux", "xunil");
    let expected = Expected {
        step: "verify",
        item: "target",
        expected: &format!("`{target}`"),
        found: &format!("`{other}`"),
        remedy: "build the artifact with the host's --target",
    };
    said_otherwise(&format!("\ntarget={target}\n"), &format!("\ntarget={other}\n"), &expected);
}

#[test]
fn a_broken_manifest() {
    let expected = Expected {
        step: "verify",
        item: "the artifact",
        expected: "a manifest",
        found: "its manifest is broken: a record does not begin with the manifest's magic bytes",
        remedy: "put `liveswap_abi::hot_crate!()` at the root of the crate and build it with debug assertions or \
                 liveswap-abi's feature `always`",
    };
    said_otherwise("LVSWAP\n", "LVSWOP\n", &expected);
}

/// What an artifact says of itself under `key`.
fn said(key: &str) -> String {
    let text = String::from_utf8_lossy(&fs::read(v3().artifact()).unwrap()).into_owned();
    let (_, after) = text.split_once(&format!("\n{key}=")).unwrap();
    after.split_once('\n').unwrap().0.to_owned()
}

/// Asserts that an artifact is refused whose manifest has `to` where it had `from`, of the same length.
#[track_caller]
fn said_otherwise(from: &str, to: &str, expected: &Expected<'_>) {
    assert_eq!(from.len(), to.len());
    assert_ne!(from, to);
    let mut patched = fs::read(v3().artifact()).unwrap();
    let at = patched.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
    patched[at..at + to.len()].copy_from_slice(to.as_bytes());
    refuses(expected, bytes(&patched));
}
