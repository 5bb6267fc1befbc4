//! Which way the player steers, from keys that most terminals only report as pressed.

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use reloadable_logic::{Input, Vec2};

/// How long a pressed key counts as held where the terminal never says that it was let go.
const TAP: Duration = Duration::from_millis(220);
/// How long a repeated key counts as held; longer than the usual time between repeats.
const REPEAT: Duration = Duration::from_millis(120);

/// What a key means to the game as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// End the game.
    Quit,
    /// Let the game play itself, or take over again.
    Autoplay,
    /// Open the page with what went wrong, or close it.
    Details,
    /// Go back to the code before the one that runs.
    Back,
}

/// The keys that are down, as far as one can know.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// Until when each way counts as held.
    held: [Option<Instant>; 4],
    dash: bool,
    hears_releases: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Left,
    Right,
    Up,
    Down,
}

impl Keys {
    /// Takes note of a key and returns what it means beyond steering.
    pub(crate) fn press(&mut self, key: KeyEvent, now: Instant) -> Option<Command> {
        let down = key.kind != KeyEventKind::Release;
        self.hears_releases |= !down;
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return (down && key.code == KeyCode::Char('c')).then_some(Command::Quit);
        }
        let first = key.kind == KeyEventKind::Press;
        match key.code {
            KeyCode::Left => self.steer(Way::Left, key.kind, now),
            KeyCode::Right => self.steer(Way::Right, key.kind, now),
            KeyCode::Up => self.steer(Way::Up, key.kind, now),
            KeyCode::Down => self.steer(Way::Down, key.kind, now),
            KeyCode::Char(' ') | KeyCode::Enter => self.dash |= first,
            KeyCode::Esc if down => return Some(Command::Quit),
            KeyCode::Char(letter) => match letter.to_ascii_lowercase() {
                'a' => self.steer(Way::Left, key.kind, now),
                'd' => self.steer(Way::Right, key.kind, now),
                'w' => self.steer(Way::Up, key.kind, now),
                's' => self.steer(Way::Down, key.kind, now),
                'q' if down => return Some(Command::Quit),
                'p' if first => return Some(Command::Autoplay),
                'e' if first => return Some(Command::Details),
                'b' if first => return Some(Command::Back),
                _ => {}
            },
            _ => {}
        }
        None
    }

    /// Returns what the player wants in this frame; a dash is wanted in one frame only.
    pub(crate) fn input(&mut self, now: Instant) -> Input {
        let push = |way: Way| {
            let held = self.held[way as usize].is_some_and(|until| now < until);
            if held { 1.0 } else { 0.0 }
        };
        let steer = Vec2::new(push(Way::Right) - push(Way::Left), push(Way::Down) - push(Way::Up));
        Input { steer, dash: std::mem::take(&mut self.dash) }
    }

    fn steer(&mut self, way: Way, kind: KeyEventKind, now: Instant) {
        // A key whose release will be told is held for as long as it takes, yet not for ever: the
        // release is lost when the window loses the keyboard.
        let lasts = match kind {
            KeyEventKind::Release => Duration::ZERO,
            _ if self.hears_releases => Duration::from_secs(10),
            KeyEventKind::Press => TAP,
            KeyEventKind::Repeat => REPEAT,
        };
        if !self.hears_releases {
            self.held[way.opposite() as usize] = None;
        }
        self.held[way as usize] = Some(now + lasts);
    }
}

impl Way {
    fn opposite(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, Keys, TAP};
    use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
    use std::time::{Duration, Instant};

    fn key(code: KeyCode, kind: KeyEventKind) -> KeyEvent {
        KeyEvent::new_with_kind(code, KeyModifiers::NONE, kind)
    }

    #[test]
    fn without_releases_a_tap_ends_by_itself() {
        let (mut keys, now) = (Keys::default(), Instant::now());
        keys.press(key(KeyCode::Left, KeyEventKind::Press), now);
        keys.press(key(KeyCode::Char('W'), KeyEventKind::Press), now);
        let steer = keys.input(now).steer;
        assert_eq!((steer.x, steer.y), (-1.0, -1.0));
        keys.press(key(KeyCode::Right, KeyEventKind::Press), now);
        assert_eq!(keys.input(now).steer.x, 1.0, "the newer of two opposite keys counts");
        assert_eq!(keys.input(now + TAP).steer.x, 0.0);
    }

    #[test]
    fn with_releases_a_key_is_held_until_let_go() {
        let (mut keys, now) = (Keys::default(), Instant::now());
        keys.press(key(KeyCode::Up, KeyEventKind::Press), now);
        keys.press(key(KeyCode::Up, KeyEventKind::Release), now);
        assert_eq!(keys.input(now).steer.y, 0.0);
        keys.press(key(KeyCode::Up, KeyEventKind::Press), now);
        let later = now + Duration::from_secs(5);
        assert_eq!(keys.input(later).steer.y, -1.0);
        keys.press(key(KeyCode::Up, KeyEventKind::Release), later);
        assert_eq!(keys.input(later).steer.y, 0.0);
    }

    #[test]
    fn a_dash_is_one_frame_long_and_not_repeated() {
        let (mut keys, now) = (Keys::default(), Instant::now());
        keys.press(key(KeyCode::Char(' '), KeyEventKind::Press), now);
        assert!(keys.input(now).dash);
        assert!(!keys.input(now).dash);
        keys.press(key(KeyCode::Char(' '), KeyEventKind::Repeat), now);
        assert!(!keys.input(now).dash);
    }

    #[test]
    fn holding_a_key_goes_back_once() {
        let (mut keys, now) = (Keys::default(), Instant::now());
        let back = |keys: &mut Keys, kind| keys.press(key(KeyCode::Char('B'), kind), now);
        assert_eq!(back(&mut keys, KeyEventKind::Press), Some(Command::Back));
        assert_eq!(back(&mut keys, KeyEventKind::Repeat), None);
        assert_eq!(back(&mut keys, KeyEventKind::Release), None);
    }

    #[test]
    fn three_keys_end_the_game() {
        let now = Instant::now();
        let quit = |code, modifiers| {
            Keys::default().press(KeyEvent::new(code, modifiers), now) == Some(Command::Quit)
        };
        assert!(quit(KeyCode::Char('q'), KeyModifiers::NONE));
        assert!(quit(KeyCode::Esc, KeyModifiers::NONE));
        assert!(quit(KeyCode::Char('c'), KeyModifiers::CONTROL));
        assert!(!quit(KeyCode::Char('c'), KeyModifiers::NONE));
        assert!(!quit(KeyCode::Char('q'), KeyModifiers::CONTROL));
    }
}
