//! Tests of the tree: what is kept, and where it is drawn.

use super::*;
use crate::document::Document;
use crate::state::Recipe;

const N_SCALES: usize = 4;

fn node(parent: Option<NodeId>, origin: Origin) -> NewNode {
    let picture = Arc::new(RgbaImage::from_pixel(256, 256, image::Rgba([9; 4])));
    NewNode {
        parent,
        about: About::now(origin, Recipe::default(), vec![7]),
        chosen: Vec::new(),
        ids: Arc::new(vec![vec![1]; N_SCALES]),
        n_scales: N_SCALES,
        sketch: Document::new(64).expect("a sane size"),
        anchor: None,
        lock: None,
        record: None,
        stills: vec![Some(Arc::clone(&picture)); N_SCALES],
        picture,
    }
}

/// A tree with these parents, by index of the node.
fn tree(parents: &[Option<usize>]) -> (Branches, Vec<NodeId>) {
    let mut branches = Branches::default();
    let mut ids: Vec<NodeId> = Vec::new();
    for parent in parents {
        let parent = parent.map(|idx| ids[idx]);
        ids.push(branches.add(node(parent, Origin::Generated)));
    }
    (branches, ids)
}

/// Each live picture follows the one before.
fn live_run(branches: &mut Branches, n_pictures: usize) {
    for _ in 0..n_pictures {
        let id = branches.add(node(branches.current, Origin::Live));
        branches.current = Some(id);
        branches.tidy(|_| false);
    }
}

fn lanes_of(branches: &Branches) -> Vec<usize> {
    lanes(branches).iter().map(|place| place.lane).collect()
}

#[test]
fn first_children_stay_in_line_and_siblings_step_aside() {
    let (branches, _) = tree(&[None, Some(0), Some(1), Some(0), Some(3), Some(1)]);
    assert_eq!(lanes_of(&branches), [0, 0, 0, 1, 1, 2]);
    let parents: Vec<_> = lanes(&branches).iter().map(|place| place.parent).collect();
    assert_eq!(parents[3], Some((0, 0)));
    assert_eq!(parents[5], Some((1, 0)));
}

#[test]
fn a_lane_is_used_again_where_it_is_free() {
    let (branches, _) = tree(&[None, Some(0), Some(0), None, Some(3), Some(3)]);
    assert_eq!(lanes_of(&branches), [0, 0, 1, 0, 0, 1]);
}

#[test]
fn no_line_runs_through_the_dot_of_another_picture() {
    // Every tree of six nodes.
    for code in 0..720_usize {
        let mut rest = code;
        let parents: Vec<_> = (0..6)
            .map(|row| {
                let choice = rest % (row + 1);
                rest /= row + 1;
                choice.checked_sub(1)
            })
            .collect();
        let (branches, _) = tree(&parents);
        let places = lanes(&branches);
        for (row, place) in places.iter().enumerate() {
            let Some((parent_row, parent_lane)) = place.parent else { continue };
            assert_eq!(places[parent_row].lane, parent_lane);
            let between = &places[parent_row + 1..row];
            assert!(between.iter().all(|other| other.lane != place.lane), "{parents:?}");
        }
    }
}

#[test]
fn long_live_runs_are_thinned_but_what_is_cherished_or_branched_from_stays() {
    let mut branches = Branches::default();
    live_run(&mut branches, 10);
    let [starred, saved, forked] = [2, 4, 6].map(NodeId);
    branches.set_starred(starred, true);
    branches.mark_saved(saved);
    branches.add(node(Some(forked), Origin::ReRolled));
    live_run(&mut branches, 60);
    let listed: Vec<_> = branches.listed().map(|node| node.id).collect();
    for id in [starred, saved, forked] {
        assert!(listed.contains(&id), "{id:?}");
    }
    assert!(listed.len() <= 45, "{}", listed.len());
    // The oldest of the run that is left hangs on to what is left of its ancestors.
    let newest = branches.current.expect("a picture");
    let mut ancestor = Some(newest);
    while let Some(id) = ancestor {
        assert!(listed.contains(&id));
        ancestor = branches.listed_parent(id);
    }
}

#[test]
fn the_tree_is_bounded_and_stars_stay() {
    let mut branches = Branches::default();
    let starred = branches.add(node(None, Origin::Generated));
    branches.set_starred(starred, true);
    for _ in 0..Branches::MAX_LISTED + 20 {
        let id = branches.add(node(None, Origin::Generated));
        branches.current = Some(id);
        branches.tidy(|_| false);
    }
    assert_eq!(branches.n_listed(), Branches::MAX_LISTED);
    assert!(branches.get(starred).is_some_and(|node| node.is_listed));
    assert_eq!(branches.all().count(), Branches::MAX_LISTED, "nobody needs the others");
}

#[test]
fn what_a_step_back_needs_is_off_the_tree_but_not_forgotten() {
    let mut branches = Branches::default();
    let first = branches.add(node(None, Origin::Generated));
    let second = branches.add(node(Some(first), Origin::Generated));
    let third = branches.add(node(Some(second), Origin::Generated));
    branches.set_listed(first, false);
    branches.set_listed(second, false);
    branches.tidy(|id| id == first);
    assert!(branches.get(first).is_some());
    assert!(branches.get(second).is_none());
    assert_eq!(branches.get(third).and_then(|node| node.parent), Some(first));
    assert_eq!(branches.listed_parent(third), None);
}

#[test]
fn the_newest_pictures_keep_their_pixels() {
    let (mut branches, ids) = tree(&[None; 6]);
    // Two nodes' stills, four nodes' pictures; the same pixels are counted in both.
    let picture = 256 * 256 * 4;
    branches.keep_to_budget(2 * N_SCALES * picture, 4 * picture);
    let lacking: Vec<_> = ids
        .iter()
        .map(|id| {
            let node = branches.get(*id).expect("kept");
            (node.lacks_stills(), node.is_reduced)
        })
        .collect();
    let [oldest @ .., _, _] = &lacking[..] else { panic!("{lacking:?}") };
    assert_eq!(oldest, [(true, true), (true, true), (true, false), (true, false)]);
    assert_eq!(lacking[4..], [(false, false), (false, false)]);
    let reduced = branches.get(ids[0]).expect("kept");
    assert_eq!(reduced.picture.dimensions(), (128, 128));
    // Decoded again, it is whole again.
    let still = Arc::new(RgbaImage::new(256, 256));
    let stills: Vec<_> = (0..N_SCALES).map(|_| Arc::clone(&still)).collect();
    branches.set_stills(ids[0], &stills);
    let whole = branches.get(ids[0]).expect("kept");
    assert!(!whole.lacks_stills() && !whole.is_reduced);
}

#[test]
fn a_tree_from_a_damaged_file_is_still_a_tree() {
    let (branches, ids) = tree(&[None, Some(0), Some(1)]);
    let mut nodes: Vec<_> = branches.all().cloned().collect();
    nodes[0].parent = Some(ids[2]);
    nodes[1].parent = Some(NodeId(99));
    let mut restored = branches.clone();
    restored.restore(nodes, Some(NodeId(77)));
    assert!(restored.revision() > branches.revision(), "what was laid out is out of date");
    assert_eq!(restored.current, None);
    assert_eq!(lanes(&restored).len(), 3);
    assert_eq!(restored.listed_parent(ids[0]), None);
    assert_eq!(restored.listed_parent(ids[2]), Some(ids[1]));
}
