//! One build of the artifacts, for those who watch and run by other means.

use std::io::{self, Write};

use crossbeam_channel::{select, unbounded};
use serde_json::json;

use crate::args;
use crate::build::{Builder, Failure, Voice};
use crate::cargo::Scope;
use crate::error::Error;
use crate::project::Project;
use crate::report;
use crate::signals::{self, Asked};

/// Builds the artifacts that fit the program, and prints where they are.
///
/// # Errors
///
/// What was asked for cannot be built.
pub(crate) fn build(args: args::Build) -> Result<(), Error> {
    let (_listening, asked) = signals::listen()?;
    let project = Project::load(&args.what)?;
    let builder = Builder { project, what: args.what, color: report::wants_color() };
    let (sender, finished) = unbounded();
    let building = builder.start(1, Scope::HotCrates, Voice::Terminal, sender)?;
    let result = loop {
        select! {
            recv(finished) -> finished => match finished {
                Ok(finished) => break finished.result,
                Err(_) => return Err(Error::FirstBuild),
            },
            recv(asked) -> asked => match asked {
                Ok(Asked::Suspend) => signals::stop_here(),
                // Dropping the build ends it.
                _ => return Err(Error::FirstBuild),
            },
        }
    };
    drop(building);
    let products = result.map_err(|failure| match failure {
        Failure::Around(error) => error,
        Failure::Refused { .. } => Error::FirstBuild,
    })?;
    for product in products.artifacts {
        let path = product.path.display();
        let line = if args.json {
            json!({
                "crate": product.hot_crate,
                "artifact": path.to_string(),
                "digest": product.digest,
                "built": product.built,
            })
            .to_string()
        } else {
            path.to_string()
        };
        writeln!(io::stdout(), "{line}").map_err(Error::Print)?;
    }
    Ok(())
}
