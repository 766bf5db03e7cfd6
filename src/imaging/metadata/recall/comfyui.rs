//! ComfyUI: the graph that was run, as JSON under `prompt`. The editor's graph under `workflow` is
//! not needed.
//!
//! A node is `{"class_type": "KSampler", "inputs": {…}}`; an input is a value or a link
//! `["node", output]`. The sampler is found first, then what it is linked to; what it is not linked
//! to does not count. Nodes of others are understood by the names of their inputs.

mod graph;

use std::collections::BTreeSet;

use super::{RecallError, Recalled, SourceApp, Texts, name, size};
use crate::imaging::metadata::json;
use graph::{Graph, Node};

/// Nodes that every graph has and that need no mention.
const PLAIN: [&str; 12] = [
    "VAEDecode",
    "VAEDecodeTiled",
    "VAELoader",
    "SaveImage",
    "PreviewImage",
    "CLIPLoader",
    "DualCLIPLoader",
    "CLIPSetLastLayer",
    "Reroute",
    "Note",
    "PrimitiveNode",
    "EmptyLatentImage",
];

pub(super) fn read(texts: &Texts<'_>) -> Option<Result<Recalled, RecallError>> {
    let app = SourceApp::ComfyUi;
    let no_parameters =
        Some(Err(RecallError::NoParameters { app, hint: "open it in ComfyUI instead" }));
    let Some(found) = texts.get("prompt") else {
        return texts.get("workflow").and(no_parameters);
    };
    let has_workflow = texts.get("workflow").is_some();
    // Others keep a plain prompt under this key.
    if !found.text.trim_start().starts_with('{') && !has_workflow {
        return None;
    }
    let nodes = match json::object(&found.text) {
        Ok(nodes) => nodes,
        Err(reason) => return Some(Err(RecallError::Unreadable { app, reason })),
    };
    let graph = Graph::new(&nodes);
    let samplers = graph.samplers();
    // Where a picture is refined by a second sampler, the first one starts from nothing.
    let Some(sampler) =
        samplers.iter().find(|node| graph.size(**node).is_some()).or(samplers.first())
    else {
        let is_graph = has_workflow || nodes.values().any(|node| node.get("class_type").is_some());
        return if is_graph { no_parameters } else { None };
    };
    // What was looked at to choose is not yet used.
    graph.used.borrow_mut().clear();
    let mut recalled = from_sampler(&graph, *sampler);
    recalled.place = found.place();
    for other in samplers.iter().filter(|other| other.id != sampler.id) {
        recalled.ignored.push(format!("a further {} (node {})", other.class, other.id));
    }
    let known: BTreeSet<_> = samplers.iter().map(|node| node.id).collect();
    let used = graph.used.into_inner();
    let others: BTreeSet<_> = nodes
        .iter()
        .filter(|(id, _)| !used.contains(id.as_str()) && !known.contains(id.as_str()))
        .filter_map(|(_, node)| node.get("class_type")?.as_str())
        .filter(|class| !PLAIN.contains(class))
        .collect();
    recalled.ignored.extend(others.into_iter().map(str::to_owned));
    Some(Ok(recalled))
}

fn from_sampler<'a>(graph: &Graph<'a>, sampler: Node<'a>) -> Recalled {
    // Newer graphs hang conditioning and guidance, noise, sampler and schedule on nodes of their
    // own.
    let linked = |key: &str| graph.linked(sampler, key).unwrap_or(sampler);
    let guider = linked("guider");
    let noise = linked("noise");
    let schedule = linked("sigmas");
    let method = linked("sampler");
    let positive =
        if guider.inputs.contains_key("conditioning") { "conditioning" } else { "positive" };
    let whole = |node: Node<'a>, keys: &[&str]| json::whole(graph.value(node, keys));
    let text = |node: Node<'a>, keys: &[&str]| name(json::text(graph.value(node, keys)));
    let cfg = graph
        .value(guider, &["cfg"])
        .or_else(|| graph.conditioning_value(guider, positive, "guidance"));
    let extra = ["scheduler", "denoise"]
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), text(schedule, &[key])?)));
    let extra: Vec<_> = extra.collect();
    let model = graph.model(guider).or_else(|| graph.model(sampler));
    let mut recalled = Recalled {
        prompt: graph.texts(guider, positive).join("\n"),
        negative: graph.texts(guider, "negative").join("\n"),
        seed: whole(noise, &["seed", "noise_seed"]),
        steps: whole(schedule, &["steps"]),
        cfg: json::number(cfg),
        sampler: text(method, &["sampler_name"]),
        size_px: graph.size(sampler).and_then(|(w, h)| size(&format!("{w}x{h}"))),
        model: model.map(str::to_owned),
        ignored: extra.iter().map(|(key, _)| key.clone()).collect(),
        extra,
        ..Recalled::new(SourceApp::ComfyUi)
    };
    for patch in graph.model_patches(guider) {
        recalled.ignored.push(patch);
    }
    recalled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::metadata::{Carrier, TextFound};

    fn recall(json: &str) -> Recalled {
        try_recall(json).expect("a graph").expect("a sampler")
    }

    fn try_recall(json: &str) -> Option<Result<Recalled, RecallError>> {
        let text = TextFound {
            key: "prompt".to_owned(),
            text: json.to_owned(),
            carrier: Carrier::Latin1,
            after_pixels: false,
        };
        read(&Texts(&[text]))
    }

    #[test]
    fn a_graph_of_separate_nodes_is_followed() {
        let recalled = recall(
            r#"{
            "1": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["2", 0],
                "guider": ["3", 0], "sampler": ["4", 0], "sigmas": ["5", 0],
                "latent_image": ["6", 0]}},
            "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": ["10", 0]}},
            "3": {"class_type": "BasicGuider", "inputs": {"model": ["7", 0],
                "conditioning": ["8", 0]}},
            "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
            "5": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple", "steps": 20,
                "denoise": 1, "model": ["7", 0]}},
            "6": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 768}},
            "7": {"class_type": "LoraLoaderModelOnly", "inputs": {"lora_name": "style.safetensors",
                "model": ["11", 0]}},
            "8": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5,
                "conditioning": ["9", 0]}},
            "9": {"class_type": "CLIPTextEncodeFlux", "inputs": {"clip": ["12", 0],
                "clip_l": "a boat", "t5xxl": "a boat at sea", "guidance": 2}},
            "10": {"class_type": "Seed (rgthree)", "inputs": {"seed": 12}, "is_changed": [NaN]},
            "11": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-dev.safetensors"}},
            "12": {"class_type": "DualCLIPLoader", "inputs": {}},
            "13": {"class_type": "ImageUpscaleWithModel", "inputs": {}}
            }"#,
        );
        assert_eq!(recalled.prompt, "a boat\na boat at sea");
        assert_eq!(recalled.negative, "");
        assert_eq!((recalled.seed, recalled.steps, recalled.cfg), (Some(12), Some(20), Some(3.5)));
        assert_eq!(recalled.sampler.as_deref(), Some("euler"));
        assert_eq!(recalled.size_px, Some((1024, 768)));
        assert_eq!(recalled.model.as_deref(), Some("flux1-dev.safetensors"));
        assert_eq!(
            recalled.ignored,
            [
                "scheduler",
                "denoise",
                "LoraLoaderModelOnly (style.safetensors)",
                "ImageUpscaleWithModel"
            ]
        );
    }

    #[test]
    fn the_first_of_two_samplers_counts() {
        let recalled = recall(
            r#"{
            "1": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 9, "cfg": 2,
                "positive": ["3", 0], "negative": ["5", 0], "latent_image": ["6", 0]}},
            "2": {"class_type": "KSampler", "inputs": {"seed": 2, "steps": 30, "cfg": 7,
                "positive": ["3", 0], "negative": ["5", 0], "latent_image": ["7", 0]}},
            "3": {"class_type": "ConditioningCombine", "inputs": {"conditioning_1": ["4", 0],
                "conditioning_2": ["8", 0]}},
            "4": {"class_type": "CLIPTextEncode", "inputs": {"text": "one"}},
            "5": {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["4", 0]}},
            "6": {"class_type": "LatentUpscaleBy", "inputs": {"samples": ["2", 0]}},
            "7": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 32}},
            "8": {"class_type": "CLIPTextEncode", "inputs": {"text": "two"}},
            "9": {"class_type": "CLIPTextEncode", "inputs": {"text": "not linked"}}
            }"#,
        );
        assert_eq!((recalled.seed, recalled.steps), (Some(2), Some(30)));
        assert_eq!((&*recalled.prompt, &*recalled.negative), ("one\ntwo", ""));
        assert_eq!(
            recalled.ignored,
            ["a further KSampler (node 1)", "CLIPTextEncode", "LatentUpscaleBy"]
        );
    }

    #[test]
    fn circles_and_long_chains_end() {
        let circle = r#"{
            "1": {"class_type": "KSampler", "inputs": {"seed": ["1", 0], "positive": ["2", 0],
                "negative": ["1", 0], "model": ["2", 0], "latent_image": ["2", 0]}},
            "2": {"class_type": "A", "inputs": {"conditioning": ["3", 0], "model": ["3", 0],
                "samples": ["3", 0]}},
            "3": {"class_type": "B", "inputs": {"conditioning": ["2", 0], "model": ["2", 0],
                "samples": ["2", 0]}}}"#;
        assert_eq!(recall(circle).prompt, "");
        let mut chain = r#"{"0": {"class_type": "KSampler", "inputs": {"positive": ["1", 0],
            "model": ["1", 0], "latent_image": ["1", 0]}}"#
            .to_owned();
        for id in 1..9000 {
            let next = id + 1;
            let node = format!(
                r#","{id}":{{"class_type":"A","inputs":{{"a":["{next}",0],"b":["{next}",0],
                "conditioning_1":["{next}",0],"conditioning_2":["{next}",0],"model":["{next}",0],
                "samples":["{next}",0]}}}}"#
            );
            chain.push_str(&node);
        }
        assert_eq!(recall(&(chain + "}")).prompt, "");
    }

    #[test]
    fn what_is_no_graph_is_told() {
        assert!(try_recall("a plain prompt").is_none());
        assert!(try_recall(r#"{"mood": "blue"}"#).is_none());
        let loader = r#"{"1": {"class_type": "LoadImage", "inputs": {}}}"#;
        assert!(matches!(try_recall(loader), Some(Err(RecallError::NoParameters { .. }))));
        assert!(matches!(try_recall("{\"1\": "), Some(Err(RecallError::Unreadable { .. }))));
    }
}
