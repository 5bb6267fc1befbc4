//! What went wrong, in full: a page over the picture that a key opens and closes.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::Text;
use ratatui::widgets::{Block, Clear, Paragraph, Widget};

const BACK: Color = Color::Rgb(16, 22, 40);
const FRAME: Color = Color::Rgb(255, 118, 118);
const WORDS: Color = Color::Rgb(226, 236, 244);

/// A page with the compiler's errors, or with all reasons of a refusal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Details<'a> {
    pub(crate) text: &'a str,
}

impl Widget for Details<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let page = area.inner(Margin { horizontal: 2, vertical: 1 });
        Clear.render(page, buffer);
        let block = Block::bordered()
            .border_style(Style::new().fg(FRAME))
            .title(" what went wrong ")
            .title_bottom(" e: back to the game ");
        let text = Text::raw(printable(self.text));
        Paragraph::new(text)
            .style(Style::new().fg(WORDS).bg(BACK))
            .block(block)
            .render(page, buffer);
    }
}

/// The text without characters that a terminal would obey, and with tabs as spaces.
fn printable(text: &str) -> String {
    text.replace('\t', "    ").replace(|glyph: char| glyph.is_control() && glyph != '\n', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compilers_words_keep_their_lines() {
        let area = Rect::new(0, 0, 40, 8);
        let mut buffer = Buffer::empty(area);
        let text = "error: no\n  --> lib.rs:3:5\n\x1b[2Jend";
        Details { text }.render(area, &mut buffer);
        let row = |y: u16| -> String {
            (0..area.width).map(|x| buffer[(x, y)].symbol().to_owned()).collect()
        };
        assert!(row(1).contains("what went wrong"), "{}", row(1));
        assert!(row(2).contains("error: no"), "{}", row(2));
        assert!(row(3).contains("  --> lib.rs:3:5"), "{}", row(3));
        assert!(row(4).contains("[2Jend"), "{}", row(4));
        assert!(row(6).contains("e: back to the game"), "{}", row(6));
    }

    #[test]
    fn a_tiny_terminal_is_no_obstacle() {
        for (width, height) in [(0, 0), (1, 1), (4, 2), (5, 3)] {
            let area = Rect::new(0, 0, width, height);
            Details { text: "error" }.render(area, &mut Buffer::empty(area));
        }
    }
}
