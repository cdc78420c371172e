//! Numbers from a seed.

use tradewind_signing::random_bytes;

/// The environment variable that repeats a run.
const SEED: &str = "TRADEWIND_TEST_SEED";

/// A small seeded generator (splitmix64). What it makes depends on nothing but the seed, and the seed is
/// printed: a failing test shows it, and the variable `TRADEWIND_TEST_SEED` repeats it.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator with the seed of the environment, or a fresh one.
    pub fn new() -> Random {
        let seed = match std::env::var(SEED) {
            Ok(text) => text.parse().unwrap_or_else(|_| panic!("{SEED}={text} is no number")),
            Err(_) => u64::from_le_bytes(random_bytes()),
        };
        println!("seed {seed}; repeat with {SEED}={seed}");
        Random::seeded(seed)
    }

    /// A generator with this seed.
    pub fn seeded(seed: u64) -> Random {
        Random(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..bound`, which must not be empty. The bias of the remainder does not matter here.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next_u64().checked_rem(bound).expect("a bound above nothing")
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let at = self.below(items.len() as u64);
        &items[usize::try_from(at).expect("an index")]
    }

    /// So many decimal digits.
    pub fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap_or(0))).collect()
    }

    /// A number for an order or refund that was not used before, but for a chance that never comes.
    pub fn number(&mut self, prefix: &str) -> String {
        format!("{prefix}{:016x}", self.next_u64())
    }

    /// The code of a customer: digits that begin with the wallet's and end with those that tell the
    /// sandbox what to do (`0000` for "pays at once").
    pub fn payer_code(&mut self, wallet: &str, ending: &str) -> String {
        let middle = 18_usize.saturating_sub(wallet.len() + ending.len());
        format!("{wallet}{}{ending}", self.digits(middle))
    }
}

impl Default for Random {
    fn default() -> Random {
        Random::new()
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_published_sequence_of_seed_zero() {
        let mut random = Random::seeded(0);
        assert_eq!(random.next_u64(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(random.next_u64(), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn codes_have_their_shape() {
        let code = Random::seeded(7).payer_code("28", "5101");
        assert_eq!(code.len(), 18);
        assert!(code.starts_with("28") && code.ends_with("5101"));
    }
}
