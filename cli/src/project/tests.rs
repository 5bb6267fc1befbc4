use super::*;
use std::fs;

/// A workspace of `(package, has a binary, dependencies)`, with a stand-in for the marking crate.
struct Workspace {
    directory: tempfile::TempDir,
}

impl Workspace {
    fn new(packages: &[(&str, bool, &str)]) -> Workspace {
        let directory = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let mut members = vec!["liveswap-abi"];
        members.extend(packages.iter().map(|(name, ..)| *name));
        write("Cargo.toml", &format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n"));
        let package = |name: &str, binary: bool, rest: &str| {
            let head =
                format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
            write(&format!("{name}/Cargo.toml"), &format!("{head}{rest}"));
            let source = if binary { "main.rs" } else { "lib.rs" };
            write(&format!("{name}/src/{source}"), "fn main() {}\n");
        };
        package("liveswap-abi", false, "");
        for (name, binary, rest) in packages {
            package(name, *binary, rest);
        }
        Workspace { directory }
    }

    fn load(&self, what: What) -> Result<Project, Error> {
        let manifest_path = Some(self.directory.path().join("Cargo.toml"));
        Project::load(&What { place: Place { manifest_path, ..what.place }, ..what })
    }
}

fn package(name: &str) -> What {
    What { package: Some(name.to_owned()), ..What::default() }
}

fn names(project: &Project) -> Vec<&str> {
    project.hot.iter().map(|hot| hot.name.as_str()).collect()
}

const HOT: &str = "[dependencies]\nliveswap-abi = { path = \"../liveswap-abi\" }\n";

#[test]
fn a_renamed_hyphenated_hot_crate_behind_another_is_found() {
    let workspace = Workspace::new(&[
        (
            "host",
            true,
            "[dependencies]\nbeside = { path = \"../beside\" }\nmiddle = { path = \"../middle\" }\n",
        ),
        ("beside", false, ""),
        (
            "middle",
            false,
            "[dependencies]\nrules = { package = \"hot-logic\", path = \"../hot-logic\" }\n",
        ),
        ("hot-logic", false, HOT),
        ("other-hot", false, HOT),
    ]);
    let project = workspace.load(What::default()).unwrap();
    assert_eq!((project.host.name.as_str(), project.host.binary.as_str()), ("host", "host"));
    assert_eq!(names(&project), ["hot_logic"], "only what the program is made of");
    assert!(project.only_hot.contains("hot-logic") && !project.only_hot.contains("middle"));
    let users: Vec<&str> = project.hot[0].users.iter().map(String::as_str).collect();
    assert_eq!(users, ["host", "middle"], "nothing else can name what is in it");
    assert!(project.target_directory.ends_with("target"));
}

#[test]
fn what_only_hot_crates_use_is_told_from_what_the_program_uses_too() {
    let on = |names: &[&str]| -> String {
        let line = |name: &&str| format!("{name} = {{ path = \"../{name}\" }}\n");
        format!("[dependencies]\n{}", names.iter().map(line).collect::<String>())
    };
    let workspace = Workspace::new(&[
        ("host", true, &on(&["hot-logic", "both"])),
        ("hot-logic", false, &on(&["liveswap-abi", "both", "mine"])),
        ("both", false, &on(&["below"])),
        ("mine", false, &on(&["below"])),
        ("below", false, ""),
    ]);
    let project = workspace.load(What::default()).unwrap();
    let only: Vec<&str> = project.only_hot.iter().map(String::as_str).collect();
    assert_eq!(only, ["hot-logic", "liveswap-abi", "mine"]);
}

#[test]
fn what_only_tests_or_build_scripts_use_is_not_hot() {
    let dependencies = "[dev-dependencies]\nhot-logic = { path = \"../hot-logic\" }\n\
                        [build-dependencies]\nhot-logic = { path = \"../hot-logic\" }\n";
    let workspace = Workspace::new(&[("host", true, dependencies), ("hot-logic", false, HOT)]);
    let error = workspace.load(package("host")).unwrap_err();
    assert!(matches!(error, Error::NoHotCrate { .. }), "{error}");
}

#[test]
fn hot_crates_can_be_named_and_must_be_there() {
    let workspace = Workspace::new(&[
        (
            "host",
            true,
            "[dependencies]\nplain = { path = \"../plain\" }\nhot-logic = { path = \"../hot-logic\" }\n",
        ),
        ("plain", false, ""),
        ("hot-logic", false, HOT),
    ]);
    let named = What { hot: vec!["plain".to_owned()], ..package("host") };
    assert_eq!(names(&workspace.load(named).unwrap()), ["plain"]);
    let absent = What { hot: vec!["nowhere".to_owned()], ..package("host") };
    let error = workspace.load(absent).unwrap_err().to_string();
    assert!(
        error.contains("`nowhere`") && error.contains("hot-logic, ") && error.contains("plain"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_decided_is_asked_for_with_the_choices() {
    let depends = "[dependencies]\nhot-logic = { path = \"../hot-logic\" }\n";
    let workspace = Workspace::new(&[
        ("first", true, depends),
        ("second", true, depends),
        ("hot-logic", false, HOT),
        (
            "many",
            true,
            &format!(
                "{depends}\n[[bin]]\nname = \"a\"\npath = \"src/main.rs\"\n[[bin]]\nname = \"b\"\npath = \"src/main.rs\"\n"
            ),
        ),
    ]);
    let table: [(&str, What, &[&str]); 4] = [
        ("several fit", What::default(), &["first", "second", "-p PACKAGE"]),
        ("unknown", package("third"), &["`third`", "first", "second"]),
        ("a library", package("hot-logic"), &["no binary", "-p PACKAGE"]),
        ("two binaries", package("many"), &["a, b", "--bin NAME"]),
    ];
    for (name, what, parts) in table {
        let error = workspace.load(what).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{name}: {part:?} is not in {error:?}");
        }
    }
    let chosen = What { bin: Some("b".to_owned()), ..package("many") };
    assert_eq!(workspace.load(chosen).unwrap().host.binary, "b");
}

#[test]
fn a_broken_manifest_is_told_in_cargos_words() {
    let workspace =
        Workspace::new(&[("host", true, "[dependencies]\nnowhere = { path = \"../nowhere\" }\n")]);
    let error = workspace.load(What::default()).unwrap_err().to_string();
    assert!(error.starts_with("metadata:") && error.contains("nowhere"), "{error}");
}
