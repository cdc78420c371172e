//! Commands that need no gateway.

use crate::run::{Folder, run, tradewind};

#[test]
fn the_printed_reference_is_a_configuration_without_problems() {
    let folder = Folder::new("reference");
    let printed = run(&["config", "print"]);
    assert_eq!(printed.code, Some(0));
    let file = folder.file("tradewind.toml", &printed.out);
    let done = run(&["config", "check", &file]);
    assert_eq!((done.code, done.out.as_str()), (Some(0), "the configuration is fine\n"));
}

#[test]
fn every_problem_of_a_configuration_is_told() {
    let folder = Folder::new("problems");
    let file = folder.file("t.toml", "threads = 0\n[ops]\nlistn = 1\n");
    let place = |text: &str| text.replace("FILE", &file);

    let done = run(&["config", "check", &file]);
    assert_eq!(done.code, Some(2));
    assert_eq!(
        done.out,
        place(
            "ops.listn (FILE, line 3): unknown key `listn`, expected `listen`\n\
             threads (FILE, line 1): 0 is not between 1 and 256\n"
        )
    );

    let done = run(&["--json", "config", "check", &file]);
    assert_eq!(
        done.out,
        place(
            "{\"problems\":[{\"file\":\"FILE\",\"key\":\"ops.listn\",\"line\":3,\"message\":\"unknown key `listn`, \
             expected `listen`\"},{\"file\":\"FILE\",\"key\":\"threads\",\"line\":1,\"message\":\"0 is not between 1 \
             and 256\"}]}\n"
        )
    );

    // A command that needs the configuration ends the same way.
    let done = run(&["--config", &file, "serve"]);
    assert_eq!(done.code, Some(2));
    assert_eq!(
        done.err,
        place(
            "error: ops.listn (FILE, line 3): unknown key `listn`, expected `listen`; threads (FILE, line 1): 0 is \
             not between 1 and 256\n"
        )
    );
}

#[test]
fn an_unknown_variable_is_named() {
    let mut command = tradewind(&["verify"]);
    let output = command.env("TRADEWIND__LIMITS__BODY_BITES", "1").output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told.starts_with("error: limits.body_bites (variable TRADEWIND__LIMITS__BODY_BITES): unknown key"),
        "{told}"
    );
}

#[test]
fn a_wrong_command_line_ends_with_2_and_can_be_json() {
    let done = run(&["serve", "--clock", "noon"]);
    assert_eq!(done.code, Some(2));
    assert!(
        done.err.contains("noon") && done.err.contains("RFC 3339") || done.err.contains("2025-11-22"),
        "{}",
        done.err
    );

    let done = run(&["--json", "task", "retry"]);
    assert_eq!(done.code, Some(2));
    assert!(
        done.err.starts_with("{\"error\":{\"code\":\"usage\",\"message\":\"the following required"),
        "{}",
        done.err
    );
    assert_eq!(done.out, "");
}

#[test]
fn help_names_the_commands_and_the_exit_codes() {
    let done = run(&["--help"]);
    assert_eq!(done.code, Some(0));
    for word in ["serve", "verify", "--data", "TRADEWIND_DATA", "Exit codes: 0 done; 1 failed"] {
        assert!(done.out.contains(word), "{word} is not in:\n{}", done.out);
    }
    assert!(run(&["--version"]).out.starts_with("tradewind "));
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let done = run(&["completions", shell]);
        assert!(done.code == Some(0) && done.out.contains("tradewind"), "{shell}: {}", done.err);
    }
}

#[test]
fn the_sandbox_is_published() {
    let done = run(&["sandbox", "show"]);
    for word in ["Sandbox Shop", "0010000001", "cashier01", "sandbox-manager", "5101", "may refund"] {
        assert!(done.out.contains(word), "{word} is not in:\n{}", done.out);
    }
    let done = run(&["sandbox", "show", "--json"]);
    assert!(done.out.starts_with('{') && done.out.contains("\"magic\":[{"), "{}", done.out);
}

#[test]
fn interfaces_and_states_are_printed_from_the_code() {
    let done = run(&["dialect", "interfaces", "--json"]);
    assert!(done.out.starts_with("[{\"id\":\"sosopay."), "{}", done.out);
    let done = run(&["docs", "transitions"]);
    assert!(done.code == Some(0) && done.out.contains("| "), "{}", done.out);
}
