//! Commands that talk to a gateway: what they ask, what they print, how they end.

use std::net::TcpListener;

use crate::fake::{Fake, Request};
use crate::run::{Done, Folder, run, tradewind};

const TOKEN: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";

/// A data folder on which the fake gateway seems to run.
fn announced(name: &str, fake: &Fake) -> Folder {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new(name);
    let address = fake.address;
    folder.file(
        "gateway.json",
        &format!("{{\"pid\":1,\"listen\":\"{address}\",\"ops\":\"{address}\",\"started_at_ms\":0}}"),
    );
    let token = folder.file("ops-token", &format!("{TOKEN}\n"));
    std::fs::set_permissions(token, std::fs::Permissions::from_mode(0o600)).unwrap();
    folder
}

fn ask(name: &str, line: &str, status: u16, answer: &str) -> (Request, Done) {
    let fake = Fake::answering(status, answer);
    let folder = announced(name, &fake);
    let data = folder.text("");
    let done = run(&[&["--data", &data], line.split(' ').collect::<Vec<_>>().as_slice()].concat());
    (fake.asked(), done)
}

#[test]
fn what_each_command_asks() {
    let check = |line: &str, call: &str, body: &str| {
        let (asked, done) = ask("asks", line, 200, "{}");
        assert_eq!((asked.call.as_str(), asked.body.as_str()), (call, body), "{line}");
        assert_eq!(asked.authorization, format!("Bearer {TOKEN}"), "{line}");
        let clean = if line == "verify" { Some(1) } else { Some(0) };
        assert_eq!(done.code, clean, "{line}: {}", done.err);
    };
    check("partner list", "GET /ops/v1/partners", "");
    check("partner list --show-secrets", "GET /ops/v1/partners?secrets=true", "");
    check("partner list --after par_1 --limit 5", "GET /ops/v1/partners?after=par_1&limit=5", "");
    check("partner show 0010000001", "GET /ops/v1/partners/0010000001", "");
    check(
        "partner add --dialect sosopay --key-id 0010000042 --name Shop --methods alipay,wechat --fee-ppm 6000 \
         --settings {\"a\":true}",
        "POST /ops/v1/partners",
        "{\"dialect\":\"sosopay\",\"fee_ppm\":6000,\"key_id\":\"0010000042\",\"methods\":[\"alipay\",\"wechat\"],\
         \"name\":\"Shop\",\"settings\":{\"a\":true}}",
    );
    check(
        "partner rotate 0010000001 --overlap 2h",
        "POST /ops/v1/partners/0010000001/rotate",
        "{\"overlap_s\":7200}",
    );
    check("partner enable par_1", "POST /ops/v1/partners/par_1/enable", "{}");
    check("partner disable par_1", "POST /ops/v1/partners/par_1/disable", "{}");
    check("partner set par_1 --name New", "PATCH /ops/v1/partners/par_1", "{\"name\":\"New\"}");
    check("user list par_1", "GET /ops/v1/partners/par_1/users", "");
    check("user disable par_1 a/b", "POST /ops/v1/partners/par_1/users/a%2Fb/disable", "{}");
    check(
        "endpoint add par_1 http://127.0.0.1:1/n --event order.paid,order.closed",
        "POST /ops/v1/partners/par_1/endpoints",
        "{\"events\":[\"order.paid\",\"order.closed\"],\"url\":\"http://127.0.0.1:1/n\"}",
    );
    check("endpoint list par_1", "GET /ops/v1/partners/par_1/endpoints", "");
    check("endpoint remove par_1 end_1", "DELETE /ops/v1/partners/par_1/endpoints/end_1", "");
    check("task list", "GET /ops/v1/tasks?state=pending", "");
    check(
        "task list --state failed --kind deliver --partner par_1 --after tsk_1 --limit 5",
        "GET /ops/v1/tasks?state=failed&kind=deliver&partner=par_1&after=tsk_1&limit=5",
        "",
    );
    check("task retry tsk_1 --partner par_1", "POST /ops/v1/partners/par_1/tasks/tsk_1/retry", "{}");
    check(
        "task retry --failed --kind deliver --partner par_1",
        "POST /ops/v1/tasks/retry",
        "{\"kind\":\"deliver\",\"partner\":\"par_1\",\"state\":\"failed\"}",
    );
    check("task cancel tsk_1 --partner par_1", "POST /ops/v1/partners/par_1/tasks/tsk_1/cancel", "{}");
    check("order show A/1 --partner par_1", "GET /ops/v1/orders/A%2F1?partner=par_1", "");
    check("order approve-revocation ord_1", "POST /ops/v1/orders/ord_1/revocation/approve", "{}");
    check("order reject-revocation ord_1", "POST /ops/v1/orders/ord_1/revocation/reject", "{}");
    check("clock show", "GET /ops/v1/clock", "");
    check("clock advance 1h30m", "POST /ops/v1/clock/advance", "{\"by_ms\":5400000}");
    check("clock freeze", "POST /ops/v1/clock/freeze", "{}");
    check("clock resume", "POST /ops/v1/clock/resume", "{}");
    check("verify", "POST /ops/v1/verify", "{}");
}

#[test]
fn json_is_the_answer_of_the_gateway() {
    let (_, done) = ask("json", "clock show --json", 200, r#"{"now_ms":7, "virtual":true,"frozen":true}"#);
    assert_eq!(done.out, "{\"frozen\":true,\"now_ms\":7,\"virtual\":true}\n");
}

#[test]
fn a_made_password_is_shown_once_and_a_given_one_never() {
    let (asked, done) =
        ask("made", "user add par_1 till --may-refund --device 869", 200, r#"{"login":"till"}"#);
    let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    let password = body["password"].as_str().unwrap();
    assert_eq!(password.len(), 20);
    assert_eq!(body["device"]["serial"], "869");
    assert_eq!((&body["name"], &body["may_refund"]), (&"till".into(), &true.into()));
    assert!(done.out.contains(password), "{}", done.out);

    let secrets = Folder::new("given-secrets");
    let file = secrets.file("password", "correct horse\nignored\n");
    let (asked, done) =
        ask("given", &format!("user add par_1 till --password-file {file}"), 200, r#"{"login":"till"}"#);
    assert!(asked.body.contains("\"password\":\"correct horse\""), "{}", asked.body);
    assert!(!done.out.contains("correct horse"), "{}", done.out);
}

#[test]
fn findings_are_told_by_the_exit_code() {
    let check = |answer: &str, code: i32, told: &str| {
        let (_, done) = ask("verify", "verify", 200, answer);
        assert_eq!((done.code, done.out.as_str()), (Some(code), told), "{answer}");
    };
    check(
        r#"{"clean":true,"checked":{"orders":3},"findings":[]}"#,
        0,
        "checked: 3 orders\nclean: the books agree\n",
    );
    check(
        r#"{"clean":false,"checked":{"orders":3},"findings":["a","b"]}"#,
        1,
        "checked: 3 orders\nNOT clean: 2 findings\n  a\n  b\n",
    );
}

#[test]
fn what_goes_wrong_is_one_line() {
    let check = |status: u16, answer: &str, plain: &str, json: &str| {
        let (_, done) = ask("wrong", "order show x", status, answer);
        assert!(done.code == Some(1) && done.out.is_empty(), "{status} {answer}");
        assert_eq!(mask(&done.err), format!("error: {plain}\n"));
        let (_, done) = ask("wrong", "--json order show x", status, answer);
        assert_eq!(
            mask(&done.err),
            format!("{{\"error\":{{\"code\":\"{json}\",\"message\":\"{plain}\"}}}}\n")
        );
    };
    check(
        404,
        r#"{"error":{"code":"not_found","message":"there is no such order"}}"#,
        "there is no such order",
        "not_found",
    );
    check(
        401,
        r#"{"error":{"code":"unauthorised","message":"x"}}"#,
        "the gateway at http://127.0.0.1:PORT does not accept the operator token",
        "unauthorised",
    );
    let alien = |status| {
        format!(
            "the answer of http://127.0.0.1:PORT to GET /ops/v1/orders/x is not the operator API's (status {status})"
        )
    };
    check(200, "<html>", &alien(200), "alien");
    check(500, "{}", &alien(500), "alien");
}

#[test]
fn no_gateway() {
    let folder = Folder::new("none");
    let data = folder.text("");
    let done = run(&["--data", &data, "verify"]);
    assert_eq!(done.code, Some(1));
    assert!(
        done.err.contains("no gateway runs on the data folder") && done.err.contains("--ops-url"),
        "{}",
        done.err
    );

    // One that was killed left its announcement behind, and nobody listens there any more.
    let fake = Fake::answering(200, "{}");
    let folder = announced("killed", &fake);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    folder.file(
        "gateway.json",
        &format!("{{\"pid\":4711,\"listen\":\"{port}\",\"ops\":\"{port}\",\"started_at_ms\":0}}"),
    );
    let done = run(&["--data", &folder.text(""), "verify"]);
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("does not answer") && done.err.contains("process 4711"), "{}", done.err);
    assert_eq!(done.err.matches("refused").count(), 1, "said once: {}", done.err);
}

#[test]
fn a_gateway_elsewhere_is_reached_by_url_and_token() {
    let check = |arguments: &[&str], variable: Option<&str>, code: i32, authorization: &str| {
        let fake = Fake::answering(200, r#"{"clean":true}"#);
        let url = format!("http://{}/", fake.address);
        let mut command = tradewind(&["verify", "--ops-url", &url]);
        command.args(arguments).envs(variable.map(|token| ("TRADEWIND_OPS_TOKEN", token)));
        let done: Done = command.output().unwrap().into();
        assert_eq!(done.code, Some(code), "{arguments:?}: {}", done.err);
        assert_eq!(fake.asked().authorization, authorization, "{arguments:?}");
    };
    check(&["--ops-token", "abc"], None, 0, "Bearer abc");
    check(&[], Some("def"), 0, "Bearer def");
    let folder = announced("elsewhere", &Fake::answering(200, ""));
    check(&["--ops-token-file", &folder.text("ops-token")], None, 0, &format!("Bearer {TOKEN}"));

    let done = run(&["verify", "--ops-url", "http://127.0.0.1:1"]);
    assert!(done.code == Some(1) && done.err.contains("--ops-token-file"), "{}", done.err);
}

#[test]
fn a_token_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = announced("open", &Fake::answering(200, ""));
    std::fs::set_permissions(folder.path().join("ops-token"), std::fs::Permissions::from_mode(0o644))
        .unwrap();
    let done = run(&["--data", &folder.text(""), "verify"]);
    assert!(done.code == Some(1) && done.err.contains("may be read by others (mode 644)"), "{}", done.err);
    assert!(!done.err.contains(TOKEN), "{}", done.err);
}

/// The port differs from run to run.
fn mask(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("127.0.0.1:") {
        masked.push_str(before);
        masked.push_str("127.0.0.1:PORT");
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    masked + rest
}
