//! The game without a terminal: it plays itself and prints one line a second.

use std::{
    io::{self, Write},
    thread,
    time::Instant,
};

use crate::{
    args::Args,
    game::Game,
    pace::Pace,
    reload::Reload,
    status::{self, one_line},
    stop::Stop,
};

/// The size of a small terminal, less the status line.
const COLUMNS: u16 = 80;
const ROWS: u16 = 23;

/// Plays until enough frames are done or the program is asked to end.
///
/// # Errors
///
/// When standard output cannot be written to.
pub(crate) fn run(args: &Args, stop: &Stop) -> io::Result<()> {
    let mut reload = Reload::start(false);
    let mut game = Game::new(args.seed.unwrap_or(1), COLUMNS, ROWS);
    let mut pace = Pace::new(args.frame_time(), Instant::now());
    let mut out = io::stdout().lock();
    // Steps of one length, so that a seed repeats a game whatever the machine is doing.
    let dt = args.frame_time().as_secs_f32();
    let mut printed = 0;
    while !args.enough(game.frames()) && !stop.asked() {
        thread::sleep(pace.wait(Instant::now()));
        pace.begin(Instant::now());
        reload.poll();
        let input = game.autopilot();
        game.frame(input, dt);
        if game.frames().is_multiple_of(u64::from(args.fps)) {
            printed = game.frames();
            writeln!(out, "{}", line(&game, &reload))?;
            out.flush()?;
        }
    }
    if printed != game.frames() {
        writeln!(out, "{}", line(&game, &reload))?;
    }
    out.flush()
}

/// What is printed once a second.
fn line(game: &Game, reload: &Reload) -> String {
    let standing = game.standing();
    let status = reload.status();
    let last = status::last_event(status, game.recent_panic());
    format!(
        "frame {}  gen {}  score {}  lives {}  motes {}  hunters {}  sparks {}  title \"{}\"  last: {}",
        game.frames(),
        status.generation,
        standing.score,
        standing.lives,
        standing.motes,
        standing.hunters,
        standing.sparks,
        one_line(game.title()),
        last.unwrap_or_else(|| "nothing yet".to_owned()),
    )
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, ROWS, line};
    use crate::{game::Game, reload::Reload};

    #[test]
    fn the_line_says_how_the_game_stands() {
        let mut game = Game::new(1, COLUMNS, ROWS);
        for _ in 0..90 {
            let input = game.autopilot();
            game.frame(input, 1.0 / 60.0);
        }
        let standing = game.standing();
        let expected = format!(
            "frame 90  gen 0  score {}  lives 3  motes {}  hunters {}  sparks {}  title \"{}\"  last: nothing yet",
            standing.score,
            standing.motes,
            standing.hunters,
            standing.sparks,
            reloadable_logic::title(),
        );
        assert_eq!(line(&game, &Reload::default()), expected);
    }

    #[test]
    fn a_title_of_several_lines_stays_one() {
        let mut reload = Reload::default();
        reload.status_mut().last_problem = Some("error: a\n  --> b".to_owned());
        let line = line(&Game::new(1, 1, 1), &reload);
        assert!(line.ends_with("last: error: a --> b"), "{line}");
    }
}
