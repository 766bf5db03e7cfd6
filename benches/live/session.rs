//! A recorded drawing session: what the hand did, and when.

use std::time::Duration;

/// Something that the hand did.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Gesture {
    /// Positions in canvas pixels.
    Move([f32; 2]),
    Down([f32; 2]),
    Up([f32; 2]),
    /// A key or a command by name.
    Command(String),
}

/// Reads the table of `scripts/make_session.py`.
///
/// # Panics
/// If the text is no such table.
pub(crate) fn parse(text: &str) -> Vec<(Duration, Gesture)> {
    text.lines().skip(1).map(parse_line).collect()
}

fn parse_line(line: &str) -> (Duration, Gesture) {
    let number = |cell: Option<&str>| -> f32 {
        cell.and_then(|cell| cell.parse().ok()).unwrap_or_else(|| panic!("no number in {line}"))
    };
    let mut cells = line.splitn(4, ',');
    let at = Duration::from_secs_f32(number(cells.next()));
    let what = cells.next().unwrap_or_default();
    let mut pos = || [number(cells.next()), number(cells.next())];
    let gesture = match what {
        "move" => Gesture::Move(pos()),
        "down" => Gesture::Down(pos()),
        "up" => Gesture::Up(pos()),
        // A prompt may hold commas.
        _ => {
            let (_, name) = line.split_once(',').expect("two cells at least");
            Gesture::Command(name.trim_end_matches(',').to_owned())
        }
    };
    (at, gesture)
}
