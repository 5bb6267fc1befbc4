//! The game in a terminal.

use std::{
    io,
    time::{Duration, Instant},
};

use crossterm::event::{self, Event};
use ratatui::layout::{Constraint, Layout};

use crate::{
    args::Args,
    details::Details,
    game::Game,
    keys::{Command, Keys},
    pace::Pace,
    reload::Reload,
    screen::{Screen, blit},
    status::{StatusLine, one_line},
    stop::Stop,
    watchdog::Watchdog,
};

/// Plays until the player has had enough.
///
/// # Errors
///
/// When the terminal cannot be used any more; it is given back all the same.
pub(crate) fn run(args: &Args, stop: &Stop) -> io::Result<()> {
    let mut screen = Screen::take()?;
    let watchdog = Watchdog::start(stop.clone())?;
    let mut reload = Reload::start(true);
    let (columns, rows) = screen.size()?;
    let mut game = Game::new(args.seed_or_clock(), columns, rows.saturating_sub(1));
    let mut controls = Controls { autoplay: args.autoplay, ..Controls::default() };
    let mut pace = Pace::new(args.frame_time(), Instant::now());
    let mut title = String::new();
    while !args.enough(game.frames()) && !stop.asked() {
        match controls.listen(&pace)? {
            Some(Command::Quit) => break,
            Some(Command::Back) => reload.back(),
            Some(Command::Autoplay | Command::Details) | None => {}
        }
        if watchdog.alive() {
            screen.forget()?;
        }
        let now = Instant::now();
        let dt = pace.begin(now);
        reload.poll();
        let steered = controls.keys.input(now);
        let input = if controls.autoplay { game.autopilot() } else { steered };
        game.frame(input, dt);
        if title != game.title() {
            title = game.title().to_owned();
            screen.title(&one_line(&title))?;
        }
        show(&mut screen, &mut game, &reload, &pace, controls.details)?;
    }
    Ok(())
}

fn show(
    screen: &mut Screen,
    game: &mut Game,
    reload: &Reload,
    pace: &Pace,
    details: bool,
) -> io::Result<()> {
    screen.draw(|frame| {
        let [picture, bottom] =
            Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(frame.area());
        // A picture of the old size is shown this once; the next frame has the new one.
        blit(game.canvas(), picture, frame.buffer_mut());
        game.resize(picture.width, picture.height);
        let status = StatusLine {
            reload: reload.status(),
            panic: game.recent_panic(),
            score: game.standing().score,
            fps: pace.fps(),
        };
        frame.render_widget(status.line(bottom.width), bottom);
        if let Some(text) = reload.status().details.as_deref().filter(|_| details) {
            frame.render_widget(Details { text }, picture);
        }
    })
}

/// What the player has a hand on.
#[derive(Default)]
struct Controls {
    keys: Keys,
    autoplay: bool,
    details: bool,
}

impl Controls {
    /// Listens to the keyboard until the next frame is due.
    fn listen(&mut self, pace: &Pace) -> io::Result<Option<Command>> {
        loop {
            let now = Instant::now();
            let wait = pace.wait(now);
            match event::poll(wait) {
                Ok(true) => {}
                Ok(false) if wait == Duration::ZERO => return Ok(None),
                Ok(false) => continue,
                // A signal: whether it ends the game is looked at with the next frame.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
                Err(error) => return Err(error),
            }
            let Event::Key(key) = event::read()? else { continue };
            match self.keys.press(key, now) {
                Some(command @ (Command::Quit | Command::Back)) => return Ok(Some(command)),
                Some(Command::Autoplay) => self.autoplay = !self.autoplay,
                Some(Command::Details) => self.details = !self.details,
                None => {}
            }
        }
    }
}
