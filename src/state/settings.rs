//! What is remembered from one launch to the next.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::export::ExportSettings;
use super::sample;
use super::sheet::SheetSettings;
use super::tools::Tools;
use super::view::ViewSettings;
use crate::params::Sampling;
use crate::protocol::EntryId;

const MAX_HISTORY: usize = 100;
/// Banned pictures that the window shows, newest first; of older ones only the captions.
pub const MAX_BANNED_SHOWN: usize = 32;
/// More places of *Inspired by* than any model has.
const MAX_SLOTS: usize = 64;
/// Seeds that the dice gives: short enough to read out.
const DICE_SEEDS: u64 = 1_000_000_000;

/// The persisted part of the state. Unknown fields of newer versions are ignored, missing ones
/// take their defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub theme: ThemeChoice,
    pub recipe: Recipe,
    /// Whether every change is drawn at once.
    pub live: bool,
    pub tools: Tools,
    pub view: ViewSettings,
    pub export: ExportSettings,
    pub sheet: SheetSettings,
    /// Prompts that were drawn, oldest first, without neighbours that are the same.
    pub history: Vec<String>,
    /// Remembered pictures that are never retrieved.
    pub banned: Vec<Banned>,
    /// Projects that were opened or saved, newest first.
    pub recent_projects: Vec<PathBuf>,
}

/// Dark, light, or as the desktop has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeChoice {
    #[default]
    System,
    Dark,
    Light,
}

/// What the next picture is made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recipe {
    pub prompt: String,
    pub negative: String,
    pub seed: u64,
    /// *Generate* takes another seed every time.
    pub new_seed_each_time: bool,
    /// `None` as the model has it.
    pub sampling: Option<Sampling>,
    /// Whether pictures are looked up in the memory.
    pub memory_on: bool,
    /// Range 0–2; see `MemoryRequest::reference_strength`.
    pub reference_strength: f32,
    /// Places of *Inspired by*, by index, that are switched off; rising.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub closed_slots: Vec<usize>,
}

/// A banned entry; the caption is kept so that the list can be read without the memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Banned {
    pub entry: EntryId,
    pub caption: String,
}

impl Settings {
    /// Adds the prompt to the history, unless it is the newest there or empty.
    pub fn remember_prompt(&mut self) {
        let prompt = self.recipe.prompt.trim();
        if prompt.is_empty() || self.history.last().is_some_and(|last| last == prompt) {
            return;
        }
        self.history.push(prompt.to_owned());
        let n_too_many = self.history.len().saturating_sub(MAX_HISTORY);
        self.history.drain(..n_too_many);
    }

    /// The same settings with every value in its range, whatever a file said.
    #[must_use]
    pub fn checked(mut self) -> Self {
        self.recipe = self.recipe.checked();
        let n_too_many = self.history.len().saturating_sub(MAX_HISTORY);
        self.history.drain(..n_too_many);
        self.tools = self.tools.checked();
        self.view = self.view.checked();
        self.export = self.export.checked();
        self.sheet = self.sheet.checked();
        self
    }
}

impl Recipe {
    /// The same recipe with every value in its range, whatever a file said.
    #[must_use]
    pub fn checked(mut self) -> Self {
        self.sampling = self.sampling.map(Sampling::clamped);
        let strength = self.reference_strength;
        self.reference_strength = if strength.is_finite() { strength.clamp(0.0, 2.0) } else { 1.0 };
        self.closed_slots.retain(|slot_idx| *slot_idx < MAX_SLOTS);
        self.closed_slots.sort_unstable();
        self.closed_slots.dedup();
        self
    }

    /// Whether a place of *Inspired by* may hold a picture.
    pub fn is_open(&self, slot_idx: usize) -> bool {
        !self.closed_slots.contains(&slot_idx)
    }

    /// Switches a place of *Inspired by* on or off.
    pub fn set_open(&mut self, slot_idx: usize, is_open: bool) {
        self.closed_slots.retain(|closed| *closed != slot_idx);
        if !is_open {
            let place = self.closed_slots.partition_point(|closed| *closed < slot_idx);
            self.closed_slots.insert(place, slot_idx);
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::default(),
            recipe: Recipe::default(),
            live: true,
            tools: Tools::default(),
            view: ViewSettings::default(),
            export: ExportSettings::default(),
            sheet: SheetSettings::default(),
            history: Vec::new(),
            banned: Vec::new(),
            recent_projects: Vec::new(),
        }
    }
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            prompt: sample::PROMPT.to_owned(),
            negative: String::new(),
            seed: 7,
            new_seed_each_time: true,
            sampling: None,
            memory_on: true,
            reference_strength: 1.0,
            closed_slots: Vec::new(),
        }
    }
}

impl ThemeChoice {
    pub const ALL: [Self; 3] = [Self::System, Self::Dark, Self::Light];
}

/// A seed that differs from `seed`.
pub fn another_seed(seed: u64) -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    // The standard library seeds its hash maps from the system's randomness; that is all the
    // chance a dice needs.
    let drawn = std::hash::RandomState::new().build_hasher().finish() % DICE_SEEDS;
    if drawn == seed { (drawn + 1) % DICE_SEEDS } else { drawn }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_keeps_a_hundred_and_no_doubles() {
        let mut settings = Settings::default();
        for n in 0..150 {
            settings.recipe.prompt = format!("  prompt {n} ");
            settings.remember_prompt();
            settings.remember_prompt();
        }
        assert_eq!(settings.history.len(), MAX_HISTORY);
        assert_eq!(settings.history.last().map(String::as_str), Some("prompt 149"));
        assert_eq!(settings.history.first().map(String::as_str), Some("prompt 50"));
    }

    #[test]
    fn wild_values_are_tamed() {
        let mut settings = Settings::default();
        settings.recipe.reference_strength = f32::NAN;
        settings.recipe.sampling = Some(Sampling { guidance: 1e9, ..Sampling::default() });
        settings.recipe.closed_slots = vec![2, usize::MAX, 0, 2];
        let tame = settings.checked();
        assert_eq!(tame.recipe.closed_slots, [0, 2]);
        assert_eq!(tame.recipe.reference_strength, 1.0);
        assert_eq!(tame.recipe.sampling.map(|sampling| sampling.guidance), Some(20.0));
    }

    #[test]
    fn settings_survive_a_round_trip_and_older_files() {
        let mut settings = Settings { theme: ThemeChoice::Light, ..Settings::default() };
        settings.banned.push(Banned { entry: EntryId(u64::MAX), caption: "cat".to_owned() });
        let json = serde_json::to_string(&settings).expect("plain data");
        assert_eq!(serde_json::from_str::<Settings>(&json).expect("our own"), settings);
        let older: Settings = serde_json::from_str(r#"{"theme":"dark","later":1}"#).expect("older");
        assert_eq!(older.theme, ThemeChoice::Dark);
        assert_eq!(older.recipe, Recipe::default());
    }
}
