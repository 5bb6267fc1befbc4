//! The builder: one project, one build at a time, the newest wins.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use std::{env, fs};

use crate::build;
use crate::capture::Capture;
use crate::cargo::Workspace;
use crate::error::Error;
use crate::freshness::{InputRole, Stale};
use crate::layout::Layout;
use crate::memory::Memory;
use crate::outcome::{BuildEvent, NotShared, Outcome};
use crate::process::Cancel;
use crate::project::Project;
use crate::recipe::{Recipe, Whole};
use crate::settings::Settings;
use crate::task::Task;

/// Builds artifacts of one hot crate for one host.
///
/// ```no_run
/// use liveswap_builder::{Builder, CargoFlags, Host, HostTarget, Project, Settings};
///
/// # fn main() -> Result<(), liveswap_builder::Error> {
/// liveswap_builder::maybe_run_as_wrapper();
/// let builder = Builder::open(
///     Project {
///         directory: "/home/me/game".into(),
///         host: Host { package: "game".into(), target: HostTarget::Bin("game".into()) },
///         hot_package: "game-logic".into(),
///         flags: CargoFlags::default(),
///     },
///     Settings::default(),
/// )?;
/// let host = builder.build_host()?.wait()?;
/// println!("run {}", host.executable.display());
/// // After every save:
/// let outcome = builder.start()?.wait()?;
/// println!("built {} in {:?}", outcome.artifact.path.display(), outcome.timings.total);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Builder {
    shared: Arc<Shared>,
}

/// The host, built and ready to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltHost {
    /// The program.
    pub executable: PathBuf,
    /// Why it cannot take shared artifacts, if it cannot.
    pub not_shared: Option<NotShared>,
    /// Directories with dynamic libraries that build scripts made, as `cargo run` names them to
    /// the program.
    pub library_paths: Vec<PathBuf>,
}

/// A file that decides about a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where it is; it may not exist yet.
    pub path: PathBuf,
    /// What it is to the build.
    pub role: InputRole,
}

/// What becomes of crates that a capture needs and that are not compiled yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Cargo compiles them.
    IsBuilt,
    /// Nothing is compiled; they are told.
    IsError,
}

#[derive(Debug, Default)]
struct Known {
    recipe: Option<Arc<Recipe>>,
    /// Sources that came after the capture.
    sources: Vec<(PathBuf, InputRole)>,
}

#[derive(Debug)]
struct Shared {
    project: Project,
    settings: Settings,
    workspace: Workspace,
    layout: Layout,
    wrapper: PathBuf,
    numbers: AtomicU64,
    /// The work that runs or waits; the next one cancels it.
    newest: Mutex<Cancel>,
    /// Held while working. Work waits here until what it cancelled is gone.
    memory: Mutex<Memory>,
    /// What is known for questions while work goes on.
    known: Mutex<Known>,
}

impl Builder {
    /// Prepares building, reading what was captured before.
    ///
    /// # Errors
    ///
    /// When cargo cannot read the workspace, or the target directory cannot be written.
    pub fn open(project: Project, settings: Settings) -> Result<Self, Error> {
        let workspace = Workspace::find(&project)?;
        let layout = Layout::open(&workspace.target_directory, &project, &settings)?;
        let wrapper = match &settings.wrapper {
            Some(wrapper) => wrapper.clone(),
            None => env::current_exe().map_err(Error::file("find", Path::new("this program")))?,
        };
        let recipe = Recipe::read(&layout.recipe()).map(Arc::new);
        Ok(Self {
            shared: Arc::new(Shared {
                project,
                settings,
                workspace,
                layout,
                wrapper,
                numbers: AtomicU64::new(0),
                newest: Mutex::default(),
                memory: Mutex::new(Memory::new(recipe.clone())),
                known: Mutex::new(Known { recipe, sources: Vec::new() }),
            }),
        })
    }

    /// Builds the host through cargo, capturing how its crates are compiled.
    ///
    /// Whatever this builder does at that moment is cancelled. What was built for a running host is
    /// forgotten and its artifact removed: the new host has all of it.
    ///
    /// # Errors
    ///
    /// When the work cannot be started. The handle's result tells what cargo and the compiler say.
    pub fn build_host(&self) -> Result<Task<BuiltHost>, Error> {
        self.spawn(|shared, number, cancel, events| {
            let mut memory = lock(&shared.memory);
            shared.layout.restore()?;
            events(BuildEvent::Started { number });
            let before = memory.recipe.clone();
            let recipe = shared.capture(cancel, events).host(before.as_deref())?;
            let recipe = Arc::new(recipe.ok_or(Error::Cancelled { number })?);
            *memory = Memory::new(Some(recipe.clone()));
            // A host that starts must not find an artifact of older sources than its own.
            shared.layout.remove_artifacts()?;
            *lock(&shared.known) = Known { recipe: Some(recipe.clone()), sources: Vec::new() };
            Ok(BuiltHost {
                executable: recipe.host.executable.clone(),
                not_shared: match &recipe.host.whole {
                    Whole::Yes { .. } => None,
                    Whole::No(why) => Some(why.clone()),
                },
                library_paths: recipe.host.library_paths.clone(),
            })
        })
    }

    /// Captures how the hot crate of a host is compiled that was built already, by whoever.
    ///
    /// The host is not built, and neither is its own hot crate: cargo is stopped where it comes to it. For that to
    /// happen, the target directory must not hold the hot crate: it is one that nobody else uses, with what the hot
    /// crate depends on in it. Artifacts are standalone ones, because nothing is known of the host's link.
    ///
    /// `made_of` are the packages of the workspace that the hot crate is made of; what becomes of others does not matter.
    ///
    /// # Errors
    ///
    /// When the work cannot be started. The handle's result tells what cargo says, or with
    /// [`Missing::IsError`] the packages that would have to be compiled first ([`Error::NotBuilt`]).
    pub fn adopt_host(
        &self,
        executable: &Path,
        made_of: Vec<String>,
        missing: Missing,
    ) -> Result<Task<()>, Error> {
        let executable = executable.to_owned();
        self.spawn(move |shared, number, cancel, events| {
            let mut memory = lock(&shared.memory);
            shared.layout.restore()?;
            events(BuildEvent::Started { number });
            let recipe = shared.capture(cancel, events).adopted(&executable, made_of, missing)?;
            let recipe = Arc::new(recipe.ok_or(Error::Cancelled { number })?);
            *memory = Memory::new(Some(recipe.clone()));
            *lock(&shared.known) = Known { recipe: Some(recipe), sources: Vec::new() };
            Ok(())
        })
    }

    /// Builds an artifact of the sources as they are now.
    ///
    /// Whatever this builder does at that moment is cancelled first: several saves in a row are one
    /// build, of the last.
    ///
    /// # Errors
    ///
    /// When the work cannot be started. The handle's result tells what the compiler says.
    pub fn start(&self) -> Result<Task<Outcome>, Error> {
        let asked = Instant::now();
        self.spawn(move |shared, number, cancel, events| {
            let mut memory = lock(&shared.memory);
            if cancel.is_cancelled() {
                return Err(Error::Cancelled { number });
            }
            events(BuildEvent::Started { number });
            shared.layout.restore()?;
            let mut run = build::Run {
                project: &shared.project,
                settings: &shared.settings,
                layout: &shared.layout,
                wrapper: &shared.wrapper,
                cancel,
                events,
                number,
                asked,
            };
            let mut capture = |why: &Stale, memory: &Memory, run: &mut build::Run<'_>| {
                (run.events)(BuildEvent::Capturing(why.clone()));
                let before = memory.recipe.clone();
                let mut capture = shared.capture(cancel, run.events);
                let captured = match &before {
                    Some(before) => capture.hot_crate(before),
                    None => capture.host(None),
                };
                let recipe = Arc::new(captured?.ok_or(Error::Cancelled { number })?);
                lock(&shared.known).recipe = Some(recipe.clone());
                Ok(recipe)
            };
            let result = run.build(&mut memory, &mut capture);
            lock(&shared.known).sources = memory.sources();
            result
        })
    }

    /// Where artifacts are published; known once something was captured.
    pub fn artifact_path(&self) -> Option<PathBuf> {
        let known = lock(&self.shared.known).recipe.clone()?;
        let unit = known.units.get(&known.hot)?;
        let crate_name = unit.record.as_ref()?.args.crate_name()?.to_owned();
        Some(self.shared.layout.artifact(&crate_name))
    }

    /// The files that decide about builds, as the tools that read them told; empty before anything
    /// was captured. Ask again after every build: an edit can bring new files.
    ///
    /// A source that does not compile because it names a file that is not there yet leaves that
    /// file out; whoever watches should look at new files in the directories of these, too.
    pub fn inputs(&self) -> Vec<Input> {
        let known = lock(&self.shared.known);
        let mut inputs = known.recipe.as_ref().map(|recipe| recipe.inputs()).unwrap_or_default();
        for (path, role) in &known.sources {
            inputs.entry(path.clone()).or_insert_with(|| role.clone());
        }
        inputs.into_iter().map(|(path, role)| Input { path, role }).collect()
    }

    /// The root directory of the workspace.
    pub fn workspace_root(&self) -> &Path {
        &self.shared.workspace.root
    }

    /// Cargo's target directory for this project.
    pub fn target_directory(&self) -> &Path {
        &self.shared.workspace.target_directory
    }

    fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce(
            &Shared,
            u64,
            &Cancel,
            &mut (dyn FnMut(BuildEvent) + Send),
        ) -> Result<T, Error>
        + Send
        + 'static,
    ) -> Result<Task<T>, Error> {
        let cancel = Cancel::default();
        let number = {
            let mut newest = lock(&self.shared.newest);
            newest.cancel();
            *newest = cancel.clone();
            self.shared.numbers.fetch_add(1, Ordering::Relaxed) + 1
        };
        let shared = self.shared.clone();
        Task::spawn(number, cancel, move |cancel, events| work(&shared, number, cancel, events))
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        // A handle that outlives its builder holds work that nobody can follow up.
        lock(&self.shared.newest).cancel();
    }
}

impl Shared {
    fn capture<'a>(
        &'a self,
        cancel: &'a Cancel,
        events: &'a mut (dyn FnMut(BuildEvent) + Send),
    ) -> Capture<'a> {
        Capture {
            project: &self.project,
            settings: &self.settings,
            layout: &self.layout,
            workspace: &self.workspace,
            wrapper: &self.wrapper,
            cancel,
            events,
        }
    }
}

/// Removes everything that builders left in a target directory, artifacts included.
///
/// # Errors
///
/// When a file cannot be removed.
pub fn remove_leftovers(target_directory: &Path) -> Result<(), Error> {
    let directory = target_directory.join("liveswap").join("build");
    match fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file("remove", &directory)(error))
        }
        _ => Ok(()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is one assignment, so a panic leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
