//! The primary dies and its synchronous standby takes over: what was acknowledged is there.

use std::time::Instant;

use tradewind_domain::{Need, PartnerId};
use tradewind_store::StoreError;
use tradewind_store::contract::desk::Desk;
use tradewind_testkit::AMPLE;
use tradewind_testkit::postgres::Cluster;

use crate::support::{open, run};

#[test]
fn what_was_acknowledged_survives_a_fail_over() {
    let cluster = Cluster::start();
    let standby = cluster.add_synchronous_standby();
    let owner = PartnerId::from_i64(1);
    run(async {
        let ports = format!("127.0.0.1:{},127.0.0.1:{}", cluster.port(), standby.port());
        let store = open(format!("postgres://postgres@{ports}/postgres")).await;
        let mut desk = Desk::open(&store).await;
        desk.add_partner(1).await;
        let node = store.claim_node().await.unwrap();
        let mut acknowledged = Vec::new();
        for n in 0..20 {
            acknowledged.push(desk.place(1, &n.to_string()).await.0);
        }
        let mut lane = store.open_lane().await.unwrap();
        cluster.crash();
        assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
        standby.promote();
        let begin = Instant::now();
        while store.ping().await.is_err() {
            assert!(begin.elapsed() < AMPLE, "the store does not find the new primary");
        }
        let needs: Vec<Need> = acknowledged.iter().map(|order| Need::Order(owner, order.id)).collect();
        let rows = lane.load(&needs).await.unwrap();
        lane.abandon().await.unwrap();
        assert_eq!(rows.orders, acknowledged);
        let mut desk = Desk::open(&store).await;
        desk.now = desk.now + tradewind_domain::Span::from_mins(1);
        desk.place(1, "on the new primary").await;
        assert_eq!(store.claim_node().await.unwrap(), node, "the number is still ours");
        assert_eq!(store.verify().await.unwrap().findings, [""; 0]);
    });
}
