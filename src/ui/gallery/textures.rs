//! Small pictures on the graphics card: few per frame, so that scrolling stays smooth, and bounded,
//! those that were seen longest ago making room.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Weak};

use egui::{Context, TextureHandle, TextureId, TextureOptions, Vec2};

use crate::imaging::RgbaImage;
use crate::ui::pictures::scaled_down;

/// About 20 MB.
const MAX_TEXTURES: usize = 300;
/// Larger pictures are scaled down to it.
const SIDE_PX: usize = 128;
/// Each takes at most some tenths of a millisecond to convert.
const MAX_PER_FRAME: usize = 12;

pub(in crate::ui) struct Textures<Id> {
    by_id: HashMap<Id, Texture>,
    frame: u64,
    n_new: usize,
    /// Some had to wait for the next frame.
    has_waiting: bool,
}

struct Texture {
    /// What it shows; a file that changes gives other pixels. Whoever has them may drop them.
    pixels: Weak<RgbaImage>,
    handle: TextureHandle,
    seen_in: u64,
}

impl<Id> Default for Textures<Id> {
    fn default() -> Self {
        Self { by_id: HashMap::new(), frame: 0, n_new: 0, has_waiting: false }
    }
}

impl<Id: Eq + Hash> Textures<Id> {
    /// The texture and its size in pixels; `None` if it has to wait.
    pub(in crate::ui) fn get(
        &mut self,
        ctx: &Context,
        id: Id,
        pixels: &Arc<RgbaImage>,
    ) -> Option<(TextureId, Vec2)> {
        let frame = self.frame;
        if let Some(texture) = self.by_id.get_mut(&id)
            && texture.pixels.as_ptr() == Arc::as_ptr(pixels)
        {
            texture.seen_in = frame;
            return Some((texture.handle.id(), texture.handle.size_vec2()));
        }
        if self.n_new >= MAX_PER_FRAME {
            self.has_waiting = true;
            return None;
        }
        self.n_new += 1;
        let image = scaled_down(pixels, SIDE_PX);
        let handle = ctx.load_texture("gallery picture", image, TextureOptions::LINEAR);
        let found = (handle.id(), handle.size_vec2());
        self.by_id.insert(id, Texture { pixels: Arc::downgrade(pixels), handle, seen_in: frame });
        Some(found)
    }

    /// Makes room, and asks for another frame if something waits for it.
    pub(in crate::ui) fn end_frame(&mut self, ctx: &Context) {
        if self.by_id.len() > MAX_TEXTURES {
            let mut seen: Vec<_> = self.by_id.values().map(|texture| texture.seen_in).collect();
            seen.sort_unstable();
            let limit = seen[seen.len() - MAX_TEXTURES / 2].min(self.frame);
            self.by_id.retain(|_, texture| texture.seen_in >= limit);
        }
        if std::mem::take(&mut self.has_waiting) {
            ctx.request_repaint();
        }
        self.frame += 1;
        self.n_new = 0;
    }
}
