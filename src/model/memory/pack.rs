//! The container of a packed memory, `memory.upmem`, little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `UPMEMORY` |
//! | 8 × 4 | version, entries, tokens per entry, codebook size, key size, deflated and inflated length of the texts, CRC-32 of all bytes but these four |
//! | entries × row | token ids, each in as many bits as the codebook needs, lowest bit first; rows end on whole bytes |
//! | entries × 8 | names of the entries ([`EntryId::of`]), so that finding one needs no hashing |
//! | entries × key size | keys: 127 × the L2-normalised text vector, signed bytes |
//! | rest | texts, deflated ([`super::texts`]) |

use std::ops::Range;

use crate::model::bytes::{ByteReader, EndsEarly};
use crate::protocol::EntryId;

const MAGIC: &[u8; 8] = b"UPMEMORY";
const VERSION: u32 = 1;
const N_HEADER: usize = 40;
const CHECKSUM: Range<usize> = 36..40;
/// Bytes of a name.
pub(super) const N_NAME_BYTES: usize = 8;

/// What the entries of a memory consist of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dimensions {
    pub(super) n_entries: usize,
    pub(super) n_tokens: usize,
    pub(super) codebook_size: usize,
    pub(super) key_dim: usize,
}

impl Dimensions {
    /// Bits of one token id.
    pub(super) fn n_id_bits(self) -> usize {
        (self.codebook_size.max(2) - 1).ilog2() as usize + 1
    }

    /// Bytes of one entry's ids.
    pub(super) fn n_row_bytes(self) -> usize {
        (self.n_tokens * self.n_id_bits()).div_ceil(8)
    }
}

/// Where the parts of a packed memory lie in its bytes.
#[derive(Debug)]
pub(super) struct Sections {
    pub(super) dimensions: Dimensions,
    pub(super) ids: Range<usize>,
    pub(super) names: Range<usize>,
    pub(super) keys: Range<usize>,
    pub(super) texts: Range<usize>,
    pub(super) n_inflated: usize,
    checksum: u32,
}

impl Sections {
    /// Finds the parts and checks that they fill `bytes` exactly.
    ///
    /// # Errors
    /// The reason why this is not a whole packed memory.
    pub(super) fn find(bytes: &[u8]) -> Result<Self, String> {
        let early = |EndsEarly| "it is incomplete".to_owned();
        let mut reader = ByteReader::new(bytes);
        if reader.take(MAGIC.len()) != Ok(MAGIC) {
            return Err("it is not a packed memory".to_owned());
        }
        let version = reader.u32().map_err(early)?;
        if version > VERSION {
            return Err(format!(
                "it is made for a newer Underpaint (version {version}, this one knows {VERSION}); \
                 update Underpaint"
            ));
        }
        let mut number = || reader.u32().map(|number| number as usize).map_err(early);
        let dimensions = Dimensions {
            n_entries: number()?,
            n_tokens: number()?,
            codebook_size: number()?,
            key_dim: number()?,
        };
        let (n_deflated, n_inflated) = (number()?, number()?);
        let checksum = reader.u32().map_err(early)?;

        let sizes = [
            dimensions
                .n_tokens
                .checked_mul(dimensions.n_id_bits())
                .and_then(|n_bits| n_bits.div_ceil(8).checked_mul(dimensions.n_entries)),
            dimensions.n_entries.checked_mul(N_NAME_BYTES),
            dimensions.n_entries.checked_mul(dimensions.key_dim),
            Some(n_deflated),
        ];
        let mut sections = [0..0, 0..0, 0..0, 0..0];
        for (section, size) in sections.iter_mut().zip(sizes) {
            let start = reader.pos();
            reader.take(size.ok_or("its counts are absurd")?).map_err(early)?;
            *section = start..reader.pos();
        }
        if reader.remaining() > 0 {
            return Err(format!("it is {} bytes too long", reader.remaining()));
        }
        let [ids, names, keys, texts] = sections;
        Ok(Self { dimensions, ids, names, keys, texts, n_inflated, checksum })
    }

    /// Whether the bytes are those that were written.
    pub(super) fn matches_checksum(&self, bytes: &[u8]) -> bool {
        checksum_of(bytes) == self.checksum
    }
}

/// Writes a packed memory. `ids` and `keys` hold the entries one after another, every id below the
/// codebook's size; `texts` is deflated and has `n_inflated` bytes inside.
///
/// # Errors
/// The reason if it is too big for the format.
pub(super) fn write(
    dimensions: Dimensions,
    ids: &[u16],
    keys: &[i8],
    texts: &[u8],
    n_inflated: usize,
) -> Result<Vec<u8>, String> {
    let Dimensions { n_entries, n_tokens, codebook_size, key_dim } = dimensions;
    let numbers = [n_entries, n_tokens, codebook_size, key_dim, texts.len(), n_inflated];
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    for number in numbers {
        let number = u32::try_from(number).or(Err("it has more than 4 GiB of something"))?;
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&[0; 4]);
    assert_eq!(bytes.len(), N_HEADER, "the header has a fixed size");

    for row in ids.chunks_exact(n_tokens) {
        pack_row(row, dimensions.n_id_bits(), &mut bytes);
    }
    for row in ids.chunks_exact(n_tokens) {
        bytes.extend_from_slice(&EntryId::of(row.iter().copied()).0.to_le_bytes());
    }
    bytes.extend_from_slice(bytemuck::cast_slice(keys));
    bytes.extend_from_slice(texts);
    let checksum = checksum_of(&bytes);
    bytes[CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
    Ok(bytes)
}

/// Appends the ids of one entry, `n_bits` each.
fn pack_row(ids: &[u16], n_bits: usize, bytes: &mut Vec<u8>) {
    let (mut pending, mut n_pending) = (0_u32, 0);
    for id in ids {
        pending |= u32::from(*id) << n_pending;
        n_pending += n_bits;
        while n_pending >= 8 {
            bytes.push(pending as u8);
            pending >>= 8;
            n_pending -= 8;
        }
    }
    if n_pending > 0 {
        bytes.push(pending as u8);
    }
}

/// The ids of one entry, from bytes that [`pack_row`] wrote.
pub(super) fn unpack_row(row: &[u8], n_bits: usize) -> impl Iterator<Item = u16> {
    let mask = (1_u32 << n_bits) - 1;
    let mut bytes = row.iter();
    let (mut pending, mut n_pending) = (0_u32, 0);
    std::iter::from_fn(move || {
        while n_pending < n_bits {
            pending |= u32::from(*bytes.next()?) << n_pending;
            n_pending += 8;
        }
        let id = (pending & mask) as u16;
        pending >>= n_bits;
        n_pending -= n_bits;
        Some(id)
    })
}

fn checksum_of(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[..CHECKSUM.start]);
    crc.update(&bytes[CHECKSUM.end..]);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_any_width_survive_packing() {
        for codebook_size in [2, 3, 64, 4096, 5000, 1 << 16] {
            let dimensions = Dimensions { n_entries: 1, n_tokens: 507, codebook_size, key_dim: 0 };
            let ids: Vec<u16> = (0..507_usize).map(|i| (i * 7919 % codebook_size) as u16).collect();
            let mut row = Vec::new();
            pack_row(&ids, dimensions.n_id_bits(), &mut row);
            assert_eq!(row.len(), dimensions.n_row_bytes());
            let unpacked: Vec<u16> = unpack_row(&row, dimensions.n_id_bits()).take(507).collect();
            assert_eq!(unpacked, ids, "codebook {codebook_size}");
        }
        let shipped = Dimensions { n_entries: 0, n_tokens: 507, codebook_size: 4096, key_dim: 0 };
        assert_eq!((shipped.n_id_bits(), shipped.n_row_bytes()), (12, 761));
    }
}
