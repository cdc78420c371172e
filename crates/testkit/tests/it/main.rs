//! The kit itself: a gateway that starts, keeps and restarts, and a receiver that does as it is told.

mod gateway;
mod receiver;
