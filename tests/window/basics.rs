//! The whole window on a fake model: driven by keys and clicks, found by accessible names.

use std::path::PathBuf;

use crate::common::fake_model::{FakeModel, Fault, Point, colour_of, middle};
use egui::accesskit::{Role, Toggled};
use egui::{Event, Key, Modifiers, OutputCommand};
use egui_kittest::Node;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use underpaint::app::AppOptions;
use underpaint::protocol::{EntryId, Inspiration};
use underpaint::state::{Recipe, ThemeChoice};
use underpaint::ui::{Action, UiCommand};

use crate::help::*;

/// What a new user sees being drawn.
fn sample_prompt() -> String {
    Recipe::default().prompt
}

fn window(model: FakeModel) -> Window {
    window_with(model, AppOptions::default())
}

/// Draws only when asked: what live mode does has tests of its own.
fn window_with(model: FakeModel, options: AppOptions) -> Window {
    // High enough for the whole side panel: what is scrolled away cannot be clicked.
    opened(model, [1280.0, 1400.0], Live::Off, options)
}

/// A window that has drawn its first picture.
fn drawn(model: FakeModel) -> Window {
    let mut window = window(model);
    wait_until_finished(&mut window);
    window
}

fn prompt(window: &Window) -> Node<'_> {
    window.get_by_role_and_label(Role::MultilineTextInput, "Prompt")
}

fn write_prompt(window: &mut Window, text: &str) {
    prompt(window).focus();
    window.step();
    press(window, Modifiers::COMMAND, Key::A);
    prompt(window).type_text(text);
    window.step();
}

fn canvas_label(window: &Window) -> String {
    let canvas = window.get_by_role(Role::Image);
    canvas.accesskit_node().label().expect("the canvas is described")
}

#[test]
fn the_first_launch_draws_the_sample_prompt() {
    let window = drawn(FakeModel::new());
    assert_eq!(request(&window).prompt, sample_prompt());
    window.get_by_label("Ready");
    window.get_by_label("Generate");
    window.get_by_label_contains("ms per picture");
    window.get_by_label("CPU, 1 thread");
    window.get_by_label("Offline");
    assert_eq!(canvas_label(&window), format!("Picture of {}, scale 4 of 4", sample_prompt()));
}

#[test]
fn a_typed_prompt_is_drawn_scale_by_scale() {
    let mut window = drawn(FakeModel::new());
    write_prompt(&mut window, "green pear");
    assert_eq!(request(&window).prompt, sample_prompt(), "typing alone draws nothing");
    press(&mut window, Modifiers::COMMAND, Key::Enter);
    wait_until_finished(&mut window);

    let request = request(&window);
    assert_eq!(request.prompt, "green pear");
    let job = state(&window).job.as_ref().expect("a job");
    for scale_idx in 0..4 {
        let still = job.still(scale_idx).expect("every scale has a still");
        let colour = colour_of("green pear", request.seeds[0], scale_idx);
        assert_eq!(middle(&still.image), colour);
        let name = format!("Scale {} of 4", scale_idx + 1);
        let cell = window.get_by_label(&name);
        assert!(!cell.accesskit_node().is_disabled());
        let is_shown = cell.accesskit_node().toggled() == Some(Toggled::True);
        assert_eq!(is_shown, scale_idx == 3);
    }
    assert_eq!(state(&window).settings.history, ["green pear"]);
}

#[test]
fn progress_is_told_and_stopping_keeps_what_is_there() {
    let (model, mut gate) = FakeModel::new().gated(|point| matches!(point, Point::Step(_)));
    let mut window = window(model);
    for _ in 0..2 {
        wait_for_label(&mut window, "Drawing scale");
        drop(gate.wait());
    }
    let held = gate.wait();
    assert_eq!(held.point, Point::Step(2));
    wait_for_label(&mut window, "Drawing scale 3 of 4");
    window.get_by_label("Stop");
    assert!(window.query_by_label("Generate").is_none(), "one button that changes");

    press(&mut window, Modifiers::NONE, Key::Escape);
    drop(held);
    gate.open();
    wait_for_label(&mut window, "Stopped at scale 2");
    window.get_by_label("Generate");
    assert_eq!(canvas_label(&window), format!("Picture of {}, scale 2 of 4", sample_prompt()));
    let third = window.get_by_label("Scale 3 of 4");
    assert!(third.accesskit_node().is_disabled(), "not drawn, so nothing to look at");
}

#[test]
fn stills_are_scrubbed_by_key_and_click() {
    let mut window = drawn(FakeModel::new());
    press(&mut window, Modifiers::NONE, Key::Comma);
    press(&mut window, Modifiers::NONE, Key::Comma);
    assert!(canvas_label(&window).ends_with("scale 2 of 4"));
    press(&mut window, Modifiers::NONE, Key::Period);
    assert!(canvas_label(&window).ends_with("scale 3 of 4"));
    click(&mut window, "Scale 1 of 4");
    assert!(canvas_label(&window).ends_with("scale 1 of 4"));
    press(&mut window, Modifiers::COMMAND, Key::Enter);
    wait_until_finished(&mut window);
    assert!(canvas_label(&window).ends_with("scale 4 of 4"), "a new picture is followed");
}

#[test]
fn letters_are_text_while_a_field_has_the_focus() {
    let mut window = drawn(FakeModel::new());
    let before = request(&window);
    write_prompt(&mut window, "bun");
    for (key, text) in [(Key::Comma, ","), (Key::N, "n"), (Key::Questionmark, "?")] {
        let modifiers = if text == "?" { Modifiers::SHIFT } else { Modifiers::NONE };
        press(&mut window, modifiers, key);
        window.event(Event::Text(text.to_owned()));
        window.step();
    }
    assert_eq!(state(&window).settings.recipe.prompt, "bun,n?");
    assert_eq!(request(&window), before, "no new picture");
    assert_eq!(state(&window).scrubbed_to, None);
    assert!(window.query_by_label("Close").is_none(), "no list of shortcuts");

    // Esc leaves the field; now N is a shortcut.
    press(&mut window, Modifiers::NONE, Key::Escape);
    press(&mut window, Modifiers::NONE, Key::N);
    wait_until_finished(&mut window);
    assert_eq!(request(&window).prompt, "bun,n?");
    assert_ne!(request(&window).seeds, before.seeds);
}

#[test]
fn what_is_typed_right_after_the_shortcut_reaches_the_prompt() {
    let mut window = drawn(FakeModel::new());
    // A fast typist, or a script, is ahead of the next frame.
    let key = |key, modifiers| Event::Key {
        key,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers,
    };
    window.input_mut().events.extend([
        key(Key::A, Modifiers::ALT),
        key(Key::A, Modifiers::COMMAND),
        Event::Text("pear".to_owned()),
    ]);
    window.step();
    assert_eq!(state(&window).settings.recipe.prompt, "pear");
}

#[test]
fn holding_a_key_down_does_not_draw_again_and_again() {
    let model = FakeModel::new();
    let calls = model.calls();
    let mut window = drawn(model);
    for repeat in [false, true, true, true] {
        window.event(Event::Key {
            key: Key::Enter,
            physical_key: None,
            pressed: true,
            repeat,
            modifiers: Modifiers::COMMAND,
        });
        window.step();
    }
    wait_until_finished(&mut window);
    assert_eq!(calls.count(|call| call.point == Point::Start), 2);
}

#[test]
fn a_banned_picture_gives_way_to_the_next_and_comes_back() {
    let mut window = drawn(FakeModel::new());
    let seed = request(&window).seeds[0];
    click(&mut window, "Ban “entry 1” in place 1");
    wait_until_finished(&mut window);
    assert_eq!(request(&window).memory.banned, [EntryId(1)]);
    assert_eq!(request(&window).seeds, [seed], "only the memory changes");
    window.get_by_label("Ban “entry 2” in place 1");
    window.get_by_label_contains("Banned “entry 1”");

    click(&mut window, "Banned pictures");
    window.get_by_label("Allow “entry 1” again");
    click(&mut window, "Undo");
    wait_until_finished(&mut window);
    assert!(request(&window).memory.banned.is_empty());
    window.get_by_label("Ban “entry 1” in place 1");
    assert!(window.query_by_label("Undo").is_none());
}

#[test]
fn a_kept_picture_stays_when_the_memory_is_off() {
    let mut window = drawn(FakeModel::new());
    click(&mut window, "Keep place 2");
    click(&mut window, "Picture memory");
    wait_until_finished(&mut window);
    let memory = request(&window).memory;
    assert!(!memory.retrieval);
    assert_eq!(memory.chosen, [(1, Inspiration::Entry(EntryId(2)))]);
    window.get_by_label("Choose a picture for place 1");
    click(&mut window, "Release place 2");
    wait_until_finished(&mut window);
    assert!(request(&window).memory.chosen.is_empty());
}

#[test]
fn a_dropped_picture_takes_a_place() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("my cat.png");
    image::RgbaImage::from_pixel(40, 20, image::Rgba([9, 9, 9, 255])).save(&path).expect("saved");
    let mut window = drawn(FakeModel::new());
    let second = window.get_by_label("Ban “entry 2” in place 2").rect();
    window.hover_at(second.center());
    window.step();
    drop_files(&mut window, &[&path]);
    wait_until(&mut window, "the panel", |window| state(window).adding.open.is_some());
    window.run_steps(2);
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait_for_label(&mut window, "Replace “my cat” in place 2");
    wait_until_finished(&mut window);
    let chosen = request(&window).memory.chosen;
    let [(1, Inspiration::Picture { name, pixels })] = &chosen[..] else { panic!("{chosen:?}") };
    assert_eq!(name, "my cat");
    assert_eq!(pixels.dimensions(), (16, 16), "as large as the model wants it");
}

#[test]
fn a_dropped_file_that_is_no_picture_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("notes.png");
    std::fs::write(&path, "not a picture").expect("written");
    let mut window = drawn(FakeModel::new());
    drop_files(&mut window, &[&path]);
    wait_for_label(&mut window, "The picture cannot be used");
    assert!(request(&window).memory.chosen.is_empty());
}

#[test]
fn an_error_shows_details_and_goes_when_dismissed() {
    let model = FakeModel::new().with_fault("bad", Point::Step(1), Fault::Error);
    let mut window = drawn(model);
    write_prompt(&mut window, "bad");
    press(&mut window, Modifiers::COMMAND, Key::Enter);
    wait_for_label(&mut window, "Failed");
    wait_for_label(&mut window, "the picture memory cannot be used");
    click(&mut window, "Details");
    window.get_by_label("Hide details");
    window.get_by_label("Copy details").click();
    window.step();
    let copied = |command: &OutputCommand| matches!(command, OutputCommand::CopyText(text) if text.contains("fake error"));
    wait_for_copy(&mut window, copied);
    // Errors wait for the user, however long that takes; that something was copied does not.
    wait_for_label(&mut window, "Copied");
    window.remove_cursor();
    window.run_steps(1000);
    assert!(window.query_by_label("Copied").is_none());
    click(&mut window, "Dismiss");
    assert!(window.query_by_label_contains("the picture memory").is_none());

    write_prompt(&mut window, "good");
    press(&mut window, Modifiers::COMMAND, Key::Enter);
    wait_until_finished(&mut window);
}

#[test]
fn without_a_model_the_window_stays_and_says_why() {
    let mut window = window(FakeModel::new().with_fault("", Point::Load, Fault::Error));
    wait_for_label(&mut window, "The model could not be loaded");
    let generate = window.get_by_label("Generate");
    assert!(generate.accesskit_node().is_disabled());
    press(&mut window, Modifiers::COMMAND, Key::Enter);
    assert!(state(&window).job.is_none());
}

#[test]
fn saving_writes_the_shown_picture_and_never_overwrites() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = AppOptions { save_dir: Some(folder.path().join("new")), ..Default::default() };
    let mut window = window_with(FakeModel::new(), options);
    wait_until_finished(&mut window);
    press(&mut window, Modifiers::NONE, Key::Comma);
    let seed = request(&window).seeds[0];
    for number in 1..=2 {
        let name = format!("{number:05}-{seed}.png");
        press(&mut window, Modifiers::COMMAND, Key::E);
        wait_for_label(&mut window, &format!("Saved {name}"));
        let saved = image::open(folder.path().join("new").join(name)).expect("a picture");
        assert_eq!(middle(&saved.to_rgba8()), colour_of(&sample_prompt(), seed, 2));
    }
}

#[test]
fn a_script_saves_to_the_path_it_names() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut window = drawn(FakeModel::new());
    let save = |window: &mut Window, path: PathBuf| {
        let ctx = window.ctx.clone();
        let frame = eframe::Frame::_new_kittest();
        window.state_mut().run(&ctx, &frame, UiCommand::SaveTo(path));
    };
    save(&mut window, folder.path().join("apple"));
    wait_for_label(&mut window, "Saved apple.png");
    assert!(image::open(folder.path().join("apple.png")).is_ok());
    save(&mut window, folder.path().join("missing/apple.png"));
    wait_for_label(&mut window, "Saving did not work");
}

#[test]
fn the_picture_is_copied_unless_text_is_being_edited() {
    let mut window = drawn(FakeModel::new());
    window.event(Event::Copy);
    window.step();
    wait_for_copy(&mut window, |command| matches!(command, OutputCommand::CopyImage(_)));
    prompt(&window).focus();
    window.step();
    window.event(Event::Copy);
    window.step();
    let commands = &window.output().platform_output.commands;
    assert!(!commands.iter().any(|command| matches!(command, OutputCommand::CopyImage(_))));
}

#[test]
fn settings_are_kept_and_damaged_ones_set_aside() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("settings.json");
    std::fs::write(&path, "{ this is not JSON").expect("written");
    let options = AppOptions { settings_path: Some(path.clone()), ..Default::default() };

    let mut window = window_with(FakeModel::new(), options.clone());
    wait_for_label(&mut window, "Your settings were damaged");
    assert!(folder.path().join("settings.json.corrupt").exists());
    click(&mut window, "Colours: as the system has them");
    write_prompt(&mut window, "blue boat");
    drop(window);

    let window = window_with(FakeModel::new(), options);
    let settings = &state(&window).settings;
    assert_eq!(settings.theme, ThemeChoice::Dark);
    assert_eq!(settings.recipe.prompt, "blue boat");
    assert!(state(&window).notices.is_empty());
}

#[test]
fn settings_are_written_while_the_window_is_open() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("settings.json");
    let options = AppOptions { settings_path: Some(path.clone()), ..Default::default() };
    let mut window = window_with(FakeModel::new(), options);
    write_prompt(&mut window, "kept");
    wait_until(&mut window, "written", |_| {
        std::fs::read_to_string(&path).is_ok_and(|text| text.contains("kept"))
    });
}

#[test]
fn the_theme_button_goes_round() {
    let mut window = drawn(FakeModel::new());
    click(&mut window, "Colours: as the system has them");
    assert!(window.ctx.global_style().visuals.dark_mode);
    click(&mut window, "Colours: dark");
    assert!(!window.ctx.global_style().visuals.dark_mode);
    click(&mut window, "Colours: light");
    window.get_by_label("Colours: as the system has them");
}

#[test]
fn the_list_of_shortcuts_names_every_action() {
    let mut window = drawn(FakeModel::new());
    press(&mut window, Modifiers::NONE, Key::F1);
    window.run_steps(20);
    for action in Action::ALL {
        window.get_by_label(action.text().explanation);
    }
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Close").is_none());
    press(&mut window, Modifiers::SHIFT, Key::Questionmark);
    window.get_by_label("Close");
}

#[test]
fn chips_history_and_seed_edit_the_recipe() {
    let mut window = drawn(FakeModel::new());
    write_prompt(&mut window, "a red apple, 3d style");
    click(&mut window, "flat style");
    assert_eq!(state(&window).settings.recipe.prompt, "a red apple, flat style");
    press(&mut window, Modifiers::COMMAND, Key::Enter);
    wait_until_finished(&mut window);
    write_prompt(&mut window, "draft");
    press(&mut window, Modifiers::ALT, Key::ArrowUp);
    assert_eq!(state(&window).settings.recipe.prompt, "a red apple, flat style");
    press(&mut window, Modifiers::ALT, Key::ArrowDown);
    assert_eq!(state(&window).settings.recipe.prompt, "draft");

    let seed = |window: &Window| state(window).settings.recipe.seed;
    window.get_by_role_and_label(Role::TextInput, "Seed").focus();
    window.step();
    press(&mut window, Modifiers::COMMAND, Key::A);
    window.get_by_role_and_label(Role::TextInput, "Seed").type_text("18446744073709551615");
    window.step();
    assert_eq!(seed(&window), u64::MAX);
    window.get_by_role_and_label(Role::TextInput, "Seed").type_text("x");
    window.step();
    assert_eq!(seed(&window), u64::MAX, "nonsense changes nothing");
    click(&mut window, "Keep this seed");
    press(&mut window, Modifiers::COMMAND, Key::Enter);
    wait_until_finished(&mut window);
    assert_eq!(request(&window).seeds, [u64::MAX]);
}

#[test]
fn the_keyboard_reaches_every_kind_of_control() {
    let mut window = drawn(FakeModel::new());
    let mut seen = Vec::new();
    for _ in 0..120 {
        press(&mut window, Modifiers::NONE, Key::Tab);
        let focused = window.root().children_recursive().find(Node::is_focused);
        seen.extend(focused.and_then(|node| node.accesskit_node().label()));
    }
    for label in [
        "Generate",
        "Prompt",
        "flat style",
        "Avoid",
        "Seed",
        "Another seed",
        "Keep this seed",
        "Guidance",
        "Advanced",
        "Picture memory",
        "Ban “entry 1” in place 1",
        "Keep place 1",
        "Replace “entry 1” in place 1",
        "Reference strength",
        "Save picture",
        "Export…",
        "Copy",
        "Keyboard shortcuts",
        "Scale 1 of 4",
        "Fit",
    ] {
        assert!(seen.iter().any(|name| name == label), "{label} not in {seen:?}");
    }
}

#[test]
fn an_idle_window_does_not_repaint() {
    let mut window = drawn(FakeModel::new());
    wait_until(&mut window, "thumbnails", |window| state(window).thumbnails.len() == 3);
    // The settings, in which live mode was switched off, rest before they are written.
    window.run_steps(90);
    // Settles within a few frames, and checks on the way that every control has a name.
    window.run();
    let delay = window.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay;
    assert!(delay.as_secs() >= 1, "repaints after {delay:?}");
}

#[test]
fn a_small_window_and_every_fold_open_keep_their_names_and_glyphs() {
    let mut window = drawn(FakeModel::new().with_scales(20));
    window.set_size([640.0, 480.0].into());
    for fold in ["Avoid", "Advanced"] {
        window.get_by_label(fold).click_accesskit();
        window.step();
    }
    window.run_ok();
    window.check_accessibility();
    window.get_by_role_and_label(Role::Slider, "Temperature");
    window.get_by_label("Scale 20 of 20");
}

/// Commands last for one frame, and come one frame after their cause.
fn wait_for_copy(window: &mut Window, is_it: impl Fn(&OutputCommand) -> bool) {
    wait_until(window, "copied", |window| {
        window.output().platform_output.commands.iter().any(&is_it)
    });
}
