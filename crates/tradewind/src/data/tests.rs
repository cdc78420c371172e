//! What the gateway keeps in its folder: made once, for its owner only, and never guessed.

use std::fs::Permissions;

use super::*;

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("tradewind-data-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Scratch(path)
    }

    fn folder(&self) -> DataFolder {
        DataFolder::at(&self.0)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_folder_and_its_secrets_are_made_once_and_for_the_owner() {
    let scratch = Scratch::new("made");
    let folder = scratch.folder();
    folder.prepare().unwrap();
    folder.prepare().unwrap();
    assert_eq!(mode(&scratch.0), 0o700);

    let vault = folder.master_key(None).vault(false).unwrap();
    assert_eq!(mode(&scratch.0.join("master.key")), 0o600);
    assert_eq!(folder.master_key(None).vault(false).unwrap().check_value(), vault.check_value());
    let key = fs::read_to_string(scratch.0.join("master.key")).unwrap();
    assert_eq!(key.trim().len(), 64);

    let token = folder.make_ops_token().unwrap();
    assert_eq!(mode(&folder.ops_token_path()), 0o600);
    assert_eq!(folder.make_ops_token().unwrap(), token);
    assert_eq!(token.expose_str().unwrap().len(), 43, "32 bytes in Base64");
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 2, "nothing else is left behind");
}

#[test]
fn a_file_is_no_folder() {
    let scratch = Scratch::new("file");
    fs::write(&scratch.0, "").unwrap();
    let told = format!("{:#}", scratch.folder().prepare().unwrap_err());
    assert!(told.contains("is a file") && told.contains("--data"), "{told}");
    fs::remove_file(&scratch.0).unwrap();
}

#[test]
fn key_files_that_are_not_as_they_were_made() {
    let check = |name: &str, contents: &str, mode: u32, expected: &str| {
        let scratch = Scratch::new(name);
        scratch.folder().prepare().unwrap();
        let path = scratch.0.join("master.key");
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let told = format!("{:#}", scratch.folder().master_key(None).vault(false).unwrap_err());
        assert!(told.contains(expected) && told.contains("master.key"), "{name}: {told}");
        assert!(contents.is_empty() || !told.contains(contents.trim()), "{name} prints the key: {told}");
        assert_eq!(fs::read_to_string(&path).unwrap(), contents, "{name} was touched");
    };
    let good = "0123456789abcdef".repeat(4);
    check("empty", "", 0o600, "is not a master key: 64 hex digits");
    check("short", &good[1..], 0o600, "is not a master key");
    check("long", &format!("{good}00"), 0o600, "is not a master key");
    check("odd", &good.replace('f', "g"), 0o600, "is not a master key");
    check("group", &good, 0o640, "may be read by others (mode 640)");
    check("world", &good, 0o604, "may be read by others (mode 604)");
}

#[test]
fn a_lost_key_is_not_replaced() {
    let scratch = Scratch::new("lost");
    scratch.folder().prepare().unwrap();
    let check = |elsewhere: Option<&Path>, name: &str| {
        let told = format!("{:#}", scratch.folder().master_key(elsewhere).vault(true).unwrap_err());
        assert!(told.contains("put the key file back") && told.contains(name), "{told}");
        assert!(!scratch.0.join(name).exists());
    };
    check(None, "master.key");
    check(Some(&scratch.0.join("elsewhere.key")), "elsewhere.key");
}

#[test]
fn announcements_come_and_go() {
    let scratch = Scratch::new("announced");
    let folder = scratch.folder();
    folder.prepare().unwrap();
    assert_eq!(folder.announcement().unwrap(), None);
    let announcement = Announcement {
        pid: 7,
        listen: "127.0.0.1:80".parse().unwrap(),
        ops: "[::1]:81".parse().unwrap(),
        started_at_ms: 1,
    };
    folder.announce(&announcement).unwrap();
    assert_eq!(
        fs::read_to_string(scratch.0.join("gateway.json")).unwrap(),
        "{\"pid\":7,\"listen\":\"127.0.0.1:80\",\"ops\":\"[::1]:81\",\"started_at_ms\":1}\n"
    );
    assert_eq!(folder.announcement().unwrap(), Some(announcement));
    folder.withdraw().unwrap();
    folder.withdraw().unwrap();
    assert_eq!(folder.announcement().unwrap(), None);
    fs::write(scratch.0.join("gateway.json"), "{").unwrap();
    assert!(folder.announcement().is_err());
}

#[test]
fn listeners_on_all_addresses_are_reached_on_this_machine() {
    let check = |listen: &str, expected: &str| {
        assert_eq!(reachable(listen.parse().unwrap()).to_string(), expected);
    };
    check("0.0.0.0:8081", "127.0.0.1:8081");
    check("[::]:8081", "[::1]:8081");
    check("10.0.0.1:8081", "10.0.0.1:8081");
}
