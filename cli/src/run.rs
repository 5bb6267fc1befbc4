//! The loop: one thread that hears of saves, builds, answers, the program's fate and signals, and
//! does what follows from each.

mod answers;
mod builds;
mod life;
mod states;
mod unseen;
mod words;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, after, never, select, unbounded};
use liveswap::watch::{Notice, Watcher};
use liveswap::wire::{Reload, Steps};
use liveswap_builder::{BuildEvent, KindPolicy, NotShared};

use self::answers::{Awaiting, Inquiry, Peer};
use self::builds::{Current, Job};
use self::life::{Ending, Life};
use self::states::{Kept, Saving};
use self::unseen::Unseen;
use crate::args;
use crate::build::Products;
use crate::builders::Builders;
use crate::cargo;
use crate::error::Error;
use crate::lines;
use crate::project::Project;
use crate::report::{self, Reporter};
use crate::saves::Saves;
use crate::server::{Heard, Server};
use crate::session::{self, SessionFile};
use crate::signals::{self, Asked};
use crate::sources::Sources;
use crate::states::States;
use crate::terminal::Terminal;

/// Everything that wakes the loop.
#[derive(Debug)]
enum Event {
    Asked(Asked),
    Noticed(Notice),
    Builds(Box<BuildEvent>),
    BuildEnded,
    Program(crate::program::News),
    Heard(Box<Heard>),
    Due,
}

/// The state of the loop.
struct Run {
    what: args::What,
    project: Project,
    builders: Builders,
    args: Vec<OsString>,
    no_restart: bool,
    keep_state: bool,
    terminal: Terminal,
    reporter: Reporter,

    server: Server,
    session: SessionFile,
    peers: HashMap<u64, Peer>,
    inquiries: Vec<Inquiry>,
    awaiting: Option<Awaiting>,
    /// Answers that came while a build ran, with when: they may be about what it makes.
    early: Vec<(Reload, Instant)>,

    sources: Sources,
    unseen: Unseen,
    saves: Saves,
    watcher: Option<Watcher>,
    building: Option<Current>,
    builds: u64,
    last_build: Option<String>,
    last_edit: Option<Steps>,
    products: Option<Products>,
    /// Why artifacts are not shared, as it was said last.
    not_shared: Option<NotShared>,
    /// Where the program finds a dynamic standard library.
    standard_library: Option<PathBuf>,

    life: Life,
    ending: Option<Ending>,
    states: States,
    saving: Option<Saving>,
    kept: Kept,

    senders: Senders,
    receivers: Receivers,
}

struct Senders {
    notices: Sender<Notice>,
    news: Sender<crate::program::News>,
    heard: Sender<Heard>,
}

struct Receivers {
    asked: Receiver<Asked>,
    notices: Receiver<Notice>,
    news: Receiver<crate::program::News>,
    heard: Receiver<Heard>,
}

/// Builds and starts the program, and stays with it until it ends; returns the exit code.
///
/// # Errors
///
/// What was asked for cannot be built or started.
pub(crate) fn run(args: args::Run) -> Result<u8, Error> {
    let terminal = Terminal::open();
    let (_listening, asked) = signals::listen()?;
    let project = Project::load(&args.what)?;
    let own = project.own_directory();
    let directory = session::directory(&own);
    let reporter = Reporter::start(&own)?;
    let (heard_sender, heard) = unbounded();
    let server = Server::start(&directory, heard_sender.clone())?;
    let session = SessionFile::write(&directory, &server)?;
    let (notice_sender, notices) = unbounded();
    let (news_sender, news) = unbounded();
    let states = States::claim(&own, &project.host.name, args.keep_state)?;
    let standard_library = cargo::standard_library(&args.what);
    let kind = if args.standalone { KindPolicy::Standalone } else { KindPolicy::Auto };
    let builders = Builders::open(&project, &args.what, kind, report::wants_color())?;
    let mut run = Run {
        what: args.what,
        project,
        builders,
        args: args.args,
        no_restart: args.no_restart,
        keep_state: args.keep_state,
        terminal,
        reporter,
        server,
        session,
        peers: HashMap::new(),
        inquiries: Vec::new(),
        awaiting: None,
        early: Vec::new(),
        sources: Sources::default(),
        unseen: Unseen::default(),
        saves: Saves::default(),
        watcher: None,
        building: None,
        builds: 0,
        last_build: None,
        last_edit: None,
        products: None,
        not_shared: None,
        standard_library,
        life: Life::default(),
        ending: None,
        states,
        saving: None,
        kept: Kept::default(),
        senders: Senders { notices: notice_sender, news: news_sender, heard: heard_sender },
        receivers: Receivers { asked, notices, news, heard },
    };
    if run.keep_state && run.states.is_spare() {
        let text = "another session runs this program, so its states are not those that are kept";
        run.say(&lines::notable("--keep-state", text));
    }
    run.build(Job::program(None))?;
    loop {
        let event = run.wait();
        if let Some(code) = run.handle(event)? {
            return Ok(code);
        }
    }
}

impl Run {
    fn handle(&mut self, event: Event) -> Result<Option<u8>, Error> {
        let now = Instant::now();
        match event {
            Event::Asked(Asked::End(signal)) => return Ok(self.end(signal, now)),
            Event::Asked(Asked::Suspend) => self.suspend(),
            Event::Noticed(notice) => self.saves.note(notice, now),
            Event::Builds(event) => self.building_says(*event),
            Event::BuildEnded => self.building_ended()?,
            Event::Program(news) => return self.news(news, now),
            Event::Heard(heard) => self.heard(*heard, now)?,
            Event::Due => {}
        }
        if let Some(batch) = self.saves.take(now) {
            self.saved(&batch)?;
        }
        self.give_up_saving(now);
        self.hurry(now)?;
        self.give_up_waiting(now);
        Ok(None)
    }

    fn wait(&self) -> Event {
        let due = [
            self.saves.due(),
            self.life.due(),
            self.saving.as_ref().map(|saving| saving.deadline),
            self.awaiting.as_ref().map(|awaiting| awaiting.deadline),
            self.inquiries.iter().map(|inquiry| inquiry.deadline).min(),
        ];
        let timer = match due.into_iter().flatten().min() {
            Some(due) => after(due.saturating_duration_since(Instant::now())),
            None => never(),
        };
        let Receivers { asked, notices, news, heard } = &self.receivers;
        let nothing = never();
        let building = self.building.as_ref().and_then(Current::events).unwrap_or(&nothing);
        // Only a build closes its channel, and that is its end: no other sender is dropped before the
        // loop ends.
        select! {
            recv(asked) -> it => it.map_or(Event::Due, Event::Asked),
            recv(notices) -> it => it.map_or(Event::Due, Event::Noticed),
            recv(building) -> it => it.map_or(Event::BuildEnded, |it| Event::Builds(Box::new(it))),
            recv(news) -> it => it.map_or(Event::Due, Event::Program),
            recv(heard) -> it => it.map_or(Event::Due, |it| Event::Heard(Box::new(it))),
            recv(timer) -> _ => Event::Due,
        }
    }

    /// Tells a person: in the log, and on the terminal or, while the program has that, through it.
    fn say(&mut self, text: &str) {
        self.reporter.note(text);
        if self.is_quiet() {
            self.tell_line(text);
        } else {
            report::print(text);
        }
    }

    /// Whether the terminal belongs to the program.
    fn is_quiet(&self) -> bool {
        self.life.is_running()
            && (self.terminal.is_raw() || self.peers.values().any(Peer::is_drawing))
    }
}
