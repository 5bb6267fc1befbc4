//! How a build and a swap ended, with the assertions that tests make about them.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use liveswap::event::Difference;
use liveswap::{Refusal, Reload, Step};
use liveswap_builder::Diagnostic;

/// An artifact that a lab built, or had built before.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Built {
    /// The artifact; later builds leave it as it is.
    pub artifact: PathBuf,
    /// The blake3 hash of its bytes, in hexadecimal digits.
    pub digest: String,
    /// Whether it was built before, in this run of the tests or another, and no compiler ran.
    pub cached: bool,
    /// How long it took.
    pub took: Duration,
    /// What the builder says of its work; nothing if no compiler ran.
    pub builder: Option<liveswap_builder::Outcome>,
}

/// A swap that a test asked for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Swap {
    /// The generation that is current now.
    pub generation: u64,
    /// Hot functions that no generation had before.
    pub added: Vec<String>,
    /// The artifact it came from.
    pub built: Built,
    /// The runtime's own answer, with the time of each step.
    pub reload: Reload,
    /// From the call of [`Lab::swap`](crate::Lab::swap) until the answer.
    pub took: Duration,
}

/// An artifact that the runtime refused, as a test wants to look at it.
#[derive(Clone, PartialEq, Eq)]
pub struct Refused {
    refusal: Refusal,
}

impl Refused {
    pub(crate) fn new(refusal: Refusal) -> Self {
        Self { refusal }
    }

    /// Asserts that the refusal names this item, or a part of it: a function, a type, a place.
    ///
    /// # Panics
    ///
    /// If it does not; the message is the whole refusal.
    #[track_caller]
    #[allow(clippy::must_use_candidate, reason = "the assertion is all that is wanted of it")]
    pub fn naming(&self, item: &str) -> &Self {
        let named = self.differences().iter().any(|it| it.to_string().contains(item));
        assert!(named, "`{item}` is not named: {self}");
        self
    }

    /// Asserts the step that refused.
    ///
    /// # Panics
    ///
    /// If it was another; the message is the whole refusal.
    #[track_caller]
    #[allow(clippy::must_use_candidate, reason = "the assertion is all that is wanted of it")]
    pub fn at(&self, step: Step) -> &Self {
        assert!(self.refusal.step == step, "not refused at {step}: {self}");
        self
    }

    /// The step that refused.
    #[must_use]
    pub fn step(&self) -> Step {
        self.refusal.step
    }

    /// Every difference, with both values and what to do.
    #[must_use]
    pub fn differences(&self) -> &[Difference] {
        &self.refusal.differences
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

/// Sources that do not compile or link, with what the tools said.
#[derive(Clone, PartialEq)]
pub struct BuildFailure {
    summary: String,
    diagnostics: Vec<Diagnostic>,
    output: String,
}

impl BuildFailure {
    pub(crate) fn new(error: &liveswap_builder::Error, words: String) -> Self {
        let diagnostics = error.diagnostics().to_vec();
        let rendered = diagnostics.iter().map(|found| found.rendered.as_str());
        let output = rendered.chain([words.as_str()]).collect::<Vec<_>>().join("\n");
        Self { summary: error.to_string(), diagnostics, output }
    }

    /// Asserts that this text stands in what the tools said: a function, a file, a code such as `E0308`.
    ///
    /// # Panics
    ///
    /// If it does not; the message is everything that they said.
    #[track_caller]
    #[allow(clippy::must_use_candidate, reason = "the assertion is all that is wanted of it")]
    pub fn naming(&self, text: &str) -> &Self {
        assert!(self.to_string().contains(text), "`{text}` is not named: {self}");
        self
    }

    /// What the compiler reported.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Everything the tools said, as they say it to people.
    #[must_use]
    pub fn output(&self) -> &str {
        &self.output
    }
}

impl fmt::Display for BuildFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n\n{}", self.summary, self.output.trim_end())
    }
}

impl fmt::Debug for BuildFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Built {
    pub(crate) fn kept(artifact: PathBuf, digest: String, took: Duration) -> Self {
        Self { artifact, digest, cached: true, took, builder: None }
    }
}
