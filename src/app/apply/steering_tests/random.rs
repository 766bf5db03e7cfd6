//! Any order of deeds is taken back and done again.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Deed {
    Stroke(u8),
    Generate,
    AnotherSeed,
    Prompt(u8),
    Stop(usize),
    ReRoll(usize),
    Undo,
    Redo,
    Switch(usize),
    Delete(usize),
    ToggleLive,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => (0..200_u8).prop_map(Deed::Stroke),
        1 => Just(Deed::Generate),
        1 => Just(Deed::AnotherSeed),
        1 => (0..4_u8).prop_map(Deed::Prompt),
        1 => (0..N_SCALES).prop_map(Deed::Stop),
        1 => (0..N_SCALES).prop_map(Deed::ReRoll),
        3 => Just(Deed::Undo),
        2 => Just(Deed::Redo),
        2 => (0..9_usize).prop_map(Deed::Switch),
        1 => (0..9_usize).prop_map(Deed::Delete),
        1 => Just(Deed::ToggleLive),
    ]
}

impl Rig {
    fn node(&self, number: usize) -> Option<NodeId> {
        let listed: Vec<_> = self.state.branches.listed().map(|node| node.id).collect();
        listed.get(number % listed.len().max(1)).copied()
    }

    fn carry_out_deed(&mut self, deed: &Deed) {
        match deed {
            Deed::Stroke(at) => self.stroke([f32::from(*at), 30.0]),
            Deed::Generate => self.act(Action::Generate),
            Deed::AnotherSeed => self.act(Action::AnotherSeed),
            Deed::Prompt(number) => self.run(UiCommand::SetPrompt(format!("prompt {number}"))),
            Deed::Stop(scale_idx) => {
                self.scrub_to(*scale_idx);
                self.act(Action::StopOrContinue);
            }
            Deed::ReRoll(scale_idx) => {
                self.scrub_to(*scale_idx);
                self.act(Action::ReRoll);
            }
            Deed::Undo => self.act(Action::Undo),
            Deed::Redo => self.act(Action::Redo),
            Deed::Switch(number) => {
                if let Some(node) = self.node(*number) {
                    self.run(UiCommand::ShowNode(node));
                }
            }
            Deed::Delete(number) => {
                if let Some(node) = self.node(*number) {
                    self.run(UiCommand::DeleteNode(node));
                }
            }
            Deed::ToggleLive => self.act(Action::ToggleLive),
        }
        self.settle();
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Back to the beginning and forth again, whatever happened in between, the same is seen.
    #[test]
    fn all_that_happened_is_taken_back_and_again(deeds in prop::collection::vec(deed(), 1..24)) {
        let mut rig = Rig::new(true);
        for deed in &deeds {
            rig.carry_out_deed(deed);
            prop_assert!(rig.state.branches.current.is_none_or(|id| rig.state.branches.get(id).is_some()));
        }
        // What is only seen in passing, such as a coarser scale, is no step.
        rig.run(UiCommand::ScrubTo(None));
        let was_live = rig.state.settings.live;
        if !was_live && rig.state.settings.recipe.prompt.starts_with("prompt") {
            // A prompt that was never drawn is no step either.
            rig.act(Action::Generate);
            rig.settle();
        }
        let last = rig.view();
        let mut n_steps = 0;
        while rig.state.sketch.history().can_undo() {
            rig.act(Action::Undo);
            rig.settle();
            n_steps += 1;
        }
        for _ in 0..n_steps {
            prop_assert!(rig.state.sketch.history().can_redo());
            rig.act(Action::Redo);
            rig.settle();
        }
        prop_assert_eq!(&rig.view().sketch, &last.sketch);
        prop_assert_eq!(&rig.view().picture, &last.picture);
        // On the way, live mode may have drawn what it had not drawn before.
        let listed = rig.view().listed;
        prop_assert!(last.listed.iter().all(|id| listed.contains(id)));
    }
}
