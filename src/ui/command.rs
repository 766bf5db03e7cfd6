//! What the user can do. [`Action`] is everything with a name and a key; label, explanation and
//! keys come from one match, so the toolbar, the keyboard and the list of shortcuts agree.

use std::path::PathBuf;

use egui::{Key, KeyboardShortcut, Modifiers};

use super::add_inspiration_command::AddInspirationCommand;
use super::export_command::ExportCommand;
use super::gallery_command::GalleryCommand;
use super::import_command::ImportCommand;
use super::inspired_command::InspiredCommand;
use super::memory_command::MemoryCommand;
use super::models_command::ModelsCommand;
use super::open_command::OpenCommand;
use super::project_command::ProjectCommand;
use super::sheet_command::SheetCommand;
use super::sketch_command::SketchCommand;
use super::source_command::SourceCommand;
use super::style_command::StyleCommand;
use crate::params::Sampling;
use crate::protocol::DecodingOrder;
use crate::state::{NodeId, ThemeChoice, ViewSettings};

/// A wish that the window hands to the application.
#[derive(Debug, Clone, PartialEq)]
pub enum UiCommand {
    Run(Action),
    Sketch(SketchCommand),
    Import(ImportCommand),
    Export(ExportCommand),
    Open(OpenCommand),
    Sheet(SheetCommand),
    /// Opens a picture file: brings everything back that it tells. A picture that tells nothing
    /// asks what it shall become.
    OpenFile(PathBuf),
    Source(SourceCommand),
    Gallery(GalleryCommand),
    AddInspiration(AddInspirationCommand),
    Memory(MemoryCommand),
    /// What concerns the models.
    Models(ModelsCommand),
    /// What concerns the style sheet.
    Style(StyleCommand),
    Project(ProjectCommand),
    SetPrompt(String),
    ToggleStyle(String),
    SetNegative(String),
    SetSeed(u64),
    SetNewSeedEachTime(bool),
    /// `None` goes back to the model's own.
    SetSampling(Option<Sampling>),
    SetMemory(bool),
    SetReferenceStrength(f32),
    SetTheme(ThemeChoice),
    /// How the canvas shows the sketch.
    SetView(ViewSettings),
    /// Looks at one scale; `None` follows the newest.
    ScrubTo(Option<usize>),
    /// Draws the next picture from the first scale again.
    LetGo,
    /// Brings back a picture of the tree, with its recipe and sketch.
    ShowNode(NodeId),
    /// Takes a picture off the tree.
    DeleteNode(NodeId),
    StarNode {
        node: NodeId,
        is_starred: bool,
    },
    Inspired(InspiredCommand),
    /// Opens a file dialog for this slot.
    ChoosePicture(usize),
    /// Puts a picture file into a slot.
    OpenPicture {
        slot_idx: usize,
        path: PathBuf,
    },
    /// Writes the shown picture to exactly this path.
    SaveTo(PathBuf),
    CopyText(String),
    DismissNotice(u64),
    /// Somebody reads the notices; they must not fade now.
    HoldNotices,
}

/// Everything with a name, a key and an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    NewProject,
    OpenFile,
    SaveProject,
    SaveProjectAs,
    Generate,
    Stop,
    AnotherSeed,
    StopOrContinue,
    ReRoll,
    FocusPrompt,
    EarlierPrompt,
    LaterPrompt,
    CoarserScale,
    FinerScale,
    FitView,
    Zoom100,
    Zoom200,
    Zoom400,
    Zoom800,
    ContactSheet,
    SavePicture,
    ExportPicture,
    CopyPicture,
    PastePicture,
    Undo,
    Redo,
    BrushTool,
    EraserTool,
    AirbrushTool,
    ShapeTool,
    FillTool,
    PickerTool,
    LockTool,
    PanTool,
    SmallerBrush,
    LargerBrush,
    SwapInks,
    DefaultInks,
    ClearLayer,
    ToggleLive,
    ToggleVariants,
    ToggleGallery,
    ToggleMemory,
    ToggleModels,
    ToggleHelp,
}

/// How an action reads and which keys run it; the first key is the one shown.
#[derive(Debug, Clone, Copy)]
pub struct ActionText {
    pub label: &'static str,
    pub explanation: &'static str,
    pub keys: &'static [KeyboardShortcut],
}

impl Action {
    /// In the order of the list of shortcuts.
    pub const ALL: [Self; 45] = [
        Self::NewProject,
        Self::OpenFile,
        Self::SaveProject,
        Self::SaveProjectAs,
        Self::Generate,
        Self::Stop,
        Self::AnotherSeed,
        Self::StopOrContinue,
        Self::ReRoll,
        Self::FocusPrompt,
        Self::EarlierPrompt,
        Self::LaterPrompt,
        Self::CoarserScale,
        Self::FinerScale,
        Self::FitView,
        Self::Zoom100,
        Self::Zoom200,
        Self::Zoom400,
        Self::Zoom800,
        Self::ContactSheet,
        Self::SavePicture,
        Self::ExportPicture,
        Self::CopyPicture,
        Self::PastePicture,
        Self::Undo,
        Self::Redo,
        Self::BrushTool,
        Self::EraserTool,
        Self::AirbrushTool,
        Self::ShapeTool,
        Self::FillTool,
        Self::PickerTool,
        Self::LockTool,
        Self::PanTool,
        Self::SmallerBrush,
        Self::LargerBrush,
        Self::SwapInks,
        Self::DefaultInks,
        Self::ClearLayer,
        Self::ToggleLive,
        Self::ToggleVariants,
        Self::ToggleGallery,
        Self::ToggleMemory,
        Self::ToggleModels,
        Self::ToggleHelp,
    ];

    pub const fn text(self) -> ActionText {
        const CTRL: Modifiers = Modifiers::COMMAND;
        const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);
        const CTRL_ALT: Modifiers = Modifiers::COMMAND.plus(Modifiers::ALT);
        const ALT: Modifiers = Modifiers::ALT;
        const NONE: Modifiers = Modifiers::NONE;
        const SHIFT: Modifiers = Modifiers::SHIFT;

        macro_rules! text {
            ($label:literal, $explanation:literal, $($modifiers:ident $key:ident),+) => {
                ActionText {
                    label: $label,
                    explanation: $explanation,
                    keys: const { &[$(KeyboardShortcut::new($modifiers, Key::$key)),+] },
                }
            };
        }
        match self {
            Self::NewProject => {
                text!("New", "Begin with an empty canvas; the prompt stays", CTRL N)
            }
            Self::OpenFile => text!("Open…", "Open a project or a picture", CTRL O),
            Self::SaveProject => text!("Save", "Save sketch, pictures and settings", CTRL S),
            Self::SaveProjectAs => {
                text!("Save as…", "Save the project under another name", CTRL_ALT S)
            }
            Self::Generate => text!("Generate", "Draw the prompt", CTRL Enter),
            Self::Stop => text!("Stop", "Stop drawing and keep what is there", NONE Escape),
            Self::AnotherSeed => {
                text!("Another seed", "Draw the same prompt with another seed", NONE N)
            }
            Self::StopOrContinue => {
                text!("Stop here", "Stop at the scale on the canvas, or go on", SHIFT Enter)
            }
            Self::ReRoll => {
                text!("Re-roll", "Keep the scales so far and draw the rest anew", NONE R)
            }
            Self::FocusPrompt => text!("Edit prompt", "Go to the prompt", ALT A),
            Self::EarlierPrompt => {
                text!("Earlier prompt", "Bring back the prompt before", ALT ArrowUp)
            }
            Self::LaterPrompt => text!("Later prompt", "Go on to the prompt after", ALT ArrowDown),
            Self::CoarserScale => text!("Coarser scale", "Look at the scale before", NONE Comma),
            Self::FinerScale => text!("Finer scale", "Look at the scale after", NONE Period),
            Self::FitView => text!("Fit", "Fit the picture into the window", CTRL Num0),
            Self::Zoom100 => text!("100 %", "One screen pixel per pixel", CTRL Num1),
            Self::Zoom200 => text!("200 %", "Twice as large", CTRL Num2),
            Self::Zoom400 => text!("400 %", "Four times as large", CTRL Num3),
            Self::Zoom800 => text!("800 %", "Eight times as large", CTRL Num4),
            Self::ContactSheet => {
                text!("Contact sheet", "Many drafts at once, of which you finish some", SHIFT G)
            }
            Self::SavePicture => {
                text!("Save picture", "Save the picture among your pictures", CTRL E)
            }
            Self::ExportPicture => {
                text!("Export…", "Save the picture in another place or format", CTRL_SHIFT S)
            }
            Self::CopyPicture => text!("Copy", "Copy the picture on the canvas", CTRL C),
            Self::PastePicture => text!("Paste", "Take the picture on the clipboard", CTRL V),
            Self::Undo => text!("Undo", "Take the last step back, of sketch or picture", CTRL Z),
            Self::Redo => text!("Redo", "Do it again", CTRL_SHIFT Z, CTRL Y),
            Self::BrushTool => text!("Brush", "Draw freely", NONE B),
            Self::EraserTool => text!("Eraser", "Take ink away", NONE E),
            Self::AirbrushTool => {
                text!("Airbrush", "Build up softly; made for depth", NONE A)
            }
            Self::ShapeTool => {
                text!("Shapes", "Line, rectangle, ellipse; again for the next", NONE U)
            }
            Self::FillTool => text!("Fill", "Fill an area within lines", NONE F),
            Self::PickerTool => text!("Picker", "Take the ink under the pointer", NONE I),
            Self::LockTool => {
                text!("Lock", "Paint over what stays when the rest is drawn anew", NONE L)
            }
            Self::PanTool => text!("Hand", "Move the view; Space does so for a moment", NONE H),
            Self::SmallerBrush => text!("Smaller brush", "Draw finer", NONE OpenBracket),
            Self::LargerBrush => text!("Larger brush", "Draw broader", NONE CloseBracket),
            Self::SwapInks => text!("Swap inks", "Change to the other ink", NONE X),
            Self::DefaultInks => text!("Default inks", "Black and white again", NONE D),
            Self::ClearLayer => {
                text!("Clear layer", "Take everything off the layer", SHIFT Delete, SHIFT Backspace)
            }
            Self::ToggleLive => text!("Live", "Draw while you draw", CTRL L),
            Self::ToggleVariants => {
                text!("Variants", "Show or hide the pictures made so far", NONE V)
            }
            Self::ToggleGallery => text!("Gallery", "Show or hide all your pictures", NONE G),
            Self::ToggleMemory => {
                text!("My memory", "Show or hide the pictures that you have taught it", NONE M)
            }
            Self::ToggleModels => {
                text!("Models", "Show or hide the models that can draw", SHIFT M)
            }
            Self::ToggleHelp => {
                text!("Keyboard shortcuts", "Show or hide this list", NONE F1, SHIFT Questionmark)
            }
        }
    }

    /// The same in the words for a model: one that draws row by row has no scales.
    pub const fn text_for(self, order: DecodingOrder) -> ActionText {
        let text = self.text();
        if matches!(order, DecodingOrder::NextScale) {
            return text;
        }
        let (label, explanation) = match self {
            Self::StopOrContinue => (text.label, "Stop at the row on the canvas, or go on"),
            Self::ReRoll => (text.label, "Keep the rows so far and draw the rest anew"),
            Self::CoarserScale => ("Row above", "Look at the row before"),
            Self::FinerScale => ("Row below", "Look at the row after"),
            _ => return text,
        };
        ActionText { label, explanation, ..text }
    }

    pub fn label(self) -> &'static str {
        self.text().label
    }

    /// The main key as this system writes it: `Ctrl+Enter`.
    pub fn key_text(self, ctx: &egui::Context) -> String {
        self.text().keys.first().map(|key| key_text(ctx, key)).unwrap_or_default()
    }

    /// Explanation and key, for hovering.
    pub fn tooltip(self, ctx: &egui::Context) -> String {
        format!("{} ({})", self.text().explanation, self.key_text(ctx))
    }

    /// Whether holding the key down repeats the action.
    pub const fn repeats(self) -> bool {
        matches!(
            self,
            Self::CoarserScale
                | Self::FinerScale
                | Self::EarlierPrompt
                | Self::LaterPrompt
                | Self::Undo
                | Self::Redo
                | Self::SmallerBrush
                | Self::LargerBrush
        )
    }
}

/// A key as people write it.
pub fn key_text(ctx: &egui::Context, shortcut: &KeyboardShortcut) -> String {
    let character = match shortcut.logical_key {
        Key::Comma => ",",
        Key::Period => ".",
        // Shift belongs to the character on the layouts that need it.
        Key::Questionmark => "?",
        Key::Escape => "Esc",
        Key::OpenBracket => "[",
        Key::CloseBracket => "]",
        _ => return ctx.format_shortcut(shortcut),
    };
    character.to_owned()
}

impl From<SketchCommand> for UiCommand {
    fn from(command: SketchCommand) -> Self {
        Self::Sketch(command)
    }
}

impl From<AddInspirationCommand> for UiCommand {
    fn from(command: AddInspirationCommand) -> Self {
        Self::AddInspiration(command)
    }
}

impl From<ProjectCommand> for UiCommand {
    fn from(command: ProjectCommand) -> Self {
        Self::Project(command)
    }
}

impl From<ExportCommand> for UiCommand {
    fn from(command: ExportCommand) -> Self {
        Self::Export(command)
    }
}

impl From<SheetCommand> for UiCommand {
    fn from(command: SheetCommand) -> Self {
        Self::Sheet(command)
    }
}

impl From<OpenCommand> for UiCommand {
    fn from(command: OpenCommand) -> Self {
        Self::Open(command)
    }
}

impl From<SourceCommand> for UiCommand {
    fn from(command: SourceCommand) -> Self {
        Self::Source(command)
    }
}

impl From<ImportCommand> for UiCommand {
    fn from(command: ImportCommand) -> Self {
        Self::Import(command)
    }
}

impl From<GalleryCommand> for UiCommand {
    fn from(command: GalleryCommand) -> Self {
        Self::Gallery(command)
    }
}

impl From<MemoryCommand> for UiCommand {
    fn from(command: MemoryCommand) -> Self {
        Self::Memory(command)
    }
}

impl From<ModelsCommand> for UiCommand {
    fn from(command: ModelsCommand) -> Self {
        Self::Models(command)
    }
}

impl From<StyleCommand> for UiCommand {
    fn from(command: StyleCommand) -> Self {
        Self::Style(command)
    }
}

impl From<Action> for UiCommand {
    fn from(action: Action) -> Self {
        Self::Run(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_runs_two_actions() {
        let keys = |action: &Action| action.text().keys.to_vec();
        let mut all: Vec<_> =
            Action::ALL.iter().flat_map(keys).map(|key| format!("{key:?}")).collect();
        let n_keys = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), n_keys);
    }

    #[test]
    fn every_action_is_listed_and_explained() {
        for action in Action::ALL {
            let text = action.text();
            assert!(!text.label.is_empty() && !text.keys.is_empty(), "{action:?}");
            assert!(!text.explanation.ends_with('.'), "{action:?}");
            let of_rows = action.text_for(DecodingOrder::Raster);
            assert!(!of_rows.explanation.contains("scale"), "{action:?}");
        }
    }
}
