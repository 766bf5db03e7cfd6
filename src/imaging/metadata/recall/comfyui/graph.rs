//! Walking a graph of ComfyUI backwards from its sampler.
//!
//! Graphs may be circular or very long: no walk visits a node twice or goes deeper than
//! [`MAX_DEPTH`].

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value};

use crate::imaging::metadata::json;

/// Nodes between the sampler and what it is linked to.
const MAX_DEPTH: usize = 200;
/// Inputs of nodes that turn text into conditioning.
const TEXT_INPUTS: [&str; 6] = ["text", "text_g", "clip_l", "text_l", "t5xxl", "prompt"];
/// Inputs and widgets of nodes that hold a text.
const STRING_INPUTS: [&str; 7] =
    ["text", "string", "value", "String", "prompt", "text_0", "positive"];
/// Widgets of nodes that hold a number.
const NUMBER_INPUTS: [&str; 8] =
    ["seed", "noise_seed", "value", "int", "float", "Number", "number", "INT"];
/// Widgets that name a model file.
const MODEL_INPUTS: [&str; 4] = ["ckpt_name", "unet_name", "model_name", "gguf_name"];

#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    pub id: &'a str,
    pub class: &'a str,
    pub inputs: &'a Map<String, Value>,
}

pub(super) struct Graph<'a> {
    nodes: &'a Map<String, Value>,
    /// Nodes that told something.
    pub used: RefCell<BTreeSet<&'a str>>,
}

impl<'a> Graph<'a> {
    pub(super) fn new(nodes: &'a Map<String, Value>) -> Self {
        Self { nodes, used: RefCell::default() }
    }

    /// All nodes that sample, by their number.
    pub(super) fn samplers(&self) -> Vec<Node<'a>> {
        let is_sampler = |node: &Node<'_>| {
            let has_links = ["positive", "guider"].iter().any(|key| node.inputs.contains_key(*key));
            (node.class.starts_with("KSampler") || node.class.starts_with("SamplerCustom"))
                && has_links
        };
        let nodes = self.nodes.keys().filter_map(|id| self.node(id));
        let mut samplers: Vec<_> = nodes.filter(is_sampler).collect();
        samplers.sort_by_key(|node| node.id.parse::<u64>().unwrap_or(u64::MAX));
        samplers
    }

    fn node(&self, id: &str) -> Option<Node<'a>> {
        let (id, node) = self.nodes.get_key_value(id)?;
        let class = node.get("class_type")?.as_str()?;
        Some(Node { id, class, inputs: node.get("inputs")?.as_object()? })
    }

    fn follow(&self, link: &Value) -> Option<Node<'a>> {
        let [id, _output] = link.as_array()?.as_slice() else { return None };
        self.node(&json::text(Some(id))?)
    }

    /// The node that an input is linked to.
    pub(super) fn linked(&self, node: Node<'a>, key: &str) -> Option<Node<'a>> {
        let linked = self.follow(node.inputs.get(key)?)?;
        self.used.borrow_mut().insert(linked.id);
        Some(linked)
    }

    /// The first of some inputs that a node has; a link is followed to the node that holds the
    /// value.
    pub(super) fn value(&self, node: Node<'a>, keys: &[&str]) -> Option<&'a Value> {
        let mut value = keys.iter().find_map(|key| node.inputs.get(*key))?;
        for _ in 0..MAX_DEPTH {
            let Some(source) = self.follow(value) else { break };
            self.used.borrow_mut().insert(source.id);
            let is_plain = |value: &&Value| json::text(Some(*value)).is_some();
            let find = |keys: &[&str]| {
                let values = keys.iter().filter_map(|key| source.inputs.get(*key));
                values.clone().find(is_plain).or_else(|| values.clone().next())
            };
            value = find(keys).or_else(|| find(&NUMBER_INPUTS)).or_else(|| find(&STRING_INPUTS))?;
        }
        json::text(Some(value)).is_some().then_some(value)
    }

    /// Texts of the encoders that an input leads to, in the order of the inputs, each once.
    pub(super) fn texts(&self, node: Node<'a>, key: &str) -> Vec<String> {
        let mut texts = Vec::new();
        if let Some(link) = node.inputs.get(key) {
            self.collect_texts(link, key == "negative", 0, &mut HashSet::new(), &mut texts);
        }
        texts
    }

    fn collect_texts(
        &self,
        link: &Value,
        is_negative: bool,
        depth: usize,
        visited: &mut HashSet<&'a str>,
        texts: &mut Vec<String>,
    ) {
        let Some(node) = self.follow(link) else { return };
        if depth > MAX_DEPTH || !visited.insert(node.id) {
            return;
        }
        self.used.borrow_mut().insert(node.id);
        // Takes all meaning from the text.
        if node.class == "ConditioningZeroOut" {
            return;
        }
        let encoded: Vec<_> = TEXT_INPUTS
            .iter()
            .filter(|key| node.inputs.contains_key(**key))
            .filter_map(|key| json::text(self.string(node, key)))
            .collect();
        if !encoded.is_empty() {
            for text in encoded {
                if !text.is_empty() && !texts.contains(&text) {
                    texts.push(text);
                }
            }
            return;
        }
        for link in conditioning(node, is_negative) {
            self.collect_texts(link, is_negative, depth + 1, visited, texts);
        }
    }

    fn string(&self, node: Node<'a>, key: &str) -> Option<&'a Value> {
        let value = self.value(node, &[key])?;
        value.is_string().then_some(value)
    }

    /// A number on the way from an input to its encoder, such as the guidance of Flux.
    pub(super) fn conditioning_value(
        &self,
        node: Node<'a>,
        key: &str,
        wanted: &str,
    ) -> Option<&'a Value> {
        let mut node = self.linked(node, key)?;
        for _ in 0..MAX_DEPTH {
            if let Some(value) = self.value(node, &[wanted]) {
                return Some(value);
            }
            let link = conditioning(node, key == "negative").next()?;
            node = self.follow(link)?;
        }
        None
    }

    /// The model file that a node uses.
    pub(super) fn model(&self, node: Node<'a>) -> Option<&'a str> {
        let loader = self.model_chain(node).last()?;
        let file = MODEL_INPUTS.iter().find_map(|key| loader.inputs.get(*key)?.as_str());
        if file.is_some() {
            self.used.borrow_mut().insert(loader.id);
        }
        file
    }

    /// Nodes between a node and its model file, such as those that add a `LoRA`.
    pub(super) fn model_patches(&self, node: Node<'a>) -> Vec<String> {
        let is_patch = |node: &Node<'a>| node.inputs.contains_key("model");
        let patches = self.model_chain(node).filter(is_patch);
        patches
            .map(|patch| {
                self.used.borrow_mut().insert(patch.id);
                match patch.inputs.get("lora_name").and_then(Value::as_str) {
                    Some(file) => format!("{} ({file})", patch.class),
                    None => patch.class.to_owned(),
                }
            })
            .collect()
    }

    fn model_chain(&self, node: Node<'a>) -> impl Iterator<Item = Node<'a>> {
        let next = |node: Node<'a>| self.follow(node.inputs.get("model")?);
        std::iter::successors(next(node), move |node| next(*node)).take(MAX_DEPTH)
    }

    /// Size of the empty latent that a sampler starts from; `None` if it starts from a picture.
    pub(super) fn size(&self, sampler: Node<'a>) -> Option<(u64, u64)> {
        let mut node = self.linked(sampler, "latent_image")?;
        for _ in 0..MAX_DEPTH {
            let side = |key: &str| json::whole(self.value(node, &[key]));
            if let (Some(width), Some(height)) = (side("width"), side("height")) {
                // A latent that is scaled is no empty one.
                return (!node.inputs.contains_key("samples")).then_some((width, height));
            }
            let passed_on = ["latent_image", "latent", "samples_to", ""];
            node = passed_on.iter().find_map(|key| self.follow(node.inputs.get(*key)?))?;
        }
        None
    }
}

/// Links by which a node passes conditioning on.
fn conditioning(node: Node<'_>, is_negative: bool) -> impl Iterator<Item = &Value> {
    let wanted = if is_negative { "negative" } else { "positive" };
    let inputs = node.inputs;
    let is_link = |value: &&Value| value.as_array().is_some_and(|link| link.len() == 2);
    let n_links = inputs.values().filter(is_link).count();
    inputs
        .iter()
        .filter(move |(key, _)| {
            key.starts_with("conditioning") || key.as_str() == wanted || n_links == 1
        })
        .map(|(_, value)| value)
        .filter(is_link)
}
