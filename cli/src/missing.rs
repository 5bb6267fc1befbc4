//! Files that the compiler looked for and did not find, so that their appearing is noticed.

use std::path::{Path, PathBuf};

/// The files that diagnostics name and that may appear, relative to `directory`.
///
/// The compiler names them in its words: ``file not found for module `a` `` with the help `to create
/// the module `a`, create file "src/a.rs" or "src/a/mod.rs"`, and ``couldn't read `src/table.txt` ``.
pub(crate) fn files(rendered: &str, directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let plain = anstream::adapter::strip_str(rendered).to_string();
    for name in plain.lines().flat_map(quoted) {
        let path = directory.join(name);
        let is_path = name.contains(['/', '\\']) || name.ends_with(".rs");
        if is_path && !name.contains("::") && !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

/// What stands between two quotes or two backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    ['"', '`'].into_iter().flat_map(move |quote| {
        let parts = text.split(quote).skip(1).step_by(2);
        parts.filter(|part| !part.is_empty() && !part.contains(char::is_whitespace))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_compiler_looked_for_is_found_in_its_words() {
        let table: [(&str, &[&str]); 4] = [
            (
                "\x1b[1merror[E0583]\x1b[0m: file not found for module `extra`\n = help: to create the \
                 module `extra`, create file \"hot/src/extra.rs\" or \"hot/src/extra/mod.rs\"\n",
                &["/w/hot/src/extra.rs", "/w/hot/src/extra/mod.rs"],
            ),
            ("error: couldn't read `hot/src/table.txt`: No such file", &["/w/hot/src/table.txt"]),
            ("error: expected `a::b`, found `c`", &[]),
            ("", &[]),
        ];
        for (rendered, expected) in table {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(files(rendered, Path::new("/w")), expected, "{rendered}");
        }
    }
}
