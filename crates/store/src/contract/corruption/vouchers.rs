//! Damage to vouchers and redemptions.

use tradewind_domain::{About, Event, PartnerId, Task, TaskKey, TaskKind, WriteSet};

use crate::contract::Fixture;
use crate::contract::desk::Desk;
use crate::contract::samples;
use crate::contract::vouchers::used;

const OWNER: PartnerId = PartnerId::from_i64(1);

/// Each kind of damage is told with the ids it concerns, and nothing else is.
pub async fn damaged_vouchers_are_found(fixture: Fixture) {
    // Should an index ever be lost, with it goes what it forbade. Nobody holds it yet.
    for index in ["vouchers_number", "vouchers_code"] {
        (fixture.sql)(format!("DROP INDEX {index}")).await;
    }
    let mut desk = Desk::open(&fixture.store).await;
    desk.add_partner(1).await;
    desk.add_partner(2).await;
    let mut expected = Vec::new();
    let cases: [(&str, &str); 15] = [
        ("UPDATE vouchers SET used = 4 WHERE id = ID", "its redemptions sum to 3 uses, it says 4"),
        ("UPDATE vouchers SET ordered = 2 WHERE id = ID", "3 of its 2 uses were used, 0 given back"),
        ("UPDATE vouchers SET cancelled_at = 5 WHERE id = ID", "its state and the time of its cancellation"),
        (
            "UPDATE vouchers SET shares = '[[[2],5,2]]' WHERE id = ID",
            "redemptions of a share sum to 1 uses, it says 2",
        ),
        ("UPDATE vouchers SET shares = '[[[2],0,1]]' WHERE id = ID", "a share has used 1 of its 0"),
        ("UPDATE vouchers SET shares = NULL WHERE id = ID", "was made by par_2, who may not"),
        ("UPDATE redemptions SET partner = 2 WHERE voucher = ID", "stands in the books of par_2"),
        ("DELETE FROM vouchers WHERE id = ID", "is referred to but not there"),
        (
            "UPDATE redemptions SET id = id + 1000000 WHERE voucher = ID",
            "tells a redemption that is not there",
        ),
        (
            "INSERT INTO redemptions (voucher, id, partner, by_partner, device, count, used_so_far, left_over) \
             VALUES (ID, 5, 1, 1, '', 0, 3, 7)",
            "rdm_5 is of no use",
        ),
        ("UPDATE vouchers SET refunded = 8 WHERE id = ID", "3 of its 10 uses were used, 8 given back"),
        ("UPDATE vouchers SET locked = 8 WHERE id = ID", "0 given back, 8 are locked"),
        ("UPDATE redemptions SET used_so_far = 4 WHERE voucher = ID AND count = 1", "says 4 so far, after 2"),
        (
            "UPDATE redemptions SET left_over = 6 WHERE voucher = ID AND count = 1",
            "says that 6 were left when 3 of 10",
        ),
        (
            "UPDATE redemptions SET left_over = 9 WHERE voucher = ID AND count = 2",
            "says that 9 were left when 2 of 10",
        ),
    ];
    for ((sql, words), id) in cases.iter().zip(1..) {
        let voucher = used(&mut desk, id).await;
        (fixture.sql)(sql.replace("ID", &id.to_string())).await;
        let place = if words.contains("referred") {
            format!("{} of par_1 ", voucher.id)
        } else {
            format!("{} of par_1: ", voucher.id)
        };
        expected.push((place, *words));
    }
    let events: Vec<Event> = desk.store.list_events(OWNER, 0, 100).await.unwrap();
    let stray = used(&mut desk, 50).await;
    let key = TaskKey { about: About::Voucher(stray.id), ..samples::task(1, 1, 99, 0).key };
    let task =
        Task { key, kind: TaskKind::Deliver { event: 900, endpoint: None }, ..samples::task(1, 1, 99, 0) };
    desk.commit(&WriteSet { tasks_new: vec![task], ..WriteSet::default() }).await.unwrap();
    expected.push((format!("{} of par_1: ", stray.id), "tsk_99 (deliver) is about nothing that is there"));
    assert_eq!(events.len(), 30);
    // Vouchers nobody touched, among those that were.
    let good = used(&mut desk, 51).await;
    let findings = desk.store.verify().await.unwrap().findings;
    for (place, words) in &expected {
        let found = findings.iter().any(|finding| finding.starts_with(place) && finding.contains(words));
        assert!(found, "{place}{words} is not in {findings:#?}");
    }
    assert!(!findings.iter().any(|finding| finding.contains(&good.id.to_string())), "{findings:#?}");

    (fixture.sql)("UPDATE vouchers SET number = 'same' WHERE id IN (50, 51)".into()).await;
    (fixture.sql)(
        "UPDATE vouchers SET code = (SELECT v.code FROM vouchers v WHERE v.id = 51) WHERE id = 50".into(),
    )
    .await;
    let findings = desk.store.verify().await.unwrap().findings;
    for words in ["voucher number \"same\" of par_1 is there more than once", "2 vouchers have the same code"]
    {
        assert!(findings.iter().any(|finding| finding == words), "{words:?} is not in {findings:#?}");
    }
}
