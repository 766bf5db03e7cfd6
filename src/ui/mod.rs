//! Panels and widgets.

pub mod canvas_view;
