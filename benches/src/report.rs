//! Figures on their way to people, as a table, and to programs, as one line of JSON.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

/// What a bench found.
pub(crate) trait Report: Serialize {
    /// The figures for people.
    fn table(&self) -> Table;

    /// What the figures must hold to.
    fn targets(&self) -> Vec<Target>;
}

/// Rows of text under a heading; the first column is flush left, the others are flush right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

/// Something a figure must hold to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    what: String,
    found: String,
    holds: bool,
}

impl Table {
    /// A table with these headings and no row.
    pub(crate) fn new<const COLUMNS: usize>(headings: [&str; COLUMNS]) -> Table {
        Table { rows: vec![headings.map(str::to_owned).to_vec()] }
    }

    /// Adds a row.
    pub(crate) fn row<const COLUMNS: usize>(mut self, cells: [String; COLUMNS]) -> Table {
        self.rows.push(cells.to_vec());
        self
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                line += &match column {
                    0 => format!("{cell:<width$}"),
                    _ => format!("  {cell:>width$}"),
                };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

impl Target {
    /// Something that must not be more than `limit`.
    pub(crate) fn at_most(what: &str, found: f64, limit: f64) -> Target {
        // A figure that is not there holds to nothing.
        let holds = found <= limit;
        Target { what: format!("{what} at most {limit}"), found: format!("{found:.2}"), holds }
    }

    /// Something that must be at least `limit`.
    pub(crate) fn at_least(what: &str, found: f64, limit: f64) -> Target {
        let holds = found >= limit;
        Target { what: format!("{what} at least {limit}"), found: format!("{found:.2}"), holds }
    }

    /// Whether it is reached.
    pub(crate) fn holds(&self) -> bool {
        self.holds
    }

    /// One that is reached if either is.
    pub(crate) fn or(self, other: Target) -> Target {
        Target {
            what: format!("{}, or {}", self.what, other.what),
            found: format!("{}, {}", self.found, other.found),
            holds: self.holds || other.holds,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.holds { "holds " } else { "MISSED" };
        write!(f, "{word}  {}: {}", self.what, self.found)
    }
}

/// Writes the table and the targets, and with `json` the figures as the last line; whether all targets are reached.
pub(crate) fn write(report: &impl Report, json: bool, out: &mut impl Write) -> io::Result<bool> {
    let targets = report.targets();
    writeln!(out, "{}", report.table())?;
    for target in &targets {
        writeln!(out, "{target}")?;
    }
    if json {
        writeln!(out, "{}", serde_json::to_string(report)?)?;
    }
    out.flush()?;
    Ok(targets.iter().all(Target::holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Speed {
        ns: f64,
    }

    impl Report for Speed {
        fn table(&self) -> Table {
            Table::new(["what", "ns"]).row(["a call".to_owned(), format!("{:.1}", self.ns)])
        }
        fn targets(&self) -> Vec<Target> {
            vec![Target::at_most("ns", self.ns, 2.0)]
        }
    }

    fn written(ns: f64, json: bool) -> (String, bool) {
        let mut out = Vec::new();
        let held = write(&Speed { ns }, json, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), held)
    }

    #[test]
    fn the_first_column_is_flush_left_and_the_others_right() {
        let table = Table::new(["way", "ns"])
            .row(["direct".to_owned(), "2.5".to_owned()])
            .row(["é".to_owned(), "12.5".to_owned()]);
        assert_eq!(table.to_string(), "way       ns\ndirect   2.5\né       12.5\n");
    }

    #[test]
    fn json_is_the_last_line_and_only_on_request() {
        let (text, _) = written(1.5, true);
        assert_eq!(text.lines().last(), Some(r#"{"ns":1.5}"#));
        let (text, _) = written(1.5, false);
        assert_eq!(text.lines().last(), Some("holds   ns at most 2: 1.50"));
    }

    #[test]
    fn a_missed_target_is_told_and_shown() {
        let (text, held) = written(2.5, false);
        assert!(!held);
        assert!(text.contains("MISSED  ns at most 2: 2.50"), "{text}");
        assert!(written(2.0, false).1);
    }

    #[test]
    fn a_figure_that_is_missing_reaches_nothing() {
        assert!(!Target::at_most("x", f64::NAN, 1.0).holds());
        assert!(!Target::at_least("x", f64::NAN, 1.0).holds());
    }

    #[test]
    fn one_of_two_is_enough() {
        let [low, high] = [1.0, 3.0].map(|found| Target::at_most("x", found, 2.0));
        assert!(low.clone().or(high.clone()).holds());
        assert!(high.clone().or(low).holds());
        assert!(!high.clone().or(high).holds());
    }
}
