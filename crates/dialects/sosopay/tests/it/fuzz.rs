//! Random bytes into every parser, and into whole requests.

use proptest::prelude::{any, prop, proptest};
use tradewind_sosopay::{fuzz_cipher, fuzz_notify_url, fuzz_open, fuzz_sign};

use crate::support::golden;

proptest! {
    #[test]
    fn requests(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_open(&bytes);
    }

    /// Write-off messages, well-formed and with some bytes exchanged.
    #[test]
    fn damaged_write_offs(choice in any::<u8>(), which in 0_usize..4, damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)) {
        let mut bytes = crate::write_off::MESSAGES[which].as_bytes().to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.insert(0, choice);
        fuzz_open(&bytes);
    }

    /// Real messages with some bytes exchanged reach much further than noise.
    #[test]
    fn damaged_messages(choice in any::<u8>(), name in 0_usize..5, damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)) {
        let names = ["preOrder.full.request.json", "preOrder.full.request.xml", "refund.request.xml", "order.jsapi.request.json", "order.jsapi.request.xml"];
        let mut bytes = golden(names[name]).into_bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.insert(0, choice);
        fuzz_open(&bytes);
    }

    #[test]
    fn parameters(choice in any::<u8>(), text in "(&?(sign|_type|encrypt|serType|opType|pageNum|pageSize|beginDate|state)=[0-9a-zA-Z:%+-]{0,20}){0,8}") {
        let mut bytes = text.into_bytes();
        bytes.insert(0, choice);
        fuzz_open(&bytes);
    }

    #[test]
    fn signatures(bytes in prop::collection::vec(any::<u8>(), 0..80), text in "[0-9a-f]{30,34}:[0-9]{0,20}") {
        fuzz_sign(&bytes);
        fuzz_sign(text.as_bytes());
    }

    #[test]
    fn ciphers(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[A-Za-z0-9+/]{0,64}={0,2}") {
        fuzz_cipher(&bytes);
        fuzz_cipher(text.as_bytes());
        fuzz_cipher(format!("<a>{text}</a>").as_bytes());
    }

    #[test]
    fn addresses(rest in "[!-~]{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        fuzz_notify_url(&bytes);
        fuzz_notify_url(format!("http://a{rest}").as_bytes());
        fuzz_notify_url(format!("https://a/?{rest}&sign={rest}").as_bytes());
    }
}
