//! Capturing the compiler's command, by letting cargo build the host through the wrapper.
//!
//! Cargo only calls the compiler for what is not fresh. What it does not call for was recorded
//! when it last did; where that record is missing or may be of another build, the compiled file is
//! removed, which makes cargo build this one crate again.

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs};

use cargo_metadata::Artifact;

use crate::cargo::{CargoRun, Workspace, library_file, package_name};
use crate::differences::differences;
use crate::error::Error;
use crate::freshness::{Looks, Watched};
use crate::imports::Exports;
use crate::layout::Layout;
use crate::link::{Linked, Report};
use crate::linker::{Linker, is_bare_linker};
use crate::outcome::{BuildEvent, NotShared};
use crate::outputs::{compiled_file, executables, remove};
use crate::process::Cancel;
use crate::project::Project;
use crate::recipe::{HostImage, Recipe, Unit, Whole, stem_of};
use crate::record::{BaseEnvironment, Record, read_json, write_json, write_whole};
use crate::settings::{KindPolicy, Settings};
use crate::stamp::FileStamp;
use crate::toolchain::Toolchain;
use crate::watch_list;
use crate::wrapper::{MODE, Session, StopAt, mode_rustc};

/// Cargo is asked this often before a record that does not come is an error: once to build, once
/// more for what was fresh without a record.
const ATTEMPTS: usize = 2;

/// One capture.
pub(crate) struct Capture<'a> {
    pub project: &'a Project,
    pub settings: &'a Settings,
    pub layout: &'a Layout,
    pub workspace: &'a Workspace,
    pub wrapper: &'a Path,
    pub cancel: &'a Cancel,
    pub events: &'a mut (dyn FnMut(BuildEvent) + Send),
}

impl Capture<'_> {
    /// Builds the host and captures what it was made of; `None` when it was cancelled.
    pub(crate) fn host(&mut self, before: Option<&Recipe>) -> Result<Option<Recipe>, Error> {
        for attempt in 1.. {
            let started = SystemTime::now();
            let Some(run) = self.cargo(None)? else { return Ok(None) };
            if !run.succeeded {
                return Err(run.into_error());
            }
            self.seal(&run, started)?;
            let Some(host) = self.host_artifact(&run) else {
                return Err(Error::Cargo { words: run.words });
            };
            let host_known = self.host_is_known(host, before);
            let hot = self.find_hot(&run, host)?;
            let record = hot.as_ref().and_then(|hot| self.current_record(hot));
            let (Some(hot), Some(record), true) = (&hot, record, host_known) else {
                if attempt == ATTEMPTS {
                    return Err(self.why_unknown(&run, started));
                }
                self.forget(hot.as_deref(), if host_known { None } else { Some(host) })?;
                continue;
            };
            return self.recipe(&run, host, hot, record).map(Some);
        }
        unreachable!("the loop returns")
    }

    /// Captures the hot crate's command again without building the host; `None` when cancelled.
    ///
    /// Cargo is stopped when it comes to the hot crate: everything that it is made of is built by
    /// then, and the crate itself is built faster by its replay.
    pub(crate) fn hot_crate(&mut self, before: &Recipe) -> Result<Option<Recipe>, Error> {
        if before.several {
            return self.hot_crate_by_host(before);
        }
        let started = SystemTime::now();
        let stop = StopAt { package: self.project.hot_package.clone(), others: false };
        let Some(run) = self.cargo(Some(stop))? else { return Ok(None) };
        let mut stopped = self.records_since(started);
        if run.failed_package.is_some() {
            return Err(run.into_error());
        }
        if !run.succeeded && stopped.is_empty() {
            return Err(Error::Cargo { words: run.words });
        }
        self.seal(&run, started)?;
        let mut recipe = before.clone();
        if let Some((stem, record)) = stopped.pop() {
            recipe.host_behind.extend(differences(&recipe, &record));
            recipe.host_behind.dedup();
            let library = record.args.out_dir().map(|dir| dir.join(format!("lib{stem}.rlib")));
            let mut unit = match recipe.units.remove(&recipe.hot) {
                Some(unit) => unit,
                None => return self.hot_crate_by_host(before),
            };
            unit.library = library.unwrap_or(unit.library);
            unit.record = Some(record);
            recipe.hot = stem.clone();
            recipe.units.insert(stem, unit);
        }
        for artifact in run.local_libraries() {
            self.add_unit(&mut recipe, artifact);
        }
        recipe.watched = watch_list::collect(self.project, self.workspace, &run, &recipe);
        self.save(&recipe)?;
        Ok(Some(recipe))
    }

    /// Captures the hot crate's command by building the host, for a host that runs and stays the
    /// one that it was.
    fn hot_crate_by_host(&mut self, before: &Recipe) -> Result<Option<Recipe>, Error> {
        let path = self.layout.exports();
        let exports = fs::read(&path).ok();
        let captured = self.host(Some(before));
        if let Some(exports) = exports {
            write_whole(&path, &exports).map_err(Error::file("write", &path))?;
        }
        let Some(mut recipe) = captured? else { return Ok(None) };
        if let Some(record) = recipe.units.get(&recipe.hot).and_then(|unit| unit.record.as_ref()) {
            recipe.host_behind = differences(before, record);
        }
        recipe.host = before.host.clone();
        recipe.identity = before.identity.clone();
        self.save(&recipe)?;
        Ok(Some(recipe))
    }

    pub(crate) fn cargo(&mut self, stop_at: Option<StopAt>) -> Result<Option<CargoRun>, Error> {
        let stopping = stop_at.is_some();
        let stop_at_others = stop_at.as_ref().is_some_and(|stop| stop.others);
        let session = Session {
            units: self.layout.units.clone(),
            base: BaseEnvironment::of_this_process(),
            chain: env::var_os("RUSTC_WRAPPER").filter(|it| !it.is_empty()).map(PathBuf::from),
            linker: self.wrapper.to_owned(),
            host_plan: self.layout.host_plan(),
            host_report: self.layout.host_report(),
            stop_at,
        };
        let path = self.layout.session();
        write_json(&path, &session).map_err(Error::file("write", &path))?;
        // What is not built is told for every crate, not for the first one only.
        let keep_going = stop_at_others.then_some("--keep-going");
        let host_arguments = if stop_at_others { Vec::new() } else { self.host_arguments() };
        let mut command = self.project.cargo(keep_going, &host_arguments, self.settings.color);
        command.env("RUSTC_WRAPPER", self.wrapper).env(MODE, mode_rustc(&path));
        // Cargo takes the stop for a failure of the hot crate, which it is not.
        let stopped = format!("error: could not compile `{}`", self.project.hot_package);
        let mut silent = false;
        let events = &mut *self.events;
        let mut without_stop = move |event: BuildEvent| {
            silent |=
                stopping && matches!(&event, BuildEvent::Cargo(line) if line.starts_with(&stopped));
            if !silent || !matches!(event, BuildEvent::Cargo(_)) {
                events(event);
            }
        };
        CargoRun::run(command, self.cancel, &mut without_stop)
    }

    /// The compiler's arguments for the host's own crate only.
    fn host_arguments(&self) -> Vec<String> {
        match (self.shares(), self.wrapper.to_str()) {
            (true, Some(wrapper)) => vec!["-C".into(), format!("linker={wrapper}")],
            _ => Vec::new(),
        }
    }

    /// Whether the host is linked for shared artifacts.
    fn shares(&self) -> bool {
        cfg!(target_os = "linux") && self.settings.kind == KindPolicy::Auto
    }

    fn host_artifact<'r>(&self, run: &'r CargoRun) -> Option<&'r Artifact> {
        let name = self.project.host.target.name();
        run.artifacts.iter().find(|artifact| {
            artifact.executable.is_some()
                && artifact.target.name == name
                && package_name(&artifact.package_id) == self.project.host.package
        })
    }

    /// Whether the report on the host's link is of the host that is there.
    fn host_is_known(&self, host: &Artifact, before: Option<&Recipe>) -> bool {
        if !self.shares() {
            return true;
        }
        let Some(report) = self.host_report() else { return false };
        if !host.fresh {
            return true;
        }
        let linked = before.and_then(|before| before.host.linked.as_ref());
        linked.is_some_and(|it| report.output.as_ref() == Some(&it.path) && it.still_holds())
    }

    fn host_report(&self) -> Option<Report> {
        read_json(&self.layout.host_report()).ok()
    }

    /// The compiled hot crate inside the host.
    fn find_hot(&self, run: &CargoRun, host: &Artifact) -> Result<Option<PathBuf>, Error> {
        let hot = &self.project.hot_package;
        let candidates = self.candidates(run);
        let host_name = || self.project.host.to_string();
        match &candidates[..] {
            [] => Err(Error::HotNotLinked { hot: hot.clone(), host: host_name() }),
            [only] => Ok(Some(only.clone())),
            several => {
                let inside = self.linked_archives(host);
                let mut inside = several.iter().filter(|file| inside.contains(file));
                match (inside.next(), inside.next()) {
                    (Some(only), None) => Ok(Some(only.clone())),
                    (None, _) if !self.shares() => Ok(None),
                    _ => Err(Error::HotAmbiguous { hot: hot.clone(), host: host_name() }),
                }
            }
        }
    }

    /// The compiled hot crates of a host's build.
    fn candidates(&self, run: &CargoRun) -> Vec<PathBuf> {
        run.local_libraries()
            .filter(|artifact| package_name(&artifact.package_id) == self.project.hot_package)
            .filter_map(|artifact| library_file(artifact).map(compiled_file))
            .collect()
    }

    /// The compiled crates that the host was linked from, as far as it is known.
    fn linked_archives(&self, host: &Artifact) -> Vec<PathBuf> {
        if let Some(Report { linked: Linked::WholeHost { archives }, .. }) = self.host_report() {
            return archives.iter().map(|archive| archive.path().to_owned()).collect();
        }
        let mut found = Vec::new();
        let stem = host.executable.as_ref().and_then(|it| stem_of(it.as_std_path()));
        let prefix = stem.unwrap_or_default().replace('-', "_");
        for (name, record) in self.records() {
            let of_host = record.package() == Some(&self.project.host.package);
            if of_host && name.starts_with(&prefix) {
                found.extend(record.args.externs().filter_map(|it| it.path));
            }
        }
        found
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = (String, Record)> {
        let entries = fs::read_dir(&self.layout.units).into_iter().flatten().flatten();
        entries.filter_map(|entry| {
            let name = entry.path().file_stem()?.to_str()?.to_owned();
            let record = Record::read(&self.layout.units, &name)?;
            Some((name, record))
        })
    }

    /// The hot crate's calls that cargo made since then.
    pub(crate) fn records_since(&self, started: SystemTime) -> Vec<(String, Record)> {
        let hot = &self.project.hot_package;
        self.records()
            .filter(|(_, record)| record.started >= started && record.package() == Some(hot))
            .filter(|(_, record)| record.args.values("--crate-type").any(|it| it.ends_with("lib")))
            .collect()
    }

    /// The record of a compiled file, if it is the record of that very file: the person may have
    /// built it again with other flags, and cargo keeps the name.
    fn current_record(&self, library: &Path) -> Option<Record> {
        let record = Record::read(&self.layout.units, &stem_of(library)?)?;
        record.output.as_ref()?.still_holds().then_some(record)
    }

    /// Notes which files the calls of this run wrote.
    pub(crate) fn seal(&self, run: &CargoRun, started: SystemTime) -> Result<(), Error> {
        for library in run.local_libraries().filter_map(library_file).map(compiled_file) {
            let Some(stem) = stem_of(&library) else { continue };
            let Some(mut record) = Record::read(&self.layout.units, &stem) else { continue };
            if record.started >= started {
                record.output = FileStamp::of(&library).ok();
                let path = Record::path(&self.layout.units, &stem);
                write_json(&path, &record).map_err(Error::file("write", &path))?;
            }
        }
        Ok(())
    }

    /// Makes cargo build what was fresh without a record.
    fn forget(&self, hot: Option<&Path>, host: Option<&Artifact>) -> Result<(), Error> {
        let mut files = Vec::new();
        if let Some(library) = hot
            && self.current_record(library).is_none()
        {
            files.extend([library.to_owned(), library.with_extension("rmeta")]);
        }
        if let Some(executable) = host.and_then(|host| host.executable.as_ref()) {
            let crate_name = self.project.host.target.crate_name();
            files.extend(executables(executable.as_std_path(), &crate_name));
        }
        files.iter().try_for_each(|file| remove(file))
    }

    fn why_unknown(&self, run: &CargoRun, started: SystemTime) -> Error {
        if self.records().any(|(_, record)| record.started >= started) {
            return Error::Cargo { words: run.words.clone() };
        }
        Error::WrapperSilent { program: self.wrapper.to_owned() }
    }

    fn recipe(
        &mut self,
        run: &CargoRun,
        host: &Artifact,
        hot: &Path,
        record: Record,
    ) -> Result<Recipe, Error> {
        let toolchain = Toolchain::of(&record)?;
        let linker = Linker::choose(&self.settings.linker, &record.args, &toolchain);
        let image = self.host_image(run, host)?;
        let stem = stem_of(hot).unwrap_or_default();
        let mut recipe = Recipe::new(stem, image, toolchain, linker, Watched::default());
        recipe.identity = record.args.codegen("metadata").map(str::to_owned);
        recipe.several = self.candidates(run).len() > 1;
        for artifact in run.local_libraries() {
            self.add_unit(&mut recipe, artifact);
        }
        recipe.watched = watch_list::collect(self.project, self.workspace, run, &recipe);
        self.save(&recipe)?;
        Ok(recipe)
    }

    pub(crate) fn add_unit(&self, recipe: &mut Recipe, artifact: &Artifact) {
        let Some(library) = library_file(artifact).map(compiled_file) else { return };
        let Some(stem) = stem_of(&library) else { return };
        let record = self.current_record(&library);
        let directory = artifact.manifest_path.parent().map(|it| it.as_std_path());
        let root = self.workspace.root.as_path();
        let roots = [root, directory.unwrap_or(root)];
        let (sources, variables) = watch_list::sources_of(&library, &roots, record.as_ref());
        let package = package_name(&artifact.package_id);
        if recipe.made_of.as_ref().is_some_and(|packages| !packages.contains(&package)) {
            return;
        }
        recipe.units.insert(stem, Unit { package, library, sources, variables, record });
    }

    fn host_image(&self, run: &CargoRun, host: &Artifact) -> Result<HostImage, Error> {
        let executable = host.executable.as_ref().map(|it| it.as_std_path().to_owned());
        let executable = executable.unwrap_or_default();
        let report = if self.shares() { self.host_report() } else { None };
        let output = report.as_ref().and_then(|report| report.output.clone());
        let linked = output.as_deref().map(FileStamp::of).transpose();
        let linked = linked.map_err(Error::file("read", &executable))?;
        let sources = match &linked {
            Some(linked) => watch_list::sources_of(&linked.path, &[&self.workspace.root], None).0,
            None => Looks::default(),
        };
        let whole = match report.map(|report| (report.linked, report.linker)) {
            Some((Linked::WholeHost { archives }, _)) => Whole::Yes { archives },
            Some((Linked::PlainHost { .. }, program)) if is_bare_linker(&program) => {
                Whole::No(NotShared::Linker { program })
            }
            Some((Linked::PlainHost { why }, _)) => Whole::No(NotShared::Host { why }),
            _ if cfg!(target_os = "linux") => Whole::No(NotShared::Settings),
            _ => Whole::No(NotShared::Platform),
        };
        if let (Whole::Yes { .. }, Some(linked)) = (&whole, &linked) {
            let path = self.layout.exports();
            let exports = Exports::of(&linked.path).map_err(Error::file("read", &linked.path))?;
            exports.write(&path).map_err(Error::file("write", &path))?;
        }
        let library_paths = run.library_paths(&self.workspace.target_directory);
        Ok(HostImage { executable, linked, whole, sources, library_paths })
    }

    pub(crate) fn save(&self, recipe: &Recipe) -> Result<(), Error> {
        let path = self.layout.recipe();
        recipe.write(&path).map_err(Error::file("write", &path))
    }
}
