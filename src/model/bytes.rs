//! Reads numbers and lengths off the front of bytes that may be damaged: every read is checked,
//! nothing is allocated by a length that the bytes cannot back.

/// A cursor over little-endian binary data.
#[derive(Debug, Clone)]
pub(super) struct ByteReader<'a> {
    bytes: &'a [u8],
    pos: usize,
}

/// The bytes end before what was to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EndsEarly;

impl<'a> ByteReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pos: 0 }
    }

    /// Bytes read so far.
    pub(super) fn pos(&self) -> usize {
        self.pos
    }

    pub(super) fn remaining(&self) -> usize {
        self.bytes.len() - self.pos
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], EndsEarly> {
        let end = self.pos.checked_add(len).ok_or(EndsEarly)?;
        let taken = self.bytes.get(self.pos..end).ok_or(EndsEarly)?;
        self.pos = end;
        Ok(taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, EndsEarly> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, EndsEarly> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, EndsEarly> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, EndsEarly> {
        self.array().map(u64::from_le_bytes)
    }

    /// A 64-bit length; one that no memory can hold also ends early.
    pub(super) fn length(&mut self) -> Result<usize, EndsEarly> {
        usize::try_from(self.u64()?).or(Err(EndsEarly))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], EndsEarly> {
        self.take(N)?.try_into().or(Err(EndsEarly))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_little_endian_and_stops_at_the_end() {
        let mut reader = ByteReader::new(&[1, 2, 0, 3, 0, 0, 0, 9]);
        assert_eq!(reader.u8(), Ok(1));
        assert_eq!(reader.u16(), Ok(2));
        assert_eq!(reader.u32(), Ok(3));
        assert_eq!((reader.pos(), reader.remaining()), (7, 1));
        assert_eq!(reader.u16(), Err(EndsEarly));
        assert_eq!(reader.take(usize::MAX), Err(EndsEarly));
        assert_eq!(reader.u8(), Ok(9));
    }
}
