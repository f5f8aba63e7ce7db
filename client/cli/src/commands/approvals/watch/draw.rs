//! The view on a screen: a function of the state, which knows the screen's size.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect, Size},
    style::{Modifier, Style, Stylize as _},
    text::{Line, Span},
    widgets::Widget,
};

use super::{super::view::Approval, state::State};
use crate::output::{Tone, clean, fit, hang, left, pad};

/// On less than this nothing can be read, and nothing is answered.
const LEAST: Size = Size::new(40, 12);

/// What each key does, as the last line says it.
const KEYS: &str = "j/k move o once s session 3 30min d deny x deny+end f forget r refresh q quit";

/// The places of a screen of this size.
struct Places {
    title: Rect,
    list: Rect,
    rule: Rect,
    details: Rect,
    note: Rect,
    keys: Rect,
}

impl Places {
    fn new(area: Rect) -> Self {
        // Details have to be read: an ordinary question is wholly seen at 80 x 24.
        let room = area.height.saturating_sub(5);
        let details = (room * 3 / 5).max(14).min(room.saturating_sub(4));
        let [title, list, rule, details, note, keys] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Min(1),
            Constraint::Length(1),
            Constraint::Length(details),
            Constraint::Length(2),
            Constraint::Length(1),
        ])
        .areas(area);
        Self {
            title,
            list,
            rule,
            details,
            note,
            keys,
        }
    }

    fn of(size: Size) -> Self {
        Self::new(Rect::new(0, 0, size.width, size.height))
    }
}

/// Whether a screen of this size is of use.
pub(super) const fn fits(size: Size) -> bool {
    size.width >= LEAST.width && size.height >= LEAST.height
}

/// How many lines of details are seen at a time.
pub(super) fn page(size: Size) -> usize {
    usize::from(Places::of(size).details.height).max(1)
}

/// How many lines of the details of what is selected are below those that are seen.
pub(super) fn hidden(state: &State) -> usize {
    let places = Places::of(state.size);
    let lines = state.current().map_or(0, |approval| {
        details(approval, state.now, places.details.width).len()
    });
    lines.saturating_sub(state.scrolled + page(state.size))
}

/// Draws all of it.
pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    if !fits(area.as_size()) {
        let text = format!("{} x {} is needed", LEAST.width, LEAST.height);
        return Line::raw(text).render(area, buffer);
    }
    let places = Places::new(area);
    title(state).render(places.title, buffer);
    list(state, places.list, buffer);
    Line::raw("─".repeat(usize::from(places.rule.width)))
        .dim()
        .render(places.rule, buffer);
    let shown = state.current().map_or_else(
        || vec![Line::raw(empty(state)).dim()],
        |approval| details(approval, state.now, places.details.width),
    );
    let height = usize::from(places.details.height);
    column(
        shown.into_iter().skip(state.scrolled).take(height),
        places.details,
        buffer,
    );
    column(note(state, places.note.width), places.note, buffer);
    Line::raw(KEYS).dim().render(places.keys, buffer);
}

const fn empty(state: &State) -> &'static str {
    if state.rows.is_empty() {
        "Nothing waits for an approval, and no answer stands."
    } else {
        "What was selected is gone. Choose another: j or k."
    }
}

fn title(state: &State) -> Line<'static> {
    let open = state.rows.iter().filter(|row| row.is_open()).count();
    let stand = state.rows.len() - open;
    let link = if state.connected {
        Span::raw("live").green()
    } else {
        Span::raw("not connected").red().bold()
    };
    let text = format!(
        "Approvals of account {}: {open} open, {stand} granted  ",
        clean(&state.account)
    );
    Line::from(vec![Span::raw(text).bold(), link])
}

fn list(state: &State, area: Rect, buffer: &mut Buffer) {
    let (height, width) = (usize::from(area.height), usize::from(area.width));
    let position = state.position();
    // The selected row stands in the middle where it can.
    let most = state.rows.len().saturating_sub(height);
    let from = position.unwrap_or(0).saturating_sub(height / 2).min(most);
    let rows = state.rows.iter().enumerate().skip(from).take(height);
    let lines = rows.map(|(number, row)| {
        let selected = position == Some(number);
        let line = Line::raw(pad(&summary(row, selected, state.now), width));
        match (selected, row.is_open()) {
            (true, _) => line.style(Style::new().add_modifier(Modifier::REVERSED)),
            (false, true) => line,
            (false, false) => line.dim(),
        }
    });
    column(lines, area, buffer);
}

fn summary(row: &Approval, selected: bool, now: u64) -> String {
    let marker = if selected { '>' } else { ' ' };
    let remaining = row
        .until()
        .map_or_else(|| "-".to_owned(), |until| left(until, now));
    let cells = [
        (fit(&row.short(), 8), 8),
        (fit(&row.standing(), 13), 13),
        (fit(&remaining, 7), 7),
        (fit(&row.agent, 12), 12),
    ];
    let mut line = String::from(marker);
    for (cell, width) in cells {
        line.push(' ');
        line.push_str(&pad(&cell, width));
    }
    line.push(' ');
    line.push_str(&clean(&format!("{}: {}", row.credential, row.asked())));
    line
}

/// The facts of an approval, and below them what others say of it.
fn details(approval: &Approval, now: u64, width: u16) -> Vec<Line<'static>> {
    let mut facts = approval.facts(now);
    facts.extend(approval.said());
    let line = |(name, part): (String, String)| {
        let style = match name.trim_end() {
            "credential" | "scopes" | "audience" => Style::new().bold(),
            _ => Style::new(),
        };
        Line::from(vec![Span::raw(name).dim(), Span::styled(part, style)])
    };
    hang(&facts, width.into()).into_iter().map(line).collect()
}

/// Two lines: what is asked of the person, or what happened, or that there is more to read.
fn note(state: &State, width: u16) -> Vec<Line<'static>> {
    let width = usize::from(width);
    if let Some(order) = &state.order {
        let text = clean(&format!("{} {}", order.deed.intent(), order.subject));
        return vec![
            Line::raw(fit(&text, width)).yellow().bold(),
            Line::raw("Press y to confirm, any other key to leave it.").bold(),
        ];
    }
    let hidden = hidden(state);
    let more = match hidden {
        0 => String::new(),
        lines => format!("more below, page down: {lines}"),
    };
    let happened = match (&state.sent, &state.note) {
        (Some(order), _) => {
            let text = format!("sent: {} {}", order.deed.intent(), order.subject);
            Line::raw(fit(&text, width)).dim()
        }
        (None, Some((tone, text))) => toned(*tone, fit(text, width)),
        (None, None) => Line::default(),
    };
    vec![Line::raw(more).dim(), happened]
}

fn toned(tone: Tone, text: String) -> Line<'static> {
    let line = Line::raw(text);
    match tone {
        Tone::Good => line.green(),
        Tone::Care => line.yellow(),
        Tone::Bad => line.red(),
        Tone::Dim => line.dim(),
        Tone::Strong => line.bold(),
        Tone::Plain => line,
    }
}

fn column(lines: impl IntoIterator<Item = Line<'static>>, area: Rect, buffer: &mut Buffer) {
    for (row, line) in area.rows().zip(lines) {
        line.render(row, buffer);
    }
}
