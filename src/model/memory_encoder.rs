//! Memories made with a model that is at hand, without a thread: what the command line does.

use std::sync::Arc;

use super::Generator;
use crate::imaging::RgbaImage;
use crate::protocol::{Failure, MemoryEncoder, MemoryModel, row_of};

impl MemoryEncoder for Box<dyn Generator> {
    fn model(&mut self) -> Result<MemoryModel, Failure> {
        Ok(self.memory_model())
    }

    fn ids(&mut self, pictures: &[Arc<RgbaImage>]) -> Result<Vec<Arc<[u16]>>, Failure> {
        let encode = |picture: &Arc<RgbaImage>| {
            let ids = self.encode(picture).map_err(|error| error.to_failure())?;
            Ok(row_of(&ids))
        };
        pictures.iter().map(encode).collect()
    }

    fn keys(&mut self, captions: &[String]) -> Result<Vec<Vec<i8>>, Failure> {
        Generator::keys(&mut **self, captions).map_err(|error| error.to_failure())
    }
}
