//! The stroke under the pen drawn on the graphics device, partner of `shaders/stamp.wgsl`.
//!
//! The document draws every stroke itself and is what counts; this shows the same pixels without
//! sending them: per frame only the stamps that came new. A test compares the two.

use eframe::wgpu;

use super::PixelRect;
use super::gpu_types::{StampInstance, StrokeUniforms};
use super::plane_textures::{plane_texture, whole_view};
use super::stroke_layout::StrokePipelines;
use crate::document::{BuildUp, Pen, Stamp, StrokeInProgress};

/// What a stroke has that is not drawn yet.
#[derive(Debug, Clone)]
pub struct NewStamps {
    /// Differs from stroke to stroke.
    pub serial: u64,
    pub pen: Pen,
    /// Width and height of the canvas in pixels.
    pub size_px: usize,
    /// Stamps of the stroke that come before `settled` and have been sent.
    pub n_before: usize,
    /// They stay.
    pub settled: Vec<Stamp>,
    /// They are replaced by those of the next call.
    pub tail: Vec<Stamp>,
}

impl NewStamps {
    /// What comes after the first `n_drawn` settled stamps.
    pub fn of(stroke: &StrokeInProgress<'_>, n_drawn: usize) -> Self {
        let n_before = n_drawn.min(stroke.settled.len());
        Self {
            serial: stroke.serial,
            pen: stroke.pen,
            size_px: stroke.before.size_px(),
            n_before,
            settled: stroke.settled[n_before..].to_vec(),
            tail: stroke.tail.to_vec(),
        }
    }
}

/// Draws one stroke at a time.
#[derive(Debug)]
pub struct StrokeRenderer {
    pipelines: StrokePipelines,
    mask_format: wgpu::TextureFormat,
    uniforms: wgpu::Buffer,
    uniforms_bind_group: wgpu::BindGroup,
    instances: wgpu::Buffer,
    targets: Option<Targets>,
    current: Option<Current>,
}

/// Textures of the canvas' size, kept from stroke to stroke.
#[derive(Debug)]
struct Targets {
    mask: wgpu::Texture,
    /// The plane with the stroke.
    plane: wgpu::Texture,
}

/// The stroke that is in the targets.
#[derive(Debug)]
struct Current {
    serial: u64,
    n_settled: usize,
    tail: Option<PixelRect>,
}

impl StrokeRenderer {
    /// Stamps for which there is room at first.
    const N_INSTANCES: usize = 1024;

    /// `None` if the device cannot blend into a precise enough mask.
    ///
    /// With `FLOAT32_BLENDABLE` the mask has the precision of the document's. Without, it has 11
    /// bits, which faint stamps of an airbrush on top of each other may lose.
    pub fn new(adapter: &wgpu::Adapter, device: &wgpu::Device) -> Option<Self> {
        let mask_format = mask_format(adapter, device)?;
        let pipelines = StrokePipelines::new(device, mask_format);
        let uniforms = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("stroke uniforms"),
            size: size_of::<StrokeUniforms>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let uniforms_bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("stroke stamps"),
            layout: &pipelines.uniforms_layout,
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: uniforms.as_entire_binding() }],
        });
        let instances = instance_buffer(device, Self::N_INSTANCES);
        let (targets, current) = (None, None);
        Some(Self {
            pipelines,
            mask_format,
            uniforms,
            uniforms_bind_group,
            instances,
            targets,
            current,
        })
    }

    /// The plane with the stroke, of the size and format of the `base` given to [`Self::draw`].
    pub fn plane(&self) -> Option<&wgpu::Texture> {
        self.targets.as_ref().map(|targets| &targets.plane)
    }

    /// Serial of the stroke and how many settled stamps of it are drawn.
    pub fn drawn(&self) -> Option<(u64, usize)> {
        self.current.as_ref().map(|current| (current.serial, current.n_settled))
    }

    /// Forgets the stroke; the next one starts afresh, whatever its serial.
    pub fn finish(&mut self) {
        self.current = None;
    }

    /// Draws on, or begins if the serial is new. `base` is the plane before the stroke, `size_px`
    /// wide and high. Gives the part that changed. Call it once between two submissions.
    ///
    /// Stamps that were drawn already are left out. If there is a gap, nothing is drawn; send what
    /// comes after [`Self::drawn`].
    pub fn draw(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        encoder: &mut wgpu::CommandEncoder,
        base: &wgpu::Texture,
        stamps: &NewStamps,
    ) -> Option<PixelRect> {
        let is_new = self.current.as_ref().is_none_or(|current| current.serial != stamps.serial);
        if is_new {
            self.begin(device, encoder, base, stamps);
        }
        let (Some(targets), Some(current)) = (&self.targets, &mut self.current) else {
            return None;
        };
        let n_known = current.n_settled.checked_sub(stamps.n_before)?;
        let settled = stamps.settled.get(n_known..).unwrap_or_default();
        let former_tail = current.tail;
        current.n_settled += settled.len();
        current.tail = PixelRect::of_stamps(&stamps.tail, stamps.size_px);
        let new = PixelRect::of_stamps(settled, stamps.size_px);
        let changed = [new, former_tail, current.tail].into_iter().flatten();
        let changed = changed.reduce(PixelRect::union)?;

        let instances: Vec<StampInstance> =
            settled.iter().chain(&stamps.tail).map(StampInstance::from).collect();
        if self.instances.size() < size_of_val(instances.as_slice()) as u64 {
            self.instances = instance_buffer(device, instances.len().next_power_of_two());
        }
        queue.write_buffer(&self.instances, 0, bytemuck::cast_slice(&instances));
        let brush = stamps.pen.brush.clamped();
        let is_accumulating = brush.build_up == BuildUp::Accumulating;
        let uniforms = StrokeUniforms {
            covered: stamps.pen.covered().map(|byte| f32::from(byte) / 255.0),
            size_px: stamps.size_px as f32,
            opacity: brush.opacity,
            is_accumulating: u32::from(is_accumulating),
            padding: 0,
        };
        queue.write_buffer(&self.uniforms, 0, bytemuck::bytes_of(&uniforms));

        let mask = whole_view(&targets.mask);
        let mut pass = target_pass(encoder, "stroke mask", &mask);
        pass.set_bind_group(0, &self.uniforms_bind_group, &[]);
        if let Some(former) = former_tail {
            pass.set_pipeline(&self.pipelines.forget_tail);
            set_scissor(&mut pass, former);
            pass.draw(0..3, 0..1);
        }
        set_scissor(&mut pass, changed);
        pass.set_vertex_buffer(0, self.instances.slice(..));
        let [settled_pipeline, tail_pipeline] =
            if is_accumulating { &self.pipelines.accumulating } else { &self.pipelines.capped };
        let (n_settled, n_all) = (settled.len() as u32, instances.len() as u32);
        pass.set_pipeline(settled_pipeline);
        pass.draw(0..4, 0..n_settled);
        pass.set_pipeline(tail_pipeline);
        pass.draw(0..4, n_settled..n_all);
        drop(pass);

        let bind_group = self.lay_bind_group(device, base, &mask);
        let plane = whole_view(&targets.plane);
        let mut pass = target_pass(encoder, "stroke lay", &plane);
        let is_colour = targets.plane.format() == wgpu::TextureFormat::Rgba8Unorm;
        let StrokePipelines { lay_colour, lay_levels, .. } = &self.pipelines;
        pass.set_pipeline(if is_colour { lay_colour } else { lay_levels });
        pass.set_bind_group(0, &bind_group, &[]);
        set_scissor(&mut pass, changed);
        pass.draw(0..3, 0..1);
        drop(pass);
        Some(changed)
    }

    /// An empty mask, and the plane as it was.
    fn begin(
        &mut self,
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
        base: &wgpu::Texture,
        stamps: &NewStamps,
    ) {
        let is_same = |targets: &Targets| {
            (targets.plane.size(), targets.plane.format()) == (base.size(), base.format())
        };
        let targets = match self.targets.take() {
            Some(targets) if is_same(&targets) => targets,
            _ => Targets {
                mask: plane_texture(device, "stroke mask", stamps.size_px, self.mask_format),
                plane: plane_texture(device, "stroke plane", stamps.size_px, base.format()),
            },
        };
        drop(pass_over(
            encoder,
            "stroke begin",
            &whole_view(&targets.mask),
            wgpu::LoadOp::Clear(wgpu::Color::TRANSPARENT),
        ));
        encoder.copy_texture_to_texture(
            base.as_image_copy(),
            targets.plane.as_image_copy(),
            base.size(),
        );
        self.targets = Some(targets);
        self.current = Some(Current { serial: stamps.serial, n_settled: 0, tail: None });
    }

    fn lay_bind_group(
        &self,
        device: &wgpu::Device,
        base: &wgpu::Texture,
        mask: &wgpu::TextureView,
    ) -> wgpu::BindGroup {
        let base = whole_view(base);
        device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("stroke lay"),
            layout: &self.pipelines.lay_layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: self.uniforms.as_entire_binding() },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: wgpu::BindingResource::TextureView(&base),
                },
                wgpu::BindGroupEntry {
                    binding: 2,
                    resource: wgpu::BindingResource::TextureView(mask),
                },
            ],
        })
    }
}

/// The most precise format that the device can blend.
fn mask_format(adapter: &wgpu::Adapter, device: &wgpu::Device) -> Option<wgpu::TextureFormat> {
    if device.features().contains(wgpu::Features::FLOAT32_BLENDABLE) {
        return Some(wgpu::TextureFormat::Rg32Float);
    }
    let half = wgpu::TextureFormat::Rg16Float;
    let found = adapter.get_texture_format_features(half);
    let can_blend = found.flags.contains(wgpu::TextureFormatFeatureFlags::BLENDABLE)
        && found.allowed_usages.contains(wgpu::TextureUsages::RENDER_ATTACHMENT);
    can_blend.then_some(half)
}

fn instance_buffer(device: &wgpu::Device, n_instances: usize) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("stroke stamps"),
        size: (n_instances * size_of::<StampInstance>()) as u64,
        usage: wgpu::BufferUsages::VERTEX | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

/// A pass that draws onto what is there.
pub(super) fn target_pass<'a>(
    encoder: &'a mut wgpu::CommandEncoder,
    label: &str,
    view: &wgpu::TextureView,
) -> wgpu::RenderPass<'a> {
    pass_over(encoder, label, view, wgpu::LoadOp::Load)
}

fn pass_over<'a>(
    encoder: &'a mut wgpu::CommandEncoder,
    label: &str,
    view: &wgpu::TextureView,
    load: wgpu::LoadOp<wgpu::Color>,
) -> wgpu::RenderPass<'a> {
    encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        label: Some(label),
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view,
            resolve_target: None,
            ops: wgpu::Operations { load, store: wgpu::StoreOp::Store },
            depth_slice: None,
        })],
        ..Default::default()
    })
}

pub(super) fn set_scissor(pass: &mut wgpu::RenderPass<'_>, rect: PixelRect) {
    pass.set_scissor_rect(rect.min[0], rect.min[1], rect.width(), rect.height());
}
