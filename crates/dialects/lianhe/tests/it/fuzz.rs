//! Random bytes into every parser, and into whole requests. A failure prints its input and its seed.

use proptest::prelude::{any, prop, proptest};
use tradewind_lianhe::{fuzz_authorization, fuzz_client, fuzz_open};

use crate::support::{OPERATIONS, golden, request_of};

fn damaged(text: &str, damage: Vec<(prop::sample::Index, u8)>) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (at, byte) in damage {
        let at = at.index(bytes.len());
        bytes[at] = byte;
    }
    bytes
}

proptest! {
    #[test]
    fn requests(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_open(&bytes);
    }

    /// Real messages with some bytes exchanged reach much further than noise.
    #[test]
    fn damaged_messages(choice in any::<u8>(), which in 0..OPERATIONS.len(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)) {
        let mut bytes = damaged(&request_of(OPERATIONS[which]), damage);
        // Mostly as the request of its own operation, in an envelope of its own.
        let own = u8::try_from(which).unwrap() << 4;
        bytes.insert(0, if choice < 64 { choice } else { own });
        fuzz_open(&bytes);
    }

    /// Bodies of known names with values of every kind.
    #[test]
    fn bodies(operation in 0_u8..9, members in prop::collection::vec(("(orderId|LHOrderId|LHDealId|LHDealIds|sellPrice|buyPrice|quantity|travelDate|visitor|payId|smsfrom|refundId|method|currentPage|pageSize|simples|system|startDate|endDate)", "(-?[0-9]{1,12}(\\.[0-9]{1,3})?(e[0-9]{1,2})?|\"[0-9a-z张-]{0,12}\"|\"2016-0[0-9]-[0-3][0-9]\"|\\[\\{\"name\":\"x\",\"mobile\":\"[0-9]{0,3}\"\\}\\]|\\{\\}|\\[\\]|true|null)"), 0..8)) {
        let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let mut bytes = format!("{{{}}}", members.join(",")).into_bytes();
        bytes.insert(0, operation << 4 | 8);
        fuzz_open(&bytes);
    }

    #[test]
    fn authorizations(bytes in prop::collection::vec(any::<u8>(), 0..80), text in "LH [a-z]{1,4}:[A-Za-z0-9+/]{27}=") {
        fuzz_authorization(&bytes);
        fuzz_authorization(text.as_bytes());
    }

    #[test]
    fn answers_and_notifications(bytes in prop::collection::vec(any::<u8>(), 0..200), which in 0_usize..6, damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)) {
        fuzz_client(&bytes);
        let names = ["queryOrder.partly.response.json", "snNotify.json", "reNotify.json", "teamNotify.listed.json", "getTeam.response.json", "getPrice.response.json"];
        fuzz_client(&damaged(&golden(names[which]), damage));
    }
}
