//! Chance that repeats itself: a seeded generator, so that a failure can be run again.

/// A seeded generator (SplitMix64).
pub struct Dice(u64);

impl Dice {
    /// Dice that fall as the seed says; `PARLANCE_SEED` replaces it, and failures print it.
    pub fn new(seed: u64) -> Self {
        let asked = std::env::var_os("PARLANCE_SEED");
        let asked = asked.and_then(|it| it.to_str().and_then(|it| it.parse().ok()));
        let seed = asked.unwrap_or(seed);
        eprintln!("PARLANCE_SEED={seed}");
        Self(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^ (it >> 31)
    }

    /// A number from 0 to below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).expect("it fits");
        usize::try_from(self.number() % bound).expect("it fits")
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// True once in so many throws.
    pub fn once_in(&mut self, throws: usize) -> bool {
        self.below(throws) == 0
    }
}
