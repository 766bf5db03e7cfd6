//! Networks of published raster models, token for token: LlamaGen (class- and text-conditional),
//! the control of ControlAR, the VQ-16 tokenizer and the encoder of T5.
//!
//! Tensor names are those of the published files. Everything computes in F32; every dimension is
//! read from a configuration. Networks show what they compute on the way to a [`Probe`], by the
//! names of the parity fixtures (`tests/fixtures/controlar`).

pub mod probe;
pub mod config;
pub mod resample;
pub mod pillow;
pub mod sampler;
mod noise;
pub mod neighbours;
pub mod speculation;
pub mod next_scale;
pub mod precision;
mod mlp;
pub mod names;
pub mod vq16;
pub mod llamagen;
pub mod pack;
pub mod dino;
pub mod control;
pub mod t5;
pub mod prompt;
pub mod prompt_encoder;
pub mod raster;

pub use config::{ControlConfig, ControlResize, LlamaGenConfig, PrefixKind, T5Config, Vq16Config};
pub use control::{Control, ControlEncoder};
pub use llamagen::{LlamaGen, Prefix, Run};
pub use neighbours::CodeNeighbours;
pub use precision::Precision;
pub use probe::Probe;
pub use prompt_encoder::{EncodedPrompt, PromptCache, PromptEncoder, T5Files};
pub use sampler::{Guidance, RasterSampling};
pub use speculation::Speculator;
pub use t5::T5Encoder;
pub use vq16::Vq16;
