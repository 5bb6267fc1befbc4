//! What an artifact says of itself.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use liveswap::trust::{self, Verdict};
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
    let failed = |source| {
        let (what, verb, path) = ("the artifact", "read", path.clone());
        Error::File { what, verb, path, source }
    };
    let digest = digest(path).map_err(failed)?;
    let verdict = trust::look(path).map_err(failed)?;
    let text = if args.json {
        as_json(&manifest, &digest, &verdict).to_string()
    } else {
        as_text(&manifest, &digest, &verdict)
    };
    writeln!(io::stdout(), "{text}").map_err(Error::Print)
}

/// The blake3 digest of a file in hexadecimal digits.
fn digest(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn as_text(manifest: &Manifest, digest: &str, verdict: &Verdict) -> String {
    let mut lines: Vec<String> =
        manifest.fields().map(|(key, value)| format!("{key:<18}{value}")).collect();
    lines.push(format!("{:<18}{digest}", "digest"));
    let Verdict { owned_by, refused, signature } = verdict;
    lines.extend(owned_by.as_ref().map(|owned_by| format!("{:<18}{owned_by}", "owner")));
    let trusted = match refused {
        None => "by programs of this user beside it".to_owned(),
        Some(difference) => format!("no: {difference}"),
    };
    lines.push(format!("{:<18}{trusted}", "trusted"));
    let signed = match signature {
        None => "no".to_owned(),
        Some(signature) => format!("{signature} (not verified here)"),
    };
    lines.push(format!("{:<18}{signed}", "signed"));
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

fn as_json(manifest: &Manifest, digest: &str, verdict: &Verdict) -> Value {
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
    let signature = verdict
        .signature
        .as_ref()
        .map(|signed| json!({ "key": signed.key, "trusted_comment": signed.trusted_comment }));
    let refused = verdict.refused.as_ref().map(ToString::to_string);
    let trust = json!({ "owner": verdict.owned_by, "refused": refused, "signature": signature });
    json!({
        "manifest": fields,
        "digest": digest,
        "trust": trust,
        "functions": functions,
        "values": values,
    })
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
        let signature = liveswap::Signed {
            key: "E7620F1842B4E81F".to_owned(),
            trusted_comment: "build 12".to_owned(),
        };
        let verdict = Verdict {
            owned_by: Some("alice (1000), group alice (1000), mode 0664".to_owned()),
            refused: None,
            signature: Some(signature),
        };
        let text = as_text(&manifest(), "ab12", &verdict);
        let object = as_json(&manifest(), "ab12", &verdict);
        let function = ["game::tick", "fn tick(dt: f32)", "src/lib.rs"];
        let value = ["game::SPEEDS", "[f32; 2]", "src/tuning.rs"];
        let trust = ["alice (1000), group", "E7620F1842B4E81F", "build 12"];
        for part in
            ["game", "standalone", "ab12"].into_iter().chain(trust).chain(function).chain(value)
        {
            assert!(text.contains(part), "{part}: {text}");
            assert!(object.to_string().contains(part), "{part}: {object}");
        }
        assert_eq!(object["functions"][0]["line"], 7);
        assert_eq!(object["values"][0]["line"], 3);
        assert_eq!(object["manifest"]["format"], "1");
        assert!(text.contains("trusted           by programs of this user beside it"), "{text}");
        assert!(object["trust"]["refused"].is_null());
    }

    #[test]
    fn what_is_no_artifact_is_refused_by_name() {
        let path = std::env::current_exe().unwrap().with_extension("nowhere");
        let args = args::Inspect { artifact: path.clone(), json: false };
        let error = inspect(&args).unwrap_err().to_string();
        assert!(error.contains(&*path.to_string_lossy()), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn an_artifact_that_would_be_refused_comes_with_the_reason() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("libgame.so");
        std::fs::write(&path, "x").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        let verdict = trust::look(&path).unwrap();
        let text = as_text(&manifest(), "ab12", &verdict);
        assert!(text.contains("trusted           no: permissions of `"), "{text}");
        assert!(text.contains("mode 0666") && text.contains("signed            no"), "{text}");
        let object = as_json(&manifest(), "ab12", &verdict);
        assert!(object["trust"]["refused"].as_str().unwrap().contains("`chmod go-w "), "{object}");
    }
}
