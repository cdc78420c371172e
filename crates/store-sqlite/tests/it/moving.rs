//! Moving a gateway from one file to another.

use std::sync::Arc;

use tradewind_store::contract::moving::Pair;

use crate::support::{Folder, open, run};

tradewind_store::moving_contract_tests!(run, pair);

fn pair() -> Pair {
    let (source, target) = (Folder::new(), Folder::new());
    Pair {
        source: Arc::new(open(&source.database())),
        target: Arc::new(open(&target.database())),
        keep: Box::new((source, target)),
    }
}
