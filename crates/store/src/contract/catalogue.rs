//! The catalogue: written and read back, listed like a naive model lists it, unique where it has to be.

use tradewind_domain::{
    Day, EventKind, ListSkus, Need, PartnerId, Price, Product, ProductId, ProductState, Sku, SkuChoice,
    SkuId, SkuKind, SkuListing, Span, Stock, StockKey, StockPlan, TicketRules, WriteSet,
};

use super::Fixture;
use super::desk::Desk;
use super::samples::{self, NOW, yuan};
use super::shop::{self, SELLER};
use crate::{SkuQuery, StoreError};

const TODAY: Day = Day::from_number(20_414);

/// Products, skus and stocks, bare and with everything filled, found by every name, and changed.
pub async fn products_skus_and_stocks(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let products = [shop::product(SELLER, 1), shop::filled_product(shop::product(SELLER, 2))];
    let skus = [
        shop::sku(&products[0], 11),
        shop::filled_sku(shop::sku(&products[0], 12)),
        shop::sku(&products[1], 13),
    ];
    let stocks = [
        shop::stock(&skus[0], None, 0),
        Stock { held: 1, sold: u32::MAX - 1, closed: true, ..shop::stock(&skus[1], Some(TODAY), u32::MAX) },
        Stock { price: Some(shop::price(7)), ..shop::stock(&skus[1], Some(Day::from_number(-5)), 5) },
    ];
    let written = WriteSet {
        partners_new: vec![samples::partner(SELLER.get())],
        products_new: products.to_vec(),
        skus_new: skus.to_vec(),
        stocks_new: stocks.to_vec(),
        ..WriteSet::default()
    };
    desk.commit(&written).await.unwrap();
    check(&mut desk, &products, &skus, &stocks).await;

    let products = products.map(|product| {
        if product.system.is_none() {
            shop::filled_product(product)
        } else {
            Product { name: "new".into(), ..shop::product(SELLER, product.id.get()) }
        }
    });
    let skus = skus.map(|sku| {
        let bare = shop::sku(&shop::product(SELLER, sku.product.get()), sku.id.get());
        if sku.sale_from.is_none() { shop::filled_sku(sku) } else { bare }
    });
    let stocks = stocks.map(|stock| Stock {
        total: stock.total / 2 + 1,
        held: stock.held + 1,
        sold: stock.sold / 2,
        closed: !stock.closed,
        price: stock.price.is_none().then(|| shop::price(3)),
        ..stock
    });
    let update = WriteSet {
        products_changed: products.to_vec(),
        skus_changed: skus.to_vec(),
        stocks_changed: stocks.to_vec(),
        ..WriteSet::default()
    };
    desk.commit(&update).await.unwrap();
    check(&mut desk, &products, &skus, &stocks).await;
}

async fn check(desk: &mut Desk, products: &[Product], skus: &[Sku], stocks: &[Stock]) {
    let one = |id: ProductId| products.iter().find(|product| product.id == id).cloned().unwrap();
    for product in products {
        for rows in
            [desk.read(Need::Product(product.id)).await, desk.load(&[Need::Product(product.id)]).await]
        {
            let of_it: Vec<Sku> = skus.iter().filter(|sku| sku.product == product.id).cloned().collect();
            assert_eq!((rows.products, rows.skus), (vec![product.clone()], of_it), "a product has its skus");
        }
    }
    for sku in skus {
        for rows in [desk.read(Need::Sku(sku.id)).await, desk.load(&[Need::Sku(sku.id)]).await] {
            assert_eq!((rows.skus, rows.products), (vec![sku.clone()], vec![one(sku.product)]));
            assert_eq!(rows.partners, [samples::partner(SELLER.get())], "a sku comes with its seller");
        }
    }
    for stock in stocks {
        assert_eq!(desk.read(Need::Stock(stock.key)).await.stocks, std::slice::from_ref(stock));
        assert_eq!(desk.load(&[Need::Stock(stock.key)]).await.stocks, std::slice::from_ref(stock));
    }
    let everything = skus.iter().map(|sku| Need::Sku(sku.id));
    let everything: Vec<Need> =
        everything.chain(products.iter().map(|product| Need::Product(product.id))).collect();
    let rows = desk.load(&everything).await;
    assert_eq!((rows.products.len(), rows.skus.len(), rows.partners.len()), (2, 3, 1), "nothing comes twice");
}

/// What is not there is left out; an id and a day are taken once; an update needs its row.
pub async fn catalogue_conflicts(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let product = shop::product(SELLER, 1);
    let sku = shop::sku(&product, 1);
    let key = StockKey { sku: sku.id, day: Some(TODAY) };
    let needs = [
        Need::Product(product.id),
        Need::Sku(sku.id),
        Need::Stock(key),
        Need::Stock(StockKey { day: None, ..key }),
    ];
    for rows in [desk.load(&needs).await, desk.store.read(needs.to_vec()).await.unwrap()] {
        assert!(rows.products.is_empty() && rows.skus.is_empty() && rows.stocks.is_empty(), "{rows:?}");
    }
    let (undated, dated) = (shop::stock(&sku, None, 1), shop::stock(&sku, Some(TODAY), 1));
    let none = WriteSet::default;
    let first = WriteSet {
        partners_new: vec![samples::partner(SELLER.get()), samples::partner(51)],
        products_new: vec![product.clone()],
        skus_new: vec![sku.clone()],
        stocks_new: vec![undated.clone(), dated.clone()],
        ..none()
    };
    desk.commit(&first).await.unwrap();
    let other = PartnerId::from_i64(51);
    let theirs = Product { seller: other, ..product.clone() };
    let conflicts = [
        ("product", WriteSet { products_new: vec![product.clone()], ..none() }),
        ("sku", WriteSet { skus_new: vec![sku.clone()], ..none() }),
        ("stock", WriteSet { stocks_new: vec![undated], ..none() }),
        ("stock of a day", WriteSet { stocks_new: vec![dated.clone()], ..none() }),
        ("seller", WriteSet { products_new: vec![shop::product(PartnerId::from_i64(52), 2)], ..none() }),
        ("no such product", WriteSet { products_changed: vec![shop::product(SELLER, 2)], ..none() }),
        ("another's product", WriteSet { products_changed: vec![theirs], ..none() }),
        ("no such sku", WriteSet { skus_changed: vec![shop::sku(&product, 2)], ..none() }),
        ("another's sku", WriteSet { skus_changed: vec![Sku { seller: other, ..sku.clone() }], ..none() }),
        (
            "no such stock",
            WriteSet { stocks_changed: vec![shop::stock(&sku, Some(TODAY.plus(1)), 1)], ..none() },
        ),
        ("another's stock", WriteSet { stocks_changed: vec![Stock { seller: other, ..dated }], ..none() }),
    ];
    for (what, set) in conflicts {
        let result = desk.commit(&set).await;
        assert!(matches!(result, Err(StoreError::Conflict(_))), "{what}: {result:?}");
    }
}

/// What is on sale, page by page and by id, over products and skus of every standing.
pub async fn skus_on_sale(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let (mut products, mut skus, mut stocks) = (Vec::new(), Vec::new(), Vec::new());
    let at = |ms: i64| Some(NOW + Span::from_ms(ms));
    let windows = [(None, None), (at(0), at(1)), (at(1), None), (None, at(0)), (at(-5), None), (None, at(5))];
    for (id, (state, system)) in (1..).zip([
        (ProductState::OnSale, None),
        (ProductState::OffSale, None),
        (ProductState::OnSale, Some("upstream")),
        (ProductState::OnSale, Some("")),
        (ProductState::OnSale, None),
    ]) {
        let product = Product { state, system: system.map(Into::into), ..shop::product(SELLER, id) };
        for (sale_from, sale_until) in windows {
            // Ids run against the products, because a page goes by the id of the sku.
            let number = 1_000 - i64::try_from(skus.len()).unwrap();
            let mut sku = Sku { sale_from, sale_until, ..shop::sku(&product, number) };
            match number % 3 {
                0 => stocks.push(shop::stock(&sku, None, 9)),
                1 => {
                    let dated = TicketRules { dated: true, ..shop::rules() };
                    sku.kind = SkuKind::Ticket(dated);
                    stocks.push(shop::stock(&sku, Some(TODAY), 8));
                }
                _ => {}
            }
            skus.push(sku);
        }
        products.push(product);
    }
    let written = WriteSet {
        partners_new: vec![samples::partner(SELLER.get())],
        products_new: products.clone(),
        skus_new: skus.clone(),
        stocks_new: stocks.clone(),
        ..WriteSet::default()
    };
    desk.commit(&written).await.unwrap();
    skus.sort_by_key(|sku| sku.id);
    let naive = |passes: &dyn Fn(&Sku, &Product) -> bool| {
        let product = |sku: &Sku| products.iter().find(|product| product.id == sku.product).cloned().unwrap();
        let on_sale = |sku: &&Sku| {
            product(sku).state == ProductState::OnSale
                && sku.in_sale_window(NOW)
                && passes(sku, &product(sku))
        };
        let listing = |sku: &Sku| {
            let key = StockKey { sku: sku.id, day: None };
            let stock = stocks.iter().find(|stock| stock.key == key).cloned();
            SkuListing { sku: sku.clone(), product: product(sku), stock }
        };
        skus.iter().filter(on_sale).map(listing).collect::<Vec<_>>()
    };
    for system in [None, Some("upstream"), Some(""), Some("no such")] {
        let expected = naive(&|_, product| product.system.as_deref() == system);
        assert_eq!(expected.is_empty(), system == Some("no such"));
        for page_size in [0_u32, 1, 3, 100] {
            let mut found = Vec::new();
            for page in 0.. {
                let choice = SkuChoice::Page { page, page_size };
                let got = list(&desk, ListSkus { choice, system: system.map(Into::into) }).await;
                assert_eq!(got.total, expected.len() as u64);
                assert!(got.entries.len() <= usize::try_from(page_size).unwrap());
                if got.entries.is_empty() {
                    break;
                }
                found.extend(got.entries);
            }
            assert_eq!(found, if page_size == 0 { Vec::new() } else { expected.clone() }, "{system:?}");
        }
    }
    let wanted = [999, 5, 985, 998, 999, 1_000].map(SkuId::from_i64);
    let expected = naive(&|sku, _| wanted.contains(&sku.id));
    assert!(expected.len() >= 2, "some of them are on sale");
    let got =
        list(&desk, ListSkus { choice: SkuChoice::Ids(wanted.to_vec()), system: Some("any".into()) }).await;
    assert_eq!((got.total, got.entries), (expected.len() as u64, expected));
    let nothing = list(&desk, ListSkus { choice: SkuChoice::Ids(Vec::new()), system: None }).await;
    assert_eq!((nothing.total, nothing.entries.len()), (0, 0));
}

async fn list(desk: &Desk, list: ListSkus) -> tradewind_domain::SkuPage {
    desk.store.list_skus(SkuQuery { list, now: NOW }).await.unwrap()
}

/// The days of one sku, in order, and no more of them than are planned at once.
pub async fn calendars(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let product = shop::product(SELLER, 1);
    let (sku, other) = (shop::sku(&product, 1), shop::sku(&product, 2));
    let mut stocks = vec![shop::stock(&sku, None, 1), shop::stock(&other, Some(TODAY), 1)];
    let days = i32::try_from(StockPlan::MAX).unwrap() + 10;
    // Every third day is not sold.
    let days: Vec<Day> = (0..days).map(|n| TODAY.plus(n + n / 2)).collect();
    for day in &days {
        let price =
            (day.number() % 2 == 0).then(|| Price { sell: yuan(day.number().into()), ..shop::price(1) });
        stocks.push(Stock { price, ..shop::stock(&sku, Some(*day), 7) });
    }
    stocks.reverse();
    let written = WriteSet {
        partners_new: vec![samples::partner(SELLER.get())],
        products_new: vec![product],
        skus_new: vec![sku.clone(), other],
        stocks_new: stocks.clone(),
        ..WriteSet::default()
    };
    desk.commit(&written).await.unwrap();
    let farthest = Day::from_number(i32::MAX);
    let nearest = Day::from_number(i32::MIN);
    for (from, until) in [
        (TODAY, TODAY),
        (TODAY.plus(1), TODAY.plus(6)),
        (TODAY.plus(2), TODAY.plus(2)),
        (TODAY.plus(6), TODAY.plus(1)),
        (TODAY.plus(-9), TODAY.plus(-1)),
        (nearest, farthest),
        (TODAY.plus(100), farthest),
    ] {
        let mut expected: Vec<Stock> = stocks.clone();
        expected.retain(|stock| {
            stock.key.sku == sku.id && stock.key.day.is_some_and(|day| day >= from && day <= until)
        });
        expected.sort_by_key(|stock| stock.key);
        expected.truncate(StockPlan::MAX);
        assert_eq!(desk.store.list_stocks(sku.id, from, until).await.unwrap(), expected, "{from} to {until}");
    }
    assert_eq!(desk.store.list_stocks(SkuId::from_i64(9), nearest, farthest).await.unwrap(), []);
}

/// Products of one seller or of all, on sale or not, with all their skus, page by page.
pub async fn products_by_seller(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let sellers = [SELLER, PartnerId::from_i64(51)];
    let mut products: Vec<Product> = (1..=7)
        .map(|id| Product {
            state: if id % 2 == 0 { ProductState::OnSale } else { ProductState::OffSale },
            ..shop::product(sellers[usize::from(id % 3 == 0)], id)
        })
        .collect();
    let skus: Vec<Sku> =
        (0..12).map(|n: i64| shop::sku(&products[usize::try_from(n % 5).unwrap()], 100 - n)).collect();
    products.rotate_left(3);
    let written = WriteSet {
        partners_new: vec![samples::partner(SELLER.get()), samples::partner(51)],
        products_new: products.clone(),
        skus_new: skus.clone(),
        ..WriteSet::default()
    };
    desk.commit(&written).await.unwrap();
    products.sort_by_key(|product| product.id);
    for seller in [None, Some(SELLER), Some(sellers[1]), Some(PartnerId::from_i64(9))] {
        let expected: Vec<Product> = products
            .iter()
            .filter(|product| seller.is_none_or(|seller| product.seller == seller))
            .cloned()
            .collect();
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = desk.store.list_products(seller, after, 2).await.unwrap();
            let Some(last) = page.products.last() else { break };
            after = Some(last.id);
            let mut of_page: Vec<Sku> = page.skus;
            of_page.sort_by_key(|sku| sku.id);
            let of_them = |sku: &&Sku| page.products.iter().any(|product| product.id == sku.product);
            let mut expected: Vec<Sku> = skus.iter().filter(of_them).cloned().collect();
            expected.sort_by_key(|sku| sku.id);
            assert_eq!(of_page, expected);
            assert!(page.products.len() <= 2);
            found.extend(page.products);
        }
        assert_eq!(found, expected, "{seller:?}");
    }
}

/// Who wants to hear of something comes with all its endpoints and its stream; who does not is left out.
pub async fn listeners(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    for id in 1..=4 {
        desk.add_partner(id).await;
    }
    let listening = |owner: i64, id: i64, events: &[EventKind]| tradewind_domain::Endpoint {
        events: events.to_vec(),
        ..samples::endpoint(owner, id)
    };
    let endpoints = vec![
        listening(1, 11, &[EventKind::ProductChanged, EventKind::OrderPaid]),
        listening(3, 13, &[EventKind::ProductListed]),
        listening(4, 14, &EventKind::ALL),
        listening(4, 15, &[EventKind::ProductChanged]),
    ];
    let streams_new = vec![tradewind_domain::Stream { partner: PartnerId::from_i64(4), last: 9 }];
    desk.commit(&WriteSet { endpoints_new: endpoints, streams_new, ..WriteSet::default() }).await.unwrap();
    for (kind, partners) in [
        (EventKind::ProductChanged, vec![1, 4]),
        (EventKind::ProductListed, vec![3, 4]),
        (EventKind::ProductDelisted, vec![4]),
        (EventKind::OrderPaid, vec![1, 2, 3, 4]),
    ] {
        let also = [Need::Partner(PartnerId::from_i64(4)), Need::Listeners(kind)];
        for rows in [desk.read(Need::Listeners(kind)).await, desk.load(&also).await] {
            let mut found: Vec<i64> = rows.partners.iter().map(|partner| partner.id.get()).collect();
            found.sort_unstable();
            assert_eq!(found, partners, "{kind:?}");
            for endpoint in &rows.endpoints {
                assert!(partners.contains(&endpoint.partner.get()));
            }
            let wanting = rows.endpoints.iter().filter(|endpoint| endpoint.events.contains(&kind));
            let mut wanting: Vec<i64> = wanting.map(|endpoint| endpoint.partner.get()).collect();
            wanting.sort_unstable();
            wanting.dedup();
            assert_eq!(wanting, partners, "{kind:?}");
            assert_eq!(rows.streams.iter().filter(|stream| stream.last == 9).count(), 1, "{kind:?}");
        }
    }
}
