//! Where two keys make one ciphertext and tag authentic: a linear equation over GF(2¹²⁸)
//! (Dodis, Grubbs, Ristenpart, Woodage: Fast Message Franking, 2018).

use aes_gcm::aes::{
    Aes256,
    cipher::{BlockCipherEncrypt, KeyInit},
};

use super::ContentKey;

pub(super) fn make(
    keys: &[ContentKey; 2],
    iv: &[u8; 12],
    aad: &[u8],
    ciphertext: &mut [u8],
    block: usize,
) {
    let length = ciphertext.len() - 16;
    let (body, tag) = ciphertext.split_at_mut(length);
    body[16 * block..16 * block + 16].fill(0);
    let [one, two] = keys.each_ref().map(|key| Ghash::new(key, iv));
    let power = (length.div_ceil(16) - block) + 1;
    let difference = one.tag(aad, body) ^ two.tag(aad, body);
    let factor = raise(one.h, power) ^ raise(two.h, power);
    let solution = multiply(difference, invert(factor));
    body[16 * block..16 * block + 16].copy_from_slice(&solution.to_be_bytes());
    assert_eq!(one.tag(aad, body), two.tag(aad, body));
    tag.copy_from_slice(&one.tag(aad, body).to_be_bytes());
}

struct Ghash {
    h: u128,
    mask: u128,
}

impl Ghash {
    fn new(key: &ContentKey, iv: &[u8; 12]) -> Self {
        let aes = Aes256::new(&(*key.0).into());
        let encrypt = |block: [u8; 16]| {
            let mut block = block.into();
            aes.encrypt_block(&mut block);
            u128::from_be_bytes(block.into())
        };
        let mut counter = [0; 16];
        counter[..12].copy_from_slice(iv);
        counter[15] = 1;
        Self { h: encrypt([0; 16]), mask: encrypt(counter) }
    }

    fn tag(&self, aad: &[u8], ciphertext: &[u8]) -> u128 {
        let lengths = ((aad.len() as u128 * 8) << 64) | (ciphertext.len() as u128 * 8);
        let blocks = aad.chunks(16).chain(ciphertext.chunks(16)).map(|chunk| {
            let mut block = [0; 16];
            block[..chunk.len()].copy_from_slice(chunk);
            u128::from_be_bytes(block)
        });
        blocks.chain([lengths]).fold(0, |sum, block| multiply(sum ^ block, self.h)) ^ self.mask
    }
}

/// SP 800-38D, algorithm 1.
fn multiply(x: u128, mut v: u128) -> u128 {
    let mut z = 0;
    for bit in (0..128).rev() {
        if x >> bit & 1 == 1 {
            z ^= v;
        }
        let carry = v & 1;
        v >>= 1;
        if carry == 1 {
            v ^= 0xE1 << 120;
        }
    }
    z
}

const ONE: u128 = 1 << 127;

fn raise(x: u128, power: usize) -> u128 {
    (0..power).fold(ONE, |product, _| multiply(product, x))
}

/// x^(2¹²⁸ − 2).
fn invert(x: u128) -> u128 {
    let (mut square, mut product) = (x, ONE);
    for _ in 1..128 {
        square = multiply(square, square);
        product = multiply(product, square);
    }
    product
}
