//! Builds: started, cancelled, and how they ended. What is underneath is cargo.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cargo_metadata::Message;
use crossbeam_channel::Sender;
use liveswap::wire;

use crate::args::What;
use crate::cargo::{self, Report, Scope};
use crate::error::Error;
use crate::group::{Group, Tell};
use crate::project::Project;

const THREAD: &str = "liveswap-build";

/// Makes artifacts of a project's sources.
#[derive(Debug, Clone)]
pub(crate) struct Builder {
    pub(crate) project: Project,
    pub(crate) what: What,
    /// Whether diagnostics are wanted in color.
    pub(crate) color: bool,
}

/// Where cargo's words go while it builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// To the terminal as they come, progress included.
    Terminal,
    /// Into [`Failure::Refused`] and [`Products::warnings`].
    Collected,
}

/// How a build ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The build's number.
    pub(crate) number: u64,
    pub(crate) took: Duration,
    pub(crate) result: Result<Products, Failure>,
}

/// What a build left on disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Products {
    /// The program and whether it was made anew; nothing when only the artifacts were built.
    pub(crate) executable: Option<(PathBuf, bool)>,
    /// The artifacts.
    pub(crate) artifacts: Vec<Product>,
    /// Directories in which the program finds its dynamic libraries.
    pub(crate) library_paths: Vec<PathBuf>,
    /// The compiler's warnings as it renders them, and how many there are.
    pub(crate) warnings: (String, usize),
}

/// An artifact on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Product {
    /// The hot crate, with underscores.
    pub(crate) hot_crate: String,
    pub(crate) path: PathBuf,
    /// The blake3 digest of its bytes in hexadecimal digits.
    pub(crate) digest: String,
    /// Whether this build made it anew.
    pub(crate) built: bool,
}

/// Why a build left nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The compiler or cargo refused.
    Refused {
        /// Their words, with colors where those were wanted.
        rendered: String,
        /// Files they looked for and did not find.
        missing: Vec<PathBuf>,
    },
    /// Something around the compiler failed.
    Around(Error),
}

/// A build that runs. Dropping it ends it, with everything that it started.
#[derive(Debug)]
pub(crate) struct Building {
    pub(crate) number: u64,
    child: Arc<Mutex<Leader>>,
    cancelled: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Cargo's process. While it is not reaped nobody else can have its number, so its group may be told.
#[derive(Debug)]
struct Leader {
    child: Child,
    group: Group,
    reaped: bool,
}

impl Builder {
    /// Starts a build; its end is sent to `finished`, unless it is dropped before.
    ///
    /// # Errors
    ///
    /// Cargo or a thread could not be started.
    pub(crate) fn start(
        &self,
        number: u64,
        scope: Scope,
        voice: Voice,
        finished: Sender<Finished>,
    ) -> Result<Building, Error> {
        let mut command = cargo::command(&self.project, &self.what, scope);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        match voice {
            Voice::Terminal => {
                command.arg("--message-format=json-render-diagnostics");
            }
            Voice::Collected => {
                command.args(["--quiet", "--message-format=json-diagnostic-rendered-ansi"]);
                command.args(["--color", if self.color { "always" } else { "never" }]);
                command.stderr(Stdio::piped());
            }
        }
        let start = Instant::now();
        let (mut child, group) = spawn(&mut command)?;
        let (output, words) = (child.stdout.take(), child.stderr.take());
        let child = Arc::new(Mutex::new(Leader { child, group, reaped: false }));
        let cancelled = Arc::new(AtomicBool::new(false));
        let mut building = Building {
            number,
            child: Arc::clone(&child),
            cancelled: Arc::clone(&cancelled),
            thread: None,
        };
        let builder = self.clone();
        let body = move || {
            let words = words.map(collect);
            let report = output.map_or_else(Report::default, |it| listen(it, &builder.project));
            let words = words.map(join).unwrap_or_default();
            let good = lock(&child).reap();
            let result = builder.result(report, &words, good, scope);
            // Relaxed: whoever set it waits for this thread and reads no more.
            if !cancelled.load(Ordering::Relaxed) {
                let _ = finished.send(Finished { number, took: start.elapsed(), result });
            }
        };
        let thread = thread::Builder::new().name(THREAD.to_owned()).spawn(body);
        building.thread =
            Some(thread.map_err(|source| Error::ThreadStart { name: THREAD, source })?);
        Ok(building)
    }

    fn result(
        &self,
        report: Report,
        words: &str,
        good: bool,
        scope: Scope,
    ) -> Result<Products, Failure> {
        if good {
            return products(report, &self.project, scope).map_err(Failure::Around);
        }
        let errors = if self.color {
            report.errors
        } else {
            anstream::adapter::strip_str(&report.errors).to_string()
        };
        Err(Failure::Refused { rendered: errors + words, missing: report.missing })
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        // Relaxed: see where it is read.
        self.cancelled.store(true, Ordering::Relaxed);
        lock(&self.child).end();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been shown where it happened.
            let _ = thread.join();
        }
    }
}

impl Leader {
    /// Waits for cargo, which has said its last word; whether all went well.
    fn reap(&mut self) -> bool {
        let status = self.child.wait();
        self.reaped = true;
        status.is_ok_and(|status| status.success())
    }

    fn end(&mut self) {
        if !self.reaped {
            self.group.tell(Tell::Kill);
            // Where there are no groups; elsewhere it is dead already.
            let _ = self.child.kill();
        }
    }
}

fn lock(leader: &Mutex<Leader>) -> MutexGuard<'_, Leader> {
    // It is whole at any moment, so a panic elsewhere harms nothing.
    leader.lock().unwrap_or_else(PoisonError::into_inner)
}

fn spawn(command: &mut std::process::Command) -> Result<(Child, Group), Error> {
    Group::spawn(command).map_err(|source| Error::CargoStart {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })
}

fn listen(output: impl Read, project: &Project) -> Report {
    let mut report = Report::default();
    for message in Message::parse_stream(BufReader::new(output)).map_while(Result::ok) {
        report.hear(message, project);
    }
    report
}

fn collect(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is still what cargo said.
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn join(words: JoinHandle<String>) -> String {
    words.join().unwrap_or_default()
}

fn products(report: Report, project: &Project, scope: Scope) -> Result<Products, Error> {
    let mut artifacts = Vec::new();
    for hot in &project.hot {
        let library =
            report.libraries.iter().find(|library| library.hot_crate == hot.name).ok_or_else(
                || Error::NothingBuilt { missing: format!("the library of `{}`", hot.package) },
            )?;
        let path = library.artifact.clone().ok_or_else(|| Error::NoCdylib {
            package: hot.package.clone(),
            manifest: hot.manifest.clone(),
            found: hot.crate_types.join(", "),
        })?;
        let digest = digest(&path).map_err(|source| Error::File {
            what: "the artifact",
            verb: "read",
            path: path.clone(),
            source,
        })?;
        artifacts.push(Product { hot_crate: hot.name.clone(), path, digest, built: library.built });
    }
    if scope == Scope::Program && report.executable.is_none() {
        let missing = format!("the binary `{}`", project.host.binary);
        return Err(Error::NothingBuilt { missing });
    }
    Ok(Products {
        executable: report.executable,
        artifacts,
        library_paths: report.library_paths,
        warnings: (report.warnings, report.warning_count),
    })
}

/// The blake3 digest of a file in hexadecimal digits.
pub(crate) fn digest(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

impl From<&Product> for wire::Artifact {
    fn from(product: &Product) -> wire::Artifact {
        wire::Artifact {
            hot_crate: product.hot_crate.clone(),
            path: product.path.to_string_lossy().into_owned(),
            digest: product.digest.clone(),
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
