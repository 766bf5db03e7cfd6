//! Frames: pieces of a file that are there wholly or not at all.
//!
//! A frame is the length of its content and a CRC-32 of length and content, both as little-endian
//! 32-bit numbers, then the content. The first byte of the content is its kind.

use flate2::Crc;

/// What a journal begins with.
pub(super) const MAGIC: &[u8; 16] = b"UNDERPAINT-JNL1\n";
const HEAD_LEN: usize = 8;

/// Appends a frame to `file`.
///
/// # Panics
/// If the content has 4 GiB; pictures are checked long before.
pub(super) fn append(file: &mut Vec<u8>, kind: u8, content: &[&[u8]]) {
    let length = 1 + content.iter().map(|part| part.len()).sum::<usize>();
    let length = u32::try_from(length).expect("frames are small").to_le_bytes();
    file.extend_from_slice(&length);
    file.extend_from_slice(&checksum(length, [kind].as_slice(), content).to_le_bytes());
    file.push(kind);
    for part in content {
        file.extend_from_slice(part);
    }
}

/// The frames of a file up to the first that is not whole: kind, content and where that begins.
pub(super) struct Frames<'a> {
    file: &'a [u8],
    at: usize,
}

/// A whole frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) kind: u8,
    pub(super) content: &'a [u8],
    /// Where the content begins in the file.
    pub(super) start: usize,
}

impl<'a> Frames<'a> {
    /// `None` if the file does not begin like a journal.
    pub(super) fn of(file: &'a [u8]) -> Option<Self> {
        file.starts_with(MAGIC).then_some(Self { file, at: MAGIC.len() })
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let rest = &self.file[self.at..];
        let (head, rest) = rest.split_at_checked(HEAD_LEN)?;
        let number = |at: usize| [head[at], head[at + 1], head[at + 2], head[at + 3]];
        let length = number(0);
        let content = rest.get(..u32::from_le_bytes(length) as usize)?;
        if checksum(length, content, &[]) != u32::from_le_bytes(number(4)) {
            return None;
        }
        let (kind, content) = content.split_first()?;
        let start = self.at + HEAD_LEN + 1;
        self.at = start + content.len();
        Some(Frame { kind: *kind, content, start })
    }
}

fn checksum(length: [u8; 4], first: &[u8], others: &[&[u8]]) -> u32 {
    let mut crc = Crc::new();
    crc.update(&length);
    crc.update(first);
    for part in others {
        crc.update(part);
    }
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cut_off_anywhere_loses_only_its_last_frame() {
        let mut file = MAGIC.to_vec();
        let mut ends = vec![file.len()];
        for length in [0, 1, 300, 70_000] {
            append(&mut file, b'x', &[&vec![7; length], b"end"]);
            ends.push(file.len());
        }
        for cut in MAGIC.len()..file.len() {
            let n_whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            assert_eq!(Frames::of(&file[..cut]).unwrap().count(), n_whole, "cut at {cut}");
        }
        let last = Frames::of(&file).unwrap().last().unwrap();
        assert_eq!((last.kind, last.content.len()), (b'x', 70_003));
        assert_eq!(&file[last.start..], last.content);
        assert!(Frames::of(&file[1..]).is_none() && Frames::of(b"").is_none());
    }

    #[test]
    fn zeros_are_no_frames() {
        let mut file = MAGIC.to_vec();
        file.extend([0; 64]);
        assert_eq!(Frames::of(&file).unwrap().count(), 0);
    }
}
