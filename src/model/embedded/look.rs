//! What a request looks at, and when it is the same as before: a stroke changes none of it.

use crate::model::generator::{Condition, ControlTokens};
use crate::protocol::{GenerateRequest, InspiredBy, MemoryRequest};

/// What decides a [`Look`].
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LookKey {
    prompt: String,
    negative: String,
    seeds: Vec<u64>,
    memory: MemoryRequest,
    pub(super) is_guided: bool,
}

impl LookKey {
    pub(super) fn of(request: &GenerateRequest) -> Self {
        Self {
            prompt: request.prompt.clone(),
            negative: request.negative.clone(),
            seeds: request.seeds.clone(),
            memory: request.memory.clone(),
            is_guided: request.sampling.guidance > 0.0,
        }
    }

    pub(super) fn is_of(&self, request: &GenerateRequest) -> bool {
        self.prompt == request.prompt
            && self.negative == request.negative
            && self.seeds == request.seeds
            && self.memory == request.memory
            && self.is_guided == (request.sampling.guidance > 0.0)
    }
}

/// What a request looks at, all but the controls.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) condition: Condition,
    /// The same pictures with the negative prompt, if there are any and guidance needs it.
    pub(super) wordless: Option<Condition>,
    /// Control tokens of the first slot, with their strength.
    pub(super) reference: ControlTokens,
    /// Of the first picture of the batch.
    pub(super) inspired_by: Vec<InspiredBy>,
}
