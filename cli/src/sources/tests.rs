use super::*;
use crate::build::Product;
use crate::project::{Host, HotCrate};
use std::time::Duration;

struct Bench {
    directory: tempfile::TempDir,
    project: Project,
    products: Products,
    sources: Sources,
}

impl Bench {
    fn new() -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().to_owned();
        let at = |path: &str| root.join(path);
        for path in ["host/src", "logic/src", "target/debug/build/out"] {
            fs::create_dir_all(at(path)).unwrap();
        }
        for path in ["host/Cargo.toml", "logic/Cargo.toml", "Cargo.toml", "Cargo.lock"] {
            fs::write(at(path), "# manifest").unwrap();
        }
        fs::write(at("host/src/main.rs"), "fn main() {}").unwrap();
        fs::write(at("logic/src/lib.rs"), "pub fn tick() -> u8 { 1 }").unwrap();
        fs::write(at("target/debug/build/out/made.rs"), "").unwrap();
        let project = Project {
            workspace: root.clone(),
            target_directory: at("target"),
            host: Host {
                id: String::new(),
                name: "host".to_owned(),
                binary: "host".to_owned(),
                manifest: at("host/Cargo.toml"),
                features: Vec::new(),
                environment: Vec::new(),
            },
            hot: vec![HotCrate {
                id: String::new(),
                package: "logic".to_owned(),
                name: "logic".to_owned(),
                manifest: at("logic/Cargo.toml"),
                crate_types: Vec::new(),
            }],
            manifests: vec![at("host/Cargo.toml"), at("logic/Cargo.toml")],
        };
        let products = Products {
            executable: Some((at("target/debug/host"), true)),
            artifacts: vec![Product {
                hot_crate: "logic".to_owned(),
                path: at("target/debug/liblogic.so"),
                digest: String::new(),
                built: true,
            }],
            ..Products::default()
        };
        let mut bench = Bench { directory, project, products, sources: Sources::default() };
        bench.dep_info(&["logic/src/lib.rs"]);
        assert!(bench.learn().is_empty());
        bench
    }

    fn at(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn dep_info(&self, hot: &[&str]) {
        let list = |files: &[&str]| -> String {
            files.iter().map(|file| format!(" {}", self.at(file).display())).collect()
        };
        let made = "target/debug/build/out/made.rs";
        let rule = |target: &str, files: &str| format!("{}:{files}\n", self.at(target).display());
        let hot = list(hot) + &list(&[made]);
        let host = hot.clone() + &list(&["host/src/main.rs"]);
        fs::write(self.at("target/debug/liblogic.d"), rule("target/debug/liblogic.so", &hot))
            .unwrap();
        fs::write(self.at("target/debug/host.d"), rule("target/debug/host", &host)).unwrap();
    }

    fn learn(&mut self) -> Vec<PathBuf> {
        let start = SystemTime::now() + Duration::from_secs(3600);
        self.sources.learn(&self.project, &self.products, start)
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
        "logic/Cargo.toml",
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
    let expected = Wish { hot: true, what: vec!["tick".to_owned()], restart: None };
    assert_eq!(wish, expected);
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
fn a_new_module_is_watched_and_one_saved_meanwhile_is_not_missed() {
    let mut bench = Bench::new();
    fs::write(bench.at("logic/src/new.rs"), "fn a() {}").unwrap();
    bench.dep_info(&["logic/src/lib.rs", "logic/src/new.rs"]);
    let long_ago = SystemTime::UNIX_EPOCH;
    let missed = bench.sources.learn(&bench.project, &bench.products, long_ago);
    assert_eq!(missed, [bench.at("logic/src/new.rs")]);
    assert!(bench.noticed("logic/src/new.rs").unwrap().hot);
    assert_eq!(bench.noticed("logic/src/new.rs"), None);
}

#[test]
fn a_file_that_a_build_did_not_find_is_awaited() {
    let mut bench = Bench::new();
    let path = bench.at("logic/src/absent.rs");
    bench.sources.await_files(vec![path.clone()]);
    assert!(bench.sources.paths().contains(&path));
    let wish = bench.save("logic/src/absent.rs", "fn a() {}").unwrap();
    assert_eq!((wish.hot, wish.what), (true, vec!["absent.rs".to_owned()]));
}
