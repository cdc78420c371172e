//! A call whose origin has been checked.

/// A value that came with a proof of its origin. It can only be made with a [`Proof`], so whoever
/// takes one need not ask whether the check was forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Marks `value` as proven.
    pub fn new(_proof: Proof, value: T) -> Verified<T> {
        Verified(value)
    }

    /// The value.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// The outcome of a check that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof(());

impl Proof {
    /// Compares a computed authentication tag with the one received, in constant time.
    pub fn of_tag(computed: &[u8], received: &[u8]) -> Option<Proof> {
        tradewind_signing::constant_time_eq(computed, received).then_some(Proof(()))
    }

    /// For operations that the protocol leaves unsigned and whose call carries its own proof, such as
    /// a login with a password. A named constructor, so that each use can be found and questioned.
    pub fn carried_by_call() -> Proof {
        Proof(())
    }
}
