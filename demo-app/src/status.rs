//! The line at the bottom: what is running, how the last swap went, what went wrong.

use ratatui::{
    style::{Color, Style},
    text::{Line, Span},
};

use crate::reload::ReloadStatus;

const BACK: Color = Color::Rgb(16, 22, 40);
const WORD: Color = Color::Rgb(110, 138, 166);
const VALUE: Color = Color::Rgb(226, 236, 244);
const GOOD: Color = Color::Rgb(126, 220, 150);
const BAD: Color = Color::Rgb(255, 118, 118);
const SEPARATOR: &str = " │ ";

/// What the line is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StatusLine<'a> {
    pub(crate) reload: &'a ReloadStatus,
    pub(crate) panic: Option<&'a str>,
    pub(crate) score: u32,
    pub(crate) fps: f64,
}

impl StatusLine<'_> {
    /// Returns the line, exactly `width` columns wide.
    ///
    /// A problem is what one wants to read most: where room is short, score, rate and the steps
    /// of the last swap make way for it.
    pub(crate) fn line(&self, width: u16) -> Line<'static> {
        let width = usize::from(width);
        let problem = problem(self.reload, self.panic);
        let forms = [self.spans(Form::Full), self.spans(Form::Swap), self.spans(Form::Brief)];
        let mut spans = match &problem {
            None => forms.into_iter().find(|form| columns(form) <= width),
            Some(text) => {
                let needed = columns_of(SEPARATOR) + columns_of(text) + 1;
                forms.into_iter().find(|form| columns(form) + needed <= width)
            }
        }
        .unwrap_or_else(|| self.spans(Form::Brief));
        if let Some(text) = problem {
            spans.push(Span::styled(SEPARATOR, WORD));
            spans.push(Span::styled(text, BAD));
        }
        let mut line = Line::from(fit(spans, width));
        let rest = width - line.width();
        line.push_span(Span::raw(" ".repeat(rest)));
        line.style(Style::new().bg(BACK))
    }

    fn spans(&self, form: Form) -> Vec<Span<'static>> {
        let mut spans = vec![
            Span::styled(" gen ", WORD),
            Span::styled(self.reload.generation.to_string(), VALUE),
        ];
        let (edit, swap) = (&self.reload.last_edit, &self.reload.last_swap);
        if let Some(swap) = edit.as_ref().or(swap.as_ref()) {
            let swap = one_line(swap);
            let short = swap.split(" (").next().unwrap_or_default().to_owned();
            spans.push(Span::styled(SEPARATOR, WORD));
            if edit.is_none() {
                spans.push(Span::styled("swap ", WORD));
            }
            spans.push(Span::styled(if form == Form::Brief { short } else { swap }, GOOD));
        }
        if form == Form::Full {
            for (word, value) in
                [("score ", self.score.to_string()), ("fps ", format!("{:.0}", self.fps))]
            {
                spans.push(Span::styled(SEPARATOR, WORD));
                spans.push(Span::styled(word, WORD));
                spans.push(Span::styled(value, VALUE));
            }
        }
        spans
    }
}

/// How much is said before a problem.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Generation, swap with its steps, score, frame rate.
    Full,
    /// Generation, swap with its steps.
    Swap,
    /// Generation, swap.
    Brief,
}

/// Returns what happened last, in one line: a problem if there is one, otherwise the last swap.
pub(crate) fn last_event(reload: &ReloadStatus, panic: Option<&str>) -> Option<String> {
    let swap = || reload.last_swap.as_deref().map(|swap| format!("swap {}", one_line(swap)));
    problem(reload, panic).or_else(swap)
}

/// Returns `text` with every run of white space, line ends included, as one space, and without
/// characters that a terminal would obey.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace(|glyph: char| glyph.is_control(), "")
}

fn problem(reload: &ReloadStatus, panic: Option<&str>) -> Option<String> {
    let key = if reload.details.is_some() { "[e] " } else { "" };
    let problem = || reload.last_problem.as_deref().map(|text| format!("{key}{}", one_line(text)));
    panic.map(one_line).or_else(problem)
}

/// Cuts `spans` off at `width` columns, with `…` as the last of them.
fn fit(spans: Vec<Span<'static>>, width: usize) -> Vec<Span<'static>> {
    if columns(&spans) <= width {
        return spans;
    }
    let mut left = width.saturating_sub(1);
    let mut fitted = Vec::new();
    for span in spans {
        let mut text = String::new();
        let mut whole = true;
        for glyph in span.content.chars() {
            let taken = columns_of(glyph.encode_utf8(&mut [0; 4]));
            if taken > left {
                whole = false;
                break;
            }
            left -= taken;
            text.push(glyph);
        }
        if !whole && width > 0 {
            text.push('…');
        }
        fitted.push(Span::styled(text, span.style));
        if !whole {
            break;
        }
    }
    fitted
}

fn columns(spans: &[Span<'_>]) -> usize {
    spans.iter().map(Span::width).sum()
}

fn columns_of(text: &str) -> usize {
    Span::raw(text).width()
}

#[cfg(test)]
mod tests {
    use super::{StatusLine, last_event, one_line};
    use crate::reload::ReloadStatus;

    fn text(reload: &ReloadStatus, panic: Option<&str>, width: u16) -> String {
        let line = StatusLine { reload, panic, score: 120, fps: 59.7 }.line(width);
        assert_eq!(line.width(), usize::from(width), "always the whole row");
        line.to_string().trim_end().to_owned()
    }

    fn swapped(problem: Option<&str>) -> ReloadStatus {
        let mut status = ReloadStatus::default();
        status.generation = 3;
        status.last_swap = Some("4.1 ms (stage 1.2 load 0.8)".to_owned());
        status.last_problem = problem.map(str::to_owned);
        status
    }

    #[test]
    fn an_edit_is_shown_by_name_and_a_problem_with_its_key() {
        let mut status = swapped(None);
        status.last_edit = Some("tick  168 ms (rustc 130, link 20, swap 0.4)".to_owned());
        let line = " gen 3 │ tick 168 ms (rustc 130, link 20, swap 0.4) │ score 120 │ fps 60";
        assert_eq!(text(&status, None, 80), line);
        status.last_problem = Some("error: no".to_owned());
        status.details = Some("error: no\n --> a.rs".to_owned());
        assert_eq!(text(&status, None, 44), " gen 3 │ tick 168 ms │ [e] error: no");
    }

    #[test]
    fn it_says_what_runs_and_how_the_last_swap_went() {
        assert_eq!(text(&ReloadStatus::default(), None, 80), " gen 0 │ score 120 │ fps 60");
        assert_eq!(
            text(&swapped(None), None, 80),
            " gen 3 │ swap 4.1 ms (stage 1.2 load 0.8) │ score 120 │ fps 60"
        );
    }

    #[test]
    fn a_problem_takes_the_room_of_what_matters_less() {
        let refused = swapped(Some("refused: tick: fn(&mut World) is now fn(&World)"));
        let problem = "refused: tick: fn(&mut World) is now fn(&World)";
        assert_eq!(text(&refused, None, 80), format!(" gen 3 │ swap 4.1 ms │ {problem}"));
        assert_eq!(
            text(&refused, None, 200),
            format!(" gen 3 │ swap 4.1 ms (stage 1.2 load 0.8) │ score 120 │ fps 60 │ {problem}")
        );
        assert_eq!(text(&refused, None, 40), " gen 3 │ swap 4.1 ms │ refused: tick: f…");
    }

    #[test]
    fn a_panic_is_more_urgent_than_an_older_refusal() {
        let shown = text(&swapped(Some("refused")), Some("tick panicked: boom"), 80);
        assert!(shown.ends_with("│ tick panicked: boom"), "{shown}");
    }

    #[test]
    fn every_width_is_kept_and_wide_characters_are_not_cut_in_half() {
        let wide = swapped(Some("誤り: 型が合いません\n\tこの行 \u{1b}[31m"));
        for width in 0..120 {
            text(&wide, None, width);
        }
        assert_eq!(text(&wide, None, 28), " gen 3 │ swap 4.1 ms │ 誤り…");
        assert_eq!(text(&wide, None, 1), "…");
    }

    #[test]
    fn a_compile_error_of_many_lines_becomes_one() {
        assert_eq!(
            one_line("error[E0308]:\n  mismatched\u{7}\ttypes\n"),
            "error[E0308]: mismatched types"
        );
    }

    #[test]
    fn the_last_event_is_a_problem_or_else_a_swap() {
        assert_eq!(last_event(&ReloadStatus::default(), None), None);
        let swap = Some("swap 4.1 ms (stage 1.2 load 0.8)".to_owned());
        assert_eq!(last_event(&swapped(None), None), swap);
        assert_eq!(last_event(&swapped(Some("no")), None), Some("no".to_owned()));
        assert_eq!(last_event(&swapped(Some("no")), Some("boom")), Some("boom".to_owned()));
    }
}
