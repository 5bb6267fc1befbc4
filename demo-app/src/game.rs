//! The game as the host sees it: a world and a canvas that outlive every generation.

use liveswap::{OpenError, OpenFailure, State};
use reloadable_logic::{Canvas, Input, Standing, World};

use crate::guard::guarded;

/// Frames for which a panic stays in the status line.
const PANIC_FRAMES: u64 = 240;

/// A running game.
pub(crate) struct Game {
    /// Only hot code opens it: what a world is made of may change while the game runs.
    world: State<World>,
    standing: Standing,
    canvas: Canvas,
    frame: u64,
    title: String,
    panicked: Option<(u64, String)>,
}

impl Game {
    /// Starts a game on a canvas of this many columns and rows, or goes on with the world that the last run left.
    pub(crate) fn new(seed: u64, columns: u16, rows: u16) -> Self {
        let world = reloadable_logic::new_world(seed, columns, rows);
        let standing = reloadable_logic::standing(&world).unwrap_or_default();
        Self {
            world,
            standing,
            canvas: Canvas::new(columns, rows),
            frame: 0,
            title: String::new(),
            panicked: None,
        }
    }

    /// Moves the world on by one frame and draws it.
    ///
    /// A panic in one hot function is noted and leaves the others their turn.
    pub(crate) fn frame(&mut self, input: Input, dt: f32) {
        self.frame += 1;
        let (world, canvas) = (&self.world, &mut self.canvas);
        let results = [
            ("tick", opened(guarded(|| reloadable_logic::tick(world, input, dt)))),
            ("draw", opened(guarded(|| reloadable_logic::draw(world, canvas)))),
        ];
        let title = guarded(reloadable_logic::title);
        let standing = opened(guarded(|| reloadable_logic::standing(world)));
        for (function, result) in results {
            self.note(function, result);
        }
        if let Some(title) = self.note("title", title) {
            self.title = title;
        }
        if let Some(Some(standing)) = self.note("standing", standing) {
            self.standing = standing;
        }
    }

    /// Returns what a game without a player does next.
    pub(crate) fn autopilot(&mut self) -> Input {
        let world = &self.world;
        let choice = opened(guarded(|| reloadable_logic::autopilot(world)));
        self.note("autopilot", choice).flatten().unwrap_or_default()
    }

    /// Fits the game to another size; does nothing when it has it already.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        if (self.canvas.width(), self.canvas.height()) == (columns, rows) {
            return;
        }
        self.canvas = Canvas::new(columns, rows);
        let world = &self.world;
        let resized = opened(guarded(|| reloadable_logic::resize(world, columns, rows)));
        self.note("resize", resized);
    }

    /// Returns how the game stood in the last frame.
    pub(crate) fn standing(&self) -> Standing {
        self.standing
    }

    /// Returns the picture of the last frame.
    pub(crate) fn canvas(&self) -> &Canvas {
        &self.canvas
    }

    /// Returns how many frames there have been.
    pub(crate) fn frames(&self) -> u64 {
        self.frame
    }

    /// Returns the title that the hot crate gave in the last frame.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// Returns the last panic of a hot function, while it is recent.
    pub(crate) fn recent_panic(&self) -> Option<&str> {
        let (frame, text) = self.panicked.as_ref()?;
        (self.frame - frame < PANIC_FRAMES).then_some(text)
    }

    fn note<T>(&mut self, function: &str, result: Result<T, String>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(text) => {
                self.panicked = Some((self.frame, format!("{function} {text}")));
                None
            }
        }
    }
}

/// Tells a frame that a swap came between, which is skipped, from a world that cannot be opened.
fn opened<T>(result: Result<Result<T, OpenError>, String>) -> Result<Option<T>, String> {
    match result? {
        Ok(value) => Ok(Some(value)),
        // The code that was called is that of before the swap, the world that of after it: the next call is in step again.
        Err(error) if error.why() == OpenFailure::OtherLayout => Ok(None),
        Err(error) => Err(format!("cannot open its world: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Game, PANIC_FRAMES};
    use crate::guard::{guarded, install};
    use reloadable_logic::Input;

    #[test]
    fn a_panic_is_shown_for_a_while_and_the_game_goes_on() {
        install();
        let mut game = Game::new(1, 20, 10);
        let result = guarded(|| -> () { panic!("torn net") });
        assert_eq!(game.note("tick", result), None);
        for _ in 0..PANIC_FRAMES {
            let shown = game.recent_panic().unwrap();
            assert!(shown.starts_with("tick panicked at "), "{shown}");
            assert!(shown.ends_with(": torn net"), "{shown}");
            game.frame(Input::default(), 0.01);
        }
        assert_eq!(game.recent_panic(), None);
        assert_eq!(game.frames(), PANIC_FRAMES);
    }

    #[test]
    fn a_resized_game_keeps_its_world() {
        let mut game = Game::new(1, 80, 23);
        game.frame(Input::default(), 0.01);
        let motes = game.standing().motes;
        game.resize(40, 12);
        game.frame(Input::default(), 0.01);
        assert_eq!((game.canvas().width(), game.canvas().height()), (40, 12));
        assert_eq!(game.standing().motes, motes);
        assert!(!game.title().is_empty());
    }
}
