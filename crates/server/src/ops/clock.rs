//! `/ops/v1/clock`: the engine's time; in a sandbox it can be stopped and moved forward.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use tradewind_app::Clock;
use tradewind_domain::{Refusal, Span};

use super::error::OpsError;
use super::extract::{Body, Nothing};
use super::{Answer, Ops};

/// A year and a bit: beyond it nothing new becomes due.
const ADVANCE_MAX: Span = Span::from_days(400);

pub(super) async fn show(State(ops): State<Ops>) -> Json<Value> {
    shown(ops.app.clock())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    by_ms: i64,
}

pub(super) async fn advance(
    State(ops): State<Ops>,
    Body(Advance { by_ms }): Body<Advance>,
) -> Answer<Json<Value>> {
    if !(0..=ADVANCE_MAX.ms()).contains(&by_ms) {
        return Err(OpsError::invalid(format!("by_ms: from 0 to {}", ADVANCE_MAX.ms())));
    }
    let _alone = ops.clock_moves.lock().await;
    ops.worker.advance_clock(Span::from_ms(by_ms)).await?;
    Ok(shown(ops.app.clock()))
}

pub(super) async fn freeze(State(ops): State<Ops>, Body(Nothing {}): Body<Nothing>) -> Answer<Json<Value>> {
    set(&ops, Clock::freeze).await
}

pub(super) async fn resume(State(ops): State<Ops>, Body(Nothing {}): Body<Nothing>) -> Answer<Json<Value>> {
    set(&ops, Clock::resume).await
}

async fn set(ops: &Ops, change: fn(&Clock)) -> Answer<Json<Value>> {
    let clock = ops.app.clock();
    if !clock.is_virtual() {
        return Err(Refusal::WrongState { problem: "the clock is not virtual" }.into());
    }
    let _alone = ops.clock_moves.lock().await;
    change(clock);
    ops.app.remember_clock().await?;
    Ok(shown(clock))
}

fn shown(clock: &Clock) -> Json<Value> {
    let state = clock.state();
    Json(json!({ "now_ms": state.now.ms(), "virtual": state.is_virtual, "frozen": state.is_frozen }))
}
