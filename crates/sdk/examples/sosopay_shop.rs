//! A shop's day at a gateway: it shows a code to be paid, hears that it was, scans a customer's code,
//! asks, gives money back, and looks at its orders.
//!
//! Start a sandbox in one terminal and this program in another:
//!
//! ```text
//! cargo run --release -- serve --sandbox
//! cargo run -p tradewind-sdk --example sosopay_shop
//! ```
//!
//! The one argument is the gateway's address, `http://127.0.0.1:8080` unless given. The merchant id and
//! key are the published ones of the sandbox's first shop.

#![allow(clippy::print_stdout, reason = "this program talks to people")]

mod listener;

use std::error::Error as StdError;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tradewind_sdk::sosopay::{
    Answer, BatchQueryRequest, Client, Config, Lookup, PayRequest, PayResponse, PrecreateRequest,
    QueryResponse, RefundRequest, State, ack, channel_name, code, try_again,
};
use tradewind_sdk::{Clock, Secret};

use listener::{Post, notified};

const BUSI_ID: &str = "0010000001";
const KEY: &str = "K7Q2M9X4T1V8B3N6L5R0Z2C7D4F9H1J8";

type Result<T, E = Box<dyn StdError>> = std::result::Result<T, E>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let base_url = std::env::args().nth(1);
    run(base_url.as_deref().unwrap_or("http://127.0.0.1:8080")).await
}

/// The whole day, at the gateway of this address.
pub(crate) async fn run(base_url: &str) -> Result<()> {
    let client = Client::new(Config::new(BUSI_ID, Secret::new(KEY), base_url))?;
    open_the_shop(&client, base_url).await?;
    // Numbers must be new each time, so they begin with the time.
    let day = Clock::system().now().ms();
    show_a_code(&client, &format!("A{day}")).await?;
    scan_a_code(&client, &format!("B{day}")).await?;
    give_money_back(&client, &format!("B{day}"), &format!("R{day}")).await?;
    look_at_the_orders(&client).await
}

/// Finds out whether the gateway is there, and what it offers.
async fn open_the_shop(client: &Client, base_url: &str) -> Result<()> {
    let channels = client.channels().await.map_err(|error| match error.code() {
        None => format!("no gateway answers at {base_url} ({error}); start one with `serve --sandbox`"),
        Some(code::INVALID_SIGN) => {
            format!("{error}; was the sandbox's clock moved away from this machine's?")
        }
        Some(_) => error.to_string(),
    })?;
    let names: Vec<&str> = channels.iter().filter_map(|channel| channel.name.as_deref()).collect();
    println!("payment channels at {base_url}: {}", names.join(", "));

    let manager = client.auth("manager01", &Secret::new("sandbox-manager")).await?;
    let name = manager.name.as_deref().unwrap_or("manager01");
    println!("{name} signed in; may refund: {}", manager.may_refund_order_of(BUSI_ID));
    Ok(())
}

/// The customer scans a code that the shop shows, and a notification tells that it was paid.
async fn show_a_code(client: &Client, order: &str) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let notify_url = format!("http://{}/paid?_type=json&encrypt=3DES", listener.local_addr()?);
    let request = PrecreateRequest::new()
        .operator("manager01")
        .device("till 1")
        .channel_type(1)
        .charge_code(order)
        // In the sandbox an amount that ends in 81 is paid by itself after three seconds.
        .amount("23.81".parse()?)
        .subject("a pot of tea")
        .notify_url(notify_url)
        .expires_after_minutes(5);
    let created = client.precreate(&request).await?;
    println!("order {order}: show this as a QR code: {}", created.bar_code);

    let believed = |post: &Post| client.parse_notification(&post.query, &post.body);
    let news = notified(&listener, ack(), try_again(), believed);
    let news = timeout(Duration::from_secs(60), news).await.map_err(|_| {
        "no notification within a minute; does the sandbox's clock stand still, or is it on another machine?"
    })??;
    println!("order {}: notified that it is {}, {} yuan", news.charge_code, news.state, news.amount);
    Ok(())
}

/// The shop scans the customer's code.
async fn scan_a_code(client: &Client, order: &str) -> Result<()> {
    let request = PayRequest::new()
        .operator("manager01")
        .device("till 1")
        .charge_code(order)
        .amount("158.00".parse()?)
        // A code of Alipay; in the sandbox it pays at once.
        .payer_code("284214903060790000")
        .subject("two coffees and a cake");
    match client.pay(&request).await {
        Ok(paid) => print_paid(order, &paid),
        Err(error) if error.is_unknown_outcome() => {
            println!("order {order}: {error}; the customer may have paid, so ask");
            settle(client, order).await?;
        }
        Err(error) => return Err(error.into()),
    }
    let found = client.query(&Lookup::charge_code(order)).await?;
    println!("order {order}: a query says {}", found.state);
    Ok(())
}

fn print_paid(order: &str, paid: &Answer<PayResponse>) {
    let channel = paid.channel_type.and_then(channel_name).unwrap_or("an unknown channel");
    let amount = paid.amount.map(|amount| amount.to_string()).unwrap_or_default();
    println!("order {order}: {amount} yuan paid by {channel}");
}

/// Asks until an order of unknown outcome is known. That there is no such order is an answer too: the
/// request never arrived.
async fn settle(client: &Client, order: &str) -> Result<Answer<QueryResponse>> {
    const ATTEMPTS: u32 = 30;
    for _ in 0..ATTEMPTS {
        match client.query(&Lookup::charge_code(order)).await {
            Ok(found) if found.state != State::Pending => return Ok(found),
            Ok(_) => {}
            Err(error) if error.is_retryable() => {}
            Err(error) => return Err(error.into()),
        }
        sleep(Duration::from_secs(5)).await;
    }
    Err(format!("the outcome of order {order} is still not known; somebody must look").into())
}

/// A part of the money goes back.
async fn give_money_back(client: &Client, order: &str, refund_no: &str) -> Result<()> {
    let request = RefundRequest::new()
        .operator("manager01")
        .device("till 1")
        .charge_code(order)
        .refund_no(refund_no)
        .amount("58.00".parse()?)
        .reason("the cake was sold out");
    client.refund(&request).await?;
    let refund = client.query(&Lookup::refund_no(refund_no)).await?;
    println!("refund {refund_no}: {} yuan, {}", refund.amount, refund.state);
    let found = client.query(&Lookup::charge_code(order)).await?;
    println!("order {order}: is now {}", found.state);

    // More than was paid does not go back.
    let refused = client.refund(&request.refund_no(format!("{refund_no}b")).amount("158.00".parse()?)).await;
    match refused {
        Err(error) if error.is_rejected() => println!("refund {refund_no}b: {error}"),
        Err(error) => return Err(error.into()),
        Ok(_) => return Err("the gateway gave back more than was paid".into()),
    }
    Ok(())
}

async fn look_at_the_orders(client: &Client) -> Result<()> {
    let page = client.batch_query(&BatchQueryRequest::new().operator("manager01").page_size(5)).await?;
    println!("the latest orders of manager01:");
    for trade in &page.trades {
        let number = trade.charge_code.as_deref().unwrap_or_default();
        println!("  {number}  {:>8} yuan  {}", trade.amount.to_string(), trade.state);
    }
    Ok(())
}
