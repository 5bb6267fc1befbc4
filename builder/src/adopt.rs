//! Capturing how a host's hot crate is compiled when the host was built already, by whoever.

use std::path::Path;
use std::time::SystemTime;

use crate::builder::Missing;
use crate::capture::Capture;
use crate::cargo::CargoRun;
use crate::error::Error;
use crate::freshness::{InputRole, Looks, Watched};
use crate::linker::Linker;
use crate::outcome::NotShared;
use crate::recipe::{HostImage, Recipe, Unit, Whole};
use crate::toolchain::Toolchain;
use crate::watch_list;
use crate::wrapper::StopAt;

impl Capture<'_> {
    /// Captures the hot crate's command; `None` when it was cancelled.
    pub(crate) fn adopted(
        &mut self,
        executable: &Path,
        made_of: Vec<String>,
        missing: Missing,
    ) -> Result<Option<Recipe>, Error> {
        let hot = self.project.hot_package.clone();
        let started = SystemTime::now();
        let stop = StopAt { package: hot.clone(), others: missing == Missing::IsError };
        let Some(run) = self.cargo(Some(stop))? else { return Ok(None) };
        let mut found = self.records_since(started);
        let (Some((stem, record)), None) = (found.pop(), found.pop()) else {
            return Err(self.why_not_found(run, started, missing));
        };
        self.seal(&run, started)?;
        let toolchain = Toolchain::of(&record)?;
        let linker = Linker::choose(&self.settings.linker, &record.args, &toolchain);
        let host = HostImage {
            executable: executable.to_owned(),
            linked: None,
            whole: Whole::No(NotShared::Settings),
            sources: Looks::default(),
            library_paths: Vec::new(),
        };
        let mut recipe = Recipe::new(stem.clone(), host, toolchain, linker, Watched::default());
        // Cargo does not speak of the package that it was stopped at.
        if let Some(directory) = record.env.get("CARGO_MANIFEST_DIR") {
            let manifest = Path::new(directory).join("Cargo.toml");
            recipe.watched.watch(manifest, InputRole::Manifest);
        }
        recipe.identity = record.args.codegen("metadata").map(str::to_owned);
        recipe.made_of = Some(made_of);
        for artifact in run.local_libraries() {
            self.add_unit(&mut recipe, artifact);
        }
        let library = format!("lib{stem}.rlib");
        let library = record.args.out_dir().map(|it| it.join(&library)).unwrap_or_default();
        let unit = Unit {
            package: hot,
            library,
            sources: Looks::default(),
            variables: Vec::new(),
            record: Some(record),
        };
        recipe.units.insert(stem, unit);
        recipe.watched = watch_list::collect(self.project, self.workspace, &run, &recipe);
        self.save(&recipe)?;
        Ok(Some(recipe))
    }

    fn why_not_found(&self, run: CargoRun, started: SystemTime, missing: Missing) -> Error {
        let hot = &self.project.hot_package;
        let recent = self.records().map(|(_, record)| record);
        let recent = recent.filter(|record| record.started >= started);
        let mut packages: Vec<String> =
            recent.filter_map(|record| record.package().map(str::to_owned)).collect();
        packages.sort();
        packages.dedup();
        let hot_calls = self.records_since(started).len();
        if hot_calls > 1 {
            return Error::HotAmbiguous { hot: hot.clone(), host: self.project.host.to_string() };
        }
        if missing == Missing::IsError && !packages.is_empty() {
            return Error::NotBuilt { packages };
        }
        if run.succeeded {
            return Error::HotNotLinked { hot: hot.clone(), host: self.project.host.to_string() };
        }
        run.into_error()
    }
}
