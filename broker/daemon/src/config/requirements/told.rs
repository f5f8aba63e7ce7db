//! What was replaced, in the order in which it was, and what had nothing to bind.

use std::{collections::BTreeSet, path::PathBuf};

use valetkey_core::text::printable;

use super::Replaced;
use crate::config::span::Span;

/// Longest value that is shown, in characters.
const SHOWN: usize = 200;

/// What is to be told so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) replaced: Vec<Replaced>,
    /// Lines about entries of the requirements.
    pub(super) idle: Vec<String>,
}

impl Told {
    /// Tells of one value.
    pub(super) fn tell(&mut self, key: &str, yours: &impl Shown, required: &impl Shown) {
        self.replaced.push(Replaced {
            key: key.to_owned(),
            yours: printable(&yours.shown(), SHOWN),
            required: printable(&required.shown(), SHOWN),
        });
    }

    /// Puts `required` in the place of `yours`, where there is one.
    pub(super) fn set<T: Shown + PartialEq>(
        &mut self,
        key: &str,
        yours: &mut T,
        required: Option<T>,
    ) {
        if let Some(required) = required
            && *yours != required
        {
            self.tell(key, yours, &required);
            *yours = required;
        }
    }

    /// Brings `yours` down to `ceiling`.
    pub(super) fn at_most<T: Shown + Ord>(&mut self, key: &str, yours: &mut T, ceiling: Option<T>) {
        let ceiling = ceiling.filter(|ceiling| *yours > *ceiling);
        self.set(key, yours, ceiling);
    }

    /// Brings `yours` up to `floor`.
    pub(super) fn at_least<T: Shown + Ord>(&mut self, key: &str, yours: &mut T, floor: Option<T>) {
        let floor = floor.filter(|floor| *yours < *floor);
        self.set(key, yours, floor);
    }
}

/// A value as a person reads it.
pub(super) trait Shown {
    fn shown(&self) -> String;
}

macro_rules! shown {
    ($($type:ty),*) => {
        $(impl Shown for $type {
            fn shown(&self) -> String {
                self.to_string()
            }
        })*
    };
}

shown!(Span, usize, u32, u64, bool, String, &str);

impl Shown for PathBuf {
    fn shown(&self) -> String {
        self.display().to_string()
    }
}

impl<T: Shown> Shown for Option<T> {
    fn shown(&self) -> String {
        self.as_ref().map_or_else(|| "none".to_owned(), T::shown)
    }
}

impl Shown for BTreeSet<String> {
    fn shown(&self) -> String {
        let all: Vec<&str> = self.iter().map(String::as_str).collect();
        if all.is_empty() {
            "none".to_owned()
        } else {
            all.join(", ")
        }
    }
}
