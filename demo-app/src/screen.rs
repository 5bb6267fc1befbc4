//! The terminal's state: taken over for the game, given back whatever happens.

use std::io::{self, Stdout, Write};

use crossterm::{
    cursor,
    event::{KeyboardEnhancementFlags, PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags},
    execute,
    style::{PrintStyledContent, Stylize},
    terminal::{self, EnterAlternateScreen, LeaveAlternateScreen, SetTitle},
};
use ratatui::{
    Frame, Terminal, backend::CrosstermBackend, buffer::Buffer, layout::Rect, style::Color,
};
use reloadable_logic::{Canvas, Rgb};

use crate::stderr::QuietStderr;

/// The terminal while the game has it; dropping it gives it back.
///
/// The fields are dropped in this order: what was kept from the screen is shown once the screen is
/// the user's again.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    _taken: Taken,
    _stderr: QuietStderr,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    ///
    /// When the terminal cannot be switched or measured; it is given back then.
    pub(crate) fn take() -> io::Result<Self> {
        let stderr = QuietStderr::start();
        let taken = Taken::take()?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(Self { terminal, _taken: taken, _stderr: stderr })
    }

    /// Returns its width and height.
    ///
    /// # Errors
    ///
    /// When the terminal does not say.
    pub(crate) fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Shows one frame.
    ///
    /// # Errors
    ///
    /// When the terminal cannot be written to.
    pub(crate) fn draw(&mut self, show: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(show).map(|_| ())
    }

    /// Forgets what is on the screen, so that the next frame is drawn anew.
    ///
    /// # Errors
    ///
    /// When the terminal cannot be written to.
    pub(crate) fn forget(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Names the window.
    ///
    /// # Errors
    ///
    /// When the terminal cannot be written to.
    pub(crate) fn title(&mut self, title: &str) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), SetTitle(title))
    }
}

/// Copies a canvas to the top left of `area`.
pub(crate) fn blit(canvas: &Canvas, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    let width = usize::from(canvas.width());
    for (y, row) in canvas.cells().chunks(width.max(1)).take(usize::from(area.height)).enumerate() {
        for (x, cell) in row.iter().take(usize::from(area.width)).enumerate() {
            let place = (area.x + x as u16, area.y + y as u16);
            if let Some(shown) = buffer.cell_mut(place) {
                shown.set_char(cell.glyph).set_fg(color(cell.fg)).set_bg(color(cell.bg));
            }
        }
    }
}

fn color(color: Rgb) -> Color {
    Color::Rgb(color.r, color.g, color.b)
}

/// Raw mode, the alternate screen, a hidden cursor, and key releases where they can be had.
struct Taken;

impl Taken {
    fn take() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        // From here on dropping it undoes whatever was done.
        let taken = Self;
        let mut out = io::stdout();
        execute!(out, EnterAlternateScreen, cursor::Hide)?;
        let flags = KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES
            | KeyboardEnhancementFlags::REPORT_EVENT_TYPES;
        // Terminals that do not know the request ignore it, and the old Windows console has an
        // error for it but reports releases anyway.
        let _ = execute!(out, PushKeyboardEnhancementFlags(flags));
        Ok(taken)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, from any thread.
pub(crate) fn give_back() {
    let mut out = io::stdout();
    // A terminal that is gone has nothing to be given back.
    let _ = execute!(out, PopKeyboardEnhancementFlags);
    let _ = execute!(out, LeaveAlternateScreen, cursor::Show);
    let _ = out.flush();
    let _ = terminal::disable_raw_mode();
}

/// Writes over the last row from another thread, while the game cannot.
pub(crate) fn call_out(text: &str) -> io::Result<()> {
    let (columns, rows) = terminal::size()?;
    let filled = text.chars().chain(std::iter::repeat(' '));
    let cut: String = filled.take(usize::from(columns)).collect();
    let line = cut.on_red().white().bold();
    execute!(io::stdout(), cursor::MoveTo(0, rows.saturating_sub(1)), PrintStyledContent(line))
}

#[cfg(test)]
mod tests {
    use super::blit;
    use ratatui::{buffer::Buffer, layout::Rect, style::Color};
    use reloadable_logic::{Canvas, Rgb};

    #[test]
    fn a_canvas_is_copied_with_its_colors_and_cut_off_at_the_area() {
        let mut canvas = Canvas::new(5, 3);
        canvas.text(0, 0, "abcde", Rgb::new(1, 2, 3));
        canvas.text(0, 2, "vwxyz", Rgb::new(4, 5, 6));
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 3));
        blit(&canvas, Rect::new(1, 0, 9, 2), &mut buffer);
        let row = |y: u16| (0..4).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        assert_eq!([row(0), row(1), row(2)], [" abc", "    ", "    "]);
        assert_eq!(buffer[(1, 0)].fg, Color::Rgb(1, 2, 3));
        blit(&Canvas::new(0, 0), buffer.area, &mut buffer.clone());
    }
}
