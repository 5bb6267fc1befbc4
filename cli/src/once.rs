//! One build of the artifacts, for those who watch and run by other means.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crossbeam_channel::{never, select};
use liveswap_builder::{ArtifactKind, BuildEvent, KindPolicy, Level};
use serde_json::json;

use crate::args;
use crate::build::{Building, Product, Products, Progress, Scope};
use crate::builders::Builders;
use crate::error::Error;
use crate::lines;
use crate::project::Project;
use crate::report;
use crate::signals::{self, Asked};

/// Builds the artifacts that fit the program, and prints where they are.
///
/// Standalone ones fit the program however it was linked, so they are the default here: who starts
/// it is not known. Shared ones fit a program that this tool linked.
///
/// # Errors
///
/// What was asked for cannot be built.
pub(crate) fn build(args: args::Build) -> Result<(), Error> {
    let (_listening, asked) = signals::listen()?;
    let project = Project::load(&args.what)?;
    let kind = if args.shared { KindPolicy::Auto } else { KindPolicy::Standalone };
    let builders = Builders::open(&project, &args.what, kind, report::wants_color())?;
    let mut host = None;
    let finish = |number, scope| -> Result<Products, Error> {
        let hot = (0..builders.len()).collect();
        let mut building = Building::start(&builders, number, scope, hot)?;
        loop {
            let nothing = never();
            let events = building.events().unwrap_or(&nothing);
            select! {
                recv(events) -> event => match event {
                    Ok(event) => show(event),
                    Err(_) => match building.go_on(&builders, &project) {
                        Progress::Goes(next) => building = next,
                        Progress::Ended(finished) => return finished.result,
                    },
                },
                recv(asked) -> asked => match asked {
                    Ok(Asked::Suspend) => signals::stop_here(),
                    // Dropping the build ends it.
                    _ => return Err(Error::FirstBuild),
                },
            }
        }
    };
    if args.shared {
        host = finish(1, Scope::Program).map_err(told)?.host;
    }
    let products = finish(2, Scope::HotCrates).map_err(told)?;
    let directory = match &args.artifact_dir {
        Some(directory) => directory.clone(),
        None => profile_directory(&project, &args.what),
    };
    for product in &products.artifacts {
        let path = place(product, &directory)?;
        if let Some(why) = product.outcome.artifact.not_shared.as_ref().filter(|_| args.shared) {
            report::print(&lines::notable("standalone", &why.to_string()));
        }
        let line = if args.json {
            json!({
                "crate": product.hot_crate,
                "artifact": path.display().to_string(),
                "digest": product.digest,
                "kind": kind_of(product),
                "not_shared": product.outcome.artifact.not_shared.as_ref().map(ToString::to_string),
                "host": host.as_ref().map(|host| host.path.display().to_string()),
                "micros": product.outcome.timings.total.as_micros() as u64,
            })
            .to_string()
        } else {
            path.display().to_string()
        };
        writeln!(io::stdout(), "{line}").map_err(Error::Print)?;
    }
    Ok(())
}

fn kind_of(product: &Product) -> &'static str {
    match product.outcome.artifact.kind {
        ArtifactKind::Shared => "shared",
        ArtifactKind::Standalone => "standalone",
    }
}

fn show(event: BuildEvent) {
    match event {
        BuildEvent::Cargo(line) => report::print(&lines::progress(&line)),
        BuildEvent::Diagnostic(found) if found.level != Level::Note => {
            report::print(&found.rendered)
        }
        _ => {}
    }
}

/// What cargo and the compiler have said already is not said again.
fn told(error: Error) -> Error {
    use liveswap_builder::Error as Built;
    match error {
        Error::Build(Built::Cargo { .. }) => Error::FirstBuild,
        Error::Build(error) if !error.diagnostics().is_empty() => Error::FirstBuild,
        error => error,
    }
}

/// The directory in which cargo leaves the program, where a runtime looks unless it is told.
fn profile_directory(project: &Project, what: &args::What) -> PathBuf {
    let profile = match what.profile.as_deref() {
        _ if what.release => "release",
        None | Some("dev" | "test") => "debug",
        Some("bench") => "release",
        Some(profile) => profile,
    };
    let directory = project.target_directory.clone();
    let directory = match &what.target {
        // A file that describes a target gives it its name.
        Some(target) => {
            let name = Path::new(target).file_name().unwrap_or_default().to_string_lossy();
            directory.join(name.strip_suffix(".json").unwrap_or(&name))
        }
        None => directory,
    };
    directory.join(profile)
}

/// Puts the artifact where the program looks for it, whole at any moment.
fn place(product: &Product, directory: &Path) -> Result<PathBuf, Error> {
    let built = &product.outcome.artifact.path;
    let path = directory.join(built.file_name().unwrap_or_default());
    let copy = || -> io::Result<()> {
        fs::create_dir_all(directory)?;
        let same = fs::read(&path)
            .is_ok_and(|there| blake3::hash(&there).as_bytes() == &product.outcome.artifact.digest);
        if same {
            return Ok(());
        }
        let mut beside = tempfile::NamedTempFile::new_in(directory)?;
        io::copy(&mut fs::File::open(built)?, &mut beside)?;
        fs::set_permissions(beside.path(), fs::metadata(built)?.permissions())?;
        beside.persist(&path)?;
        Ok(())
    };
    let (what, verb) = ("the artifact", "put in its place");
    copy().map_err(|source| Error::File { what, verb, path: path.clone(), source })?;
    Ok(path)
}
