//! From saved files to builds, and what follows from how they end.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use liveswap::watch::{Mode, Notice, Touch, Watcher};
use liveswap::wire::{self, FromCli};

use super::Run;
use super::answers::Awaiting;
use crate::build::{Building, Failure, Finished, Products, Voice};
use crate::cargo::Scope;
use crate::changed;
use crate::error::{Error, chain};
use crate::lines::{self, Edit};
use crate::project::Project;
use crate::report;
use crate::saves::Batch;

/// What a build is for.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) scope: Scope,
    /// What was edited, by name.
    pub(super) what: Vec<String>,
    /// When it was saved.
    pub(super) since: Instant,
    /// Why the program is to be started anew with what is built.
    pub(super) restart: Option<String>,
}

/// A build that runs, and what it is for.
#[derive(Debug)]
pub(super) struct Current {
    building: Building,
    job: Job,
    start: SystemTime,
}

impl Job {
    /// Takes over what a build was for that this one makes needless.
    fn absorb(&mut self, older: Job) {
        self.scope = self.scope.max(older.scope);
        let mut what = older.what;
        what.append(&mut self.what);
        let mut unique: Vec<String> = Vec::new();
        for name in what {
            if !unique.contains(&name) {
                unique.push(name);
            }
        }
        self.what = unique;
        if self.restart.is_none() {
            self.restart = older.restart;
        }
    }
}

impl Run {
    /// Builds everything, with cargo's words on the terminal.
    pub(super) fn first_build(&mut self) -> Result<(), Error> {
        let job =
            Job { scope: Scope::Program, what: Vec::new(), since: Instant::now(), restart: None };
        self.build(job, Voice::Terminal)
    }

    /// Takes up files that were saved together.
    pub(super) fn saved(&mut self, batch: &Batch) -> Result<(), Error> {
        if self.ending.is_some() {
            return Ok(());
        }
        if batch.files.iter().any(|file| file.file_name().is_some_and(|name| name == "Cargo.toml"))
        {
            self.reload_project();
        }
        let Some(wish) = self.sources.wish(&self.builder.project, &batch.files) else {
            return Ok(());
        };
        let what = changed::list(&wish.what);
        self.reporter.note(&format!("saved  {what}"));
        if let Some(why) = &wish.restart
            && self.no_restart
            && !wish.hot
        {
            let text = format!("{why}; start it again to see it (--no-restart was given)");
            self.say(&lines::notable("restart needed", &text));
            return Ok(());
        }
        let restart = wish.restart.filter(|_| !self.no_restart);
        if let Some(why) = &restart {
            self.say(&lines::notable("restart needed", &format!("{why}; building it anew")));
        }
        // A revert of the program's own sources is built too: what is on disk may be of the edit.
        let scope = if restart.is_some() || !wish.hot { Scope::Program } else { Scope::HotCrates };
        self.build(Job { scope, what: wish.what, since: batch.since, restart }, Voice::Collected)
    }

    /// The members, features or dependencies may be others now.
    fn reload_project(&mut self) {
        match Project::load(&self.builder.what) {
            Ok(project) => self.builder.project = project,
            // The build fails for the same reason, and says so.
            Err(error) => self.reporter.note(&format!("metadata  {}", chain(&error))),
        }
    }

    /// Starts a build in place of the one that runs.
    pub(super) fn build(&mut self, mut job: Job, voice: Voice) -> Result<(), Error> {
        if let Some(older) = self.building.take() {
            self.reporter.note(&format!("build {} is overtaken", older.building.number));
            drop(older.building);
            job.absorb(older.job);
            self.tell_early_answers();
        }
        self.builds += 1;
        if job.scope == Scope::Program {
            self.sources.begin();
        }
        let start = SystemTime::now();
        let started =
            self.builder.start(self.builds, job.scope, voice, self.senders.built.clone())?;
        self.tell_programs(&FromCli::BuildStarted { build: started.number });
        self.building = Some(Current { building: started, job, start });
        Ok(())
    }

    /// Takes up how a build ended.
    pub(super) fn built(&mut self, finished: Finished) -> Result<(), Error> {
        // The word of a build that was overtaken a moment ago may still have been under way.
        let is_current = |current: &mut Current| current.building.number == finished.number;
        let Some(current) = self.building.take_if(is_current) else { return Ok(()) };
        let first = self.products.is_none();
        match finished.result {
            Ok(products) => {
                self.last_build = Some(format!("took {} ms", lines::millis(finished.took)));
                self.succeeded(current, products, finished.took, first)
            }
            Err(_) if first => Err(match finished.result {
                Err(Failure::Around(error)) => error,
                _ => Error::FirstBuild,
            }),
            Err(failure) => {
                self.last_build = Some("failed".to_owned());
                self.sources.failed();
                self.tell_early_answers();
                self.failed(finished.number, failure);
                Ok(())
            }
        }
    }

    fn succeeded(
        &mut self,
        current: Current,
        mut products: Products,
        took: Duration,
        first: bool,
    ) -> Result<(), Error> {
        let Current { building, job, start } = current;
        self.settle_in_anew()?;
        let missed = self.sources.learn(&self.builder.project, &products, start);
        self.watch()?;
        for path in missed {
            self.saves.note(Notice { path, touch: Touch::Changed }, Instant::now());
        }
        let (warnings, count) = std::mem::take(&mut products.warnings);
        if count > 0 {
            self.reporter.note(&warnings);
        }
        self.tell_programs(&FromCli::BuildFinished {
            build: building.number,
            artifacts: products.artifacts.iter().map(wire::Artifact::from).collect(),
            micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        });
        let built: Vec<_> =
            products.artifacts.iter().filter(|product| product.built).cloned().collect();
        let relinked = products.executable.as_ref().is_some_and(|(_, built)| *built);
        if let Some(older) = self.products.take()
            && products.executable.is_none()
        {
            products.executable = older.executable;
            products.library_paths = older.library_paths;
        }
        self.products = Some(products);
        self.life.forgive();
        if first || job.restart.is_some() {
            self.tell_early_answers();
        }
        if first {
            return self.start_program();
        }
        if let Some(why) = job.restart {
            return self.restart(why);
        }
        if !self.life.is_running() && self.life.wants_start() {
            return self.start_program();
        }
        let edit = Edit { what: changed::list(&job.what), total: job.since.elapsed(), cargo: took };
        if built.is_empty() {
            let text = lines::nothing_to_build(&edit.what) + &lines::warnings(count);
            self.say(&text);
        } else {
            if relinked {
                self.reporter.note("the program on disk is newer than the one that runs");
            }
            self.awaiting = Some(Awaiting::new(built, edit, job.since, count));
        }
        // The artifact is on disk a moment before cargo says so, and programs are quick.
        self.take_early_answers()
    }

    fn failed(&mut self, number: u64, failure: Failure) {
        match failure {
            Failure::Refused { rendered, missing } => {
                self.sources.await_files(missing);
                if let Err(error) = self.watch() {
                    self.reporter.note(&chain(&error));
                }
                self.reporter.note(&rendered);
                if !self.is_quiet() {
                    report::print(&rendered);
                }
                let plain = anstream::adapter::strip_str(&rendered).to_string();
                let rendered = wire::cut(plain);
                self.tell_programs(&FromCli::BuildFailed { build: number, rendered });
            }
            Failure::Around(error) => {
                let text = chain(&error);
                self.say(&lines::bad("build failed", &text));
                self.tell_programs(&FromCli::BuildFailed { build: number, rendered: text });
            }
        }
    }

    /// Watches what the last build has read.
    fn watch(&mut self) -> Result<(), Error> {
        let paths = self.sources.paths();
        match &self.watcher {
            Some(watcher) => watcher.set_paths(paths).map_err(Error::Watch),
            None => {
                let notices = self.senders.notices.clone();
                let watcher = Watcher::new(paths, Mode::Native, notices).map_err(Error::Watch)?;
                self.watcher = Some(watcher);
                Ok(())
            }
        }
    }

    /// Where the runtime of the program looks for artifacts.
    pub(super) fn artifact_directory(&self) -> Option<&Path> {
        self.products.as_ref()?.artifacts.first()?.path.parent()
    }
}
