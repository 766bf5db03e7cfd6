//! Render pipelines of our passes: all without depth, multisampling and culling.

use eframe::wgpu;

/// Where render pipelines differ.
pub(super) struct PipelineParts<'a> {
    pub(super) label: &'static str,
    /// Vertex and fragment entry point.
    pub(super) entry_points: [&'static str; 2],
    pub(super) vertex_buffers: &'a [Option<wgpu::VertexBufferLayout<'a>>],
    pub(super) topology: wgpu::PrimitiveTopology,
    pub(super) format: wgpu::TextureFormat,
    pub(super) blend: Option<wgpu::BlendState>,
    pub(super) write_mask: wgpu::ColorWrites,
}

pub(super) fn pipeline(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    module: &wgpu::ShaderModule,
    parts: &PipelineParts<'_>,
) -> wgpu::RenderPipeline {
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(parts.label),
        bind_group_layouts: &[Some(layout)],
        immediate_size: 0,
    });
    let compilation_options = wgpu::PipelineCompilationOptions::default();
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some(parts.label),
        layout: Some(&layout),
        vertex: wgpu::VertexState {
            module,
            entry_point: Some(parts.entry_points[0]),
            compilation_options: compilation_options.clone(),
            buffers: parts.vertex_buffers,
        },
        primitive: wgpu::PrimitiveState { topology: parts.topology, ..Default::default() },
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module,
            entry_point: Some(parts.entry_points[1]),
            compilation_options,
            targets: &[Some(wgpu::ColorTargetState {
                format: parts.format,
                blend: parts.blend,
                write_mask: parts.write_mask,
            })],
        }),
        multiview_mask: None,
        cache: None,
    })
}
