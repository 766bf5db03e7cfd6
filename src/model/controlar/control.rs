//! The control of ControlAR: from a picture of edges, depth or segments to what is added to the
//! transformer, one row per token of the picture and fusion point.

use candle_core::{Device, Result, Tensor, bail};
use candle_nn::VarBuilder;

use super::config::{ControlConfig, ControlResize};
use super::dino::Dino;
use super::mlp::Mlp;
use super::probe::Probe;
use super::resample::{Method, Size, resample};

/// Pixels of a control picture per token, along a side.
pub const CELL_PX: usize = 16;

/// The encoder of control pictures with its weights.
#[derive(Debug)]
pub struct ControlEncoder {
    config: ControlConfig,
    dino: Dino,
    adapter_mlp: Mlp,
    cap_proj: Mlp,
    /// One per fusion point.
    layers: Vec<Mlp>,
    device: Device,
}

/// What some control pictures add to the transformer.
#[derive(Debug)]
pub struct Control {
    /// Per fusion point: the block, and a row for each token of each picture, (B, T, D).
    tables: Vec<(usize, Tensor)>,
}

impl ControlEncoder {
    /// `dim` is the width of the transformer.
    ///
    /// # Errors
    /// A missing or mis-shaped tensor.
    pub fn load(config: ControlConfig, dim: usize, vb: &VarBuilder<'_>) -> Result<Self> {
        let layers = (0..config.fusion_layers.len())
            .map(|idx| Mlp::load(&vb.pp(format!("condition_layers.{idx}")), dim, dim));
        Ok(Self {
            dino: Dino::load(config.dino.clone(), &vb.pp("adapter.model"))?,
            adapter_mlp: Mlp::load(&vb.pp("adapter_mlp"), config.dino.dim, dim)?,
            cap_proj: Mlp::load(&vb.pp("condition_mlp.cap_proj"), dim, dim)?,
            layers: layers.collect::<Result<_>>()?,
            device: vb.device().clone(),
            config,
        })
    }

    pub fn config(&self) -> &ControlConfig {
        &self.config
    }

    /// Prepares `n_pictures` control pictures of `size` pixels, both sides multiples of 16: red,
    /// green and blue planes of bytes, one picture after the other.
    ///
    /// # Errors
    /// Another number of bytes or another size, or what the computation reports.
    pub fn prepare(
        &self,
        pictures: &[u8],
        n_pictures: usize,
        size: Size,
        probe: &mut Probe<'_>,
    ) -> Result<Control> {
        match self.prepare_while(pictures, n_pictures, size, &|| true, probe)? {
            Some(control) => Ok(control),
            None => unreachable!("nobody says no"),
        }
    }

    /// Like [`Self::prepare`]; `go_on` is asked before every layer of the encoder, and once it says
    /// no, the result is `None`.
    ///
    /// # Errors
    /// Those of [`Self::prepare`].
    pub fn prepare_while(
        &self,
        pictures: &[u8],
        n_pictures: usize,
        size: Size,
        go_on: &dyn Fn() -> bool,
        probe: &mut Probe<'_>,
    ) -> Result<Option<Control>> {
        let Size { height, width } = size;
        let is_whole = height.is_multiple_of(CELL_PX) && width.is_multiple_of(CELL_PX);
        if height * width == 0 || !is_whole || pictures.len() != n_pictures * 3 * height * width {
            bail!(
                "{n_pictures} control pictures of {width}×{height} pixels are not multiples of 16"
            );
        }
        let values: Vec<f32> =
            pictures.iter().map(|byte| (f32::from(*byte) / 255.0 - 0.5) * 2.0).collect();
        let patch = self.config.dino.patch_size;
        let to = Size { height: height / CELL_PX * patch, width: width / CELL_PX * patch };
        let method = match self.config.resize {
            ControlResize::Nearest => Method::Nearest,
            ControlResize::BicubicAlignCorners => Method::BicubicAlignCorners,
        };
        let resized = resample(&values, size, to, method);
        let shape = (n_pictures, 3, to.height, to.width);
        let resized = Tensor::from_vec(resized, shape, &self.device)?;
        probe.see("control_resized", &resized);
        let tokens = self.dino.forward_while(&resized, go_on, &mut probe.within("dino."))?;
        let Some(tokens) = tokens else { return Ok(None) };
        let adapted = self.adapter_mlp.forward(&tokens)?;
        probe.see("adapter_mlp", &adapted);
        let projected = self.cap_proj.forward(&adapted)?;
        probe.see("control_proj", &projected);
        let mut tables = Vec::with_capacity(self.layers.len());
        for (i, (layer, block)) in self.layers.iter().zip(&self.config.fusion_layers).enumerate() {
            let table = layer.forward(&projected)?;
            probe.see(format_args!("control_c{i}"), &table);
            tables.push((*block, table));
        }
        Ok(Some(Control { tables }))
    }
}

impl Control {
    /// What is added before a block to the tokens that predict `n_tokens` tokens from token `first`:
    /// (B, T, D), if the block is a fusion point.
    ///
    /// # Errors
    /// A token beyond the grid.
    pub(super) fn rows(
        &self,
        block_idx: usize,
        first: usize,
        n_tokens: usize,
    ) -> Result<Option<Tensor>> {
        let table = self.tables.iter().find(|(block, _)| *block == block_idx);
        table.map(|(_, table)| table.narrow(1, first, n_tokens)).transpose()
    }

    /// The control of one picture for `n_pictures`, each token's rows times its factor, if there are
    /// any.
    ///
    /// # Errors
    /// Another number of factors than tokens, or what the computation reports.
    pub fn spread(&self, n_pictures: usize, factors: Option<&[f32]>) -> Result<Self> {
        let tables = self.tables.iter().map(|(block, table)| {
            let table = match factors {
                Some(factors) => {
                    let factors = Tensor::new(factors, table.device())?.reshape((1, (), 1))?;
                    table.broadcast_mul(&factors)?
                }
                None => table.clone(),
            };
            Ok((*block, table.repeat((n_pictures, 1, 1))?))
        });
        Ok(Self { tables: tables.collect::<Result<_>>()? })
    }

    /// # Errors
    /// Unless there is one picture of `n_tokens` tokens for each of `n_pictures`.
    pub(super) fn check(&self, n_pictures: usize, n_tokens: usize) -> Result<()> {
        for (_, table) in &self.tables {
            let (batch, tokens, _) = table.dims3()?;
            if (batch, tokens) != (n_pictures, n_tokens) {
                bail!(
                    "control of {batch} pictures of {tokens} tokens does not fit {n_pictures} of \
                     {n_tokens}"
                );
            }
        }
        Ok(())
    }
}
