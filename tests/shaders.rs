//! Every shader passes naga, and its structs look like their Rust twins.

use std::mem::offset_of;

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{Module, TypeInner};
use underpaint::render::shaders::{self, Shader};
use underpaint::render::{
    CanvasUniforms, EdgeUniforms, FlattenUniforms, SketchUniforms, StampInstance, StrokeUniforms,
};

fn parsed(shader: &Shader) -> Module {
    naga::front::wgsl::parse_str(shader.source).unwrap_or_else(|error| {
        panic!("{}", error.emit_to_string_with_path(shader.source, shader.label))
    })
}

/// Size of a WGSL struct, and the name and offset of each member.
fn layout(module: &Module, name: &str) -> (usize, Vec<(String, usize)>) {
    let (_, ty) = module
        .types
        .iter()
        .find(|(_, ty)| ty.name.as_deref() == Some(name))
        .unwrap_or_else(|| panic!("no struct {name}"));
    let TypeInner::Struct { members, span } = &ty.inner else { panic!("{name} is no struct") };
    let members = members
        .iter()
        .map(|member| (member.name.clone().unwrap_or_default(), member.offset as usize));
    (*span as usize, members.collect())
}

#[test]
fn every_shader_is_valid() {
    for shader in shaders::ALL {
        let module = parsed(shader);
        assert!(!module.entry_points.is_empty(), "{} has no entry point", shader.label);
        // No capability beyond the baseline: the window must come up on any device.
        let result =
            Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module);
        if let Err(error) = result {
            panic!("{}", error.emit_to_string_with_path(shader.source, shader.label));
        }
    }
}

#[test]
fn every_shader_file_is_listed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wgsl"))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort_unstable();
    let mut labels: Vec<_> = shaders::ALL.iter().map(|shader| shader.label).collect();
    labels.sort_unstable();
    assert_eq!(files, labels);
}

#[test]
fn canvas_uniforms_match_the_shader() {
    let (span, members) = layout(&parsed(&shaders::CANVAS), "CanvasUniforms");
    assert_eq!(span, size_of::<CanvasUniforms>());
    macro_rules! offsets {
        ($($field:ident),*) => {
            vec![$((stringify!($field).to_owned(), offset_of!(CanvasUniforms, $field))),*]
        };
    }
    let expected = offsets!(
        picture_min_in_screen,
        picture_size_in_screen,
        screen_size,
        checker_cell_in_screen,
        fade,
        checker_even,
        checker_odd
    );
    assert_eq!(members, expected);
}

#[test]
fn edge_uniforms_match_the_shader() {
    let (span, members) = layout(&parsed(&shaders::EDGES), "EdgeUniforms");
    assert_eq!(span, size_of::<EdgeUniforms>());
    let expected = [
        ("size", offset_of!(EdgeUniforms, size)),
        ("low", offset_of!(EdgeUniforms, low)),
        ("high", offset_of!(EdgeUniforms, high)),
        ("blur_radius", offset_of!(EdgeUniforms, blur_radius)),
        ("blur_weights", offset_of!(EdgeUniforms, blur_weights)),
    ];
    assert_eq!(members, expected.map(|(name, offset)| (name.to_owned(), offset)));
}

#[test]
fn flatten_uniforms_match_the_shader() {
    let (span, members) = layout(&parsed(&shaders::LAYERS), "FlattenUniforms");
    assert_eq!(span, size_of::<FlattenUniforms>());
    let expected = [
        ("ink", offset_of!(FlattenUniforms, ink)),
        ("halo", offset_of!(FlattenUniforms, halo)),
        ("depth_lit", offset_of!(FlattenUniforms, depth_lit)),
        ("depth_shaded", offset_of!(FlattenUniforms, depth_shaded)),
        ("wash", offset_of!(FlattenUniforms, wash)),
        ("is_shown", offset_of!(FlattenUniforms, is_shown)),
        ("relief", offset_of!(FlattenUniforms, relief)),
        ("halo_corner", offset_of!(FlattenUniforms, halo_corner)),
        ("hatch_period", offset_of!(FlattenUniforms, hatch_period)),
        ("between_stripes", offset_of!(FlattenUniforms, between_stripes)),
    ];
    assert_eq!(members, expected.map(|(name, offset)| (name.to_owned(), offset)));
}

#[test]
fn sketch_uniforms_match_the_shader() {
    let (span, members) = layout(&parsed(&shaders::LAYERS), "SketchUniforms");
    assert_eq!(span, size_of::<SketchUniforms>());
    let expected = [
        ("canvas_min_in_screen", offset_of!(SketchUniforms, canvas_min_in_screen)),
        ("canvas_size_in_screen", offset_of!(SketchUniforms, canvas_size_in_screen)),
        ("screen_size", offset_of!(SketchUniforms, screen_size)),
        ("drawn_min_in_canvas", offset_of!(SketchUniforms, drawn_min_in_canvas)),
        ("drawn_max_in_canvas", offset_of!(SketchUniforms, drawn_max_in_canvas)),
        ("lens_centre_in_screen", offset_of!(SketchUniforms, lens_centre_in_screen)),
        ("lens_radius_in_screen", offset_of!(SketchUniforms, lens_radius_in_screen)),
        ("opacity", offset_of!(SketchUniforms, opacity)),
    ];
    assert_eq!(members, expected.map(|(name, offset)| (name.to_owned(), offset)));
}

#[test]
fn stroke_structs_match_the_shader() {
    let module = parsed(&shaders::STAMP);
    let (span, members) = layout(&module, "StrokeUniforms");
    assert_eq!(span, size_of::<StrokeUniforms>());
    let expected = [
        ("covered", offset_of!(StrokeUniforms, covered)),
        ("size_px", offset_of!(StrokeUniforms, size_px)),
        ("opacity", offset_of!(StrokeUniforms, opacity)),
        ("is_accumulating", offset_of!(StrokeUniforms, is_accumulating)),
    ];
    assert_eq!(members, expected.map(|(name, offset)| (name.to_owned(), offset)));
    // A vertex input is laid out by its attributes; only the order of its members is compared.
    let names = layout(&module, "Stamp").1.into_iter().map(|(name, _)| name);
    assert_eq!(names.collect::<Vec<_>>(), ["centre", "radius_px", "hardness", "alpha"]);
    assert_eq!(size_of::<StampInstance>(), 20);
}
