//! What builds say while they run, and how they fail: to the terminal, the log and the program.

use std::time::SystemTime;

use liveswap::wire::{self, FromCli};
use liveswap_builder::{BuildEvent, Diagnostic, Level, NotShared};

use super::Run;
use crate::error::{Error, chain};
use crate::lines;
use crate::missing;
use crate::report;

impl Run {
    /// Takes in what a build says while it runs.
    pub(super) fn building_says(&mut self, event: BuildEvent) {
        let first = self.products.is_none();
        match event {
            BuildEvent::Cargo(line) => {
                self.reporter.note(&line);
                if first {
                    report::print(&lines::progress(&line));
                }
            }
            BuildEvent::Capturing(why) => {
                let text = lines::shown_below(&why.to_string(), &self.project.workspace);
                self.say(&lines::notable("asking cargo again", &text));
            }
            BuildEvent::Dependency { package } => {
                self.reporter.note(&format!("building {package} again"));
            }
            BuildEvent::Diagnostic(diagnostic) => self.diagnosed(&diagnostic),
            _ => {}
        }
    }

    /// Shows an error as soon as the compiler knows it; warnings are counted, and in the log.
    fn diagnosed(&mut self, diagnostic: &Diagnostic) {
        let first = self.products.is_none();
        let Some(current) = &mut self.building else { return };
        let number = current.building.number;
        let failed = !current.errors.is_empty();
        match diagnostic.level {
            Level::Error => current.errors.push_str(&diagnostic.rendered),
            // Advice on its errors, such as `rustc --explain`.
            Level::Note if failed => current.errors.push_str(&diagnostic.rendered),
            _ => current.warnings.push_str(&diagnostic.rendered),
        }
        let so_far = current.errors.clone();
        self.reporter.note(&diagnostic.rendered);
        if so_far.is_empty() || diagnostic.level == Level::Warning {
            if first {
                report::print(&diagnostic.rendered);
            }
            return;
        }
        if !self.is_quiet() {
            report::print(&diagnostic.rendered);
        }
        if diagnostic.level == Level::Error {
            self.tell_failure(number, &so_far);
        }
    }

    fn tell_failure(&self, build: u64, rendered: &str) {
        let plain = anstream::adapter::strip_str(rendered).to_string();
        self.tell_programs(&FromCli::BuildFailed { build, rendered: wire::cut(plain) });
    }

    /// Says once why artifacts are not shared, if they were to be.
    pub(super) fn tell_kind(&mut self, not_shared: Option<NotShared>) {
        let quiet = matches!(not_shared, None | Some(NotShared::Settings));
        if !quiet && self.not_shared != not_shared {
            let why = not_shared.as_ref().map_or_else(String::new, ToString::to_string);
            self.say(&lines::notable("standalone artifacts", &why));
        }
        self.not_shared = not_shared;
    }

    /// A build came to nothing; what it said so far is `errors`.
    pub(super) fn failed(
        &mut self,
        build: u64,
        start: SystemTime,
        errors: String,
        error: &Error,
    ) -> Result<(), Error> {
        let said = if errors.is_empty() {
            let text = match error {
                Error::Build(error) => lines::words(error),
                error => chain(error),
            };
            self.say(&lines::bad("build failed", &text));
            self.tell_failure(build, &text);
            text
        } else {
            errors
        };
        let mut missing = missing::files(&said, &self.project.workspace);
        // What a linker names there is made by builds.
        missing.retain(|path| !path.starts_with(&self.project.target_directory));
        self.sources.await_files(missing, start);
        if let Err(error) = self.watch() {
            self.reporter.note(&chain(&error));
        }
        if self.life.wants_start() {
            return self.start_what_is_there();
        }
        Ok(())
    }
}

/// Whether cargo has said what is wrong, in lines that were shown as they came.
pub(super) fn was_told(error: &liveswap_builder::Error) -> bool {
    matches!(error, liveswap_builder::Error::Cargo { .. })
}
