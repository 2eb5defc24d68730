//! What is wrong is said, by line.

use super::*;

fn faults(text: &str) -> Vec<(Option<usize>, String)> {
    let secrets = |name: &str| name.starts_with("USHER_").then(|| "x".to_owned());
    match parse(Path::new("usher.toml"), text, None, &secrets) {
        Ok(_) => Vec::new(),
        Err(error) => error
            .faults
            .into_iter()
            .map(|fault| (fault.line, fault.message))
            .collect(),
    }
}

const GOOD: &str = "environment = \"sandbox\"\n[sandbox]\nlisten = \"127.0.0.1:1\"\nbatch = 10\n[sandbox.salesforce]\nlogin_url = \"https://test.salesforce.com\"\nclient_id = \"c\"\n";

#[test]
fn a_good_file_is_taken() {
    assert_eq!(faults(GOOD), []);
}

#[test]
fn every_mistake_has_its_line() {
    let text = GOOD
        .replace("127.0.0.1:1", "nowhere")
        .replace("= 10", "= 9999")
        .replace("https://", "http://");
    let lines: Vec<Option<usize>> = faults(&text).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [Some(3), Some(4), Some(6)]);
}

#[test]
fn the_reserve_of_api_calls_is_ten_in_a_hundred_or_what_is_said() {
    let reserve = |more: &str| {
        let config = parse(
            Path::new("usher.toml"),
            &format!("{GOOD}{more}"),
            None,
            &|_| Some("s".to_owned()),
        );
        config.map(|config| config.salesforce.reserve_percent)
    };
    assert_eq!(reserve(""), Ok(10));
    assert_eq!(reserve("api_reserve_percent = 0\n"), Ok(0));
    let error = reserve("api_reserve_percent = 95\n").unwrap_err();
    assert!(error.to_string().contains("0 to 90"), "{error}");
}

#[test]
fn the_audience_of_a_jwt_follows_login_url_or_is_named() {
    let audience = |more: &str| {
        let text = format!("{GOOD}username = \"u\"\n{more}");
        let secret = |_: &str| Some("s".to_owned());
        let config = parse(Path::new("usher.toml"), &text, None, &secret).unwrap();
        match config.salesforce.auth {
            runtime::salesforce::Auth::JwtBearer { audience, .. } => audience,
            runtime::salesforce::Auth::ClientCredentials { .. } => "none".to_owned(),
        }
    };
    assert_eq!(audience(""), "https://test.salesforce.com");
    let login = "https://login.salesforce.com";
    assert_eq!(audience(&format!("audience = \"{login}\"\n")), login);
}

#[test]
fn an_unknown_key_is_named() {
    let (line, message) = faults(&GOOD.replace("batch", "bacth")).remove(0);
    assert_eq!(line, Some(4));
    assert!(message.contains("bacth"), "{message}");
}

#[test]
fn a_missing_secret_says_how_to_give_it() {
    let error = parse(Path::new("usher.toml"), GOOD, None, &|_| None).unwrap_err();
    assert!(
        error.to_string().contains("USHER_WEBHOOK_SECRET"),
        "{error}"
    );
    assert!(error.to_string().contains("client_secret_file"), "{error}");
}

#[test]
fn a_missing_section_is_said() {
    let error = parse(Path::new("usher.toml"), GOOD, Some("production"), &|_| None).unwrap_err();
    assert!(error.to_string().contains("[production]"), "{error}");
}
