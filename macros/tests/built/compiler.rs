//! The compiler itself, with abi and macros built by cargo in the form at hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether hot functions are replaceable.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// No debug assertions.
    Inactive,
    /// No debug assertions, and the feature `always`.
    Always,
}

/// Compiles crates that may depend on abi and macros.
pub(crate) struct Compiler {
    artifacts: Vec<PathBuf>,
}

impl Compiler {
    pub(crate) fn new(form: Form) -> Compiler {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .args(["build", "--message-format=json", "--manifest-path"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../abi/Cargo.toml"))
            .args(["-p", "liveswap-abi", "-p", "liveswap-macros", "--target-dir"])
            .arg(target())
            .env("CARGO_PROFILE_DEV_OPT_LEVEL", "3")
            .env("CARGO_PROFILE_DEV_DEBUG", "false")
            .env("CARGO_PROFILE_DEV_DEBUG_ASSERTIONS", "false")
            .env("CARGO_PROFILE_DEV_BUILD_OVERRIDE_DEBUG_ASSERTIONS", "true");
        if let Form::Always = form {
            cargo.args(["--features", "liveswap-abi/always"]);
        }
        let messages = succeed(&mut cargo);
        let messages = messages.lines().map(|line| line.parse::<serde_json::Value>().unwrap());
        let mut artifacts = Vec::new();
        for message in messages.filter(|message| message["reason"] == "compiler-artifact") {
            let files = message["filenames"].as_array().unwrap();
            artifacts.extend(files.iter().map(|file| PathBuf::from(file.as_str().unwrap())));
        }
        Compiler { artifacts }
    }

    fn artifact(&self, name: &str, extension: &str) -> &Path {
        let is_it = |file: &&PathBuf| {
            let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let stem = stem.split_once('-').map_or(stem, |(stem, _)| stem);
            stem == name && file.extension().is_some_and(|found| found == extension)
        };
        self.artifacts.iter().find(is_it).unwrap_or_else(|| panic!("cargo built no {name}"))
    }

    /// abi's library, under the name that its other forms do not overwrite.
    pub(crate) fn abi(&self) -> PathBuf {
        self.artifact("libliveswap_abi", "rmeta").with_extension("rlib")
    }

    /// An optimizing compiler of one crate, whose output goes to `folder`.
    pub(crate) fn rustc(&self, folder: &Path, name: &str, source: &Path) -> Command {
        fs::create_dir_all(folder).unwrap();
        let extern_ = |name: &str, file: &Path| format!("--extern={name}={}", file.display());
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc
            .args(["-O", "-Cdebug-assertions=off", "-Ccodegen-units=1", "--crate-name", name])
            .arg("--out-dir")
            .arg(folder)
            .arg(extern_("liveswap_abi", &self.abi()))
            .arg(extern_("liveswap_macros", self.artifact("libliveswap_macros", "so")))
            .arg(format!("-Ldependency={}", folder.display()))
            .arg("-L")
            .arg(folder)
            .arg(source)
            .env("CARGO_CRATE_NAME", name)
            .env("CARGO_PKG_VERSION", "1.0.0");
        for file in &self.artifacts {
            if file.extension().is_some_and(|extension| extension == "rmeta") {
                rustc.arg(format!("-Ldependency={}", file.parent().unwrap().display()));
            }
        }
        rustc
    }
}

/// `logic`, `caller` and a program around them.
pub(crate) struct Build {
    folder: PathBuf,
}

impl Build {
    pub(crate) fn new(compiler: &Compiler, folder: &Path, hot: bool) -> Build {
        let compile = |name: &str, arguments: &[&str]| {
            let mut rustc = compiler.rustc(folder, name, &source(&format!("{name}.rs")));
            rustc.args(["--edition=2024"]).args(arguments);
            if hot && name == "logic" {
                rustc.arg("--cfg=hot");
            }
            succeed(&mut rustc);
        };
        compile("logic", &["--crate-type=rlib", "--emit=asm,link"]);
        compile("caller", &["--crate-type=rlib", "--emit=asm,link", "--extern=logic"]);
        compile("program", &["--extern=logic", "--extern=caller"]);
        Build { folder: folder.to_owned() }
    }

    pub(crate) fn assembly(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(format!("{name}.s"))).unwrap()
    }

    pub(crate) fn library(&self, name: &str) -> PathBuf {
        self.folder.join(format!("lib{name}.rlib"))
    }

    pub(crate) fn program(&self) -> PathBuf {
        self.folder.join("program")
    }

    pub(crate) fn run(&self) -> String {
        succeed(&mut Command::new(self.program()))
    }
}

/// A file beside this one.
pub(crate) fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/built").join(name)
}

/// A folder of this test's own, empty.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("liveswap-built").join(name);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
        _ => folder,
    }
}

fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

/// The standard output of a command that succeeds.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{errors}");
    String::from_utf8(output.stdout).unwrap()
}
