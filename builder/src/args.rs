//! The arguments of one compiler call, as a list that can be read and edited.
//!
//! Cargo writes them in one form, `RUSTFLAGS` may write them in any; both are brought to one form
//! here, so that the rest of the crate never looks at spelling. The order is kept: for the compiler
//! the last of several equal options wins.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Options of the compiler whose value may stand in the next argument.
const VALUED: &[&str] = &[
    "--allow",
    "--cap-lints",
    "--cfg",
    "--check-cfg",
    "--color",
    "--crate-name",
    "--crate-type",
    "--deny",
    "--diagnostic-width",
    "--edition",
    "--emit",
    "--env-set",
    "--error-format",
    "--explain",
    "--extern",
    "--forbid",
    "--force-warn",
    "--json",
    "--out-dir",
    "--print",
    "--remap-path-prefix",
    "--remap-path-scope",
    "--sysroot",
    "--target",
    "--warn",
    "-A",
    "-D",
    "-F",
    "-L",
    "-W",
    "-Z",
    "-l",
    "-o",
];

/// One argument of the compiler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Arg {
    /// `-C key=value`, or `-C key` when there is no value.
    Codegen(String, Option<String>),
    /// An option with a value, such as `--crate-type lib`.
    Valued(String, String),
    /// Everything else: flags and the source file.
    Plain(String),
}

/// A dependency named on the command line: `--extern [options:]name[=path]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extern {
    /// Options before the name (`priv`, `noprelude`), with their colon.
    pub options: String,
    /// The name that the sources use.
    pub name: String,
    /// The compiled dependency; absent for crates of the sysroot.
    pub path: Option<PathBuf>,
}

/// The arguments of one compiler call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RustcArgs(Vec<Arg>);

impl RustcArgs {
    /// Reads the arguments that follow the compiler's own path.
    pub fn parse<I>(arguments: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let mut parsed = Vec::new();
        let mut rest = arguments.into_iter().map(Into::into);
        while let Some(argument) = rest.next() {
            parsed.push(parse_one(argument, &mut rest));
        }
        Self(parsed)
    }

    /// The arguments as the compiler takes them.
    pub fn to_vec(&self) -> Vec<String> {
        let mut out = Vec::with_capacity(self.0.len() * 2);
        for arg in &self.0 {
            match arg {
                Arg::Codegen(key, None) => out.extend(["-C".to_owned(), key.clone()]),
                Arg::Codegen(key, Some(value)) => {
                    out.extend(["-C".to_owned(), format!("{key}={value}")]);
                }
                Arg::Valued(name, value) => out.extend([name.clone(), value.clone()]),
                Arg::Plain(text) => out.push(text.clone()),
            }
        }
        out
    }

    /// The value of the last `-C key=value`.
    pub fn codegen(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find_map(|arg| match arg {
            Arg::Codegen(found, value) if found == key => Some(value.as_deref().unwrap_or("")),
            _ => None,
        })
    }

    /// Every value of `-C key=value`, in order.
    pub fn codegens<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter_map(move |arg| match arg {
            Arg::Codegen(found, value) if found == key => Some(value.as_deref().unwrap_or("")),
            _ => None,
        })
    }

    /// Replaces every `-C key` by one with this value.
    pub fn set_codegen(&mut self, key: &str, value: impl Into<String>) {
        self.remove_codegen(key);
        self.0.push(Arg::Codegen(key.to_owned(), Some(value.into())));
    }

    /// Removes every `-C key`.
    pub fn remove_codegen(&mut self, key: &str) {
        self.0.retain(|arg| !matches!(arg, Arg::Codegen(found, _) if found == key));
    }

    /// The value of the last option of this name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find_map(|arg| match arg {
            Arg::Valued(found, value) if found == name => Some(value.as_str()),
            _ => None,
        })
    }

    /// Every value of the options of this name, in order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter_map(move |arg| match arg {
            Arg::Valued(found, value) if found == name => Some(value.as_str()),
            _ => None,
        })
    }

    /// Replaces every option of this name by one with this value.
    pub fn set_value(&mut self, name: &str, value: impl Into<String>) {
        self.remove_value(name);
        self.0.push(Arg::Valued(name.to_owned(), value.into()));
    }

    /// Adds an option with its value after all others.
    pub fn push_value(&mut self, name: &str, value: impl Into<String>) {
        self.0.push(Arg::Valued(name.to_owned(), value.into()));
    }

    /// Adds an option with its value before all others, so that it is looked at first.
    pub fn prepend_value(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(0, Arg::Valued(name.to_owned(), value.into()));
    }

    /// Removes every option of this name.
    pub fn remove_value(&mut self, name: &str) {
        self.0.retain(|arg| !matches!(arg, Arg::Valued(found, _) if found == name));
    }

    /// Adds arguments as a person would write them.
    pub fn extend<I>(&mut self, arguments: I)
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.0.extend(Self::parse(arguments).0);
    }

    /// The dependencies named on the command line.
    pub fn externs(&self) -> impl Iterator<Item = Extern> {
        self.values("--extern").map(Extern::parse)
    }

    /// Lets `edit` change the path of every dependency.
    pub fn edit_externs(&mut self, mut edit: impl FnMut(&Extern) -> Option<PathBuf>) {
        for arg in &mut self.0 {
            if let Arg::Valued(name, value) = arg
                && name == "--extern"
            {
                let mut found = Extern::parse(value);
                if let Some(path) = edit(&found) {
                    found.path = Some(path);
                    *value = found.render();
                }
            }
        }
    }

    /// The name of the crate that is compiled.
    pub fn crate_name(&self) -> Option<&str> {
        self.value("--crate-name")
    }

    /// The name of the compiled file without its prefix and extension: crate name and cargo's hash.
    pub fn output_stem(&self) -> Option<String> {
        let suffix = self.codegen("extra-filename").unwrap_or("");
        self.crate_name().map(|name| format!("{name}{suffix}"))
    }

    /// Where the compiled files go.
    pub fn out_dir(&self) -> Option<&Path> {
        self.value("--out-dir").map(Path::new)
    }
}

impl Extern {
    fn parse(text: &str) -> Self {
        let (left, path) = match text.split_once('=') {
            Some((left, path)) => (left, Some(PathBuf::from(path))),
            None => (text, None),
        };
        let (options, name) = match left.rfind(':') {
            Some(colon) => left.split_at(colon + 1),
            None => ("", left),
        };
        Self { options: options.to_owned(), name: name.to_owned(), path }
    }

    fn render(&self) -> String {
        match &self.path {
            Some(path) => format!("{}{}={}", self.options, self.name, path.display()),
            None => format!("{}{}", self.options, self.name),
        }
    }
}

fn parse_one(argument: String, rest: &mut impl Iterator<Item = String>) -> Arg {
    if argument == "-C" || argument == "--codegen" {
        return rest.next().map_or(Arg::Plain(argument), |value| codegen(&value));
    }
    if let Some(value) = argument.strip_prefix("--codegen=") {
        return codegen(value);
    }
    if VALUED.contains(&argument.as_str()) {
        return match rest.next() {
            Some(value) => Arg::Valued(argument, value),
            None => Arg::Plain(argument),
        };
    }
    if let Some((name, value)) = argument.split_once('=')
        && name.starts_with("--")
        && VALUED.contains(&name)
    {
        return Arg::Valued(name.to_owned(), value.to_owned());
    }
    if !argument.starts_with("--")
        && argument.len() > 2
        && let Some((name, value)) = argument.split_at_checked(2)
    {
        if name == "-C" {
            return codegen(value);
        }
        if VALUED.contains(&name) {
            return Arg::Valued(name.to_owned(), value.to_owned());
        }
    }
    Arg::Plain(argument)
}

fn codegen(text: &str) -> Arg {
    // The compiler takes `-C debug_info` for `-C debug-info`.
    match text.split_once('=') {
        Some((key, value)) => Arg::Codegen(key.replace('_', "-"), Some(value.to_owned())),
        None => Arg::Codegen(text.replace('_', "-"), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_the_same_option() {
        let spellings: [&[&str]; 5] = [
            &["-C", "opt-level=3"],
            &["-Copt-level=3"],
            &["--codegen", "opt-level=3"],
            &["--codegen=opt-level=3"],
            &["-C", "opt_level=3"],
        ];
        for spelling in spellings {
            let args = RustcArgs::parse(spelling.iter().copied());
            assert_eq!(args.codegen("opt-level"), Some("3"), "{spelling:?}");
            assert_eq!(args.to_vec(), ["-C", "opt-level=3"], "{spelling:?}");
        }
    }

    #[test]
    fn the_last_of_equal_options_wins_and_order_is_kept() {
        let args = RustcArgs::parse(["-C", "linker=clang", "-g", "-Clinker=ours", "src/lib.rs"]);
        assert_eq!(args.codegen("linker"), Some("ours"));
        assert_eq!(args.codegens("linker").collect::<Vec<_>>(), ["clang", "ours"]);
        assert_eq!(args.to_vec(), ["-C", "linker=clang", "-g", "-C", "linker=ours", "src/lib.rs"]);
    }

    #[test]
    fn values_that_look_like_options_stay_values() {
        let args = RustcArgs::parse([
            "--cfg",
            "feature=\"a=b\"",
            "-Lnative=/x y",
            "--check-cfg=cfg(a, values(\"=\"))",
        ]);
        assert_eq!(args.value("--cfg"), Some("feature=\"a=b\""));
        assert_eq!(args.value("-L"), Some("native=/x y"));
        assert_eq!(args.value("--check-cfg"), Some("cfg(a, values(\"=\"))"));
    }

    #[test]
    fn externs_keep_their_options_when_their_path_changes() {
        let mut args = RustcArgs::parse([
            "--extern",
            "priv:serde=/t/libserde-1.rmeta",
            "--extern",
            "proc_macro",
            "--extern=noprelude:a=/t/liba-2.rlib",
        ]);
        args.edit_externs(|found| {
            let path = found.path.as_ref()?;
            (path.extension()? == "rmeta").then(|| path.with_extension("rlib"))
        });
        assert_eq!(
            args.values("--extern").collect::<Vec<_>>(),
            ["priv:serde=/t/libserde-1.rlib", "proc_macro", "noprelude:a=/t/liba-2.rlib"]
        );
        assert_eq!(args.externs().nth(1).expect("three").path, None);
    }

    #[test]
    fn a_trailing_option_without_value_is_kept() {
        assert_eq!(RustcArgs::parse(["-C"]).to_vec(), ["-C"]);
        assert_eq!(RustcArgs::parse(["--cfg"]).to_vec(), ["--cfg"]);
    }
}
