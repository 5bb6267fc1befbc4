//! Those that are compared: how each is set up, and what one edit is to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use liveswap::wire;

use crate::edit_to_live::capture::Call;
use crate::edit_to_live::child::{BUILT_WITHIN, Child, EDITED_WITHIN};
use crate::edit_to_live::hosts::Texts;
use crate::edit_to_live::hot_crate::HotCrate;
use crate::edit_to_live::listen::{Listener, VARIABLE};
use crate::edit_to_live::programs::on_path;
use crate::edit_to_live::steps::Steps;
use crate::edit_to_live::workspace::{Workspace, file};
use crate::error::Error;

/// What `cargo watch` waits after the last save before it does anything.
const CARGO_WATCH_DELAY: Duration = Duration::from_millis(500);

/// hot-lib-reloader's shortest debounce that its documentation's readers use, in milliseconds.
const BEST_DEBOUNCE: u32 = 20;

/// How Liveswap is asked for its steps.
const STATUS: &str = "cargo liveswap status";

/// One of those that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, serde::Serialize)]
#[value(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(crate) enum Key {
    /// `cargo liveswap run`.
    Liveswap,
    /// The compiler's command, bare: no watching, no loading.
    RustcFloor,
    /// `cargo build` of the hot crate's library.
    CargoBuild,
    /// hot-lib-reloader as its README says.
    HotLibReloaderDefault,
    /// hot-lib-reloader with nothing that waits.
    HotLibReloaderBest,
    /// `dx serve --hotpatch`.
    Dx,
}

/// Where everything is.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    /// The checkout that this program was built from.
    pub(crate) checkout: PathBuf,
    /// Where workspaces are made.
    pub(crate) directory: PathBuf,
    /// Where they are compiled.
    pub(crate) target: PathBuf,
    /// `cargo-liveswap`.
    pub(crate) liveswap: PathBuf,
    /// The hot crate that is edited.
    pub(crate) hot: HotCrate,
}

/// One of those that are compared, ready for edits.
pub(crate) enum Subject {
    /// A command that ends when its work is done.
    Work { workspace: Workspace, name: &'static str, command: Box<dyn Fn(&Workspace) -> Command> },
    /// A program that runs and follows.
    Live(Box<Live>),
}

/// A program whose hot function is called all the time.
///
/// The fields drop from the first to the last.
pub(crate) struct Live {
    name: &'static str,
    /// Whoever builds on save, where that is not the program's own parent.
    watcher: Option<Child>,
    child: Child,
    listener: Listener,
    workspace: Workspace,
    follow: Follow,
}

/// What makes an edit arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Follow {
    /// The program's own parent, which tells how the edit went to whoever asks with this program.
    Liveswap(PathBuf),
    /// The program's own parent.
    Parent,
    /// Whoever watches.
    Watcher,
    /// A build as soon as the time is over: a watcher that notices a save at once and then waits so long.
    Build { package: &'static str, after: Duration },
}

impl Ground {
    /// Sets up one of those that are compared; `None` where it is not installed.
    pub(crate) fn prepare(&self, key: Key) -> Result<Option<Subject>, Error> {
        match key {
            Key::Liveswap => self.liveswap().map(Some),
            Key::RustcFloor => self.rustc().map(Some),
            Key::CargoBuild => self.cargo().map(Some),
            Key::HotLibReloaderDefault => self.peer_default().map(Some),
            Key::HotLibReloaderBest => self.peer_best().map(Some),
            Key::Dx => self.dx(),
        }
    }

    fn workspace(&self, name: &str, hot: HotCrate, texts: &Texts) -> Result<Workspace, Error> {
        let lock = self.checkout.join("Cargo.lock");
        Workspace::write(&self.directory, name, &self.target, &lock, hot, texts)
    }

    fn liveswap(&self) -> Result<Subject, Error> {
        let texts = Texts::liveswap("liveswap", &self.hot, &self.checkout);
        let workspace = self.workspace("liveswap", self.hot.clone(), &texts)?;
        let arguments = ["run", "--package", "liveswap-host"];
        let command = workspace.command(&self.liveswap, &arguments);
        let follow = Follow::Liveswap(self.liveswap.clone());
        Live::start("cargo liveswap run", workspace, command, follow)
    }

    fn rustc(&self) -> Result<Subject, Error> {
        let texts = Texts::liveswap("floor", &self.hot, &self.checkout);
        let workspace = self.workspace("floor", self.hot.clone(), &texts)?;
        let noted = workspace.root().join("call.json");
        let mut cargo = workspace.cargo(&["build", "--package", "floor-host"]);
        Call::note_by(&mut cargo, "floor_hot", &noted)?;
        build("cargo build", cargo)?;
        let own = workspace.root().join("own");
        let out = own.join("out");
        fs::create_dir_all(&out).map_err(file("made", &out))?;
        let call = Call::read(&noted)?.replayed_in(&own);
        let command = Box::new(move |_: &Workspace| call.command());
        Ok(Subject::Work { workspace, name: "rustc", command })
    }

    fn cargo(&self) -> Result<Subject, Error> {
        let texts = Texts::liveswap("cargo", &self.hot, &self.checkout).with_cdylib();
        let workspace = self.workspace("cargo", self.hot.clone(), &texts)?;
        let command = Box::new(|it: &Workspace| it.cargo(&["build", "--package", "cargo-hot"]));
        build("cargo build", command(&workspace))?;
        Ok(Subject::Work { workspace, name: "cargo build", command })
    }

    fn peer_default(&self) -> Result<Subject, Error> {
        let mut live = self.peer("peer-default", None)?;
        live.follow = Follow::Build { package: "peer-default-hot", after: CARGO_WATCH_DELAY };
        if on_path("cargo-watch").is_some() {
            let arguments = ["watch", "-w", "hot", "-x", "build -p peer-default-hot"];
            let mut watcher = Child::start("cargo watch", live.workspace.cargo(&arguments))?;
            // It builds once when it starts.
            watcher.line("end of its first build", BUILT_WITHIN, |line| {
                line.contains("Finished").then_some(())
            })?;
            live.watcher = Some(watcher);
            live.follow = Follow::Watcher;
        }
        Ok(Subject::Live(Box::new(live)))
    }

    fn peer_best(&self) -> Result<Subject, Error> {
        let mut live = self.peer("peer-best", Some(BEST_DEBOUNCE))?;
        live.follow = Follow::Build { package: "peer-best-hot", after: Duration::ZERO };
        Ok(Subject::Live(Box::new(live)))
    }

    fn peer(&self, name: &'static str, debounce: Option<u32>) -> Result<Live, Error> {
        let hot = self.hot.without_liveswap(true);
        let texts = Texts::peer(name, &hot, &self.target.join("debug"), debounce);
        let workspace = self.workspace(name, hot, &texts)?;
        build("cargo build", workspace.cargo(&["build"]))?;
        // Through cargo, which tells the program where a dynamic standard library is.
        let host = format!("{name}-host");
        let command = workspace.cargo(&["run", "--quiet", "--package", &host]);
        Live::wait_for("hot-lib-reloader", workspace, command, Follow::Watcher)
    }

    fn dx(&self) -> Result<Option<Subject>, Error> {
        let Some(dx) = on_path("dx") else { return Ok(None) };
        let hot = self.hot.without_liveswap(false);
        let workspace = self.workspace("dx", hot.clone(), &Texts::dx(&hot))?;
        let port = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))
            .and_then(|socket| socket.local_addr())
            .map_err(Error::Socket)?
            .port()
            .to_string();
        let arguments = ["serve", "--hotpatch", "--package", "dx-host", "--interactive", "false"];
        let mut command = workspace.command(&dx, &arguments);
        command.args(["--open", "false", "--addr", "127.0.0.1", "--port", &port]);
        command.env("DX_TELEMETRY_ENABLED", "false").env("NO_DOWNLOADS", "1");
        Live::start("dx serve", workspace, command, Follow::Parent).map(Some)
    }
}

impl Subject {
    /// Saves `value` and waits until it has arrived; how long that took, and where the time went as far as it is told.
    pub(crate) fn edit(&mut self, value: u64) -> Result<(Duration, Steps), Error> {
        match self {
            Subject::Work { workspace, name, command } => {
                let command = command(workspace);
                let saved = workspace.save(value)?;
                let took = Child::start(name, command)?.finish(saved, EDITED_WITHIN)?;
                Ok((took, Steps::default()))
            }
            Subject::Live(live) => live.edit(value),
        }
    }
}

impl Subject {
    /// Whether it may miss an edit without being broken.
    pub(crate) fn may_lose(&self) -> bool {
        matches!(self, Subject::Live(live) if !matches!(live.follow, Follow::Liveswap(_)))
    }
}

impl Live {
    fn start(
        name: &'static str,
        workspace: Workspace,
        command: Command,
        follow: Follow,
    ) -> Result<Subject, Error> {
        let live = Live::wait_for(name, workspace, command, follow)?;
        Ok(Subject::Live(Box::new(live)))
    }

    fn wait_for(
        name: &'static str,
        workspace: Workspace,
        mut command: Command,
        follow: Follow,
    ) -> Result<Live, Error> {
        let listener = Listener::open()?;
        command.env(VARIABLE, listener.address());
        let mut child = Child::start(name, command)?;
        listener.value(name, None, BUILT_WITHIN, &mut child)?;
        Ok(Live { name, watcher: None, child, listener, workspace, follow })
    }

    fn edit(&mut self, value: u64) -> Result<(Duration, Steps), Error> {
        // Ready to start, so that only its work is counted.
        let command = match self.follow {
            Follow::Build { package, .. } => {
                Some(self.workspace.cargo(&["build", "--package", package]))
            }
            _ => None,
        };
        let saved = self.workspace.save(value)?;
        if let Follow::Build { after, .. } = self.follow {
            // What `cargo watch` does: it waits for the next save so long.
            thread::sleep(after);
        }
        let build = command.map(|command| Child::start("cargo build", command)).transpose()?;
        if let Some(build) = build {
            build.finish(saved, EDITED_WITHIN)?;
        }
        let live = self.listener.value(self.name, Some(value), EDITED_WITHIN, &mut self.child)?;
        if let Some(watcher) = &mut self.watcher {
            watcher.must_run()?;
        }
        let took = live.saturating_duration_since(saved);
        let steps = match &self.follow {
            Follow::Liveswap(program) => self.steps(&program.clone())?,
            _ => Steps::default(),
        };
        Ok((took, steps))
    }

    /// What `cargo liveswap` tells of the last edit.
    fn steps(&mut self, liveswap: &Path) -> Result<Steps, Error> {
        // It has heard of the swap when it says so.
        let swapped = |line: &str| line.starts_with("gen ").then_some(());
        self.child.line("line about the swap", EDITED_WITHIN, swapped)?;
        let status = self.workspace.command(liveswap, &["status", "--json"]).output();
        let status = status.map_err(|source| Error::Start { name: STATUS, source })?;
        let edit = serde_json::from_slice::<wire::Session>(&status.stdout).ok();
        let edit = edit.and_then(|session| session.last_edit).ok_or_else(|| Error::Ended {
            name: STATUS,
            status: format!("{} and no word of the last edit", status.status),
            words: String::from_utf8_lossy(&status.stderr).into_owned(),
        })?;
        Ok(Steps::of_edit(&edit))
    }
}

fn build(name: &'static str, command: Command) -> Result<(), Error> {
    let start = Instant::now();
    Child::start(name, command)?.finish(start, BUILT_WITHIN).map(|_| ())
}
