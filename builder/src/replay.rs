//! Replaying a captured compiler call: the same crate to the compiler, another output on disk.
//!
//! What makes the crate what it is to others stays (`-C metadata`, features, edition, target);
//! what decides where and what is written is ours.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use crate::args::RustcArgs;
use crate::cargo::is_link_failure;
use crate::diagnostics::{CompilerLine, Diagnostic};
use crate::error::Error;
use crate::freshness::Looks;
use crate::layout::Layout;
use crate::link::artifact::{Links, SharedLink};
use crate::link::{Job, Linked, Plan, Report};
use crate::linker::Linker;
use crate::outcome::{ArtifactKind, BuildEvent, NotShared};
use crate::process::Cancel;
use crate::recipe::{Recipe, Unit, Whole, stem_of};
use crate::record::{Record, read_json, write_json};
use crate::settings::{DebugInfo, KindPolicy, Settings};
use crate::watch_list::sources_of;
use crate::wrapper::{MODE, mode_link};

/// Variables of a cargo above us that would confuse the compiler.
const NOT_OURS: &[&str] = &["CARGO_MAKEFLAGS", "MAKEFLAGS", "MFLAGS"];

/// Where rebuilt crates are, by unit.
pub(crate) type Rebuilt = BTreeMap<String, PathBuf>;

/// What every replay of one build has in common.
pub(crate) struct Replay<'a> {
    pub recipe: &'a Recipe,
    pub settings: &'a Settings,
    pub layout: &'a Layout,
    pub wrapper: &'a Path,
    pub cancel: &'a Cancel,
    pub events: &'a mut (dyn FnMut(BuildEvent) + Send),
    /// When the build began.
    pub clock: Instant,
    pub first_diagnostic: Option<Duration>,
}

/// What the compiler wrote.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub output: PathBuf,
    pub sources: Looks,
    pub warnings: usize,
    pub took: Duration,
}

/// An artifact before it is published.
#[derive(Debug)]
pub(crate) struct Linking {
    pub compiled: Compiled,
    pub kind: ArtifactKind,
    pub not_shared: Option<NotShared>,
    /// Archives that the host lacks, or has as they were before.
    pub kept: Vec<PathBuf>,
    pub linker: PathBuf,
    pub link_took: Duration,
}

impl Replay<'_> {
    /// Builds the hot crate's artifact; `None` when it was cancelled.
    pub(crate) fn artifact(
        &mut self,
        unit: &Unit,
        record: &Record,
        rebuilt: &Rebuilt,
    ) -> Result<Option<Linking>, Error> {
        let mut args = self.common(record, rebuilt, &self.layout.out());
        args.set_value("--crate-type", "cdylib");
        args.set_value("--emit", "dep-info,link");
        if let Some(identity) = &self.recipe.identity {
            args.set_codegen("metadata", identity.clone());
        }
        // Whole-program work is for the program that is shipped, and the host was linked without.
        for whole_program in ["lto", "linker-plugin-lto", "prefer-dynamic", "strip"] {
            args.remove_codegen(whole_program);
        }
        match self.settings.debug_info {
            DebugInfo::None => args.set_codegen("debuginfo", "0"),
            DebugInfo::LineTables => args.set_codegen("debuginfo", "line-tables-only"),
            DebugInfo::AsProfile => {}
        }
        for cfg in &self.settings.cfgs {
            args.push_value("--cfg", cfg.clone());
            args.push_value(
                "--check-cfg",
                format!("cfg({})", cfg.split('=').next().unwrap_or(cfg)),
            );
        }
        args.extend(self.settings.rustc_args.iter().cloned());

        let report = self.layout.link_report();
        let mut command = self.command(record);
        if let Linker::Wrapped { .. } = &self.recipe.linker {
            let _ = fs::remove_file(&report);
            let plan = self.layout.link_plan();
            write_json(&plan, &self.plan(record)).map_err(Error::file("write", &plan))?;
            args.set_codegen("linker", self.wrapper.to_string_lossy());
            command.env(MODE, mode_link(&plan));
        }
        command
            .args(args.to_vec())
            .envs(self.settings.env.iter().map(|(name, value)| (name, value)));
        let Some(mut compiled) = self.compile(command, unit, record)? else { return Ok(None) };

        let Linker::Wrapped { driver, .. } = &self.recipe.linker else {
            let Linker::Untouched { program } = &self.recipe.linker else { unreachable!() };
            let not_shared = Some(match &self.recipe.host.whole {
                Whole::No(why) => why.clone(),
                Whole::Yes { .. } => NotShared::Linker { program: program.clone() },
            });
            let (kind, linker) = (ArtifactKind::Standalone, program.clone());
            let (kept, link_took) = (Vec::new(), Duration::ZERO);
            return Ok(Some(Linking { compiled, kind, not_shared, kept, linker, link_took }));
        };
        let report: Report = read_json(&report).map_err(|source| Error::File {
            action: "read the linker's report",
            path: self.layout.link_report(),
            source: std::io::Error::other(format!("{source} (linker: {})", driver.display())),
        })?;
        compiled.took = compiled.took.saturating_sub(report.took);
        let (kind, not_shared, kept) = match report.linked {
            Linked::Shared { kept } => (ArtifactKind::Shared, None, kept),
            Linked::Standalone { missing: symbols } => {
                let why = report.failed_attempts.into_iter().next();
                let not_shared = match (&self.recipe.host.whole, self.settings.kind, why) {
                    (_, KindPolicy::Standalone, _) => NotShared::Settings,
                    (Whole::No(why), ..) => why.clone(),
                    (Whole::Yes { .. }, _, Some(why)) if symbols.is_empty() => {
                        NotShared::Link { why }
                    }
                    (Whole::Yes { .. }, ..) => NotShared::MissingSymbols { symbols },
                };
                (ArtifactKind::Standalone, Some(not_shared), Vec::new())
            }
            Linked::Failed | Linked::WholeHost { .. } | Linked::PlainHost { .. } => {
                let words = report.failed_attempts.join("\n");
                let package = unit.package.clone();
                return Err(Error::Link { package, diagnostics: Vec::new(), words });
            }
        };
        let (linker, link_took) = (report.linker, report.took);
        Ok(Some(Linking { compiled, kind, not_shared, kept, linker, link_took }))
    }

    /// Builds a changed dependency again; `None` when it was cancelled.
    pub(crate) fn dependency(
        &mut self,
        unit: &Unit,
        record: &Record,
        rebuilt: &Rebuilt,
    ) -> Result<Option<Compiled>, Error> {
        let args = self.common(record, rebuilt, &self.layout.deps());
        let mut command = self.command(record);
        command.args(args.to_vec());
        self.compile(command, unit, record)
    }

    /// The captured arguments with our own directories and dependencies.
    fn common(&self, record: &Record, rebuilt: &Rebuilt, out: &Path) -> RustcArgs {
        let mut args = record.args.clone();
        args.set_value("--out-dir", out.to_string_lossy());
        args.set_codegen("incremental", self.layout.incremental().to_string_lossy());
        args.set_value("--error-format", "json");
        let ansi = if self.settings.color { "diagnostic-rendered-ansi," } else { "" };
        args.set_value("--json", format!("{ansi}artifacts"));
        match self.settings.diagnostic_width {
            Some(width) => args.set_value("--diagnostic-width", width.to_string()),
            None => args.remove_value("--diagnostic-width"),
        }
        args.edit_externs(|found| {
            let path = found.path.as_ref()?;
            if let Some(ours) = stem_of(path).and_then(|stem| rebuilt.get(&stem)) {
                return Some(ours.clone());
            }
            // Cargo names what is ready first; an artifact is linked from what is ready last.
            let rlib = path.with_extension("rlib");
            (path.extension()? == "rmeta" && rlib.is_file()).then_some(rlib)
        });
        if !rebuilt.is_empty() {
            args.prepend_value("-L", format!("dependency={}", self.layout.deps().display()));
        }
        args
    }

    fn command(&self, record: &Record) -> Command {
        let rustc = &self.recipe.toolchain.rustc;
        let mut command = match &record.workspace_wrapper {
            Some(wrapper) => {
                let mut command = Command::new(wrapper);
                command.arg(rustc);
                command
            }
            None => Command::new(rustc),
        };
        command.current_dir(&record.cwd).envs(&record.env).env_remove(MODE);
        for name in NOT_OURS {
            command.env_remove(name);
        }
        command
    }

    fn plan(&self, record: &Record) -> Plan {
        let (driver, direct) = match &self.recipe.linker {
            Linker::Wrapped { driver, direct } => (driver.clone(), direct.clone()),
            Linker::Untouched { program } => (program.clone(), None),
        };
        let shared = match (&self.recipe.host.whole, self.settings.kind) {
            (Whole::Yes { archives }, KindPolicy::Auto) => Some(SharedLink {
                archives: archives.clone(),
                exports: self.layout.exports(),
                args: self.settings.link_args.shared.clone(),
            }),
            _ => None,
        };
        let mut standalone_args = self.settings.link_args.standalone.clone();
        if self.settings.debug_info == DebugInfo::None {
            // What is left is that of the dependencies, four fifths of the file.
            standalone_args.push("-Wl,--strip-debug".to_owned());
        }
        let driver = if driver.is_relative() && driver.components().count() > 1 {
            record.cwd.join(driver)
        } else {
            driver
        };
        Plan {
            driver,
            report: self.layout.link_report(),
            job: Job::Artifact(Box::new(Links { shared, standalone_args, direct })),
        }
    }

    fn compile(
        &mut self,
        command: Command,
        unit: &Unit,
        record: &Record,
    ) -> Result<Option<Compiled>, Error> {
        let started = SystemTime::now();
        let clock = Instant::now();
        let mut output = None;
        let mut diagnostics: Vec<Diagnostic> = Vec::new();
        let mut words = String::new();
        let program = self.recipe.toolchain.rustc.clone();
        let status = self
            .cancel
            .run(command, None, &mut |line| match CompilerLine::parse(&line) {
                CompilerLine::Diagnostic(found) => {
                    self.first_diagnostic.get_or_insert_with(|| self.clock.elapsed());
                    diagnostics.push(found.clone());
                    (self.events)(BuildEvent::Diagnostic(found));
                }
                CompilerLine::Artifact { path, emit } if emit == "link" => output = Some(path),
                CompilerLine::Artifact { .. } | CompilerLine::Summary => {}
                CompilerLine::Text(text) => {
                    words.push_str(&text);
                    words.push('\n');
                }
            })
            .map_err(|source| Error::Start { program, source })?;
        let Some(status) = status else { return Ok(None) };
        let package = unit.package.clone();
        let Some(output) = output.filter(|_| status.success()) else {
            return Err(if diagnostics.iter().any(is_link_failure) {
                Error::Link { package, diagnostics, words }
            } else {
                Error::Compile { package, diagnostics, words }
            });
        };
        let info = Record { started, output: None, ..record.clone() };
        let (sources, _) = sources_of(&output, &[&record.cwd], Some(&info));
        Ok(Some(Compiled { output, sources, warnings: diagnostics.len(), took: clock.elapsed() }))
    }
}
