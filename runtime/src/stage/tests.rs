mod trust;

use super::*;
use std::io::Write;
use std::time::{Duration, Instant};

struct Bench {
    target: tempfile::TempDir,
    stages: Stages,
}

impl Bench {
    fn new() -> Self {
        let target = tempfile::tempdir().unwrap();
        let stages = Stages::create(target.path()).unwrap();
        Bench { target, stages }
    }

    fn artifact(&self, bytes: &[u8]) -> PathBuf {
        let path = self.target.path().join("libgame.so");
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The files in the directory of this process, without its lock.
    fn left(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.stages.directory()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| !path.ends_with("lock")).collect()
    }
}

#[test]
fn a_stage_is_a_private_copy_with_a_telling_name() {
    let bench = Bench::new();
    let bytes: Vec<u8> = (0..1_000_000u32).map(|i| (i % 251) as u8).collect();
    let artifact = bench.artifact(&bytes);
    let stage = bench.stages.stage(&artifact, "my game", 7).unwrap();

    assert_eq!(stage.digest(), blake3::hash(&bytes));
    assert_eq!(stage.len(), bytes.len() as u64);
    assert_eq!(stage.source(), FileIdentity::of(&fs::metadata(&artifact).unwrap()));
    let name = stage.path().file_name().unwrap().to_str().unwrap();
    let digest = &stage.digest().to_hex()[..8];
    assert_eq!(name, format!("my_game-gen7-{digest}.{}", std::env::consts::DLL_EXTENSION));
    assert!(stage.path().is_absolute());

    fs::write(&artifact, "overwritten").unwrap();
    assert_eq!(fs::read(stage.path()).unwrap(), bytes);
}

#[cfg(unix)]
#[test]
fn only_its_user_can_read_or_write_it() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let bench = Bench::new();
    let artifact = bench.artifact(b"x");
    fs::set_permissions(&artifact, fs::Permissions::from_mode(0o755)).unwrap();
    let stage = bench.stages.stage(&artifact, "game", 1).unwrap();
    let metadata = fs::metadata(stage.path()).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(metadata.nlink(), 1);
    assert_ne!(metadata.ino(), fs::metadata(&artifact).unwrap().ino());
}

#[test]
fn the_file_goes_with_the_last_of_its_handles() {
    let bench = Bench::new();
    let stage = bench.stages.stage(&bench.artifact(b"x"), "game", 1).unwrap();
    let path = stage.path().to_owned();
    let other = stage.clone();
    drop(stage);
    assert!(path.exists());
    drop(other);
    assert_eq!(bench.left(), Vec::<PathBuf>::new());
}

#[test]
fn the_same_artifact_staged_twice_is_two_stages() {
    let bench = Bench::new();
    let artifact = bench.artifact(b"x");
    let first = bench.stages.stage(&artifact, "game", 1).unwrap();
    let second = bench.stages.stage(&artifact, "game", 1).unwrap();
    assert_ne!(first.path(), second.path());
    drop(first);
    assert!(second.path().exists());
}

#[test]
fn everything_goes_with_the_directory_and_handles_may_outlive_it() {
    let Bench { target, stages } = Bench::new();
    let artifact = target.path().join("libgame.so");
    fs::write(&artifact, "x").unwrap();
    let stage = stages.stage(&artifact, "game", 1).unwrap();
    let directory = stages.directory().to_owned();
    drop(stages);
    assert!(!directory.exists());
    drop(stage);
}

#[test]
fn a_missing_artifact_and_a_directory_are_told_apart() {
    let bench = Bench::new();
    let none = bench.target.path().join("none.so");
    let error = bench.stages.stage(&none, "game", 1).unwrap_err();
    assert!(matches!(&error, Error::ArtifactOpen { path, .. } if *path == none), "{error}");
    let error = bench.stages.stage(bench.target.path(), "game", 1).unwrap_err();
    assert!(matches!(error, Error::ArtifactKind { found: "a directory", .. }), "{error}");
    assert_eq!(bench.left(), Vec::<PathBuf>::new());
}

#[cfg(unix)]
#[test]
fn a_fifo_is_refused_at_once() {
    let bench = Bench::new();
    let fifo = bench.target.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let error = bench.stages.stage(&fifo, "game", 1).unwrap_err();
    assert!(matches!(error, Error::ArtifactKind { found: "a FIFO", .. }), "{error}");
}

#[test]
fn a_file_over_the_limit_is_refused_before_it_is_read() {
    let bench = Bench::new();
    let artifact = bench.artifact(b"x");
    fs::OpenOptions::new().write(true).open(&artifact).unwrap().set_len(4 << 30).unwrap();
    let error = bench.stages.stage(&artifact, "game", 1).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("4294967296") && text.contains("1073741824"), "{text}");
    assert_eq!(bench.left(), Vec::<PathBuf>::new());
}

#[test]
fn the_limit_itself_is_allowed() {
    let Bench { target, stages } = Bench::new();
    let stages = stages.with_limit(4);
    let artifact = target.path().join("libgame.so");
    fs::write(&artifact, "four").unwrap();
    assert_eq!(stages.stage(&artifact, "game", 1).unwrap().len(), 4);
    fs::write(&artifact, "five!").unwrap();
    let error = stages.stage(&artifact, "game", 1).unwrap_err();
    assert!(matches!(error, Error::ArtifactTooLarge { len: 5, limit: 4, .. }), "{error}");
}

#[test]
fn an_artifact_that_changes_during_the_copy_is_not_taken() {
    let bench = Bench::new();
    let artifact = bench.artifact(&vec![1; 8 << 20]);
    let mut file = fs::OpenOptions::new().append(true).open(&artifact).unwrap();
    let (done, stopped) = crossbeam_channel::bounded::<()>(0);
    let writer = std::thread::spawn(move || {
        while let Err(crossbeam_channel::TryRecvError::Empty) = stopped.try_recv() {
            file.write_all(b"more").unwrap();
        }
    });
    let deadline = Instant::now() + Duration::from_secs(20);
    let error = loop {
        assert!(Instant::now() < deadline, "every copy was taken for a whole one");
        if let Err(error) = bench.stages.stage(&artifact, "game", 1) {
            break error;
        }
    };
    drop(done);
    writer.join().unwrap();
    assert!(matches!(error, Error::ArtifactChanged { .. }) && error.is_transient(), "{error}");
    assert_eq!(bench.left(), Vec::<PathBuf>::new());
    assert!(bench.stages.stage(&artifact, "game", 1).is_ok(), "taken once nobody writes");
}

#[test]
fn a_stage_that_cannot_be_written_says_where_and_how_much() {
    let directory = tempfile::tempdir().unwrap();
    let gone = directory.path().join("gone");
    let error = copy::Partial::create(&gone, 1).unwrap_err();
    assert!(matches!(&error, Error::StageWrite { path, needed: 1, .. } if path.starts_with(&gone)));
}

#[test]
fn a_home_that_cannot_be_made_again_says_which() {
    let bench = Bench::new();
    let artifact = bench.artifact(b"x");
    let home = bench.stages.directory();
    fs::remove_dir_all(home).unwrap();
    fs::write(home, "in its place").unwrap();
    let error = bench.stages.stage(&artifact, "game", 1).unwrap_err();
    assert!(matches!(&error, Error::StageDirectory { path, .. } if path == home), "{error}");
}

#[test]
fn stages_cross_threads() {
    fn crosses<T: Send + Sync + 'static>() {}
    crosses::<Stages>();
    crosses::<StagedArtifact>();
}

#[test]
fn a_home_that_was_removed_is_made_again_and_is_nobody_elses() {
    let target = tempfile::tempdir().unwrap();
    let artifact = tempfile::tempdir().unwrap();
    let path = artifact.path().join("libgame.so");
    fs::write(&path, "first").unwrap();
    let stages = Stages::create(target.path()).unwrap();
    let first = stages.stage(&path, "game", 1).unwrap();
    fs::remove_dir_all(target.path().join("liveswap")).unwrap();

    fs::write(&path, "second").unwrap();
    let second = stages.stage(&path, "game", 2).unwrap();
    assert_eq!(fs::read(second.path()).unwrap(), b"second");
    assert!(second.path().starts_with(stages.directory()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(stages.directory()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
    let other = Stages::create(target.path()).unwrap();
    assert_eq!(other.removed_at_start(), 0, "a living process's home was taken for a dead one's");
    assert!(second.path().exists());
    drop(first);
    assert!(second.path().exists());
}
