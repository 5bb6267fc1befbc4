//! `soak --hostile`: many swaps while hot code leaves behind whatever it can, and one artifact in ten is bad.
//!
//! Callers call without pause, start threads of hot code, leave thread-local values with destructors, keep leases, poll and
//! drop futures of hot code, stay inside calls and hold pins, each for some swaps. What is random comes from one seed. The
//! end of every single artifact must be the one that it was made for: a swap of the right class, or a refusal at the right
//! step, after which everything is as before.
//!
//! Memory, descriptors and threads are looked at in two moments of rest, when nothing is under way and one image is
//! left: after a first storm, which fills caches and pools, and after the second one.

use std::fs;
use std::panic;
use std::thread;
use std::time::{Duration, Instant};

use bench_hostile::cargo::{self, Cargo};
use bench_hostile::course::Course;
use bench_hostile::fault;
use fastrand::Rng;
use liveswap::{EditClass, Event, Outcome, Reload, Retirement, State};

use super::callers::{Callers, Holds};
use super::figures::Hostile;
use super::spoil::Fault;
use super::tasks::Tasks;
use super::{Options, stages_left};
use crate::artifact;
use crate::error::Error;
use crate::host::{DEADLINE, Host};
use crate::process::Usage;
use crate::statistics::rounded;

/// Measures.
pub(crate) fn run(options: &Options) -> Result<Hostile, Error> {
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    // Before anything happens: a crash leaves nothing else to begin from.
    eprintln!("liveswap-bench: the same again with --seed {seed}");
    let start = Instant::now();
    silence();
    let quarantine = Duration::from_millis(options.quarantine_ms);
    let host = Host::start_hostile(quarantine, options.scan_memory)?;
    let mut run = Run::new(seed)?;
    let warm_up = (options.swaps / 10).clamp(1, WARM_UP);
    run.storm(&host, warm_up, options.threads)?;
    let before = run.rest(&host, None)?;
    run.storm(&host, options.swaps.saturating_sub(warm_up), options.threads)?;
    let after = run.rest(&host, Some(before))?;
    let images_mapped = host.images_mapped()?.len();
    let Run { course, cargo, figures, .. } = run;
    drop(cargo);
    let (calls, wrong) = course.calls_and_wrong();
    Ok(Hostile {
        seed,
        warm_up,
        wrong,
        calls,
        images_mapped,
        stages_left: stages_left(host)?,
        rss_kib: after.rss_kib,
        rss_growth_kib: after.rss_kib - before.rss_kib,
        fd_growth: after.descriptors - before.descriptors,
        thread_growth: after.threads - before.threads,
        seconds: rounded(start.elapsed().as_secs_f64(), 3),
        ..figures
    })
}

/// Panics that are meant to happen are not shown: a thousand of them are of no use to anybody, and where backtraces are on,
/// their symbols stay in memory.
fn silence() {
    let next = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let meant = panic.payload_as_str().is_some_and(|words| words.contains(fault::MEANT));
        if !meant {
            next(panic);
        }
    }));
}

/// What the first swaps leave in caches and pools is not growth.
const WARM_UP: u32 = 500;

/// One artifact in so many is bad.
const BAD: u32 = 10;

struct Run {
    course: &'static Course,
    rng: Rng,
    cargo: State<Cargo>,
    /// A library that is no artifact.
    other: Vec<u8>,
    current: Version,
    /// How many artifacts were handed in.
    turn: u64,
    figures: Hostile,
}

/// What tells a good version from the others.
#[derive(Debug, Clone, Copy)]
struct Version {
    number: u64,
    layout: u64,
}

impl Run {
    fn new(seed: u64) -> Result<Run, Error> {
        let path = artifact::library("bench-peer")?;
        let other = fs::read(&path).map_err(|source| Error::Built { path, source })?;
        Ok(Run {
            // Threads that nobody joins use it until they end.
            course: Box::leak(Box::default()),
            rng: Rng::with_seed(seed),
            cargo: cargo::load(),
            other,
            current: Version { number: 0, layout: 0 },
            turn: 0,
            figures: Hostile::default(),
        })
    }

    /// Hands in so many artifacts while callers call.
    fn storm(&mut self, host: &Host, artifacts: u32, threads: u32) -> Result<(), Error> {
        self.course.set_turn(self.turn);
        let callers =
            Callers { runtime: host.runtime(), course: self.course, tasks: Tasks::install() };
        let rngs: Vec<Rng> = (0..threads).map(|_| self.rng.fork()).collect();
        thread::scope(|scope| {
            let mut running = Vec::new();
            let started = rngs.into_iter().try_for_each(|rng| {
                running.push(callers.start(scope, rng)?);
                Ok(())
            });
            let ended = started.and_then(|()| (0..artifacts).try_for_each(|_| self.hand_in(host)));
            // Before anything is returned, or the scope would wait for the callers for ever.
            self.course.set_turn(Course::END);
            for caller in running {
                let holds: Holds =
                    caller.join().map_err(|_| Error::Panicked { step: "soak" })??;
                self.figures.holds += holds;
            }
            ended
        })
    }

    /// Hands in one artifact, good or bad, and looks at what becomes of it.
    fn hand_in(&mut self, host: &Host) -> Result<(), Error> {
        self.turn += 1;
        if self.rng.u32(0..BAD) == 0 {
            // Every fault has its turn.
            let fault = Fault::ALL[self.figures.bad as usize % Fault::ALL.len()];
            self.hand_in_bad(host, fault)?;
            self.figures.bad += 1;
        } else {
            self.hand_in_good(host)?;
            self.figures.swaps += 1;
        }
        let found = bench_hostile::version();
        if found != self.current.number {
            let expected = self.current.number;
            return Err(Error::WrongVersion { step: "soak", expected, found });
        }
        match cargo::is_whole(&self.cargo) {
            Ok(true) => {}
            Ok(false) => return Err(state("the cargo is not what it was")),
            Err(error) => return Err(state(&error.to_string())),
        }
        self.figures.images_mapped_most =
            self.figures.images_mapped_most.max(host.images_mapped()?.len());
        self.course.set_turn(self.turn);
        Ok(())
    }

    fn hand_in_good(&mut self, host: &Host) -> Result<(), Error> {
        let migrates = self.rng.u8(0..4) == 0;
        let number = self.turn;
        let layout = if migrates { number } else { self.current.layout };
        self.course.write(number);
        let good = host.artifact().version(&[number, layout, 0]);
        let reload = self.reload(host, &good)?;
        self.course.swap(number);
        self.current = Version { number, layout };
        let class = if migrates { EditClass::Migrates } else { EditClass::Body };
        let expected = || format!("a swap of class `{class}`");
        match &reload.outcome {
            Outcome::Swapped { class: found, .. } if *found == class => Ok(()),
            _ => Err(self.wrong_end("a good artifact", expected(), &reload)),
        }
    }

    fn hand_in_bad(&mut self, host: &Host, fault: Fault) -> Result<(), Error> {
        // Another layout too, or nothing would be carried over.
        let numbers = match fault {
            Fault::Again => [self.current.number, self.current.layout, 0],
            _ => [self.turn, self.turn, fault.number()],
        };
        let good = host.artifact().version(&numbers);
        let bad = fault.spoil(good, &self.other, &mut self.rng);
        let reload = self.reload(host, &bad)?;
        let is_right = match (&reload.outcome, fault.refused_at()) {
            (Outcome::Refused(refusal), Some(step)) => {
                refusal.step == step && !refusal.differences.is_empty()
            }
            (Outcome::Unchanged { .. }, None) => true,
            _ => false,
        };
        if is_right {
            return Ok(());
        }
        let expected = match fault.refused_at() {
            Some(step) => format!("a refusal at `{step}`"),
            None => "`Unchanged`".to_owned(),
        };
        Err(self.wrong_end(&format!("an artifact with the fault {fault:?}"), expected, &reload))
    }

    /// Puts these bytes where the artifact is watched, and waits for the end of the reload.
    fn reload(&mut self, host: &Host, bytes: &[u8]) -> Result<Reload, Error> {
        host.artifact().write_bytes(bytes)?.appear()?;
        let deadline = Instant::now() + DEADLINE;
        while let Some(event) = self.next(host, deadline)? {
            if let Event::Reloaded(reload) = event {
                return Ok(reload);
            }
        }
        let what = format!("end of the reload of artifact {}", self.turn);
        Err(Error::TimedOut { step: "soak", what, within: DEADLINE })
    }

    /// The next event before the deadline.
    fn next(&mut self, host: &Host, deadline: Instant) -> Result<Option<Event>, Error> {
        let left = deadline.saturating_duration_since(Instant::now());
        let event = host.events().next_within(left);
        match &event {
            Some(Event::Retired { outcome: Retirement::Retained { why, .. }, .. }) => {
                self.figures.retained += 1;
                self.figures.retained_because.insert(why.clone());
            }
            Some(Event::Lagged { missed }) => {
                let expected = "every event to be seen".to_owned();
                let found = format!("{missed} were missed");
                return Err(Error::WrongEvent { artifact: self.turn, what: None, expected, found });
            }
            _ => {}
        }
        Ok(event)
    }

    /// Waits until nothing is under way, and one image is left; what this process uses then.
    ///
    /// Threads that have told of their end may not have ended yet, and what is read at the moment is open: with `before`,
    /// both are waited for.
    fn rest(&mut self, host: &Host, before: Option<Usage>) -> Result<Usage, Error> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let under_way = self.course.under_way();
            let images = host.images_mapped()?.len();
            let usage = Usage::now()?;
            let more = |before: Usage| {
                usage.threads > before.threads || usage.descriptors > before.descriptors
            };
            if under_way == 0 && images <= 1 && !before.is_some_and(more) {
                return Ok(usage);
            }
            let now = Instant::now();
            if now > deadline {
                let generations = host.runtime().status()?.generations;
                let words = format!(
                    "{under_way} threads or values are under way, {images} images are mapped, {} threads run, {} descriptors are open; {generations:#?}",
                    usage.threads, usage.descriptors
                );
                return Err(Error::Left { words, within: DEADLINE });
            }
            self.next(host, now + LOOK)?;
        }
    }

    fn wrong_end(&self, what: &str, expected: String, reload: &Reload) -> Error {
        let found = match &reload.outcome {
            Outcome::Refused(refusal) => refusal.to_string(),
            other => format!("{other:?}"),
        };
        Error::WrongEvent { artifact: self.turn, what: Some(what.to_owned()), expected, found }
    }
}

/// Between two looks at what is left, if nothing happens.
const LOOK: Duration = Duration::from_millis(20);

fn state(words: &str) -> Error {
    Error::State { words: words.to_owned() }
}
