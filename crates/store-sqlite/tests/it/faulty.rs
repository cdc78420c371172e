//! The fault-injecting wrapper, around a store that would not fail by itself.

use std::sync::Arc;

use tradewind_domain::{Fact, Need, PartnerId, Timestamp, WriteSet};
use tradewind_store::faulty::{Fault, FaultyStore, Step};
use tradewind_store::{LeaseRequest, Store, StoreError};

use crate::support::{Folder, open, run};

#[test]
fn each_fault_does_what_it_says() {
    let folder = Folder::new();
    let faulty = FaultyStore::new(Arc::new(open(&folder.database())));
    run(async {
        let mut lane = faulty.open_lane().await.unwrap();
        let set = |name: &str| WriteSet {
            facts: vec![Fact { name: name.into(), value: String::new() }],
            ..WriteSet::default()
        };
        faulty.fail_nth(Step::Commit, 2, Fault::Unavailable);
        faulty.fail_nth(Step::Commit, 3, Fault::Conflict);
        faulty.fail_nth(Step::Commit, 4, Fault::UnknownUndone);
        faulty.fail_nth(Step::Commit, 5, Fault::UnknownDone);
        let mut results = Vec::new();
        for name in ["1", "2", "3", "4", "5", "6"] {
            let result = lane.commit(&set(name)).await;
            results.push((result, faulty.fact(name.into()).await.unwrap().is_some()));
        }
        assert!(
            matches!(
                results.as_slice(),
                [
                    (Ok(()), true),
                    (Err(StoreError::Unavailable(_)), false),
                    (Err(StoreError::Conflict(_)), false),
                    (Err(StoreError::Unknown(_)), false),
                    (Err(StoreError::Unknown(_)), true),
                    (Ok(()), true),
                ]
            ),
            "{results:?}"
        );
        assert_eq!(faulty.taken(Step::Commit), 6);
    });
}

#[test]
fn faults_last_until_healed_and_other_steps_go_on() {
    let folder = Folder::new();
    let faulty = FaultyStore::new(Arc::new(open(&folder.database())));
    run(async {
        let mut lane = faulty.open_lane().await.unwrap();
        let needs = [Need::Partner(PartnerId::from_i64(1))];
        let request = LeaseRequest {
            now: Timestamp::from_ms(0),
            limit: 1,
            limit_per_partner: 1,
            lease_for: std::time::Duration::ZERO,
        };
        faulty.fail_all(Step::Load, Fault::Unavailable);
        faulty.fail_next(Step::Read, Fault::Unavailable);
        faulty.fail_next(Step::Lease, Fault::Unavailable);
        for _ in 0..3 {
            assert!(lane.load(&needs).await.is_err());
        }
        assert!(faulty.read(needs.to_vec()).await.is_err());
        faulty.read(needs.to_vec()).await.unwrap();
        assert!(faulty.lease_tasks(request.clone()).await.is_err());
        faulty.lease_tasks(request).await.unwrap();
        faulty.heal();
        lane.load(&needs).await.unwrap();
        assert_eq!((faulty.taken(Step::Load), faulty.taken(Step::Read)), (4, 2));
    });
}
