//! A distributor at a gateway that sells tickets: it looks at what there is, buys two tickets, hears that
//! one of them was used, and gives the other one back.
//!
//! Start a sandbox in one terminal, tell it once where this distributor wants to be notified, and start this
//! program in another terminal:
//!
//! ```text
//! cargo run --release -- serve --sandbox
//! cargo run --release -- endpoint add 1985 http://127.0.0.1:8085/ --event voucher.redeemed
//! cargo run -p tradewind-sdk --example lianhe_distributor
//! ```
//!
//! The first argument is the gateway's address, `http://127.0.0.1:8080` unless given; the second is where to
//! listen, `127.0.0.1:8085`. Partner, account and secret are the published ones of the sandbox's first
//! distributor.

#![allow(clippy::print_stdout, reason = "this program talks to people")]

mod listener;

use std::error::Error as StdError;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tradewind_sdk::lianhe::{
    Client, Config, News, OrderNames, OrderRequest, Product, ProductQuery, Redeemed, RefundRequest, Refusal,
    Resolved, TeamType, Visitor, ack, try_again,
};
use tradewind_sdk::{Clock, Secret};

use listener::{Post, notified};

const PARTNER_ID: i64 = 1985;
const API_NAME: &str = "demo";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The gateway looks for news every five minutes.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

type Result<T, E = Box<dyn StdError>> = std::result::Result<T, E>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let base_url = arguments.next().unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8085".to_owned());
    let listener = TcpListener::bind(&listen).await?;
    // Numbers must be new each time, so they begin with the time.
    let clock = Clock::system();
    let number = format!("D{}", clock.now().ms());
    run(&base_url, clock, &listener, &number).await
}

/// The whole story of one order, at the gateway of this address.
pub(crate) async fn run(base_url: &str, clock: Clock, listener: &TcpListener, number: &str) -> Result<()> {
    let config = Config::new(PARTNER_ID, Secret::new(SECRET), base_url);
    let client = Client::new(Config { api_name: API_NAME.to_owned(), ..config })?.with_clock(clock);
    let ticket = choose(&client, base_url).await?;
    let (order, codes) = buy(&client, &ticket, number).await?;
    hear_of_it(&client, listener, &order, &codes).await?;
    give_back(&client, &order).await
}

/// Finds a ticket that can be bought without further ado.
async fn choose(client: &Client, base_url: &str) -> Result<Product> {
    let page =
        client.products(&ProductQuery::page(0, 100).without_notes()).await.map_err(|error| {
            match (error.is_unauthorized(), error.code()) {
                (true, _) => format!("{error}; was the sandbox's clock moved away from this machine's?"),
                (false, Some(_)) => error.to_string(),
                (false, None) => {
                    format!("no gateway answers at {base_url} ({error}); start one with `serve --sandbox`")
                }
            }
        })?;
    let products = page.into_inner().products;
    for product in &products {
        let price = product.prices.sell.map(|price| price.to_string()).unwrap_or_default();
        println!("on sale: {}, {price} yuan", product.name);
    }
    let is_simple = |product: &Product| {
        product.team_type == TeamType::Normal
            && product.needs_every_visitor != Some(true)
            && product.needs_document != Some(true)
            && product.can_refund != Some(false)
            && product.stock.is_some_and(|stock| stock >= 2)
    };
    products.into_iter().find(is_simple).ok_or_else(|| "nothing on sale is simple enough".into())
}

/// Buys two of them. What cannot be told to have failed is asked for, and never bought a second time.
async fn buy(client: &Client, ticket: &Product, number: &str) -> Result<(OrderNames, Vec<String>)> {
    let price = ticket.prices.sell.ok_or("the ticket has no price")?;
    let visitor = Visitor::new("Han Meimei", "13800000001");
    let request = OrderRequest::new().order_id(number).deal_id(&ticket.deal_id).sell_price(price);
    let request = request.quantity(2).visitor(visitor);
    let (lh_order_id, codes) = match client.new_order(&request).await {
        Ok(bought) => {
            let bought = bought.into_inner();
            (bought.lh_order_id, bought.vouchers)
        }
        Err(error) if error.is_unknown_outcome() => {
            println!("order {number}: {error}; it may have been bought, so ask");
            settle(client, &request).await?
        }
        Err(error) => return Err(error.into()),
    };
    println!("order {number}: two of `{}` are bought, the codes are {}", ticket.name, codes.join(" and "));
    Ok((request.names(lh_order_id), codes))
}

/// Asks until an order of unknown outcome is known. That there is no such order is an answer too.
async fn settle(client: &Client, request: &OrderRequest) -> Result<(String, Vec<String>)> {
    const ATTEMPTS: u32 = 30;
    for _ in 0..ATTEMPTS {
        match client.resolve_new_order(request).await {
            Ok(Resolved::Bought(order)) => {
                let order = order.into_inner();
                return Ok((order.lh_order_id, order.vouchers));
            }
            Ok(other) => return Err(format!("the tickets are not bought: {other:?}").into()),
            Err(error) if error.is_retryable() => sleep(Duration::from_secs(5)).await,
            Err(error) => return Err(error.into()),
        }
    }
    Err("the outcome of the order is still not known; somebody must look".into())
}

/// Waits until one of the tickets is used, which somebody has to do at the gate.
async fn hear_of_it(
    client: &Client,
    listener: &TcpListener,
    order: &OrderNames,
    codes: &[String],
) -> Result<()> {
    let code = codes.first().map(String::as_str).unwrap_or_default();
    println!("now use one: `tradewind ticket redeem {code}`; the gateway tells it within five minutes,");
    println!("or at once after `tradewind clock advance 5m`");
    let news = timeout(PATIENCE, redeemed(client, listener, order)).await;
    let news = news.map_err(|_| "no notification; does the gateway know this address?")??;
    println!("order {}: notified that {} of {} are used", news.order_id, news.used, news.ordered);
    Ok(())
}

/// The first news that a ticket of this order was used. Other news are taken too: a distributor has one
/// address for all.
async fn redeemed(client: &Client, listener: &TcpListener, order: &OrderNames) -> Result<Redeemed> {
    loop {
        let believed = |post: &Post| client.parse_notification(|name| post.header(name), &post.body);
        match notified(listener, ack(), try_again(), believed).await?.news {
            News::Redeemed(news) if news.lh_order_id == order.lh_order_id => return Ok(news),
            other => println!("other news: {other:?}"),
        }
    }
}

/// Gives back what is left of the order.
async fn give_back(client: &Client, order: &OrderNames) -> Result<()> {
    // Both cannot go back any more.
    let both = RefundRequest::new(order.clone(), 2).refund_id("R1");
    match client.cancel_order(&both).await.map_err(|error| (Refusal::of(&error), error)) {
        Err((Some(refusal), error)) => {
            println!("refund of both: {error}");
            println!("so many can be given back: {}", refusal.refundable.unwrap_or_default());
        }
        Err((None, error)) => return Err(error.into()),
        Ok(_) => return Err("the gateway takes back a ticket that was used".into()),
    }
    let one = RefundRequest::new(order.clone(), 1).refund_id("R2");
    let applied = client.cancel_order(&one).await?;
    println!("refund of {}: accepted", applied.quantity.unwrap_or_default());
    let state = client.query_order(order).await?;
    let refund = state.refund.map(|refund| refund.to_string()).unwrap_or_default();
    println!("order {}: is now {}, its refund {refund}", order.order_id, state.status);
    Ok(())
}
