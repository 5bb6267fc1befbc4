//! Whose artifacts are taken; and that no code of one that is refused runs, its initializers included.

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use minisign::KeyPair;

use crate::harness::{Host, Program, Version, Workbench, rename_over, swap, v2, v3};

/// An initializer that leaves a mark: a file whose name the environment says.
const INITIALIZER: &str = "\
extern \"C\" fn leaves_a_mark() {
    if let Some(path) = std::env::var_os(\"HOT_FIXTURE_MARK\") {
        std::fs::write(path, \"an initializer ran\").unwrap();
    }
}

#[used]
#[unsafe(link_section = \".init_array\")]
static INITIALIZER: extern \"C\" fn() = leaves_a_mark;";

/// A version with an initializer.
fn marking() -> Version {
    v2().with(INITIALIZER)
}

/// The file that is there once an initializer has run.
fn mark(bench: &Workbench) -> PathBuf {
    bench.root().join("mark")
}

fn program(bench: &Workbench) -> Program {
    bench.program().env("HOT_FIXTURE_MARK", mark(bench))
}

fn mode(path: &Path, bits: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
}

/// Writes `bytes` aside and renames them over `to`.
fn put(bytes: &[u8], to: &Path) {
    let aside = to.with_extension("part");
    fs::write(&aside, bytes).unwrap();
    fs::rename(aside, to).unwrap();
}

/// Asserts that what is there now is refused with these words, that none of its code runs, and that the program goes on.
#[track_caller]
fn refused(bench: &Workbench, host: &mut Host, step: &str, parts: &[&str]) {
    let line = host.event(&[&format!("refused step={step} ")]);
    for part in parts {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!mark(bench).exists(), "code of a refused artifact ran: {line}");
    host.runs(1);
    assert_eq!((host.ask(&["generation"]), host.ask(&["images"])), ("0".into(), "0".into()));
}

/// Asserts that the same artifact is taken now, and that its initializer runs then: a test that found no mark before
/// can fail.
#[track_caller]
fn taken(bench: &Workbench, host: &mut Host) -> String {
    let line = host.swapped(1);
    assert!(mark(bench).exists(), "the initializer of what is loaded runs");
    host.runs(2);
    line
}

#[test]
fn an_artifact_that_everybody_can_write_is_refused_until_they_cannot() {
    let bench = Workbench::new();
    let mut host = program(&bench).start();
    let aside = bench.artifact().with_extension("part");
    fs::copy(marking().artifact(), &aside).unwrap();
    mode(&aside, 0o666);
    fs::rename(&aside, bench.artifact()).unwrap();
    let artifact = bench.artifact();
    let item = format!("item={{permissions of `{}`}}", artifact.display());
    let remedy = format!("remedy={{`chmod go-w {}`, and build with", artifact.display());
    let found = "expected={nobody else may write} found={mode 0666: everybody may}";
    refused(&bench, &mut host, "stage", &[&item, found, &remedy]);
    // As it says; nothing else happens to the file.
    mode(&artifact, 0o644);
    taken(&bench, &mut host);
    swap(&bench, &mut host, &v3(), 2);
    host.finish();
}

#[test]
fn a_directory_that_everybody_can_write_is_refused_unless_they_can_only_add_to_it() {
    let bench = Workbench::new();
    let mut host = program(&bench).start();
    mode(&bench.directory(), 0o777);
    bench.install(&marking());
    let item = format!("item={{permissions of the directory `{}`}}", bench.directory().display());
    let remedy = format!("remedy={{`chmod go-w {}`, and save again}}", bench.directory().display());
    refused(&bench, &mut host, "stage", &[&item, "found={mode 0777: everybody may}", &remedy]);
    mode(&bench.directory(), 0o1777);
    bench.install(&marking());
    taken(&bench, &mut host);
    host.finish();
}

#[test]
fn a_link_that_leads_where_others_can_write_is_refused_also_when_it_is_turned_there_later() {
    let bench = Workbench::new();
    let [good, bad, link] = ["good", "bad", "link"].map(|name| bench.root().join(name));
    fs::create_dir(&good).unwrap();
    fs::create_dir(&bad).unwrap();
    mode(&bad, 0o777);
    symlink(&good, &link).unwrap();
    let mut program = bench.bare_program(&bench.link_to_host("program"));
    program.command.arg("--artifact").arg(link.join(v2().file_name()));
    program.command.arg("--stage-dir").arg(bench.root()).env("HOT_FIXTURE_MARK", mark(&bench));
    let mut host = program.start();

    rename_over(&marking().artifact(), &bad.join(v2().file_name()));
    let turn = |to: &Path| {
        let aside = bench.root().join("aside");
        symlink(to, &aside).unwrap();
        fs::rename(&aside, &link).unwrap();
    };
    turn(&bad);
    let item = format!("item={{permissions of the directory `{}`}}", bad.display());
    refused(&bench, &mut host, "stage", &[&item, "found={mode 0777: everybody may}"]);
    turn(&good);
    rename_over(&marking().artifact(), &good.join(v2().file_name()));
    taken(&bench, &mut host);
    host.finish();
}

#[test]
fn an_artifact_of_somebody_else_is_refused_until_it_is_given_to_this_user() {
    let bench = Workbench::new();
    let mut host = program(&bench).start();
    let aside = bench.artifact().with_extension("part");
    fs::copy(marking().artifact(), &aside).unwrap();
    if chown(&aside, Some(4242), None).is_err() {
        eprintln!("skipped: only root can give files away");
        return;
    }
    fs::rename(&aside, bench.artifact()).unwrap();
    let item = format!("item={{owner of `{}`}}", bench.artifact().display());
    let remedy = format!("remedy={{`chown` it (`chown 0 {}`)", bench.artifact().display());
    refused(&bench, &mut host, "stage", &[&item, "or root} found={uid 4242}", &remedy]);
    chown(bench.artifact(), Some(0), None).unwrap();
    taken(&bench, &mut host);

    let directory = bench.directory();
    chown(&directory, Some(4242), None).unwrap();
    bench.install(&v3());
    let item = format!("item={{owner of the directory `{}`}}", directory.display());
    let line = host.event(&["refused step=stage "]);
    assert!(line.contains(&item), "{item} in {line}");
    chown(&directory, Some(0), None).unwrap();
    swap(&bench, &mut host, &v3(), 2);
    host.finish();
}

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
fn no_code_runs_of_what_does_not_fit_by_its_manifest_or_its_imports() {
    let bench = Workbench::new();
    let mut host = program(&bench).start();
    let text = b"\nrustc=rustc 1.";
    let mut other = fs::read(marking().artifact()).unwrap();
    let at = other.windows(text.len()).position(|window| window == text).unwrap();
    other[at + text.len() - 2] = b'9';
    put(&other, &bench.artifact());
    refused(&bench, &mut host, "verify", &["item={compiler}"]);

    // Says that it takes everything from the program, and needs what the program does not have.
    let needy =
        marking().with("unsafe extern \"C\" {\n    safe fn nobody_has_this() -> u32;\n}").edit(
            "lib.rs",
            "version() -> u32 {\n    VERSION",
            "version() -> u32 {\n    nobody_has_this()",
        );
    let mut shared = fs::read(needy.artifact()).unwrap();
    let [from, to] = [b"\nkind=standalone\n", b"\nkind=shared    \n"];
    let at = shared.windows(from.len()).position(|window| window == from).unwrap();
    shared[at..at + to.len()].copy_from_slice(to);
    put(&shared, &bench.artifact());
    refused(&bench, &mut host, "verify", &["item={`nobody_has_this`", "exported by the program"]);

    bench.install(&marking());
    taken(&bench, &mut host);
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

#[test]
fn a_program_does_not_start_where_others_could_change_its_stages() {
    let bench = Workbench::new();
    let stages = bench.stages();
    fs::create_dir_all(&stages).unwrap();
    mode(&stages, 0o777);
    let mut host = program(&bench).spawn();
    let error = host.try_ask(&["start"]).unwrap_err();
    let expected = format!(
        "stage: permissions of the directory `{}`: nobody else may write -> mode 0777: everybody may; `chmod go-w ",
        stages.display()
    );
    assert!(error.starts_with(&expected), "{error}");
    mode(&stages, 0o755);
    host.ask(&["start"]);
    bench.install(&marking());
    taken(&bench, &mut host);
    host.finish();
}
