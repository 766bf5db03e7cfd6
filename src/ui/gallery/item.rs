//! What stands in the grid: pictures of this session that are in no file yet, then files.

use std::sync::Arc;

use super::GalleryView;
use crate::imaging::RgbaImage;
use crate::protocol::{KnownPicture, PictureId};
use crate::state::{AppState, Gallery, Node, NodeId};
use crate::ui::add_inspiration_command::AddInspirationCommand;
use crate::ui::command::UiCommand;
use crate::ui::gallery_command::GalleryCommand;
use crate::ui::node_text;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ItemId {
    Unsaved(NodeId),
    File(PictureId),
}

#[derive(Clone, Copy)]
pub(super) enum Item<'a> {
    Unsaved(&'a Node),
    File(&'a KnownPicture),
}

impl<'a> Item<'a> {
    pub(super) fn id(self) -> ItemId {
        match self {
            Self::Unsaved(node) => ItemId::Unsaved(node.id),
            Self::File(picture) => ItemId::File(picture.id),
        }
    }

    /// Its prompt on one line, or what else it can be called.
    pub(super) fn title(self) -> String {
        match self {
            Self::File(picture) => picture.title(),
            Self::Unsaved(node) if self.prompt().trim().is_empty() => node_text::origin(node),
            Self::Unsaved(_) => self.prompt().split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }

    pub(super) fn prompt(self) -> &'a str {
        match self {
            Self::Unsaved(node) => &node.about.recipe.prompt,
            Self::File(picture) => &picture.prompt,
        }
    }

    pub(super) fn is_starred(self) -> bool {
        match self {
            Self::Unsaved(node) => node.about.is_starred,
            Self::File(picture) => picture.is_starred,
        }
    }

    /// Why it cannot be shown.
    pub(super) fn problem(self) -> Option<&'a str> {
        match self {
            Self::Unsaved(_) => None,
            Self::File(picture) => picture.problem.as_deref(),
        }
    }

    /// What it looks like, as far as that is known.
    pub(super) fn pixels(self, gallery: &'a Gallery) -> Option<Result<&'a Arc<RgbaImage>, ()>> {
        match self {
            Self::Unsaved(node) => Some(Ok(&node.picture)),
            Self::File(picture) => {
                let loaded = gallery.thumbnails.get(picture.id)?;
                Some(loaded.as_ref().map_err(|_problem| ()))
            }
        }
    }

    pub(super) fn select(self) -> UiCommand {
        match self {
            Self::Unsaved(node) => GalleryCommand::SelectNode(node.id).into(),
            Self::File(picture) => GalleryCommand::Select(Some(picture.id)).into(),
        }
    }

    /// Takes it to the canvas.
    pub(super) fn open(self, commands: &mut Vec<UiCommand>) {
        match self {
            Self::Unsaved(node) => {
                commands.push(UiCommand::ShowNode(node.id));
                commands.push(GalleryCommand::Close.into());
            }
            Self::File(picture) if picture.problem.is_none() => {
                commands.push(GalleryCommand::Open(picture.path.clone()).into());
            }
            Self::File(_) => {}
        }
    }

    /// Gives it a star, or takes that away.
    pub(super) fn toggle_star(self) -> UiCommand {
        let is_starred = !self.is_starred();
        match self {
            Self::Unsaved(node) => UiCommand::StarNode { node: node.id, is_starred },
            Self::File(picture) => GalleryCommand::Star { id: picture.id, is_starred }.into(),
        }
    }

    /// Is inspired by it from now on.
    pub(super) fn more_like(self) -> UiCommand {
        match self {
            Self::Unsaved(node) => AddInspirationCommand::MoreLikeNode(node.id).into(),
            Self::File(picture) => AddInspirationCommand::MoreLikeFile(picture.path.clone()).into(),
        }
    }

    /// Takes it off the list, or its file to the trash.
    pub(super) fn remove(self) -> UiCommand {
        match self {
            Self::Unsaved(node) => UiCommand::DeleteNode(node.id),
            Self::File(picture) => GalleryCommand::Trash(picture.id).into(),
        }
    }
}

/// Everything that fits the query, in the order of the grid.
pub(super) struct Items<'a> {
    unsaved: Vec<&'a Node>,
    files: &'a [KnownPicture],
    selected: Option<ItemId>,
}

impl<'a> Items<'a> {
    pub(super) fn of(state: &'a AppState) -> Self {
        let gallery = &state.gallery;
        let file = gallery.selected.map(ItemId::File);
        Self {
            unsaved: state.unsaved_pictures(),
            files: gallery.pictures(),
            selected: gallery.selected_node.map(ItemId::Unsaved).or(file),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.unsaved.len() + self.files.len()
    }

    pub(super) fn n_unsaved(&self) -> usize {
        self.unsaved.len()
    }

    pub(super) fn get(&self, place: usize) -> Option<Item<'a>> {
        match place.checked_sub(self.unsaved.len()) {
            None => self.unsaved.get(place).map(|node| Item::Unsaved(node)),
            Some(place) => self.files.get(place).map(Item::File),
        }
    }

    /// The file at a place of the grid, if there is one.
    pub(super) fn file(&self, place: usize) -> Option<&'a KnownPicture> {
        self.files.get(place.checked_sub(self.unsaved.len())?)
    }

    pub(super) fn place_of(&self, id: ItemId) -> Option<usize> {
        match id {
            ItemId::Unsaved(id) => self.unsaved.iter().position(|node| node.id == id),
            ItemId::File(id) => {
                let place = self.files.iter().position(|picture| picture.id == id)?;
                Some(self.unsaved.len() + place)
            }
        }
    }

    pub(super) fn is_selected(&self, id: ItemId) -> bool {
        self.selected == Some(id)
    }

    pub(super) fn selected_place(&self) -> Option<usize> {
        self.place_of(self.selected?)
    }

    pub(super) fn selected(&self) -> Option<Item<'a>> {
        self.get(self.selected_place()?)
    }

    /// Selects what a key has led to and brings it into sight.
    pub(super) fn go_to(
        &self,
        place: usize,
        view: &mut GalleryView,
        commands: &mut Vec<UiCommand>,
    ) {
        let Some(item) = self.get(place) else { return };
        view.to_reveal = Some(item.id());
        if !self.is_selected(item.id()) {
            commands.push(item.select());
        }
    }
}
