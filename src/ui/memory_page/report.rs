//! The report of what was added: which files could not be, which were there already, and what
//! should be known of others.

use std::fmt::Write as _;
use std::path::Path;

use egui::{Align, Id, Label, Layout, Modal, RichText, ScrollArea, Ui, vec2};

use crate::protocol::AddReport;
use crate::ui::command::UiCommand;
use crate::ui::gallery::with_commas;
use crate::ui::memory_command::MemoryCommand;
use crate::ui::widgets::Button;
use crate::ui::{icons, theme};

const WIDTH: f32 = 560.0;
/// Of a file and what is told of it.
const ROW_HEIGHT: f32 = 38.0;

/// One line of the list; there may be tens of thousands.
enum Row<'a> {
    Title(String),
    File { path: &'a Path, text: String },
}

pub(super) fn report_ui(ui: &Ui, report: &AddReport, commands: &mut Vec<UiCommand>) {
    let palette = theme::palette(ui);
    let frame = egui::Frame::window(ui.style()).inner_margin(theme::SPACE_XL);
    let modal = Modal::new(Id::unique("memory report"));
    let modal = modal.backdrop_color(palette.backdrop).frame(frame);
    let response = modal.show(ui.ctx(), |ui| {
        let window = ui.ctx().content_rect();
        ui.set_width(WIDTH.min(window.width() - 96.0));
        ui.label(RichText::new(report.headline()).font(theme::title()));
        ui.add_space(theme::SPACE_S);
        let n_rows = n_rows(report);
        let max_height = (window.height() - 220.0).max(80.0);
        let height = (n_rows as f32 * (ROW_HEIGHT + 4.0)).min(max_height);
        ui.spacing_mut().item_spacing.y = 4.0;
        let list = ScrollArea::vertical().max_height(height).auto_shrink([false, true]);
        list.show_rows(ui, ROW_HEIGHT, n_rows, |ui, rows| {
            for row in rows.filter_map(|idx| row(report, idx)) {
                row_ui(ui, &row);
            }
        });
        ui.add_space(theme::SPACE_M);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let is_closed = Button::text("Close").primary().show(ui).clicked();
            let copy = Button::text("Copy the list").with_icon(icons::COPY);
            if copy.show(ui).clicked() {
                commands.push(UiCommand::CopyText(as_text(report)));
            }
            is_closed
        })
        .inner
    });
    if response.inner || response.should_close() {
        commands.push(MemoryCommand::ReadReport(None).into());
    }
}

fn row_ui(ui: &mut Ui, row: &Row<'_>) {
    let palette = theme::palette(ui);
    let size = vec2(ui.available_width(), ROW_HEIGHT);
    match row {
        Row::Title(title) => {
            ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Max), |ui| {
                ui.set_min_size(size);
                ui.label(RichText::new(title).font(theme::strong()).color(palette.text));
            });
        }
        Row::File { path, text } => {
            ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
                ui.set_min_size(size);
                ui.spacing_mut().item_spacing.y = 1.0;
                let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
                let name = RichText::new(name).color(palette.text);
                ui.add(Label::new(name).truncate()).on_hover_text(path.display().to_string());
                let text = RichText::new(text).font(theme::small()).color(palette.text_soft);
                ui.add(Label::new(text).truncate());
            });
        }
    }
}

/// What the list has, part by part: a title, and a number of files.
fn parts(report: &AddReport) -> [(&'static str, usize); 3] {
    [
        ("Could not be added", report.problems.len()),
        ("There already", report.duplicates.len()),
        ("Added, but", report.remarks.len()),
    ]
}

fn n_rows(report: &AddReport) -> usize {
    parts(report).iter().filter(|(_, n)| *n > 0).map(|(_, n)| n + 1).sum()
}

fn row(report: &AddReport, idx: usize) -> Option<Row<'_>> {
    let mut idx = idx;
    for (part, (title, n_files)) in parts(report).into_iter().enumerate() {
        match idx {
            _ if n_files == 0 => {}
            0 => return Some(Row::Title(format!("{title} ({})", with_commas(n_files)))),
            idx if idx <= n_files => return file(report, part, idx - 1),
            _ => idx -= n_files + 1,
        }
    }
    None
}

fn file(report: &AddReport, part: usize, place: usize) -> Option<Row<'_>> {
    if part == 1 {
        let duplicate = report.duplicates.get(place)?;
        let text = format!("Looks like “{}”", duplicate.of);
        return Some(Row::File { path: &duplicate.path, text });
    }
    let files = if part == 0 { &report.problems } else { &report.remarks };
    let told = files.get(place)?;
    Some(Row::File { path: &told.path, text: told.reason.clone() })
}

/// For the clipboard: a line per file.
fn as_text(report: &AddReport) -> String {
    let mut text = report.headline();
    text.push('\n');
    for problem in &report.problems {
        writeln!(text, "{}: {}", problem.path.display(), problem.reason).ok();
    }
    for duplicate in &report.duplicates {
        writeln!(text, "{}: looks like “{}”", duplicate.path.display(), duplicate.of).ok();
    }
    for remark in &report.remarks {
        writeln!(text, "{}: {}", remark.path.display(), remark.reason).ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{AddProblem, Duplicate, MemoryId};

    #[test]
    fn every_file_has_a_row_under_its_title() {
        let problem =
            |n: usize| AddProblem { path: format!("{n}.png").into(), reason: "empty".into() };
        let duplicate = |n: usize| Duplicate { path: format!("d{n}.png").into(), of: "cat".into() };
        let mut report = AddReport {
            memory: MemoryId(1),
            n_added: 3,
            n_renewed: 0,
            n_renamed: 0,
            n_gone: 0,
            remarks: Vec::new(),
            duplicates: (0..2).map(duplicate).collect(),
            problems: (0..3).map(problem).collect(),
            was_cancelled: false,
        };
        let told = |report: &AddReport| -> Vec<String> {
            let rows = (0..n_rows(report)).map(|idx| row(report, idx).expect("a row"));
            rows.map(|row| match row {
                Row::Title(title) => title,
                Row::File { path, text } => format!("{} {text}", path.display()),
            })
            .collect()
        };
        let expected = [
            "Could not be added (3)",
            "0.png empty",
            "1.png empty",
            "2.png empty",
            "There already (2)",
            "d0.png Looks like “cat”",
            "d1.png Looks like “cat”",
        ];
        assert_eq!(told(&report), expected);
        assert_eq!(as_text(&report).lines().count(), 6);
        report.problems.clear();
        assert_eq!(told(&report), &expected[4..]);
        assert_eq!(report.headline(), "Added 3 pictures · 2 there already");
    }
}
