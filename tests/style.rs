//! Drawing in the style of the user's pictures: what is remembered of the subject is redrawn after
//! them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;

use underpaint::imaging::RgbaImage;
use underpaint::model::{self, Generator, LoadOptions};
use underpaint::protocol::{
    EntryId, GenerateRequest, Inspiration, InspiredBy, MemoryEncoder as _, MemoryId, MemoryRequest,
    OwnEntry, OwnMemory, RememberedPicture,
};

/// A filled disc of 200 px with a black outline of 14 px.
fn disc(colour: [u8; 3]) -> RgbaImage {
    RgbaImage::from_fn(256, 256, |x, y| {
        let (x, y) = (f64::from(x) - 127.5, f64::from(y) - 127.5);
        let radius = x.hypot(y);
        let [red, green, blue] = if radius < 100.0 { colour } else { [0; 3] };
        image::Rgba([red, green, blue, if radius < 114.0 { 255 } else { 0 }])
    })
}

/// Outlined discs in ten colours under captions that no prompt here names.
fn outlined(generator: &mut Box<dyn Generator>) -> Arc<OwnMemory> {
    let model = generator.model().unwrap();
    let colours = [
        [230, 60, 50],
        [60, 160, 70],
        [60, 110, 220],
        [250, 210, 60],
        [250, 140, 30],
        [150, 90, 60],
        [240, 240, 240],
        [150, 150, 150],
        [140, 80, 190],
        [240, 150, 190],
    ];
    let pictures: Vec<_> = colours.iter().map(|colour| Arc::new(disc(*colour))).collect();
    let ids = generator.ids(&pictures).unwrap();
    let captions: Vec<String> = (0..ids.len()).map(|i| format!("xylophone lesson {i}")).collect();
    let entries = ids.iter().zip(&captions).map(|(ids, caption)| OwnEntry {
        entry: EntryId::of(ids.iter().copied()),
        caption: caption.clone(),
        source: "disc.png".to_owned(),
        licence: String::new(),
    });
    Arc::new(OwnMemory {
        memory: MemoryId(1),
        name: "Discs".to_owned(),
        entries: entries.collect(),
        keys: generator.keys(&captions).unwrap().concat(),
        key_dim: model.key_dim,
        ids: ids.concat(),
        n_tokens: model.n_tokens,
    })
}

fn paint(
    generator: &mut Box<dyn Generator>,
    prompt: &str,
    memory: MemoryRequest,
) -> (RgbaImage, Vec<InspiredBy>) {
    let mut request = GenerateRequest::new(prompt, 3);
    request.sampling = generator.info().sampling;
    request.memory = memory;
    let mut session = generator.start(&request).unwrap();
    while session.n_done() < session.n_scales() {
        session.step(&|| true).unwrap();
    }
    (session.render(0).unwrap(), session.inspired_by().to_vec())
}

/// Share of dark pixels among those within 8 px of the outside.
fn dark_rim(picture: &RgbaImage) -> f64 {
    let is_inside = |x: i64, y: i64| {
        (0..256).contains(&x)
            && (0..256).contains(&y)
            && picture.get_pixel(x as u32, y as u32).0[3] > 128
    };
    let (mut n_rim, mut n_dark) = (0, 0);
    for (x, y, pixel) in picture.enumerate_pixels() {
        let (x, y) = (i64::from(x), i64::from(y));
        let beside = [(x - 8, y), (x + 8, y), (x, y - 8), (x, y + 8)];
        if is_inside(x, y) && beside.iter().any(|(x, y)| !is_inside(*x, *y)) {
            n_rim += 1;
            n_dark += usize::from(pixel.0[..3].iter().all(|value| *value < 100));
        }
    }
    n_dark as f64 / f64::from(n_rim)
}

#[test]
fn other_things_are_drawn_in_the_users_style() {
    let mut generator = model::load(&LoadOptions::default()).unwrap();
    let own = vec![outlined(&mut generator)];
    let with = MemoryRequest { own, ..MemoryRequest::default() };
    for prompt in ["red apple", "banana"] {
        let (plain, _) = paint(&mut generator, prompt, MemoryRequest::default());
        let (styled, used) = paint(&mut generator, prompt, with.clone());
        let [plain, outlined] = [&plain, &styled].map(dark_rim);
        assert!(outlined > plain + 0.3, "{prompt}: {plain:.2} without, {outlined:.2} with");
        let is_redrawn = |used: &InspiredBy| used.memory == "Discs" && !used.source.is_empty();
        assert!(used.len() == 3 && used.iter().all(is_redrawn), "{used:?}");

        let (again, _) = paint(&mut generator, prompt, with.clone());
        assert!(again == styled, "the same request gives the same bytes");
        // What a file keeps is enough, without any memory.
        let kept = |used: &InspiredBy| {
            (used.slot, Inspiration::Remembered(Arc::new(RememberedPicture::from(used))))
        };
        let chosen = used.iter().map(kept).collect();
        let kept = MemoryRequest { retrieval: false, chosen, ..MemoryRequest::default() };
        assert!(paint(&mut generator, prompt, kept).0 == styled);

        let banned = MemoryRequest { banned: vec![used[0].entry], ..with.clone() };
        let (other, others) = paint(&mut generator, prompt, banned);
        assert!(others.len() == 3 && others.iter().all(|other| other.entry != used[0].entry));
        assert!(other != styled, "banning a redrawn picture changes the result");
    }
}
