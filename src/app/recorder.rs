//! The thread that keeps the journal: what happens to the project is written in order, while the
//! window goes on. It also looks after unsaved work of earlier sessions.

use std::path::PathBuf;
use std::thread::{Builder, JoinHandle};
use std::time::SystemTime;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::apply::ProjectAnswer;
use super::files::{Answer, FileAnswer, failure};
use crate::project::journal::{Found, FoundContent, Journal, JournalError, SessionFacts, Sessions};
use crate::project::{Change, Project};
use crate::protocol::Failure;
use crate::state::project::{Offer, OfferContent};

/// Far more than happens while one change is written. When it is full, the window waits with what
/// is new and sends it as one change later.
const CAPACITY: usize = 256;
/// Changes that are kept for another try when the disk refuses them.
const MAX_REFUSED: usize = 512;

/// What is to be written or looked up.
#[derive(Debug)]
pub(super) enum Order {
    /// Another project is on the canvas. The session before it is closed; `replaces` names an
    /// earlier one whose work this is.
    Begin {
        project: Box<Project>,
        facts: SessionFacts,
        replaces: Option<String>,
    },
    Changes {
        changes: Vec<Change>,
        is_unsaved: bool,
    },
    Saved(SessionFacts),
    Find,
    Recover {
        id: String,
    },
    Delete {
        id: String,
    },
}

/// The application's end of the thread. Dropping it ends the session in order.
pub(super) struct Recorder {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Keeps journals in `folder`; `None` keeps none.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(super) fn spawn(folder: Option<PathBuf>, answer: Answer) -> std::io::Result<Self> {
        let Some(folder) = folder else { return Ok(Self { orders: None, thread: None }) };
        let (orders, inbox) = bounded(CAPACITY);
        let keeper = Keeper {
            sessions: Sessions::new(folder),
            journal: None,
            refused: Vec::new(),
            has_warned: false,
            answer,
        };
        let thread = Builder::new().name("journal".to_owned()).spawn(move || keeper.run(&inbox))?;
        Ok(Self { orders: Some(orders), thread: Some(thread) })
    }

    /// Never waits; gives the order back if the disk does not keep up.
    pub(super) fn send(&self, order: Order) -> Result<(), Box<Order>> {
        match self.orders.as_ref().map(|orders| orders.try_send(order)) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(TrySendError::Full(order) | TrySendError::Disconnected(order))) => {
                Err(Box::new(order))
            }
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// The thread's own.
struct Keeper {
    sessions: Sessions,
    journal: Option<Journal>,
    refused: Vec<Change>,
    has_warned: bool,
    answer: Answer,
}

impl Keeper {
    fn run(mut self, inbox: &Receiver<Order>) {
        for order in inbox {
            self.carry_out(order);
            // With nothing else to do, the disk may take its time.
            if inbox.is_empty() {
                self.settle();
            }
        }
        if let Some(journal) = self.journal.take() {
            journal.close();
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Begin { project, facts, replaces } => self.begin(&project, facts, replaces),
            Order::Changes { changes, is_unsaved } => self.append(changes, is_unsaved),
            Order::Saved(facts) => {
                let saved = self.journal.as_mut().map(|journal| journal.saved(facts));
                self.check(saved.unwrap_or(Ok(())));
            }
            Order::Find => self.find(),
            Order::Recover { id } => {
                let answer = match self.sessions.recover(&id) {
                    Ok(recovered) => {
                        ProjectAnswer::Recovered { id, recovered: Box::new(recovered) }
                    }
                    Err(error) => {
                        let failure = failure("The unsaved work was not opened", &error);
                        ProjectAnswer::NotRecovered { id, failure }
                    }
                };
                self.tell(answer);
            }
            Order::Delete { id } => {
                let answer = match self.sessions.delete(&id) {
                    Ok(()) | Err(JournalError::Gone { .. }) => ProjectAnswer::Deleted { id },
                    Err(error) => {
                        let failure = failure("The unsaved work could not be deleted", &error);
                        ProjectAnswer::NotRecovered { id, failure }
                    }
                };
                self.tell(answer);
            }
        }
    }

    fn begin(&mut self, project: &Project, facts: SessionFacts, replaces: Option<String>) {
        let before = self.journal.take();
        self.refused.clear();
        let begun = self.sessions.begin(project, facts);
        let leaves_work = before.as_ref().is_some_and(|before| before.facts().is_unsaved);
        if let Some(before) = before {
            before.close();
        }
        match begun {
            Ok(journal) => {
                self.journal = Some(journal);
                // Its work is whole in the new file.
                if let Some(id) = replaces
                    && let Err(error) = self.sessions.delete(&id)
                {
                    tracing::warn!("recovered work stays in the list: {error}");
                }
            }
            Err(error) => self.check(Err(error)),
        }
        if leaves_work {
            self.find();
        }
    }

    fn append(&mut self, changes: Vec<Change>, is_unsaved: bool) {
        let Some(journal) = &mut self.journal else { return };
        self.refused.extend(changes);
        let appended = journal.append(&self.refused, is_unsaved);
        match appended {
            Ok(()) => {
                self.refused.clear();
                self.has_warned = false;
            }
            Err(error) => {
                if self.refused.len() > MAX_REFUSED {
                    self.journal = None;
                }
                self.check(Err(error));
            }
        }
    }

    fn settle(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        let done = journal
            .sync()
            .and_then(|()| if journal.is_overgrown() { journal.compact() } else { Ok(()) });
        self.check(done);
    }

    fn find(&mut self) {
        match self.sessions.find() {
            Ok(found) => {
                self.tell(ProjectAnswer::Found(found.into_iter().map(offer).collect()));
            }
            Err(error) => self.check(Err(error)),
        }
    }

    /// Warns once, until it works again.
    fn check(&mut self, done: Result<(), JournalError>) {
        if let Err(error) = done
            && !std::mem::replace(&mut self.has_warned, true)
        {
            let Failure { headline, details } = failure("Work is not safe against a crash", &error);
            self.tell(ProjectAnswer::NotKept(Failure { headline, details }));
        }
    }

    fn tell(&self, answer: ProjectAnswer) {
        self.answer.send(FileAnswer::Project(answer));
    }
}

fn offer(found: Found) -> Offer {
    let Found { id, changed_at, content } = found;
    let age = SystemTime::now().duration_since(changed_at);
    let (name, content) = match content {
        FoundContent::Readable { facts, n_pictures, thumbnail } => {
            let n_strokes = facts.n_strokes;
            let thumbnail = std::sync::Arc::new(thumbnail);
            (facts.name, Some(OfferContent { n_strokes, n_pictures, thumbnail }))
        }
        FoundContent::Damaged => (String::new(), None),
    };
    let age_secs = age.map_or(0, |age| age.as_secs());
    Offer { id, name, age_secs, content, is_busy: false }
}
