//! What the program of these tests can be asked, in its own words.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;

use liveswap_testkit::process::{Ended, Process, directories};

use super::Version;
use super::workbench::Program;

/// The program in a process of its own.
pub(crate) struct Host {
    process: Process,
    stages: PathBuf,
}

impl Deref for Host {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Host {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

impl Host {
    pub(super) fn spawn(program: Program) -> Host {
        let Program { command, stages, stderr } = program;
        Host { process: Process::spawn(command, stderr).unwrap(), stages }
    }

    /// Calls a hot function on the main thread; the result in words.
    #[track_caller]
    pub(crate) fn call(&mut self, words: &[&str]) -> String {
        self.ask(&[&["call"], words].concat())
    }

    /// Calls a hot function on a worker and waits for the result.
    #[track_caller]
    pub(crate) fn call_on(&mut self, worker: &str, words: &[&str]) -> String {
        self.ask(&[&["on", worker, "call"], words].concat())
    }

    /// Has a new worker begin a call that lasts until the signal of that name is opened.
    #[track_caller]
    pub(crate) fn begin_call(&mut self, worker: &str, words: &[&str]) {
        self.ask(&["worker", worker]);
        self.ask(&[&["begin", worker, "call"], words].concat());
    }

    /// Waits for an event that has all these parts; each event is found once.
    #[track_caller]
    pub(crate) fn event(&mut self, parts: &[&str]) -> String {
        self.ask(&[&["wait-event"], parts].concat())
    }

    /// How many events with these parts there were.
    #[track_caller]
    pub(crate) fn events(&mut self, parts: &[&str]) -> usize {
        self.ask(&[&["count-events"], parts].concat()).parse().unwrap()
    }

    /// Waits until `generation` was swapped in.
    #[track_caller]
    pub(crate) fn swapped(&mut self, generation: u64) -> String {
        self.event(&[&format!("swapped generation={generation} ")])
    }

    /// Waits until `generation` was unloaded.
    #[track_caller]
    pub(crate) fn unloaded(&mut self, generation: u64) {
        self.event(&[&format!("retired generation={generation} unloaded")]);
    }

    /// Asserts that calls go to this version, in more than one module.
    #[track_caller]
    pub(crate) fn runs(&mut self, version: u32) {
        assert_eq!(self.call(&["version"]), version.to_string());
        assert_eq!(self.call(&["depth"]), format!("deep::inner v{version}"));
    }

    /// The directories of this program's stages and of others that share its root.
    pub(crate) fn stage_directories(&self) -> Vec<PathBuf> {
        directories(&self.stages)
    }

    /// Ends the program as one does that returns from its main function, and asserts that nothing is left of it.
    #[track_caller]
    pub(crate) fn finish(self) {
        self.finish_beside(0);
    }

    /// The same, with this many other programs that have stages in the same place.
    #[track_caller]
    pub(crate) fn finish_beside(mut self, others: usize) {
        self.send(&["return"]);
        assert_eq!(self.wait(), Ended::With(0));
        let left = self.stage_directories();
        assert_eq!(left.len(), others, "stages are left: {left:?}");
    }

    /// Ends the program as `kill -9` does.
    pub(crate) fn kill(self) -> Ended {
        self.process.kill()
    }
}

/// Swaps `version` in as `generation`, and asserts that it is.
#[track_caller]
pub(crate) fn swap(
    bench: &super::Workbench,
    host: &mut Host,
    version: &Version,
    generation: u64,
) -> String {
    bench.install(version);
    host.swapped(generation)
}
