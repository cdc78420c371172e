//! Damage to the roll-ups that lists count by.

use crate::contract::Fixture;
use crate::contract::desk::Desk;
use crate::contract::life::check_clean;
use crate::contract::vouchers::used;

/// Each kind of damage, done to the counts of a partner of its own, is told with the partner, and nothing
/// else is.
pub async fn damaged_counts_are_found(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    // Those who redeemed are partners 1 and 2.
    let cases: [(&str, &[&str]); 7] = [
        (
            "UPDATE counts SET place = 'elsewhere' WHERE grain = 3",
            &["the redemptions of PARTNER are counted in the wrong seconds"],
        ),
        ("DELETE FROM counts WHERE grain = 5", &["0 redemptions of PARTNER are counted by hours, 1"]),
        ("UPDATE counts SET n = n + 1 WHERE grain = 0", &["3 orders of PARTNER are counted by seconds, 2"]),
        ("DELETE FROM counts WHERE grain = 2", &["0 orders of PARTNER are counted by hours, 2"]),
        (
            "UPDATE counts SET stretch = stretch + 1 WHERE grain = 0",
            &["the orders of PARTNER are counted in the wrong seconds"],
        ),
        (
            "UPDATE counts SET n = 0 WHERE grain = 1",
            &["0 orders of PARTNER are counted in stretch", "0 orders of PARTNER are counted by minutes, 2"],
        ),
        ("UPDATE counts SET n = n WHERE grain = 0", &[]),
    ];
    for partner in (1..).take(cases.len()) {
        desk.add_partner(partner).await;
        desk.place(partner, "one").await;
        desk.place(partner, "other").await;
    }
    used(&mut desk, 1).await;
    check_clean(&desk).await;
    let mut expected = Vec::new();
    for ((sql, words), partner) in cases.iter().zip(1..) {
        (fixture.sql)(format!("{sql} AND partner = {partner}")).await;
        expected.extend(words.iter().map(|words| words.replace("PARTNER", &format!("par_{partner}"))));
    }
    let findings = desk.store.verify().await.unwrap().findings;
    for words in &expected {
        assert!(findings.iter().any(|finding| finding.contains(words)), "{words:?} is not in {findings:#?}");
    }
    assert_eq!(findings.len(), expected.len(), "{findings:#?}");
}
