//! What becomes a stage where signatures or digests are asked for.

use std::fs;
use std::io::Cursor;
use std::path::PathBuf;

use minisign::{KeyPair, SignatureBox};

use crate::error::Error;
use crate::stage::{StagedArtifact, Stages};
use crate::trust::{PublicKey, Trust, TrustError, signature_path};

const BYTES: &[u8] = b"a library, or what passes for one";

/// A key, and a directory with an artifact.
struct Bench {
    target: tempfile::TempDir,
    keys: KeyPair,
    stages: Stages,
}

impl Bench {
    fn new() -> Bench {
        let target = tempfile::tempdir().unwrap();
        let keys = KeyPair::generate_unencrypted_keypair().unwrap();
        let trust = Trust::signed(&keys.pk.to_base64()).unwrap();
        let stages = Stages::create(target.path()).unwrap().with_trust(trust);
        let bench = Bench { target, keys, stages };
        fs::write(bench.artifact(), BYTES).unwrap();
        bench
    }

    fn artifact(&self) -> PathBuf {
        self.target.path().join("libgame.so")
    }

    fn sign(&self, bytes: &[u8]) -> String {
        sign(&self.keys, bytes)
    }

    fn put(&self, signature: &str) {
        fs::write(signature_path(&self.artifact()), signature).unwrap();
    }

    fn stage(&self) -> Result<StagedArtifact, String> {
        self.stages.stage(&self.artifact(), "game", 1).map_err(|error| match error {
            Error::Untrusted { difference } => difference.to_string(),
            other => panic!("{other}"),
        })
    }

    #[track_caller]
    fn refuses(&self, parts: &[&str]) {
        let why = self.stage().unwrap_err();
        let key = number(&self.keys);
        let beginning =
            format!("signature of `{}`: one by the key {key} -> ", self.artifact().display());
        assert!(why.starts_with(&beginning), "{why}");
        for part in parts {
            assert!(why.contains(part), "{part:?} in {why}");
        }
        let left: Vec<_> = fs::read_dir(self.stages.directory()).unwrap().flatten().collect();
        assert_eq!(left.len(), 1, "the lock, and no copy of what was refused: {left:?}");
    }
}

fn number(keys: &KeyPair) -> String {
    keys.pk.to_base64().parse::<PublicKey>().unwrap().to_string()
}

fn sign(keys: &KeyPair, bytes: &[u8]) -> String {
    let comment = Some("build 12");
    let signature: SignatureBox =
        minisign::sign(None, &keys.sk, Cursor::new(bytes), comment, None).unwrap();
    signature.to_string()
}

#[test]
fn a_signed_artifact_is_taken_with_its_comment() {
    let bench = Bench::new();
    bench.put(&bench.sign(BYTES));
    let stage = bench.stage().unwrap();
    let signed = stage.signed().unwrap();
    assert_eq!(signed.trusted_comment, "build 12");
    assert_eq!(signed.key, number(&bench.keys));

    fs::remove_file(signature_path(&bench.artifact())).unwrap();
    let again = bench.stages.stage_again(&stage, "game", 2).unwrap();
    assert_eq!((again.digest(), again.signed()), (stage.digest(), stage.signed()));
    fs::write(stage.path(), b"others").unwrap();
    let error = bench.stages.stage_again(&stage, "game", 3).unwrap_err().to_string();
    assert!(error.starts_with("stage: kept stage `") && error.contains(" -> others, "), "{error}");
}

#[test]
fn a_large_artifact_is_verified_as_it_goes_by() {
    let bench = Bench::new();
    let bytes: Vec<u8> = (0..1_000_000u32).map(|i| (i % 251) as u8).collect();
    fs::write(bench.artifact(), &bytes).unwrap();
    bench.put(&bench.sign(&bytes));
    assert!(bench.stage().is_ok());
    let mut tampered = bytes;
    tampered[777_777] ^= 1;
    fs::write(bench.artifact(), &tampered).unwrap();
    bench.refuses(&["which is not of these bytes and this comment: verification failed"]);
}

#[test]
fn no_signature_is_named_with_the_command_that_makes_one() {
    let bench = Bench::new();
    let path = bench.artifact();
    let command = format!("sign it: `minisign -S -m {}`", path.display());
    bench.refuses(&[&format!("none: there is no `{}.minisig`", path.display()), &command]);
    fs::create_dir(signature_path(&path)).unwrap();
    bench.refuses(&["a directory at `", &command]);
}

#[test]
fn what_is_no_signature_is_named() {
    let bench = Bench::new();
    let good = bench.sign(BYTES);
    let no_signature = "which is no signature: it is cut short, or not written by minisign";
    for bad in
        ["", "untrusted comment: x\n", "untrusted comment: x\nRUQ\n", &good[..good.len() - 20]]
    {
        bench.put(bad);
        bench.refuses(&[no_signature]);
    }
    bench.put(&good.replacen("\nRU", "\nAA", 1));
    bench.refuses(&["which is no signature: its algorithm is none of minisign's"]);
    bench.put(&good.repeat(200));
    bench.refuses(&["which has more than 16384 bytes and is no signature"]);
    fs::write(signature_path(&bench.artifact()), [0xff; 200]).unwrap();
    bench.refuses(&["which is no signature: "]);
}

#[test]
fn a_signature_by_another_key_names_both() {
    let bench = Bench::new();
    let other = KeyPair::generate_unencrypted_keypair().unwrap();
    bench.put(&sign(&other, BYTES));
    bench.refuses(&[
        &format!("-> one by the key {} in `", number(&other)),
        "sign it with the key that the program was told",
    ]);

    // As somebody would who wants to pass for the right one: its number, with a signature of another.
    let forged = sign(&other, BYTES);
    let good = bench.sign(BYTES);
    let line = |text: &str| text.lines().nth(1).unwrap().to_owned();
    let mixed = format!("{}{}", &line(&good)[..16], &line(&forged)[16..]);
    bench.put(&forged.replace(&line(&forged), &mixed));
    bench.refuses(&["verification failed"]);
}

#[test]
fn a_changed_comment_and_a_signature_of_older_bytes_are_refused() {
    let bench = Bench::new();
    bench.put(&bench.sign(BYTES).replace("build 12", "build 13"));
    let remedy = "put artifact and signature of one build there, or sign it again";
    bench.refuses(&["not of these bytes and this comment: verification failed", remedy]);
    bench.put(&bench.sign(b"the build of before"));
    bench.refuses(&["not of these bytes and this comment: verification failed", remedy]);
    bench.put(&bench.sign(BYTES));
    assert!(bench.stage().is_ok());
}

#[test]
fn a_legacy_signature_is_refused_by_its_kind() {
    let bench = Bench::new();
    // The two kinds differ in the case of one letter of the algorithm's name.
    let legacy = bench.sign(BYTES).replacen("\nRUQ", "\nRWQ", 1).replacen("\nRUR", "\nRWR", 1);
    let legacy = legacy.replacen("\nRUS", "\nRWS", 1).replacen("\nRUT", "\nRWT", 1);
    bench.put(&legacy);
    bench.refuses(&["a legacy one, of the bytes themselves", "sign it without `-l`"]);
}

#[test]
fn authenticated_bytes_need_no_owner() {
    let bench = Bench::new();
    bench.put(&bench.sign(BYTES));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(bench.artifact(), fs::Permissions::from_mode(0o666)).unwrap();
        let owned = Stages::create(bench.target.path()).unwrap();
        let error = owned.stage(&bench.artifact(), "game", 1).unwrap_err().to_string();
        assert!(error.starts_with("stage: permissions of `"), "{error}");
    }
    assert!(bench.stage().is_ok());
}

#[test]
fn digests_are_a_list_of_what_is_allowed() {
    let bench = Bench::new();
    let Bench { target, .. } = &bench;
    let of = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    let trust = Trust::digests([of(b"one"), of(b"two")]).unwrap();
    assert_eq!(trust.to_string(), "artifacts with one of 2 digests");
    let stages = Stages::create(target.path()).unwrap().with_trust(trust);
    let error = stages.stage(&bench.artifact(), "game", 1).unwrap_err().to_string();
    let expected = format!(
        "stage: digest of `{}`: one of the 2 that are allowed -> {}; put an artifact there that is allowed, or start the \
         program with this digest among `Trust::Digests`",
        bench.artifact().display(),
        of(BYTES)
    );
    assert_eq!(error, expected);
    fs::write(bench.artifact(), "two").unwrap();
    assert!(stages.stage(&bench.artifact(), "game", 1).unwrap().signed().is_none());
}

#[test]
fn policies_that_cannot_be_had_say_why() {
    let keys = KeyPair::generate_unencrypted_keypair().unwrap();
    let line = keys.pk.to_base64();
    let file = keys.pk.to_box().unwrap().into_string();
    assert_eq!(Trust::signed(&line), Trust::signed(&file), "the line, or the file around it");
    for (text, why) in [
        ("", "it is empty"),
        (&line[..20], "it is cut short, or not written by minisign"),
        ("no key", "it is cut short, or not written by minisign"),
    ] {
        let error = Trust::signed(text).unwrap_err();
        assert!(matches!(&error, TrustError::Key { why: said, .. } if said == why), "{error}");
        assert!(error.to_string().contains("`minisign -G` wrote"), "{error}");
    }
    let error = Trust::digests(["ab12"]).unwrap_err().to_string();
    assert!(error.starts_with("trust: `ab12` is no blake3 digest: "), "{error}");
}

#[test]
fn what_can_change_a_judgment_is_known_from_what_cannot() {
    let bench = Bench::new();
    let artifact = bench.artifact();
    let unsigned = bench.stages.standing(&artifact);
    assert_eq!(unsigned, bench.stages.standing(&artifact));
    bench.put(&bench.sign(BYTES));
    let signed = bench.stages.standing(&artifact);
    assert_ne!(signed, unsigned);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let owned = Stages::create(bench.target.path()).unwrap();
        let before = owned.standing(&artifact);
        fs::set_permissions(&artifact, fs::Permissions::from_mode(0o666)).unwrap();
        assert_ne!(owned.standing(&artifact), before);
        assert_eq!(bench.stages.standing(&artifact), signed, "nobody asks who owns what is signed");
    }
}
