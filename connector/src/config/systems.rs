//! The two systems' sections.

use runtime::salesforce::{Auth, RESERVE_PERCENT, SalesforceConfig};
use runtime::ticketure::TicketureConfig;
use toml::Spanned;

use super::{Reader, Salesforce, Ticketure};

impl Reader<'_> {
    pub(super) fn salesforce(&mut self, from: &Spanned<Salesforce>) -> SalesforceConfig {
        let at = from.span().start;
        let from = from.get_ref();
        let login_url = from.login_url.get_ref().trim_end_matches('/').to_owned();
        if !login_url.starts_with("https://") && !is_loopback(&login_url) {
            self.fault(
                Some(from.login_url.span().start),
                format!("login_url is `{login_url}`; it begins with https://"),
            );
        }
        let version = from
            .api_version
            .as_ref()
            .map_or("v67.0", |version| version.get_ref().as_str())
            .to_owned();
        let number = version
            .strip_prefix('v')
            .and_then(|number| number.strip_suffix(".0"));
        if number
            .and_then(|number| number.parse::<u32>().ok())
            .is_none_or(|number| number < 60)
        {
            let place = from
                .api_version
                .as_ref()
                .map(|version| version.span().start);
            self.fault(
                place,
                format!("api_version is `{version}`; it is v60.0 or later"),
            );
        }
        if from.client_id.get_ref().is_empty() {
            self.fault(
                Some(from.client_id.span().start),
                "client_id is empty; it is the consumer key of the external client app".to_owned(),
            );
        }
        SalesforceConfig {
            auth: self.auth(from, &login_url, at),
            login_url,
            api_version: version,
            reserve_percent: self.reserve_percent(from.api_reserve_percent.as_ref()),
        }
    }

    fn reserve_percent(&mut self, from: Option<&Spanned<u8>>) -> u8 {
        let percent = from.map_or(RESERVE_PERCENT, |percent| *percent.get_ref());
        if percent > 90 {
            self.fault(
                from.map(|percent| percent.span().start),
                format!("api_reserve_percent is {percent}; it is a number from 0 to 90"),
            );
        }
        percent
    }

    fn auth(&mut self, from: &Salesforce, login_url: &str, at: usize) -> Auth {
        let client_id = from.client_id.get_ref().clone();
        match &from.username {
            Some(username) => {
                let derived = if login_url.contains("test.salesforce.com")
                    || login_url.contains(".sandbox.")
                {
                    "https://test.salesforce.com"
                } else {
                    "https://login.salesforce.com"
                };
                Auth::JwtBearer {
                    client_id,
                    username: username.clone(),
                    audience: from.audience.as_deref().unwrap_or(derived).to_owned(),
                    private_key_pem: self.secret(
                        "USHER_SALESFORCE_PRIVATE_KEY",
                        from.private_key_file.as_ref(),
                        "private_key_file",
                        at,
                    ),
                }
            }
            None => Auth::ClientCredentials {
                client_id,
                client_secret: self.secret(
                    "USHER_SALESFORCE_CLIENT_SECRET",
                    from.client_secret_file.as_ref(),
                    "client_secret_file",
                    at,
                ),
            },
        }
    }

    /// Nothing goes back where the section is missing.
    pub(super) fn ticketure(&mut self, from: &Spanned<Ticketure>) -> TicketureConfig {
        let at = from.span().start;
        let from = from.get_ref();
        let url = from.url.get_ref().trim_end_matches('/').to_owned();
        if !url.starts_with("https://") && !is_loopback(&url) {
            self.fault(
                Some(from.url.span().start),
                format!("url is `{url}`; it begins with https://"),
            );
        }
        let api_key = self.secret(
            "USHER_TICKETURE_API_KEY",
            from.api_key_file.as_ref(),
            "api_key_file",
            at,
        );
        TicketureConfig { url, api_key }
    }
}

/// The simulator speaks plain HTTP on this machine.
fn is_loopback(url: &str) -> bool {
    ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"]
        .iter()
        .any(|start| url.starts_with(start))
}
