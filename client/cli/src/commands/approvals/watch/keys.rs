//! What each key does.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{
    draw,
    state::{Deed, Order, State},
};

/// How long `3` grants, in seconds.
const HALF_HOUR: u64 = 30 * 60;

/// What is to be done outside of the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Tell the broker.
    Do(Order),
    /// Ask for the list again.
    Refresh,
    /// End.
    Quit,
}

/// One key.
pub(super) fn press(state: &mut State, key: KeyEvent) -> Option<Wish> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c' | 'd') => Some(Wish::Quit),
            KeyCode::Char('l') => Some(Wish::Refresh),
            _ => None,
        };
    }
    if !draw::fits(state.size) {
        // Nothing can be read, so nothing is answered.
        state.order = None;
        let quits = matches!(key.code, KeyCode::Char('q') | KeyCode::Esc);
        return quits.then_some(Wish::Quit);
    }
    if state.order.is_some() {
        if key.code == KeyCode::Char('y') {
            return state.confirm().map(Wish::Do);
        }
        state.order = None;
        state.warn("nothing was answered".to_owned());
        return None;
    }
    let page = draw::page(state.size);
    match key.code {
        KeyCode::Char('q') | KeyCode::Esc => return Some(Wish::Quit),
        KeyCode::Char('r') => return Some(Wish::Refresh),
        KeyCode::Down | KeyCode::Char('j') => state.step(1),
        KeyCode::Up | KeyCode::Char('k') => state.step(-1),
        KeyCode::Home | KeyCode::Char('g') => state.step(isize::MIN),
        KeyCode::End | KeyCode::Char('G') => state.step(isize::MAX),
        KeyCode::PageDown | KeyCode::Char(' ') => {
            state.scrolled += draw::hidden(state).min(page);
        }
        KeyCode::PageUp => state.scrolled = state.scrolled.saturating_sub(page),
        KeyCode::Char('o') => state.prepare(Deed::Once),
        KeyCode::Char('s') => state.prepare(Deed::Session),
        KeyCode::Char('3') => state.prepare(Deed::For(HALF_HOUR)),
        KeyCode::Char('d') => state.prepare(Deed::Deny),
        KeyCode::Char('x') => state.prepare(Deed::DenyAndEnd),
        KeyCode::Char('f') => state.prepare(Deed::Forget),
        _ => {}
    }
    None
}
