//! What of a prompt is compared with the memory.

use crate::model::ModelError;
use crate::model::memory::{colourless, things};
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

/// The vector of a prompt, of any length. Where a style or colours are named, what is shown counts
/// once more without them: pictures of anything in that style or colour must not come before the
/// thing in another, which can be redrawn or recoloured.
pub(super) fn vector(
    prompt: &str,
    styles: &[&str],
    text: &mut TextEncoder,
) -> Result<Vec<f32>, ModelError> {
    let unstyled = styled(prompt, styles).map(|named| named.rest);
    let uncoloured = colourless(unstyled.as_deref().unwrap_or(prompt));
    let weight = if unstyled.is_some() { STYLED_WEIGHT } else { 1.0 };
    let whole = text.encode(prompt)?;
    let mut sum: Vec<f32> = whole.key.iter().map(|value| weight * value).collect();
    for shown in [unstyled, uncoloured].iter().flatten() {
        let shown = text.encode(shown)?;
        sum.iter_mut().zip(&shown.key).for_each(|(sum, value)| *sum += value);
    }
    Ok(sum)
}

/// The style that a prompt names beside something to show in it.
fn styled<'a>(prompt: &str, styles: &[&'a str]) -> Option<Styled<'a>> {
    prompt::styled(prompt, styles.iter().copied()).filter(|styled| !styled.rest.is_empty())
}
