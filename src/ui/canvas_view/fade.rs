//! The clock of the cross-fade between previews.

/// How far the picture of `serial` has faded in.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Fade {
    serial: Option<u64>,
    /// When the picture arrived, in egui's seconds.
    arrived_at: f64,
    duration_secs: f64,
}

/// How long a fade may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speed {
    /// The next picture is there at once.
    Cut,
    /// A calm change; short enough that the picture never seems late.
    Quick,
    /// For a change that was waited for.
    Slow,
}

impl Speed {
    const fn max_secs(self) -> f64 {
        match self {
            Self::Cut => 0.0,
            Self::Quick => 0.12,
            Self::Slow => 0.4,
        }
    }
}

impl Fade {
    /// Takes note of the picture shown at time `now`; `None` when there is none.
    ///
    /// A fade lasts no longer than the gap to the picture before, so that a quick stream of
    /// previews is shown as it comes instead of lagging behind in fades that never end. The first
    /// picture after nothing is there at once.
    pub(super) fn observe(&mut self, serial: Option<u64>, now: f64, speed: Speed) {
        if serial == self.serial {
            return;
        }
        let duration_secs = if self.serial.is_some() && serial.is_some() {
            (now - self.arrived_at).clamp(0.0, speed.max_secs())
        } else {
            0.0
        };
        *self = Self { serial, arrived_at: now, duration_secs };
    }

    /// Ends the fade at once.
    pub(super) fn finish(&mut self) {
        self.duration_secs = 0.0;
    }

    /// Share of the current picture in what is seen at a time, 0–1, with soft ends.
    ///
    /// Ask for the time at which the frame will be seen, not at which it began: otherwise a
    /// picture that arrives in every frame would be at 0 in each, and none would ever be seen.
    pub(super) fn progress(&self, seen_at: f64) -> f32 {
        let elapsed_secs = seen_at - self.arrived_at;
        if elapsed_secs >= self.duration_secs {
            return 1.0;
        }
        let t = (elapsed_secs / self.duration_secs).clamp(0.0, 1.0);
        (t * t * (3.0 - 2.0 * t)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_picture_is_there_at_once() {
        let mut fade = Fade::default();
        fade.observe(Some(1), 5.0, Speed::Quick);
        assert_eq!(fade.progress(5.0), 1.0);
        fade.observe(None, 6.0, Speed::Quick);
        fade.observe(Some(2), 7.0, Speed::Quick);
        assert_eq!(fade.progress(7.0), 1.0);
    }

    #[test]
    fn next_picture_fades_in_with_soft_ends() {
        let mut fade = Fade::default();
        fade.observe(Some(1), 0.0, Speed::Quick);
        fade.observe(Some(2), 10.0, Speed::Quick);
        assert_eq!(fade.progress(10.0), 0.0);
        assert!((fade.progress(10.06) - 0.5).abs() < 1e-4);
        assert!(fade.progress(10.012) < 0.05);
        assert!(fade.progress(10.108) > 0.95);
        assert_eq!(fade.progress(10.12), 1.0);
        // Seeing the same picture again changes nothing.
        fade.observe(Some(2), 10.06, Speed::Quick);
        assert!((fade.progress(10.06) - 0.5).abs() < 1e-4);
    }

    #[test]
    fn a_growing_picture_cuts_in_and_the_final_one_takes_its_time() {
        let mut fade = Fade::default();
        fade.observe(Some(1), 0.0, Speed::Cut);
        fade.observe(Some(2), 10.0, Speed::Cut);
        assert_eq!(fade.progress(10.0), 1.0);
        fade.observe(Some(3), 20.0, Speed::Slow);
        assert!((fade.progress(20.2) - 0.5).abs() < 1e-4);
        assert_eq!(fade.progress(20.4), 1.0);
    }

    #[test]
    fn a_picture_in_every_frame_is_seen_in_that_frame() {
        let frame_secs = 1.0 / 60.0;
        let mut fade = Fade::default();
        for serial in 0..10u32 {
            let now = f64::from(serial) * frame_secs;
            fade.observe(Some(serial.into()), now, Speed::Quick);
            assert_eq!(fade.progress(now + 1.01 * frame_secs), 1.0);
        }
    }

    #[test]
    fn a_fade_ends_before_a_steady_stream_brings_the_next() {
        let mut fade = Fade::default();
        for serial in 0..10u32 {
            let now = f64::from(serial) * 0.05;
            fade.observe(Some(serial.into()), now, Speed::Quick);
            assert_eq!(fade.progress(now + 0.0501), 1.0);
        }
    }
}
