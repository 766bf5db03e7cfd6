//! What the edge passes are made of: their pipelines, and the buffers they work on.

use eframe::wgpu;

use super::gpu_types::EdgeUniforms;
use super::shaders;

/// One pipeline per entry point of `shaders/edges.wgsl`, all with the same bindings.
#[derive(Debug)]
pub(super) struct Pipelines {
    pub(super) layout: wgpu::BindGroupLayout,
    pub(super) blur_rows: wgpu::ComputePipeline,
    pub(super) blur_columns: wgpu::ComputePipeline,
    pub(super) find_gradients: wgpu::ComputePipeline,
    pub(super) thin: wgpu::ComputePipeline,
    pub(super) grow: wgpu::ComputePipeline,
}

impl Pipelines {
    pub(super) fn new(device: &wgpu::Device) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(shaders::EDGES.label),
            source: wgpu::ShaderSource::Wgsl(shaders::EDGES.source.into()),
        });
        let layout = bind_group_layout(device);
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("edges"),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = |label, entry_point| {
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(label),
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some(entry_point),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                cache: None,
            })
        };
        Self {
            blur_rows: pipeline("edges blur rows", "blur_rows"),
            blur_columns: pipeline("edges blur columns", "blur_columns"),
            find_gradients: pipeline("edges gradients", "find_gradients"),
            thin: pipeline("edges thin", "thin"),
            grow: pipeline("edges grow", "grow"),
            layout,
        }
    }
}

fn bind_group_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let entry = |binding, ty, size| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty,
            has_dynamic_offset: false,
            min_binding_size: wgpu::BufferSize::new(size),
        },
        count: None,
    };
    let storage = wgpu::BufferBindingType::Storage { read_only: false };
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("edges"),
        entries: &[
            entry(0, wgpu::BufferBindingType::Uniform, size_of::<EdgeUniforms>() as u64),
            entry(1, storage, 4),
            entry(2, storage, 8),
            entry(3, storage, 4),
            entry(4, storage, 4),
        ],
    })
}

pub(super) fn bind_group(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    buffers: &EdgeBuffers,
) -> wgpu::BindGroup {
    let EdgeBuffers { uniforms, pixels, scratch, states, has_grown, read_back: _ } = buffers;
    let bound = [uniforms, pixels, scratch, states, has_grown];
    let entries: Vec<_> = (0..)
        .zip(bound)
        .map(|(binding, buffer)| wgpu::BindGroupEntry {
            binding,
            resource: buffer.as_entire_binding(),
        })
        .collect();
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("edges"),
        layout,
        entries: &entries,
    })
}

/// All that a job keeps on the device.
#[derive(Debug)]
pub(super) struct EdgeBuffers {
    pub(super) uniforms: wgpu::Buffer,
    pub(super) pixels: wgpu::Buffer,
    scratch: wgpu::Buffer,
    states: wgpu::Buffer,
    pub(super) has_grown: wgpu::Buffer,
    /// The states, then `has_grown`.
    pub(super) read_back: wgpu::Buffer,
}

impl EdgeBuffers {
    /// Bytes of the greatest buffer of a picture.
    pub(super) fn greatest_size(n_pixels: u64) -> u64 {
        n_pixels * 8
    }

    /// `n_pixels` is not 0.
    pub(super) fn new(device: &wgpu::Device, n_pixels: u64) -> Self {
        let buffer = |label, size, usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size,
                usage,
                mapped_at_creation: false,
            })
        };
        let uniform = wgpu::BufferUsages::UNIFORM;
        let storage = wgpu::BufferUsages::STORAGE;
        let (from_host, from_device) = (wgpu::BufferUsages::COPY_DST, wgpu::BufferUsages::COPY_SRC);
        let uniforms_size = size_of::<EdgeUniforms>() as u64;
        Self {
            uniforms: buffer("edges uniforms", uniforms_size, uniform | from_host),
            pixels: buffer("edges pixels", n_pixels * 4, storage | from_host),
            scratch: buffer("edges scratch", n_pixels * 8, storage),
            states: buffer("edges states", n_pixels * 4, storage | from_device),
            has_grown: buffer("edges has grown", 4, storage | from_host | from_device),
            read_back: buffer(
                "edges read-back",
                n_pixels * 4 + 4,
                wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            ),
        }
    }

    pub(super) fn copy_to_read_back(&self, encoder: &mut wgpu::CommandEncoder) {
        let states_size = self.states.size();
        encoder.copy_buffer_to_buffer(&self.states, 0, &self.read_back, 0, states_size);
        encoder.copy_buffer_to_buffer(&self.has_grown, 0, &self.read_back, states_size, 4);
    }
}
