//! The program's life: its start, its terminal, its end, and whether it is started again.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use liveswap::STATE_DIR;
use liveswap::locate::ARTIFACT_DIR;
use liveswap::wire::{ENV_ADDRESS, ENV_TOKEN, FromCli};

use super::Run;
use super::builds::Job;
use crate::backoff::{Backoff, End, Next};
use crate::error::Error;
use crate::group::Tell;
use crate::lines;
use crate::program::{Fate, Launch, News, Program};
use crate::server::Server;
use crate::session::{self, SessionFile};
use crate::signals;
use crate::states::States;

/// How long a program that is told to end has to tidy up.
const GRACE: Duration = Duration::from_secs(5);

/// How soon after its start a program connects, if it ever does.
const JOINS_WITHIN: Duration = Duration::from_secs(10);

/// The program and what is to become of it.
#[derive(Debug, Default)]
pub(super) struct Life {
    program: Option<Program>,
    backoff: Backoff,
    restarts: u64,
    /// It has connected since it was started.
    has_joined: bool,
    /// It was given the terminal.
    has_terminal: bool,
    /// It was told to end, to be started anew for this reason.
    restarting: Option<String>,
    /// It is ended by force then.
    kill_at: Option<Instant>,
    /// It is built and started again then.
    start_at: Option<Instant>,
    /// It is started as soon as it is built.
    wanted: bool,
    /// The file that was started.
    image: Option<Image>,
}

/// A file, told from others that are put in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Image {
    len: u64,
    modified: SystemTime,
}

impl Image {
    fn of(path: &Path) -> Option<Image> {
        let metadata = fs::metadata(path).ok()?;
        Some(Image { len: metadata.len(), modified: metadata.modified().ok()? })
    }
}

/// Everything is to end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending;

impl Life {
    pub(super) fn is_running(&self) -> bool {
        self.program.is_some()
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.program.as_ref().map(Program::pid)
    }

    pub(super) fn restarts(&self) -> u64 {
        self.restarts
    }

    /// The program has connected.
    pub(super) fn joined(&mut self) {
        self.has_joined = true;
    }

    /// Whether the program has not connected, but was only just started.
    pub(super) fn may_join(&self) -> bool {
        let is_young = |program: &Program| program.started.elapsed() < JOINS_WITHIN;
        !self.has_joined && self.program.as_ref().is_some_and(is_young)
    }

    /// When [`Run::hurry`] has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        [self.kill_at, self.start_at].into_iter().flatten().min()
    }

    /// Whether it is to be started as soon as there is something to start.
    pub(super) fn wants_start(&self) -> bool {
        self.wanted || self.start_at.is_some()
    }

    /// Whether this file is the one that was started.
    pub(super) fn is_the_same(&self, executable: &Path) -> bool {
        self.image.is_some() && self.image == Image::of(executable)
    }

    /// New code was built.
    pub(super) fn forgive(&mut self) {
        self.backoff.forgive();
    }
}

impl Run {
    /// Builds the program, and starts it then.
    fn build_and_start(&mut self) -> Result<(), Error> {
        self.life.wanted = true;
        self.build(Job::program(None))
    }

    /// Starts what was built before, because its sources do not compile now.
    pub(super) fn start_what_is_there(&mut self) -> Result<(), Error> {
        let on_disk = self.products.as_ref().and_then(|products| products.host.as_ref());
        if !on_disk.is_some_and(|host| host.path.exists()) {
            // The next save is another try.
            return Ok(());
        }
        self.say(&lines::notable("started", "the program as it was built before"));
        self.start_program()
    }

    /// Starts what was built.
    pub(super) fn start_program(&mut self) -> Result<(), Error> {
        self.settle_in_anew()?;
        let Some(launch) = self.launch() else { return Ok(()) };
        self.life.wanted = false;
        self.life.image = Image::of(&launch.executable);
        let program = Program::start(&launch, self.senders.news.clone())?;
        let path = launch.executable.display();
        self.reporter.note(&format!("started {path} as process {}", program.pid()));
        self.life.program = Some(program);
        self.life.has_joined = false;
        self.life.has_terminal = false;
        if self.terminal.is_ours() {
            self.hand_over();
        }
        Ok(())
    }

    /// Makes the socket, the log and the states' directory anew where the target directory was removed with them. Who is
    /// connected stays so.
    pub(super) fn settle_in_anew(&mut self) -> Result<(), Error> {
        self.reporter.reopen()?;
        if self.states.is_gone() {
            let (own, host) = (self.project.own_directory(), &self.project.host.name);
            self.states = States::claim(&own, host, true)?;
        }
        if self.server.address().exists() {
            return Ok(());
        }
        let directory = session::directory(&self.project.own_directory());
        self.server = Server::start(&directory, self.senders.heard.clone())?;
        self.session = SessionFile::write(&directory, &self.server)?;
        Ok(())
    }

    fn launch(&self) -> Option<Launch> {
        let host = self.products.as_ref()?.host.clone()?;
        let executable = host.path;
        let artifacts = self.artifact_directories();
        let mut environment: Vec<_> = self
            .project
            .host
            .environment
            .iter()
            .map(|(name, value)| (name.clone(), value.into()))
            .collect();
        environment.extend([
            (ARTIFACT_DIR.to_owned(), artifacts),
            (STATE_DIR.to_owned(), self.states.directory().into()),
            (ENV_ADDRESS.to_owned(), self.server.address().into()),
            (ENV_TOKEN.to_owned(), self.server.token().into()),
        ]);
        let mut library_paths = host.library_paths;
        if let Some(directory) = executable.parent() {
            library_paths.extend([directory.to_owned(), directory.join("deps")]);
        }
        library_paths.extend(self.standard_library.clone());
        Some(Launch { executable, args: self.args.clone(), environment, library_paths })
    }

    /// Ends the program to start it anew, and says why; it may save its states first.
    pub(super) fn restart(&mut self, why: String) -> Result<(), Error> {
        self.awaiting = None;
        let Some(pid) = self.life.pid() else { return self.start_program() };
        self.tell_programs(&FromCli::Restarting { why: why.clone() });
        self.reporter.note(&format!("process {pid} is told to end: {why}"));
        let is_ending = self.life.restarting.replace(why).is_some();
        if !is_ending && !self.ask_to_save(Tell::Terminate, Instant::now()) {
            self.tell_to_end(Tell::Terminate);
        }
        Ok(())
    }

    /// Tells the program to end, and ends it by force if it does not.
    pub(super) fn tell_to_end(&mut self, how: Tell) {
        if let Some(program) = &mut self.life.program {
            program.tell(how);
            self.life.kill_at.get_or_insert(Instant::now() + GRACE);
        }
    }

    /// A signal asks for the end of everything; the exit code if nothing is left to wait for.
    pub(super) fn end(&mut self, signal: i32, now: Instant) -> Option<u8> {
        self.building = None;
        let again = self.ending.replace(Ending).is_some();
        if !self.life.is_running() {
            return Some(End::Signal(signal).code());
        }
        let how = match (again, signal == signal_hook::consts::SIGINT) {
            (true, _) => Tell::Kill,
            (false, true) => Tell::Interrupt,
            (false, false) => Tell::Terminate,
        };
        if again || !self.ask_to_save(how, now) {
            self.saving = None;
            self.tell_to_end(how);
        }
        None
    }

    /// Does what has waited for its time.
    pub(super) fn hurry(&mut self, now: Instant) -> Result<(), Error> {
        if self.life.kill_at.take_if(|at| *at <= now).is_some()
            && let Some(program) = &mut self.life.program
        {
            program.tell(Tell::Kill);
            let text = format!("the program did not end within {} s", GRACE.as_secs());
            self.say(&lines::notable("killed", &text));
        }
        if self.life.start_at.take_if(|at| *at <= now).is_some() {
            self.build_and_start()?;
        }
        Ok(())
    }

    /// Takes in what happened to the program; the exit code if that is the end of everything.
    pub(super) fn news(&mut self, news: News, now: Instant) -> Result<Option<u8>, Error> {
        if self.life.pid() != Some(news.pid) {
            return Ok(None);
        }
        match news.fate {
            Fate::WantsTerminal => {
                self.hand_over();
                Ok(None)
            }
            Fate::Suspended => {
                if self.life.has_terminal {
                    self.terminal.take();
                    signals::stop_here();
                    self.hand_over();
                }
                Ok(None)
            }
            Fate::Stopped => Ok(None),
            Fate::Ended => self.ended(now),
        }
    }

    /// Gives the terminal to the program, waiting for this process to have it if need be.
    fn hand_over(&mut self) {
        let Some(program) = &mut self.life.program else { return };
        if !self.terminal.is_there() {
            return;
        }
        while !self.terminal.is_ours_or_of(program.group()) {
            // In the background of a shell: this whole job waits to be put in front.
            signals::stop_here();
        }
        self.terminal.give(program.group());
        self.life.has_terminal = true;
        program.tell(Tell::Continue);
    }

    /// This process was asked to stop: the program stops with it, and goes on with it.
    pub(super) fn suspend(&mut self) {
        if let Some(program) = &mut self.life.program {
            program.tell(Tell::Stop);
        }
        signals::stop_here();
        if let Some(program) = &mut self.life.program {
            program.tell(Tell::Continue);
        }
    }

    fn ended(&mut self, now: Instant) -> Result<Option<u8>, Error> {
        let Some(mut program) = self.life.program.take() else { return Ok(None) };
        let lived = program.started.elapsed();
        let end = End::of(program.collect());
        self.life.kill_at = None;
        self.saving = None;
        let kept = std::mem::take(&mut self.kept);
        if std::mem::take(&mut self.life.has_terminal) {
            self.terminal.take();
        }
        self.terminal.restore();
        let name = self.project.host.name.clone();
        let seconds = format!("after {:.1} s", lived.as_secs_f64());
        self.reporter.note(&format!("{name} {end} {seconds}"));
        for problem in kept.problems() {
            // Who does not keep states has no loss at the end.
            match self.ending.is_some() && !self.keep_state {
                true => self.reporter.note(&problem),
                false => self.say(&problem),
            }
        }
        if self.ending.is_some() {
            return Ok(Some(end.code()));
        }
        if let Some(why) = self.life.restarting.take() {
            self.life.restarts += 1;
            self.say(&lines::notable("restarted", &(why + &kept.words())));
            self.start_program()?;
            return Ok(None);
        }
        match self.life.backoff.next(end, lived) {
            Next::Exit(0) => Ok(Some(0)),
            Next::Exit(code) => {
                self.say(&lines::notable("ended", &format!("{name} {end} {seconds}")));
                Ok(Some(code))
            }
            Next::Restart(wait) => {
                self.life.restarts += 1;
                let states = match self.states.has_any() {
                    true => ", with its states as they were saved last",
                    false => "",
                };
                let text = format!("{name} {end} {seconds}; it is started again{states}");
                self.say(&lines::bad("crashed", &text));
                self.life.start_at = Some(now + wait);
                Ok(None)
            }
            Next::GiveUp(code, times) => {
                let text = format!(
                    "{name} {end} {seconds}, {times} times in a row; it is not started again. What \
                     happened stands in {}",
                    self.reporter.path().display()
                );
                self.say(&lines::bad("crashed", &text));
                Ok(Some(code))
            }
        }
    }
}
