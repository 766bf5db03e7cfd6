//! The journal: cut off at any byte, killed at any moment, two at once. The program that is killed
//! is this one, started a second time ([`draws_until_it_is_killed`]).

#[path = "common/projects.rs"]
mod projects;

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use projects::Chance;
use proptest::prelude::*;
use underpaint::document::{Budget, Document, Editor};
use underpaint::project::journal::{
    Found, FoundContent, Journal, JournalError, SessionFacts, Sessions,
};
use underpaint::project::{self, Change, Project};

/// The variable that tells the second process where to draw.
const DESK: &str = "UNDERPAINT_TEST_DESK";
/// Times that it is killed.
const N_KILLS: u64 = 40;

fn sessions(desk: &Path) -> Sessions {
    Sessions::new(desk.join("sessions"))
}

fn file_of(journal: &Journal) -> PathBuf {
    journal.folder().join("0001.journal")
}

fn id_of(journal: &Journal) -> String {
    journal.folder().file_name().expect("it works here").to_str().expect("it works here").to_owned()
}

/// A session that is over, of the given journal file.
fn dead_session(desk: &Path, id: &str, file: &[u8]) -> Sessions {
    let folder = desk.join("sessions").join(id);
    fs::create_dir_all(&folder).expect("it works here");
    fs::write(folder.join("0001.journal"), file).expect("it works here");
    sessions(desk)
}

fn unsaved() -> SessionFacts {
    SessionFacts { is_unsaved: true, ..SessionFacts::default() }
}

/// One thing that a user does.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Stroke(u64),
    Undo,
    Redo,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        3 => any::<u64>().prop_map(Deed::Stroke),
        2 => Just(Deed::Undo),
        1 => Just(Deed::Redo),
    ];
    prop::collection::vec(deed, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_journal_cut_at_any_byte_gives_the_state_after_its_last_whole_record(
        deeds in deeds(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 8),
    ) {
        let desk = tempfile::tempdir().unwrap();
        let mut editor = Editor::new(Document::new(256).unwrap(), Budget::default());
        let mut project = Project::new(editor.settled().clone());
        let mut journal = sessions(desk.path()).begin(&project, unsaved()).unwrap();
        let mut states = vec![(journal.n_bytes() as usize, editor.settled().clone())];
        for deed in deeds {
            match deed {
                Deed::Stroke(seed) => {
                    editor.apply(&projects::stroke(&mut Chance::new(seed))).unwrap();
                }
                Deed::Undo => { editor.undo(); }
                Deed::Redo => { editor.redo(); }
            }
            let newer = Project { sketch: editor.settled().clone(), ..project.clone() };
            journal.append(&project.changes_to(&newer), true).unwrap();
            project = newer;
            states.push((journal.n_bytes() as usize, project.sketch.clone()));
        }
        let file = fs::read(file_of(&journal)).unwrap();
        prop_assert_eq!(file.len() as u64, journal.n_bytes());
        // Just before, at and after the end of each record, and anywhere.
        let ends = states.iter().flat_map(|(end, _)| [end - 1, *end, end + 1]);
        let anywhere = cuts.iter().map(|cut| cut.index(file.len() + 1));
        for cut in ends.chain(anywhere).filter(|cut| *cut <= file.len()) {
            let sessions = dead_session(desk.path(), "1-1-1", &file[..cut]);
            let last = states.iter().rfind(|(end, _)| *end <= cut);
            match (sessions.recover("1-1-1"), last) {
                (Ok(recovered), Some((_, sketch))) => {
                    prop_assert_eq!(&recovered.opened.project.sketch, sketch);
                    prop_assert!(recovered.opened.remarks.is_empty());
                }
                (Err(JournalError::Damaged { .. }), None) => {}
                (found, _) => prop_assert!(false, "cut at {}: {:?}", cut, found.is_ok()),
            }
        }
    }
}

#[test]
fn flipped_bytes_never_give_anything_but_an_earlier_state() {
    let desk = tempfile::tempdir().unwrap();
    let mut work = Work::new();
    let mut journal = sessions(desk.path()).begin(&work.project, unsaved()).unwrap();
    let mut states = vec![work.project.clone()];
    for _ in 0..12 {
        for change in work.step() {
            journal.append(std::slice::from_ref(&change), true).unwrap();
            let mut next = states.last().unwrap().clone();
            next.apply(change);
            states.push(next);
        }
    }
    let file = fs::read(file_of(&journal)).unwrap();
    let mut chance = Chance::new(5);
    let mut n_recovered = 0;
    for _ in 0..200 {
        let mut flipped = file.clone();
        for _ in 0..=chance.below(3) {
            let at = chance.below(flipped.len());
            flipped[at] ^= 1 << chance.below(8);
        }
        let sessions = dead_session(desk.path(), "1-1-1", &flipped);
        match sessions.recover("1-1-1") {
            Ok(recovered) => {
                n_recovered += 1;
                assert!(states.contains(&recovered.opened.project));
            }
            Err(error) => assert!(matches!(error, JournalError::Damaged { .. }), "{error}"),
        }
        let kept = fs::read(desk.path().join("sessions/1-1-1/0001.journal")).unwrap();
        assert!(kept == flipped, "reading changes nothing");
    }
    assert!(n_recovered > 100, "only {n_recovered}");
}

/// Work that is the same in every process: strokes, steps back, pictures, stars.
struct Work {
    chance: Chance,
    project: Project,
    sketches: Vec<Document>,
}

impl Work {
    fn new() -> Self {
        let project = Project::new(Document::new(256).expect("it works here"));
        let sketches = vec![project.sketch.clone()];
        Self { chance: Chance::new(11), project, sketches }
    }

    /// The next thing that is done.
    fn step(&mut self) -> Vec<Change> {
        let before = self.project.clone();
        let project = &mut self.project;
        match self.chance.below(9) {
            0 if self.sketches.len() > 1 => {
                self.sketches.pop();
                project.sketch = self.sketches.last().expect("it works here").clone();
            }
            1 | 2 => {
                let id = project.nodes.last().map_or(1, |node| node.id + 1);
                let sketch = project.sketch.clone();
                let mut node = projects::node(&mut self.chance, id, project.current, sketch);
                node.picture = Some(projects::picture(&mut self.chance, 48));
                project.nodes.push(Arc::new(node));
                project.current = Some(id);
            }
            3 if project.nodes.len() > 2 => {
                let mut starred = (*project.nodes[1]).clone();
                starred.about["is_starred"] = true.into();
                project.nodes[1] = Arc::new(starred);
            }
            4 if project.nodes.len() > 5 => {
                let gone = project.nodes.remove(0).id;
                for node in &mut project.nodes {
                    if node.parent == Some(gone) {
                        Arc::make_mut(node).parent = None;
                    }
                }
            }
            5 => project.recipe = format!("prompt {}", self.chance.below(1000)).into(),
            6 if project.source.is_some() => project.source = None,
            6 => project.source = Some(projects::source(&mut self.chance)),
            _ => {
                project.sketch.apply(&projects::stroke(&mut self.chance)).expect("it works here");
                self.sketches.push(project.sketch.clone());
            }
        }
        before.changes_to(&self.project)
    }
}

/// Draws, makes pictures and saves until it is killed. Tells on standard output what is done.
#[test]
#[ignore = "the second process of the test below, which starts it"]
fn draws_until_it_is_killed() {
    let Ok(desk) = env::var(DESK) else { return };
    let desk = PathBuf::from(desk);
    let mut out = std::io::stderr();
    let mut tell = |what: String| writeln!(out, "{what}").expect("the test listens");
    let mut work = Work::new();
    let facts = SessionFacts { name: "cat".to_owned(), ..unsaved() };
    let mut journal = sessions(&desk).begin(&work.project, facts).unwrap();
    tell("step 0".to_owned());
    for n_steps in 1_u64.. {
        let changes = work.step();
        journal.append(&changes, true).unwrap();
        tell(format!("step {n_steps}"));
        if n_steps % 7 == 0 {
            journal.compact().unwrap();
        }
        if n_steps % 5 == 0 {
            project::save(&desk.join("cat.underpaint"), &work.project).unwrap();
            tell(format!("saved {n_steps}"));
        }
    }
}

#[test]
fn a_killed_process_loses_at_most_what_it_had_not_finished() {
    let mut chance = Chance::new(99);
    // What the other process does, step by step.
    let mut work = Work::new();
    let mut steps = vec![(work.project.clone(), Vec::new())];
    for round in 0..N_KILLS {
        let desk = tempfile::tempdir().unwrap();
        let n_lines = 1 + chance.below(90);
        let told =
            kill_after(desk.path(), n_lines, Duration::from_micros(chance.below(3000) as u64));
        let last = |word: &str| {
            let numbers = told.iter().filter_map(|line| line.strip_prefix(word));
            numbers.filter_map(|number| number.trim().parse::<usize>().ok()).max()
        };
        let n_steps = last("step ").expect("it began");
        while steps.len() < n_steps + 3 {
            let changes = work.step();
            steps.push((work.project.clone(), changes));
        }
        check_recovered(&sessions(desk.path()), &steps, n_steps, round);
        check_saved(&desk.path().join("cat.underpaint"), &steps, last("saved "));
        let is_empty = |path: &PathBuf| path.is_file() && fs::metadata(path).unwrap().len() == 0;
        let kept = walk(desk.path()).into_iter().filter(|path| !path.ends_with("lock"));
        // Temporary files may be there, and under no other name is anything unfinished.
        let named = kept.filter(|path| path.extension().is_none_or(|ending| ending != "tmp"));
        assert_eq!(named.filter(is_empty).count(), 0, "no file is empty");
    }
}

/// What the other process told before it was killed.
fn kill_after(desk: &Path, n_lines: usize, pause: Duration) -> Vec<String> {
    let mut child = Command::new(env::current_exe().expect("it works here"))
        .args(["--exact", "draws_until_it_is_killed", "--ignored", "--nocapture"])
        .env(DESK, desk)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("it works here")).lines();
    let mut told: Vec<_> = lines.by_ref().take(n_lines).map(|line| line.expect("text")).collect();
    // Not a wait for something: the moment of the kill is what is random.
    let until = Instant::now() + pause;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    told.extend(lines.map_while(Result::ok));
    assert!(!told.iter().any(|line| line.contains("panicked")), "{told:?}");
    told
}

fn check_recovered(
    sessions: &Sessions,
    steps: &[(Project, Vec<Change>)],
    n_steps: usize,
    round: u64,
) {
    let [found]: [Found; 1] =
        sessions.find().expect("it works here").try_into().expect("one session");
    let recovered = sessions.recover(&found.id).expect("it works here");
    assert!(recovered.opened.remarks.is_empty(), "{:?}", recovered.opened.remarks);
    assert_eq!(recovered.facts.name, "cat");
    // All that was told is there; of the step after that, as much as had been written.
    let (mut state, _) = steps[n_steps].clone();
    let mut possible = vec![state.clone()];
    for (_, changes) in &steps[n_steps + 1..n_steps + 3] {
        for change in changes {
            state.apply(change.clone());
            possible.push(state.clone());
        }
    }
    let is_possible = possible.contains(&recovered.opened.project);
    assert!(is_possible, "round {round}: not the state after step {n_steps}");
}

fn check_saved(path: &Path, steps: &[(Project, Vec<Change>)], last_told: Option<usize>) {
    let version = |path: &Path| {
        let opened = project::open(path).expect("it can be read");
        assert_eq!(opened.remarks, [] as [String; 0]);
        let is_it = |n: &usize| steps[*n].0 == opened.project;
        (0..steps.len()).filter(|n| n % 5 == 0).rfind(is_it).expect("one that was saved")
    };
    let Some(last_told) = last_told else { return };
    let saved = version(path);
    assert!(saved == last_told || saved == last_told + 5, "{saved}, told {last_told}");
    if saved > 5 {
        // Between keeping the old version and putting the new one in place, both are the same.
        let previous = version(&project::previous_of(path));
        assert!(previous == saved - 5 || previous == saved, "{previous} before {saved}");
    }
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .expect("it works here")
        .map(|entry| entry.expect("it works here").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn a_journal_that_is_written_anew_holds_the_same_in_less() {
    let desk = tempfile::tempdir().unwrap();
    let sessions = sessions(desk.path());
    let mut work = Work::new();
    let mut journal = sessions.begin(&work.project, unsaved()).unwrap();
    for round in 1..=3 {
        for _ in 0..40 {
            let changes = work.step();
            journal.append(&changes, true).unwrap();
        }
        let before = journal.n_bytes();
        journal.compact().unwrap();
        assert!(journal.n_bytes() < before);
        assert_eq!(fs::read_dir(journal.folder()).unwrap().count(), 2, "round {round}");
    }
    let changes = work.step();
    journal.append(&changes, true).unwrap();
    let (id, n_strokes) = (id_of(&journal), journal.facts().n_strokes);
    drop(journal);
    let recovered = sessions.recover(&id).unwrap();
    assert!(recovered.opened.project == work.project);
    assert!(recovered.opened.remarks.is_empty());
    assert_eq!(recovered.facts.n_strokes, n_strokes);
}

#[test]
fn of_two_files_the_newer_counts_if_it_is_whole() {
    let desk = tempfile::tempdir().unwrap();
    let mut work = Work::new();
    let mut journal = sessions(desk.path()).begin(&work.project, unsaved()).unwrap();
    let changes = work.step();
    journal.append(&changes, true).unwrap();
    let old = fs::read(file_of(&journal)).unwrap();
    journal.compact().unwrap();
    let new = fs::read(journal.folder().join("0002.journal")).unwrap();
    for whole in [true, false] {
        let sessions = dead_session(desk.path(), "1-1-1", &old);
        let length = if whole { new.len() } else { new.len() / 2 };
        fs::write(desk.path().join("sessions/1-1-1/0002.journal"), &new[..length]).unwrap();
        assert!(sessions.recover("1-1-1").unwrap().opened.project == work.project);
    }
}

#[test]
fn living_sessions_are_not_offered_and_clean_ones_leave_nothing() {
    let desk = tempfile::tempdir().unwrap();
    let sessions = sessions(desk.path());
    assert_eq!(sessions.find().unwrap(), []);
    let project = projects::with_nodes(2);
    let facts = SessionFacts { name: "cat".to_owned(), n_strokes: 3, ..unsaved() };
    let living = sessions.begin(&project, facts.clone()).unwrap();
    let dying = sessions.begin(&project, facts.clone()).unwrap();
    let id = id_of(&dying);
    assert_eq!(sessions.find().unwrap(), []);
    assert!(matches!(sessions.recover(&id_of(&living)), Err(JournalError::InUse { .. })));
    assert!(matches!(sessions.delete(&id_of(&living)), Err(JournalError::InUse { .. })));
    drop(dying);
    let found = sessions.find().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, id);
    let FoundContent::Readable { facts: found, n_pictures, thumbnail } = &found[0].content else {
        panic!("it can be read");
    };
    assert_eq!((found, *n_pictures), (&facts, 2));
    assert_eq!(*thumbnail, project::thumbnail(&project));
    assert!(sessions.recover(&id).unwrap().opened.project == project);
    sessions.delete(&id).unwrap();
    assert!(matches!(sessions.recover(&id), Err(JournalError::Gone { .. })));
    assert!(matches!(sessions.recover(".."), Err(JournalError::Gone { .. })));

    // Saved and closed: nothing to offer, nothing left. Saved and killed: the same.
    let mut living = living;
    living.saved(SessionFacts { is_unsaved: false, ..facts.clone() }).unwrap();
    living.close();
    let mut killed = sessions.begin(&project, facts.clone()).unwrap();
    killed.saved(SessionFacts { is_unsaved: false, ..facts }).unwrap();
    drop(killed);
    assert_eq!(sessions.find().unwrap(), []);
    assert_eq!(fs::read_dir(desk.path().join("sessions")).unwrap().count(), 1, "but the lock");
    // Closed with something unsaved: it is offered, as after a crash.
    sessions.begin(&project, unsaved()).unwrap().close();
    assert_eq!(sessions.find().unwrap().len(), 1);
}

#[test]
fn the_oldest_make_room_and_damaged_ones_are_kept() {
    let desk = tempfile::tempdir().unwrap();
    let project = Project::new(Document::new(64).unwrap());
    let journal = sessions(desk.path()).begin(&project, unsaved()).unwrap();
    let file = fs::read(file_of(&journal)).unwrap();
    drop(journal);
    for idx in 0..30 {
        dead_session(desk.path(), &format!("{idx}-1-1"), &file);
        let path = desk.path().join(format!("sessions/{idx}-1-1/0001.journal"));
        let long_ago = UNIX_EPOCH + Duration::from_secs(idx);
        fs::File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
    }
    let sessions = dead_session(desk.path(), "99-1-1", b"not a journal");
    let found = sessions.find().unwrap();
    assert_eq!(found.len(), 20);
    assert!(found.iter().all(|found| found.id != "10-1-1"));
    let damaged = found.iter().find(|found| found.content == FoundContent::Damaged).unwrap();
    let error = sessions.recover(&damaged.id).unwrap_err().to_string();
    assert!(error.contains("the file is kept"), "{error}");
    assert!(desk.path().join("sessions/99-1-1/0001.journal").exists());
}

#[test]
fn a_folder_that_cannot_be_used_is_told() {
    let desk = tempfile::tempdir().unwrap();
    let file = desk.path().join("a file");
    fs::write(&file, "in the way").unwrap();
    let project = Project::new(Document::new(64).unwrap());
    let error = Sessions::new(file.join("sessions")).begin(&project, unsaved()).unwrap_err();
    assert!(error.to_string().contains("save the project often"), "{error}");
}

/// `cargo test --release --test journal figures -- --ignored --nocapture`
#[test]
#[ignore = "measures; run it by hand"]
fn figures() {
    let desk = tempfile::tempdir().unwrap();
    let project = projects::with_nodes(100);
    let path = desk.path().join("cat.underpaint");
    let timed = |what: &str, work: &mut dyn FnMut()| {
        let started_at = Instant::now();
        work();
        eprintln!("{what}: {:.2?}", started_at.elapsed());
    };
    timed("save 100 pictures", &mut || project::save(&path, &project).unwrap());
    eprintln!("{} bytes", fs::metadata(&path).unwrap().len());
    timed("open 100 pictures", &mut || drop(project::open(&path).unwrap()));
    let sessions = sessions(desk.path());
    let mut journal = None;
    timed("begin a journal", &mut || {
        journal = Some(sessions.begin(&project, unsaved()).unwrap());
    });
    let mut journal = journal.unwrap();
    eprintln!("{} bytes", journal.n_bytes());
    let (mut chance, mut project, begun) = (Chance::new(1), project, journal.n_bytes());
    let mut times = Vec::new();
    for _ in 0..200 {
        let mut newer = project.clone();
        newer.sketch.apply(&projects::stroke(&mut chance)).unwrap();
        let started_at = Instant::now();
        let changes = project.changes_to(&newer);
        let compared = started_at.elapsed();
        let started_at = Instant::now();
        journal.append(&changes, true).unwrap();
        times.push((started_at.elapsed(), compared));
        project = newer;
    }
    times.sort();
    eprintln!("append a stroke: p50 {:.2?}, p95 {:.2?}", times[100].0, times[190].0);
    eprintln!("find the change: p50 {:.2?}", times[100].1);
    eprintln!("{} bytes a stroke", (journal.n_bytes() - begun) / 200);
    timed("sync", &mut || journal.sync().unwrap());
    timed("write anew", &mut || journal.compact().unwrap());
    let id = id_of(&journal);
    drop(journal);
    timed("find", &mut || drop(sessions.find().unwrap()));
    timed("recover", &mut || drop(sessions.recover(&id).unwrap()));
}
