//! A look into a running network: what it computes on the way, by name.

use std::fmt;

use candle_core::{Result, Tensor};

use crate::model::ops::nchw_from_nhwc;

/// Receives intermediate results if somebody wants them; free of cost otherwise.
pub struct Probe<'a> {
    #[expect(clippy::type_complexity, reason = "a name for it would say less")]
    see: Option<&'a mut dyn FnMut(&str, &Tensor)>,
    prefix: String,
}

impl fmt::Debug for Probe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").field("is_active", &self.see.is_some()).finish_non_exhaustive()
    }
}

impl<'a> Probe<'a> {
    /// Nobody looks.
    pub fn none() -> Self {
        Self { see: None, prefix: String::new() }
    }

    /// Whether somebody looks.
    pub fn is_active(&self) -> bool {
        self.see.is_some()
    }

    /// Calls `see` with each result and its name.
    pub fn new(see: &'a mut dyn FnMut(&str, &Tensor)) -> Self {
        Self { see: Some(see), prefix: String::new() }
    }

    /// The same observer; names get `prefix` in front.
    pub fn within(&mut self, prefix: impl fmt::Display) -> Probe<'_> {
        match &mut self.see {
            Some(see) => {
                let prefix = format!("{}{prefix}", self.prefix);
                Probe { see: Some(&mut **see), prefix }
            }
            None => Probe::none(),
        }
    }

    /// Shows a result as it is.
    pub fn see(&mut self, name: impl fmt::Display, tensor: &Tensor) {
        if let Some(see) = &mut self.see {
            see(&format!("{}{name}", self.prefix), tensor);
        }
    }

    /// Shows a channels-last map (B, H, W, C) as (B, C, H, W).
    ///
    /// # Errors
    /// Another number of dimensions.
    pub fn see_map(&mut self, name: impl fmt::Display, map: &Tensor) -> Result<()> {
        if self.see.is_some() {
            self.see(name, &nchw_from_nhwc(map)?);
        }
        Ok(())
    }

    /// Shows a result that has to be computed first.
    ///
    /// # Errors
    /// Those of `compute`.
    pub fn see_with(
        &mut self,
        name: impl fmt::Display,
        compute: impl FnOnce() -> Result<Tensor>,
    ) -> Result<()> {
        if self.see.is_some() {
            self.see(name, &compute()?);
        }
        Ok(())
    }
}
