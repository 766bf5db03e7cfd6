//! What the user sees. Functions that end in `_ui` draw a part of the window from `&AppState` and
//! answer with [`UiCommand`]s; they change nothing, read no file and never wait. [`UiState`] is
//! what only the window knows: zoom, open panels, half-typed numbers.

pub mod add_inspiration_command;
pub mod canvas_view;
pub mod command;
pub mod export_command;
pub mod gallery_command;
pub mod icons;
pub mod import_command;
pub mod inspired_command;
pub mod mark;
pub mod memory_command;
pub mod models_command;
pub mod open_command;
pub mod pictures;
pub mod sheet_command;
pub mod project_command;
pub mod sketch_command;
pub mod source_command;
pub mod style_command;
pub mod theme;
pub mod widgets;

mod add_inspiration;
mod brush_cursor;
mod candidates;
mod canvas_area;
mod class_chooser;
mod contact_sheet;
mod costs;
mod drag_field;
mod drop;
mod export;
mod gallery;
mod help;
mod import;
mod inks;
mod inspired;
mod keyboard;
mod layer_strength;
mod layer_thumbnails;
mod layers;
mod lettering;
mod opened;
mod lock_options;
mod memory_page;
mod models_page;
mod node_text;
mod part;
mod project_menu;
mod recovery;
mod row_strip;
mod scale_strip;
mod side_panel;
mod source;
mod status_bar;
mod style_sheet;
mod toasts;
mod tool_look;
mod tool_options;
mod tool_strip;
mod toolbar;
mod variants;
mod view_bar;
mod words;

use egui::{CentralPanel, Frame, Margin, Panel, Rect, Ui};

pub use self::add_inspiration_command::AddInspirationCommand;
use self::brush_cursor::SizePreview;
use self::candidates::CandidatesView;
use self::canvas_view::CanvasView;
pub use self::command::{Action, UiCommand};
pub use self::export_command::ExportCommand;
use self::gallery::GalleryView;
pub use self::gallery_command::GalleryCommand;
pub use self::import_command::ImportCommand;
pub use self::inspired_command::InspiredCommand;
use self::keyboard::Scene;
use self::layer_thumbnails::LayerThumbnails;
pub use self::memory_command::MemoryCommand;
use self::memory_page::MemoryView;
pub use self::models_command::ModelsCommand;
use self::models_page::ModelsView;
pub use self::open_command::OpenCommand;
use self::part::PartInHand;
use self::pictures::Pictures;
pub use self::project_command::ProjectCommand;
use self::row_strip::FilmTexture;
pub use self::sheet_command::SheetCommand;
pub use self::sketch_command::SketchCommand;
pub use self::source_command::SourceCommand;
pub use self::style_command::StyleCommand;
use self::variants::Variants;
use crate::params::ControlKind;
use crate::protocol::DecodingOrder;
use crate::state::AppState;

/// What only the window knows.
#[derive(Default)]
pub struct UiState {
    pub canvas: CanvasView,
    pub is_help_open: bool,
    pictures: Pictures,
    film: FilmTexture,
    layer_thumbnails: LayerThumbnails,
    gallery: GalleryView,
    candidates: CandidatesView,
    memory: MemoryView,
    models: ModelsView,
    size_preview: SizePreview,
    variants: Variants,
    /// What a class is looked for by, while one is.
    class_search: String,
    /// The seed as it is being typed.
    seed_text: Option<String>,
    /// Where pictures can be dropped, by slot.
    slot_rects: Vec<Rect>,
    /// Where pictures can be dropped onto a layer.
    layer_rects: Vec<(ControlKind, Rect)>,
    /// A text field had the keyboard in the last frame: Esc and Enter are its own.
    was_in_text: bool,
    /// The import panel stands beside the canvas, or its space is kept.
    is_import_beside: bool,
    /// The part of the canvas that is being taken.
    part: PartInHand,
}

/// Draws the whole window; returns what the user wants, oldest wish first.
pub fn window_ui(ui: &mut Ui, state: &AppState, view: &mut UiState) -> Vec<UiCommand> {
    // Esc closes the list of shortcuts, puts a picture away or drops the stroke under the pen before
    // it stops a picture.
    let can_stop = state.is_drawing()
        && !view.is_help_open
        && !view.canvas.hand.is_drawing()
        && state.imports.open.is_none()
        && state.adding.open.is_none()
        && !state.adding.is_taking_part
        && state.export.is_none()
        && state.candidates.is_none()
        && state.opened.is_none()
        && state.sheet.is_none();
    let is_page = state.gallery.is_open
        || state.memories.is_open
        || state.models.is_open
        || state.style_sheet.is_some();
    let scene = if is_page { Scene::Page } else { Scene::Canvas { can_stop } };
    let actions = keyboard::pressed_actions(ui.ctx(), scene);
    let mut commands: Vec<_> = actions.into_iter().map(UiCommand::Run).collect();
    if state.sheet.is_some() {
        // What lies under the sheet is not changed by keys that nobody sees the effect of.
        commands.retain(|command| {
            matches!(command, UiCommand::Run(Action::ContactSheet | Action::ToggleHelp))
        });
    }
    paste_into_place(ui, view, &mut commands);
    // At once, so that what was typed after Alt+A in the same frame reaches the prompt.
    commands.retain(|command| !view.takes(ui, command));
    if state.gallery.is_open {
        gallery::gallery_ui(ui, state, view, &mut commands);
        commands.retain(|command| !view.takes(ui, command));
        return commands;
    }
    if let Some(sheet) = &state.style_sheet {
        style_sheet::style_sheet_ui(ui, state, sheet, view, &mut commands);
        commands.retain(|command| !view.takes(ui, command));
        return commands;
    }
    if state.models.is_open {
        models_page::models_page_ui(ui, state, view, &mut commands);
        commands.retain(|command| !view.takes(ui, command));
        return commands;
    }
    if state.memories.is_open {
        memory_page::memory_page_ui(ui, state, view, &mut commands);
        commands.retain(|command| !view.takes(ui, command));
        return commands;
    }

    let palette = theme::palette(ui);
    let panel = Frame::new().fill(palette.panel);
    let beside = Margin::symmetric(theme::SPACE_L as i8, 0);

    Panel::bottom("status")
        .exact_size(status_bar::HEIGHT)
        .frame(panel.inner_margin(beside))
        .show(ui, |ui| status_bar::status_bar_ui(ui, state, &mut commands));
    Panel::right("settings")
        .default_size(side_panel::width(ui.available_width()))
        .size_range(side_panel::WIDTHS)
        .frame(panel)
        .show(ui, |ui| side_panel::side_panel_ui(ui, state, view, &mut commands));
    Panel::top("toolbar")
        .exact_size(toolbar::HEIGHT)
        .frame(panel.inner_margin(beside))
        .show(ui, |ui| toolbar::toolbar_ui(ui, state, &mut commands));
    Panel::top("tool options")
        .exact_size(tool_options::HEIGHT)
        .frame(panel.inner_margin(beside))
        .show(ui, |ui| {
            tool_options::tool_options_ui(ui, state, &mut commands);
        });
    Panel::left("tools")
        .exact_size(tool_strip::WIDTH)
        .frame(panel)
        .show(ui, |ui| tool_strip::tool_strip_ui(ui, state, &mut commands));
    let raster = state.model().filter(|model| model.order == DecodingOrder::Raster);
    let strip_height = match raster {
        Some(_) => row_strip::HEIGHT,
        None => scale_strip::height(ui.available_width(), state),
    };
    Panel::bottom("scales").exact_size(strip_height).frame(panel).show(ui, |ui| match raster {
        Some(model) => {
            row_strip::row_strip_ui(ui, state, model, &mut view.film, &mut commands);
        }
        None => scale_strip::scale_strip_ui(ui, state, &mut view.pictures, &mut commands),
    });
    variants::variants_ui(ui, state, view, &mut commands);
    import::import_beside_ui(ui, state, view, &mut commands);
    let canvas = CentralPanel::default().frame(Frame::new().fill(palette.canvas)).show(ui, |ui| {
        canvas_area::canvas_area_ui(ui, state, view, &mut commands);
    });

    toasts::toasts_ui(ui, canvas.response.rect, state.notices.iter(), &mut commands);
    import::import_over_ui(ui, canvas.response.rect, state, view, &mut commands);
    candidates::candidates_ui(ui, canvas.response.rect, state, view, &mut commands);
    add_inspiration::add_inspiration_ui(ui, canvas.response.rect, state, view, &mut commands);
    contact_sheet::contact_sheet_ui(ui, canvas.response.rect, state, view, &mut commands);
    opened::opened_ui(ui, canvas.response.rect, state, view, &mut commands);
    export::export_ui(ui, canvas.response.rect, state, view, &mut commands);
    recovery::recovery_ui(ui, canvas.response.rect, state, view, &mut commands);
    drop::drop_target_ui(ui, canvas.response.rect, state);
    drop::dropped_files(ui.ctx(), view, &mut commands);
    view.was_in_text = ui.ctx().text_edit_focused();
    if view.is_help_open {
        view.is_help_open = help::help_ui(ui, state.order());
    }
    view.pictures.forget_unused();
    commands.retain(|command| !view.takes(ui, command));
    commands
}

/// What is pasted while the pointer is over a place of *Inspired by* goes there.
fn paste_into_place(ui: &Ui, view: &UiState, commands: &mut [UiCommand]) {
    let Some(pos) = ui.ctx().pointer_latest_pos() else { return };
    let Some(slot_idx) = view.slot_rects.iter().position(|rect| rect.contains(pos)) else { return };
    let pastes = |command: &&mut UiCommand| **command == UiCommand::Run(Action::PastePicture);
    for command in commands.iter_mut().filter(pastes) {
        *command = AddInspirationCommand::Paste { slot_idx }.into();
    }
}

impl UiState {
    /// Carries out what concerns the window alone; says whether it did.
    fn takes(&mut self, ui: &Ui, command: &UiCommand) -> bool {
        let UiCommand::Run(action) = command else { return false };
        match action {
            Action::FitView => self.canvas.fit(),
            Action::ToggleVariants => {
                let width = ui.ctx().content_rect().width();
                if !self.variants.toggles_in_narrow(width) {
                    return false;
                }
            }
            Action::Zoom100 => self.canvas.set_zoom(1.0),
            Action::Zoom200 => self.canvas.set_zoom(2.0),
            Action::Zoom400 => self.canvas.set_zoom(4.0),
            Action::Zoom800 => self.canvas.set_zoom(8.0),
            Action::ToggleHelp => self.is_help_open = !self.is_help_open,
            Action::FocusPrompt => {
                ui.ctx().memory_mut(|memory| memory.request_focus(side_panel::prompt_id()));
            }
            // A stroke under the pen must be able to end.
            Action::ToggleGallery | Action::ToggleMemory | Action::ToggleModels => {
                return self.canvas.hand.is_drawing();
            }
            Action::NewProject
            | Action::OpenFile
            | Action::SaveProject
            | Action::SaveProjectAs
            | Action::Generate
            | Action::Stop
            | Action::AnotherSeed
            | Action::StopOrContinue
            | Action::ReRoll
            | Action::EarlierPrompt
            | Action::LaterPrompt
            | Action::CoarserScale
            | Action::FinerScale
            | Action::ContactSheet
            | Action::SavePicture
            | Action::ExportPicture
            | Action::CopyPicture
            | Action::PastePicture
            | Action::Undo
            | Action::Redo
            | Action::BrushTool
            | Action::EraserTool
            | Action::AirbrushTool
            | Action::ShapeTool
            | Action::FillTool
            | Action::PickerTool
            | Action::LockTool
            | Action::PanTool
            | Action::SmallerBrush
            | Action::LargerBrush
            | Action::SwapInks
            | Action::DefaultInks
            | Action::ClearLayer
            | Action::ToggleLive => return false,
        }
        ui.ctx().request_repaint();
        true
    }
}
