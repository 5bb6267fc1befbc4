//! What programs say on the socket, and what is said to them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use liveswap::control::Link;
use liveswap::wire::{FromCli, Hello, Outcome, Reload, Role, Session, Status, ToCli};
use liveswap_builder::Texts;

use super::Run;
use super::builds::Job;
use crate::build::Product;
use crate::error::Error;
use crate::lines::{self, Edit};
use crate::server::Heard;
use crate::sources::Names;

/// How long a program has to answer an artifact.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long a program has to answer a question.
const STATUS_WITHIN: Duration = Duration::from_secs(1);

/// Somebody who is connected.
#[derive(Debug)]
pub(super) struct Peer {
    hello: Hello,
    link: Link,
}

impl Peer {
    pub(super) fn is_program(&self) -> bool {
        matches!(self.hello.role, Role::Program { .. })
    }

    pub(super) fn is_connected(&self) -> bool {
        self.link.is_open()
    }

    pub(super) fn pid(&self) -> u32 {
        self.hello.pid
    }

    pub(super) fn tell(&self, message: &FromCli) {
        self.link.send(message);
    }

    /// Whether this peer shows a person what it hears, on a terminal of its own.
    pub(super) fn is_drawing(&self) -> bool {
        matches!(self.hello.role, Role::Program { owns_terminal: true, .. }) && self.link.is_open()
    }
}

/// A build that programs have not answered yet.
#[derive(Debug)]
pub(super) struct Awaiting {
    artifacts: Vec<Product>,
    /// What each of them was made of.
    sources: Vec<Texts>,
    edit: Edit,
    since: Instant,
    pub(super) deadline: Instant,
}

impl Awaiting {
    pub(super) fn new(
        artifacts: Vec<Product>,
        sources: Vec<Texts>,
        edit: Edit,
        since: Instant,
    ) -> Self {
        let deadline = Instant::now() + ANSWER_WITHIN;
        Awaiting { artifacts, sources, edit, since, deadline }
    }

    fn warnings(&self) -> usize {
        self.artifacts.iter().map(|product| product.outcome.warnings).sum()
    }

    fn is_about(&self, reload: &Reload) -> bool {
        self.artifacts.iter().any(|product| answers(reload, product))
    }

    /// Takes out the artifact that `reload` answers.
    fn take(&mut self, reload: &Reload, at: Instant) -> Option<(Edit, Texts)> {
        let index = self.artifacts.iter().position(|product| answers(reload, product))?;
        self.artifacts.remove(index);
        let total = at.saturating_duration_since(self.since);
        Some((Edit { total, ..self.edit.clone() }, self.sources.remove(index)))
    }
}

/// An answer without a digest, because the artifact was not read, is about the newest one.
fn answers(reload: &Reload, product: &Product) -> bool {
    product.hot_crate == reload.hot_crate
        && reload.digest.as_ref().is_none_or(|digest| *digest == product.digest)
}

/// A question of an observer that the programs have not all answered.
#[derive(Debug)]
pub(super) struct Inquiry {
    observer: u64,
    waiting: BTreeSet<u64>,
    status: Vec<Status>,
    pub(super) deadline: Instant,
}

impl Run {
    /// Takes in what was heard on the socket.
    pub(super) fn heard(&mut self, heard: Heard, now: Instant) -> Result<(), Error> {
        match heard {
            Heard::Joined { id, hello, link } => self.joined(id, hello, link, now),
            Heard::Said { id, message } => self.said(id, message)?,
            Heard::Left { id, why } => {
                if let Some(peer) = self.peers.remove(&id) {
                    self.reporter.note(&format!("process {} left: {why}", peer.hello.pid));
                }
                for inquiry in &mut self.inquiries {
                    inquiry.waiting.remove(&id);
                }
                self.inquiries.retain(|inquiry| inquiry.observer != id);
                self.answers_no_more(id);
            }
            Heard::TurnedAway { why } => {
                self.say(&lines::notable("turned away", &format!("somebody at the socket: {why}")));
            }
        }
        self.answer_inquiries(now);
        Ok(())
    }

    fn joined(&mut self, id: u64, hello: Hello, link: Link, now: Instant) {
        self.reporter.note(&format!("process {} joined: {:?}", hello.pid, hello.role));
        let is_observer = hello.role == Role::Observer;
        let peer = Peer { hello, link };
        let is_program = peer.is_program();
        self.peers.insert(id, peer);
        if is_program {
            self.life.joined();
            self.ask_late(id, now);
        }
        if is_observer {
            self.tell_programs(&FromCli::AskStatus);
            let programs = self.peers.iter().filter(|(_, peer)| peer.is_program());
            self.inquiries.push(Inquiry {
                observer: id,
                waiting: programs.map(|(id, _)| *id).collect(),
                status: Vec::new(),
                deadline: now + STATUS_WITHIN,
            });
        }
    }

    fn said(&mut self, id: u64, message: ToCli) -> Result<(), Error> {
        match message {
            ToCli::Reloaded(reload) => {
                let now = Instant::now();
                let awaited =
                    self.awaiting.as_mut().is_some_and(|awaiting| awaiting.is_about(&reload));
                if !awaited && self.building.is_some() {
                    self.early.push((reload, now));
                } else {
                    return self.reloaded(&reload, now);
                }
            }
            ToCli::Status(status) => {
                for inquiry in &mut self.inquiries {
                    if inquiry.waiting.remove(&id) {
                        inquiry.status.push(status.clone());
                    }
                }
            }
            ToCli::Draining { generation, holders } => self
                .reporter
                .note(&format!("generation {generation} is still held by {}", holders.join("; "))),
            ToCli::Retired { generation, retained: None, .. } => {
                self.reporter.note(&format!("generation {generation} was unloaded"));
            }
            ToCli::Retired { generation, retained: Some(why), bytes } => {
                self.reporter.note(&format!(
                    "generation {generation} is retained ({} KiB): {why}",
                    bytes / 1024
                ));
            }
            ToCli::Panicked { message, location } => {
                self.say(&lines::bad("panicked", &format!("{message}, at {location}")));
            }
            ToCli::StatesSaved { saved, failed } => self.states_saved(id, saved, failed),
            ToCli::StateNotUsed { text } => self.say(&lines::notable("state not used", &text)),
            ToCli::Watching { method } => self.reporter.note(&format!("artifacts: {method}")),
            ToCli::Lagged { missed } => {
                self.reporter.note(&format!("{missed} words of the program were lost"));
            }
            // A second hello says nothing new, and what is not known was not asked for.
            _ => {}
        }
        Ok(())
    }

    /// Takes up the answers that came before what they answer was known.
    pub(super) fn take_early_answers(&mut self) -> Result<(), Error> {
        for (reload, at) in std::mem::take(&mut self.early) {
            self.reloaded(&reload, at)?;
        }
        Ok(())
    }

    /// Tells of answers to a build of `what` that came to nothing, or was overtaken before it said that it had ended.
    pub(super) fn tell_early_answers(&mut self, what: &Names) {
        let what = what.list();
        for (reload, _) in std::mem::take(&mut self.early) {
            self.say(&lines::reloaded_early(&reload, &what));
        }
    }

    fn reloaded(&mut self, reload: &Reload, at: Instant) -> Result<(), Error> {
        let warnings = self.awaiting.as_ref().map_or(0, Awaiting::warnings);
        let taken = self.awaiting.as_mut().and_then(|awaiting| awaiting.take(reload, at));
        let (edit, sources) = taken.unzip();
        self.awaiting.take_if(|awaiting| awaiting.artifacts.is_empty());
        let mut text = lines::reloaded(reload, edit.as_ref());
        if edit.is_some() {
            text.push_str(&lines::warnings(warnings));
        }
        self.say(&text);
        let is_live = matches!(reload.outcome, Outcome::Swapped { .. } | Outcome::Unchanged { .. });
        if let Some(sources) = sources.filter(|_| is_live) {
            self.tell_unseen(&reload.hot_crate, &sources);
        }
        if let Some(edit) = &edit {
            let steps = edit.steps(reload);
            self.reporter.note(&lines::steps(&steps));
            self.last_edit = Some(steps);
        }
        if let (Some(edit), Outcome::Refused { step, differences }) = (edit, &reload.outcome)
            && ["verify", "check"].contains(&step.as_str())
            && self.building.is_none()
        {
            let item = differences.first().map_or("it", |difference| difference.item.as_str());
            let why = format!("{} cannot be swapped in, because of {item}", edit.what);
            if self.no_restart {
                let text = format!("{why}; the program goes on as it was (--no-restart was given)");
                self.say(&lines::notable("restart needed", &text));
                return Ok(());
            }
            self.say(&lines::notable("restart needed", &format!("{why}; building it anew")));
            return self.build(Job { what: Names::of(edit.what), ..Job::program(Some(why)) });
        }
        Ok(())
    }

    /// Ends the waiting for answers that should have come.
    pub(super) fn give_up_waiting(&mut self, now: Instant) {
        // Nobody who could answer is no reason to wait.
        let nobody = !self.peers.values().any(Peer::is_program);
        let over = |awaiting: &mut Awaiting| nobody || awaiting.deadline <= now;
        if let Some(awaiting) = self.awaiting.take_if(over) {
            let why = if !self.life.is_running() {
                "the program does not run".to_owned()
            } else if nobody {
                "the program has no runtime that says what it does with it".to_owned()
            } else {
                format!("the program did not answer within {} s", ANSWER_WITHIN.as_secs())
            };
            let text =
                lines::unanswered(&awaiting.edit, &why) + &lines::warnings(awaiting.warnings());
            self.say(&text);
        }
        self.answer_inquiries(now);
    }

    fn answer_inquiries(&mut self, now: Instant) {
        let mut index = 0;
        while index < self.inquiries.len() {
            let inquiry = &self.inquiries[index];
            if inquiry.waiting.is_empty() || inquiry.deadline <= now {
                let inquiry = self.inquiries.remove(index);
                let session = self.session_status(inquiry.status);
                if let Some(peer) = self.peers.get(&inquiry.observer) {
                    peer.link.send(&FromCli::Session(Box::new(session)));
                }
            } else {
                index += 1;
            }
        }
    }

    fn session_status(&self, status: Vec<Status>) -> Session {
        let project = &self.project;
        Session {
            pid: std::process::id(),
            host: project.host.name.clone(),
            hot: project.hot.iter().map(|hot| hot.package.clone()).collect(),
            artifact_directory: self.artifact_directories().to_string_lossy().into_owned(),
            builds: self.builds,
            last_build: self.last_build.clone(),
            program: self.life.pid(),
            restarts: self.life.restarts(),
            log: self.reporter.path().display().to_string(),
            last_edit: self.last_edit.clone(),
            status,
        }
    }

    /// Says something to every program.
    pub(super) fn tell_programs(&self, message: &FromCli) {
        for peer in self.peers.values().filter(|peer| peer.is_program()) {
            peer.link.send(message);
        }
    }

    /// Says to every program what would stand on the terminal.
    pub(super) fn tell_line(&self, text: &str) {
        for line in anstream::adapter::strip_str(text).to_string().lines() {
            self.tell_programs(&FromCli::Line { text: line.to_owned() });
        }
    }
}
