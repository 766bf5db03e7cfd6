//! Building blocks of the networks. Each has its own fast code on the CPU (`f32`) and goes through
//! candle's operations on every other device; the tests hold the two against each other.
//!
//! Two layouts of maps occur: `(B, C, H, W)` as in the checkpoints and in candle, and channels-last
//! `(B, H, W, C)`, which is what the CPU code computes in. Functions that take the latter have
//! `nhwc` in their name; a chain of convolutions should stay in it.
//!
//! On the CPU every output is one sum in one order, whatever the batch and the number of threads:
//! a picture comes out the same alone and in a batch.

#![expect(
    clippy::inline_always,
    reason = "what runs inside a `dispatch` must be inlined there to be compiled for its vectors"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "loaders take a `VarBuilder`, like candle's own"
)]

mod activation;
mod attention;
mod compact;
mod conv;
mod direct;
mod group_norm;
mod layout;
mod linear;
mod panels;
mod past;
mod resize;
mod rms_norm;
mod share;
mod simd;
mod storage;
mod winograd;

pub use activation::{softplus, swiglu};
pub use attention::{Attention, Context};
pub(super) use compact::rounding;
pub use compact::{CompactLinear, WeightFormat};
pub use conv::Conv2d;
pub use group_norm::GroupNorm;
pub use layout::{
    nchw_from_nhwc, nhwc_from_nchw, pictures_from_nhwc, pixel_shuffle_nhwc, pixel_unshuffle_nhwc,
};
pub use linear::Linear;
pub use past::{Past, PastShape, Queries};
pub use resize::GridResize;
pub use rms_norm::{rms_norm, rms_norm_affine, rms_norm_modulated};
pub(super) use storage::values;
