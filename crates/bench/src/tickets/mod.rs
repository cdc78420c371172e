//! Tickets of one hot item: how fast they are sold, and that never one too many is.

pub(crate) mod kill;
pub(crate) mod load;
mod office;
pub(crate) mod run;
