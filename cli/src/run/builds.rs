//! From saved files to builds, and what follows from how they end.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use liveswap::watch::{Mode, Notice, Touch, Watcher};
use liveswap::wire::{self, FromCli};
use liveswap_builder::{BuildEvent, Change};

use super::Run;
use super::answers::Awaiting;
use super::words::was_told;
use crate::build::{Building, Finished, Product, Products, Progress, Scope};
use crate::changed;
use crate::error::{Error, chain};
use crate::lines::{self, Edit};
use crate::project::Project;
use crate::saves::Batch;
use crate::sources::Names;

/// What a build is for.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) scope: Scope,
    /// What was edited, by name.
    pub(super) what: Names,
    /// Which files were saved.
    pub(super) files: BTreeSet<PathBuf>,
    /// When it was saved.
    pub(super) since: Instant,
    /// Why the program is to be started anew with what is built.
    pub(super) restart: Option<String>,
}

/// A build that runs, and what it is for.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) building: Building,
    job: Job,
    start: SystemTime,
    /// From the save to the start.
    noticed: Duration,
    /// What the compiler has said against it so far.
    pub(super) errors: String,
    pub(super) warnings: String,
}

impl Job {
    /// A build of the program that no edit asked for.
    pub(super) fn program(restart: Option<String>) -> Job {
        let (what, files, since) = (Names::default(), BTreeSet::new(), Instant::now());
        Job { scope: Scope::Program, what, files, since, restart }
    }

    /// Takes over what a build was for that this one makes needless.
    fn absorb(&mut self, older: Job) {
        self.scope = self.scope.max(older.scope);
        self.what.absorb(older.what);
        self.files.extend(older.files);
        if self.restart.is_none() {
            self.restart = older.restart;
        }
    }
}

impl Current {
    pub(super) fn events(&self) -> Option<&crossbeam_channel::Receiver<BuildEvent>> {
        self.building.events()
    }
}

impl Run {
    /// Takes up files that were saved together.
    pub(super) fn saved(&mut self, batch: &Batch) -> Result<(), Error> {
        if self.ending.is_some() {
            return Ok(());
        }
        if batch.files.iter().any(|file| file.file_name().is_some_and(|name| name == "Cargo.toml"))
        {
            self.reload_project();
        }
        let Some(wish) = self.sources.wish(&self.project, &batch.files) else {
            return Ok(());
        };
        let what = wish.what.list();
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
        let program = restart.is_some() || !wish.hot || self.life.wants_start();
        let scope = if program { Scope::Program } else { Scope::HotCrates };
        let (files, since) = (batch.files.clone(), batch.since);
        self.build(Job { scope, what: wish.what, files, since, restart })
    }

    /// The members, features or dependencies may be others now.
    fn reload_project(&mut self) {
        let loaded = Project::load(&self.what);
        let followed = loaded.and_then(|project| {
            self.builders.follow(&project, &self.what)?;
            self.project = project;
            Ok(())
        });
        if let Err(error) = followed {
            // The build fails for the same reason, and says so.
            self.reporter.note(&format!("metadata  {}", chain(&error)));
        }
    }

    /// Starts a build in place of the one that runs.
    pub(super) fn build(&mut self, mut job: Job) -> Result<(), Error> {
        if let Some(older) = self.building.take() {
            self.reporter.note(&format!("build {} is overtaken", older.building.number));
            drop(older.building);
            self.tell_early_answers(&older.job.what);
            job.absorb(older.job);
        }
        self.builds += 1;
        if job.scope == Scope::Program {
            self.sources.begin();
        }
        self.sources.look_around();
        let start = SystemTime::now();
        let hot = match job.scope {
            Scope::Program => (0..self.builders.len()).collect(),
            Scope::HotCrates => self.builders.concerned(job.files.iter()),
        };
        let noticed = job.since.elapsed();
        let building = Building::start(&self.builders, self.builds, job.scope, hot)?;
        self.tell_programs(&FromCli::BuildStarted { build: building.number });
        let (errors, warnings) = (String::new(), String::new());
        self.building = Some(Current { building, job, start, noticed, errors, warnings });
        Ok(())
    }

    /// Takes in the end of a build, or of a part of it.
    pub(super) fn building_ended(&mut self) -> Result<(), Error> {
        let Some(Current { building, job, start, noticed, errors, warnings }) =
            self.building.take()
        else {
            return Ok(());
        };
        let number = building.number;
        let finished = match building.go_on(&self.builders, &self.project) {
            Progress::Goes(building) => {
                self.building = Some(Current { building, job, start, noticed, errors, warnings });
                return Ok(());
            }
            Progress::Ended(finished) => finished,
        };
        let Finished { took, result } = finished;
        match result {
            Ok(products) => {
                self.last_build = Some(format!("took {} ms", lines::millis(took)));
                self.succeeded(number, job, products, took, start, noticed)
            }
            Err(error) if self.products.is_none() => Err(match error {
                Error::Build(error) if !errors.is_empty() || was_told(&error) => Error::FirstBuild,
                error => error,
            }),
            Err(error) => {
                self.last_build = Some("failed".to_owned());
                self.sources.failed();
                self.tell_early_answers(&job.what);
                self.failed(number, start, errors, &error)
            }
        }
    }

    fn succeeded(
        &mut self,
        number: u64,
        job: Job,
        products: Products,
        took: Duration,
        start: SystemTime,
        noticed: Duration,
    ) -> Result<(), Error> {
        let first = self.products.is_none();
        self.settle_in_anew()?;
        let program = products.host.is_some();
        self.sources.learn(&self.project, self.builders.inputs(), program, start);
        self.watch()?;
        self.tell_programs(&FromCli::BuildFinished {
            build: number,
            artifacts: products.artifacts.iter().map(wire::Artifact::from).collect(),
            micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        });
        if !job.files.is_empty() {
            self.life.forgive();
        }
        if program {
            self.tell_early_answers(&job.what);
            let not_shared = products.host.as_ref().and_then(|host| host.not_shared.clone());
            self.products = Some(products);
            self.tell_kind(not_shared);
            return self.program_built(job);
        }
        self.artifacts_built(job, products.artifacts, noticed)?;
        // The artifact is on disk a moment before its builder says so, and programs are quick.
        if first { Ok(()) } else { self.take_early_answers() }
    }

    /// The program was built: it is started, or started anew, or the same as before.
    fn program_built(&mut self, job: Job) -> Result<(), Error> {
        if !self.life.is_running() {
            self.remember_sources();
            return self.start_program();
        }
        let on_disk = self.products.as_ref().and_then(|products| products.host.as_ref());
        if on_disk.is_some_and(|host| self.life.is_the_same(&host.path)) {
            let text = lines::the_same_program(&job.what.list());
            self.say(&text);
            return Ok(());
        }
        self.remember_sources();
        let files = job.what.list();
        self.restart(job.restart.unwrap_or_else(|| format!("{files}: the program on disk is new")))
    }

    fn artifacts_built(
        &mut self,
        job: Job,
        artifacts: Vec<Product>,
        noticed: Duration,
    ) -> Result<(), Error> {
        if !self.life.is_running() && self.life.wants_start() {
            return self.build(Job::program(None));
        }
        let kind =
            artifacts.first().and_then(|product| product.outcome.artifact.not_shared.clone());
        if !artifacts.is_empty() {
            self.tell_kind(kind);
        }
        if let Some(why) = self.behind(&artifacts) {
            if !self.no_restart {
                self.say(&lines::notable("restart needed", &format!("{why}; building it anew")));
                return self.build(Job { scope: Scope::Program, restart: Some(why), ..job });
            }
            let text = format!("{why}; start it again to see it there (--no-restart was given)");
            self.say(&lines::notable("restart needed", &text));
        }
        let Some(edit) = Edit::of(job.what.list(), job.since, noticed, &artifacts) else {
            return Ok(());
        };
        let built = |product: &Product| product.outcome.change == Change::Built;
        let (built, same): (Vec<_>, Vec<_>) = artifacts.into_iter().partition(built);
        if built.is_empty() {
            let warnings = same.iter().map(|product| product.outcome.warnings).sum();
            let text = lines::unchanged(&edit) + &lines::warnings(warnings);
            self.say(&text);
        }
        for product in same {
            let sources = self.sources_of(&product.hot_crate);
            self.tell_unseen(&product.hot_crate, &sources);
        }
        if !built.is_empty() {
            let sources = built.iter().map(|product| self.sources_of(&product.hot_crate)).collect();
            self.awaiting = Some(Awaiting::new(built, sources, edit, job.since));
        }
        Ok(())
    }

    /// In what the running program is older than an artifact, as far as the program itself uses it.
    fn behind(&self, artifacts: &[Product]) -> Option<String> {
        let reasons = artifacts.iter().flat_map(|product| &product.outcome.host_behind);
        let only_hot = |why: &&String| {
            let package = why.split(' ').next().unwrap_or_default();
            self.project
                .only_hot
                .iter()
                .any(|name| name == package || name.replace('-', "_") == package)
        };
        let mut reasons: Vec<String> = reasons.filter(|why| !only_hot(why)).cloned().collect();
        reasons.sort();
        reasons.dedup();
        (!reasons.is_empty()).then(|| changed::list(&reasons))
    }

    /// Watches what decides about builds.
    pub(super) fn watch(&mut self) -> Result<(), Error> {
        let paths = self.sources.paths();
        match &self.watcher {
            Some(watcher) => watcher.set_paths(paths).map_err(Error::Watch)?,
            None => {
                let notices = self.senders.notices.clone();
                let watcher = Watcher::new(paths, Mode::Native, notices).map_err(Error::Watch)?;
                self.watcher = Some(watcher);
            }
        }
        for path in self.sources.missed() {
            self.saves.note(Notice { path, touch: Touch::Changed }, Instant::now());
        }
        Ok(())
    }

    /// Where the runtimes of the program look for artifacts, as the environment variable has it.
    pub(super) fn artifact_directories(&self) -> OsString {
        let directories = self.builders.artifact_directories();
        std::env::join_paths(&directories).unwrap_or_else(|_| {
            // A separator in a name: one is better than none.
            directories.into_iter().next().unwrap_or_default().into_os_string()
        })
    }
}
