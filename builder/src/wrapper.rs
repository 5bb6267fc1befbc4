//! The program that cargo and the compiler call in place of the compiler and the linker.
//!
//! It is the same executable as the builder's, started again; which of the two it stands in for is
//! told by one environment variable, which is set only for the commands that the builder starts.
//!
//! As compiler it writes down the call and becomes the real compiler, so that it costs one `exec`.
//! As linker it edits the arguments, runs the real linker, and writes down how long that took.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use std::{env, io};

use serde::{Deserialize, Serialize};

use crate::args::RustcArgs;
use crate::link;
use crate::record::{BaseEnvironment, Record, read_json, write_json};

/// Names the mode and its file: `rustc:SESSION` or `link:PLAN`.
pub(crate) const MODE: &str = "LIVESWAP_WRAPPER";

/// What the wrapper needs to know when it stands in for the compiler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    /// Where records go.
    pub units: PathBuf,
    /// The environment that cargo was started with.
    pub base: BaseEnvironment,
    /// The person's own `RUSTC_WRAPPER`, which is called as cargo would have called it.
    pub chain: Option<PathBuf>,
    /// The path under which the host's last call names us as its linker.
    pub linker: PathBuf,
    /// Where the plan of the host's link is written for the linker mode.
    pub host_plan: PathBuf,
    /// Where the linker mode reports on the host's link.
    pub host_report: PathBuf,
    /// The crate at which cargo is stopped: its call is wanted, not its result.
    pub stop_at: Option<StopAt>,
}

/// A crate whose call ends the capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StopAt {
    pub package: String,
    /// Whether no other crate is compiled either: what is not built yet is to be told, not built.
    pub others: bool,
}

/// Stands in for the compiler or the linker when this process was started for that.
///
/// A program that uses the builder calls this first thing in its `main`, before it reads its
/// arguments. Where the process was started by a person, this returns at once; otherwise it does
/// not return.
///
/// ```
/// liveswap_builder::maybe_run_as_wrapper();
/// // the program's own work
/// ```
pub fn maybe_run_as_wrapper() {
    let Some(mode) = env::var_os(MODE) else { return };
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let outcome = match mode.to_str().and_then(|mode| mode.split_once(':')) {
        Some(("rustc", session)) => stand_in_for_compiler(Path::new(session), arguments),
        Some(("link", plan)) => link::stand_in_for_linker(Path::new(plan), arguments),
        _ => Err(io::Error::other(format!("{MODE} has the unknown value {mode:?}"))),
    };
    let code = outcome.unwrap_or_else(|error| {
        // This process is a tool in cargo's hands; its error stream is what cargo shows.
        let _ = io::Write::write_all(
            &mut io::stderr(),
            format!("error: liveswap cannot stand in for this tool: {error}\n").as_bytes(),
        );
        101
    });
    std::process::exit(code);
}

fn stand_in_for_compiler(session: &Path, arguments: Vec<OsString>) -> io::Result<i32> {
    let session: Session = read_json(session)?;
    let mut arguments = arguments.into_iter();
    let compiler = arguments.next().ok_or_else(|| io::Error::other("no compiler was named"))?;
    let arguments: Vec<OsString> = arguments.collect();
    let mut command = match &session.chain {
        Some(chain) => {
            let mut command = Command::new(chain);
            command.arg(&compiler);
            command
        }
        None => Command::new(&compiler),
    };
    command.args(&arguments).env_remove(MODE);

    if let Some(record) = record(&session, compiler, arguments)? {
        if is_stop(&session, &record) {
            return Ok(1);
        }
        if record.args.codegen("linker").map(Path::new) == Some(&session.linker) {
            let configured = last_but_one(record.args.codegens("linker"));
            let plan = link::Plan::for_host(configured, &session.host_report);
            write_json(&session.host_plan, &plan)?;
            command.env(MODE, mode_link(&session.host_plan));
        }
    }
    become_command(command)
}

/// The value of [`MODE`] that makes the wrapper a linker.
pub(crate) fn mode_link(plan: &Path) -> OsString {
    let mut mode = OsString::from("link:");
    mode.push(plan);
    mode
}

/// The value of [`MODE`] that makes the wrapper a compiler.
pub(crate) fn mode_rustc(session: &Path) -> OsString {
    let mut mode = OsString::from("rustc:");
    mode.push(session);
    mode
}

/// Writes down a call that compiles a crate; questions to the compiler are not recorded.
fn record(
    session: &Session,
    compiler: OsString,
    arguments: Vec<OsString>,
) -> io::Result<Option<Record>> {
    let Some(mut arguments) = readable(arguments)? else { return Ok(None) };
    // With a workspace wrapper, cargo names it before the compiler.
    let inner = arguments.first().filter(|first| !first.starts_with('-') && names_compiler(first));
    let (program, workspace_wrapper) = match inner {
        Some(inner) => (PathBuf::from(inner), Some(PathBuf::from(&compiler))),
        None => (PathBuf::from(&compiler), None),
    };
    if workspace_wrapper.is_some() {
        arguments.remove(0);
    }
    let args = RustcArgs::parse(arguments);
    let (Some(stem), Some(_)) = (args.output_stem(), args.out_dir()) else { return Ok(None) };
    let record = Record {
        program,
        workspace_wrapper,
        args,
        cwd: env::current_dir()?,
        env: session.base.changes_in_this_process(),
        started: SystemTime::now(),
        output: None,
    };
    write_json(&Record::path(&session.units, &stem), &record)?;
    Ok(Some(record))
}

fn names_compiler(argument: &str) -> bool {
    let stem = Path::new(argument).file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
    stem.starts_with("rustc") || env::var_os("RUSTC").is_some_and(|it| it == argument)
}

/// The arguments as text, with argument files put in place; `None` when some are not UTF-8.
fn readable(arguments: Vec<OsString>) -> io::Result<Option<Vec<String>>> {
    let mut out = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let Ok(argument) = argument.into_string() else { return Ok(None) };
        match argument.strip_prefix('@') {
            // Cargo writes one argument a line when the command would be too long.
            Some(file) => out.extend(std::fs::read_to_string(file)?.lines().map(str::to_owned)),
            None => out.push(argument),
        }
    }
    Ok(Some(out))
}

fn is_stop(session: &Session, record: &Record) -> bool {
    session.stop_at.as_ref().is_some_and(|stop| {
        let library = record.args.values("--crate-type").any(|kind| kind.ends_with("lib"));
        stop.others || (record.package() == Some(&stop.package) && library)
    })
}

#[cfg(unix)]
fn become_command(mut command: Command) -> io::Result<i32> {
    Err(std::os::unix::process::CommandExt::exec(&mut command))
}

#[cfg(not(unix))]
fn become_command(mut command: Command) -> io::Result<i32> {
    command.status().map(|status| status.code().unwrap_or(101))
}

/// The last value but one: what was configured before our own value was added.
fn last_but_one<'a>(values: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (mut previous, mut last) = (None, None);
    for value in values {
        previous = last.replace(value);
    }
    previous
}
