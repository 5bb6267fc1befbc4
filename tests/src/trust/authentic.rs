//! Artifacts that are signed, and those on a list.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use minisign::KeyPair;

use super::{mark, marking, program, put, refused, taken};
use crate::harness::{Workbench, swap, v3};

fn signature(keys: &KeyPair, artifact: &Path, comment: &str) -> String {
    let bytes = fs::read(artifact).unwrap();
    let made = minisign::sign(None, &keys.sk, Cursor::new(bytes), Some(comment), None);
    made.unwrap().to_string()
}

fn signature_path(bench: &Workbench) -> PathBuf {
    let mut path = bench.artifact().into_os_string();
    path.push(".minisig");
    path.into()
}

#[test]
fn only_signed_artifacts_are_taken_by_a_program_that_asks_for_it() {
    let bench = Workbench::new();
    let keys = KeyPair::generate_unencrypted_keypair().unwrap();
    let mut host = program(&bench).arg("--trust-key", &keys.pk.to_base64()).start();
    let status = host.ask(&["status"]);
    assert!(status.contains("trust: \"artifacts signed by the key "), "{status}");

    let artifact = bench.artifact();
    let item = format!("item={{signature of `{}`}}", artifact.display());
    bench.install(&marking());
    let none = format!("found={{none: there is no `{}.minisig`}}", artifact.display());
    let remedy = format!("remedy={{sign it: `minisign -S -m {}`;", artifact.display());
    refused(&bench, &mut host, "stage", &[&item, &none, &remedy]);

    // Of the artifact of before, as a release leaves it that replaces one file after the other.
    let path = signature_path(&bench);
    put(signature(&keys, &v3().artifact(), "build 1").as_bytes(), &path);
    let found = "which is not of these bytes and this comment: verification failed}";
    refused(&bench, &mut host, "stage", &[&item, found]);

    let other = KeyPair::generate_unencrypted_keypair().unwrap();
    put(signature(&other, &artifact, "build 1").as_bytes(), &path);
    refused(&bench, &mut host, "stage", &[&item, "found={one by the key "]);

    let good = signature(&keys, &artifact, "build 2");
    put(good.replace("build 2", "build 9").as_bytes(), &path);
    refused(&bench, &mut host, "stage", &[&item, found]);

    put(&good.as_bytes()[..good.len() / 2], &path);
    refused(&bench, &mut host, "stage", &[&item, "which is no signature: "]);

    // The signature that comes last is enough: nothing happens to the artifact.
    put(good.as_bytes(), &path);
    let line = taken(&bench, &mut host);
    assert!(line.contains(" signed={by the key ") && line.contains(": build 2}"), "{line}");

    let status = host.ask(&["status"]);
    let parts = status.split_once("1 standalone current [] signed by the key ");
    assert!(parts.is_some_and(|(_, rest)| rest.contains(": build 2}")), "{status}");

    // The other way round: the signature comes first, and nothing happens until the artifact is there.
    put(signature(&keys, &v3().artifact(), "build 3").as_bytes(), &path);
    bench.install(&v3());
    let line = host.swapped(2);
    assert!(line.contains(": build 3}"), "{line}");
    host.runs(3);

    // What was judged when it came needs no signature to come back.
    fs::remove_file(&path).unwrap();
    assert!(host.ask(&["rollback"]).contains("swapped generation=3 "), "to generation 1");
    host.runs(2);
    assert!(host.ask(&["activate", "0"]).contains("swapped generation=0 "));
    host.runs(1);
    host.finish();
}

#[test]
fn tampered_bytes_are_refused_whoever_signed_what_they_were() {
    let bench = Workbench::new();
    let keys = KeyPair::generate_unencrypted_keypair().unwrap();
    let mut host = program(&bench).arg("--trust-key", &keys.pk.to_base64()).start();
    let good = marking().artifact();
    put(signature(&keys, &good, "build 1").as_bytes(), &signature_path(&bench));
    let mut bytes = fs::read(&good).unwrap();
    let text = b"an initializer ran";
    let at = bytes.windows(text.len()).position(|window| window == text).unwrap();
    bytes[at] = b'A';
    put(&bytes, &bench.artifact());
    let found = "which is not of these bytes and this comment: verification failed}";
    refused(&bench, &mut host, "stage", &[found]);
    bench.install(&marking());
    taken(&bench, &mut host);
    host.finish();
}

#[test]
fn only_artifacts_on_the_list_are_taken_by_a_program_that_has_one() {
    let bench = Workbench::new();
    let digest = |path: &Path| blake3::hash(&fs::read(path).unwrap()).to_hex().to_string();
    let [good, next] = [marking(), v3()].map(|version| digest(&version.artifact()));
    let list = format!("{good},{next}");
    let mut host = program(&bench).arg("--trust-digests", &list).start();
    let unlisted = marking().with("#[hot]\npub fn unlisted() {}");
    bench.install(&unlisted);
    let item = format!("item={{digest of `{}`}}", bench.artifact().display());
    let found = format!(
        "expected={{one of the 2 that are allowed}} found={{{}}}",
        digest(&unlisted.artifact())
    );
    refused(&bench, &mut host, "stage", &[&item, &found]);
    bench.install(&marking());
    taken(&bench, &mut host);
    swap(&bench, &mut host, &v3(), 2);
    host.finish();
}

#[test]
fn a_plugin_is_judged_like_any_artifact() {
    let bench = Workbench::new();
    let keys = KeyPair::generate_unencrypted_keypair().unwrap();
    let mut host = program(&bench).arg("--trust-key", &keys.pk.to_base64()).spawn();
    bench.install(&marking());
    let artifact = bench.artifact();
    let open = ["open", "plugin", artifact.to_str().unwrap()];
    let error = host.try_ask(&open).unwrap_err();
    let expected = format!(
        "open: `{0}` cannot be used: refused at stage: signature of `{0}`: one by the key ",
        artifact.display()
    );
    assert!(error.starts_with(&expected), "{error}");
    assert!(!mark(&bench).exists());
    put(signature(&keys, &artifact, "a plugin").as_bytes(), &signature_path(&bench));
    host.ask(&open);
    assert!(mark(&bench).exists());
    host.ask(&["close", "plugin"]);
    host.finish();
}
