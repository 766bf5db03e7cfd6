//! What the passes of `shaders/layers.wgsl` are made of: pipelines and bindings.

use eframe::wgpu;

use super::gpu_types::{FlattenUniforms, SketchUniforms};
use super::pipeline::{PipelineParts, pipeline};
use super::plane_textures::{PlaneTexture, whole_view};
use super::shaders;

/// The pipelines with all that stays the same.
#[derive(Debug)]
pub(super) struct LayerPipelines {
    pub(super) flatten: wgpu::RenderPipeline,
    pub(super) sketch: wgpu::RenderPipeline,
    pub(super) flatten_uniforms: wgpu::Buffer,
    pub(super) sketch_uniforms: wgpu::Buffer,
    flatten_layout: wgpu::BindGroupLayout,
    sketch_layout: wgpu::BindGroupLayout,
    sampler: wgpu::Sampler,
    /// Stands for planes with nothing to see.
    nothing: wgpu::Texture,
}

impl LayerPipelines {
    /// Of the flattened layers.
    pub(super) const FLAT_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

    pub(super) fn new(device: &wgpu::Device, target_format: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(shaders::LAYERS.label),
            source: wgpu::ShaderSource::Wgsl(shaders::LAYERS.source.into()),
        });
        let flatten_layout = flatten_layout(device);
        let sketch_layout = sketch_layout(device);
        let flatten = PipelineParts {
            label: "layers flatten",
            entry_points: ["vs_whole_target", "fs_flatten"],
            vertex_buffers: &[],
            topology: wgpu::PrimitiveTopology::TriangleList,
            format: Self::FLAT_FORMAT,
            blend: None,
            write_mask: wgpu::ColorWrites::ALL,
        };
        let fs_sketch =
            if target_format.is_srgb() { "fs_linear_target" } else { "fs_gamma_target" };
        let sketch = PipelineParts {
            label: "layers sketch",
            entry_points: ["vs_sketch", fs_sketch],
            vertex_buffers: &[],
            topology: wgpu::PrimitiveTopology::TriangleStrip,
            format: target_format,
            blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
            write_mask: wgpu::ColorWrites::ALL,
        };
        let uniforms = |label, size: usize| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: size as u64,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        };
        Self {
            flatten: pipeline(device, &flatten_layout, &module, &flatten),
            sketch: pipeline(device, &sketch_layout, &module, &sketch),
            flatten_uniforms: uniforms("layers flatten", size_of::<FlattenUniforms>()),
            sketch_uniforms: uniforms("layers sketch", size_of::<SketchUniforms>()),
            flatten_layout,
            sketch_layout,
            sampler: device.create_sampler(&wgpu::SamplerDescriptor {
                label: Some("layers smooth"),
                mag_filter: wgpu::FilterMode::Linear,
                min_filter: wgpu::FilterMode::Linear,
                ..Default::default()
            }),
            nothing: PlaneTexture::new(device, 1, 1).texture,
        }
    }

    /// Lines, depth, colour and weakening, as far as there is something to see of them.
    pub(super) fn flatten_bind_group(
        &self,
        device: &wgpu::Device,
        planes: [Option<&wgpu::Texture>; 4],
    ) -> wgpu::BindGroup {
        let views = planes.map(|plane| whole_view(plane.unwrap_or(&self.nothing)));
        let uniforms = wgpu::BindGroupEntry {
            binding: 0,
            resource: self.flatten_uniforms.as_entire_binding(),
        };
        let planes = (1..).zip(&views).map(|(binding, view)| wgpu::BindGroupEntry {
            binding,
            resource: wgpu::BindingResource::TextureView(view),
        });
        let entries: Vec<_> = std::iter::once(uniforms).chain(planes).collect();
        device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("layers flatten"),
            layout: &self.flatten_layout,
            entries: &entries,
        })
    }

    pub(super) fn sketch_bind_group(
        &self,
        device: &wgpu::Device,
        flat: &wgpu::Texture,
    ) -> wgpu::BindGroup {
        let flat = whole_view(flat);
        device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("layers sketch"),
            layout: &self.sketch_layout,
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 5,
                    resource: self.sketch_uniforms.as_entire_binding(),
                },
                wgpu::BindGroupEntry {
                    binding: 6,
                    resource: wgpu::BindingResource::TextureView(&flat),
                },
                wgpu::BindGroupEntry {
                    binding: 7,
                    resource: wgpu::BindingResource::Sampler(&self.sampler),
                },
            ],
        })
    }
}

fn flatten_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let plane = |binding| texture_entry(binding, wgpu::ShaderStages::FRAGMENT, false);
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("layers flatten"),
        entries: &[
            uniforms_entry(0, size_of::<FlattenUniforms>()),
            plane(1),
            plane(2),
            plane(3),
            plane(4),
        ],
    })
}

fn sketch_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("layers sketch"),
        entries: &[
            uniforms_entry(5, size_of::<SketchUniforms>()),
            texture_entry(6, wgpu::ShaderStages::VERTEX_FRAGMENT, true),
            wgpu::BindGroupLayoutEntry {
                binding: 7,
                visibility: wgpu::ShaderStages::FRAGMENT,
                ty: wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering),
                count: None,
            },
        ],
    })
}

fn uniforms_entry(binding: u32, size: usize) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
        ty: wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: wgpu::BufferSize::new(size as u64),
        },
        count: None,
    }
}

fn texture_entry(
    binding: u32,
    visibility: wgpu::ShaderStages,
    filterable: bool,
) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility,
        ty: wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable },
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        },
        count: None,
    }
}
