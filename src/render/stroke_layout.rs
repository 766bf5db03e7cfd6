//! What the passes of `shaders/stamp.wgsl` are made of: pipelines, bindings and buffers.

use std::mem::offset_of;

use eframe::wgpu;

use super::gpu_types::{StampInstance, StrokeUniforms};
use super::pipeline::{PipelineParts, pipeline};
use super::plane_textures::PlaneTexture;
use super::shaders;

/// Stamps that stay are kept in red, those of the tail in green.
const SETTLED: wgpu::ColorWrites = wgpu::ColorWrites::RED;
const TAIL: wgpu::ColorWrites = wgpu::ColorWrites::GREEN;

/// The pipelines, all made at once.
#[derive(Debug)]
pub(super) struct StrokePipelines {
    pub(super) uniforms_layout: wgpu::BindGroupLayout,
    pub(super) lay_layout: wgpu::BindGroupLayout,
    /// Settled stamps and tail: the strongest counts.
    pub(super) capped: [wgpu::RenderPipeline; 2],
    /// Settled stamps and tail: they add up.
    pub(super) accumulating: [wgpu::RenderPipeline; 2],
    pub(super) forget_tail: wgpu::RenderPipeline,
    pub(super) lay_levels: wgpu::RenderPipeline,
    pub(super) lay_colour: wgpu::RenderPipeline,
}

impl StrokePipelines {
    pub(super) fn new(device: &wgpu::Device, mask_format: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(shaders::STAMP.label),
            source: wgpu::ShaderSource::Wgsl(shaders::STAMP.source.into()),
        });
        let uniforms_layout = layout(device, "stroke stamps", &[uniforms_entry()]);
        let lay_layout =
            layout(device, "stroke lay", &[uniforms_entry(), texture_entry(1), texture_entry(2)]);
        let stamps = |label, component: wgpu::BlendComponent, write_mask| {
            let parts = PipelineParts {
                label,
                entry_points: ["vs_stamp", "fs_stamp"],
                vertex_buffers: &[Some(instance_layout())],
                topology: wgpu::PrimitiveTopology::TriangleStrip,
                format: mask_format,
                blend: Some(wgpu::BlendState { color: component, alpha: component }),
                write_mask,
            };
            pipeline(device, &uniforms_layout, &module, &parts)
        };
        let strongest = wgpu::BlendComponent {
            src_factor: wgpu::BlendFactor::One,
            dst_factor: wgpu::BlendFactor::One,
            operation: wgpu::BlendOperation::Max,
        };
        // mask + (1 - mask) · coverage
        let add_missing = wgpu::BlendComponent {
            src_factor: wgpu::BlendFactor::OneMinusDst,
            dst_factor: wgpu::BlendFactor::One,
            operation: wgpu::BlendOperation::Add,
        };
        let whole = |label, layout, entry_point, format, write_mask| {
            let parts = PipelineParts {
                label,
                entry_points: ["vs_whole_target", entry_point],
                vertex_buffers: &[],
                topology: wgpu::PrimitiveTopology::TriangleList,
                format,
                blend: None,
                write_mask,
            };
            pipeline(device, layout, &module, &parts)
        };
        let lay = |label, n_channels| {
            let format = PlaneTexture::format(n_channels);
            whole(label, &lay_layout, "fs_lay", format, wgpu::ColorWrites::ALL)
        };
        Self {
            capped: [
                stamps("stroke capped stamps", strongest, SETTLED),
                stamps("stroke capped tail", strongest, TAIL),
            ],
            accumulating: [
                stamps("stroke accumulating stamps", add_missing, SETTLED),
                stamps("stroke accumulating tail", add_missing, TAIL),
            ],
            forget_tail: whole(
                "stroke forget tail",
                &uniforms_layout,
                "fs_forget",
                mask_format,
                TAIL,
            ),
            lay_levels: lay("stroke lay levels", 1),
            lay_colour: lay("stroke lay colour", 4),
            uniforms_layout,
            lay_layout,
        }
    }
}

fn instance_layout() -> wgpu::VertexBufferLayout<'static> {
    const fn attribute(
        shader_location: u32,
        offset: usize,
        format: wgpu::VertexFormat,
    ) -> wgpu::VertexAttribute {
        wgpu::VertexAttribute { format, offset: offset as u64, shader_location }
    }
    const ATTRIBUTES: [wgpu::VertexAttribute; 4] = [
        attribute(0, offset_of!(StampInstance, centre), wgpu::VertexFormat::Float32x2),
        attribute(1, offset_of!(StampInstance, radius_px), wgpu::VertexFormat::Float32),
        attribute(2, offset_of!(StampInstance, hardness), wgpu::VertexFormat::Float32),
        attribute(3, offset_of!(StampInstance, alpha), wgpu::VertexFormat::Float32),
    ];
    wgpu::VertexBufferLayout {
        array_stride: size_of::<StampInstance>() as u64,
        step_mode: wgpu::VertexStepMode::Instance,
        attributes: &ATTRIBUTES,
    }
}

fn uniforms_entry() -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding: 0,
        visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
        ty: wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: wgpu::BufferSize::new(size_of::<StrokeUniforms>() as u64),
        },
        count: None,
    }
}

fn texture_entry(binding: u32) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::FRAGMENT,
        ty: wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable: false },
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        },
        count: None,
    }
}

fn layout(
    device: &wgpu::Device,
    label: &str,
    entries: &[wgpu::BindGroupLayoutEntry],
) -> wgpu::BindGroupLayout {
    device
        .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(label), entries })
}
