use super::*;
use crate::project::{Host, HotCrate};
use std::time::Duration;

struct Bench {
    directory: tempfile::TempDir,
    project: Project,
    hot: Vec<&'static str>,
    sources: Sources,
}

impl Bench {
    fn new() -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().to_owned();
        let at = |path: &str| root.join(path);
        for path in ["host/src", "logic/src", "shapes/src", "both/src", "target/debug/build/out"] {
            fs::create_dir_all(at(path)).unwrap();
        }
        for path in ["host/Cargo.toml", "logic/Cargo.toml", "Cargo.toml", "Cargo.lock"] {
            fs::write(at(path), "# manifest").unwrap();
        }
        fs::write(at("host/src/main.rs"), "fn main() {}").unwrap();
        fs::write(at("logic/src/lib.rs"), "pub fn tick() -> u8 { 1 }").unwrap();
        fs::write(at("shapes/src/lib.rs"), "pub fn corners() -> u8 { 4 }").unwrap();
        fs::write(at("both/src/lib.rs"), "pub struct Shape;").unwrap();
        fs::write(at("target/debug/build/out/made.rs"), "").unwrap();
        let project = Project {
            workspace: root.clone(),
            target_directory: at("target"),
            host: Host {
                name: "host".to_owned(),
                binary: "host".to_owned(),
                manifest: at("host/Cargo.toml"),
                environment: Vec::new(),
            },
            hot: vec![HotCrate {
                package: "logic".to_owned(),
                name: "logic".to_owned(),
                users: ["host".to_owned()].into(),
            }],
            only_hot: ["logic", "shapes"].map(str::to_owned).into(),
        };
        let (hot, sources) = (vec!["logic/src/lib.rs"], Sources::default());
        let mut bench = Bench { directory, project, hot, sources };
        assert!(bench.learn().is_empty());
        bench
    }

    fn at(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn inputs(&self) -> Vec<Input> {
        let of = |package: &str| package.to_owned();
        let mut inputs: Vec<Input> = [
            ("shapes/src/lib.rs", InputRole::DependencySource { package: of("shapes") }),
            ("both/src/lib.rs", InputRole::DependencySource { package: of("both") }),
            ("host/src/main.rs", InputRole::HostSource { package: of("host") }),
            ("host/Cargo.toml", InputRole::Manifest),
            ("Cargo.lock", InputRole::LockFile),
            (".cargo/config.toml", InputRole::CargoConfig),
            ("target/debug/build/out/made.rs", InputRole::HotSource),
        ]
        .map(|(path, role)| Input { path: self.at(path), role })
        .into();
        let hot =
            self.hot.iter().map(|path| Input { path: self.at(path), role: InputRole::HotSource });
        inputs.extend(hot);
        inputs
    }

    /// After a build of the program.
    fn learn(&mut self) -> Vec<PathBuf> {
        self.learn_since(true, SystemTime::now() + Duration::from_secs(3600))
    }

    fn learn_since(&mut self, program: bool, start: SystemTime) -> Vec<PathBuf> {
        let inputs = self.inputs();
        self.sources.learn(&self.project, inputs.into_iter(), program, start);
        self.sources.missed()
    }

    fn save(&mut self, path: &str, text: &str) -> Option<Wish> {
        fs::write(self.at(path), text).unwrap();
        self.noticed(path)
    }

    fn noticed(&mut self, path: &str) -> Option<Wish> {
        let files = BTreeSet::from([self.at(path)]);
        self.sources.wish(&self.project, &files)
    }
}

#[test]
fn everything_that_was_read_is_watched_and_nothing_that_was_made() {
    let bench = Bench::new();
    let paths = bench.sources.paths();
    for path in [
        "logic/src/lib.rs",
        "host/src/main.rs",
        "shapes/src/lib.rs",
        "host/Cargo.toml",
        "Cargo.lock",
        ".cargo/config.toml",
    ] {
        assert!(paths.contains(&bench.at(path)), "{path} is not in {paths:?}");
    }
    assert!(!paths.contains(&bench.at("target/debug/build/out/made.rs")));
}

#[test]
fn a_hot_edit_is_one_wish_however_often_it_is_noticed() {
    let mut bench = Bench::new();
    let wish = bench.save("logic/src/lib.rs", "pub fn tick() -> u8 { 2 }").unwrap();
    assert_eq!((wish.hot, wish.what.list(), wish.restart), (true, "tick".to_owned(), None));
    assert_eq!(bench.noticed("logic/src/lib.rs"), None, "the same word again");
    let wish = bench.save("logic/src/lib.rs", "pub fn tick() -> u8 { 1 }").unwrap();
    assert!(wish.hot, "back as it was built is an edit too");
}

#[test]
fn saving_again_what_failed_is_another_try() {
    let mut bench = Bench::new();
    bench.save("logic/src/lib.rs", "broken").unwrap();
    bench.sources.failed();
    assert_eq!(bench.noticed("logic/src/lib.rs"), None, "noticed twice, saved once");
    let file = fs::File::options().write(true).open(bench.at("logic/src/lib.rs")).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(5)).unwrap();
    assert!(bench.noticed("logic/src/lib.rs").is_some());
}

#[test]
fn an_edit_of_the_program_itself_says_which_file_until_it_is_built() {
    let mut bench = Bench::new();
    let wish = bench.save("host/src/main.rs", "fn main() { loop {} }").unwrap();
    assert!(!wish.hot);
    let why = wish.restart.unwrap();
    assert_eq!(why, "host/src/main.rs is part of the program itself, not of logic");
    assert_eq!(bench.noticed("host/src/main.rs"), None);

    let wish = bench.save("logic/src/lib.rs", "pub fn tick() -> u8 { 3 }").unwrap();
    assert_eq!(wish.restart, Some(why), "it is still not built");
    bench.sources.begin();
    assert!(bench.learn().is_empty());
    let wish = bench.save("logic/src/lib.rs", "pub fn tick() -> u8 { 4 }").unwrap();
    assert_eq!(wish.restart, None);
}

#[test]
fn taking_back_an_edit_takes_back_the_reason() {
    let mut bench = Bench::new();
    bench.save("host/Cargo.toml", "# other").unwrap();
    let wish = bench.save("host/Cargo.toml", "# manifest").unwrap();
    assert_eq!((wish.hot, wish.restart), (false, None));
    assert_eq!(bench.noticed("host/Cargo.toml"), None);
}

#[test]
fn what_is_saved_while_it_is_built_is_not_taken_for_built() {
    let mut bench = Bench::new();
    bench.save("host/src/main.rs", "fn main() { 1; }").unwrap();
    bench.sources.begin();
    fs::write(bench.at("host/src/main.rs"), "fn main() { 2; }").unwrap();
    bench.learn();
    let wish = bench.save("logic/src/lib.rs", "pub fn tick() -> u8 { 5 }").unwrap();
    assert!(wish.restart.is_some(), "the program is older than its source");
}

#[test]
fn what_only_hot_code_uses_is_hot_and_what_the_program_uses_too_is_not() {
    let mut bench = Bench::new();
    let wish = bench.save("shapes/src/lib.rs", "pub fn corners() -> u8 { 5 }").unwrap();
    assert_eq!((wish.hot, wish.what.list(), wish.restart), (true, "corners".to_owned(), None));
    let wish = bench.save("both/src/lib.rs", "pub struct Shape(u8);").unwrap();
    let why = "both/src/lib.rs is part of both, which the program itself uses too";
    assert_eq!((wish.hot, wish.restart.as_deref()), (false, Some(why)));
    let wish = bench.save("Cargo.toml", "# not an input").map(|wish| wish.what);
    assert_eq!(wish, None);
    let why = bench.save("host/Cargo.toml", "# other").unwrap().restart.unwrap();
    assert!(why.contains("host/Cargo.toml is what decides how the program is built"), "{why}");
}

#[test]
fn the_lock_file_that_cargo_writes_is_no_edit() {
    let mut bench = Bench::new();
    bench.sources.begin();
    assert_eq!(bench.save("Cargo.lock", "# written by cargo"), None);
    bench.learn();
    assert_eq!(bench.noticed("Cargo.lock"), None);
    assert!(bench.save("Cargo.lock", "# written by a person").unwrap().restart.is_some());
}

#[test]
fn a_new_module_is_watched_and_one_saved_meanwhile_is_not_missed() {
    let mut bench = Bench::new();
    fs::write(bench.at("logic/src/new.rs"), "fn a() {}").unwrap();
    bench.hot.push("logic/src/new.rs");
    let missed = bench.learn_since(false, SystemTime::UNIX_EPOCH);
    assert_eq!(missed, [bench.at("logic/src/new.rs")]);
    assert!(bench.noticed("logic/src/new.rs").unwrap().hot);
    assert_eq!(bench.noticed("logic/src/new.rs"), None);
}

#[test]
fn a_file_that_a_build_did_not_find_is_awaited_and_its_next_edit_named() {
    let mut bench = Bench::new();
    let path = "logic/src/absent.rs";
    let start = SystemTime::now();
    bench.sources.await_files(vec![bench.at(path)], start);
    assert!(bench.sources.missed().is_empty() && bench.sources.paths().contains(&bench.at(path)));
    let wish = bench.save(path, "fn a() { 1 }").unwrap();
    assert_eq!((wish.hot, wish.what.list()), (true, "absent.rs".to_owned()));
    bench.sources.look_around();
    // It is saved again before its build is known to have ended.
    fs::write(bench.at(path), "fn a() { 2 }").unwrap();
    bench.hot.push(path);
    let missed = bench.learn_since(false, SystemTime::UNIX_EPOCH);
    assert_eq!(missed, [bench.at(path)]);
    assert_eq!(bench.noticed(path).unwrap().what.list(), "a");
}

#[test]
fn a_file_that_appeared_while_it_was_looked_for_is_taken_up() {
    let mut bench = Bench::new();
    let path = bench.at("logic/src/late.rs");
    fs::write(&path, "fn a() {}").unwrap();
    bench.sources.await_files(vec![path.clone()], SystemTime::UNIX_EPOCH);
    assert_eq!(bench.sources.missed(), std::slice::from_ref(&path));
    assert!(bench.noticed("logic/src/late.rs").unwrap().hot);
    let later = SystemTime::now() + Duration::from_secs(3600);
    bench.sources.await_files(vec![path], later);
    assert!(bench.sources.missed().is_empty(), "it was there all the time");
}

#[test]
fn everything_in_a_directory_that_a_build_script_reads_is_watched() {
    let mut bench = Bench::new();
    fs::create_dir_all(bench.at("logic/data/deep")).unwrap();
    fs::write(bench.at("logic/data/deep/a.txt"), "").unwrap();
    fs::create_dir_all(bench.at("logic/data/target")).unwrap();
    fs::write(bench.at("logic/data/target/CACHEDIR.TAG"), "").unwrap();
    let role = InputRole::BuildScript { package: "logic".to_owned() };
    let input = Input { path: bench.at("logic/data"), role };
    bench.sources.learn(&bench.project, [input].into_iter(), false, SystemTime::now());
    let expected = BTreeSet::from([bench.at("logic/data/deep/a.txt")]);
    assert_eq!(bench.sources.paths(), expected);
}

#[test]
fn of_a_build_that_is_overtaken_only_what_is_still_so_is_named() {
    let mut bench = Bench::new();
    let older = bench.save("logic/src/lib.rs", "pub fn tick() -> u8 { 2 }").unwrap().what;
    let other = bench.save("shapes/src/lib.rs", "pub fn corners() -> u8 { 5 }").unwrap().what;
    let mut newer = bench.save("logic/src/lib.rs", "pub fn tick() -> u8 { 1 }").unwrap().what;
    newer.absorb(older);
    newer.absorb(other);
    assert_eq!(newer.list(), "lib.rs as it was, corners");
}
