//! Payment channels (section 5.9).

use tradewind_dialect::RawResponse;
use tradewind_dialect::codec::ListShape;
use tradewind_domain::{Call, Method, Timestamp};

use crate::answer::Reply;
use crate::dictionaries::{Channel, channel_of};
use crate::errors::Code;

/// Maps the request, which says nothing beyond whose it is.
pub(crate) fn call() -> Call {
    Call::ListMethods
}

/// The channels of these methods, by number. Methods of other protocols have no number here and are left
/// out.
pub(crate) fn rows(methods: &[Method]) -> Vec<&'static Channel> {
    let mut rows: Vec<&Channel> = methods.iter().filter_map(channel_of).collect();
    rows.sort_by_key(|row| row.code);
    rows.dedup();
    rows
}

/// Writes the answer: the partner's channels.
pub(crate) fn answer(reply: &Reply, methods: &[Method], now: Timestamp) -> RawResponse {
    let rows = rows(methods);
    reply.envelope.answer(Code::Success, "ok", now, |writer| {
        let numbered = (1..).zip(rows.iter()).collect::<Vec<(i64, _)>>();
        writer.list(
            "PAY_CHANNEL_LIST",
            "PAY_CHANNEL",
            ListShape::Array,
            numbered.into_iter(),
            |writer, (place, row)| {
                writer.int("CHANNEL_TYPE", i64::from(row.code));
                writer.text("CHANNEL_NAME", row.name);
                writer.int("SORT_NO", place);
            },
        );
    })
}
