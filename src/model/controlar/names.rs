//! The tensors of published files, by their names: what each network asks for, and what the files
//! hold beside that. Known before anything is read, so that a wrong file is told by its list alone.

use super::config::{ControlConfig, LlamaGenConfig, PrefixKind, T5Config, Vq16Config};
use crate::model::weights::Wanted;

/// Beginnings of names in LlamaGen and ControlAR files that no network needs: tables that can be
/// computed, and weights that are dead.
pub const IGNORED: [&str; 6] = [
    "condition_embeddings.",
    "condition_mlp.uncond_embedding",
    "condition_norm.",
    "adapter.model.embeddings.mask_token",
    "freqs_cis",
    "causal_mask",
];

/// What a transformer needs not if its control is left out.
pub const CONTROL: [&str; 4] = ["adapter.", "adapter_mlp.", "condition_mlp.", "condition_layers."];

/// Of VQ-16: counters of the training.
pub const IGNORED_VQ16: [&str; 1] = ["quantize.codebook_used"];

/// Of T5: the decoder, and a second name of the table.
pub const IGNORED_T5: [&str; 3] = ["decoder.", "lm_head.", "encoder.embed_tokens."];

/// Collects names.
#[derive(Default)]
struct Names(Vec<Wanted>);

impl Names {
    fn add(&mut self, name: impl Into<String>, shape: &[usize]) {
        self.0.push(Wanted::new(name, shape));
    }

    /// `fc1` and `fc2` without biases.
    fn mlp(&mut self, name: &str, in_dim: usize, dim: usize) {
        self.add(format!("{name}.fc1.weight"), &[dim, in_dim]);
        self.add(format!("{name}.fc2.weight"), &[dim, dim]);
    }

    fn with_bias(&mut self, name: &str, shape: &[usize]) {
        self.add(format!("{name}.weight"), shape);
        self.add(format!("{name}.bias"), &shape[..1]);
    }
}

/// Of the transformer.
pub fn llamagen(config: &LlamaGenConfig) -> Vec<Wanted> {
    let LlamaGenConfig { dim, ffn_dim, n_codes, n_layers, prefix, .. } = *config;
    let mut names = Names::default();
    names.add("tok_embeddings.weight", &[n_codes, dim]);
    match prefix {
        PrefixKind::Class { n_classes } => {
            names.add("cls_embedding.embedding_table.weight", &[n_classes + 1, dim]);
        }
        PrefixKind::Text { n_rows, caption_dim } => {
            names.mlp("cls_embedding.cap_proj", caption_dim, dim);
            names.add("cls_embedding.uncond_embedding", &[n_rows, caption_dim]);
        }
    }
    for layer in 0..n_layers {
        let layer = format!("layers.{layer}");
        names.add(format!("{layer}.attention.wqkv.weight"), &[3 * dim, dim]);
        names.add(format!("{layer}.attention.wo.weight"), &[dim, dim]);
        names.add(format!("{layer}.attention_norm.weight"), &[dim]);
        names.add(format!("{layer}.feed_forward.w1.weight"), &[ffn_dim, dim]);
        names.add(format!("{layer}.feed_forward.w2.weight"), &[dim, ffn_dim]);
        names.add(format!("{layer}.feed_forward.w3.weight"), &[ffn_dim, dim]);
        names.add(format!("{layer}.ffn_norm.weight"), &[dim]);
    }
    names.add("norm.weight", &[dim]);
    names.add("output.weight", &[n_codes, dim]);
    names.0
}

/// Of the control of a transformer of width `dim`.
pub fn control(config: &ControlConfig, dim: usize) -> Vec<Wanted> {
    let dino = &config.dino;
    let (own, patch) = (dino.dim, dino.patch_size);
    let side = dino.image_size / patch;
    let mut names = Names::default();
    let embeddings = "adapter.model.embeddings";
    names.add(format!("{embeddings}.cls_token"), &[1, 1, own]);
    names.add(format!("{embeddings}.position_embeddings"), &[1, 1 + side * side, own]);
    names.with_bias(&format!("{embeddings}.patch_embeddings.projection"), &[own, 3, patch, patch]);
    for layer in 0..dino.n_layers {
        let layer = format!("adapter.model.encoder.layer.{layer}");
        names.with_bias(&format!("{layer}.norm1"), &[own]);
        names.with_bias(&format!("{layer}.norm2"), &[own]);
        for part in ["attention.query", "attention.key", "attention.value", "output.dense"] {
            names.with_bias(&format!("{layer}.attention.{part}"), &[own, own]);
        }
        names.add(format!("{layer}.layer_scale1.lambda1"), &[own]);
        names.add(format!("{layer}.layer_scale2.lambda1"), &[own]);
        names.with_bias(&format!("{layer}.mlp.fc1"), &[dino.mlp_ratio * own, own]);
        names.with_bias(&format!("{layer}.mlp.fc2"), &[own, dino.mlp_ratio * own]);
    }
    names.with_bias("adapter.model.layernorm", &[own]);
    names.mlp("adapter_mlp", own, dim);
    names.mlp("condition_mlp.cap_proj", dim, dim);
    for point in 0..config.fusion_layers.len() {
        names.mlp(&format!("condition_layers.{point}"), dim, dim);
    }
    names.0
}

/// Of the picture tokenizer.
pub fn vq16(config: &Vq16Config) -> Vec<Wanted> {
    let (latent, code) = (config.z_channels, config.codebook_embed_dim);
    let mut names = Names::default();
    names.add("quantize.embedding.weight", &[config.codebook_size, code]);
    names.with_bias("quant_conv", &[code, latent, 1, 1]);
    names.with_bias("post_quant_conv", &[latent, code, 1, 1]);
    let inwards: Vec<usize> = config.encoder_ch_mult.iter().map(|f| f * config.ch).collect();
    let outwards: Vec<usize> = config.decoder_ch_mult.iter().rev().map(|f| f * config.ch).collect();
    let n_levels = inwards.len();
    names.with_bias("encoder.conv_in", &[config.ch, 3, 3, 3]);
    let mut channels = config.ch;
    for (i, out) in inwards.iter().enumerate() {
        for j in 0..config.num_res_blocks {
            names.residual(&format!("encoder.conv_blocks.{i}.res.{j}"), channels, *out);
            channels = *out;
            if i + 1 == n_levels {
                names.attention(&format!("encoder.conv_blocks.{i}.attn.{j}"), channels);
            }
        }
        if i + 1 < n_levels {
            let name = format!("encoder.conv_blocks.{i}.downsample.conv");
            names.with_bias(&name, &[channels, channels, 3, 3]);
        }
    }
    names.middle("encoder", channels);
    names.with_bias("encoder.norm_out", &[channels]);
    names.with_bias("encoder.conv_out", &[latent, channels, 3, 3]);
    let mut channels = outwards[0];
    names.with_bias("decoder.conv_in", &[channels, latent, 3, 3]);
    names.middle("decoder", channels);
    for (i, out) in outwards.iter().enumerate() {
        for j in 0..=config.num_res_blocks {
            names.residual(&format!("decoder.conv_blocks.{i}.res.{j}"), channels, *out);
            channels = *out;
            if i == 0 {
                names.attention(&format!("decoder.conv_blocks.{i}.attn.{j}"), channels);
            }
        }
        if i + 1 < n_levels {
            let name = format!("decoder.conv_blocks.{i}.upsample.conv");
            names.with_bias(&name, &[channels, channels, 3, 3]);
        }
    }
    names.with_bias("decoder.norm_out", &[channels]);
    names.with_bias("decoder.conv_out", &[3, channels, 3, 3]);
    names.0
}

impl Names {
    fn residual(&mut self, name: &str, from: usize, to: usize) {
        self.with_bias(&format!("{name}.norm1"), &[from]);
        self.with_bias(&format!("{name}.conv1"), &[to, from, 3, 3]);
        self.with_bias(&format!("{name}.norm2"), &[to]);
        self.with_bias(&format!("{name}.conv2"), &[to, to, 3, 3]);
        if from != to {
            self.with_bias(&format!("{name}.nin_shortcut"), &[to, from, 1, 1]);
        }
    }

    fn attention(&mut self, name: &str, channels: usize) {
        self.with_bias(&format!("{name}.norm"), &[channels]);
        for part in ["q", "k", "v", "proj_out"] {
            self.with_bias(&format!("{name}.{part}"), &[channels, channels, 1, 1]);
        }
    }

    fn middle(&mut self, name: &str, channels: usize) {
        self.residual(&format!("{name}.mid.0"), channels, channels);
        self.attention(&format!("{name}.mid.1"), channels);
        self.residual(&format!("{name}.mid.2"), channels, channels);
    }
}

/// Of the text encoder.
pub fn t5(config: &T5Config) -> Vec<Wanted> {
    let T5Config { d_model: dim, d_ff, num_heads, .. } = *config;
    let inner = num_heads * config.d_kv;
    let mut names = Names::default();
    names.add("shared.weight", &[config.vocab_size, dim]);
    for block in 0..config.num_layers {
        let block = format!("encoder.block.{block}.layer");
        let attention = format!("{block}.0.SelfAttention");
        for part in ["q", "k", "v"] {
            names.add(format!("{attention}.{part}.weight"), &[inner, dim]);
        }
        names.add(format!("{attention}.o.weight"), &[dim, inner]);
        names.add(format!("{block}.0.layer_norm.weight"), &[dim]);
        names.add(format!("{block}.1.DenseReluDense.wi_0.weight"), &[d_ff, dim]);
        names.add(format!("{block}.1.DenseReluDense.wi_1.weight"), &[d_ff, dim]);
        names.add(format!("{block}.1.DenseReluDense.wo.weight"), &[dim, d_ff]);
        names.add(format!("{block}.1.layer_norm.weight"), &[dim]);
    }
    let bias = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight";
    names.add(bias, &[config.relative_attention_num_buckets, num_heads]);
    names.add("encoder.final_layer_norm.weight", &[dim]);
    names.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::controlar::config::ControlResize;

    fn n_parameters(names: &[Wanted]) -> usize {
        names.iter().map(Wanted::n_elements).sum()
    }

    /// What files hold beside what is asked for: the table of conditions, the null of its MLP for
    /// `n_tokens`, and the mask token.
    fn dead(n_tokens: usize, encoder_dim: usize) -> usize {
        16_384 * 1280 + n_tokens * 1280 + encoder_dim
    }

    #[test]
    fn published_sizes_come_out() {
        let backbone = llamagen(&LlamaGenConfig::xl_text(32));
        assert_eq!(n_parameters(&backbone), 777_923_840);
        let with_control = |is_base, n_tokens| {
            let config = ControlConfig::published(is_base, ControlResize::Nearest);
            let names = control(&config, 1280);
            let n_names = backbone.len() + names.len() + 3;
            (n_names, 777_923_840 + n_parameters(&names) + dead(n_tokens, config.dino.dim))
        };
        assert_eq!(with_control(true, 1024), (493, 902_515_200));
        assert_eq!(with_control(false, 1024), (493, 837_499_776));
        assert_eq!(with_control(false, 2304), (493, 839_138_176));
        assert_eq!(n_parameters(&vq16(&Vq16Config::published())), 71_883_403);
        let flan = n_parameters(&t5(&T5Config::flan_xl()));
        assert!((1_210_000_000..1_240_000_000).contains(&flan), "{flan}");
    }
}
