//! What the compiler and cargo say a compiled file was made of.
//!
//! The compiler writes a file in the format of `make` beside what it compiles: one rule an output,
//! one empty rule a source, and comments for the environment variables that `env!` read.

use std::path::PathBuf;

/// The inputs of one compiled crate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DepInfo {
    /// Source files, and files included by them; relative ones are relative to the compiler's
    /// working directory.
    pub files: Vec<PathBuf>,
    /// Environment variables that the sources read at compile time, with the value seen.
    pub env: Vec<(String, Option<String>)>,
}

impl DepInfo {
    /// Reads the text of such a file.
    pub fn parse(text: &str) -> Self {
        let mut info = Self::default();
        for line in text.lines() {
            if let Some(env) = line.strip_prefix("# env-dep:") {
                info.env.push(match env.split_once('=') {
                    Some((name, value)) => (unescape_env(name), Some(unescape_env(value))),
                    None => (unescape_env(env), None),
                });
            } else if let Some((_, sources)) = line.split_once(": ") {
                for source in split_paths(sources) {
                    let source = PathBuf::from(source);
                    if !info.files.contains(&source) {
                        info.files.push(source);
                    }
                }
            }
        }
        info
    }
}

/// Splits at spaces that are not escaped.
fn split_paths(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let mut path = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&' ') => {
                path.push(' ');
                characters.next();
            }
            ' ' => {
                if !path.is_empty() {
                    paths.push(std::mem::take(&mut path));
                }
            }
            other => path.push(other),
        }
    }
    if !path.is_empty() {
        paths.push(path);
    }
    paths
}

fn unescape_env(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, characters.clone().next()) {
            ('\\', Some(escaped @ ('\\' | 'n' | 'r'))) => {
                characters.next();
                out.push(match escaped {
                    'n' => '\n',
                    'r' => '\r',
                    _ => '\\',
                });
            }
            (other, _) => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_and_variables_are_read() {
        let text = "/t/libhot.so: src/lib.rs src/a\\ b.rs data.txt\n\n/t/hot.d: src/lib.rs \
                    src/a\\ b.rs data.txt\n\nsrc/lib.rs:\nsrc/a\\ b.rs:\ndata.txt:\n\n# \
                    env-dep:GREETING=two\\nlines\n# env-dep:ABSENT\n";
        let info = DepInfo::parse(text);
        assert_eq!(info.files, ["src/lib.rs", "src/a b.rs", "data.txt"].map(PathBuf::from));
        assert_eq!(
            info.env,
            [("GREETING".into(), Some("two\nlines".into())), ("ABSENT".to_owned(), None)]
        );
    }
}
