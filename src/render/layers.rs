//! Paint callback of the control layers, partner of `shaders/layers.wgsl`: what changed is
//! flattened to one picture of the canvas' size, and that is magnified onto the screen.

use eframe::egui_wgpu::{self, CallbackResources, ScreenDescriptor};
use eframe::wgpu;
use egui::{Color32, PaintCallbackInfo, Pos2, Rect};

use super::flatten::{BETWEEN_STRIPES, FLATTEN_MARGIN_PX, HALO_CORNER};
use super::gpu_types::{FlattenUniforms, SketchUniforms};
use super::layers_layout::LayerPipelines;
use super::plane_textures::{PlaneTexture, plane_texture, whole_view};
use super::stroke::{set_scissor, target_pass};
use super::{GpuPresence, LayerStack, NewStamps, PixelRect, SketchLook, StrokeRenderer};

/// One frame of the controls; wrap it with [`egui_wgpu::Callback::new_paint_callback`]. At most
/// one per frame.
///
/// Draws nothing if [`super::install`] was not called for the renderer it lands in.
#[derive(Debug, Clone)]
pub struct LayersPaint {
    /// With a stroke: its plane as it was before, even if empty.
    pub stack: LayerStack,
    /// Only for renderers that draw strokes: see [`GpuPresence::draws_strokes`].
    pub stroke: Option<StrokeInLayers>,
    pub look: SketchLook,
    /// Where the canvas lies, in pixels from the top left of the window.
    pub canvas_in_screen: Rect,
    /// 0–1.
    pub opacity: f32,
    /// Centre and radius in pixels of a circle to which the controls are confined.
    pub lens_in_screen: Option<(Pos2, f32)>,
    pub presence: GpuPresence,
}

/// A stroke under the pen.
#[derive(Debug, Clone)]
pub struct StrokeInLayers {
    /// Which of the planes of the stack it is drawn on.
    pub plane_idx: usize,
    pub stamps: NewStamps,
}

impl egui_wgpu::CallbackTrait for LayersPaint {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(renderer) = resources.get_mut::<LayersRenderer>() {
            renderer.prepare(device, queue, encoder, self);
            renderer.place(queue, screen.size_in_pixels, self);
            let strokes = renderer.strokes.as_ref();
            let drawn = strokes.and_then(StrokeRenderer::drawn);
            self.presence.confirm();
            self.presence.report_strokes(strokes.is_some(), drawn);
        }
        Vec::new()
    }

    fn paint(
        &self,
        info: PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &CallbackResources,
    ) {
        if let Some(renderer) = resources.get::<LayersRenderer>() {
            renderer.paint(&info, pass);
        }
    }
}

/// Pipelines, made once, and the drawing on the GPU.
pub(super) struct LayersRenderer {
    pipelines: LayerPipelines,
    strokes: Option<StrokeRenderer>,
    sketch: Option<SketchTextures>,
}

/// A drawing on the GPU.
struct SketchTextures {
    planes: [Option<PlaneTexture>; 4],
    /// All layers in one.
    flat: wgpu::Texture,
    bind_group: wgpu::BindGroup,
    /// What `flat` shows.
    stack: LayerStack,
    look: SketchLook,
    /// Where a stroke was drawn over `stack`.
    stroke: Option<PixelRect>,
    /// The part with something on it.
    drawn: Option<PixelRect>,
}

impl LayersRenderer {
    pub(super) fn new(
        device: &wgpu::Device,
        target_format: wgpu::TextureFormat,
        strokes: Option<StrokeRenderer>,
    ) -> Self {
        Self { pipelines: LayerPipelines::new(device, target_format), strokes, sketch: None }
    }

    /// Brings the flattened picture up to date.
    fn prepare(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        encoder: &mut wgpu::CommandEncoder,
        paint: &LayersPaint,
    ) {
        let Self { pipelines, strokes, sketch } = self;
        let size_px = paint.stack.size_px;
        if size_px > device.limits().max_texture_dimension_2d as usize {
            // No device that can show this program's windows well is so small.
            *sketch = None;
            return;
        }
        if sketch.as_ref().is_none_or(|sketch| sketch.stack.size_px != size_px) {
            *sketch = Some(SketchTextures::new(device, pipelines, paint));
            strokes.iter_mut().for_each(StrokeRenderer::finish);
        }
        let Some(sketch) = sketch else { return };

        let mut dirty = sketch.send(device, queue, paint);
        let mut stroke_idx = None;
        let mut covered_before = sketch.stroke.take();
        match (&paint.stroke, strokes.as_mut()) {
            (Some(StrokeInLayers { plane_idx, stamps }), Some(renderer)) => {
                let Some(base) = &sketch.planes[*plane_idx] else { return };
                let goes_on = renderer.drawn().is_some_and(|(serial, _)| serial == stamps.serial);
                let changed = renderer.draw(device, queue, encoder, &base.texture, stamps);
                let changed = changed.map(|rect| rect.grown(FLATTEN_MARGIN_PX, size_px));
                dirty.extend(changed);
                sketch.stroke = changed;
                if goes_on {
                    sketch.stroke = [changed, covered_before.take()]
                        .into_iter()
                        .flatten()
                        .reduce(PixelRect::union);
                }
                stroke_idx = Some(*plane_idx);
            }
            (_, Some(renderer)) => renderer.finish(),
            (_, None) => {}
        }
        // What a stroke covered that is no more shows the document again.
        dirty.extend(covered_before);

        if !dirty.is_empty() {
            let plane_of_stroke = strokes.as_ref().and_then(StrokeRenderer::plane);
            let stroke_plane = stroke_idx.zip(plane_of_stroke);
            let planes = [0, 1, 2, 3].map(|idx| match stroke_plane {
                Some((plane_idx, plane)) if plane_idx == idx => Some(plane),
                _ => paint.stack.planes[idx]
                    .as_ref()
                    .and(sketch.planes[idx].as_ref())
                    .map(|plane| &plane.texture),
            });
            let uniforms =
                flatten_uniforms(&paint.look, planes.map(|plane| plane.is_some()), size_px);
            queue.write_buffer(&pipelines.flatten_uniforms, 0, bytemuck::bytes_of(&uniforms));
            let bind_group = pipelines.flatten_bind_group(device, planes);
            let flat = whole_view(&sketch.flat);
            let mut pass = target_pass(encoder, "layers flatten", &flat);
            pass.set_pipeline(&pipelines.flatten);
            pass.set_bind_group(0, &bind_group, &[]);
            for rect in dirty {
                set_scissor(&mut pass, rect);
                pass.draw(0..3, 0..1);
            }
            drop(pass);
            let drawn = [paint.stack.drawn(), sketch.stroke];
            sketch.drawn = drawn.into_iter().flatten().reduce(PixelRect::union);
        }
    }

    /// Says where the drawing is seen.
    fn place(&self, queue: &wgpu::Queue, screen_size: [u32; 2], paint: &LayersPaint) {
        let Some(drawn) = self.sketch.as_ref().and_then(|sketch| sketch.drawn) else { return };
        let (lens_centre, lens_radius_in_screen) = paint.lens_in_screen.unwrap_or_default();
        let uniforms = SketchUniforms {
            canvas_min_in_screen: paint.canvas_in_screen.min.into(),
            canvas_size_in_screen: paint.canvas_in_screen.size().into(),
            screen_size: screen_size.map(|side| side as f32),
            drawn_min_in_canvas: drawn.min.map(|value| value as f32),
            drawn_max_in_canvas: drawn.max.map(|value| value as f32),
            lens_centre_in_screen: lens_centre.into(),
            lens_radius_in_screen,
            opacity: paint.opacity.clamp(0.0, 1.0),
        };
        queue.write_buffer(&self.pipelines.sketch_uniforms, 0, bytemuck::bytes_of(&uniforms));
    }

    fn paint(&self, info: &PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>) {
        let Some(sketch) = self.sketch.as_ref().filter(|sketch| sketch.drawn.is_some()) else {
            return;
        };
        // egui has set the viewport to the canvas; positions here are those of the whole window.
        let [width, height] = info.screen_size_px.map(|side| side as f32);
        pass.set_viewport(0.0, 0.0, width, height, 0.0, 1.0);
        pass.set_pipeline(&self.pipelines.sketch);
        pass.set_bind_group(0, &sketch.bind_group, &[]);
        pass.draw(0..4, 0..1);
    }
}

impl SketchTextures {
    /// An empty drawing.
    fn new(device: &wgpu::Device, pipelines: &LayerPipelines, paint: &LayersPaint) -> Self {
        let size_px = paint.stack.size_px;
        let flat = plane_texture(device, "layers flat", size_px, LayerPipelines::FLAT_FORMAT);
        Self {
            planes: [None, None, None, None],
            bind_group: pipelines.sketch_bind_group(device, &flat),
            flat,
            stack: LayerStack { planes: [None, None, None, None], size_px },
            look: paint.look,
            stroke: None,
            drawn: None,
        }
    }

    /// Sends changed tiles; gives what has to be flattened again.
    fn send(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        paint: &LayersPaint,
    ) -> Vec<PixelRect> {
        let stack = &paint.stack;
        for (plane, grid) in self.planes.iter_mut().zip(&stack.planes) {
            if let Some(grid) = grid {
                let new = || PlaneTexture::new(device, stack.size_px, grid.n_channels());
                plane.get_or_insert_with(new).send(queue, grid);
            }
        }
        let dirty = if self.look == paint.look {
            stack.changed_since(&self.stack)
        } else {
            vec![PixelRect::whole(stack.size_px)]
        };
        self.stack = stack.clone();
        self.look = paint.look;
        dirty
    }
}

fn flatten_uniforms(look: &SketchLook, is_shown: [bool; 4], size_px: usize) -> FlattenUniforms {
    let colour = Color32::to_normalized_gamma_f32;
    FlattenUniforms {
        ink: colour(look.ink),
        halo: colour(look.halo),
        depth_lit: colour(look.depth[0]),
        depth_shaded: colour(look.depth[1]),
        wash: colour(look.wash),
        is_shown: is_shown.map(u32::from),
        relief: SketchLook::relief(size_px),
        halo_corner: HALO_CORNER,
        hatch_period: look.hatch_period(size_px),
        between_stripes: BETWEEN_STRIPES,
    }
}
