//! Parameters of the batch query (section 5.8).

use tradewind_domain::{Call, ListOrders, Method, OrderStanding, Refusal, Timestamp};

use crate::calls::{Verdict, verdict};
use crate::support::{NOW, Shop};

fn list(parameters: &str) -> Result<ListOrders, Refusal> {
    let shop = Shop::new();
    let request = shop.get("queryTrades", "", parameters);
    match shop.open("queryTrades", &request)? {
        Call::ListOrders(list) => Ok(list),
        other => panic!("{other:?}"),
    }
}

#[test]
fn batch_queries() {
    let got = list("&PageNum=2&PAGESIZE=100&ChargeCode=T1&userId=op%201&ChannelType=2&state=7").unwrap();
    assert_eq!((got.page, got.page_size), (2, 100));
    assert_eq!(got.number.as_deref(), Some("T1"));
    assert_eq!(got.operator.as_deref(), Some("op 1"));
    assert_eq!(got.method, Some(Method::WECHAT));
    assert_eq!(got.standings, [OrderStanding::Revoked, OrderStanding::Refunded]);
    let all = list("&pageNum=1&pageSize=10&state=&channelType=0&userId=&chargeCode=").unwrap();
    assert_eq!((all.method, all.operator, all.number, all.standings.len()), (None, None, None, 0));
    for bad in [
        "&pageSize=10",
        "&pageNum=1",
        "&pageNum=0&pageSize=10",
        "&pageNum=-1&pageSize=10",
        "&pageNum=x&pageSize=10",
        "&pageNum=1&pageSize=0",
        "&pageNum=1&pageSize=101",
        "&pageNum=4294967297&pageSize=10",
        "&pageNum=1&pageSize=10&state=x",
        "&pageNum=1&pageSize=10&state=11",
        "&pageNum=1&pageSize=10&channelType=x",
        "&pageNum=1&pageSize=10&channelType=17",
        "&pageNum=1&pageSize=10&chargeCode=%00",
        "&pageNum=1&pageSize=10&userId=%zz",
        "&pageNum=1&pageSize=10&userId=%ff",
    ] {
        assert_eq!(verdict(list(bad).map(drop)), Verdict::Parameter, "{bad}");
    }
}

#[test]
fn dates_of_batch_queries() {
    const DAY: i64 = 86_400_000;
    /// 2016-08-05 00:00:00 in GMT+8.
    const AUG_5: i64 = 1_470_326_400_000;
    assert_eq!(NOW.ms() - AUG_5, 33_600_123);
    for (dates, from, until) in [
        ("", AUG_5 - 30 * DAY, AUG_5 + DAY),
        ("&beginDate=2016-08-05&endDate=2016-08-05", AUG_5, AUG_5 + DAY),
        (
            "&beginDate=2016-08-05+01:00:00&endDate=2016-08-05%2001:00:00",
            AUG_5 + 3_600_000,
            AUG_5 + 3_601_000,
        ),
        ("&beginDate=2016-08-04", AUG_5 - DAY, AUG_5 + DAY),
        ("&endDate=2016-08-04", AUG_5 - 31 * DAY, AUG_5),
        ("&beginDate=2016-02-29&endDate=2016-03-01", 1_456_675_200_000, 1_456_675_200_000 + 2 * DAY),
        ("&beginDate=2016-05-05&endDate=2016-08-05", AUG_5 - 92 * DAY, AUG_5 + DAY),
    ] {
        let got = list(&format!("&pageNum=1&pageSize=10{dates}")).unwrap();
        assert_eq!((got.from, got.until), (Timestamp::from_ms(from), Timestamp::from_ms(until)), "{dates}");
    }
    for dates in [
        "&beginDate=2016-13-01",
        "&beginDate=yesterday",
        "&beginDate=2016-02-30&endDate=2016-03-01",
        "&beginDate=2016-8-5",
        "&beginDate=2016-08-05+25:00:00",
        "&beginDate=2016-08-05T01:00:00",
        "&beginDate=2016-08-05+01:00",
        "&endDate=2016-08-05+",
        "&beginDate=2016-08-06&endDate=2016-08-05",
        "&beginDate=2016-05-04&endDate=2016-08-05",
        "&beginDate=2015-08-05",
        "&endDate=20160805",
        "&beginDate=99999-01-01",
    ] {
        assert_eq!(
            verdict(list(&format!("&pageNum=1&pageSize=10{dates}")).map(drop)),
            Verdict::Parameter,
            "{dates}"
        );
    }
}
