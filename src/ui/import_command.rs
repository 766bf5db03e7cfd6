//! What the user can do with a picture that comes into the sketch.

use std::path::PathBuf;

use crate::params::ControlKind;
use crate::state::import::ImportSettings;

/// A wish that concerns an import.
#[derive(Debug, Clone, PartialEq)]
pub enum ImportCommand {
    /// Asks for a picture file, for a layer or for any.
    Choose { onto: Option<ControlKind> },
    /// Files were dropped, onto a layer or anywhere. The first is taken.
    Open { paths: Vec<PathBuf>, onto: Option<ControlKind> },
    /// New settings of the panel.
    Set(Box<ImportSettings>),
    /// Makes what is shown a step.
    Accept,
    /// Puts the picture away and leaves the sketch as it was.
    Cancel,
    /// Takes the other tone of the imported drawing for its ink. The number is that of the notice
    /// which offers it.
    TurnOver(u64),
}
