//! Short messages over the canvas. Errors stay until dismissed; the rest fades.

use std::path::PathBuf;

use crate::protocol::{EntryId, Failure};

/// Seconds that a piece of news stays.
const NEWS_SECS: f64 = 6.0;
/// Seconds to change one's mind.
const UNDO_SECS: f64 = 10.0;
/// Older ones make room.
const MAX_NOTICES: usize = 4;

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub id: u64,
    pub kind: NoticeKind,
    /// One sentence without a full stop.
    pub headline: String,
    /// For those who ask; may have several lines.
    pub details: Option<String>,
    pub action: Option<NoticeAction>,
    /// Window time at which it goes; `None` stays until dismissed.
    pub expires_at: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    Info,
    Done,
    Warning,
    Error,
}

/// What a notice offers to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoticeAction {
    /// Takes back a ban.
    Unban(EntryId),
    /// Takes the other tone of an imported drawing for its ink; see `state::import`.
    TurnOver(u64),
    /// Shows a file in the system's file manager.
    ShowInFolder(PathBuf),
    /// Brings a picture back from the trash; see `state::gallery`.
    Restore(u64),
    /// Brings back what was in a place of *Inspired by*; see `state::add_inspiration`.
    RestoreInspiration(u64),
    /// Brings back what was taken out of a memory; see `state::memories`.
    PutBack(u64),
    /// Shows the list of unsaved work.
    ShowUnsaved,
}

/// The messages on show, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    shown: Vec<Notice>,
    last_id: u64,
}

impl Notices {
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Notice> {
        self.shown.iter()
    }

    pub fn get(&self, id: u64) -> Option<&Notice> {
        self.shown.iter().find(|notice| notice.id == id)
    }

    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// News without consequence: fades.
    pub fn info(&mut self, now: f64, headline: impl Into<String>) {
        self.push(NoticeKind::Info, headline.into(), None, None, Some(now + NEWS_SECS));
    }

    /// Something the user asked for is done: fades.
    pub fn done(&mut self, now: f64, headline: impl Into<String>, details: Option<String>) {
        self.push(NoticeKind::Done, headline.into(), details, None, Some(now + NEWS_SECS));
    }

    /// What was done is read; something else needs the room now.
    pub fn dismiss_done(&mut self) {
        self.shown.retain(|notice| notice.kind != NoticeKind::Done);
    }

    /// News with more to read for those who ask: fades.
    pub fn told(&mut self, now: f64, headline: impl Into<String>, details: Option<String>) {
        self.push(NoticeKind::Info, headline.into(), details, None, Some(now + UNDO_SECS));
    }

    /// A file was written, which can be shown: fades.
    pub fn saved(&mut self, now: f64, headline: impl Into<String>, path: PathBuf) {
        let details = Some(path.display().to_string());
        let action = Some(NoticeAction::ShowInFolder(path));
        self.push(NoticeKind::Done, headline.into(), details, action, Some(now + UNDO_SECS));
    }

    /// Something can be taken back for a while.
    pub fn undoable(&mut self, now: f64, headline: impl Into<String>, action: NoticeAction) {
        self.push(NoticeKind::Info, headline.into(), None, Some(action), Some(now + UNDO_SECS));
    }

    /// Something works less well than asked for: stays.
    pub fn warning(&mut self, headline: impl Into<String>, details: Option<String>) {
        self.push(NoticeKind::Warning, headline.into(), details, None, None);
    }

    /// Something did not work: stays.
    pub fn error(&mut self, failure: &Failure) {
        let details = (!failure.details.is_empty()).then(|| failure.details.clone());
        self.push(NoticeKind::Error, failure.headline.clone(), details, None, None);
    }

    /// Drops every offer to do this.
    pub fn dismiss_action(&mut self, action: &NoticeAction) {
        self.shown.retain(|notice| notice.action.as_ref() != Some(action));
    }

    pub fn dismiss(&mut self, id: u64) {
        self.shown.retain(|notice| notice.id != id);
    }

    /// Drops what is past its time.
    pub fn expire(&mut self, now: f64) {
        self.shown.retain(|notice| notice.expires_at.is_none_or(|at| now < at));
    }

    /// Gives every fading notice at least `secs` more, because somebody is reading.
    pub fn hold(&mut self, now: f64, secs: f64) {
        for at in self.shown.iter_mut().filter_map(|notice| notice.expires_at.as_mut()) {
            *at = at.max(now + secs);
        }
    }

    /// When the next notice goes.
    pub fn next_expiry(&self) -> Option<f64> {
        self.shown.iter().filter_map(|notice| notice.expires_at).reduce(f64::min)
    }

    fn push(
        &mut self,
        kind: NoticeKind,
        headline: String,
        details: Option<String>,
        action: Option<NoticeAction>,
        expires_at: Option<f64>,
    ) {
        // The same message twice is one message that stays longer.
        self.shown.retain(|notice| (notice.kind, &notice.headline) != (kind, &headline));
        if self.shown.len() >= MAX_NOTICES {
            let fading = self.shown.iter().position(|notice| notice.expires_at.is_some());
            self.shown.remove(fading.unwrap_or(0));
        }
        self.last_id += 1;
        let id = self.last_id;
        self.shown.push(Notice { id, kind, headline, details, action, expires_at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(headline: &str) -> Failure {
        Failure { headline: headline.to_owned(), details: "because".to_owned() }
    }

    #[test]
    fn news_fades_and_errors_stay() {
        let mut notices = Notices::default();
        notices.info(0.0, "news");
        notices.error(&failure("broken"));
        notices.expire(NEWS_SECS + 0.1);
        let left: Vec<_> = notices.iter().map(|notice| notice.headline.as_str()).collect();
        assert_eq!(left, ["broken"]);
        assert_eq!(notices.next_expiry(), None);
    }

    #[test]
    fn a_repeated_message_is_shown_once_and_errors_outlive_news() {
        let mut notices = Notices::default();
        notices.error(&failure("first"));
        for n in 0..MAX_NOTICES {
            notices.info(0.0, format!("news {n}"));
            notices.info(0.0, format!("news {n}"));
        }
        assert_eq!(notices.iter().count(), MAX_NOTICES);
        assert!(notices.iter().any(|notice| notice.headline == "first"));
    }
}
