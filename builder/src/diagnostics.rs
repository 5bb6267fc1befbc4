//! What the compiler says, as data and as the compiler renders it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How serious a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Level {
    /// The build fails because of it.
    Error,
    /// The build goes on.
    Warning,
    /// Advice, or what the compiler says after its errors.
    Note,
}

/// One place in the sources that a diagnostic speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The file, relative to the directory in which the compiler ran when it is inside it.
    #[serde(rename = "file_name")]
    pub file: PathBuf,
    /// First line, counted from 1.
    #[serde(rename = "line_start")]
    pub line: u32,
    /// First column in characters, counted from 1.
    #[serde(rename = "column_start")]
    pub column: u32,
    /// Whether this is the place of the problem, not one that explains it.
    #[serde(rename = "is_primary")]
    pub primary: bool,
    /// What is said about this place.
    pub label: Option<String>,
}

/// One message of the compiler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How serious it is.
    pub level: Level,
    /// The message in one line.
    pub message: String,
    /// The compiler's code, such as `E0308`, or a lint's name.
    pub code: Option<String>,
    /// The places it speaks of.
    pub spans: Vec<Span>,
    /// The whole message as the compiler renders it, with colors when they were asked for.
    pub rendered: String,
}

/// One line of the compiler's error stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CompilerLine {
    /// Something to tell the person.
    Diagnostic(Diagnostic),
    /// A file was written.
    Artifact { path: PathBuf, emit: String },
    /// Counts at the end, and messages for cargo.
    Summary,
    /// Not written by the compiler's reporter: a crash, or a tool that it ran.
    Text(String),
}

#[derive(Deserialize)]
struct RawCode {
    code: String,
}

#[derive(Deserialize)]
struct RawDiagnostic {
    message: String,
    code: Option<RawCode>,
    level: String,
    #[serde(default)]
    spans: Vec<Span>,
    rendered: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawLine {
    Artifact { artifact: PathBuf, emit: String },
    Diagnostic(RawDiagnostic),
    Other {},
}

impl CompilerLine {
    /// Reads one line written under `--error-format=json`.
    pub(crate) fn parse(line: &str) -> Self {
        if !line.starts_with('{') {
            return Self::Text(line.to_owned());
        }
        match serde_json::from_str(line) {
            Ok(RawLine::Artifact { artifact, emit }) => Self::Artifact { path: artifact, emit },
            Ok(RawLine::Diagnostic(raw)) => raw.into_line(),
            Ok(RawLine::Other {}) => Self::Summary,
            Err(_) => Self::Text(line.to_owned()),
        }
    }
}

/// Whether a message only counts the messages before it.
pub(crate) fn is_summary(message: &str, spans: usize) -> bool {
    spans == 0
        && (message.starts_with("aborting due to")
            || message.ends_with("warning emitted")
            || message.ends_with("warnings emitted"))
}

impl RawDiagnostic {
    fn into_line(self) -> CompilerLine {
        if is_summary(&self.message, self.spans.len()) {
            return CompilerLine::Summary;
        }
        let level = match self.level.as_str() {
            level if level.starts_with("error") => Level::Error,
            "warning" => Level::Warning,
            _ => Level::Note,
        };
        CompilerLine::Diagnostic(Diagnostic {
            level,
            code: self.code.map(|code| code.code),
            rendered: self
                .rendered
                .unwrap_or_else(|| format!("{}: {}\n", self.level, self.message)),
            message: self.message,
            spans: self.spans,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISMATCH: &str = r#"{"$message_type":"diagnostic","message":"mismatched types","code":{"code":"E0308","explanation":"long"},"level":"error","spans":[{"file_name":"src/lib.rs","byte_start":1,"byte_end":2,"line_start":3,"line_end":3,"column_start":5,"column_end":9,"is_primary":true,"text":[],"label":"expected `u32`","suggested_replacement":null,"suggestion_applicability":null,"expansion":null}],"children":[],"rendered":"error[E0308]: mismatched types\n"}"#;

    #[test]
    fn a_diagnostic_keeps_code_place_and_rendering() {
        let CompilerLine::Diagnostic(found) = CompilerLine::parse(MISMATCH) else {
            panic!("not a diagnostic")
        };
        assert_eq!(found.level, Level::Error);
        assert_eq!(found.code.as_deref(), Some("E0308"));
        assert_eq!((found.spans[0].line, found.spans[0].column), (3, 5));
        assert_eq!(found.rendered, "error[E0308]: mismatched types\n");
    }

    #[test]
    fn counts_are_not_diagnostics() {
        let line = r#"{"$message_type":"diagnostic","message":"aborting due to 1 previous error","code":null,"level":"error","spans":[],"children":[],"rendered":"error: aborting\n"}"#;
        assert_eq!(CompilerLine::parse(line), CompilerLine::Summary);
    }

    #[test]
    fn written_files_and_foreign_text_are_told_apart() {
        assert_eq!(
            CompilerLine::parse(
                r#"{"$message_type":"artifact","artifact":"/t/libhot.so","emit":"link"}"#
            ),
            CompilerLine::Artifact { path: "/t/libhot.so".into(), emit: "link".into() }
        );
        assert_eq!(
            CompilerLine::parse("thread 'rustc' panicked"),
            CompilerLine::Text("thread 'rustc' panicked".into())
        );
        assert_eq!(
            CompilerLine::parse(r#"{"$message_type":"future_incompat","report":[]}"#),
            CompilerLine::Summary
        );
    }
}
