//! An answer means it is on disk: a process that is killed while it commits loses nothing that it
//! had acknowledged, and leaves nothing by halves.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use tradewind_domain::{Command as Order, Flow, Need, PartnerId};
use tradewind_store::Store;
use tradewind_store::contract::desk::Desk;
use tradewind_store::contract::samples::yuan;

use crate::support::{Folder, open, run};

const CHILD: &str = "TRADEWIND_TEST_COMMIT_INTO";
const BATCH: i64 = 20;
const OWNER: PartnerId = PartnerId::from_i64(1);

/// In the child process: commits batch after batch and says so, until it is killed.
#[test]
fn the_child_that_commits() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let store: Arc<dyn Store> = Arc::new(open(&PathBuf::from(path)));
    run(async {
        let mut desk = Desk::open(&store).await;
        if desk.read(Need::Partner(OWNER)).await.partners.is_empty() {
            desk.add_partner(1).await;
        }
        let begin =
            desk.store.fact("batches".into()).await.unwrap().map_or(0, |fact| fact.value.parse().unwrap());
        desk.now = desk.now + tradewind_domain::Span::from_mins(begin + 1);
        for batch in begin.. {
            let orders = (0..BATCH).map(|n| {
                let new = desk.new_order(1, &format!("{batch}-{n}"), yuan(1), Flow::PayerCode);
                Order::PlaceOrder(Box::new(new))
            });
            let mut commands: Vec<Order> = orders.collect();
            let next = tradewind_domain::Fact { name: "batches".into(), value: (batch + 1).to_string() };
            commands.push(Order::Remember(next));
            assert!(desk.batch(commands).await.iter().all(Result::is_ok));
            // Past the test harness, which would keep it back.
            let mut out = std::io::stdout().lock();
            writeln!(out, "committed {batch}").unwrap();
            out.flush().unwrap();
        }
    });
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = Folder::new();
    let mut acknowledged = -1;
    for kill_after in [1, 7, 40] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["durability::the_child_that_commits", "--exact", "--nocapture"])
            .env(CHILD, folder.database())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut heard = 0;
        for line in lines.map_while(Result::ok) {
            // The harness writes to the same stream and may not have ended its line.
            let Some((_, batch)) = line.split_once("committed ") else { continue };
            let batch: i64 = batch.parse().unwrap();
            assert_eq!(batch, acknowledged + 1, "the child went on where the last one ended");
            acknowledged = batch;
            heard += 1;
            if heard == kill_after {
                // SIGKILL, while the next batch is being written. What it still managed to say is read.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(heard >= kill_after, "the child ended by itself after {heard} batches");
        acknowledged = check(&folder, acknowledged);
    }
}

/// Every acknowledged batch is there and whole; returns the last that is, acknowledged or not.
fn check(folder: &Folder, acknowledged: i64) -> i64 {
    let store = open(&folder.database());
    run(async {
        let verification = store.verify().await.unwrap();
        assert_eq!(verification.findings, [""; 0]);
        let fact = store.fact("batches".into()).await.unwrap().unwrap();
        let batches: i64 = fact.value.parse().unwrap();
        assert!(batches > acknowledged, "{acknowledged} was acknowledged, {batches} are there");
        assert!(batches <= acknowledged + 2, "at most one was on disk before it was acknowledged");
        for batch in 0..=batches {
            let needs = (0..BATCH).map(|n| Need::OrderNumber(OWNER, format!("{batch}-{n}"))).collect();
            let rows = store.read(needs).await.unwrap();
            let expected = if batch < batches { usize::try_from(BATCH).unwrap() } else { 0 };
            assert_eq!((rows.orders.len(), rows.payments.len()), (expected, expected), "batch {batch}");
        }
        batches - 1
    })
}
