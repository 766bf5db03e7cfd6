//! Paint callback of the canvas, partner of `shaders/canvas.wgsl`: the picture over a
//! checkerboard, cross-fading from the one before.

use std::sync::Arc;

use eframe::egui_wgpu::{self, CallbackResources, ScreenDescriptor};
use eframe::wgpu;
use egui::{Color32, PaintCallbackInfo, Rect};

use super::canvas_layout::{bind_group, bind_group_layout};
use super::gpu_types::CanvasUniforms;
use super::picture_textures::{PictureTextures, premultiplied_within, upload};
use super::pipeline::{PipelineParts, pipeline};
use super::presence::GpuPresence;
use super::shaders;
use crate::imaging::RgbaImage;

/// One frame of the canvas; wrap it with [`egui_wgpu::Callback::new_paint_callback`].
///
/// Draws nothing if [`super::install`] was not called for the renderer it lands in.
#[derive(Debug, Clone)]
pub struct CanvasPaint {
    /// Straight alpha; at least 1×1.
    pub picture: Arc<RgbaImage>,
    /// Changes whenever the pixels change; they are uploaded only then.
    pub serial: u64,
    /// Where the picture lies, in pixels from the top left of the window.
    pub picture_in_screen: Rect,
    /// 0 shows the previous picture, 1 this one. A picture of another size cuts in at once.
    pub fade: f32,
    /// Opaque colours of the checkerboard; the first is that of the top left cell.
    pub checker: [Color32; 2],
    /// Side of a checkerboard cell in pixels.
    pub checker_cell_in_screen: f32,
    pub presence: GpuPresence,
}

impl egui_wgpu::CallbackTrait for CanvasPaint {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(renderer) = resources.get_mut::<CanvasRenderer>() {
            renderer.prepare(device, queue, screen.size_in_pixels, self);
            self.presence.confirm();
        }
        Vec::new()
    }

    fn paint(
        &self,
        info: PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &CallbackResources,
    ) {
        if let Some(renderer) = resources.get::<CanvasRenderer>() {
            renderer.paint(&info, pass);
        }
    }
}

/// Pipelines, made once, and the pictures on the GPU.
pub(super) struct CanvasRenderer {
    layout: wgpu::BindGroupLayout,
    picture_pipeline: wgpu::RenderPipeline,
    keep_pipeline: wgpu::RenderPipeline,
    uniforms: wgpu::Buffer,
    pictures: Option<ShownPictures>,
}

struct ShownPictures {
    textures: PictureTextures,
    serial: u64,
    /// As last painted: where a fade that is cut short has got to.
    fade: f32,
    bind_group: wgpu::BindGroup,
}

impl CanvasRenderer {
    pub(super) fn new(device: &wgpu::Device, target_format: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(shaders::CANVAS.label),
            source: wgpu::ShaderSource::Wgsl(shaders::CANVAS.source.into()),
        });
        let layout = bind_group_layout(device);
        let fs_picture =
            if target_format.is_srgb() { "fs_linear_target" } else { "fs_gamma_target" };
        let picture_pipeline = pipeline(
            device,
            &layout,
            &module,
            &PipelineParts {
                label: "canvas picture",
                entry_points: ["vs_picture", fs_picture],
                vertex_buffers: &[],
                topology: wgpu::PrimitiveTopology::TriangleStrip,
                format: target_format,
                blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                write_mask: wgpu::ColorWrites::ALL,
            },
        );
        let keep_pipeline = pipeline(
            device,
            &layout,
            &module,
            &PipelineParts {
                label: "canvas keep visible",
                entry_points: ["vs_whole_target", "fs_keep_visible"],
                vertex_buffers: &[],
                topology: wgpu::PrimitiveTopology::TriangleList,
                format: PictureTextures::FORMAT,
                blend: None,
                write_mask: wgpu::ColorWrites::ALL,
            },
        );
        let uniforms = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("canvas uniforms"),
            size: size_of::<CanvasUniforms>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Self { layout, picture_pipeline, keep_pipeline, uniforms, pictures: None }
    }

    fn prepare(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen_size: [u32; 2],
        paint: &CanvasPaint,
    ) {
        let fade = paint.fade.clamp(0.0, 1.0);
        if self.pictures.as_ref().is_none_or(|shown| shown.serial != paint.serial) {
            self.show(device, queue, paint);
        }
        if let Some(shown) = &mut self.pictures {
            shown.fade = fade;
        }
        let uniforms = CanvasUniforms {
            picture_min_in_screen: paint.picture_in_screen.min.into(),
            picture_size_in_screen: paint.picture_in_screen.size().into(),
            screen_size: screen_size.map(|side| side as f32),
            checker_cell_in_screen: paint.checker_cell_in_screen,
            fade,
            checker_even: paint.checker[0].to_normalized_gamma_f32(),
            checker_odd: paint.checker[1].to_normalized_gamma_f32(),
        };
        queue.write_buffer(&self.uniforms, 0, bytemuck::bytes_of(&uniforms));
    }

    /// Uploads a new picture and moves what was visible until now to where the fade starts.
    fn show(&mut self, device: &wgpu::Device, queue: &wgpu::Queue, paint: &CanvasPaint) {
        let max_side_px = device.limits().max_texture_dimension_2d;
        let pixels = premultiplied_within(&paint.picture, max_side_px);
        let size = pixels.dimensions();
        let textures = match self.pictures.take() {
            Some(shown) if shown.textures.size() != size => None,
            Some(shown) if shown.fade >= 1.0 => Some(shown.textures.current_to_previous()),
            Some(shown) if shown.fade > 0.0 => {
                self.keep_visible(device, queue, &shown);
                Some(shown.textures.spare_to_previous())
            }
            // Nothing was seen of the last picture: the fade still starts from the one before it.
            Some(shown) => Some(shown.textures),
            None => None,
        };
        let textures = textures.unwrap_or_else(|| {
            // Nothing to fade from: the new picture stands on both sides.
            let textures = PictureTextures::new(device, size);
            upload(queue, &textures.previous, &pixels);
            textures
        });
        upload(queue, &textures.current, &pixels);
        let bind_group = bind_group(device, &self.layout, &self.uniforms, &textures);
        let serial = paint.serial;
        self.pictures = Some(ShownPictures { textures, serial, fade: 0.0, bind_group });
    }

    /// Renders the mix that was last painted into the spare texture. The uniforms still hold its
    /// fade. Submitted at once, because an upload into one of the two mixed textures follows and
    /// uploads overtake whatever has not been submitted.
    fn keep_visible(&self, device: &wgpu::Device, queue: &wgpu::Queue, shown: &ShownPictures) {
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor {
            label: Some("canvas keep visible"),
        });
        let view = shown.textures.spare.create_view(&wgpu::TextureViewDescriptor {
            label: Some("canvas spare picture"),
            ..Default::default()
        });
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("canvas keep visible"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &view,
                resolve_target: None,
                ops: wgpu::Operations {
                    load: wgpu::LoadOp::Clear(wgpu::Color::TRANSPARENT),
                    store: wgpu::StoreOp::Store,
                },
                depth_slice: None,
            })],
            ..Default::default()
        });
        pass.set_pipeline(&self.keep_pipeline);
        pass.set_bind_group(0, &shown.bind_group, &[]);
        pass.draw(0..3, 0..1);
        drop(pass);
        queue.submit([encoder.finish()]);
    }

    fn paint(&self, info: &PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>) {
        let Some(shown) = &self.pictures else { return };
        // egui has set the viewport to the canvas; positions here are those of the whole window.
        let [width, height] = info.screen_size_px.map(|side| side as f32);
        pass.set_viewport(0.0, 0.0, width, height, 0.0, 1.0);
        pass.set_pipeline(&self.picture_pipeline);
        pass.set_bind_group(0, &shown.bind_group, &[]);
        pass.draw(0..4, 0..1);
    }
}
