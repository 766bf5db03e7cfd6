//! What is bound to the canvas pipelines.

use eframe::wgpu;

use super::gpu_types::CanvasUniforms;
use super::picture_textures::PictureTextures;

pub(super) fn bind_group_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let entry = |binding, visibility, ty| wgpu::BindGroupLayoutEntry {
        binding,
        visibility,
        ty,
        count: None,
    };
    // Pixels are loaded one by one; no sampler and no filterable format is needed.
    let picture = wgpu::BindingType::Texture {
        sample_type: wgpu::TextureSampleType::Float { filterable: false },
        view_dimension: wgpu::TextureViewDimension::D2,
        multisampled: false,
    };
    let uniforms = wgpu::BindingType::Buffer {
        ty: wgpu::BufferBindingType::Uniform,
        has_dynamic_offset: false,
        min_binding_size: wgpu::BufferSize::new(size_of::<CanvasUniforms>() as u64),
    };
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("canvas"),
        entries: &[
            entry(0, wgpu::ShaderStages::VERTEX_FRAGMENT, uniforms),
            entry(1, wgpu::ShaderStages::FRAGMENT, picture),
            entry(2, wgpu::ShaderStages::FRAGMENT, picture),
        ],
    })
}

pub(super) fn bind_group(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    uniforms: &wgpu::Buffer,
    textures: &PictureTextures,
) -> wgpu::BindGroup {
    let view = |label, texture: &wgpu::Texture| {
        texture
            .create_view(&wgpu::TextureViewDescriptor { label: Some(label), ..Default::default() })
    };
    let previous = view("canvas previous picture", &textures.previous);
    let current = view("canvas current picture", &textures.current);
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("canvas"),
        layout,
        entries: &[
            wgpu::BindGroupEntry { binding: 0, resource: uniforms.as_entire_binding() },
            wgpu::BindGroupEntry {
                binding: 1,
                resource: wgpu::BindingResource::TextureView(&previous),
            },
            wgpu::BindGroupEntry {
                binding: 2,
                resource: wgpu::BindingResource::TextureView(&current),
            },
        ],
    })
}
