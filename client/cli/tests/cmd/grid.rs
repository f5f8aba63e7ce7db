//! Just enough of a terminal to read a screen back: text, cursor positions, clearing.

/// What a terminal shows.
pub(crate) struct Grid {
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
    /// A control sequence that has begun.
    sequence: Option<String>,
}

impl Grid {
    pub(crate) fn new() -> Self {
        Self {
            rows: vec![vec![' '; 200]; 60],
            row: 0,
            column: 0,
            sequence: None,
        }
    }

    pub(crate) fn write(&mut self, text: &str) {
        for c in text.chars() {
            self.take(c);
        }
    }

    /// The screen, row by row.
    pub(crate) fn text(&self) -> String {
        let rows = self.rows.iter().map(|row| row.iter().collect::<String>());
        rows.collect::<Vec<_>>().join("\n")
    }

    fn take(&mut self, c: char) {
        match (&mut self.sequence, c) {
            (None, '\u{1b}') => self.sequence = Some(String::new()),
            (None, '\r') => self.column = 0,
            (None, '\n') => self.row += 1,
            (None, c) => {
                let row = self.rows.get_mut(self.row);
                *row.and_then(|row| row.get_mut(self.column)).unwrap() = c;
                self.column += 1;
            }
            (Some(sequence), '\u{40}'..='\u{7e}') if !(sequence.is_empty() && c == '[') => {
                let sequence = std::mem::take(sequence);
                self.sequence = None;
                self.obey(&sequence, c);
            }
            (Some(sequence), c) => sequence.push(c),
        }
    }

    fn obey(&mut self, sequence: &str, order: char) {
        match order {
            'H' => {
                let mut places = sequence
                    .trim_start_matches('[')
                    .split(';')
                    .map(|n| n.parse().unwrap_or(1));
                self.row = places.next().unwrap_or(1) - 1;
                self.column = places.next().unwrap_or(1) - 1;
            }
            'J' => self.rows.iter_mut().for_each(|row| row.fill(' ')),
            'h' if sequence.contains("1049") => self.obey("[2", 'J'),
            _ => {}
        }
    }
}
