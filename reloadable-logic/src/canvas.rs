//! What the host shows: a grid of cells, free of any terminal library.

use liveswap_macros::Layout;

/// A color, each part from 0 to 255.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Layout)]
pub struct Rgb {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
}

impl Rgb {
    /// Makes a color from its parts.
    #[must_use]
    pub const fn new(r: u8, g: u8, b: u8) -> Self {
        Self { r, g, b }
    }
}

/// One character cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Layout)]
pub struct Cell {
    /// The character shown; always one column wide.
    pub glyph: char,
    /// The color of the character.
    pub fg: Rgb,
    /// The color behind it.
    pub bg: Rgb,
}

impl Default for Cell {
    fn default() -> Self {
        Self { glyph: ' ', fg: Rgb::default(), bg: Rgb::default() }
    }
}

/// A grid of cells that the host owns, hot code fills, and the host copies to the screen.
///
/// ```
/// use reloadable_logic::{Canvas, Rgb};
///
/// let mut canvas = Canvas::new(10, 1);
/// canvas.text(8, 0, "cut off", Rgb::new(255, 255, 255));
/// assert_eq!(canvas.row_text(0).as_deref(), Some("        cu"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Layout)]
pub struct Canvas {
    width: u16,
    height: u16,
    cells: Vec<Cell>,
}

impl Canvas {
    /// Makes a blank grid; a side may be zero.
    #[must_use]
    pub fn new(width: u16, height: u16) -> Self {
        let cells = vec![Cell::default(); usize::from(width) * usize::from(height)];
        Self { width, height, cells }
    }

    /// Returns the number of columns.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn height(&self) -> u16 {
        self.height
    }

    /// Returns all cells, row by row from the top left.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Returns the cell at a position, or `None` outside the grid.
    pub fn cell_mut(&mut self, x: i32, y: i32) -> Option<&mut Cell> {
        if x < 0 || y < 0 || x >= i32::from(self.width) || y >= i32::from(self.height) {
            return None;
        }
        self.cells.get_mut(y as usize * usize::from(self.width) + x as usize)
    }

    /// Writes one character and leaves the color behind it; nothing happens outside the grid.
    pub fn glyph(&mut self, x: i32, y: i32, glyph: char, fg: Rgb) {
        if let Some(cell) = self.cell_mut(x, y) {
            cell.glyph = glyph;
            cell.fg = fg;
        }
    }

    /// Writes characters to the right of a position, cut off at the grid's sides.
    pub fn text(&mut self, x: i32, y: i32, text: &str, fg: Rgb) {
        for (column, glyph) in (x..i32::from(self.width)).zip(text.chars()) {
            self.glyph(column, y, glyph, fg);
        }
    }

    /// Returns the characters of a row, or `None` below the grid.
    #[must_use]
    pub fn row_text(&self, y: u16) -> Option<String> {
        let start = usize::from(y) * usize::from(self.width);
        let row = self.cells.get(start..start + usize::from(self.width))?;
        (y < self.height).then(|| row.iter().map(|cell| cell.glyph).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Canvas, Rgb};

    #[test]
    fn writing_outside_changes_nothing() {
        let blank = Canvas::new(4, 2);
        let mut canvas = blank.clone();
        for (x, y) in [(-1, 0), (0, -1), (4, 0), (0, 2), (i32::MAX, i32::MIN)] {
            canvas.glyph(x, y, 'x', Rgb::new(1, 2, 3));
            assert!(canvas.cell_mut(x, y).is_none());
        }
        canvas.text(9, 0, "off", Rgb::default());
        assert_eq!(canvas, blank);
    }

    #[test]
    fn text_that_starts_left_of_the_grid_is_cut_on_both_sides() {
        let mut canvas = Canvas::new(3, 1);
        canvas.text(-1, 0, "abcdef", Rgb::default());
        assert_eq!(canvas.row_text(0).as_deref(), Some("bcd"));
        assert_eq!(canvas.row_text(1), None);
    }
}
