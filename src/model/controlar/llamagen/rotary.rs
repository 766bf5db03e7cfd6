//! Where a token stands: a turn of its queries and keys by the row and the column of its grid.

use candle_core::{Device, Result, Tensor};
use candle_nn::rotary_emb::rope_i;

use crate::model::controlar::config::LlamaGenConfig;

/// Cosines and sines per place of the sequence, prefix included.
#[derive(Debug)]
pub struct Rotary {
    n_prefix_rows: usize,
    /// (P + grid², H/2); zero in the prefix.
    cos: Tensor,
    sin: Tensor,
}

impl Rotary {
    /// # Errors
    /// What the device reports.
    pub fn new(config: &LlamaGenConfig, device: &Device) -> Result<Self> {
        let LlamaGenConfig { head_dim, rope_base, grid_side, .. } = *config;
        let n_prefix_rows = config.n_prefix_rows();
        let half = head_dim / 2;
        // In f32 as in the reference: the angles are large enough to show it.
        let frequencies: Vec<f32> = (0..half)
            .step_by(2)
            .map(|j| 1.0 / (rope_base as f32).powf(j as f32 / half as f32))
            .collect();
        let mut cos = vec![0.0_f32; n_prefix_rows * half];
        let mut sin = cos.clone();
        for cell in 0..grid_side * grid_side {
            for place in [cell / grid_side, cell % grid_side] {
                for frequency in &frequencies {
                    let angle = f64::from(place as f32 * frequency);
                    cos.push(angle.cos() as f32);
                    sin.push(angle.sin() as f32);
                }
            }
        }
        let shape = (n_prefix_rows + grid_side * grid_side, half);
        let cos = Tensor::from_vec(cos, shape, device)?;
        Ok(Self { n_prefix_rows, cos, sin: Tensor::from_vec(sin, shape, device)? })
    }

    /// Cosines and sines of all places, (P + grid², H/2) each.
    pub fn tables(&self) -> (&Tensor, &Tensor) {
        (&self.cos, &self.sin)
    }

    /// Turns (R, N, T, H), whose first token is `first` behind the prefix. Grids that are narrower
    /// than the table count on through its rows.
    ///
    /// # Errors
    /// Places beyond the table, or what the computation reports.
    pub fn turn(&self, x: &Tensor, first: usize) -> Result<Tensor> {
        self.turn_at(x, self.n_prefix_rows + first)
    }

    /// Like [`Self::turn`], with the place counted from the start of the prefix; what stands in the
    /// prefix becomes zero.
    ///
    /// # Errors
    /// Places beyond the table, or what the computation reports.
    pub fn turn_at(&self, x: &Tensor, place: usize) -> Result<Tensor> {
        let n_tokens = x.dim(2)?;
        let (cos, sin) =
            (self.cos.narrow(0, place, n_tokens)?, self.sin.narrow(0, place, n_tokens)?);
        rope_i(x, &cos, &sin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::controlar::config::PrefixKind;

    #[test]
    fn a_small_table_has_the_known_values() {
        let config = LlamaGenConfig {
            head_dim: 8,
            prefix: PrefixKind::Text { n_rows: 2, caption_dim: 4 },
            ..LlamaGenConfig::text(1, 1, 8, 3)
        };
        let rotary = Rotary::new(&config, &Device::Cpu).unwrap();
        let row = |table: &Tensor, idx: usize| table.get(idx).unwrap().to_vec1::<f32>().unwrap();
        let (cos, sin) = rotary.tables();
        assert_eq!(cos.dims(), [11, 4]);
        assert_eq!([row(cos, 1), row(sin, 0)], [[0.0; 4], [0.0; 4]]);
        assert_eq!((row(cos, 2), row(sin, 2)), (vec![1.0; 4], vec![0.0; 4]));
        let x = Tensor::arange(1.0_f32, 9.0, &Device::Cpu).unwrap().reshape((1, 1, 1, 8)).unwrap();
        let turned = rotary.turn(&x, 5).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let expected =
            [-1.14264, 1.922076, 2.959851, 4.029799, -7.536518, 2.049606, 6.838611, 8.13839];
        for (value, expected) in turned.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-5, "{value}, not {expected}");
        }
        assert!(rotary.turn(&x, 9).is_err());
    }
}
