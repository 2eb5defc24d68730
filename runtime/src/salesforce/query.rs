//! Queries: text that cannot break out of its quotes, and as few calls as the length of a URL allows.

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::{self, CallError};
use super::{SalesforceClient, id};

/// Salesforce refuses request lines over 16,384 bytes; the host and the path take some.
const QUERY_BYTES_MAX: usize = 15_800;

/// Ids that one query takes: each is some forty bytes of a URL.
const IDS_MAX: usize = 300;

/// A query begins anew so often when its locator ends: with each session, and after ten other queries of the user.
const LOCATORS_MAX: u32 = 3;

/// A record as a query gives it.
pub(super) type Record = Map<String, Value>;

#[derive(Deserialize)]
struct Page {
    records: Vec<Record>,
    done: Option<bool>,
    #[serde(rename = "nextRecordsUrl")]
    next: Option<String>,
}

impl SalesforceClient {
    /// All records of a query, every page.
    ///
    /// # Errors
    /// As every call.
    pub async fn query(&self, soql: &str) -> Result<Vec<Record>, CallError> {
        self.all_pages(&format!("/query?q={}", percent_encoded(soql)))
            .await
    }

    /// Reads every page of a query, from the first again when its locator has ended.
    async fn all_pages(&self, path: &str) -> Result<Vec<Record>, CallError> {
        let mut read = self.every_page(path).await;
        for _ in 0..LOCATORS_MAX {
            match &read {
                Err(error) if error.is_locator_over() => read = self.every_page(path).await,
                _ => break,
            }
        }
        read
    }

    async fn every_page(&self, path: &str) -> Result<Vec<Record>, CallError> {
        let first = self.call(Method::GET, path, None).await?;
        let mut found = page(error::json(&first)?)?;
        let mut records = std::mem::take(&mut found.records);
        while let Some(next) = found.next.take() {
            found = self.more_changes(&next).await?;
            records.append(&mut found.records);
        }
        Ok(records)
    }

    /// All records in which one of the fields has one of its values: `WHERE A IN (..) OR B IN (..)`.
    /// Groups of values that belong together stay in one call: a record may come more than once.
    ///
    /// # Errors
    /// As every call.
    pub async fn query_in(
        &self,
        object: &str,
        select: &[&str],
        fields: &[&str],
        groups: &[Vec<Option<String>>],
    ) -> Result<Vec<Record>, CallError> {
        let mut records = Vec::new();
        for soql in chunked(object, select, fields, groups) {
            records.append(&mut self.query(&soql).await?);
        }
        Ok(records)
    }
}

/// One page of changed records, deleted ones among them.
#[derive(Debug, Clone, Default)]
pub struct ChangesPage {
    pub records: Vec<Record>,
    /// Where the next page is.
    pub next: Option<String>,
}

impl SalesforceClient {
    /// Records whose SystemModstamp is this or later, oldest first, deleted ones too (`IsDeleted`): their first page.
    /// `since` is as Salesforce writes it: `2026-11-24T15:41:49Z`.
    ///
    /// # Errors
    /// As every call.
    pub async fn changes(
        &self,
        object: &str,
        select: &[&str],
        since: Option<&str>,
    ) -> Result<ChangesPage, CallError> {
        let condition = since.map_or(String::new(), |since| {
            format!(" WHERE SystemModstamp >= {since}")
        });
        let soql = format!(
            "SELECT {} FROM {object}{condition} ORDER BY SystemModstamp, Id",
            select.join(",")
        );
        let path = format!("/queryAll?q={}", percent_encoded(&soql));
        page(error::json(&self.call(Method::GET, &path, None).await?)?)
    }

    /// What is left of records that may be deleted, by their ids or another field: `IsDeleted`, `MasterRecordId` where they were merged, the time.
    ///
    /// # Errors
    /// As every call.
    pub async fn with_deleted(
        &self,
        object: &str,
        field: &str,
        ids: &[String],
    ) -> Result<Vec<Record>, CallError> {
        let also = match field {
            "Id" | "MasterRecordId" => String::new(),
            field => format!(",{field}"),
        };
        let mut records = Vec::new();
        for chunk in ids.chunks(IDS_MAX) {
            let quoted: Vec<String> = chunk.iter().map(|id| soql_text(id)).collect();
            let soql = format!(
                "SELECT Id,IsDeleted,MasterRecordId,SystemModstamp{also} FROM {object} WHERE {field} IN ({})",
                quoted.join(",")
            );
            let path = format!("/queryAll?q={}", percent_encoded(&soql));
            records.append(&mut self.all_pages(&path).await?);
        }
        Ok(records)
    }

    /// The page after one that said where it is.
    ///
    /// # Errors
    /// As every call.
    pub async fn more_changes(&self, next: &str) -> Result<ChangesPage, CallError> {
        page(error::json(&self.call_at(Method::GET, next, None).await?)?)
    }
}

fn page(mut page: Page) -> Result<ChangesPage, CallError> {
    for record in &mut page.records {
        if let Some(Value::String(found)) = record.get_mut("Id") {
            *found = id::normalise(found);
        }
    }
    Ok(ChangesPage {
        next: page.next.filter(|_| page.done == Some(false)),
        records: page.records,
    })
}

/// The fewest queries that hold all groups.
fn chunked(
    object: &str,
    select: &[&str],
    fields: &[&str],
    groups: &[Vec<Option<String>>],
) -> Vec<String> {
    let frame = encoded_len(&soql(
        object,
        select,
        fields,
        &vec![vec!["''".to_owned()]; fields.len()],
    ));
    let mut queries = Vec::new();
    let mut lists: Vec<Vec<String>> = vec![Vec::new(); fields.len()];
    let mut length = frame;
    for group in groups {
        let values: Vec<Option<String>> = group
            .iter()
            .map(|value| value.as_deref().map(soql_text))
            .collect();
        let more: usize = values
            .iter()
            .flatten()
            .map(|value| encoded_len(value) + 3)
            .sum();
        if length + more > QUERY_BYTES_MAX && length > frame {
            queries.push(soql(
                object,
                select,
                fields,
                &std::mem::replace(&mut lists, vec![Vec::new(); fields.len()]),
            ));
            length = frame;
        }
        length += more;
        for (list, value) in lists.iter_mut().zip(values) {
            list.extend(value);
        }
    }
    if lists.iter().any(|list| !list.is_empty()) {
        queries.push(soql(object, select, fields, &lists));
    }
    queries
}

fn soql(object: &str, select: &[&str], fields: &[&str], lists: &[Vec<String>]) -> String {
    let conditions: Vec<String> = fields
        .iter()
        .zip(lists)
        .filter(|(_, list)| !list.is_empty())
        .map(|(field, list)| format!("{field} IN ({})", list.join(",")))
        .collect();
    format!(
        "SELECT {} FROM {object} WHERE {}",
        select.join(","),
        conditions.join(" OR ")
    )
}

/// A text in single quotes, escaped as SOQL asks.
pub fn soql_text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for letter in text.chars() {
        match letter {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// RFC 3986: unreserved characters stay, and so do those that a query may hold and SOQL uses much.
fn stays(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.' | b'_' | b'~' | b',' | b'(' | b')' | b'@' | b':'
        )
}

pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + text.len() / 4);
    for byte in text.bytes() {
        if stays(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn encoded_len(text: &str) -> usize {
    text.bytes()
        .map(|byte| if stays(byte) { 1 } else { 3 })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_thousand_people_take_ten_queries() {
        let people: Vec<Vec<Option<String>>> = (0..2_000)
            .map(|n| {
                vec![
                    Some(format!("00000000-0000-4000-8000-{n:012}")),
                    Some(format!("visitor{n}@example.org")),
                ]
            })
            .collect();
        let queries = chunked(
            "Contact",
            &["Id", "Email"],
            &["Ticketure_Identity_Id__c", "Email"],
            &people,
        );
        assert!(queries.len() <= 10, "{}", queries.len());
        assert!(
            queries
                .iter()
                .all(|query| encoded_len(query) <= QUERY_BYTES_MAX + 100)
        );
    }

    #[test]
    fn nothing_to_look_for_is_no_query() {
        assert!(chunked("Contact", &["Id"], &["Email"], &[vec![None]]).is_empty());
    }

    #[test]
    fn quotes_cannot_be_left() {
        assert_eq!(soql_text("O'Neil\\"), "'O\\'Neil\\\\'");
    }
}
