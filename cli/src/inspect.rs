//! What an artifact says of itself.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use liveswap::verify::Manifest;
use serde_json::{Value, json};

use crate::args;
use crate::error::Error;

/// Prints the manifest of an artifact, which is read from the file and not loaded.
///
/// # Errors
///
/// The file is no artifact.
pub(crate) fn inspect(args: &args::Inspect) -> Result<(), Error> {
    let path = &args.artifact;
    let manifest =
        Manifest::read(path).map_err(|why| Error::NoArtifact { path: path.clone(), why })?;
    let digest = digest(path).map_err(|source| Error::File {
        what: "the artifact",
        verb: "read",
        path: path.clone(),
        source,
    })?;
    let text = if args.json {
        as_json(&manifest, &digest).to_string()
    } else {
        as_text(&manifest, &digest)
    };
    writeln!(io::stdout(), "{text}").map_err(Error::Print)
}

/// The blake3 digest of a file in hexadecimal digits.
fn digest(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn as_text(manifest: &Manifest, digest: &str) -> String {
    let mut lines: Vec<String> =
        manifest.fields().map(|(key, value)| format!("{key:<18}{value}")).collect();
    lines.push(format!("{:<18}{digest}", "digest"));
    lines.push(format!("{:<18}{}", "hot functions", manifest.functions.len()));
    for function in &manifest.functions {
        let whose = if function.public { "" } else { "  (private)" };
        lines.push(format!("  {}{whose}", function.path));
        lines.push(format!("      {}", function.signature));
        lines.push(format!("      {}:{}", function.file, function.line));
    }
    lines.push(format!("{:<18}{}", "hot values", manifest.values.len()));
    for value in &manifest.values {
        let whose = if value.public { "" } else { "  (private)" };
        lines.push(format!("  {}{whose}", value.path));
        lines.push(format!("      {}", value.type_name));
        lines.push(format!("      {}:{}", value.file, value.line));
    }
    lines.join("\n")
}

fn as_json(manifest: &Manifest, digest: &str) -> Value {
    let functions: Vec<Value> = manifest
        .functions
        .iter()
        .map(|function| {
            json!({
                "path": function.path,
                "signature": function.signature,
                "file": function.file,
                "line": function.line,
                "public": function.public,
            })
        })
        .collect();
    let values: Vec<Value> = manifest
        .values
        .iter()
        .map(|value| {
            json!({
                "path": value.path,
                "type": value.type_name,
                "file": value.file,
                "line": value.line,
                "public": value.public,
            })
        })
        .collect();
    let fields: serde_json::Map<String, Value> =
        manifest.fields().map(|(key, value)| (key.to_owned(), value.into())).collect();
    json!({ "manifest": fields, "digest": digest, "functions": functions, "values": values })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let record = liveswap_abi::manifest::record::<
            { liveswap_abi::manifest::record_len(&["crate=game\nformat=1\nkind=standalone\n"]) },
        >(&["crate=game\nformat=1\nkind=standalone\n"]);
        let mut manifest = Manifest::of_record(&record).unwrap();
        manifest.functions.push(liveswap::verify::FunctionRecord {
            path: "game::tick".to_owned(),
            signature: "fn tick(dt: f32)".to_owned(),
            file: "src/lib.rs".to_owned(),
            line: 7,
            public: true,
        });
        manifest.values.push(liveswap::verify::ValueRecord {
            path: "game::SPEEDS".to_owned(),
            type_name: "[f32; 2]".to_owned(),
            file: "src/tuning.rs".to_owned(),
            line: 3,
            public: true,
        });
        manifest
    }

    #[test]
    fn people_and_programs_are_told_the_same() {
        let text = as_text(&manifest(), "ab12");
        let object = as_json(&manifest(), "ab12");
        let function = ["game::tick", "fn tick(dt: f32)", "src/lib.rs"];
        let value = ["game::SPEEDS", "[f32; 2]", "src/tuning.rs"];
        for part in ["game", "standalone", "ab12"].into_iter().chain(function).chain(value) {
            assert!(text.contains(part), "{part}: {text}");
            assert!(object.to_string().contains(part), "{part}: {object}");
        }
        assert_eq!(object["functions"][0]["line"], 7);
        assert_eq!(object["values"][0]["line"], 3);
        assert_eq!(object["manifest"]["format"], "1");
    }

    #[test]
    fn what_is_no_artifact_is_refused_by_name() {
        let path = std::env::current_exe().unwrap().with_extension("nowhere");
        let args = args::Inspect { artifact: path.clone(), json: false };
        let error = inspect(&args).unwrap_err().to_string();
        assert!(error.contains(&*path.to_string_lossy()), "{error}");
    }
}
