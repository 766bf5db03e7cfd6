//! SHA-256 (FIPS 180-4): names models and control maps in files.
//!
//! Galleries know a model by the first ten hexadecimal digits of this hash. It is no protection:
//! nothing is trusted for its hash.

use std::fmt::Write as _;

/// Fractional parts of the cube roots of the first 64 primes.
const ROUND: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/// Fractional parts of the square roots of the first 8 primes.
const START: [u32; 8] = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/// The hash in 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    let mut hash = Sha256::default();
    hash.update(bytes);
    hash.finish()
}

/// The hash of bytes that come piece by piece.
#[derive(Debug, Clone)]
pub struct Sha256 {
    state: [u32; 8],
    /// What does not fill a block yet: the first `n_bytes` modulo 64.
    rest: [u8; 64],
    n_bytes: u64,
}

impl Default for Sha256 {
    fn default() -> Self {
        Self { state: START, rest: [0; 64], n_bytes: 0 }
    }
}

impl Sha256 {
    pub fn update(&mut self, mut bytes: &[u8]) {
        let n_rest = self.n_rest();
        self.n_bytes += bytes.len() as u64;
        if n_rest > 0 {
            let n_taken = bytes.len().min(64 - n_rest);
            self.rest[n_rest..n_rest + n_taken].copy_from_slice(&bytes[..n_taken]);
            bytes = &bytes[n_taken..];
            if n_rest + n_taken < 64 {
                return;
            }
            add_block(&mut self.state, &self.rest);
        }
        let (blocks, rest) = bytes.as_chunks::<64>();
        for block in blocks {
            add_block(&mut self.state, block);
        }
        self.rest[..rest.len()].copy_from_slice(rest);
    }

    /// 64 lower-case hexadecimal digits.
    pub fn finish(mut self) -> String {
        // The rest, a one bit, zeros, and the length in bits fill one or two more blocks.
        let n_rest = self.n_rest();
        let mut tail = [0; 128];
        tail[..n_rest].copy_from_slice(&self.rest[..n_rest]);
        tail[n_rest] = 0x80;
        let tail_len = if n_rest < 56 { 64 } else { 128 };
        let n_bits = self.n_bytes * 8;
        tail[tail_len - 8..tail_len].copy_from_slice(&n_bits.to_be_bytes());
        for block in tail[..tail_len].as_chunks::<64>().0 {
            add_block(&mut self.state, block);
        }
        let mut hex = String::with_capacity(64);
        for word in self.state {
            write!(hex, "{word:08x}").expect("a string takes all");
        }
        hex
    }

    fn n_rest(&self) -> usize {
        (self.n_bytes % 64) as usize
    }
}

fn add_block(state: &mut [u32; 8], block: &[u8; 64]) {
    let mut words = [0; 64];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    for idx in 16..64 {
        let (near, far) = (words[idx - 2], words[idx - 15]);
        let near = near.rotate_right(17) ^ near.rotate_right(19) ^ near >> 10;
        let far = far.rotate_right(7) ^ far.rotate_right(18) ^ far >> 3;
        words[idx] =
            near.wrapping_add(words[idx - 7]).wrapping_add(far).wrapping_add(words[idx - 16]);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (word, round) in words.into_iter().zip(ROUND) {
        let mix_e = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = e & f ^ !e & g;
        let first = h.wrapping_add(mix_e).wrapping_add(choice).wrapping_add(round);
        let first = first.wrapping_add(word);
        let mix_a = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let majority = a & b ^ a & c ^ b & c;
        (h, g, f, e, d, c, b) = (g, f, e, d.wrapping_add(first), c, b, a);
        a = first.wrapping_add(mix_a.wrapping_add(majority));
    }
    for (sum, value) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *sum = sum.wrapping_add(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_give_the_hash_of_the_whole() {
        let bytes: Vec<u8> = (0..1000_u32).map(|i| (i * 7) as u8).collect();
        for n_piece in [1, 3, 63, 64, 65, 130, 1000] {
            let mut hash = Sha256::default();
            bytes.chunks(n_piece).for_each(|piece| hash.update(piece));
            assert_eq!(hash.finish(), sha256_hex(&bytes), "{n_piece}");
        }
    }

    #[test]
    fn published_vectors_hold() {
        // NIST's examples for SHA-256, and one whose padding needs a block of its own.
        for (text, hash) in [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            ),
        ] {
            assert_eq!(sha256_hex(text.as_bytes()), hash);
        }
        let million = vec![b'a'; 1_000_000];
        assert_eq!(
            sha256_hex(&million),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        );
    }
}
