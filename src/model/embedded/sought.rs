//! What of a prompt is compared with the memory.

use crate::model::ModelError;
use crate::model::memory::things;
use crate::model::text::TextEncoder;
use crate::protocol::prompt::{self, Styled};

/// Of a prompt that names a style, beside what it shows. With less, things are redrawn that the
/// memory has in the style by a longer name; with more, other things in the style are found.
const STYLED_WEIGHT: f32 = 2.0;

/// Vectors and style that entries are compared with.
#[derive(Debug)]
pub(super) struct Sought {
    pub(super) whole: Vec<f32>,
    /// Of each thing that the prompt joins; none if it names one only.
    pub(super) things: Vec<Vec<f32>>,
    /// The style of the memory that the prompt names.
    pub(super) style: Option<String>,
}

impl Sought {
    /// `styles` are those of the memory, `n_slots` bounds the things.
    ///
    /// # Errors
    /// Those of [`TextEncoder::encode`].
    pub(super) fn of(
        prompt: &str,
        styles: &[&str],
        n_slots: usize,
        text: &mut TextEncoder,
    ) -> Result<Self, ModelError> {
        let things = things(prompt, n_slots);
        let style = styled(prompt, styles).map(|named| named.style.to_owned());
        Ok(Self {
            whole: vector(prompt, styles, text)?,
            things: things
                .iter()
                .map(|thing| vector(thing, styles, text))
                .collect::<Result<_, _>>()?,
            style,
        })
    }
}

/// The vector of a prompt, of any length. Where a style is named, what is shown counts once more
/// without it: pictures of anything in that style must not come before the thing in another, which
/// can be redrawn.
pub(super) fn vector(
    prompt: &str,
    styles: &[&str],
    text: &mut TextEncoder,
) -> Result<Vec<f32>, ModelError> {
    let whole = text.encode(prompt)?;
    let Some(Styled { rest, .. }) = styled(prompt, styles) else {
        return Ok(whole.key.clone());
    };
    let shown = text.encode(&rest)?;
    let sum = whole.key.iter().zip(&shown.key).map(|(whole, shown)| STYLED_WEIGHT * whole + shown);
    Ok(sum.collect())
}

/// The style that a prompt names beside something to show in it.
fn styled<'a>(prompt: &str, styles: &[&'a str]) -> Option<Styled<'a>> {
    prompt::styled(prompt, styles.iter().copied()).filter(|styled| !styled.rest.is_empty())
}
