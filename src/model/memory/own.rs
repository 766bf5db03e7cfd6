//! The user's memories, ready for retrieval: each snapshot is checked and measured once.

use std::sync::{Arc, Weak};

use rayon::prelude::*;

use super::retrieval::{Keys, key_lengths};
use crate::model::recent::Recent;
use crate::model::{Config, ModelError};
use crate::protocol::OwnMemory;

/// Snapshots whose measures are kept; more memories than anyone has switched on.
const CACHE_SIZE: usize = 64;
/// Ids checked by one task.
const CHUNK: usize = 1 << 16;

/// What the model makes of the user's memories.
#[derive(Debug)]
pub struct OwnMemories {
    n_tokens: usize,
    n_codes: usize,
    key_dim: usize,
    /// By allocation: a snapshot never changes, and while a weak pointer to it is here, nothing
    /// else can have its address. Weak, so that what the user has changed or removed goes.
    known: Recent<Weak<OwnMemory>, Arc<[f32]>>,
}

/// One of the user's memories with the lengths of its keys.
#[derive(Debug, Clone)]
pub struct OwnKeys {
    pub memory: Arc<OwnMemory>,
    lengths: Arc<[f32]>,
}

impl OwnKeys {
    pub(super) fn keys(&self) -> Keys<'_> {
        let OwnMemory { keys, key_dim, .. } = &*self.memory;
        Keys { values: keys, lengths: &self.lengths, key_dim: *key_dim }
    }
}

impl OwnMemories {
    /// Takes memories that were made for the model of `config`.
    pub fn new(config: &Config) -> Self {
        Self {
            n_tokens: config.n_tokens(),
            n_codes: config.tokenizer.codebook_size,
            key_dim: config.text.hidden_size,
            known: Recent::new(CACHE_SIZE),
        }
    }

    /// # Errors
    /// [`ModelError::Request`] if a memory was made for another model or is not whole.
    pub fn open(&mut self, memories: &[Arc<OwnMemory>]) -> Result<Vec<OwnKeys>, ModelError> {
        memories.iter().map(|memory| self.open_one(memory)).collect()
    }

    fn open_one(&mut self, memory: &Arc<OwnMemory>) -> Result<OwnKeys, ModelError> {
        let address = Arc::as_ptr(memory);
        let known = self.known.find(|known| std::ptr::eq(known.as_ptr(), address));
        let lengths = if let Some(lengths) = known {
            lengths
        } else {
            self.check(memory).map_err(|reason| ModelError::Request {
                reason: format!("the memory “{}” {reason}", memory.name),
            })?;
            let lengths: Arc<[f32]> = key_lengths(&memory.keys, memory.key_dim).into();
            self.known.put(Arc::downgrade(memory), Arc::clone(&lengths));
            lengths
        };
        Ok(OwnKeys { memory: Arc::clone(memory), lengths })
    }

    fn check(&self, memory: &OwnMemory) -> Result<(), String> {
        let OwnMemory { entries, keys, key_dim, ids, n_tokens, .. } = memory;
        if (*n_tokens, *key_dim) != (self.n_tokens, self.key_dim) {
            return Err(format!(
                "was made for another model: its pictures have {n_tokens} tokens and keys of size \
                 {key_dim}, this model has {} and {}; let it be encoded anew, or switch it off",
                self.n_tokens, self.key_dim
            ));
        }
        let n = entries.len();
        if (n.checked_mul(*n_tokens), n.checked_mul(*key_dim))
            != (Some(ids.len()), Some(keys.len()))
        {
            return Err(format!(
                "is damaged: {} tokens and {} bytes of keys do not belong to {n} pictures; switch \
                 it off and add its pictures again",
                ids.len(),
                keys.len()
            ));
        }
        let n_codes = self.n_codes;
        if ids.par_chunks(CHUNK).any(|ids| ids.iter().any(|id| usize::from(*id) >= n_codes)) {
            return Err(format!(
                "was made for another model: it holds tokens above {}, the last that this model \
                 knows; let it be encoded anew, or switch it off",
                n_codes - 1
            ));
        }
        Ok(())
    }
}
